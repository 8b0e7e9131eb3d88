//! Any bytes as a program in the whole sandbox: every run ends in a verdict within its limits, a second run gives the
//! same report, and a canary that runs afterwards notices nothing.
//!
//! An input is a program whose lines `#: limits FUEL MEMORY OUTPUT RECURSION FLAGS` and `#: call EXPRESSION` say how
//! it is run. `splice` changes a program as a programmer would: whole blocks move, come from the attack suite or are
//! wrapped, words and numbers are exchanged. Bytes changed blindly would only ever reach the parser.

#[path = "draws.rs"]
mod draws;
#[path = "limits.rs"]
mod limits;

use azr_executor::{CallReport, Job, Limits, Report, Sandbox, SandboxConfig, StartState, Verdict, attack};
use draws::Draws;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Most fuel of a call, 0.04 nominal seconds, and most memory: there are many runs.
const MOST_FUEL: u64 = 1_000_000_000;
const MOST_MEMORY_BYTES: u64 = 96 << 20;
const MOST_CALLS: usize = 3;
const CANARY: &str = include_str!("../../attacks/canary.py");

/// A sandbox, and what the canary says where nothing else has run.
pub struct Range {
    sandbox: Sandbox,
    untouched: [Report; 2],
}

impl Range {
    /// With one thread every canary runs in the instance of the program before it, if that is used again.
    pub fn open(cache_dir: Option<PathBuf>, threads: Option<usize>) -> Self {
        let open = || {
            let config = SandboxConfig { cache_dir: cache_dir.clone(), threads, ..Default::default() };
            Sandbox::open(&config).expect("the embedded guest can be opened")
        };
        let fresh = open();
        let untouched = [StartState::First, StartState::Second].map(|start| fresh.run(&canary(start)));
        let well = |report: &Report| report.calls.iter().all(|call| call.verdict.value().is_some());
        assert!(untouched.iter().all(well), "{untouched:?}");
        Self { sandbox: open(), untouched }
    }

    /// Runs every input twice and then the canaries. What the inputs came to is returned.
    pub fn check(&self, inputs: &[&[u8]]) -> Vec<Report> {
        let jobs: Vec<Job> = inputs.iter().map(|data| read(data)).collect();
        let twice = jobs.iter().flat_map(|job| [job.clone(), job.clone()]);
        let canaries = [StartState::First, StartState::Second]
            .into_iter()
            .filter(|start| jobs.iter().any(|job| job.start == *start));
        let all: Vec<Job> = twice.chain(canaries.clone().map(canary)).collect();
        let mut reports = self.sandbox.run_all(&all).into_iter();
        let mut kept = Vec::with_capacity(jobs.len());
        for job in &jobs {
            let (first, second) = (reports.next().expect("a report"), reports.next().expect("a report"));
            check_report(job, &first);
            assert_eq!(first, second, "another report the second time: {job:?}");
            kept.push(first);
        }
        for start in canaries {
            let canary = reports.next().expect("a report of the canary");
            assert_eq!(canary, self.untouched[start as usize], "the canary after {jobs:?}");
        }
        kept
    }
}

fn canary(start: StartState) -> Job {
    let calls = ["facts()", "everything()"].map(str::to_owned).to_vec();
    Job { start, ..Job::new(CANARY, calls, Limits::seconds(1.0)) }
}

fn check_report(job: &Job, report: &Report) {
    let asked: Vec<&String> = report.calls.iter().map(|call| &call.call).collect();
    assert_eq!(asked, job.calls.iter().collect::<Vec<_>>());
    for call in &report.calls {
        assert!(call.fuel <= job.limits.fuel, "{} units of fuel: {job:?}", call.fuel);
        assert!(call.memory_bytes <= job.limits.memory_bytes, "{} bytes: {job:?}", call.memory_bytes);
        limits::check(call, &job.limits);
    }
}

/// The job that the bytes stand for.
pub fn read(data: &[u8]) -> Job {
    let text = String::from_utf8_lossy(data);
    let mut program = String::new();
    let mut calls = Vec::new();
    // Fuel, memory, output, recursion, flags.
    let mut numbers = [MOST_FUEL / 2, 64 << 20, 2_000, 1_000, 0];
    for line in text.split_inclusive('\n') {
        if let Some(call) = line.strip_prefix("#: call ").filter(|_| calls.len() < MOST_CALLS) {
            calls.push(call.trim_end_matches('\n').to_owned());
        } else if let Some(words) = line.strip_prefix("#: limits ") {
            for (number, word) in numbers.iter_mut().zip(words.split_whitespace()) {
                *number = word.parse().unwrap_or(*number);
            }
        } else {
            program.push_str(line);
        }
    }
    if calls.is_empty() {
        calls.push("f(1)".to_owned());
    }
    let [fuel, memory_bytes, output_chars, recursion, flags] = numbers;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let limits = Limits {
        fuel: fuel.min(MOST_FUEL),
        memory_bytes: memory_bytes.min(MOST_MEMORY_BYTES),
        output_chars: small(output_chars),
        recursion: small(recursion),
    };
    let start = if flags & 1 == 0 { StartState::First } else { StartState::Second };
    Job { start, fresh_namespace: flags & 2 != 0, ..Job::new(program, calls, limits) }
}

