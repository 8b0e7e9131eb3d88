//! `azr sandbox bench`: how many programs the sandbox runs per second of processor time, beside the ways in which
//! other systems run them.
//!
//! Rates are per processor second (children included), which other work on the machine disturbs least. Rates per
//! second of wall time with one thread and with all show what the cores add.

use crate::clock::{Stopwatch, processor_seconds};
use crate::failure::{Failure, Outcome};
use crate::files::read_json_lines;
use crate::numbers::{self, check_flag};
use crate::{data, output, sandbox};
use anyhow::Context;
use azr_executor::{Job, Limits, Sandbox, StartState, Verdict};
use azr_selfplay::config::ranges::Given;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PEERS: &str = include_str!("peers.py");
/// Programs of the trivial workload.
const TRIVIAL: usize = 1_000;
/// Calls of a proposal: it is run, and run again.
const PROPOSAL_CALLS: usize = 2;
/// Answers to it that are run (n of the learnability reward).
const ANSWERS: usize = 8;
/// Longest result of a recorded program that takes part: one that returns 34 million characters decides every total.
const LONGEST_RESULT: u32 = 100_000;

/// Arguments of `azr sandbox bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with azr-seeds and cruxeval; default: the folder in AZR_DATA. Without one, only trivial programs run.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Seconds for each way of each peer.
    #[arg(long, default_value_t = 4.0)]
    peer_seconds: f64,
    /// The interpreter of the peers; "none" leaves them out [default: python3, where it is there].
    #[arg(long)]
    python: Option<String>,
    /// A checkout of the reference implementation: its own executor is measured as well, on the interpreter of the peers, which
    /// must have what that imports (numpy, pebble, python-dateutil, regex, timeout_decorator, tqdm).
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
    /// Also run this many trivial programs in a row and print the memory of this process before and after.
    #[arg(long, value_name = "N", default_value_t = 0)]
    soak: usize,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// A recorded call.
#[derive(Deserialize)]
struct Row {
    #[serde(alias = "code")]
    snippet: String,
    input: String,
    #[serde(default)]
    imports: Vec<String>,
}

/// Programs and their calls; each program is run in a state of its own.
struct Workload {
    name: &'static str,
    /// For the sandbox.
    jobs: Vec<Job>,
    /// For the peers: the same calls.
    programs: Vec<Sample>,
}

#[derive(Serialize)]
struct Sample {
    program: String,
    calls: Vec<String>,
    /// Arguments of the calls, which are all the same.
    input: String,
}

/// A line of the table.
#[derive(Serialize)]
struct Measured {
    workload: &'static str,
    /// Programs per processor second.
    sandbox: f64,
    /// The same with a new instance for every job.
    new_instances: f64,
    reference: Option<f64>,
    pool: Option<f64>,
    warm: Option<f64>,
    fork: Option<f64>,
    new_process: Option<f64>,
    /// Programs per second of wall time, with one thread and with one a core.
    wall_one_thread: f64,
    wall_all_threads: f64,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    check_flag("--peer-seconds", &numbers::SECONDS, &Given::Real(args.peer_seconds))?;
    check_flag("--soak", &numbers::PROGRAMS, &Given::Whole(args.soak as i128))?;
    check_python(args.python.as_deref())?;
    let folder = args.data.clone().or_else(data::given_folder);
    let all = sandbox::open()?;
    let workloads = workloads(&all, folder.as_deref())?;
    let one = sandbox::open_with(|config| config.threads = Some(1))?;
    let without_reuse = sandbox::open_with(|config| config.reuse = false)?;
    let mut table = Vec::new();
    for workload in &workloads {
        output::note(format!("{}: {} programs", workload.name, workload.programs.len()));
        let peers = peers(args, workload)?;
        // Once to warm up: memory that is kept, processor caches.
        let share = workload.jobs.len() / 4;
        for sandbox in [&all, &one, &without_reuse] {
            sandbox.run_all(&workload.jobs[..share]);
        }
        let (processor, wall_one_thread) = rates(&one, workload);
        table.push(Measured {
            workload: workload.name,
            sandbox: processor,
            new_instances: rates(&without_reuse, workload).0,
            reference: peers.and_then(|peers| peers.reference).map(rate),
            pool: peers.and_then(|peers| peers.pool).map(rate),
            warm: peers.map(|peers| rate(peers.warm)),
            fork: peers.map(|peers| rate(peers.fork)),
            new_process: peers.map(|peers| rate(peers.new)),
            wall_one_thread,
            wall_all_threads: rates(&all, workload).1,
        });
    }
    if args.json {
        output::say_json(&table)?;
    } else {
        print(&table)?;
    }
    if args.soak > 0 {
        soak(&all, &workloads, args.soak);
    }
    Ok(Outcome::Done)
}

