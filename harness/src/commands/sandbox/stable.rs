//! `azr sandbox stable`: shows that a program's report depends neither on other work on the machine, nor on the number
//! of threads, nor on what ran before; and a hash of all reports to compare machines by.

use crate::clock::Stopwatch;
use crate::failure::{Failure, Outcome};
use crate::files::read_text;
use crate::{data, output, sandbox};
use azr_executor::collection::{self, Program};
use azr_executor::stable::{StableReport, passes, stable};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest report that is shown, in characters.
const SHOWN_CHARS: usize = 400;

/// Arguments of `azr sandbox stable`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with azr-seeds, cruxeval, humaneval_plus, mbpp_plus and evalplus-verdicts; default: the folder in AZR_DATA.
    /// Without one, only the hostile programs that come with the sandbox run.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let programs = programs(args.data.clone().or_else(data::given_folder).as_deref())?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let watch = Stopwatch::start();
    let report = stable(&programs, passes(cores), |pass| {
        output::note(format!("{:>5.1} s: {}", watch.seconds(), pass.name));
        sandbox::open_with(|config| {
            config.threads = Some(pass.threads);
            config.reuse = pass.reuse;
        })
    })?;
    if args.json {
        output::say_json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(if report.differing.is_empty() { Outcome::Done } else { Outcome::Negative })
}

/// The programs of the data folder and the hostile ones; without a folder the hostile ones alone.
pub fn programs(folder: Option<&Path>) -> anyhow::Result<Vec<Program>> {
    let mut programs = collection::hostile();
    let Some(folder) = folder else {
        output::note("no data folder (--data or AZR_DATA): hostile programs only");
        return Ok(programs);
    };
    let mut texts = [const { String::new() }; collection::FILES.len()];
    for (text, file) in texts.iter_mut().zip(collection::FILES) {
        *text = read_text(&folder.join(file))?;
    }
    let real = collection::from_data(&texts).map_err(|error| {
        Failure::new(
            error,
            "the data folder holds the published files, one folder a set, as they were published",
        )
    })?;
    programs.extend(real);
    Ok(programs)
}

fn print(report: &StableReport) -> anyhow::Result<()> {
    for difference in &report.differing {
        output::say(format!("{}: {}", difference.program, difference.pass))?;
        output::say(format!("  first {}", excerpt(&difference.first)))?;
        output::say(format!("  here  {}", excerpt(&difference.here)))?;
    }
    output::say(format!("{:<40} {:>7} {:>5} {:>17}", "pass", "threads", "busy", "differing reports"))?;
    for pass in &report.passes {
        output::say(format!(
            "{:<40} {:>7} {:>5} {:>17}",
            pass.name, pass.threads, pass.busy_threads, pass.differing
        ))?;
    }
    let counts = |counts: &BTreeMap<String, usize>| {
        counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let total: usize = report.programs.values().sum();
    output::say(format!("programs: {total} ({})", counts(&report.programs)))?;
    output::say(format!("verdicts: {}", counts(&report.verdicts)))?;
    output::say(format!("guest     {}", report.guest))?;
    output::say(format!("reports   {}", report.reports_sha256))?;
    Ok(output::say(format!("{} reports differ", report.differing.len()))?)
}

/// The beginning of a long report.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
