//! One run from its folder: configuration, model, sandbox, records, self-play, and the way back into it.
//!
//! `train` and `reproduce` are this session with different things around it. Every phase finds on disk
//! what it did before: evaluations keep their records, self-play its checkpoints, so `--resume` needs no
//! state of its own and gives what an uninterrupted run gives.

use crate::clock::Stopwatch;
use crate::config::{Config, presets};
use crate::evaluation::{Evaluator, held_out_programs};
use crate::failure::{Failure, Outcome};
use crate::models::{self, Model};
use crate::progress::RunProgress;
use crate::provenance::{Provenance, write_atomically};
use crate::telemetry::Telemetry;
use crate::{data, interrupt, output, run_folder, run_record, sandbox, seed_files};
use anyhow::Context;
use azr_executor::Sandbox;
use azr_model::EngineConfig;
use azr_selfplay::SelfPlayError;
use azr_selfplay::config::PromptProfile;
use azr_selfplay::policy::CandlePolicy;
use azr_selfplay::prompt::ReferenceTexts;
use azr_selfplay::run::{self, RunContext};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Options of the commands that make a run.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RunArgs {
    /// Seed of every draw; the same seed gives the same run.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Training steps.
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Sets one key after all files, e.g. update.learning_rate=1e-4; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub assignments: Vec<String>,
    /// Folder of the run [default: runs/NAME-seedS, with a number where that is taken].
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Go on with an interrupted run.
    #[arg(long)]
    pub resume: bool,
}

impl RunArgs {
    /// All assignments, the dedicated flags included.
    fn all_assignments(&self) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("run.seed={seed}"));
        let steps = self.steps.map(|steps| format!("run.steps={steps}"));
        self.assignments.iter().cloned().chain(seed).chain(steps).collect()
    }

    /// The configuration of these arguments over `sources`.
    pub fn config(&self, sources: &[String]) -> anyhow::Result<Config> {
        presets::load(sources, &self.all_assignments())
    }
}

/// Folder and configuration of a run, before anything is opened.
#[derive(Debug)]
pub struct Plan {
    /// The run folder.
    pub folder: PathBuf,
    /// The resolved configuration.
    pub config: Config,
    resume: bool,
}

impl Plan {
    /// Chooses the folder; a resumed run has the configuration it was started with.
    pub fn new(args: &RunArgs, sources: &[String], name: &str) -> anyhow::Result<Self> {
        let wanted = args.config(sources)?;
        let name = format!("{name}-seed{}", wanted.selfplay.run.seed);
        let choice = run_folder::choose(args.run_dir.as_deref(), &name, args.resume)?;
        if let Some(remark) = choice.remark {
            output::note(remark);
        }
        let config_file = choice.path.join("config.toml");
        let config = if args.resume && config_file.is_file() {
            let sources = [config_file.display().to_string()];
            args.config(&sources)?
        } else {
            wanted.settled()
        };
        Ok(Self { folder: choice.path, config, resume: args.resume })
    }
}

/// Does the run: with `full_evaluations` also before and after self-play. Ends with the report.
pub fn execute(plan: &Plan, full_evaluations: bool) -> anyhow::Result<Outcome> {
    let stop = interrupt::install()?;
    if plan.resume {
        run_record::check_steps(&plan.folder)?;
    }
    let model = models::load(&plan.config.model.path)?;
    // A run that cannot begin leaves no folder behind.
    check_files(&plan.config)?;
    let sandbox = sandbox::open()?;
    let mut evaluator = Evaluator::open(&plan.config, &sandbox, &plan.folder, stop)?;
    std::fs::create_dir_all(&plan.folder)
        .with_context(|| format!("cannot create the run folder {}", plan.folder.display()))?;
    if plan.resume && plan.folder.join("run.json").is_file() {
        run::same_settings(&plan.folder, &plan.config.selfplay)
            .map_err(|error| explain(&plan.folder, &error))?;
    }
    write_atomically(&plan.folder.join("config.toml"), plan.config.to_toml()?.as_bytes())
        .with_context(|| format!("cannot write into the run folder {}", plan.folder.display()))?;
    announce(plan, &model);
    let mut data = evaluator.identities();
    data.extend(seed_files::hashes(&plan.config.selfplay)?);
    let provenance = Provenance::collect(&model, data);
    let mut policy = policy(&plan.config, &model)?;
    if full_evaluations && evaluator.full(&mut policy, 0)?.is_none() {
        return Ok(stopped(plan, "the evaluation of the base model"));
    }
    let steps = match self_play(plan, &mut policy, &sandbox, &mut evaluator, &provenance, stop)? {
        run::Outcome::Finished { steps, .. } => steps,
        run::Outcome::Stopped { step } => {
            return Ok(stopped(plan, &format!("step {step} (checkpoint written)")));
        }
    };
    if full_evaluations && evaluator.full(&mut policy, steps)?.is_none() {
        return Ok(stopped(plan, "the final evaluation"));
    }
    Ok(Outcome::Done)
}

fn announce(plan: &Plan, model: &Model) {
    let run = &plan.config.selfplay.run;
    output::note(format!(
        "{}: {:.1} M parameters, seed {}, {} steps, run folder {}",
        model.name,
        model.folder.weights.parameter_count() as f64 / 1e6,
        run.seed,
        run.steps,
        plan.folder.display()
    ));
    for remark in plan.config.remarks() {
        output::note(remark);
    }
}

