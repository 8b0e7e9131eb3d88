//! What a guest or a child process reports, and the frames of the process backend.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azr_executor::fuzzing::protocol(data));
