//! The suites, one file each.

use crate::{BenchmarkError, DataFolder, Suite, SuiteOptions, suite_names};

pub(crate) fn open(
    name: &str,
    data: &DataFolder,
    options: SuiteOptions,
) -> Result<Box<dyn Suite>, BenchmarkError> {
    let _ = (data, options);
    Err(BenchmarkError::UnknownSuite { name: name.into(), known: suite_names().join(", ") })
}