/// Memory of this process over a long series of jobs of all workloads.
fn soak(sandbox: &Sandbox, workloads: &[Workload], n: usize) {
    let jobs: Vec<Job> =
        workloads.iter().take(3).flat_map(|workload| workload.jobs.iter().cloned()).collect();
    let part = n.div_ceil(10).max(1);
    for tenth in 0..=10 {
        if let Some(mebibytes) = resident_mebibytes() {
            output::note(format!("{:>8} jobs: {mebibytes} MiB resident", tenth * part));
        }
        if tenth < 10 {
            let batch: Vec<Job> = jobs.iter().cycle().skip(tenth * part).take(part).cloned().collect();
            sandbox.run_all(&batch);
        }
    }
}

/// Resident memory of this process, where the system tells.
fn resident_mebibytes() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some((pages * rustix::param::page_size() as u64) >> 20)
}

fn workloads(sandbox: &Sandbox, folder: Option<&Path>) -> anyhow::Result<Vec<Workload>> {
    let trivial = (0..TRIVIAL).map(|k| single(format!("def f(x):\n    return x + {k}"), "1"));
    let mut workloads = vec![workload("trivial", trivial.collect())];
    let Some(folder) = folder else {
        output::note("no data folder (--data or AZR_DATA): trivial programs only");
        return Ok(workloads);
    };
    let mut seeds: Vec<Row> = Vec::new();
    for name in ["3b_coder_seed_io", "7b_coder_seed_io"] {
        seeds.extend(read_json_lines::<Row>(&folder.join("azr-seeds").join(format!("{name}.jsonl.gz")))?);
    }
    let crux: Vec<Row> = read_json_lines(&folder.join("cruxeval").join("cruxeval.jsonl.gz"))?;
    let whole = |row: &Row| format!("{}\n{}", row.imports.join("\n"), row.snippet);
    let reports = sandbox.run_all(
        &seeds
            .iter()
            .map(|row| {
                let mut job = job(&whole(row), &[format!("f({})", row.input)]);
                job.limits.output_chars = LONGEST_RESULT;
                job
            })
            .collect::<Vec<_>>(),
    );
    let too_long = |verdict: &Verdict| matches!(verdict, Verdict::OutputTooLarge { .. });
    let mut keep = reports.iter().map(|report| !report.calls.iter().any(|call| too_long(&call.verdict)));
    seeds.retain(|_| keep.next().unwrap_or(true));
    workloads.push(workload("azr-seeds", seeds.iter().map(|row| single(whole(row), &row.input)).collect()));
    workloads.push(workload("cruxeval", crux.iter().map(|row| single(whole(row), &row.input)).collect()));
    let units = seeds.iter().map(|row| Sample {
        program: whole(row),
        calls: vec![format!("f({})", row.input); PROPOSAL_CALLS + ANSWERS],
        input: row.input.clone(),
    });
    let mut unit = workload("proposal and 8 answers", units.collect());
    // The answers come later than the proposal: two jobs, each in a state of its own.
    unit.jobs = unit
        .programs
        .iter()
        .flat_map(|program| {
            let (proposal, answers) = program.calls.split_at(PROPOSAL_CALLS);
            [job(&program.program, proposal), job(&program.program, answers)]
        })
        .collect();
    workloads.push(unit);
    Ok(workloads)
}

