//! Questions and answers as they stand in the protocol: parameters and results of `azr/execute`, `azr/deduce`,
//! `azr/abduce` and `azr/induce`, in camelCase.

use crate::Claim;
use serde::{Deserialize, Serialize};

/// What a question may cost. Absent parts have the defaults of [`Budget::or_default`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// New tokens of each sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// Milliseconds, after which the answer is what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Samples of the model; 0 leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
}

impl Budget {
    /// Most new tokens of a sample.
    pub const MAX_TOKENS: usize = 8_192;
    /// Most samples.
    pub const MAX_SAMPLES: usize = 64;
    /// Longest time, in milliseconds.
    pub const MAX_MS: u64 = 600_000;

    /// Tokens, milliseconds and samples within their bounds: 256 tokens, 5 s and 8 samples where nothing is given.
    pub fn or_default(budget: Option<Self>) -> (usize, u64, usize) {
        let budget = budget.unwrap_or_default();
        (
            budget.tokens.unwrap_or(256).clamp(1, Self::MAX_TOKENS),
            budget.ms.unwrap_or(5_000).min(Self::MAX_MS),
            budget.samples.unwrap_or(8).min(Self::MAX_SAMPLES),
        )
    }
}

/// `azr/execute`: runs one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecuteQuestion {
    /// Python source that defines the function.
    pub program: String,
    /// Arguments of the call, as they stand between its brackets.
    pub input: String,
    /// The function; by default `f`, else the last one of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Nominal seconds; 2 by default, 10 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// `azr/deduce`: what does the function return?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeduceQuestion {
    /// Python source that defines the function.
    pub program: String,
    /// Arguments of the call.
    pub input: String,
    /// The function; by default `f`, else the last one of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What it may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Seed of the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// `azr/abduce`: for which input does the function return this?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AbduceQuestion {
    /// Python source that defines the function.
    pub program: String,
    /// The value wanted.
    pub output: String,
    /// The function; by default `f`, else the last one of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Inputs that are known to be of the right kind, from calls elsewhere in the file: the search begins there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_inputs: Vec<String>,
    /// What it may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Seed of samples and search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// An input with its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Arguments of the call.
    pub input: String,
    /// The value.
    pub output: String,
}

/// `azr/induce`: which function does this?
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InduceQuestion {
    /// Inputs with their outputs.
    pub examples: Vec<Example>,
    /// What the function does, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many of the last examples no candidate is made or chosen from; by default a third of three or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<usize>,
    /// What it may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Seed of the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Who gave an answer. Whether it is right is always for the executor to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Running the program.
    Executor,
    /// Trying what fits the types.
    Search,
    /// The model.
    Model,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElapsedMs {
    /// The model at work, the longest sample.
    pub model: f64,
    /// The sandbox at work, search included.
    pub execute: f64,
    /// Waiting for the model.
    pub queue: f64,
}

/// Why a run gave no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunError {
    /// The exception's class, or the name of the verdict.
    pub kind: String,
    /// Its text.
    pub message: String,
}

/// Result of `azr/execute`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecuteAnswer {
    /// `repr` of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What the call printed.
    pub stdout: String,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    /// Name of the sandbox's verdict: `value`, `raised`, `timeout`, ...
    pub verdict: String,
    /// Did two runs with different clocks and seeds agree?
    pub deterministic: bool,
    /// Updates that the model had seen; none took part.
    pub model_version: Option<u64>,
    /// Times.
    pub elapsed_ms: ElapsedMs,
}

/// A value that the model gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueCandidate {
    /// The value.
    pub value: String,
    /// Samples that gave it.
    pub count: usize,
    /// What execution says.
    pub verdict: Claim,
    /// Who gave it.
    pub source: Source,
}

/// Result of `azr/deduce`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeduceAnswer {
    /// What most samples of the model say.
    pub predicted: Option<String>,
    /// What execution gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Of the prediction; where the model said nothing, of the executed value.
    pub verdict: Claim,
    /// Where the answer (`actual`, else `predicted`) comes from.
    pub source: Source,
    /// Why execution gave no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    /// The thought before the prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// All that the model said, most frequent first.
    pub candidates: Vec<ValueCandidate>,
    /// Updates that the model had seen.
    pub model_version: Option<u64>,
    /// Times.
    pub elapsed_ms: ElapsedMs,
}

/// An input that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputCandidate {
    /// Arguments of the call.
    pub input: String,
    /// Does the function return the wanted value for it?
    pub verdict: Claim,
    /// Who found it.
    pub source: Source,
    /// Samples of the model that gave it.
    pub count: usize,
}

/// Result of `azr/abduce`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AbduceAnswer {
    /// Verified inputs first.
    pub inputs: Vec<InputCandidate>,
    /// `verified` where one of them is, else the verdict of the first.
    pub verdict: Claim,
    /// Different inputs that were run.
    pub tried: usize,
    /// The thought before the model's verified input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// Updates that the model had seen.
    pub model_version: Option<u64>,
    /// Times.
    pub elapsed_ms: ElapsedMs,
}

/// How many examples a program gets right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Right ones.
    pub passed: usize,
    /// All.
    pub total: usize,
}

/// A program that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramCandidate {
    /// The program.
    pub program: String,
    /// `verified` where it is right on all examples.
    pub verdict: Claim,
    /// Who wrote it.
    pub source: Source,
    /// Shown examples that it gets right.
    pub passed: usize,
    /// Shown examples.
    pub total: usize,
    /// The same for the examples held out.
    pub held_out: Passed,
}

/// Result of `azr/induce`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InduceAnswer {
    /// The best program.
    pub program: Option<String>,
    /// Shown examples that it gets right.
    pub passed: usize,
    /// Shown examples.
    pub total: usize,
    /// The same for the examples held out.
    pub held_out: Passed,
    /// `verified` where it is right on all examples.
    pub verdict: Claim,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The thought before the model's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    /// The best ones, the chosen one first.
    pub candidates: Vec<ProgramCandidate>,
    /// Different programs that were judged.
    pub tried: usize,
    /// Updates that the model had seen.
    pub model_version: Option<u64>,
    /// Times.
    pub elapsed_ms: ElapsedMs,
}
