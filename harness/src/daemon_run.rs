//! Training runs of the daemon: configuration and folder from a request, then the same session as on the command line.

use crate::config::{Config, presets};
use crate::daemon_places::reason;
use crate::evaluation::{Evaluator, held_out_programs};
use crate::failure::Failure;
use crate::models::Model;
use crate::provenance::{Provenance, write_atomically};
use crate::{run_folder, run_record, seed_files, session};
use anyhow::Context;
use azr_daemon::actor::ServedModel;
use azr_daemon::protocol::train::StartParams;
use azr_daemon::training::{Plan, Yielding};
use azr_executor::Sandbox;
use azr_selfplay::config::SelfPlayConfig;
use azr_selfplay::observe::Observer;
use azr_selfplay::run::{self, Outcome, RunContext};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// A run that was asked for.
#[derive(Debug)]
pub struct DaemonRun {
    folder: PathBuf,
    config: Config,
    resume: bool,
}

impl DaemonRun {
    /// Settles configuration and folder; `runs` is where runs without a folder go, `pool` the file of the task pool.
    pub fn plan(params: &StartParams, cwd: Option<&str>, runs: &Path, pool: &Path) -> anyhow::Result<Self> {
        let (sources, mut assignments) = sources(params.config.as_ref())?;
        if params.pool {
            assignments.extend(from_pool(pool)?);
        }
        let wanted = presets::load(&sources, &assignments)?;
        let given = params.run_dir.as_ref().map(|folder| Path::new(cwd.unwrap_or("/")).join(folder));
        let name = format!("daemon-seed{}", wanted.selfplay.run.seed);
        let choice = run_folder::choose_below(runs, given.as_deref(), &name, params.resume)?;
        let file = choice.path.join("config.toml");
        let config = if params.resume && file.is_file() {
            presets::load(&[file.display().to_string()], &[])?
        } else {
            wanted
        };
        Ok(Self { folder: choice.path, config, resume: params.resume })
    }

    fn play(
        &self,
        policy: &mut Yielding,
        model: &ServedModel,
        sandbox: &Sandbox,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> anyhow::Result<Outcome> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create the run folder {}", self.folder.display()))?;
        if self.resume {
            run_record::check_steps(&self.folder)?;
            if self.folder.join("run.json").is_file() {
                run::same_settings(&self.folder, &self.config.selfplay)?;
            }
        }
        write_atomically(&self.folder.join("config.toml"), self.config.to_toml()?.as_bytes())
            .with_context(|| format!("cannot write into the run folder {}", self.folder.display()))?;
        let mut evaluator = Evaluator::open(&self.config, sandbox, &self.folder, stop)?;
        let model = Model { name: model.name.clone(), folder: model.folder.clone(), compact: model.compact };
        let mut data = evaluator.identities();
        data.extend(seed_files::hashes(&self.config.selfplay)?);
        let provenance = Provenance::collect(&model, data);
        let held_out = held_out_programs()?;
        let clock = crate::clock::Stopwatch::start();
        let seconds = move || clock.seconds();
        Ok(run::run(RunContext {
            config: &self.config.selfplay,
            policy,
            sandbox,
            folder: &self.folder,
            resume: self.resume,
            exact: true,
            seeds: if self.resume { None } else { seed_files::read(&self.config.selfplay)? },
            held_out: &held_out,
            reference_texts: session::reference_texts(self.config.selfplay.run.prompts)?,
            info: serde_json::to_value(provenance)?,
            observer,
            evaluate: &mut evaluator,
            stop,
            clock: &seconds,
        })?)
    }
}

impl Plan for DaemonRun {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn config(&self) -> &SelfPlayConfig {
        &self.config.selfplay
    }

    fn run(
        &self,
        policy: &mut Yielding,
        model: &ServedModel,
        sandbox: &Sandbox,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Outcome, String> {
        self.play(policy, model, sandbox, observer, stop).map_err(|error| reason(&error))
    }
}

/// Settings of a run that starts from the task pool.
fn from_pool(pool: &Path) -> anyhow::Result<[String; 2]> {
    if !pool.is_file() {
        return Err(Failure::new(
            "the task pool is empty",
            "switch on azr.taskPool.enabled in an editor, and open files with calls, or start without the pool",
        )
        .into());
    }
    let path = serde_json::to_string(&pool.display().to_string())?;
    Ok(["seeding.source=\"files\"".to_owned(), format!("seeding.deduction_file={path}")])
}

/// Configuration files and `key=value` settings of a request: a preset or file, or an object over the preset `tiny`
/// (nested, or with dotted keys; `preset` names another).
fn sources(config: Option<&Value>) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    match config {
        None | Some(Value::Null) => Ok((vec!["tiny".to_owned()], Vec::new())),
        Some(Value::String(source)) => Ok((vec![source.clone()], Vec::new())),
        Some(Value::Object(object)) => {
            let mut object = object.clone();
            let preset = match object.remove("preset") {
                None => "tiny".to_owned(),
                Some(Value::String(name)) => name,
                Some(other) => anyhow::bail!("config.preset is a name, not {other}"),
            };
            let mut assignments = Vec::new();
            flatten("", &Value::Object(object), &mut assignments);
            Ok((vec![preset], assignments))
        }
        Some(other) => anyhow::bail!("config is a preset, a file or an object of settings, not {other}"),
    }
}

fn flatten(prefix: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&path, value, out);
            }
        }
        // JSON scalars and lists of scalars are TOML too.
        other => out.push(format!("{prefix}={other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_come_as_name_file_or_object() {
        assert_eq!(sources(None).unwrap().0, ["tiny"]);
        assert_eq!(sources(Some(&json!("a.toml"))).unwrap().0, ["a.toml"]);
        let object = json!({ "preset": "qwen2.5-7b", "run": { "seed": 7 }, "update.learning_rate": 0.5, "model": { "path": "m" } });
        let (files, settings) = sources(Some(&object)).unwrap();
        assert_eq!(files, ["qwen2.5-7b"]);
        assert_eq!(settings, ["model.path=\"m\"", "run.seed=7", "update.learning_rate=0.5"]);
        assert!(sources(Some(&json!(3))).is_err());
    }
}
