//! `azr train`: self-play from presets and configuration files.

use crate::failure::Outcome;
use crate::session::{Plan, RunArgs, check_files, execute, write_report};
use crate::toys::toy_of;
use crate::{evaluation, models, output, plan};
use std::path::Path;

/// Arguments of `azr train`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Presets and TOML files, merged left to right.
    #[arg(value_name = "CONFIG|PRESET", required = true)]
    sources: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
    /// Print the resolved configuration, what the run needs in memory and time, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Play the configuration with random weights of the same family at toy width, two small steps, to see that it runs.
    #[arg(long)]
    toy: bool,
}

/// What `--toy` makes small; everything else stays as the configuration has it.
const TOY_SETTINGS: [&str; 10] = [
    "run.steps=2",
    "run.checkpoint_every=1",
    "run.evaluate_every=0",
    "rollout.n_proposals=2",
    "rollout.n_solves=2",
    "rollout.max_response_tokens=16",
    "rollout.content_max_tokens=14000",
    "learnability.n_samples=2",
    "seeding.max_batches=1",
    "evaluation.limit=6",
];

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut run = args.run.clone();
    if args.toy {
        let model = toy_of(&run.config(&args.sources)?.model.path)?;
        let given = std::mem::take(&mut run.assignments);
        run.assignments = TOY_SETTINGS.iter().map(ToString::to_string).collect();
        run.assignments.push(format!("model.path={model}"));
        run.assignments.extend(given);
    }
    if args.dry_run {
        let config = run.config(&args.sources)?;
        output::say(config.to_toml()?.trim_end())?;
        // Standard output stays a configuration that can be used as one.
        output::note(format!("# not set: {}", config.unset()?.join(", ")));
        for remark in config.remarks() {
            output::note(remark);
        }
        match plan::describe(&config) {
            Ok(plan) => output::note(plan.trim_end()),
            Err(error) => output::note(format!("no plan of memory and time: {error:#}")),
        }
        // A suite that is not there is a mistake; the files of a preset may lie on another machine.
        evaluation::suites(&config)?;
        for error in
            [models::check_here(&config.model.path), check_files(&config)].into_iter().filter_map(Result::err)
        {
            output::note(format!("on this machine the run would not start: {error:#}"));
        }
        return Ok(Outcome::Done);
    }
    let plan = Plan::new(&run, &args.sources, &run_name(&args.sources))?;
    let outcome = execute(&plan, false)?;
    if outcome == Outcome::Done {
        let (_, page) = write_report(&plan.folder)?;
        output::say(format!("run: {}\nreport: {}", plan.folder.display(), page.display()))?;
    }
    Ok(outcome)
}

/// The last source names the run: `configs/mine.toml` gives `mine`.
fn run_name(sources: &[String]) -> String {
    let last = sources.last().map_or("run", String::as_str);
    let path = Path::new(last);
    let is_file = path.extension().is_some_and(|extension| extension == "toml");
    let stem = path.file_stem().filter(|_| is_file).and_then(|stem| stem.to_str());
    stem.unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::run_name;

    #[test]
    fn the_last_source_names_the_run() {
        assert_eq!(run_name(&["tiny".into(), "configs/mine.toml".into()]), "mine");
        assert_eq!(run_name(&["qwen2.5-7b".into()]), "qwen2.5-7b");
    }
}
