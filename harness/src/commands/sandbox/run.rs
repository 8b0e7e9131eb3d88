//! `azr sandbox run`: one program, some calls (or, without any, a script with its standard input), their verdicts. A
//! verdict is never a failure of the command.

use crate::failure::{Failure, Outcome};
use crate::numbers::{self, check_flag};
use crate::{output, sandbox};
use anyhow::Context;
use azr_executor::{Backend, Job, Limits, ProcessBackend, ProcessConfig, Report, Verdict};
use azr_selfplay::config::ranges::Given;
use std::io::Read;
use std::path::PathBuf;

/// Longest program and longest input that are read, in bytes.
const MAX_TEXT_BYTES: u64 = 4 << 20;

/// Arguments of `azr sandbox run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with the Python program, or - for standard input.
    program: PathBuf,
    /// Expression to evaluate after the program, e.g. 'f(1, 2)'; may be given several times. They share one namespace.
    /// Without any, the program runs as a script and what it prints is shown.
    #[arg(long = "call", value_name = "EXPR")]
    calls: Vec<String>,
    /// File that the program finds on its standard input; empty by default.
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
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
    check_flag("--seconds", &numbers::SECONDS, &Given::Real(args.seconds))?;
    check_flag("--memory", &numbers::MEBIBYTES, &Given::Whole(args.memory.into()))?;
    let program = decoded(&read_bytes("program", &args.program)?);
    let limits = Limits { memory_bytes: args.memory << 20, ..Limits::seconds(args.seconds) };
    let stdin = args.stdin.as_deref().map_or(Ok(String::new()), |path| read_text("standard input", path))?;
    // A program that cannot be read has a verdict like any other.
    let (program, unreadable) = match program {
        Ok(program) => (program, None),
        Err(verdict) => (String::new(), Some(verdict)),
    };
    let script = args.calls.is_empty();
    let jobs = [if script {
        Job::script(program, stdin, limits)
    } else {
        Job { stdin, ..Job::new(program, args.calls.clone(), limits) }
    }];
    let backend = open_backend(args)?;
    let reports = if args.twice { backend.run_twice_all(&jobs) } else { backend.run_all(&jobs) };
    let mut report = reports.into_iter().next().context("the sandbox gave no report")?;
    if let Some(verdict) = unreadable {
        report.calls.iter_mut().for_each(|call| call.verdict = verdict.clone());
    }
    if args.json {
        output::say_json(&report)?;
    } else {
        print_report(&report, script)?;
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

/// The text of a program file: UTF-8, with a byte order mark or without, or Latin-1 where its first two lines say so; else
/// the verdict that Python would give.
fn decoded(bytes: &[u8]) -> Result<String, Verdict> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let names_latin1 = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).to_lowercase();
        line.trim_start().starts_with('#')
            && ["latin-1", "latin1", "iso-8859-1"].iter().any(|name| {
                line.contains(&format!("coding:{name}"))
                    || line.contains(&format!("coding: {name}"))
                    || line.contains(&format!("coding={name}"))
            })
    };
    if bytes.split(|byte| *byte == b'\n').take(2).any(names_latin1) {
        return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    let before = &bytes[..error.valid_up_to()];
    let line = before.split(|byte| *byte == b'\n').count();
    Err(Verdict::SyntaxError {
        message: format!(
            "(unicode error) 'utf-8' codec can't decode byte {:#04x} in position {}",
            bytes[error.valid_up_to()],
            error.valid_up_to()
        ),
        line: u32::try_from(line).unwrap_or(u32::MAX),
    })
}

fn read_text(what: &str, path: &std::path::Path) -> anyhow::Result<String> {
    String::from_utf8(read_bytes(what, path)?).map_err(|_| {
        Failure::new(format!("the {what} {} is not UTF-8 text", path.display()), "save it as UTF-8").into()
    })
}

fn read_bytes(what: &str, path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .take(MAX_TEXT_BYTES + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read the {what} from standard input"))?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read the {what} {}", path.display()))?;
    }
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(Failure::new(format!("the {what} is longer than 4 MiB"), "pass a shorter one").into());
    }
    Ok(bytes)
}

fn print_report(report: &Report, script: bool) -> anyhow::Result<()> {
    for call in &report.calls {
        if !call.stdout.is_empty() {
            output::say(call.stdout.trim_end_matches('\n'))?;
        }
        if !(script && call.verdict.value().is_some()) {
            let what = if script { "script" } else { &call.call };
            output::say(format!("{what} -> {}", verdict_line(&call.verdict)))?;
        }
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
