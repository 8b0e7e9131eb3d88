//! A soak of the daemon: random editing clients and training at the same time, for minutes.
//!
//! `cargo run --release -p azr-tests --example soak -- MINUTES [EDITORS] [SEED]` prints a report in Markdown; exit code 1
//! when a reply was missed or wrong, or the daemon grew. The built program is the one that the tests use.

#![expect(clippy::disallowed_methods, reason = "a soak is about time, and about one process of this machine")]
#![expect(clippy::print_stdout, reason = "a program for people")]

use azr_tests::language_client::{Home, LanguageClient};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Growth of the daemon from the end of the first fifth to the end that counts as a leak, as a share.
const MAX_GROWTH: f64 = 0.15;
/// What a client may be told besides an answer: a cancelled request, and what a broken or busy document gives.
const EXPECTED: [&str; 2] = ["BadProgram", "Overloaded"];

/// A seeded sequence; the soak's course depends on the machine's speed anyway.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// What happened, by kind of request.
#[derive(Default)]
struct Tally {
    ms: BTreeMap<&'static str, Vec<f64>>,
    cancelled: usize,
    expected_refusals: usize,
    wrong: Vec<String>,
    sessions: usize,
    killed: usize,
}

/// One editor with one document.
struct Editor<'a> {
    home: &'a Home,
    client: LanguageClient,
    draws: Draws,
    uri: String,
    text: String,
    version: i64,
    tally: Tally,
}

const PIECES: [&str; 10] = [
    "def g(a, b=2):\n    return [a] * b\n",
    "assert f(3) == 7\n",
    "x = g(1, 3)\n",
    "# f(4) -> 9\n",
    "s = '\u{1f600}'; y = f(10)\n",
    "broken = (\n",
    "def slow(n):\n    while n:\n        n += 1\n    return n\n",
    "slow(1)\n",
    "import os\ndef files(p):\n    return os.listdir(p)\nfiles('.')\n",
    "f(1)\nf(2)\nf('ab')\nf([1, 2])\n",
];
const BASE: &str = "def f(a):\n    return a * 2\n\n\nf(21)\n";

impl<'a> Editor<'a> {
    fn open(home: &'a Home, number: usize, seed: u64) -> Self {
        let client = home.editor(&["lsp"]);
        let mut editor = Self {
            home,
            client,
            draws: Draws(seed | 1),
            uri: format!("file:///soak/module{number}.py"),
            text: String::new(),
            version: 0,
            tally: Tally::default(),
        };
        editor.begin();
        editor
    }

    fn begin(&mut self) {
        self.tally.sessions += 1;
        self.client.initialize(&json!({}));
        BASE.clone_into(&mut self.text);
        self.version = 1;
        self.client.open(&self.uri, &self.text);
    }

    /// Places count UTF-16 units, as nothing else was negotiated.
    fn place(&self, offset: usize) -> Value {
        let before = &self.text[..offset];
        let line = before.rsplit('\n').next().unwrap_or_default();
        json!({ "line": before.matches('\n').count(), "character": line.encode_utf16().count() })
    }

