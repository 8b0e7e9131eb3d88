//! The entry points of the fuzz targets (`fuzz/`) to what is private: each takes any bytes, and panics where something
//! that is promised does not hold. No part of the crate but for the fuzzer and for the tests below.

pub use crate::analysis::fuzzing::check as analysis;
#[cfg(target_os = "linux")]
pub use crate::process::fuzzing::check as protocol;

#[cfg(test)]
#[path = "../fuzz/entries/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::mutate;

    #[test]
    #[cfg(target_os = "linux")]
    fn any_report_of_a_child_is_mapped_within_its_limits() {
        mutate::for_each("protocol", 50_000, super::protocol);
    }

    #[test]
    fn any_text_goes_through_the_analysis_on_the_host() {
        mutate::for_each("analysis", 30_000, super::analysis);
    }
}
