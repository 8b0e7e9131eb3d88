//! The suites, one file each.

mod cruxeval;
mod evalplus;
mod livecodebench;
mod math;
mod own;
mod tiny;

pub use cruxeval::CruxSuite;
pub use evalplus::CodeSuite;
pub use livecodebench::LiveCodeSuite;
pub use math::{MATH_SETS, MathSuite};
pub use own::OwnSuite;
pub use tiny::{TinyItem, TinySuite};

use crate::grade::code::Dataset;
use crate::grade::crux::Direction;
use crate::{BenchmarkError, DataFolder, Suite, SuiteOptions, suite_names};
use std::path::Path;

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
        name if MATH_SETS.contains(&name) => Box::new(MathSuite::open(name, data, options)?),
        "livecodebench" => Box::new(LiveCodeSuite::open(data, options)?),
        "cruxeval_i" => Box::new(CruxSuite::open(Direction::Input, data, options)?),
        "cruxeval_o" => Box::new(CruxSuite::open(Direction::Output, data, options)?),
        folder if is_own(folder) => Box::new(OwnSuite::open(Path::new(folder), options)?),
        _ => return Err(BenchmarkError::UnknownSuite { name: name.into(), known: suite_names().join(", ") }),
    })
}

/// Does the name mean a folder with a suite of the user's own?
pub(crate) fn is_own(name: &str) -> bool {
    Path::new(name).join("suite.toml").is_file()
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
