//! Jobs, limits, reports, seed rows, attack files and literals.
#![no_main]

#[path = "../entries/job.rs"]
mod job;

libfuzzer_sys::fuzz_target!(|data: &[u8]| job::check(data));
