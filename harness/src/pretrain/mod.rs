//! `azr pretrain`: makes the embedded model `azr-tiny` and its held-out suites from nothing but a grammar,
//! a seed and the sandbox. The recipe is in [`recipe`], the world of programs in [`world`].
//!
//! The base model is meant to know the task formats and to be imperfect at the tasks: self-play starts
//! from it (paper, section 4: zero data is about the training after the base model).

pub mod corpus;
pub mod execute;
pub mod guess;
pub mod probe;
pub mod program;
pub mod recipe;
pub mod suites;
pub mod tokenizer;
pub mod train;
pub mod world;

use anyhow::{Context, Result};
use azr_executor::Sandbox;
use recipe::{Recipe, RecipeRecord};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use train::Pretraining;

/// Steps after which the hash for `--verify` is taken.
pub const EARLY_STEPS: u64 = 48;
/// Steps between checkpoints.
const CHECKPOINT_STEPS: u64 = 500;
/// Held-out items a task type that the progress lines judge.
const MONITOR_ITEMS: usize = 100;

/// What to do; the command line fills it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of checkpoints and of the finished model.
    pub out: PathBuf,
    /// Recipe; the default is the one of the embedded model.
    pub recipe: Recipe,
}

/// A line of progress for people.
pub type Say<'a> = &'a mut dyn FnMut(&str);

/// Trains from the last checkpoint (or from the start) to the end of the recipe and writes the model folder
/// `out/azr-tiny` with `recipe.json`. Returns false when `stop` ended it early, after a checkpoint.
pub fn pretrain(sandbox: &Sandbox, options: &Options, stop: &AtomicBool, say: Say<'_>) -> Result<bool> {
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot create {}", options.out.display()))?;
    let (suite_items, held_out) = suites::draw_all(sandbox)?;
    suites::write(&suite_items, &options.out)?;
    let mut run = Pretraining::resume(options.recipe.clone(), &options.out)?;
    if run.step() > 0 {
        say(&format!("resumed after step {}", run.step()));
    }
    let monitor = probe::Monitor::new(&suite_items, MONITOR_ITEMS);
    let started = clock();
    let first = run.step();
    run.run(sandbox, &held_out, options.recipe.steps, EARLY_STEPS, stop, |run, view| {
        if view.step % 100 == 0 {
            let rate = (view.step - first) as f64 / started.elapsed().as_secs_f64();
            let left = Duration::from_secs_f64((options.recipe.steps - view.step) as f64 / rate);
            let loss = run.curve().last().map_or(view.loss, |point| point.loss);
            say(&format!(
                "step {}/{}  loss {loss:.4}  {:.1} M tokens  {rate:.1} steps/s  {} s left",
                view.step,
                options.recipe.steps,
                view.tokens as f64 / 1e6,
                left.as_secs()
            ));
        }
        if view.step % CHECKPOINT_STEPS == 0 {
            run.save_checkpoint(&options.out)?;
        }
        if view.step % (3 * CHECKPOINT_STEPS) == 0 {
            say(&monitor.judge(sandbox, run.model(), options.recipe.seed)?);
        }
        Ok(())
    })?;
    run.save_checkpoint(&options.out)?;
    if run.step() < options.recipe.steps {
        return Ok(false);
    }
    finish(sandbox, options, &run)?;
    say(&monitor.judge(sandbox, run.model(), options.recipe.seed)?);
    say(&probe::accuracy_per_operation(sandbox, run.model(), options.recipe.seed)?);
    Ok(true)
}

/// Writes the finished model and what made it.
fn finish(sandbox: &Sandbox, options: &Options, run: &Pretraining) -> Result<()> {
    let folder = options.out.join("azr-tiny");
    run.model().save(&folder, azr_model::WeightFormat::Bf16)?;
    let record = RecipeRecord {
        recipe: options.recipe.clone(),
        parameters: run.model().weights.parameter_count(),
        guest: sandbox.guest_hash().to_string(),
        early_steps: EARLY_STEPS,
        early_weights: run.early_weights().unwrap_or_default().to_string(),
        weights: run.model().weights.hash(),
        stored_weights: azr_model::ModelFolder::load(&folder)?.weights.hash(),
        curve: run.curve().to_vec(),
    };
    train::write_json(&folder.join("recipe.json"), &record)
}

/// Result of [`verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Hash recorded with the embedded model.
    pub recorded: String,
    /// Hash made now.
    pub made: String,
}

/// Trains the first steps of the recorded recipe again and compares the weights.
pub fn verify(
    sandbox: &Sandbox,
    record: &RecipeRecord,
    stop: &AtomicBool,
    say: Say<'_>,
) -> Result<Verification> {
    if record.guest != sandbox.guest_hash() {
        // The values of the corpus are Python's, not the guest's build's: the comparison decides.
        say(&format!(
            "the recipe was made with guest {}, this sandbox is {}",
            record.guest,
            sandbox.guest_hash()
        ));
    }
    let (_, held_out): (_, BTreeSet<String>) = suites::draw_all(sandbox)?;
    let mut run = Pretraining::start(record.recipe.clone())?;
    run.run(sandbox, &held_out, record.early_steps, record.early_steps, stop, |_, view| {
        if view.step % 8 == 0 {
            say(&format!("step {}/{}  loss {:.4}", view.step, record.early_steps, view.loss));
        }
        Ok(())
    })?;
    let made = run.early_weights().context("stopped before the end of the check")?.to_string();
    Ok(Verification { recorded: record.early_weights.clone(), made })
}

/// Judges a model folder on the held-out items and prints accuracy per operation.
pub fn judge(sandbox: &Sandbox, model: &Path, say: Say<'_>) -> Result<()> {
    let folder = azr_model::ModelFolder::load(model)?;
    let (suite_items, _) = suites::draw_all(sandbox)?;
    say(&probe::Monitor::new(&suite_items, MONITOR_ITEMS).judge(sandbox, &folder, 1)?);
    say(&probe::accuracy_per_operation(sandbox, &folder, 1)?);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "rates and times left are for people, not for results")]
fn clock() -> Instant {
    Instant::now()
}
