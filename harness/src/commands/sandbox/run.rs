//! `azr sandbox run`: one program, some calls, their verdicts. A verdict is never a failure of the command.

use crate::failure::{Failure, Outcome};
use crate::{output, sandbox};
use anyhow::Context;
use azr_executor::{Backend, Job, Limits, ProcessBackend, ProcessConfig, Report};
use std::io::Read;
use std::path::PathBuf;

/// Longest program that is read, in bytes.
const MAX_PROGRAM_BYTES: u64 = 4 << 20;

/// Arguments of `azr sandbox run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with the Python program, or - for standard input.
    program: PathBuf,
    /// Expression to evaluate after the program, e.g. 'f(1, 2)'; may be given several times. They share one namespace.
    #[arg(long = "call", value_name = "EXPR", required = true)]
    calls: Vec<String>,
    /// Time limit of each call in nominal seconds (a fixed amount of work, the same on every machine).
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Memory limit in MiB.
    #[arg(long, default_value_t = 512)]
    memory: u64,
    /// Run from two start states and report calls whose results differ as nondeterministic.
    #[arg(long)]
    twice: bool,
    /// What runs the program: the sandbox, or a locked-down process of this machine's Python, for programs that need numpy
    /// (Linux only; its verdicts can depend on the machine).
    #[arg(long, value_enum, default_value_t = BackendName::Wasm)]
    backend: BackendName,
    /// Interpreter of the process backend.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BackendName {
    Wasm,
    Process,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if !(args.seconds > 0.0 && args.seconds <= 3_600.0) {
        return Err(Failure::new("--seconds must lie between 0 and 3600", "the default is 10").into());
    }
    if !(32..=4_096).contains(&args.memory) {
        return Err(Failure::new("--memory must lie between 32 and 4096 MiB", "the default is 512").into());
    }
    let program = read_program(&args.program)?;
    let limits = Limits { memory_bytes: args.memory << 20, ..Limits::seconds(args.seconds) };
    let jobs = [Job::new(program, args.calls.clone(), limits)];
    let backend = open_backend(args)?;
    let reports = if args.twice { backend.run_twice_all(&jobs) } else { backend.run_all(&jobs) };
    let report = reports.into_iter().next().context("the sandbox gave no report")?;
    if args.json {
        output::say_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(Outcome::Done)
}

fn open_backend(args: &Args) -> anyhow::Result<Box<dyn Backend>> {
    Ok(match args.backend {
        BackendName::Wasm => Box::new(sandbox::open()?),
        BackendName::Process => {
            let config =
                ProcessConfig { python: args.python.clone(), threads: Some(1), ..ProcessConfig::default() };
            let open = |error: azr_executor::ProcessError| {
                Failure::new(
                    error.to_string(),
                    "leave out --backend process, or name another interpreter with --python",
                )
            };
            Box::new(ProcessBackend::open(&config).map_err(open)?)
        }
    })
}

fn read_program(path: &std::path::Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .take(MAX_PROGRAM_BYTES + 1)
            .read_to_end(&mut bytes)
            .context("cannot read the program from standard input")?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_PROGRAM_BYTES + 1).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read the program {}", path.display()))?;
    }
    if bytes.len() as u64 > MAX_PROGRAM_BYTES {
        return Err(Failure::new("the program is longer than 4 MiB", "pass a shorter program").into());
    }
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(format!("the program {} is not UTF-8 text", path.display()), "save it as UTF-8").into()
    })
}

fn print_report(report: &Report) -> anyhow::Result<()> {
    for call in &report.calls {
        if !call.stdout.is_empty() {
            output::say(call.stdout.trim_end_matches('\n'))?;
        }
        output::say(format!("{} -> {}", call.call, verdict_line(&call.verdict)))?;
    }
    Ok(())
}

/// One line for a verdict: its name and whatever it carries.
pub fn verdict_line(verdict: &azr_executor::Verdict) -> String {
    use azr_executor::Verdict;
    match verdict {
        Verdict::Value { text } => text.clone(),
        Verdict::Raised { exception, message } if message.is_empty() => format!("raised {exception}"),
        Verdict::Raised { exception, message } => format!("raised {exception}: {message}"),
        Verdict::SyntaxError { message, line } => format!("syntax error in line {line}: {message}"),
        Verdict::OutputTooLarge { length } => format!("output too large: {length} characters"),
        Verdict::Exited { code } => format!("exited with status {code}"),
        Verdict::MissingModule { name } => format!("missing module {name}"),
        Verdict::Banned { name } => format!("banned name {name}"),
        other => other.name().replace('_', " "),
    }
}
