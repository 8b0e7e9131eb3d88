//! Answer diversity, an intrinsic reward of the proposer (method specification, section 7): how rare an answer is among
//! those counted so far, by its text or by its type and its text.

use super::{Operation, decode_sources};
use crate::{Job, Limits, Report, Sandbox, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of answers that are no literal, or that fail to evaluate.
const TEXT_TYPE: &str = "str";

/// Nominal time for evaluating an answer.
const EVALUATION_SECONDS: f64 = 1.0;

/// Counted answers: for each type, in the order of first appearance, how often each text was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeCounters {
    types: Vec<(String, BTreeMap<String, u64>)>,
}

impl TypeCounters {
    /// Counts `answer`, whose type is `type_name`, `count` more times.
    pub fn add(&mut self, type_name: &str, answer: &str, count: u64) {
        let at = self.types.iter().position(|(name, _)| name == type_name).unwrap_or_else(|| {
            self.types.push((type_name.to_owned(), BTreeMap::new()));
            self.types.len() - 1
        });
        *self.types[at].1.entry(answer.to_owned()).or_default() += count;
    }

    /// 1 - frequency of the text among all counted. A text counted under two types keeps the later type's count only, as
    /// in the reference.
    pub fn flat_reward(&self, answer: &str) -> f64 {
        let texts: BTreeMap<&String, u64> = self
            .types
            .iter()
            .flat_map(|(_, texts)| texts.iter().map(|(text, &count)| (text, count)))
            .collect();
        surprise(texts.get(&answer.to_owned()).copied(), texts.values().sum())
    }

    /// Mean of the type's surprise among the types and the text's among those of its type.
    pub fn hierarchical_reward(&self, answer: &str, type_name: &str) -> f64 {
        let total = |texts: &BTreeMap<String, u64>| texts.values().sum::<u64>();
        let texts = self.types.iter().find(|(name, _)| name == type_name).map(|(_, texts)| texts);
        let of_type = texts.map(total);
        let by_type = surprise(of_type, self.types.iter().map(|(_, texts)| total(texts)).sum());
        let by_text = surprise(texts.and_then(|texts| texts.get(answer)).copied(), of_type.unwrap_or(0));
        f64::midpoint(by_type, by_text)
    }
}

/// 1 - count / total; 1 for what was never counted.
fn surprise(count: Option<u64>, total: u64) -> f64 {
    match count {
        Some(count) if total > 0 => 1.0 - count as f64 / total as f64,
        _ => 1.0,
    }
}

/// The type of each answer's text (`int`, `tuple`, ...) under which it is counted: a literal's class, `str` for everything
/// else. Nothing is evaluated.
pub fn determine_type(sandbox: &Sandbox, answers: &[impl AsRef<str>]) -> Vec<String> {
    let types = decode_sources(sandbox, Operation::DetermineType, answers);
    types.into_iter().map(|name| name.unwrap_or_else(|_| TEXT_TYPE.to_owned())).collect()
}

/// The class of each answer's value, `str` where it cannot be evaluated. Each is evaluated in an instance of its own.
pub fn evaluated_types(sandbox: &Sandbox, answers: &[impl AsRef<str>]) -> Vec<String> {
    let job = |answer: &str| {
        // A JSON string is a Python literal of the same text.
        let call = format!("type(eval({})).__name__", serde_json::Value::from(answer));
        Job::new("", vec![call], Limits::seconds(EVALUATION_SECONDS))
    };
    let jobs: Vec<Job> = answers.iter().map(|answer| job(answer.as_ref())).collect();
    let name = |report: &Report| {
        let verdict = report.calls.first().map(|call| &call.verdict);
        verdict.and_then(Verdict::value).map_or(TEXT_TYPE, |text| text.trim_matches('\'')).to_owned()
    };
    sandbox.run_all(&jobs).iter().map(name).collect()
}

/// The diversity reward of each answer against the same counters.
pub fn type_counts_reward(
    sandbox: &Sandbox,
    answers: &[impl AsRef<str>],
    counters: &TypeCounters,
    hierarchical: bool,
) -> Vec<f64> {
    if !hierarchical {
        return answers.iter().map(|answer| counters.flat_reward(answer.as_ref())).collect();
    }
    let types = evaluated_types(sandbox, answers);
    answers
        .iter()
        .zip(types)
        .map(|(answer, name)| counters.hierarchical_reward(answer.as_ref(), &name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::TypeCounters;

    fn close(got: f64, want: f64) -> bool {
        (got - want).abs() < 1e-12
    }

    #[test]
    fn an_unseen_answer_is_a_full_surprise() {
        assert!(close(TypeCounters::default().flat_reward("1"), 1.0));
        assert!(close(TypeCounters::default().hierarchical_reward("1", "int"), 1.0));
    }

    #[test]
    fn the_only_answer_is_none() {
        let mut counters = TypeCounters::default();
        counters.add("int", "1", 2);
        counters.add("int", "1", 1);
        assert!(close(counters.flat_reward("1"), 0.0));
        assert!(close(counters.hierarchical_reward("1", "int"), 0.0));
        assert!(close(counters.hierarchical_reward("2", "int"), 0.5));
    }

    #[test]
    fn a_text_under_two_types_keeps_the_later_count() {
        let mut counters = TypeCounters::default();
        counters.add("str", "1", 3);
        counters.add("int", "1", 2);
        counters.add("int", "2", 2);
        assert!(close(counters.flat_reward("1"), 0.5));
    }
}
