//! Model families. Each is a file that turns a `config.json` into the one description that all other code reads,
//! and back. A new family is such a file and its two lines here.

mod file;
mod llama;
mod qwen2;
mod qwen3;

pub use qwen2::Qwen2Shape;

use crate::config::ModelConfig;
use crate::error::{ModelError, Result};
use file::ConfigFile;

/// What a family's file provides.
struct Family {
    /// `model_type` of `config.json`.
    model_type: &'static str,
    /// Class of transformers, written so that other programs load the folder.
    architecture: &'static str,
    /// The description, or why this crate cannot run the model.
    read: fn(&ConfigFile) -> Result<ModelConfig>,
    /// Puts in what only this family writes.
    write: fn(&ModelConfig, &mut ConfigFile),
}

const FAMILIES: &[&Family] = &[&llama::FAMILY, &qwen2::FAMILY, &qwen3::FAMILY];

fn named(model_type: &str) -> Result<&'static Family> {
    FAMILIES.iter().copied().find(|family| family.model_type == model_type).ok_or_else(|| {
        let known: Vec<String> = FAMILIES.iter().map(|family| format!("`{}`", family.model_type)).collect();
        ModelError::Config(format!("model_type `{model_type}` is not supported, only {}", known.join(", ")))
    })
}

/// Refuses families that are not here.
pub(crate) fn check_name(model_type: &str) -> Result<()> {
    named(model_type).map(|_| ())
}

/// Reads the text of a `config.json`.
pub(crate) fn read(text: &str) -> Result<ModelConfig> {
    let file = ConfigFile::parse(text)?;
    let config = (named(&file.model_type)?.read)(&file)?;
    config.check()?;
    Ok(config)
}

/// The text of a `config.json`; `number_format` names the type of the numbers in the weights file.
pub(crate) fn write(config: &ModelConfig, number_format: Option<&str>) -> String {
    let family = named(config.model_type).expect("a description is made by a family");
    let mut file = ConfigFile::describing(config, family.architecture, number_format);
    (family.write)(config, &mut file);
    file.to_text()
}
