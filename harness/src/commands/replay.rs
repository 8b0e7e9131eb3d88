//! `azr replay`: is the record of a run what its seed, configuration and weights give?

use crate::clock::Stopwatch;
use crate::config::presets;
use crate::evaluation::{Evaluator, held_out_programs};
use crate::failure::{Failure, Outcome};
use crate::progress::RunProgress;
use crate::{interrupt, models, output, sandbox, seed_files, session};
use anyhow::Context;
use azr_selfplay::chain;
use azr_selfplay::observe::Evaluate;
use azr_selfplay::policy::CandlePolicy;
use azr_selfplay::replay::{Findings, ReplayContext, Steps, replay};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod evaluations;

/// Arguments of `azr replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run folder; nothing in it is changed.
    run: PathBuf,
    /// Also play steps again and compare; without it only the files are checked against each other.
    #[arg(long)]
    verify: bool,
    /// Steps that are played again: `sample` (the one after each checkpoint), `all` (and the seeding), or numbers such as 3,17.
    #[arg(long, value_name = "STEPS", default_value = "sample", requires = "verify")]
    steps: String,
    /// Take the recorded evaluation figures as they are instead of computing them again.
    #[arg(long, requires = "verify")]
    skip_evaluations: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let steps = if args.verify { read_steps(&args.steps)? } else { Steps::None };
    let config_file = args.run.join("config.toml");
    for name in ["config.toml", "run.json", "steps.jsonl"] {
        if !args.run.join(name).is_file() {
            return Err(Failure::new(
                format!(
                    "{} is not the folder of a run with recorded steps: it has no {name}",
                    args.run.display()
                ),
                "pass the folder of a run, such as runs/tiny-seed1, or restore the file from a copy",
            )
            .into());
        }
    }
    check_recorded(&args.run, &steps)?;
    let config = presets::load(&[config_file.display().to_string()], &[])?;
    let stop = interrupt::install()?;
    let model = models::load(&config.model.path)?;
    let sandbox = sandbox::open()?;
    let mut policy = session::policy(&config, &model)?;
    let held_out = held_out_programs()?;
    // Evaluations leave their answers in a folder: here one that is thrown away.
    let scratch = Scratch::new(&args.run)?;
    let mut evaluator = Evaluator::open(&config, &sandbox, scratch.path(), stop)?;
    let clock = Stopwatch::start();
    let seconds = move || clock.seconds();
    let mut progress = RunProgress::new(config.selfplay.run.steps, None);
    let findings = replay(ReplayContext {
        config: &config.selfplay,
        policy: &mut policy,
        sandbox: &sandbox,
        folder: &args.run,
        seeds: if steps == Steps::All { seed_files::read(&config.selfplay)? } else { None },
        steps,
        held_out: &held_out,
        reference_texts: session::reference_texts(config.selfplay.run.prompts)?,
        evaluate: (!args.skip_evaluations).then_some(&mut evaluator as &mut dyn Evaluate<CandlePolicy>),
        observer: &mut progress,
        clock: &seconds,
    });
    progress.finish();
    let mut findings = findings.map_err(|error| {
        let hint = if args.verify {
            "restore the file named from a copy, or audit without --verify"
        } else {
            "restore the file named from a copy"
        };
        Failure::new(format!("cannot audit {}: {error}", args.run.display()), hint)
    })?;
    let evaluations = evaluations::check(&args.run, scratch.path(), &mut findings.mismatches)?;
    if args.json {
        output::say_json(&findings)?;
    } else {
        show(&args.run, &findings, evaluations)?;
    }
    Ok(if findings.mismatches.is_empty() { Outcome::Done } else { Outcome::Negative })
}

fn read_steps(text: &str) -> anyhow::Result<Steps> {
    match text {
        "sample" => return Ok(Steps::AfterCheckpoints),
        "all" => return Ok(Steps::All),
        _ => {}
    }
    let numbers: Option<BTreeSet<u64>> =
        text.split(',').map(|number| number.trim().parse().ok().filter(|step| *step > 0)).collect();
    numbers.map(Steps::These).ok_or_else(|| {
        Failure::new(
            format!("--steps {text}: not steps of a run"),
            "use sample, all, or numbers such as 3,17",
        )
        .into()
    })
}

/// Steps that are asked for by number must be recorded.
fn check_recorded(run: &Path, steps: &Steps) -> anyhow::Result<()> {
    let Steps::These(wanted) = steps else { return Ok(()) };
    let path = run.join("steps.jsonl");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let recorded = chain::read(&bytes, None).records;
    match wanted.iter().find(|step| recorded.iter().all(|record| record.step != **step)) {
        None => Ok(()),
        Some(step) => Err(Failure::new(
            format!("--steps: step {step} is not recorded in {}", path.display()),
            format!("{} steps are; name some of them, or use sample or all", recorded.len()),
        )
        .into()),
    }
}

fn show(run: &Path, findings: &Findings, evaluations: usize) -> anyhow::Result<()> {
    let list = |steps: &[u64]| match steps {
        [] => "none".to_owned(),
        steps if steps.len() > 12 => format!("{} steps", steps.len()),
        steps => steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    output::say(format!("{}: {} recorded steps", run.display(), findings.steps))?;
    output::say(format!("rollouts with the recorded hash: {}", findings.rollouts_checked))?;
    output::say(format!("checkpoints that are what was written: {}", findings.checkpoints_checked))?;
    output::say(format!("evaluations whose figures are those of their answers: {evaluations}"))?;
    let seeding = if findings.seeding_recomputed { "the seeding, " } else { "" };
    output::say(format!("played again: {seeding}{}", list(&findings.recomputed)))?;
    output::say(format!("checkpoints with the same weights again: {}", list(&findings.weights_checked)))?;
    for mismatch in &findings.mismatches {
        output::say(format!("MISMATCH {mismatch}"))?;
    }
    if findings.mismatches.is_empty() {
        output::say("the record is sound")?;
    }
    Ok(())
}

/// A folder beside the run that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(run: &Path) -> anyhow::Result<Self> {
        let cache =
            sandbox::cache_dir().context("no home folder for the answers of the audit: set AZR_CACHE")?;
        let path = cache.join(format!("replay-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {} for the audit of {}", path.display(), run.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_words_or_numbers() {
        assert_eq!(read_steps("all").unwrap(), Steps::All);
        assert_eq!(read_steps("3, 17").unwrap(), Steps::These(BTreeSet::from([3, 17])));
        for bad in ["", "0", "1-3", "some", "1,,2"] {
            assert!(read_steps(bad).is_err(), "{bad}");
        }
    }
}
