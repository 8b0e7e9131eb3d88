//! `azr eval`: a suite on a model, with real prompts, generation, extraction and grading.

use super::server;
use crate::clock::{Stopwatch, readable};
use crate::evaluation::with_progress;
use crate::failure::{Failure, Outcome};
use crate::models;
use crate::numbers::{self, check_flag};
use crate::{data, interrupt, output, provenance, sandbox};
use anyhow::Context;
use azr_benchmarks::cache::Cached;
use azr_benchmarks::evaluate::{Evaluation, chosen_items};
use azr_benchmarks::{
    Decoding, EvaluateConfig, Metrics, Mode, Profile, PromptSource, ReferencePrompts, Suite, SuiteOptions,
    TimeRules, open_suite,
};
use azr_model::{Engine, EngineConfig, Generate, Sampling};
use azr_reports::paper::{AVERAGES, COLUMNS, averages};
use azr_selfplay::config::ranges::Given;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of `azr eval`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Suite, e.g. tiny, humaneval_plus, math500, livecodebench, cruxeval_i, or the folder of a suite of your own;
    /// `paper` = the nine columns of the paper's main table, prompted, limited and graded as the paper's tools do.
    suite: String,
    /// azr-tiny (embedded), a model folder, a GGUF file, a run folder (its last checkpoint), owner/name, or the address of an
    /// OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1.
    #[arg(long, default_value = models::EMBEDDED)]
    model: String,
    #[command(flatten)]
    server: server::Args,
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
    /// Let the model continue each text, also if it has a chat template.
    #[arg(long)]
    base: bool,
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
    /// Keep completions in this file, and take from it those that the same model made for the same prompt and settings.
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Stop after so many seconds, at the end of a batch.
    #[arg(long, value_name = "S")]
    max_seconds: Option<f64>,
    /// Answers that are generated, graded and written together [default: 256, 32 for a server].
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Go on with the evaluation in --run-dir. This is what happens anyway where the settings are the same.
    #[arg(long, requires = "run_dir")]
    resume: bool,
    /// Print the prompts with their stop texts and bounds as JSON lines, and ask nothing.
    #[arg(long)]
    show_prompts: bool,
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
    if args.show_prompts {
        return show_prompts(args);
    }
    let stop = interrupt::install()?;
    if let Some(seconds) = args.max_seconds {
        let seconds = std::time::Duration::from_secs_f64(seconds);
        std::thread::spawn(move || {
            std::thread::sleep(seconds);
            stop.store(true, Ordering::SeqCst);
        });
    }
    if server::is_address(&args.model) {
        let mut remote = args.server.open(&args.model)?;
        let subject = Subject {
            name: remote.name().to_owned(),
            weights: provenance::sha256(
                format!("{} {} chat={}", args.model, remote.name(), args.server.chat).as_bytes(),
            ),
            profile: if args.server.chat { server::chat_profile() } else { Profile::Base },
            batch: 32,
        };
        return run_on(args, &decoding, &mut remote, &subject, stop);
    }
    let model = models::load(&args.model)?;
    let context = model.folder.weights.config().max_position_embeddings;
    let engine = EngineConfig { max_context: context, ..EngineConfig::default() };
    let mut engine =
        Engine::new(Arc::clone(&model.folder.weights), Arc::clone(&model.folder.tokenizer), engine)
            .context("cannot start the generation engine")?;
    let subject = Subject {
        name: model.name.clone(),
        weights: model.folder.weights.hash(),
        profile: profile(&model, args.base)?,
        batch: if model.compact { 256 } else { 32 },
    };
    run_on(args, &decoding, &mut engine, &subject, stop)
}

/// The prompts of a suite as the model would get them, for tools that ask a model by other means.
fn show_prompts(args: &Args) -> anyhow::Result<Outcome> {
    let profile = match server::is_address(&args.model) {
        true if args.server.chat => server::chat_profile(),
        true => Profile::Base,
        false => profile(&models::load(&args.model)?, args.base)?,
    };
    if args.suite == "paper" {
        return Err(Failure::new(
            "the prompts of several suites at once are not shown",
            "name one suite, with --prompts paper for the paper's wording",
        )
        .into());
    }
    let suite = open(args, &args.suite, profile)?;
    for index in chosen_items(suite.len(), args.limit) {
        let prompt = suite.prompt(index);
        let bound = prompt.max_new_tokens.min(args.max_new_tokens.unwrap_or(usize::MAX));
        let line = serde_json::json!({
            "item": suite.item(index), "prompt": prompt.text, "stop": prompt.stop, "max_new_tokens": bound,
        });
        output::say(line.to_string())?;
    }
    Ok(Outcome::Done)
}

