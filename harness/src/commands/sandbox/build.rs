//! `azr sandbox build`: makes the Python guest anew from its recipe, and compares it with the embedded one.

use crate::failure::{Failure, Outcome};
use crate::{output, sandbox};
use anyhow::Context;
use azr_executor::build::{BuildOptions, build};
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `azr sandbox build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the new guest into this folder (guest.lzma and guest.json, as in daemon/executor/guest).
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// Compare the new guest with the embedded one; exit code 1 when they are not equivalent.
    #[arg(long)]
    verify: bool,
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

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
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
        progress: Some(Arc::new(|line: &str| output::note(line))),
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
    if !args.verify {
        return Ok(Outcome::Done);
    }
    let verification = guest.verify().context("cannot compare the guests")?;
    if args.json {
        output::say_json(&verification)?;
    } else {
        let finding = match (verification.identical, verification.equivalent) {
            (true, _) => "identical",
            (false, true) => "equivalent: same sources and sizes, differences in dead memory only",
            (false, false) => "different",
        };
        output::say(format!(
            "embedded {}\nbuilt    {}\n{finding}",
            verification.committed, verification.built
        ))?;
    }
    Ok(if verification.equivalent || verification.identical { Outcome::Done } else { Outcome::Negative })
}
