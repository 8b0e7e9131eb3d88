//! What every suite offers: rows become prompts, completions become graded answers.

use crate::{BenchmarkError, DataFolder, ItemRecord, SuiteOptions};
use azr_executor::Sandbox;
use std::collections::BTreeMap;

/// A prompt and how its completion ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The text to continue.
    pub text: String,
    /// Texts that end the completion.
    pub stop: Vec<String>,
    /// Bound on new tokens by the suite's own rules.
    pub max_new_tokens: usize,
}

/// One completion to grade.
#[derive(Clone, Debug)]
pub struct Response {
    /// Index of the item within the suite.
    pub index: usize,
    /// What the model wrote after the prompt.
    pub completion: String,
}

/// A graded completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graded {
    /// The answer found in the completion (empty if none).
    pub extracted: String,
    /// `pass`, `fail`, `timeout`, `unsupported`, `skipped`, `no_answer`.
    pub verdict: String,
    /// Why, in a few words (empty for a pass).
    pub reason: String,
    /// Does it count as right?
    pub pass: bool,
    /// Fuel spent in the sandbox on it.
    pub fuel: u64,
    /// Further fields of the record, e.g. `base_status`.
    pub details: BTreeMap<String, String>,
}

impl Graded {
    /// A passed answer.
    pub fn passed(extracted: impl Into<String>, fuel: u64) -> Self {
        Self {
            extracted: extracted.into(),
            verdict: "pass".into(),
            reason: String::new(),
            pass: true,
            fuel,
            details: BTreeMap::new(),
        }
    }

    /// An answer that does not count, with its verdict and why.
    pub fn failed(
        extracted: impl Into<String>,
        verdict: impl Into<String>,
        reason: impl Into<String>,
        fuel: u64,
    ) -> Self {
        Self {
            extracted: extracted.into(),
            verdict: verdict.into(),
            reason: reason.into(),
            pass: false,
            fuel,
            details: BTreeMap::new(),
        }
    }
}

/// A benchmark that is loaded and ready.
pub trait Suite: Send + Sync {
    /// Its name on the command line.
    fn name(&self) -> &str;

    /// Options that decide prompts and verdicts, for the record.
    fn settings(&self) -> String;

    /// Number of items.
    fn len(&self) -> usize;

    /// Has it no items?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name of an item, unique within the suite.
    fn item(&self, index: usize) -> &str;

    /// Group of an item for separate figures (the task type in `tiny`); empty if the suite has none. With
    /// groups, the suite's figure is the plain mean of the groups' figures.
    #[expect(clippy::unnecessary_literal_bound, reason = "suites with groups return a text of theirs")]
    fn group(&self, index: usize) -> &str {
        let _ = index;
        ""
    }

    /// The prompt of an item.
    fn prompt(&self, index: usize) -> Prompt;

    /// Has the completion a thought before its answer? `None` where the suite does not ask for one.
    fn has_thought(&self, completion: &str) -> Option<bool> {
        let _ = completion;
        None
    }

    /// What a reader of a graded answer wants to see beside it, each with a label: the first failing input, what was
    /// expected.
    fn evidence(&self, index: usize, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let _ = (index, record);
        Vec::new()
    }

    /// A graded answer as a line that `azr score` reads (and EvalPlus, for its sets): the item and what was judged.
    fn sample(&self, record: &ItemRecord) -> serde_json::Value {
        serde_json::json!({"item": record.item, "completion": record.output})
    }

    /// Finds the answers and judges them; results in the order of `responses`, each independent of the others.
    fn grade(&self, sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded>;
}

/// Names of the suites, in the order of the documentation.
pub fn suite_names() -> &'static [&'static str] {
    &[
        "tiny",
        "tiny_hard",
        "humaneval",
        "humaneval_plus",
        "mbpp",
        "mbpp_plus",
        "aime24",
        "aime25",
        "amc23",
        "math500",
        "minerva",
        "olympiadbench",
        "livecodebench",
        "cruxeval_i",
        "cruxeval_o",
    ]
}

/// Opens a suite: finds its data, checks it and reads it. A folder with a `suite.toml` is a suite of the user's own.
pub fn open_suite(
    name: &str,
    data: &DataFolder,
    options: SuiteOptions,
) -> Result<Box<dyn Suite>, BenchmarkError> {
    crate::suites::open(name, data, options)
}
