//! The configuration of a run: model, evaluation, and everything of the method ([`SelfPlayConfig`]).
//!
//! A run is configured by layers (see [`layers`]): a preset or files, left to right, then `--set`. The
//! resolved configuration goes into the run folder as `config.toml`, which is itself a valid layer.

pub mod layers;
pub mod presets;

use crate::numbers;
use anyhow::Context;
use azr_selfplay::config::ranges::RANGES;
use azr_selfplay::config::{Baseline, SelfPlayConfig};
use layers::Layers;
use serde::{Deserialize, Serialize};

/// Keys of the top level that are not the method's.
const OWN_SECTIONS: [&str; 2] = ["model", "evaluation"];

/// A resolved configuration. In TOML the method's tables stand beside `model` and `evaluation`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Which model.
    pub model: ModelConfig,
    /// Evaluations before, during and after training.
    pub evaluation: EvaluationConfig,
    /// The method.
    pub selfplay: SelfPlayConfig,
}

/// Which model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// `azr-tiny` (embedded), a folder in the Hugging Face layout, a GGUF file, or `owner/name` looked up under `$AZR_MODELS`.
    pub path: String,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { path: "azr-tiny".to_owned() }
    }
}

/// Evaluations of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Suite that is run before and after training, and in part during it.
    pub suite: String,
    /// Items of the full evaluations, spread evenly over the task types; absent = all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Answers an item at temperature 1, for sampled accuracy and pass@k.
    pub n_samples: usize,
    /// Items of the evaluations during training, spread evenly over the task types; `run.evaluate_every = 0`
    /// switches them off.
    pub subset: usize,
    /// Further suites scored (greedily) before and after training.
    pub also: Vec<String>,
}

/// Keys whose absence has a meaning of its own.
const OPTIONAL: [&str; 6] = [
    "evaluation.limit",
    "proposer.duplicate_reward",
    "seeding.abduction_file",
    "seeding.deduction_file",
    "seeding.error_file",
    "seeding.induction_file",
];

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self { suite: "tiny".to_owned(), limit: None, n_samples: 8, subset: 150, also: Vec::new() }
    }
}

impl Config {
    /// Reads the configuration from its layers and refuses values no run could use.
    pub fn resolve(layers: &Layers) -> anyhow::Result<Self> {
        layers.check_numbers(RANGES)?;
        layers.check_numbers(numbers::EVALUATION)?;
        let config = Self::read(layers)?;
        config.selfplay.check().map_err(|error| layers.refuse(&error))?;
        Ok(config)
    }

    /// Reads the configuration from its layers: keys and types are checked, values are not.
    pub fn read(layers: &Layers) -> anyhow::Result<Self> {
        let known = layers::key_paths(&serde_json::Value::Object(Self::default().sections()?));
        Ok(Self {
            model: layers.section("model", &known)?,
            evaluation: layers.section("evaluation", &known)?,
            selfplay: layers.rest(&OWN_SECTIONS, &known)?,
        })
    }

    /// The configuration as TOML, every key written out.
    pub fn to_toml(&self) -> anyhow::Result<String> {
        toml::to_string(&self.sections()?).context("cannot write the configuration as TOML")
    }

