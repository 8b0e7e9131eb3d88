//! The short form of the fuzz targets `job` and `program`: every committed seed and mutations of them. That of
//! `protocol` and `analysis`, which look at private parts, stands in `src/fuzzing.rs`; the targets are in `fuzz/`.

#![allow(clippy::unwrap_used, reason = "a panic is the failure")]
#![allow(
    clippy::duplicate_mod,
    clippy::format_collect,
    clippy::needless_pass_by_value,
    reason = "the entries belong to the fuzz crate, where each stands alone and owns what it is given"
)]

#[path = "../fuzz/entries/job.rs"]
mod job;
#[path = "../fuzz/entries/mutate.rs"]
mod mutate;
#[path = "../fuzz/entries/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Programs made of the seeds.
const PROGRAMS: u64 = 300;
/// Programs before each canary.
const BEFORE_A_CANARY: usize = 8;

#[test]
fn any_bytes_are_a_job_or_refused() {
    mutate::for_each("job", 30_000, job::check);
}

#[test]
fn any_program_ends_in_a_verdict_within_its_limits() {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    // A panic on a thread of the sandbox would only show as a crash of that job.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        PANICKED.fetch_or(thread.name().is_some_and(|name| name.starts_with("sandbox")), Ordering::Relaxed);
        before(panic);
    }));
    let cache_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox");
    let range = program::Range::open(Some(cache_dir), Some(1));
    let seeds = mutate::seeds("program");
    let mut inputs: Vec<Vec<u8>> = seeds.iter().map(|(_, data)| data.clone()).collect();
    for seed in 0..PROGRAMS {
        let from = &seeds[seed as usize % seeds.len()].1;
        inputs.push(program::splice(from, seed));
    }
    let mut ended_in: BTreeMap<&str, usize> = BTreeMap::new();
    for inputs in inputs.chunks(BEFORE_A_CANARY) {
        for report in range.check(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
            *ended_in.entry(report.calls[0].verdict.name()).or_default() += 1;
        }
    }
    println!("{ended_in:?}");
    // Programs that only ever reach the parser would prove nothing.
    assert!(ended_in["syntax_error"] * 2 < inputs.len(), "{ended_in:?}");
    assert!(ended_in.len() > 5, "{ended_in:?}");
    assert!(!PANICKED.load(Ordering::Relaxed), "a thread of the sandbox panicked");
}
