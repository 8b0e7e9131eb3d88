//! Metrics of programs and answers: the material of the intrinsic rewards (method specification, section 7) and of
//! telemetry. Cyclomatic complexity and Halstead numbers follow radon's rules, cognitive complexity complexipy's.

use super::{Operation, decode_sources, similarity};
use crate::Sandbox;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One block of the cyclomatic count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CyclomaticBlock {
    /// Name of the function, method or class.
    pub name: String,
    /// `Function`, `Method` or `Class`.
    pub kind: String,
    /// Cyclomatic complexity.
    pub complexity: u32,
}

/// Halstead numbers of a module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Halstead {
    /// Distinct operators.
    pub h1: u32,
    /// Distinct operands.
    pub h2: u32,
    /// Operators.
    #[serde(rename = "N1")]
    pub n1: u32,
    /// Operands.
    #[serde(rename = "N2")]
    pub n2: u32,
    /// h1 + h2.
    pub vocabulary: u32,
    /// N1 + N2.
    pub length: u32,
    /// h1 log2 h1 + h2 log2 h2.
    pub calculated_length: f64,
    /// length x log2 vocabulary.
    pub volume: f64,
    /// h1 N2 / (2 h2).
    pub difficulty: f64,
    /// difficulty x volume.
    pub effort: f64,
    /// effort / 18, seconds.
    pub time: f64,
    /// volume / 3,000.
    pub bugs: f64,
}

/// Metrics of one program. Everything is zero where the source does not parse.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProgramMetrics {
    /// Levels of the syntax tree, the module included.
    pub depth: u32,
    /// Functions, methods and classes with their cyclomatic complexity.
    pub cyclomatic_blocks: Vec<CyclomaticBlock>,
    /// The largest block's complexity, 1 without blocks.
    pub cyclomatic: u32,
    /// Cognitive complexity of the module.
    pub cognitive_complexity: u32,
    /// Halstead numbers.
    pub halstead: Halstead,
    /// The Halstead mix, rounded to three decimals.
    pub halstead_reward: f64,
    /// Cognitive complexity / 15.
    pub complexity_reward: f64,
    /// Class of the exception where the source could not be measured.
    pub failure: Option<String>,
}

/// Metrics of each source.
pub fn metrics(sandbox: &Sandbox, sources: &[impl AsRef<str>]) -> Vec<ProgramMetrics> {
    let failed = |error: super::AnalysisError| ProgramMetrics {
        failure: Some(error.name().to_owned()),
        ..Default::default()
    };
    decode_sources(sandbox, Operation::Metrics, sources)
        .into_iter()
        .map(|answer| answer.unwrap_or_else(failed))
        .collect()
}

/// 1 - similarity of the serialised trees of each pair (not symmetric); 0 where a tree cannot be made. A source that
/// stands in several pairs is parsed once.
pub fn ast_edit_distance(sandbox: &Sandbox, pairs: &[(String, String)]) -> Vec<f64> {
    let distinct: BTreeSet<&str> =
        pairs.iter().flat_map(|(one, other)| [one.as_str(), other.as_str()]).collect();
    let distinct: Vec<&str> = distinct.into_iter().collect();
    let trees: Vec<Option<String>> =
        decode_sources(sandbox, Operation::Tree, &distinct).into_iter().map(Result::ok).collect();
    let tree =
        |source: &String| distinct.binary_search(&source.as_str()).ok().and_then(|at| trees[at].as_ref());
    let distance = |(one, other): &(String, String)| match (tree(one), tree(other)) {
        (Some(one), Some(other)) => similarity::ratio(one, other).map_or(0.0, |ratio| 1.0 - ratio),
        _ => 0.0,
    };
    pairs.iter().map(distance).collect()
}
