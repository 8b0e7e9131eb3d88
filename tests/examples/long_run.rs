//! Do steps stay as fast and the process as small over a long run? The authors of the method report that both grow.
//!
//! `cargo run --release -p azr-tests --example long_run -- [STEPS]` trains `tiny` for that many steps (2,000 by default) with small batches and
//! a learning rate at which the policy does not move, so that lengths stay what they are; prints a report in Markdown; exit
//! code 1 where the last fifth takes longer or holds more than the second one by the shares below.

#![expect(clippy::print_stdout, reason = "a program for people")]

use azr_tests::Fixture;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

const STEPS: usize = 2_000;
const SETTINGS: [&str; 7] = [
    "update.learning_rate=1e-12",
    "rollout.n_proposals=3",
    "rollout.n_solves=6",
    "learnability.n_samples=2",
    "run.checkpoint_every=100",
    "run.checkpoints_kept=2",
    "run.evaluate_every=0",
];
/// Parts of the run that are compared.
const PARTS: usize = 10;
/// Growth that counts: of the time of a token that is learned from or generated, and of memory.
const MOST: (f64, f64) = (0.15, 0.10);

fn lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Memory of a process that lives, in MiB.
fn resident_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().map(|kib: f64| kib / 1024.0).ok()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Tokens of all responses of a step.
fn tokens(record: &Value) -> f64 {
    let groups = record["groups"].as_object().expect("a record has groups");
    let of = |group: &Value| {
        group["n"].as_f64().unwrap_or(0.0) * group["response_tokens_mean"].as_f64().unwrap_or(0.0)
    };
    groups.values().map(of).sum()
}

fn main() {
    let steps = std::env::args().nth(1).map_or(STEPS, |text| text.parse().expect("a number of steps"));
    let fixture = Fixture::new();
    let count = steps.to_string();
    let mut command =
        fixture.command(&["train", "tiny", "--seed", "1", "--steps", &count, "--run-dir", "run"]);
    command.args(SETTINGS.iter().flat_map(|setting| ["--set", setting]));
    // Its progress fills a pipe that nobody empties.
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the built program can be started");
    let mut memory = BTreeMap::new();
    while child.try_wait().expect("a child can be asked").is_none() {
        std::thread::sleep(Duration::from_millis(500));
        let done = std::fs::read_to_string(fixture.path().join("run/timings.jsonl"))
            .map_or(0, |text| text.lines().count());
        if let Some(mib) = resident_mib(child.id()).filter(|_| done > 0) {
            memory.insert(done, mib);
        }
    }
    assert!(child.wait().expect("a child can be waited for").success(), "the run ends well");

    let (records, timings) =
        (lines(&fixture.read("run/steps.jsonl")), lines(&fixture.read("run/timings.jsonl")));
    assert_eq!((records.len(), timings.len()), (steps, steps), "a line a step");
    println!("    cargo run --release -p azr-tests --example long_run -- {steps}\n");
    println!("Medians. {}.\n", SETTINGS.join(", "));
    println!(
        "| steps | s a step | response tokens a step | ms a token | memory, MiB | entries of the buffers |"
    );
    println!("|---|---|---|---|---|---|");
    let seconds = |timing: &Value| timing["seconds"]["total"].as_f64().unwrap_or(0.0);
    let mut parts = Vec::new();
    for part in 0..PARTS {
        let range = part * steps / PARTS..(part + 1) * steps / PARTS;
        let a_token =
            median(range.clone().map(|step| 1e3 * seconds(&timings[step]) / tokens(&records[step])));
        let held = median(memory.range(range.start + 1..=range.end).map(|(_, mib)| *mib));
        let buffers: u64 = records[range.end - 1]["buffers"]
            .as_object()
            .map_or(0, |buffers| buffers.values().filter_map(Value::as_u64).sum());
        println!(
            "| {}-{} | {:.3} | {:.0} | {a_token:.3} | {held:.0} | {buffers} |",
            range.start + 1,
            range.end,
            median(timings[range.clone()].iter().map(seconds)),
            median(range.clone().map(|step| tokens(&records[step]))),
        );
        parts.push((a_token, held));
    }
    let grew = |of: fn(&(f64, f64)) -> f64| {
        let (early, late) = (parts[1..3].iter().map(of), parts[PARTS - 2..].iter().map(of));
        late.sum::<f64>() / early.sum::<f64>() - 1.0
    };
    let (time, held) = (grew(|part| part.0), grew(|part| part.1));
    println!(
        "\nFrom the second to the last fifth: time a token {:+.1} %, memory {:+.1} %.",
        time * 100.0,
        held * 100.0
    );
    if time > MOST.0 || held > MOST.1 {
        println!("That is growth.");
        std::process::exit(1);
    }
}
