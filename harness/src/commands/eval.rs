//! `azr eval`: a suite on a model, with real prompts, generation, extraction and grading.

use crate::clock::{Stopwatch, readable};
use crate::evaluation::with_progress;
use crate::failure::{Failure, Outcome};
use crate::models;
use crate::numbers::{self, check_flag};
use crate::{data, interrupt, output, sandbox};
use anyhow::Context;
use azr_benchmarks::{
    Decoding, EvaluateConfig, Metrics, Mode, Profile, PromptSource, ReferencePrompts, Suite, SuiteOptions,
    TimeRules, open_suite,
};
use azr_model::{Engine, EngineConfig, Sampling};
use azr_selfplay::config::ranges::Given;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `azr eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Suite, e.g. tiny, humaneval_plus, mbpp_plus, aime24, cruxeval_i.
    suite: String,
    /// azr-tiny (embedded), a model folder, a run folder (its last checkpoint), or owner/name.
    #[arg(long, default_value = models::EMBEDDED)]
    model: String,
    /// Only N items (at least 1), spread evenly over the suite.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Answers an item, 1 to 1000.
    #[arg(long = "n", value_name = "K", default_value_t = 1)]
    n_samples: usize,
    /// Sampling temperature, 0.01 to 10, or 0 = the most probable token each time [default: 0 for one answer, else 1].
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// Seed of the draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Bound on the tokens of an answer, at least 1.
    #[arg(long, value_name = "N")]
    max_new_tokens: Option<usize>,
    /// Folder with the data sets [default: $AZR_DATA, else a download].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Wording of the prompts: our own, or the paper's from the data folder.
    #[arg(long, value_enum, default_value_t = Prompts::Own)]
    prompts: Prompts,
    /// Grading: sound (clean), or as the paper's tools grade (paper).
    #[arg(long, value_enum, default_value_t = GradingMode::Clean)]
    mode: GradingMode,
    /// Time rules of the code suites.
    #[arg(long, value_enum, default_value_t = LimitRules::Evalplus)]
    limits: LimitRules,
    /// Keep the records of every answer in this run folder (eval/SUITE).
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Print the metrics as JSON.
    #[arg(long)]
    json: bool,
}

/// Wording of the prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Prompts {
    Own,
    Paper,
}

/// Grading mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GradingMode {
    Paper,
    Clean,
}

impl From<GradingMode> for Mode {
    fn from(mode: GradingMode) -> Self {
        match mode {
            GradingMode::Paper => Self::Paper,
            GradingMode::Clean => Self::Clean,
        }
    }
}

/// Time rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LimitRules {
    Paper,
    Evalplus,
}

impl From<LimitRules> for TimeRules {
    fn from(rules: LimitRules) -> Self {
        match rules {
            LimitRules::Paper => Self::Paper,
            LimitRules::Evalplus => Self::Evalplus,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let decoding = decoding(args)?;
    let stop = interrupt::install()?;
    let model = models::load(&args.model)?;
    let suite = open(args, model.compact)?;
    let sandbox = sandbox::open()?;
    let clock = Stopwatch::start();
    let context = model.folder.weights.config().max_position_embeddings;
    let engine = EngineConfig { max_context: context, ..EngineConfig::default() };
    let mut engine =
        Engine::new(Arc::clone(&model.folder.weights), Arc::clone(&model.folder.tokenizer), engine)
            .context("cannot start the generation engine")?;
    let config = EvaluateConfig {
        model: Some(model.name.clone()),
        weights: Some(model.folder.weights.hash()),
        decodings: vec![decoding],
        seed: args.seed,
        limit: args.limit,
        max_new_tokens: args.max_new_tokens,
        ..EvaluateConfig::default()
    };
    let folder = args.run_dir.as_ref().map(|run| run.join("eval").join(suite.name()));
    let label = format!("evaluating {} on {}", model.name, suite.name());
    let Some(evaluation) =
        with_progress(suite.as_ref(), &mut engine, &sandbox, &config, folder.as_deref(), stop, &label)?
    else {
        let kept = folder.map_or_else(
            || "no answer was kept (use --run-dir to keep them)".to_owned(),
            |folder| {
                format!("the answers so far are in {}; the same command goes on from there", folder.display())
            },
        );
        output::note(format!("stopped: {kept}"));
        return Ok(Outcome::Stopped);
    };
    report(&evaluation.metrics, clock.seconds(), args.json)?;
    Ok(Outcome::Done)
}

fn decoding(args: &Args) -> anyhow::Result<Decoding> {
    let counts = [
        ("--n", &numbers::SAMPLES, Some(args.n_samples)),
        ("--limit", &numbers::ITEMS, args.limit),
        ("--max-new-tokens", &numbers::NEW_TOKENS, args.max_new_tokens),
    ];
    for (flag, range, count) in counts {
        if let Some(count) = count {
            check_flag(flag, range, &Given::Whole(count as i128))?;
        }
    }
    let temperature = args.temperature.unwrap_or(if args.n_samples == 1 { 0.0 } else { 1.0 });
    check_flag("--temperature", &numbers::TEMPERATURE, &Given::Real(f64::from(temperature)))?;
    match (temperature == 0.0, args.n_samples) {
        (true, 1) => Ok(Decoding::GREEDY),
        (true, n) => Err(Failure::new(
            format!("--temperature 0 gives the same answer {n} times"),
            "leave out --n, or give a temperature above 0",
        )
        .into()),
        (false, n) => Ok(Decoding { name: "sampled", sampling: Sampling::at(temperature), n }),
    }
}

fn open(args: &Args, compact: bool) -> anyhow::Result<Box<dyn Suite>> {
    let data = data::folder(args.data.clone());
    let prompts = match args.prompts {
        Prompts::Own => PromptSource::Own,
        Prompts::Paper => PromptSource::Paper(Arc::new(
            ReferencePrompts::read(&data).context("cannot read the paper's prompts")?,
        )),
    };
    let options = SuiteOptions {
        mode: args.mode.into(),
        limits: args.limits.into(),
        prompts,
        profile: if compact { Profile::Compact } else { Profile::Base },
        ..SuiteOptions::default()
    };
    open_suite(&args.suite, &data, options).map_err(|error| data::suite_failure(&args.suite, error))
}

fn report(metrics: &Metrics, seconds: f64, json: bool) -> anyhow::Result<()> {
    if json {
        let mut value = serde_json::to_value(metrics)?;
        value["seconds"] = serde_json::json!((seconds * 10.0).round() / 10.0);
        return output::say_json(&value);
    }
    let stderr = metrics.metrics.get("stderr").copied().unwrap_or(0.0);
    output::say(format!(
        "{}: {:.1} % right (standard error {stderr:.1}) on {} items, {}",
        metrics.suite,
        metrics.pass_at_1,
        metrics.n_items,
        readable(seconds)
    ))?;
    for decoding in metrics.decodings.values() {
        for (name, group) in &decoding.groups {
            let rate = group.metrics.get("pass@1").copied().unwrap_or(0.0);
            output::say(format!("  {name:<12} {rate:>5.1} %  {} items", group.n_items))?;
        }
        for (name, rate) in
            decoding.metrics.iter().filter(|(name, _)| name.starts_with("pass@") && *name != "pass@1")
        {
            output::say(format!("  {name:<24} {rate:>5.1} %"))?;
        }
    }
    for (verdict, count) in &metrics.counts {
        output::say(format!("  {count:>6} {verdict}"))?;
    }
    Ok(())
}
