//! Finding a model: the embedded one, a folder in the Hugging Face layout, a GGUF file, a run, or a name under `$AZR_MODELS`.

#![expect(clippy::disallowed_methods, reason = "the environment is read here, at the edge, and passed on")]

use crate::failure::Failure;
use crate::hub::{self, Wanted};
use crate::{files, run_folder, sandbox, toys};
use anyhow::Context;
use azr_model::{ModelBytes, ModelError, ModelFolder};
use std::env;
use std::path::{Path, PathBuf};

/// Name of the embedded model.
pub const EMBEDDED: &str = "azr-tiny";

/// The smallest real model that presets know.
pub const SMOLLM2: &str = "HuggingFaceTB/SmolLM2-135M-Instruct";

/// The embedded model's files.
const EMBEDDED_FILES: ModelBytes<'static> = ModelBytes {
    config: include_bytes!("../assets/azr-tiny/config.json"),
    weights: include_bytes!("../assets/azr-tiny/model.safetensors"),
    tokenizer: include_bytes!("../assets/azr-tiny/tokenizer.json"),
    generation_config: include_bytes!("../assets/azr-tiny/generation_config.json"),
};

/// How the embedded model was made: recipe, seed, loss curve, hash.
pub const EMBEDDED_RECIPE: &str = include_str!("../assets/azr-tiny/recipe.json");

/// A loaded model.
#[derive(Debug)]
pub struct Model {
    /// What the user called it.
    pub name: String,
    /// Weights and tokenizer.
    pub folder: ModelFolder,
    /// Whether it speaks the compact prompt profile of `azr-tiny`.
    pub compact: bool,
}

/// Loads the model named on the command line or in a configuration.
pub fn load(name: &str) -> anyhow::Result<Model> {
    if name == EMBEDDED {
        let folder =
            ModelFolder::from_bytes(EMBEDDED_FILES).context("cannot load the embedded model azr-tiny")?;
        return Ok(Model { name: name.to_owned(), folder, compact: true });
    }
    if let Some(family) = name.strip_prefix(toys::TOY) {
        return Ok(Model { name: name.to_owned(), folder: toys::toy(family)?, compact: false });
    }
    if is_gguf(Path::new(name)) {
        return Ok(Model { name: name.to_owned(), folder: read_packed(Path::new(name))?, compact: false });
    }
    load_folder(name, &locate(name)?)
}

/// Whether a model can be found on this machine, without reading it.
pub fn check_here(name: &str) -> anyhow::Result<()> {
    if name == EMBEDDED || name.starts_with(toys::TOY) || is_gguf(Path::new(name)) {
        return Ok(());
    }
    locate(name).map(drop)
}

/// Whether a path is a file of llama.cpp's format.
fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) && path.is_file()
}

/// Reads the numbers of a GGUF file, with advice where it is refused.
pub fn read_gguf(path: &Path) -> anyhow::Result<ModelFolder> {
    ModelFolder::from_gguf(path).map_err(|error| refused(&error))
}

/// Reads a GGUF file with the packed form that the engine reads.
fn read_packed(path: &Path) -> anyhow::Result<ModelFolder> {
    ModelFolder::from_gguf_packed(path).map_err(|error| refused(&error))
}

fn refused(error: &ModelError) -> anyhow::Error {
    Failure::new(
        format!("cannot read the model {error}"),
        "it must be a whole GGUF file of a Llama, Qwen2 or Qwen3 model, packed as F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K",
    )
    .into()
}

/// A name as a process in another folder finds it: paths are absolute.
pub fn absolute(name: &str) -> String {
    match std::path::absolute(name) {
        Ok(path) if name != EMBEDDED && Path::new(name).exists() => path.display().to_string(),
        _ => name.to_owned(),
    }
}

/// Loads a model from its folder; `name` is what the user called it.
pub fn load_folder(name: &str, path: &Path) -> anyhow::Result<Model> {
    let folder = ModelFolder::load(path).map_err(|error| {
        Failure::new(format!("cannot load the model {name}: {error}"), damaged_advice(path))
    })?;
    Ok(Model { name: name.to_owned(), folder, compact: is_compact(path)? })
}

/// Whether a name is one of the hub: `owner/name`.
pub fn is_hub_name(name: &str) -> bool {
    name.split('/').filter(|part| !part.is_empty() && *part != "." && *part != "..").count() == 2
        && name.matches('/').count() == 1
}

/// The folder for a model of the hub among those kept here, whether it is there or not.
pub fn stored(name: &str) -> Option<PathBuf> {
    model_store().map(|store| store.join(name))
}

/// The folder with the files of a model.
fn locate(name: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(name);
    if path.is_dir() {
        if path.join("config.json").is_file() {
            return Ok(path.to_owned());
        }
        if let Some(model) = run_folder::last_sound_model(path)? {
            return Ok(model);
        }
        let what = format!("{name} holds neither a model nor a run with a complete checkpoint");
        return Err(Failure::new(
            what,
            "a model folder has config.json, tokenizer.json and model.safetensors",
        )
        .into());
    }
    let hub_name = if name == "smollm2-135m" { SMOLLM2 } else { name };
    if let (true, Some(folder)) = (is_hub_name(hub_name), stored(hub_name)) {
        if folder.join("config.json").is_file() {
            return Ok(folder);
        }
        if let Some(folder) = hub::cached(Wanted { name: hub_name, revision: "main" }) {
            return Ok(folder);
        }
        let what = format!("the weights of {name} are missing: {} is not a model folder", folder.display());
        let advice = format!(
            "fetch them with `azr model get {name}`, or put config.json, tokenizer.json, generation_config.json and model.safetensors into {} (or set AZR_MODELS), or pass a folder",
            folder.display()
        );
        return Err(Failure::new(what, advice).into());
    }
    Err(Failure::new(
        format!("no model '{name}'"),
        "use azr-tiny, a model folder, a GGUF file, a run folder, or owner/name",
    )
    .into())
}

/// `$AZR_MODELS`, else `models` in the cache folder.
fn model_store() -> Option<PathBuf> {
    env::var_os("AZR_MODELS")
        .map(PathBuf::from)
        .or_else(|| sandbox::cache_dir().map(|cache| cache.join("models")))
}

/// A model speaks the compact profile when its run says so or when it was made by `azr pretrain`.
fn is_compact(folder: &Path) -> anyhow::Result<bool> {
    if folder.join("recipe.json").is_file() {
        return Ok(true);
    }
    let config = folder.ancestors().skip(1).take(3).map(|ancestor| ancestor.join("config.toml"));
    let Some(path) = config.into_iter().find(|path| path.is_file()) else { return Ok(false) };
    // Going on without it would ask the model in another wording than it was trained on.
    let table: toml::Table = files::read_text(&path)?.parse().map_err(|error: toml::de::Error| {
        Failure::new(
            format!("{} is not valid TOML: {}", path.display(), error.message()),
            "it says which prompts the model was trained on: restore it from a copy, or mend it",
        )
    })?;
    let prompts = table.get("run").and_then(|run| run.get("prompts")?.as_str());
    Ok(prompts == Some("compact"))
}

fn damaged_advice(path: &Path) -> String {
    format!(
        "the files in {} are missing, cut short or of another model: copy the folder again, or use an earlier checkpoint",
        path.display()
    )
}