/// What stands around a block that is wrapped, and whether the block is indented under it.
const WRAPPERS: [(&str, &str); 10] = [
    ("for _ in range(3):", ""),
    ("while True:", ""),
    ("if x:", "else: pass"),
    ("try:", "except BaseException as error: print(repr(error))"),
    ("try:", "finally: pass"),
    ("def f(x):", ""),
    ("class A(dict):", ""),
    ("async def f(x):", ""),
    ("with __import__('contextlib').suppress(Exception):", ""),
    ("def __del__(self):", ""),
];
const WORDS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "2 ** 31",
    "2 ** 63",
    "10 ** 9",
    "1e308",
    "float('nan')",
    "None",
    "True",
    "''",
    "'é' * 1000",
    "b'\\0'",
    "[]",
    "{}",
    "object()",
    "x",
    "f",
    "self",
    "__builtins__",
    "f(x)",
    "lambda *a: f",
];
const SETTINGS: [&str; 10] =
    ["0", "1", "2", "10", "100", "1000", "20000000", "100000000", "4294967295", "18446744073709551615"];

/// Another program: a few changes of `data` that keep most of its lines whole.
pub fn splice(data: &[u8], seed: u64) -> Vec<u8> {
    static ATTACKS: OnceLock<Vec<attack::Attack>> = OnceLock::new();
    let attacks = ATTACKS.get_or_init(attack::attacks);
    let mut draws = Draws(seed);
    let text = String::from_utf8_lossy(data);
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for _ in 0..=draws.below(4) {
        let donor = &attacks[draws.below(attacks.len())];
        let donor: Vec<String> = donor.program.lines().map(str::to_owned).collect();
        let at = draws.below(lines.len());
        match draws.below(9) {
            0 | 1 => {
                let from = draws.below(donor.len());
                let piece = block(&donor, from);
                insert(&mut lines, at, &donor[piece]);
            }
            2 => {
                let piece = lines[block(&lines, at)].to_vec();
                let to = draws.below(lines.len() + 1);
                insert(&mut lines, to, &piece);
            }
            3 => drop(lines.drain(block(&lines, at))),
            4 => {
                let range = block(&lines, at);
                let indent = indent(&lines[at]).to_owned();
                let (before, after) = WRAPPERS[draws.below(WRAPPERS.len())];
                let inner = lines[range.clone()].iter().map(|line| format!(" {line}"));
                let mut piece: Vec<String> =
                    std::iter::once(format!("{indent}{before}")).chain(inner).collect();
                piece.extend((!after.is_empty()).then(|| format!("{indent}{after}")));
                drop(lines.splice(range, piece));
            }
            5 => lines.extend(donor),
            6 => {
                let settings: Vec<&str> = (0..5).map(|_| draws.of(&SETTINGS)).collect();
                lines.push(format!("#: limits {}", settings.join(" ")));
            }
            7 => lines.push(format!("#: call {}", draws.of(&WORDS))),
            _ => lines[at] = with_another_word(&lines[at], &donor, &mut draws),
        }
        if lines.is_empty() {
            lines.push("def f(x): return x".to_owned());
        }
    }
    lines.join("\n").into_bytes()
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The line and those below it that are indented deeper.
fn block(lines: &[String], first: usize) -> std::ops::Range<usize> {
    let depth = lines.get(first).map_or(0, |line| indent(line).len());
    let deeper = |line: &&String| line.trim().is_empty() || indent(line).len() > depth;
    let below = lines.iter().skip(first + 1).take_while(deeper).count();
    first..(first + 1 + below).min(lines.len())
}

/// Inserts the lines with the indentation of the line that stands there.
fn insert(lines: &mut Vec<String>, at: usize, piece: &[String]) {
    let outer = lines.get(at).map_or("", |line| indent(line)).to_owned();
    let inner = piece.first().map_or(0, |line| indent(line).len());
    let moved: Vec<String> =
        piece.iter().map(|line| format!("{outer}{}", line.get(inner..).unwrap_or(line))).collect();
    drop(lines.splice(at..at, moved));
}

/// The line with one of its words exchanged for one of the donor's, or for a value that is rarely expected.
fn with_another_word(line: &str, donor: &[String], draws: &mut Draws) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let ranges = |line: &str| {
        let mut found: Vec<std::ops::Range<usize>> = Vec::new();
        for (at, c) in line.char_indices().filter(|(_, c)| is_word(*c)) {
            match found.last_mut() {
                Some(last) if last.end == at => last.end = at + c.len_utf8(),
                _ => found.push(at..at + c.len_utf8()),
            }
        }
        found
    };
    let here = ranges(line);
    if here.is_empty() {
        return line.to_owned();
    }
    let from = &donor[draws.below(donor.len())];
    let there = ranges(from);
    let word = if there.is_empty() || draws.below(2) == 0 {
        draws.of(&WORDS)
    } else {
        &from[there[draws.below(there.len())].clone()]
    };
    let range = here[draws.below(here.len())].clone();
    format!("{}{word}{}", &line[..range.start], &line[range.end..])
}
