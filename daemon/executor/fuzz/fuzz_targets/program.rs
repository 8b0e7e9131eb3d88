//! Programs in the whole sandbox. `AZR_CACHE` names the folder of the compiled guest; without it, minutes are spent on
//! compiling it first.
#![no_main]

#[path = "../entries/program.rs"]
mod program;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::sync::OnceLock;

#[expect(clippy::disallowed_methods, reason = "the edge: where compiled code is kept is no part of a result")]
fn open() -> program::Range {
    program::Range::open(std::env::var_os("AZR_CACHE").map(Into::into), Some(1))
}

fuzz_target!(|data: &[u8]| {
    static RANGE: OnceLock<program::Range> = OnceLock::new();
    drop(RANGE.get_or_init(open).check(&[data]));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let spliced = program::splice(&data[..size], u64::from(seed));
    let length = spliced.len().min(max_size);
    data[..length].copy_from_slice(&spliced[..length]);
    length
});