/// How the model is prompted: by its chat template where it has one, unless it is to continue the text.
fn profile(model: &models::Model, base: bool) -> anyhow::Result<Profile> {
    if model.compact {
        return Ok(Profile::Compact);
    }
    let Some(chat) = model.folder.chat.clone().filter(|chat| !base && chat.template().is_some()) else {
        return Ok(Profile::Base);
    };
    // Without today's date: a prompt is the same on every day.
    let render =
        move |user: &str| chat.render(&serde_json::json!([{"role": "user", "content": user}]), true, None);
    render("x").context("the model's chat template does not work; --base does without it")?;
    Ok(Profile::Chat(Arc::new(move |user: &str, begun: &str| {
        render(user).unwrap_or_else(|_| user.to_owned()) + begun
    })))
}

/// The model that is asked, for the record.
struct Subject {
    name: String,
    weights: String,
    profile: Profile,
    batch: usize,
}

fn run_on<G: Generate>(
    args: &Args,
    decoding: &Decoding,
    model: &mut G,
    subject: &Subject,
    stop: &AtomicBool,
) -> anyhow::Result<Outcome> {
    match &args.cache {
        Some(path) => {
            let mut cached =
                Cached::open(model, subject.weights.clone(), path).context("cannot use the cache")?;
            let outcome = run_suites(args, decoding, &mut cached, subject, stop)?;
            output::note(format!("{} answers came from {}", cached.hits, path.display()));
            Ok(outcome)
        }
        None => run_suites(args, decoding, model, subject, stop),
    }
}

fn run_suites<G: Generate>(
    args: &Args,
    decoding: &Decoding,
    model: &mut G,
    subject: &Subject,
    stop: &AtomicBool,
) -> anyhow::Result<Outcome> {
    if args.suite != "paper" {
        let suite = open(args, &args.suite, subject.profile.clone())?;
        let clock = Stopwatch::start();
        let Some(metrics) = run_one(args, suite.as_ref(), decoding, model, subject, stop)? else {
            return Ok(Outcome::Stopped);
        };
        report(&metrics, clock.seconds(), args.json)?;
        return Ok(Outcome::Done);
    }
    let clock = Stopwatch::start();
    let mut columns = [None; 9];
    let mut all = Vec::new();
    for (column, (name, _)) in COLUMNS.iter().enumerate() {
        // A set that is not here leaves its column empty, and an empty column its average.
        let suite = match open(args, name, subject.profile.clone()) {
            Ok(suite) => suite,
            Err(error) => {
                output::note(format!("{name} is left out: {error:#}"));
                continue;
            }
        };
        let Some(metrics) = run_one(args, suite.as_ref(), decoding, model, subject, stop)? else {
            return Ok(Outcome::Stopped);
        };
        columns[column] = Some(metrics.pass_at_1);
        all.push(metrics);
    }
    if all.is_empty() {
        return Err(Failure::new(
            "none of the paper's sets is here",
            "give the folder with the data sets with --data DIR or AZR_DATA",
        )
        .into());
    }
    report_paper(&columns, &all, clock.seconds(), args.json)
}