    /// The same for a run that begins: nothing depends on its number of steps any longer.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let update = &mut self.selfplay.update;
        update.schedule = update.schedule.settled(self.selfplay.run.steps);
        self
    }

    /// What is allowed and probably not meant.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.selfplay.advantage.baseline == Baseline::PerPrompt
            && self.selfplay.rollout.responses_per_prompt == 1
        {
            remarks.push(
                "advantage.baseline = per_prompt with one response a prompt: every advantage is 0 but where prompts repeat; \
                 set rollout.responses_per_prompt"
                    .to_owned(),
            );
        }
        remarks
    }

    /// Keys that may be left out and are: what TOML has no value for.
    pub fn unset(&self) -> anyhow::Result<Vec<String>> {
        let known = layers::key_paths(&serde_json::Value::Object(self.sections()?));
        Ok(OPTIONAL.iter().map(ToString::to_string).filter(|key| !known.contains(key)).collect())
    }

    fn sections(&self) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
        let serde_json::Value::Object(mut sections) = serde_json::to_value(&self.selfplay)? else {
            anyhow::bail!("the method's configuration is not a table");
        };
        sections.insert("model".to_owned(), serde_json::to_value(&self.model)?);
        sections.insert("evaluation".to_owned(), serde_json::to_value(&self.evaluation)?);
        Ok(sections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(text: &str, sets: &[&str]) -> Layers {
        let mut layers = Layers::default();
        layers.add_toml("a.toml", text).unwrap();
        for set in sets {
            layers.add_assignment(set).unwrap();
        }
        layers
    }

    fn complaint(text: &str, sets: &[&str]) -> String {
        crate::failure::describe(&Config::resolve(&layers(text, sets)).unwrap_err())
    }

    #[test]
    fn resolved_configuration_is_a_layer_that_resolves_to_itself() {
        let config =
            Config::resolve(&layers("[run]\nseed = 7\n[model]\npath = 'x'", &["update.learning_rate=1e-4"]))
                .unwrap();
        assert_eq!(config.selfplay.run.seed, 7);
        let again = Config::resolve(&layers(&config.to_toml().unwrap(), &[])).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn every_key_is_written_or_named_as_not_set() {
        assert_eq!(Config::default().unset().unwrap(), OPTIONAL);
        let all = "[seeding]\nsource='files'\ndeduction_file='a'\nabduction_file='b'\ninduction_file='c'\nerror_file='d'\n\
                   [proposer]\nduplicate_reward=-0.5\n[evaluation]\nlimit=3";
        // A name that is no key would be refused.
        assert!(Config::resolve(&layers(all, &[])).unwrap().unset().unwrap().is_empty());
    }

    #[test]
    fn numbers_out_of_range_name_place_value_and_range() {
        insta::assert_snapshot!(complaint("[update]\nlearning_rate = 1e30", &[]), @r"
        azr: a.toml:2: config key `update.learning_rate`: 1e30 is not allowed, only a number above 0, at most 1
          help: change the value named, in the file or with --set
        ");
        insta::assert_snapshot!(complaint("", &["evaluation.limit=0"]), @r"
        azr: --set evaluation.limit=0: config key `evaluation.limit`: 0 is not allowed, only a whole number from 1 to 1000000
          help: change the value, or leave the key out to evaluate all items
        ");
        for set in [
            "run.steps=-1",
            "run.steps=2.5",
            "run.seed=-1",
            "run.steps=many",
            "update.learning_rate=nan",
            "update.learning_rate=inf",
            "update.learning_rate=NaN",
            "update.schedule.floor=2",
            "evaluation.n_samples=0",
            "evaluation.subset=0",
            "seeding.seed_batch_factor=0",
        ] {
            let text = complaint("", &[set]);
            let (key, value) = set.split_once('=').unwrap();
            assert!(text.contains(&format!("config key `{key}`")) && text.contains(value), "{text}");
            assert!(text.contains("is not allowed, only a"), "{text}");
        }
    }

    #[test]
    fn mistakes_name_place_and_remedy() {
        insta::assert_snapshot!(complaint("[run]\nsteps = 3\n[updat]\nepochs = 1", &[]), @r"
        azr: a.toml:3: unknown key 'updat'
          help: did you mean 'update'?
        ");
        insta::assert_snapshot!(complaint("", &["run.learning_rate=1e-4"]), @r"
        azr: --set run.learning_rate=1e-4: unknown key 'run.learning_rate'
          help: did you mean 'update.learning_rate'?
        ");
        insta::assert_snapshot!(complaint("[proposer]\nduplicate_rewards = 0.5", &[]), @r"
        azr: a.toml:2: unknown key 'proposer.duplicate_rewards'
          help: did you mean 'proposer.duplicate_reward'?
        ");
        insta::assert_snapshot!(complaint("[rollout]\ntop_p = 0.0", &[]), @r"
        azr: a.toml:2: config key `rollout.top_p`: 0.0 is not allowed, only a number above 0, at most 1
          help: change the value named, in the file or with --set
        ");
        insta::assert_snapshot!(complaint("mode = 'papper'", &[]), @r"
        azr: a.toml:1: mode: unknown variant `papper`, expected `paper` or `clean`
          help: did you mean 'paper'?
        ");
    }
}
