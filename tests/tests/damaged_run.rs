//! What a person gets for a run folder that was damaged, and for a disk that fills up: the record that is at fault,
//! what is still good, the way back; and nothing lost on it.

use azr_tests::skip::skipped;
use azr_tests::{Finished, Fixture, finish, spawn};
use std::process::Command;

/// Exit code 2 and one message with advice that has all `parts`.
#[track_caller]
fn refused(finished: Finished, parts: &[&str]) {
    finished.expect_refusal(parts);
}

/// Settings of a run whose steps take seconds.
const SMALL: [&str; 18] = [
    "--set",
    "rollout.n_proposals=2",
    "--set",
    "rollout.n_solves=2",
    "--set",
    "rollout.max_response_tokens=32",
    "--set",
    "learnability.n_samples=2",
    "--set",
    "seeding.source=identity",
    "--set",
    "run.checkpoint_every=1",
    "--set",
    "run.evaluate_every=0",
    "--set",
    "evaluation.limit=3",
    "--set",
    "evaluation.n_samples=1",
];

fn reproduce<'a>(run: &'a str, steps: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["reproduce", "tiny", "--run-dir", run, "--steps", steps]
        .into_iter()
        .chain(SMALL)
        .chain(more.iter().copied())
        .collect()
}

#[test]
fn a_broken_checkpoint_is_named_and_the_run_kept() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("run", "1", &[])).expect_code(0);
    let before = fixture.read("run/steps.jsonl");
    let checkpoint = fixture.path().join("run/checkpoints/step-1");
    let weights = checkpoint.join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..100]).unwrap();
    refused(fixture.azr(&reproduce("run", "2", &["--resume"])), &["step-1", "model.safetensors"]);
    assert_eq!(fixture.read("run/steps.jsonl"), before, "nothing is lost");
    std::fs::write(&weights, &whole).unwrap();
    fixture.azr(&reproduce("run", "2", &["--resume"])).expect_code(0);
    assert_eq!(fixture.read("run/steps.jsonl").lines().count(), 2);
}

/// A run of two steps with its report, and its records.
fn two_steps(fixture: &Fixture) -> (std::path::PathBuf, String) {
    fixture.azr(&reproduce("run", "2", &[])).expect_code(0);
    (fixture.path().join("run/steps.jsonl"), fixture.read("run/steps.jsonl"))
}

#[test]
fn a_report_refuses_records_that_the_run_did_not_write() {
    let fixture = Fixture::new();
    let (path, whole) = two_steps(&fixture);
    let lines: Vec<&str> = whole.lines().collect();
    let altered = whole.replacen("\"loss\":", "\"loss\":1", 1);
    let first_value = lines[0].find("\"loss\":").map(|place| &lines[0][place..place + 9]);
    assert_ne!(altered, whole, "{first_value:?}");
    for (text, parts) in [
        (altered, ["line 1", "the record of step 1 was altered"]),
        (
            format!("{}\n", lines[1]),
            ["line 1", "the record of step 1 is missing before the record of step 2"],
        ),
        (format!("{}\n{}\n", lines[1], lines[0]), ["line 1", "the record of step 1 is missing"]),
        (
            format!("{}\n", lines[0]),
            ["the record of step 2 is missing at the end", "the first record is intact"],
        ),
        (whole[..whole.len() - 30].to_owned(), ["the record of step 2 is missing at the end", "step-2"]),
        (format!("{}\nnot json\n", lines[0]), ["line 2: no record of a step", "--resume --run-dir run"]),
    ] {
        std::fs::write(&path, text).unwrap();
        let all = [&["run/steps.jsonl"], parts.as_slice()].concat();
        refused(fixture.azr(&["report", "run"]), &all);
        refused(fixture.azr(&["compare", "run", "run"]), &all);
        refused(fixture.azr(&reproduce("run", "3", &["--resume"])), &all);
    }
    std::fs::write(&path, [whole.as_bytes(), b"\xff\xfe\n"].concat()).unwrap();
    refused(
        fixture.azr(&["report", "run"]),
        &["run/steps.jsonl", "line 3", "not text in UTF-8", "the first 2 records"],
    );
    std::fs::remove_file(&path).unwrap();
    refused(fixture.azr(&["report", "run"]), &["the records of steps 1 to 2 are missing"]);
    std::fs::write(&path, &whole).unwrap();
    fixture.azr(&["report", "run"]).expect_code(0);
}