    fn boundary(&mut self) -> usize {
        let mut offset = self.draws.below(self.text.len() + 1);
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    fn edit(&mut self) {
        self.version += 1;
        let change = if self.text.len() > 6_000 {
            BASE.clone_into(&mut self.text);
            json!({ "text": self.text })
        } else {
            let (one, other) = (self.boundary(), self.boundary());
            let begin = one.min(other);
            let mut end = (one.max(other)).min(begin + 40);
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
            // Half of the edits add whole lines at the end, so that files are mostly sound.
            let (begin, end, new) = match self.draws.below(4) {
                0 => (begin, end, self.draws.one(&PIECES)),
                1 => (begin, begin, self.draws.one(&["(", ")", "1", " ", "\n", "é", "\u{1f600}", "def "])),
                _ => (self.text.len(), self.text.len(), self.draws.one(&PIECES)),
            };
            let range = json!({ "start": self.place(begin), "end": self.place(end) });
            self.text.replace_range(begin..end, new);
            json!({ "range": range, "text": new })
        };
        let document = json!({ "uri": self.uri, "version": self.version });
        self.client.notify(
            "textDocument/didChange",
            &json!({ "textDocument": document, "contentChanges": [change] }),
        );
    }

    /// Asks, perhaps cancels, and checks that one reply comes and what it is.
    fn ask(&mut self, kind: &'static str, method: &str, params: &Value, cancel: bool) -> Option<Value> {
        let began = Instant::now();
        let id = self.client.ask(method, params);
        if cancel {
            self.client.notify("$/cancelRequest", &json!({ "id": id }));
        }
        let mut reply = self.client.reply(id);
        self.client.aside.clear();
        if let Some(error) = reply.get("error") {
            let known = error["data"]["kind"].as_str().is_some_and(|kind| EXPECTED.contains(&kind));
            if cancel && error["code"] == -32800 {
                self.tally.cancelled += 1;
            } else if known {
                self.tally.expected_refusals += 1;
            } else {
                self.tally.wrong.push(format!("{kind}: {error}"));
            }
            return None;
        }
        if !cancel {
            self.tally.ms.entry(kind).or_default().push(began.elapsed().as_secs_f64() * 1e3);
        }
        Some(reply["result"].take())
    }

    /// One thing that a person with an editor does.
    fn act(&mut self) {
        let document = json!({ "uri": self.uri });
        let offset = self.boundary();
        let position = self.place(offset);
        let everything = json!({ "start": self.place(0), "end": self.place(self.text.len()) });
        let cancel = self.draws.below(8) == 0;
        match self.draws.below(20) {
            0..=7 => self.edit(),
            8..=10 => drop(self.ask("hover", "textDocument/hover", &json!({ "textDocument": document, "position": position }), cancel)),
            11 => drop(self.ask("hints", "textDocument/inlayHint", &json!({ "textDocument": document, "range": everything }), cancel)),
            12 => drop(self.ask("lenses", "textDocument/codeLens", &json!({ "textDocument": document }), cancel)),
            13 => drop(self.ask("actions", "textDocument/codeAction", &json!({ "textDocument": document, "range": everything, "context": { "diagnostics": [] } }), cancel)),
            14..=15 => self.execute(cancel),
            16 => drop(self.ask("deduce", "azr/deduce", &json!({ "program": BASE, "input": "7", "budget": { "ms": 1_000, "tokens": 24, "samples": 2 } }), cancel)),
            17 => drop(self.ask("abduce", "azr/abduce", &json!({ "program": BASE, "output": "14", "budget": { "ms": 1_000, "tokens": 24, "samples": 2 } }), cancel)),
            18 => drop(self.ask("status", "azr/status", &json!({}), false)),
            _ => self.leave(),
        }
    }

    /// A question whose answer is known.
    fn execute(&mut self, cancel: bool) {
        let number = self.draws.below(1_000_000);
        let params = json!({ "program": BASE, "input": number.to_string() });
        if let Some(answer) = self.ask("execute", "azr/execute", &params, cancel)
            && answer["value"].as_str() != Some(format!("{}", 2 * number).as_str())
        {
            self.tally.wrong.push(format!("f({number}) is said to be {answer}"));
        }
    }

    /// Closes and opens the document, ends the session, or dies.
    fn leave(&mut self) {
        match self.draws.below(6) {
            0 => {
                if self.client.shut_down() != Some(0) {
                    self.tally.wrong.push("a session did not end with code 0".to_owned());
                }
            }
            1 => {
                azr_tests::signal(self.client.child.id(), "KILL");
                self.tally.killed += 1;
            }
            _ => {
                self.client.notify("textDocument/didClose", &json!({ "textDocument": { "uri": self.uri } }));
                BASE.clone_into(&mut self.text);
                self.version = 1;
                self.client.open(&self.uri, &self.text);
                return;
            }
        }
        self.client = self.home.editor(&["lsp"]);
        self.begin();
    }
}

/// The daemon at a moment.
#[derive(Clone, Copy)]
struct Sample {
    minute: f64,
    mib: f64,
    threads: usize,
    files: usize,
}

fn sample(pid: u32, began: Instant) -> Option<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok())
    };
    Some(Sample {
        minute: began.elapsed().as_secs_f64() / 60.0,
        mib: field("VmRSS:")? / 1024.0,
        threads: field("Threads:")? as usize,
        files: std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count(),
    })
}

