//! Loads and faults: many clients at once, many documents one after the other, a disk that is full.

use azr_tests::language_client::{Home, LanguageClient};
use azr_tests::skip::skipped;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "def f(a):\n    return a * 2\n";

fn editor(home: &Home, arguments: &[&str]) -> LanguageClient {
    let mut editor = home.editor(arguments);
    editor.initialize(&json!({}));
    editor
}

#[test]
fn sixty_four_clients_are_served_at_once() {
    const CLIENTS: u64 = 64;
    let home = Home::new();
    let mut first = editor(&home, &["lsp"]);
    let mut others: Vec<LanguageClient> = (1..CLIENTS).map(|_| home.editor(&["lsp"])).collect();
    for other in &mut others {
        other.initialize(&json!({}));
    }
    let status = first.request("azr/status", &json!({}));
    assert_eq!(status["daemon"]["clients"], CLIENTS, "{status}");
    // All ask before any answer is read.
    let asked: Vec<i64> = (0u64..)
        .zip(&mut others)
        .map(|(number, other)| {
            let uri = format!("file:///client{number}.py");
            other.open(&uri, PROGRAM);
            other.ask("azr/execute", &json!({ "program": PROGRAM, "input": number.to_string() }))
        })
        .collect();
    for (number, (other, id)) in (0u64..).zip(others.iter_mut().zip(asked)) {
        let reply = other.reply(id);
        assert_eq!(reply["result"]["value"], (2 * number).to_string(), "{reply}");
    }
    for mut other in others {
        assert_eq!(other.shut_down(), Some(0));
    }
    for _ in 0..200 {
        if first.request("azr/status", &json!({}))["daemon"]["clients"] == 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(
        first.request("azr/status", &json!({}))["daemon"]["clients"],
        1,
        "those who go are not counted"
    );
    assert_eq!(first.shut_down(), Some(0));
}

/// Resident memory of a process in KiB.
fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

/// Opens, changes and closes documents of their own names and texts; gives the memory after the first part and at the end.
fn cycle(editor: &mut LanguageClient, pid: u32, warm: usize, cycles: usize) -> (u64, u64) {
    let mut early = 0;
    for number in 0..cycles {
        let uri = format!("file:///cycle{number}.py");
        let text = format!("NUMBER = {number}\n\n\n{}\n\nf({number})\n", PROGRAM.repeat(40));
        editor.open(&uri, &text);
        let place = json!({ "line": 0, "character": 0 });
        editor.notify(
            "textDocument/didChange",
            &json!({
                "textDocument": { "uri": uri, "version": 2 },
                "contentChanges": [{ "range": { "start": place, "end": place }, "text": "# changed\n" }],
            }),
        );
        if number % 10 == 0 {
            editor.request("textDocument/codeLens", &json!({ "textDocument": { "uri": uri } }));
        }
        editor.notify("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
        if number % 50 == 0 {
            editor.request("azr/status", &json!({}));
            editor.aside.clear();
        }
        if number + 1 == warm {
            editor.request("azr/status", &json!({}));
            early = resident_kib(pid).expect("the process lives");
        }
    }
    editor.request("azr/status", &json!({}));
    (early, resident_kib(pid).expect("the process lives"))
}

/// Says how the daemon's memory grew, which must be less than `most`.
fn memory_stays_flat(warm: usize, cycles: usize, most: f64) -> String {
    if !Path::new("/proc/self/status").is_file() {
        skipped("no /proc here to read the memory of a process from");
        return String::new();
    }
    let home = Home::new();
    let mut editor = editor(&home, &["lsp"]);
    // Model and sandbox are there before the first look.
    editor.request(
        "azr/deduce",
        &json!({ "program": PROGRAM, "input": "1", "budget": { "tokens": 4, "samples": 1 } }),
    );
    let pid = home.daemon();
    let (early, late) = cycle(&mut editor, pid, warm, cycles);
    let growth = late as f64 / early as f64 - 1.0;
    let said =
        format!("{early} KiB after {warm} cycles, {late} KiB after {cycles}: {:+.2} %", growth * 100.0);
    assert!(growth < most, "{said}");
    assert_eq!(editor.shut_down(), Some(0));
    said
}

#[test]
fn documents_that_are_closed_leave_no_memory_behind() {
    println!("{}", memory_stays_flat(200, 1_000, 0.03));
}

#[test]
#[ignore = "takes a minute or more: cargo test --release -p azr-tests --test faults -- --ignored --nocapture"]
fn ten_thousand_documents_leave_no_memory_behind() {
    println!("{}", memory_stays_flat(1_000, 10_000, 0.01));
}

/// A file system of a few megabytes; it goes with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, mib: usize) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder can be made");
        let options = format!("size={mib}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        if !done.is_ok_and(|output| output.status.success()) {
            skipped("a small file system cannot be mounted here (that needs root)");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    fn grow(&self, mib: usize) {
        let options = format!("remount,size={mib}m");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()), "the file system can grow");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn end_of_run(editor: &mut LanguageClient, run: &Value) -> Value {
    editor.request("azr/train/subscribe", &json!({ "runId": run["runId"], "fromStep": 0 }));
    editor.wait_for(|message| {
        let kind = &message["params"]["kind"];
        message["method"] == "azr/train/event" && (*kind == "done" || *kind == "error")
    })
}

#[test]
fn a_full_disk_ends_the_run_and_nothing_else() {
    const STEPS: u64 = 4;
    let home = Home::new();
    let at = home.fixture.path().join("small");
    // One checkpoint of the embedded model fits, a second does not.
    let Some(disk) = SmallDisk::mount(&at, 36) else { return };
    let settings = json!({
        "run": { "steps": STEPS, "checkpoint_every": 1, "evaluate_every": 0 },
        "rollout": { "n_proposals": 2, "n_solves": 2, "max_response_tokens": 32 },
        "learnability": { "n_samples": 2 },
        "seeding": { "seed_batch_factor": 1, "max_batches": 1 },
    });
    let mut editor = editor(&home, &["lsp"]);
    let folder = at.join("run").display().to_string();
    let run = editor.request("azr/train/start", &json!({ "config": settings, "runDir": folder }));
    let end = end_of_run(&mut editor, &run);
    let message = end["params"]["metrics"]["message"].as_str().unwrap_or_default();
    assert!(end["params"]["kind"] == "error" && message.contains("No space left"), "{end}");
    // The daemon goes on as if nothing had happened.
    let answer = editor.request("azr/execute", &json!({ "program": PROGRAM, "input": "21" }));
    assert_eq!(answer["value"], "42");
    assert_eq!(editor.request("azr/status", &json!({}))["training"], Value::Null);
    // With room again the run goes on from its last whole checkpoint.
    disk.grow(256);
    let again = json!({ "config": settings, "runDir": folder, "resume": true });
    let run = editor.request("azr/train/start", &again);
    let end = end_of_run(&mut editor, &run);
    assert_eq!((&end["params"]["kind"], &end["params"]["step"]), (&json!("done"), &json!(STEPS)), "{end}");
    let steps = std::fs::read_to_string(at.join("run/steps.jsonl")).expect("the record can be read");
    assert_eq!(steps.lines().count() as u64, STEPS, "no step is missing and none is there twice");
    assert_eq!(editor.shut_down(), Some(0));
    home.azr(&["daemon", "stop"]).expect_code(0);
    drop(disk);
}