/// The model in training.
pub fn policy(config: &Config, model: &Model) -> anyhow::Result<CandlePolicy> {
    let rollout = &config.selfplay.rollout;
    let longest = rollout.content_max_tokens + rollout.max_response_tokens;
    let max_context = longest.min(model.folder.weights.config().max_position_embeddings);
    let engine = EngineConfig { max_context, ..EngineConfig::default() };
    CandlePolicy::new(model.folder.clone(), engine, &config.selfplay.update)
        .context("cannot prepare the model for training")
}

/// The reference's prompt texts are data: they are read at run time, and a run that needs them says so.
pub fn reference_texts(profile: PromptProfile) -> anyhow::Result<Option<ReferenceTexts>> {
    if profile != PromptProfile::Reference {
        return Ok(None);
    }
    let missing = || {
        Failure::new(
            "run.prompts = 'reference' needs the reference's prompt texts",
            "set AZR_DATA to the data folder (prompts/reference-prompts.json in it), or use --set run.prompts=paper",
        )
    };
    let file = data::given_folder().ok_or_else(missing)?.join("prompts/reference-prompts.json");
    let text = crate::files::read_text(&file).map_err(|error| {
        Failure::new(format!("{error:#}"), "set AZR_DATA to the data folder, or use --set run.prompts=paper")
    })?;
    Ok(Some(ReferenceTexts::from_json(&text).with_context(|| format!("cannot read {}", file.display()))?))
}

/// Reads the files that a run of `config` reads beside its model and its suites: seeds and prompt texts.
pub fn check_files(config: &Config) -> anyhow::Result<()> {
    seed_files::read(&config.selfplay)?;
    reference_texts(config.selfplay.run.prompts)?;
    Ok(())
}

fn self_play(
    plan: &Plan,
    policy: &mut CandlePolicy,
    sandbox: &Sandbox,
    evaluator: &mut Evaluator<'_>,
    provenance: &Provenance,
    stop: &AtomicBool,
) -> anyhow::Result<run::Outcome> {
    let config = &plan.config.selfplay;
    let clock = Stopwatch::start();
    let seconds = move || clock.seconds();
    let shown = RunProgress::new(config.run.steps, evaluator.items_during_a_run());
    let mut progress = Telemetry::new(shown, &plan.folder);
    let held_out = held_out_programs()?;
    let context = RunContext {
        config,
        policy,
        sandbox,
        folder: &plan.folder,
        resume: plan.resume,
        // On the processor a recomputed step is the recorded one, bit for bit.
        exact: true,
        seeds: seed_files::read(config)?,
        held_out: &held_out,
        reference_texts: reference_texts(config.run.prompts)?,
        info: serde_json::to_value(provenance)?,
        observer: &mut progress,
        evaluate: evaluator,
        stop,
        clock: &seconds,
    };
    let outcome = run::run(context);
    progress.finish();
    outcome.map_err(|error| explain(&plan.folder, &error).into())
}

/// What to do about a run that cannot go on.
fn explain(folder: &Path, error: &SelfPlayError) -> Failure {
    let resume = format!(
        "go on with --resume --run-dir {}: everything up to the last checkpoint is kept",
        folder.display()
    );
    let advice = match error {
        SelfPlayError::Write { .. } | SelfPlayError::Policy { what: "save its weights", .. } => {
            format!("make room on the disk or make the folder writable, then {resume}")
        }
        SelfPlayError::Read { path, .. } if path.ends_with("run.json") => format!(
            "restore the file from a copy (it says what the run began with), or start a new run with another --run-dir; \
             the records of this one can still be read (azr report {})",
            folder.display()
        ),
        SelfPlayError::Read { .. } | SelfPlayError::Policy { what: "load a checkpoint", .. } => format!(
            "restore the file from a copy, or put that checkpoint's folder aside to go on from the one before ({})",
            folder.join("checkpoints").display()
        ),
        SelfPlayError::RunFolder { advice, .. } => (*advice).to_owned(),
        SelfPlayError::Diverged { .. } => "go on with the program and the machine that made the run, or start a new one with another --run-dir".to_owned(),
        SelfPlayError::NoTasks(_) => "start a new run with room for longer prompts (--set rollout.content_max_tokens=N) or shorter ones (--set run.prompts=compact)".to_owned(),
        SelfPlayError::Config(_) => "change the value named, in the file or with --set".to_owned(),
        SelfPlayError::Prompt(_) => "use --set run.prompts=paper, or set AZR_DATA to the data folder".to_owned(),
        _ => resume,
    };
    Failure::new(format!("self-play in {} cannot go on: {error}", folder.display()), advice)
}

/// Tells how to go on.
fn stopped(plan: &Plan, place: &str) -> Outcome {
    output::note(format!(
        "stopped in {place}; nothing is lost: the same command with --resume --run-dir {} goes on from there",
        plan.folder.display()
    ));
    Outcome::Stopped
}

/// Writes report/index.html and returns the run as the reports see it.
pub fn write_report(folder: &Path) -> anyhow::Result<(azr_reports::Run, PathBuf)> {
    let run = run_record::load(folder)?;
    let page = azr_reports::write_report(&run).map_err(|error| run_record::report_failure(folder, error))?;
    Ok((run, page))
}
