//! Same programs, same reports: under any load with any number of threads, and in another build of the guest.

use crate::collection::Program;
use crate::guest::sha256;
use crate::literal::same_result;
use crate::{Job, Report, Sandbox, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// One way to run the programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// In words.
    pub name: String,
    /// Threads that run programs.
    pub threads: usize,
    /// Threads that only keep the cores busy.
    pub busy_threads: usize,
    /// Put instances back to the start state instead of making new ones.
    pub reuse: bool,
    /// From the last program to the first.
    pub backwards: bool,
    /// Programs whose report is not that of the first pass.
    pub differing: usize,
}

/// A program whose report is not that of the first pass, and both reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The pass.
    pub pass: String,
    /// Set and name of the program.
    pub program: String,
    /// The report of the first pass, as JSON.
    pub first: String,
    /// The report of this pass.
    pub here: String,
}

/// What came of all passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StableReport {
    /// Hash of the guest.
    pub guest: String,
    /// Programs of each set.
    pub programs: BTreeMap<String, usize>,
    /// Calls by the name of their verdict.
    pub verdicts: BTreeMap<String, usize>,
    /// SHA-256 of all reports of the first pass, one line of JSON each: equal on all machines.
    pub reports_sha256: String,
    /// The passes, in their order.
    pub passes: Vec<Pass>,
    /// Every report that differs.
    pub differing: Vec<Difference>,
}

/// The passes on a machine of `cores` cores: idle twice, then with every core busy.
pub fn passes(cores: usize) -> Vec<Pass> {
    let pass = |name: &str, threads, busy_threads| Pass {
        name: name.into(),
        threads,
        busy_threads,
        reuse: true,
        backwards: false,
        differing: 0,
    };
    vec![
        pass("idle", cores, 0),
        Pass { backwards: true, ..pass("idle, backwards", cores, 0) },
        pass("busy", cores, cores),
        pass("busy, one thread", 1, cores),
        pass("busy, twice as many threads as cores", 2 * cores, cores),
        Pass { reuse: false, ..pass("busy, a new instance for every program", cores, cores) },
    ]
}

/// Runs the programs in every pass, each in a sandbox that `open` opens for it, and compares the reports byte for byte:
/// verdict, text, stdout, fuel and memory.
pub fn stable<E>(
    programs: &[Program],
    mut passes: Vec<Pass>,
    mut open: impl FnMut(&Pass) -> Result<Sandbox, E>,
) -> Result<StableReport, E> {
    let jobs: Vec<Job> = programs.iter().map(Program::job).collect();
    let mut report = StableReport {
        guest: String::new(),
        programs: BTreeMap::new(),
        verdicts: BTreeMap::new(),
        reports_sha256: String::new(),
        passes: Vec::new(),
        differing: Vec::new(),
    };
    for program in programs {
        *report.programs.entry(program.set.into()).or_default() += 1;
    }
    let mut first: Vec<String> = Vec::new();
    for pass in &mut passes {
        let sandbox = open(pass)?;
        let load = Load::start(pass.busy_threads);
        let reports = run(&sandbox, &jobs, pass.backwards);
        drop(load);
        let lines: Vec<String> = reports.iter().map(line).collect();
        if first.is_empty() {
            sandbox.guest_hash().clone_into(&mut report.guest);
            for call in reports.iter().flat_map(|report| &report.calls) {
                *report.verdicts.entry(call.verdict.name().into()).or_default() += 1;
            }
            report.reports_sha256 = sha256(lines.join("\n").as_bytes());
            first = lines;
            continue;
        }
        let differing =
            programs.iter().zip(first.iter().zip(&lines)).filter(|(_, (first, here))| first != here);
        let before = report.differing.len();
        report.differing.extend(differing.map(|(program, (first, here))| Difference {
            pass: pass.name.clone(),
            program: format!("{} {}", program.set, program.name),
            first: first.clone(),
            here: here.clone(),
        }));
        pass.differing = report.differing.len() - before;
    }
    report.passes = passes;
    Ok(report)
}

fn run(sandbox: &Sandbox, jobs: &[Job], backwards: bool) -> Vec<Report> {
    if !backwards {
        return sandbox.run_all(jobs);
    }
    let jobs: Vec<Job> = jobs.iter().rev().cloned().collect();
    let mut reports = sandbox.run_all(&jobs);
    reports.reverse();
    reports
}

fn line(report: &Report) -> String {
    serde_json::to_string(report).expect("a report is plain data")
}

/// Threads that keep cores busy until they are dropped.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spin = |stop: Arc<AtomicBool>| {
            let mut state = 1_u64;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..100_000 {
                    state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                }
            }
        };
        let threads = (0..threads)
            .map(|_| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || spin(stop))
            })
            .collect();
        Self { stop, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It cannot have panicked: it only counts.
            let _ = thread.join();
        }
    }
}

/// A call whose verdict depends on the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherVerdict {
    /// Set and name of the program.
    pub program: String,
    /// The call.
    pub call: String,
    /// The verdict in the first guest.
    pub first: Verdict,
    /// The verdict in the second.
    pub second: Verdict,
}

