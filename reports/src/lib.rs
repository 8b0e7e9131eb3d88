//! Tables, plots and pages from run folders.
//!
//! This crate reads files and nothing else: no other crate of the project is a dependency, so a report
//! can be made from any run folder, on any machine, also by hand or from another program's files.
//! Everything it shows can be recomputed from the folder; it holds no state of its own.
//!
//! What is read (all but `steps.jsonl` may be absent; what is absent is left out of the page):
//!
//! | path in the run folder | content |
//! |---|---|
//! | `config.toml` | the resolved configuration, shown as it is |
//! | `run.json` | provenance: code version, seed, hashes, machine |
//! | `steps.jsonl` | one line a step: groups, learnability, loss, gradient norm |
//! | `timings.jsonl` | one line a step: `step`, `seconds` (a number, or one a part) |
//! | `rollouts/step-N.parquet` | one row a rollout |
//! | `eval/<suite>/step-N/items.jsonl` | one row an answer of an evaluation after step N (step 0: the base model) |
//! | `eval/<suite>/items.jsonl` | the same without a step: taken as the state at the end |
//!
//! A row of `items.jsonl` has `item`, `pass` and, where it applies, `group` (the task type), `decoding`
//! (`greedy` or `sampled`), `sample`, `output`, `extracted`, `verdict`, `tokens`, `thought`. Without
//! `decoding` a row is greedy. Without `group` the part of `item` before the first slash names it.
//!
//! Limits: a file is read whole, at most [`run::MAX_FILE_BYTES`]; texts of models are shown escaped and
//! cut to [`examples::MAX_SHOWN_CHARS`].

pub mod compare;
pub mod curves;
mod error;
pub mod evaluation;
pub mod examples;
pub mod html;
pub mod paper;
mod plot;
pub mod run;
pub mod statistics;
pub mod tables;
pub mod terminal;

pub use compare::Comparison;
pub use error::Error;
pub use html::write_report;
pub use run::Run;
