//! A run that is killed at any moment, also while it writes a checkpoint, ends as if it had not been; and so does one on any
//! number of threads.
//!
//! `AZR_KILL_MOMENTS=50 cargo test --release -p azr-tests --test kill` is the long form.

use azr_tests::skip::skipped;
use azr_tests::{Fixture, finish, signal, spawn};
use std::time::{Duration, Instant};

const SETTINGS: [&str; 8] = [
    "rollout.n_proposals=3",
    "rollout.n_solves=3",
    "rollout.max_response_tokens=32",
    "learnability.n_samples=2",
    "seeding.seed_batch_factor=2",
    "seeding.max_batches=2",
    "run.checkpoint_every=1",
    "run.evaluate_every=0",
];

fn train<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let settings = SETTINGS.iter().flat_map(|setting| ["--set", setting]);
    ["train", "tiny", "--steps", "4", "--run-dir", run]
        .into_iter()
        .chain(settings)
        .chain(more.iter().copied())
        .collect()
}

fn weights(fixture: &Fixture, run: &str) -> String {
    let value = fixture.azr(&["model", "info", run, "--json"]).expect_code(0).json();
    value["weights"].as_str().expect("a model has a weights hash").to_owned()
}

#[expect(clippy::disallowed_methods, reason = "how long the test takes is the caller's choice")]
fn moments() -> u64 {
    std::env::var("AZR_KILL_MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the moments are spread over the time that a run takes")]
fn a_run_killed_at_any_moment_ends_the_same() {
    let fixture = Fixture::new();
    let started = Instant::now();
    fixture.azr(&train("whole", &[])).expect_code(0);
    let length = started.elapsed();
    let (steps, end) = (fixture.read("whole/steps.jsonl"), weights(&fixture, "whole"));
    let count = moments();
    let mut interrupted = 0;
    for moment in 0..count {
        let run = format!("killed-{moment}");
        let mut child = fixture.start(&train(&run, &[]));
        // Spread evenly, with a remainder that is never the same.
        let share = (moment as f64 + 0.618 * (moment % 7) as f64 / 7.0 + 0.3) / count as f64;
        std::thread::sleep(Duration::from_secs_f64(length.as_secs_f64() * share.min(0.98)));
        if child.try_wait().expect("a child can be asked").is_none() {
            signal(child.id(), "KILL");
            interrupted += 1;
        }
        child.wait().expect("a child can be waited for");
        let resume: &[&str] = if fixture.path().join(&run).is_dir() { &["--resume"] } else { &[] };
        fixture.azr(&train(&run, resume)).expect_code(0);
        assert_eq!(
            fixture.read(&format!("{run}/steps.jsonl")),
            steps,
            "moment {moment}: a record is lost, doubled or other"
        );
        assert_eq!(weights(&fixture, &run), end, "moment {moment}");
        fixture.azr(&["replay", &run]).expect_code(0);
        std::fs::remove_dir_all(fixture.path().join(&run)).expect("a run can be removed");
    }
    assert!(interrupted > 0, "no moment was within the run");
    eprintln!("killed {interrupted} of {count} runs, all ended with weights {}", &end[..16]);
}

/// The steps that a file of JSON lines is about.
fn steps_of(fixture: &Fixture, file: &str) -> Vec<u64> {
    let step = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["step"].as_u64();
    fixture.read(file).lines().map(|line| step(line).expect("a line has its step")).collect()
}

#[test]
fn a_run_killed_over_and_over_has_every_line_once() {
    let fixture = Fixture::new();
    let rare = ["--set", "run.checkpoint_every=2"];
    fixture.azr(&train("whole", &rare)).expect_code(0);
    let mut kills = 0;
    // Each time a little later, so that in between nothing is gained, and in the end the run comes through.
    for moment in 1.. {
        let resume: &[&str] = if fixture.path().join("killed").is_dir() { &["--resume"] } else { &[] };
        let mut child = fixture.start(&train("killed", &[&rare[..], resume].concat()));
        std::thread::sleep(Duration::from_millis(700 * moment));
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            assert!(status.success());
            break;
        }
        signal(child.id(), "KILL");
        child.wait().expect("a child can be waited for");
        kills += 1;
    }
    assert!(kills > 0, "the run was never hit");
    assert_eq!(fixture.read("whole/steps.jsonl"), fixture.read("killed/steps.jsonl"));
    for file in ["killed/steps.jsonl", "killed/timings.jsonl", "killed/telemetry.jsonl"] {
        assert_eq!(steps_of(&fixture, file), [1, 2, 3, 4], "{file} after {kills} kills");
    }
    // Every byte of a checkpoint is the same: the list has the hash of each file.
    for step in [0, 2, 4] {
        let list = |run: &str| fixture.read(&format!("{run}/checkpoints/step-{step}/checkpoint.json"));
        assert_eq!(list("whole"), list("killed"));
    }
}