/// Runs editors until the time is over; what went wrong in one does not end the others.
fn editors(home: &Arc<Home>, count: usize, seed: u64, over: &Arc<AtomicBool>) -> Vec<Tally> {
    let tallies = Arc::new(Mutex::new(Vec::new()));
    let threads: Vec<_> = (0..count)
        .map(|number| {
            let (home, over, tallies) = (Arc::clone(home), Arc::clone(over), Arc::clone(&tallies));
            std::thread::spawn(move || {
                let mut editor = Editor::open(&home, number, seed + number as u64 * 7_919);
                while !over.load(Ordering::SeqCst) {
                    let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| editor.act()));
                    if acted.is_err() {
                        editor.tally.wrong.push("a reply was missed, or the server ended".to_owned());
                        editor.client = home.editor(&["lsp"]);
                        editor.begin();
                    }
                    // A person pauses, too; the machine is not the editors' alone.
                    std::thread::sleep(Duration::from_millis(editor.draws.below(60) as u64));
                }
                tallies.lock().expect("no panic holds it").push(std::mem::take(&mut editor.tally));
            })
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
    Arc::into_inner(tallies).expect("the threads have ended").into_inner().expect("no panic holds it")
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 - 1.0) * share).round().max(0.0) as usize).copied().unwrap_or(f64::NAN)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: f64| {
        arguments.get(index).map_or(default, |text| text.parse().expect("a number"))
    };
    let (minutes, count, seed) = (number(0, 30.0), number(1, 4.0) as usize, number(2, 1.0) as u64);
    let home = Arc::new(Home::new());
    home.azr(&["daemon", "start", "--keep"]).expect_code(0);
    let pid = home.daemon();
    let mut trainer = home.editor(&["lsp"]);
    trainer.initialize(&json!({}));
    let settings = json!({
        "run": { "steps": 1_000_000, "checkpoint_every": 20, "evaluate_every": 0 },
        "rollout": { "n_proposals": 4, "n_solves": 4, "max_response_tokens": 48 },
        "learnability": { "n_samples": 2 },
        "seeding": { "seed_batch_factor": 2, "max_batches": 3 },
    });
    let folder = home.fixture.path().join("run").display().to_string();
    let run = trainer.request("azr/train/start", &json!({ "config": settings, "runDir": folder }));

    let began = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let watch = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            let mut samples = Vec::new();
            while !over.load(Ordering::SeqCst) {
                samples.extend(sample(pid, began));
                std::thread::sleep(Duration::from_secs(5));
            }
            samples
        })
    };
    let timer = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs_f64(minutes * 60.0));
            over.store(true, Ordering::SeqCst);
        })
    };
    let mut tallies = editors(&home, count, seed, &over);
    let _ = timer.join();
    let samples = watch.join().expect("the watch ends");
    let stopped = trainer.request("azr/train/stop", &json!({ "runId": run["runId"] }));
    let same = home.daemon() == pid;
    let log = home.azr(&["daemon", "logs", "-n", "100000"]).stdout;
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
    let right = report(minutes, count, seed, &samples, &mut tallies, &stopped, same, &errors);
    drop(trainer);
    drop(home);
    std::process::exit(i32::from(!right));
}

#[expect(clippy::too_many_arguments, reason = "the parts of one report")]
fn report(
    minutes: f64,
    count: usize,
    seed: u64,
    samples: &[Sample],
    tallies: &mut [Tally],
    stopped: &Value,
    same: bool,
    errors: &[&str],
) -> bool {
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let (sessions, killed) = (sum(|one| one.sessions), sum(|one| one.killed));
    let (cancelled, refusals) = (sum(|one| one.cancelled), sum(|one| one.expected_refusals));
    let wrong: Vec<String> = tallies.iter_mut().flat_map(|one| std::mem::take(&mut one.wrong)).collect();
    let mut by_kind: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for tally in tallies.iter_mut() {
        for (kind, ms) in std::mem::take(&mut tally.ms) {
            by_kind.entry(kind).or_default().extend(ms);
        }
    }
    println!("# Soak of the daemon: {count} random editors and training, {minutes} minutes\n");
    println!("`cargo run --release -p azr-tests --example soak -- {minutes} {count} {seed}`\n");
    println!("| request | answered | p50 ms | p95 ms | longest ms |\n|---|---|---|---|---|");
    for (kind, ms) in &mut by_kind {
        let (half, most, all) = (percentile(ms, 0.5), percentile(ms, 0.95), percentile(ms, 1.0));
        println!("| {kind} | {} | {half:.1} | {most:.1} | {all:.1} |", ms.len());
    }
    println!("\n| minute | MiB | threads | open files |\n|---|---|---|---|");
    let every = (samples.len() / 12).max(1);
    for one in samples.iter().step_by(every).chain(samples.last()) {
        println!("| {:.1} | {:.1} | {} | {} |", one.minute, one.mib, one.threads, one.files);
    }
    // The first fifth fills caches and pools; then means of a fifth, because training allocates and frees.
    let mean = |part: &[Sample]| part.iter().map(|one| one.mib).sum::<f64>() / part.len().max(1) as f64;
    let fifth = (samples.len() / 5).max(1);
    let early = mean(&samples[fifth.min(samples.len())..(2 * fifth).min(samples.len())]);
    let late = mean(&samples[samples.len().saturating_sub(fifth)..]);
    let growth = late / early - 1.0;
    println!("\n* sessions: {sessions}, of which {killed} were killed with SIGKILL");
    println!("* cancelled requests, answered as such: {cancelled}");
    println!("* refusals of what cannot be run, or came too fast: {refusals}");
    println!("* missed or wrong replies: {}", wrong.len());
    println!(
        "* training stopped at step {} with a checkpoint: {}",
        stopped["step"],
        stopped["checkpoint"].is_string()
    );
    println!("* the same process from beginning to end: {same}");
    println!("* errors in the log: {}", errors.len());
    println!("* memory, mean of the second fifth to mean of the last: {:+.1} %", growth * 100.0);
    for line in wrong.iter().map(String::as_str).chain(errors.iter().copied()).take(20) {
        println!("    {line}");
    }
    wrong.is_empty() && errors.is_empty() && same && growth < MAX_GROWTH
}
