//! The suites, one file each.

mod aime;
mod cruxeval;
mod evalplus;
mod tiny;

pub use aime::MathSuite;
pub use cruxeval::CruxSuite;
pub use evalplus::CodeSuite;
pub use tiny::{TinyItem, TinySuite};

use crate::grade::code::Dataset;
use crate::grade::crux::Direction;
use crate::{BenchmarkError, DataFolder, Suite, SuiteOptions, suite_names};

pub(crate) fn open(
    name: &str,
    data: &DataFolder,
    options: SuiteOptions,
) -> Result<Box<dyn Suite>, BenchmarkError> {
    Ok(match name {
        "tiny" | "tiny_hard" => Box::new(TinySuite::embedded(name, &options)?),
        "humaneval" | "humaneval_plus" => {
            Box::new(CodeSuite::open(Dataset::HumanEval, name == "humaneval_plus", data, options)?)
        }
        "mbpp" | "mbpp_plus" => Box::new(CodeSuite::open(Dataset::Mbpp, name == "mbpp_plus", data, options)?),
        "aime24" | "aime25" | "amc23" => Box::new(MathSuite::open(name, data, options)?),
        "cruxeval_i" => Box::new(CruxSuite::open(Direction::Input, data, options)?),
        "cruxeval_o" => Box::new(CruxSuite::open(Direction::Output, data, options)?),
        _ => return Err(BenchmarkError::UnknownSuite { name: name.into(), known: suite_names().join(", ") }),
    })
}

/// Name and text of the JSON-lines rows of a data file, parsed by serde.
fn rows<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<Vec<T>, BenchmarkError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| BenchmarkError::BadLine {
                file: file.into(),
                line: index + 1,
                message: error.to_string(),
            })
        })
        .collect()
}