fn run_one<G: Generate>(
    args: &Args,
    suite: &dyn Suite,
    decoding: &Decoding,
    model: &mut G,
    subject: &Subject,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Metrics>> {
    let sandbox = sandbox::open()?;
    let config = EvaluateConfig {
        model: Some(subject.name.clone()),
        weights: Some(subject.weights.clone()),
        decodings: vec![decoding.clone()],
        seed: args.seed,
        limit: args.limit,
        max_new_tokens: args.max_new_tokens,
        batch: args.batch.unwrap_or(subject.batch),
    };
    let folder = args.run_dir.as_ref().map(|run| run.join("eval").join(suite.name()));
    let label = format!("evaluating {} on {}", subject.name, suite.name());
    let evaluation = with_progress(suite, model, &sandbox, &config, folder.as_deref(), stop, &label)?;
    if let (Some(folder), Some(evaluation)) = (&folder, &evaluation) {
        write_samples(suite, evaluation, folder)?;
    }
    if evaluation.is_none() {
        let kept = folder.map_or_else(
            || "no answer was kept (use --run-dir to keep them)".to_owned(),
            |folder| {
                format!("the answers so far are in {}; the same command goes on from there", folder.display())
            },
        );
        output::note(format!("stopped: {kept}"));
    }
    Ok(evaluation.map(|evaluation| evaluation.metrics))
}

/// `samples.jsonl` beside the records: the answers as `azr score` reads them, and EvalPlus those of its sets.
fn write_samples(suite: &dyn Suite, evaluation: &Evaluation, folder: &Path) -> anyhow::Result<()> {
    let mut text = String::new();
    for record in &evaluation.records {
        text.push_str(&suite.sample(record).to_string());
        text.push('\n');
    }
    let path = folder.join("samples.jsonl");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The columns and the averages by the paper's rule.
fn report_paper(
    columns: &[Option<f64>; 9],
    all: &[Metrics],
    seconds: f64,
    json: bool,
) -> anyhow::Result<Outcome> {
    let averages = averages(columns);
    if json {
        let named: std::collections::BTreeMap<&str, Option<f64>> =
            COLUMNS.iter().map(|(suite, _)| *suite).zip(columns.iter().copied()).collect();
        let value = serde_json::json!({
            "columns": named,
            "averages": {"code": averages[0], "math": averages[1], "total": averages[2]},
            "suites": all,
            "seconds": (seconds * 10.0).round() / 10.0,
        });
        output::say_json(&value)?;
        return Ok(Outcome::Done);
    }
    let percent = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    for ((_, heading), value) in COLUMNS.iter().zip(columns) {
        output::say(format!("{heading:<10} {:>6}", percent(*value)))?;
    }
    for (heading, value) in AVERAGES.iter().zip(averages) {
        output::say(format!("{heading:<10} {:>6}", percent(value)))?;
    }
    Ok(Outcome::Done)
}

fn decoding(args: &Args) -> anyhow::Result<Decoding> {
    let counts = [
        ("--n", &numbers::SAMPLES, Some(args.n_samples)),
        ("--limit", &numbers::ITEMS, args.limit),
        ("--max-new-tokens", &numbers::NEW_TOKENS, args.max_new_tokens),
        ("--batch", &numbers::ITEMS, args.batch),
    ];
    for (flag, range, count) in counts {
        if let Some(count) = count {
            check_flag(flag, range, &Given::Whole(count as i128))?;
        }
    }
    if let Some(seconds) = args.max_seconds {
        check_flag("--max-seconds", &numbers::EVALUATION_SECONDS, &Given::Real(seconds))?;
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

fn open(args: &Args, name: &str, profile: Profile) -> anyhow::Result<Box<dyn Suite>> {
    let data = data::folder(args.data.clone());
    let paper = args.suite == "paper";
    let prompts = if paper || args.prompts == Prompts::Paper {
        PromptSource::Paper(Arc::new(
            ReferencePrompts::read(&data).context("cannot read the paper's prompts")?,
        ))
    } else {
        PromptSource::Own
    };
    let options = SuiteOptions {
        mode: if paper { Mode::Paper } else { args.mode.into() },
        limits: if paper { TimeRules::Paper } else { args.limits.into() },
        prompts,
        profile,
        expected_cache: sandbox::expected_cache(),
        ..SuiteOptions::default()
    };
    open_suite(name, &data, options).map_err(|error| data::suite_failure(name, error))
}

fn report(metrics: &Metrics, seconds: f64, json: bool) -> anyhow::Result<()> {
    if json {
        let mut value = serde_json::to_value(metrics)?;
        value["seconds"] = serde_json::json!((seconds * 10.0).round() / 10.0);
        return output::say_json(&value);
    }
    let figure = |name: &str| metrics.metrics.get(name).copied();
    // A single item, or one alone in its group, has neither.
    let error = match (figure("stderr"), figure("pass@1_low"), figure("pass@1_high")) {
        (Some(stderr), Some(low), Some(high)) => {
            format!(" (standard error {stderr:.1}, 95 % interval {low:.1} to {high:.1})")
        }
        _ => String::new(),
    };
    output::say(format!(
        "{}: {:.1} % right{error} on {} items, {}",
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
        let shown = |name: &str| {
            let end = name.ends_with("_low") || name.ends_with("_high");
            !end && (name.starts_with("pass@") || name.starts_with("avg@"))
        };
        for (name, rate) in decoding.metrics.iter().filter(|(name, _)| shown(name) && *name != "pass@1") {
            output::say(format!("  {name:<24} {rate:>5.1} %"))?;
        }
    }
    for (verdict, count) in &metrics.counts {
        output::say(format!("  {count:>6} {verdict}"))?;
    }
    Ok(())
}
