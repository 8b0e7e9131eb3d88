//! Evaluations of a run: full ones before and after, a subset during training, all as records in the run folder.

use crate::config::{Config, EvaluationConfig};
use crate::data;
use crate::progress::Counter;
use anyhow::Context;
use azr_benchmarks::evaluate::Evaluation;
use azr_benchmarks::suites::TinySuite;
use azr_benchmarks::{Decoding, EvaluateConfig, Profile, Suite, SuiteOptions, evaluate, open_suite};
use azr_executor::Sandbox;
use azr_model::Generate;
use azr_selfplay::Policy;
use azr_selfplay::config::PromptProfile;
use azr_selfplay::observe::Evaluate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The evaluations of one run.
pub struct Evaluator<'a> {
    suites: Vec<Box<dyn Suite>>,
    config: &'a EvaluationConfig,
    seed: u64,
    sandbox: &'a Sandbox,
    folder: PathBuf,
    stop: &'a AtomicBool,
}

impl<'a> Evaluator<'a> {
    /// Opens the suites of the configuration; records go below `run`/eval.
    pub fn open(
        config: &'a Config,
        sandbox: &'a Sandbox,
        run: &Path,
        stop: &'a AtomicBool,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            suites: suites(config)?,
            config: &config.evaluation,
            seed: config.selfplay.run.seed,
            sandbox,
            folder: run.join("eval"),
            stop,
        })
    }

    /// Names of the suites with a hash of what decides their prompts and verdicts.
    pub fn identities(&self) -> BTreeMap<String, String> {
        self.suites.iter().map(|suite| (suite.name().to_owned(), data::suite_hash(suite.as_ref()))).collect()
    }

    /// Scores all suites on the weights after `step`; `None` when stopped, with what is done on disk.
    pub fn full<P: Policy>(&self, policy: &mut P, step: u64) -> anyhow::Result<Option<Vec<Evaluation>>> {
        let mut evaluations = Vec::new();
        for (index, suite) in self.suites.iter().enumerate() {
            let mut decodings = vec![Decoding::GREEDY];
            if index == 0 {
                decodings.push(Decoding::sampled(self.config.n_samples));
            }
            let limit = self.config.limit;
            let items = shown_items(limit, suite.len());
            let label = format!("evaluating {} ({items} items) after step {step}", suite.name());
            match self.one(suite.as_ref(), policy, step, decodings, limit, &label)? {
                Some(evaluation) => evaluations.push(evaluation),
                None => return Ok(None),
            }
        }
        Ok(Some(evaluations))
    }

    /// What the evaluations during training answer, e.g. `150 of 1500`: fewer items than the full ones.
    pub fn items_during_a_run(&self) -> Option<String> {
        self.suites.first().map(|suite| shown_items(Some(self.config.subset), suite.len()))
    }

    fn one<P: Policy>(
        &self,
        suite: &dyn Suite,
        policy: &mut P,
        step: u64,
        decodings: Vec<Decoding>,
        limit: Option<usize>,
        label: &str,
    ) -> anyhow::Result<Option<Evaluation>> {
        let weights = policy.weights_hash().context("cannot hash the weights")?;
        let config = EvaluateConfig {
            weights: Some(weights),
            decodings,
            seed: self.seed,
            limit,
            ..EvaluateConfig::default()
        };
        let folder = self.folder.join(suite.name()).join(format!("step-{step}"));
        with_progress(suite, policy, self.sandbox, &config, Some(&folder), self.stop, label)
    }
}

/// Items of an evaluation under a limit: `150 of 1500`, or `1500` where it leaves out none.
fn shown_items(limit: Option<usize>, all: usize) -> String {
    limit.filter(|limit| *limit < all).map_or_else(|| all.to_string(), |limit| format!("{limit} of {all}"))
}

/// The suites of the configuration.
pub fn suites(config: &Config) -> anyhow::Result<Vec<Box<dyn Suite>>> {
    let profile =
        if config.selfplay.run.prompts == PromptProfile::Compact { Profile::Compact } else { Profile::Base };
    let data = data::folder(None);
    std::iter::once(&config.evaluation.suite)
        .chain(&config.evaluation.also)
        .map(|name| {
            let options = SuiteOptions { profile: profile.clone(), ..SuiteOptions::default() };
            open_suite(name, &data, options).map_err(|error| data::suite_failure(name, error))
        })
        .collect()
}

/// Programs of the embedded suites, whichever of them a run evaluates.
pub fn held_out_programs() -> anyhow::Result<BTreeSet<String>> {
    let mut programs = BTreeSet::new();
    for name in ["tiny", "tiny_hard"] {
        let suite = TinySuite::embedded(name, &SuiteOptions::default())
            .with_context(|| format!("cannot read the embedded suite {name}"))?;
        programs.extend(suite.programs().map(ToOwned::to_owned));
    }
    Ok(programs)
}

/// Runs an evaluation with a progress display; `None` when stopped.
pub fn with_progress<G: Generate>(
    suite: &dyn Suite,
    model: &mut G,
    sandbox: &Sandbox,
    config: &EvaluateConfig,
    folder: Option<&Path>,
    stop: &AtomicBool,
    label: &str,
) -> anyhow::Result<Option<Evaluation>> {
    let mut counter = Counter::new(label, 0);
    let evaluation = evaluate(suite, model, sandbox, config, folder, &mut |progress| {
        let right = 100.0 * progress.right as f64 / progress.done.max(1) as f64;
        let rate = progress.tokens as f64 / counter.seconds().max(1e-9);
        counter.update(
            progress.done as u64,
            progress.total as u64,
            &format!("{right:.1} % right  {rate:.0} tokens/s"),
        );
        !stop.load(Ordering::SeqCst)
    });
    counter.finish();
    evaluation.with_context(|| format!("cannot evaluate {}", suite.name()))
}

impl<P: Policy> Evaluate<P> for Evaluator<'_> {
    /// Greedy and one sample on a subset of the first suite. Names: `tiny` and `tiny_sampled` are the means over
    /// task types, `tiny.deduction` and so on the parts.
    fn evaluate(&mut self, policy: &mut P, step: u64) -> Result<BTreeMap<String, f64>, String> {
        let Some(suite) = self.suites.first() else {
            return Ok(BTreeMap::new());
        };
        let weights = policy.weights_hash().map_err(|error| error.to_string())?;
        let config = EvaluateConfig {
            weights: Some(weights),
            decodings: vec![Decoding::GREEDY, Decoding::sampled(1)],
            seed: self.seed,
            limit: Some(self.config.subset),
            ..EvaluateConfig::default()
        };
        let folder = self.folder.join(suite.name()).join(format!("step-{step}"));
        // Not stoppable: a step's record is whole or absent.
        let evaluation =
            evaluate(suite.as_ref(), policy, self.sandbox, &config, Some(&folder), &mut |_| true)
                .map_err(|error| error.to_string())?
                .ok_or("the evaluation was stopped")?;
        Ok(summary(suite.name(), &evaluation))
    }
}

fn summary(suite: &str, evaluation: &Evaluation) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    for (decoding, figures) in &evaluation.metrics.decodings {
        let name =
            if decoding == Decoding::GREEDY.name { suite.to_owned() } else { format!("{suite}_{decoding}") };
        let mut insert = |name: String, figures: &BTreeMap<String, f64>| {
            if let Some(rate) = figures.get("pass@1") {
                metrics.insert(name, *rate);
            }
        };
        insert(name.clone(), &figures.metrics);
        for (group, of_group) in &figures.groups {
            insert(format!("{name}.{group}"), &of_group.metrics);
        }
    }
    metrics
}