/// The same programs in two guests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestComparison {
    /// Programs.
    pub programs: usize,
    /// Programs all of whose calls have the same verdict and value in both. Addresses are left out, and fuel and memory
    /// are not compared: both belong to a build.
    pub agree: usize,
    /// Programs whose reports are the same to the byte, fuel and memory included (but for the name of the guest).
    pub identical: usize,
    /// The calls that differ.
    pub differing: Vec<OtherVerdict>,
}

/// Runs the programs in two guests and compares verdicts and values.
pub fn compare_guests(first: &Sandbox, second: &Sandbox, programs: &[Program]) -> GuestComparison {
    let jobs: Vec<Job> = programs.iter().map(Program::job).collect();
    compare(programs, &first.run_all(&jobs), &second.run_all(&jobs))
}

fn compare(programs: &[Program], first: &[Report], second: &[Report]) -> GuestComparison {
    let mut comparison =
        GuestComparison { programs: programs.len(), agree: 0, identical: 0, differing: vec![] };
    for (program, (first, second)) in programs.iter().zip(first.iter().zip(second)) {
        let before = comparison.differing.len();
        let calls = first.calls.iter().zip(&second.calls);
        let differing = calls.filter(|(first, second)| !same_in_both(&first.verdict, &second.verdict));
        comparison.differing.extend(differing.map(|(first, second)| OtherVerdict {
            program: format!("{} {}", program.set, program.name),
            call: first.call.clone(),
            first: first.verdict.clone(),
            second: second.verdict.clone(),
        }));
        comparison.agree += usize::from(before == comparison.differing.len());
        comparison.identical += usize::from(first.calls == second.calls);
    }
    comparison
}

/// Values by value, messages by text, both without addresses.
fn same_in_both(first: &Verdict, second: &Verdict) -> bool {
    match (first, second) {
        (Verdict::Value { text: first }, Verdict::Value { text: second }) => {
            same_result(first, second) || without_addresses(first) == without_addresses(second)
        }
        (
            Verdict::Raised { exception: first, message: ours },
            Verdict::Raised { exception: second, message: theirs },
        ) => first == second && without_addresses(ours) == without_addresses(theirs),
        (first, second) => first == second,
    }
}

/// The text with every ` at 0x...` cut to ` at 0x`.
fn without_addresses(text: &str) -> String {
    let mut pieces = text.split(" at 0x");
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(" at 0x");
        kept.push_str(piece.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallReport;

    fn report(verdicts: &[Verdict], fuel: u64) -> Report {
        let call = |verdict: &Verdict| CallReport {
            call: "f(1)".into(),
            verdict: verdict.clone(),
            stdout: String::new(),
            fuel,
            memory_bytes: 1,
        };
        Report { guest: fuel.to_string(), calls: verdicts.iter().map(call).collect() }
    }

    #[test]
    fn guests_agree_by_value_and_addresses_belong_to_a_build() {
        let value = |text: &str| Verdict::Value { text: text.into() };
        let raised = |text: &str| Verdict::Raised { exception: "ValueError".into(), message: text.into() };
        let programs: Vec<Program> = (0..6)
            .map(|n| Program {
                set: "s",
                name: n.to_string(),
                source: String::new(),
                calls: vec!["f(1)".into()],
            })
            .collect();
        let pairs = [
            (value("{1, 2}"), value("{2, 1}"), true),
            (value("[<A object at 0x1f>]"), value("[<A object at 0x2e0>]"), true),
            (raised("<A at 0x1> is bad"), raised("<A at 0x2> is bad"), true),
            (value("1"), value("2"), false),
            (raised("a"), raised("b"), false),
            (Verdict::Timeout, value("1"), false),
        ];
        let side = |of: fn(&(Verdict, Verdict, bool)) -> &Verdict, fuel| -> Vec<Report> {
            pairs.iter().map(|pair| report(std::slice::from_ref(of(pair)), fuel)).collect()
        };
        let (first, second) = (side(|pair| &pair.0, 1), side(|pair| &pair.1, 2));
        let compared = compare(&programs, &first, &second);
        let differing: Vec<&str> = compared.differing.iter().map(|call| call.program.as_str()).collect();
        assert_eq!((compared.programs, compared.agree, compared.identical), (6, 3, 0));
        assert_eq!(differing, ["s 3", "s 4", "s 5"]);
        assert_eq!(compare(&programs, &first, &first).identical, 6);
    }

    #[test]
    fn busy_threads_end_when_they_are_dropped() {
        let load = Load::start(2);
        assert!(load.threads.iter().all(|thread| !thread.is_finished()));
        let stop = Arc::clone(&load.stop);
        drop(load);
        assert!(stop.load(Ordering::Relaxed));
        assert_eq!(Arc::strong_count(&stop), 1);
    }

    #[test]
    fn the_passes_cover_idle_and_busy_and_every_number_of_threads() {
        let threads: Vec<(usize, usize)> =
            passes(2).iter().map(|pass| (pass.threads, pass.busy_threads)).collect();
        assert_eq!(threads, [(2, 0), (2, 0), (2, 2), (1, 2), (4, 2), (2, 2)]);
    }
}
