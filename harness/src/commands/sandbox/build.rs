//! `azr sandbox build`: makes the Python guest anew from its recipe, and compares it with the embedded one.
//!
//! Two builds differ in a few hundred bytes of dead memory. What is asked of a new one is that programs get the same
//! verdicts and values, so thousands of them run in both; the comparison of the bytes is information.

use super::stable::{excerpt, programs};
use crate::failure::{Failure, Outcome};
use crate::{data, output, sandbox};
use anyhow::Context;
use azr_executor::build::{BuildOptions, BuiltGuest, Verification, build};
use azr_executor::collection::Program;
use azr_executor::stable::{GuestComparison, compare_guests};
use azr_executor::{Progress, SandboxConfig};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `azr sandbox build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the new guest into this folder (guest.lzma and guest.json, as in daemon/executor/guest).
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// Run thousands of programs in the new guest and in the embedded one; exit code 1 when a verdict or value differs.
    #[arg(long)]
    verify: bool,
    /// Folder of the programs to compare by, as for `azr sandbox stable`; default: the folder in AZR_DATA.
    #[arg(long, value_name = "DIR", requires = "verify")]
    data: Option<PathBuf>,
    /// Folder of the build [default: guest-build in the cache folder].
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Python 3.10 or later.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// C compiler.
    #[arg(long, value_name = "PROGRAM", default_value = "cc")]
    compiler: PathBuf,
    /// Print the comparison as JSON.
    #[arg(long, requires = "verify")]
    json: bool,
}

/// The new guest beside the embedded one.
#[derive(Serialize)]
struct Comparison {
    #[serde(flatten)]
    bytes: Verification,
    verdicts: GuestComparison,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    // Read before the minutes of the build, so that a wrong folder is told at once.
    let programs = if args.verify {
        programs(args.data.clone().or_else(data::given_folder).as_deref())?
    } else {
        Vec::new()
    };
    let default = || sandbox::cache_dir().map(|cache| cache.join("guest-build"));
    let work_dir = args
        .work_dir
        .clone()
        .or_else(default)
        .ok_or_else(|| Failure::new("there is no folder to build in", "name one with --work-dir"))?;
    let options = BuildOptions {
        work_dir,
        python: args.python.clone(),
        compiler: args.compiler.clone(),
        progress: Some(progress()),
    };
    let guest = build(&options).map_err(|error| {
        Failure::new(
            error.to_string(),
            "the build needs Python 3.10 or later with venv, a C compiler and the Python package registry",
        )
    })?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        guest.write(folder).with_context(|| format!("cannot write the guest into {}", folder.display()))?;
        output::note(format!("guest written into {}", folder.display()));
    }
    if args.verify { verify(&guest, &programs, args.json) } else { Ok(Outcome::Done) }
}

fn progress() -> Progress {
    Arc::new(|line: &str| output::note(line))
}

/// Compares the guests and shows what came of it.
fn verify(guest: &BuiltGuest, programs: &[Program], json: bool) -> anyhow::Result<Outcome> {
    let bytes = guest.verify().context("cannot compare the guests")?;
    let embedded = sandbox::open()?;
    // Without a cache folder: every build has its own hash, and nobody asks for this one again.
    let config = SandboxConfig { progress: Some(progress()), ..SandboxConfig::default() };
    let built = guest.open(&config).context("cannot open the new guest")?;
    output::note(format!("running {} programs in both guests", programs.len()));
    let comparison = Comparison { bytes, verdicts: compare_guests(&embedded, &built, programs) };
    if json {
        output::say_json(&comparison)?;
    } else {
        print(&comparison)?;
    }
    Ok(if comparison.verdicts.differing.is_empty() { Outcome::Done } else { Outcome::Negative })
}

fn print(comparison: &Comparison) -> anyhow::Result<()> {
    let Comparison { bytes, verdicts } = comparison;
    for call in &verdicts.differing {
        output::say(format!("{}: {}", call.program, call.call))?;
        output::say(format!("  embedded {}", excerpt(&serde_json::to_string(&call.first)?)))?;
        output::say(format!("  built    {}", excerpt(&serde_json::to_string(&call.second)?)))?;
    }
    let finding = match (bytes.identical, bytes.equivalent) {
        (true, _) => "identical",
        (false, true) => "same sources and sizes, differences in dead memory only",
        (false, false) => "different",
    };
    output::say(format!("embedded {}\nbuilt    {}", bytes.committed, bytes.built))?;
    output::say(format!("bytes: {finding}"))?;
    Ok(output::say(format!(
        "{} of {} programs agree in every verdict and value ({} also in fuel and memory)",
        verdicts.agree, verdicts.programs, verdicts.identical
    ))?)
}