#[test]
fn the_advice_for_a_damaged_record_leads_back_to_the_same_run() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("whole", "2", &[])).expect_code(0);
    let (path, whole) = two_steps(&fixture);
    let first = whole.split_inclusive('\n').next().unwrap();
    std::fs::write(&path, format!("{first}garbage\n")).unwrap();
    refused(
        fixture.azr(&["report", "run"]),
        &["put it aside, make it anew from its first 1 lines, put the checkpoints after step-1 aside"],
    );
    std::fs::write(&path, first).unwrap();
    let checkpoints = fixture.path().join("run/checkpoints");
    std::fs::rename(checkpoints.join("step-2"), checkpoints.join("aside-2")).unwrap();
    fixture.azr(&reproduce("run", "2", &["--resume"])).expect_code(0);
    assert_same(&fixture, "whole", "run", 2);
}

#[test]
fn other_damaged_files_of_a_run_are_named() {
    let fixture = Fixture::new();
    two_steps(&fixture);
    for (file, damage, parts) in [
        (
            "run/config.toml",
            &b"[run\n"[..],
            ["the configuration of the run run is broken", "run/config.toml:1"],
        ),
        ("run/config.toml", b"[run]\nstep = 3\n", ["run/config.toml:2", "unknown key 'run.step'"]),
        ("run/config.toml", b"\xff\xfe", ["run/config.toml", "UTF-8"]),
        ("run/run.json", b"{", ["run/run.json", "put it aside"]),
        ("run/timings.jsonl", b"garbage\n", ["run/timings.jsonl, line 1", "put it aside"]),
        ("run/eval/tiny/step-0/items.jsonl", b"\xff\xfe\n", ["items.jsonl", "put it aside"]),
        ("run/rollouts/step-1.parquet", b"PAR1 and no more", ["run/rollouts/step-1.parquet", "put it aside"]),
    ] {
        let path = fixture.path().join(file);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, damage).unwrap();
        refused(fixture.azr(&["report", "run"]), &parts);
        if file == "run/config.toml" {
            let finished = fixture.azr(&["eval", "tiny", "--model", "run", "--limit", "1"]);
            assert!(finished.code == Some(2) || damage.starts_with(b"[run]"), "{}", finished.stderr);
        }
        std::fs::write(&path, whole).unwrap();
    }
    let parquet = fixture.path().join("run/rollouts/step-1.parquet");
    let whole = std::fs::read(&parquet).unwrap();
    std::fs::write(&parquet, &whole[..whole.len() / 2]).unwrap();
    refused(fixture.azr(&["report", "run"]), &["run/rollouts/step-1.parquet"]);
    std::fs::rename(&parquet, parquet.with_extension("aside")).unwrap();
    fixture.azr(&["report", "run"]).expect_code(0);
}

/// A command for `sh` that runs the program with `arguments` as `"$@"`, in the fixture and its environment.
fn shell(fixture: &Fixture, script: &str, arguments: &[&str]) -> Command {
    let command = fixture.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(arguments);
    shell.current_dir(fixture.path()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell
}

/// Runs the program under a limit on the size of files, the nearest thing to a full disk that needs no rights:
/// writing beyond it fails as on a full disk, with another error number. Records fit, weights do not.
fn with_file_limit(fixture: &Fixture, arguments: &[&str]) -> Finished {
    finish(spawn(&mut shell(fixture, "trap '' XFSZ; ulimit -f 256; exec \"$@\"", arguments)))
}

/// Records, rollouts and weights of two runs are the same bytes.
#[track_caller]
fn assert_same(fixture: &Fixture, first: &str, second: &str, steps: u64) {
    let checkpoint = format!("checkpoints/step-{steps}/model.safetensors");
    let rollouts = (1..=steps).map(|step| format!("rollouts/step-{step}.parquet"));
    for file in rollouts.chain(["steps.jsonl".to_owned(), checkpoint]) {
        let bytes =
            |run: &str| std::fs::read(fixture.path().join(run).join(&file)).expect("both runs have the file");
        assert!(bytes(first) == bytes(second), "{file} differs");
    }
    let timings = fixture.read(&format!("{second}/timings.jsonl"));
    for line in timings.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON");
    }
}