#[test]
fn a_run_can_be_lengthened_with_another_cadence_and_is_sound() {
    let fixture = Fixture::new();
    let schedule = "update.schedule={ kind = \"hold_then_linear\", hold_steps = 1, floor = 0.1 }";
    let begin = ["--set", schedule, "--set", "run.checkpoint_every=2", "--set", "evaluation.limit=4"];
    let mut arguments = train("run", &begin);
    arguments[3] = "3";
    fixture.azr(&arguments).expect_code(0);
    let first = fixture.read("run/steps.jsonl");
    // As if it had been killed after its third step: that step is played again, under a cadence that would evaluate it.
    std::fs::remove_dir_all(fixture.path().join("run/checkpoints/step-3"))
        .expect("a checkpoint can be removed");
    let more = [&begin[..], &["--resume", "--set", "run.evaluate_every=3"]].concat();
    let mut arguments = train("run", &more);
    arguments[3] = "6";
    let evaluate = arguments.iter().position(|one| *one == "run.evaluate_every=0").expect("a setting");
    arguments[evaluate] = "run.evaluate_every=3";
    fixture.azr(&arguments).expect_code(0);
    let whole = fixture.read("run/steps.jsonl");
    assert!(whole.starts_with(&first) && whole.lines().count() == 6);
    assert!(!whole.lines().nth(2).expect("a third line").contains("\"eval\":{"), "it was not evaluated then");
    assert!(whole.lines().nth(5).expect("a sixth line").contains("\"eval\":{"));
    let audit = fixture.azr(&["replay", "run", "--verify", "--steps", "all"]).expect_code(0);
    assert!(audit.stdout.contains("the record is sound"), "{}", audit.stdout);
    assert!(audit.stdout.contains("played again: the seeding, 1, 2, 3, 4, 5, 6"), "{}", audit.stdout);
}

#[test]
fn any_number_of_threads_gives_the_same_run() {
    let fixture = Fixture::new();
    let mut ends = Vec::new();
    for threads in ["1", "2", "4"] {
        let run = format!("threads-{threads}");
        let mut command = fixture.command(&train(&run, &[]));
        command.env("RAYON_NUM_THREADS", threads);
        finish(spawn(&mut command)).expect_code(0);
        ends.push((fixture.read(&format!("{run}/steps.jsonl")), weights(&fixture, &run)));
    }
    assert_eq!(ends[0], ends[1], "one and two threads");
    assert_eq!(ends[0], ends[2], "one and four threads");
}

/// As when somebody changes the rights of a folder, or a disk refuses writing, under a run.
#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_folder_becomes_read_only_ends_the_same() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let fixture = Fixture::new();
    let root = std::fs::metadata(fixture.path()).expect("the folder is there").uid() == 0;
    // Rights bind the first user only where he has given up to be above them.
    let humble = ["--inh-caps=-all", "--bounding-set=-all"];
    if root
        && !std::process::Command::new("setpriv")
            .args(humble)
            .arg("true")
            .status()
            .is_ok_and(|it| it.success())
    {
        skipped("setpriv is not there, and rights do not bind the first user");
        return;
    }
    fixture.azr(&train("whole", &[])).expect_code(0);

    let plain = fixture.command(&train("shut", &[]));
    let mut command = plain;
    if root {
        let inner = std::mem::replace(&mut command, std::process::Command::new("setpriv"));
        command.args(humble).arg(inner.get_program()).args(inner.get_args()).current_dir(fixture.path());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    }
    let child = spawn(&mut command);
    fixture.wait_for("shut/steps.jsonl", |text| !text.is_empty());
    let folders = ["shut", "shut/checkpoints", "shut/rollouts"].map(|name| fixture.path().join(name));
    let set = |mode: u32| {
        for folder in &folders {
            let rights = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder, rights).expect("the owner sets rights");
        }
    };
    set(0o555);
    let refused = finish(child).expect_code(2);
    assert!(
        refused.stderr.contains("make the folder writable, then go on with --resume"),
        "{}",
        refused.stderr
    );
    set(0o755);
    fixture.azr(&train("shut", &["--resume"])).expect_code(0);
    assert_eq!(fixture.read("shut/steps.jsonl"), fixture.read("whole/steps.jsonl"));
    assert_eq!(weights(&fixture, "shut"), weights(&fixture, "whole"));
    fixture.azr(&["replay", "shut"]).expect_code(0);
}
