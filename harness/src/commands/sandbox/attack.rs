//! `azr sandbox attack`: runs the hostile programs that come with the sandbox and shows which do more than they should.

use super::stable::excerpt;
use crate::failure::Outcome;
use crate::{output, sandbox};
use azr_executor::attack::{AttackReport, run as run_attacks};

/// Arguments of `azr sandbox attack`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let report = run_attacks(|| sandbox::open_with(|config| config.threads = Some(1)))?;
    if args.json {
        output::say_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(if report.failures.is_empty() { Outcome::Done } else { Outcome::Negative })
}

fn print_report(report: &AttackReport) -> anyhow::Result<()> {
    for failure in &report.failures {
        output::say(format!("{} {}", failure.category, failure.name))?;
        output::say(format!("  want {}", excerpt(&failure.want)))?;
        output::say(format!("  got  {}", excerpt(&failure.got)))?;
    }
    output::say(format!("{:<12} {:>8} {:>12}", "category", "programs", "as expected"))?;
    for category in &report.categories {
        output::say(row(&category.category, category.programs, category.as_expected))?;
    }
    Ok(output::say(row("all", report.total, report.as_expected))?)
}

fn row(name: &str, programs: usize, as_expected: usize) -> String {
    format!("{name:<12} {programs:>8} {as_expected:>12}")
}