#[test]
fn a_full_disk_ends_the_run_with_a_message_and_resume_completes_it() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("whole", "3", &[])).expect_code(0);
    // At the first checkpoint, with nothing done yet.
    refused(with_file_limit(&fixture, &reproduce("full", "3", &[])), &["full", "--resume"]);
    // In the middle: the record of a step is there, the checkpoint after it is not.
    fixture.azr(&reproduce("full", "1", &["--resume"])).expect_code(0);
    refused(with_file_limit(&fixture, &reproduce("full", "3", &["--resume"])), &["full", "--resume"]);
    let kept = fixture.read("full/steps.jsonl");
    assert_eq!(kept.lines().count(), 2);
    assert!(fixture.read("whole/steps.jsonl").starts_with(&kept), "what was recorded stays");
    fixture.azr(&["report", "full"]).expect_code(0);
    fixture.azr(&reproduce("full", "3", &["--resume"])).expect_code(0);
    assert_same(&fixture, "whole", "full", 3);
}

#[test]
fn a_run_on_a_disk_that_fills_up_loses_nothing() {
    /// A mount of one's own needs rights that not every machine gives.
    const PRIVATE: [&str; 5] = ["--user", "--map-root-user", "--mount", "sh", "-c"];
    let fixture = Fixture::new();
    let probe = "mkdir -p probe && mount -t tmpfs -o size=1m tmpfs probe";
    let mut unshare = Command::new("unshare");
    let mountable = unshare.args(PRIVATE).arg(probe).current_dir(fixture.path()).output();
    if !mountable.is_ok_and(|output| output.status.success()) {
        skipped("no file system of a test's own can be mounted here");
        return;
    }
    fixture.azr(&reproduce("whole", "3", &[])).expect_code(0);
    // Two checkpoints of about 10 MB fit, the third does not; then the disk grows.
    let script = "mkdir disk && mount -t tmpfs -o size=26m tmpfs disk || exit 1
        \"$@\"; echo \"first: $?\" >&2; cp disk/run/steps.jsonl before.jsonl
        mount -o remount,size=200m disk || exit 1
        \"$@\" --resume || exit 1
        cp -r disk/run grown";
    let arguments = reproduce("disk/run", "3", &[]);
    let inner = shell(&fixture, script, &arguments);
    let mut outer = Command::new("unshare");
    outer.args(&PRIVATE[..3]).arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(fixture.path()).env_clear();
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    let finished = finish(spawn(&mut outer)).expect_code(0);
    assert!(finished.stderr.contains("first: 2"), "{}", finished.stderr);
    for part in ["No space left on device", "disk/run", "--resume"] {
        assert!(finished.stderr.contains(part), "'{part}' is missing in\n{}", finished.stderr);
    }
    let before = fixture.read("before.jsonl");
    assert!(before.lines().count() >= 1 && fixture.read("grown/steps.jsonl").starts_with(&before));
    assert_same(&fixture, "whole", "grown", 3);
}

#[test]
fn a_refused_resume_leaves_the_settings_of_the_run_alone() {
    let fixture = Fixture::new();
    fixture.azr(&reproduce("run", "1", &[])).expect_code(0);
    let file = fixture.path().join("run/config.toml");
    let settings = std::fs::read_to_string(&file).expect("the run has its settings");
    let other = reproduce("run", "1", &["--resume", "--set", "update.learning_rate=9e-4"]);
    refused(fixture.azr(&other), &["other settings"]);
    assert_eq!(std::fs::read_to_string(&file).expect("they are still there"), settings);
}

/// An editor or a copy may take the last line's end away: the record is still whole.
#[test]
fn a_last_record_without_its_line_end_is_a_record() {
    let fixture = Fixture::new();
    for steps in ["1", "2"] {
        let run = format!("run{steps}");
        fixture.azr(&reproduce(&run, steps, &[])).expect_code(0);
        let file = fixture.path().join(&run).join("steps.jsonl");
        let whole = std::fs::read_to_string(&file).expect("the run has steps");
        std::fs::write(&file, whole.trim_end()).expect("it can be written");
        fixture.azr(&["report", &run]).expect_code(0);
        fixture.azr(&reproduce(&run, "3", &["--resume"])).expect_code(0);
        let resumed = std::fs::read_to_string(&file).expect("they are still there");
        assert!(resumed.starts_with(&whole) && resumed.lines().count() == 3, "{resumed}");
        fixture.azr(&["report", &run]).expect_code(0);
    }
}
