//! `azr pretrain`: makes the embedded model from its recipe, or checks that the recipe is reproducible.

use crate::config::layers::{Layers, key_paths};
use crate::failure::{Failure, Outcome};
use crate::pretrain::recipe::{Recipe, RecipeRecord};
use crate::pretrain::{self, Options};
use crate::{interrupt, models, numbers, output, sandbox};
use std::path::PathBuf;

/// Arguments of `azr pretrain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of checkpoints and of the finished model; a stopped run in it goes on.
    #[arg(long, value_name = "DIR", default_value = "runs/pretrain")]
    out: PathBuf,
    /// Optimizer steps.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Seed of corpus and initial weights.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Sets one value of the recipe, e.g. layers=6; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Do the first steps of the embedded model's recipe again and compare the weights; exit code 1 if they differ.
    #[arg(long, conflicts_with_all = ["steps", "seed", "assignments", "judge"])]
    verify: bool,
    /// Only judge this model folder: held-out accuracy, and accuracy per operation.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["steps", "seed", "assignments"])]
    judge: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let stop = interrupt::install()?;
    // A mistake in a key is told before the sandbox opens, which may take its time.
    let options = Options { out: args.out.clone(), recipe: recipe(args)? };
    let sandbox = sandbox::open()?;
    let mut say = |line: &str| output::note(line);
    if let Some(model) = &args.judge {
        pretrain::judge(&sandbox, model, &mut say)?;
        return Ok(Outcome::Done);
    }
    if args.verify {
        let record: RecipeRecord = serde_json::from_str(models::EMBEDDED_RECIPE).map_err(|error| {
            Failure::new(
                format!("the recipe of the embedded model cannot be read: {error}"),
                "build the program from an intact source tree",
            )
        })?;
        let embedded = models::load(models::EMBEDDED)?.folder.weights.hash();
        if embedded != record.stored_weights {
            output::say(format!(
                "recorded {}\nembedded {embedded}\nthe weights in this program are not those of the recipe",
                record.stored_weights
            ))?;
            return Ok(Outcome::Negative);
        }
        let verification = pretrain::verify(&sandbox, &record, stop, &mut say)?;
        if verification.made == verification.recorded {
            output::say(format!(
                "the embedded weights are the recorded ones ({embedded}), and the first {} steps give the recorded weights {}",
                record.early_steps, verification.made
            ))?;
            return Ok(Outcome::Done);
        }
        output::say(format!(
            "recorded {}\nmade     {}\nthe weights differ: another processor sums in another order, or the recipe or the code has changed",
            verification.recorded, verification.made
        ))?;
        return Ok(Outcome::Negative);
    }
    if pretrain::pretrain(&sandbox, &options, stop, &mut say)? {
        output::say(format!("model: {}", args.out.join("azr-tiny").display()))?;
        Ok(Outcome::Done)
    } else {
        output::note("stopped after a checkpoint; the same command goes on from there");
        Ok(Outcome::Stopped)
    }
}

fn recipe(args: &Args) -> anyhow::Result<Recipe> {
    let default = Recipe::default();
    let mut layers = Layers::default();
    layers.add_toml("recipe", &toml::to_string(&default)?)?;
    for assignment in &args.assignments {
        layers.add_assignment(assignment)?;
    }
    for (key, value) in [("steps", args.steps), ("seed", args.seed)] {
        if let Some(value) = value {
            layers.add_assignment(&format!("{key}={value}"))?;
        }
    }
    layers.check_numbers(numbers::RECIPE)?;
    let recipe: Recipe = layers.rest(&[], &key_paths(&serde_json::to_value(&default)?))?;
    if !recipe.hidden_size.is_multiple_of(recipe.heads) {
        let what = format!("hidden_size {} is not a multiple of heads {}", recipe.hidden_size, recipe.heads);
        return Err(Failure::new(what, "change one of the two: every head has the same width").into());
    }
    Ok(recipe)
}