fn workload(name: &'static str, programs: Vec<Sample>) -> Workload {
    let jobs = programs.iter().map(|program| job(&program.program, &program.calls)).collect();
    Workload { name, jobs, programs }
}

fn single(program: String, input: &str) -> Sample {
    Sample { program, calls: vec![format!("f({input})")], input: input.to_owned() }
}

fn job(program: &str, calls: &[String]) -> Job {
    Job { start: StartState::First, ..Job::new(program, calls.to_vec(), Limits::seconds(10.0)) }
}

/// Programs per second of processor and of wall time.
fn rates(sandbox: &Sandbox, workload: &Workload) -> (f64, f64) {
    let (processor, wall) = (processor_seconds(), Stopwatch::start());
    sandbox.run_all(&workload.jobs);
    let n = workload.programs.len() as f64;
    (n / (processor_seconds() - processor).max(1e-9), n / wall.seconds().max(1e-9))
}

/// Programs, processor seconds.
type Spent = (f64, f64);

#[derive(Clone, Copy, Deserialize)]
struct Peers {
    #[serde(default)]
    reference: Option<Spent>,
    #[serde(default)]
    pool: Option<Spent>,
    warm: Spent,
    fork: Spent,
    new: Spent,
}

fn rate((programs, seconds): Spent) -> f64 {
    programs / seconds.max(1e-9)
}

/// An interpreter that was named must be there.
fn check_python(named: Option<&str>) -> anyhow::Result<()> {
    let Some(python) = named.filter(|python| *python != "none") else { return Ok(()) };
    let started = Command::new(python)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let reason = match started {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let advice = "name another one with --python, or leave the peers out: --python none";
    Err(Failure::new(format!("the interpreter {python} does not start: {reason}"), advice).into())
}

/// Runs the peers; none where there is no interpreter.
fn peers(args: &Args, workload: &Workload) -> anyhow::Result<Option<Peers>> {
    let python = args.python.as_deref().unwrap_or("python3");
    if python == "none" {
        return Ok(None);
    }
    let spawned = Command::new(python)
        .args(["-c", PEERS, &args.peer_seconds.to_string(), &PROPOSAL_CALLS.to_string()])
        .args(&args.reference)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            output::note(format!("no peers: {python} does not start: {error}"));
            return Ok(None);
        }
    };
    let input = serde_json::to_vec(&workload.programs)?;
    // An interpreter that ends early closes the pipe; that it gave no answer is said below.
    let _ = child.stdin.take().context("the peer has no standard input")?.write_all(&input);
    let answer = child.wait_with_output()?;
    let peers = answer
        .stdout
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty())
        .and_then(|line| serde_json::from_slice(line).ok());
    if peers.is_none() {
        output::note(format!("no peers: their program failed under {python}"));
    }
    Ok(peers)
}

fn print(table: &[Measured]) -> anyhow::Result<()> {
    output::say("programs per second of processor time (a program and all its calls)")?;
    output::say(format!(
        "{:<24}{:>9}{:>14}{:>11}{:>8}{:>8}{:>8}{:>13}   wall, 1 thread and all",
        "", "sandbox", "new instances", "reference", "pool", "warm", "fork", "new python3"
    ))?;
    for row in table {
        let peer = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
        output::say(format!(
            "{:<24}{:>9.0}{:>14.0}{:>11}{:>8}{:>8}{:>8}{:>13}   {:.0} and {:.0}",
            row.workload,
            row.sandbox,
            row.new_instances,
            peer(row.reference),
            peer(row.pool),
            peer(row.warm),
            peer(row.fork),
            peer(row.new_process),
            row.wall_one_thread,
            row.wall_all_threads
        ))?;
    }
    output::say(
        "sandbox: full isolation, a fresh state for every program. reference: its own executor with one worker (--reference); pool: one bare Pebble worker, an upper bound of that; warm: one worker on a bare pipe, no time limit; all three without isolation. fork: a process a program from a warm interpreter. new python3: a new interpreter a program.",
    )?;
    Ok(())
}
