//! Texts in the parts of the program analysis that run on the host.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azr_executor::fuzzing::analysis(data));
