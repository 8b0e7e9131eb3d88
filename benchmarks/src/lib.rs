//! Benchmark suites: data sets, prompts, answer extraction, graders, pass@k and paired statistics.
//!
//! One suite is one file under `suites/`; how its answers are judged is one file under `grade/`. A suite turns
//! rows of data into prompts, and completions into graded answers; [`evaluate()`] runs one on any
//! [`azr_model::Generate`] and keeps `eval/<suite>/items.jsonl` and `metrics.json`; [`score()`] grades samples
//! that another tool made. Model text is executed in the sandbox and nowhere else.
//!
//! Where the reference tools behave oddly, mode `paper` does as they do and mode `clean` does what is sound;
//! the rules are restated in each grader's own documentation.

pub mod cache;
pub mod data;
mod error;
pub mod evaluate;
pub mod grade;
mod metrics;
mod options;
pub mod passk;
mod prompts;
pub mod python_data;
pub mod remote;
pub mod score;
pub mod statistics;
mod suite;
pub mod suites;
#[cfg(test)]
mod test_data;
#[cfg(test)]
mod test_model;
#[cfg(test)]
mod test_sandbox;

pub use data::{DataFolder, DataLocation};
pub use error::BenchmarkError;
pub use evaluate::{Decoding, EvaluateConfig, Progress, evaluate};
pub use metrics::{DecodingMetrics, GroupMetrics, ItemRecord, Metrics};
pub use options::{ChatTemplate, Mode, Profile, PromptSource, SuiteOptions, TimeRules};
pub use prompts::ReferencePrompts;
pub use score::{ScoreConfig, ScoreSummary, score};
pub use suite::{Graded, Prompt, Response, Suite, open_suite, suite_names};
