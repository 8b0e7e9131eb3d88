//! `azr model import` and `azr model convert`: model folders from GGUF files and from other models.

use super::info;
use crate::failure::{Failure, Outcome};
use crate::models;
use azr_model::{Lora, ModelFolder, WeightFormat};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// Number format of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// 32 bits: exact.
    F32,
    /// 16 bits: half the size, rounded.
    Bf16,
}

impl From<Format> for WeightFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::F32 => Self::F32,
            Format::Bf16 => Self::Bf16,
        }
    }
}

/// Arguments of `azr model import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// File in the format of llama.cpp (Llama, Qwen2 or Qwen3).
    #[arg(value_name = "FILE.gguf")]
    file: PathBuf,
    /// Folder to write: new, empty, or a model folder, whose files are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number format of the weights.
    #[arg(long, value_enum, default_value_t = Format::F32)]
    format: Format,
    /// Print what was written as JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `azr model convert`.
#[derive(Debug, clap::Args)]
pub struct ConvertArgs {
    /// azr-tiny (embedded), a model folder, a GGUF file, a run folder, or owner/name.
    model: String,
    /// Folder to write: new, empty, or a model folder, whose files are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Adapter (LoRA in PEFT's layout) to merge into the weights.
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Number format of the weights.
    #[arg(long, value_enum, default_value_t = Format::F32)]
    format: Format,
    /// Print what was written as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `azr model import`.
pub fn import(args: &ImportArgs) -> anyhow::Result<Outcome> {
    check_target(&args.out)?;
    let folder = models::read_gguf(&args.file)?;
    write(&folder, &args.out, args.format)?;
    let model = models::Model { name: args.out.display().to_string(), folder, compact: false };
    info::print(&info::describe(&model), args.json)?;
    Ok(Outcome::Done)
}

/// Runs `azr model convert`.
pub fn convert(args: &ConvertArgs) -> anyhow::Result<Outcome> {
    check_target(&args.out)?;
    let mut model = models::load(&args.model)?;
    if let Some(adapter) = &args.adapter {
        Lora::load(&model.folder.weights, adapter).map_err(|error| {
            let what = format!("cannot merge the adapter: {error}");
            Failure::new(what, "it must be a plain LoRA of this very model, as PEFT writes it")
        })?;
    }
    write(&model.folder, &args.out, args.format)?;
    if args.format == Format::Bf16 {
        // What is described is what was written: rounded.
        model.folder = ModelFolder::load(&args.out)?;
    }
    model.name = args.out.display().to_string();
    info::print(&info::describe(&model), args.json)?;
    Ok(Outcome::Done)
}

/// Other people's files are not to be mixed with a model's.
fn check_target(folder: &Path) -> anyhow::Result<()> {
    let fits = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none() || folder.join("config.json").is_file(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if fits {
        return Ok(());
    }
    let what = format!("{} is not empty and no model folder", folder.display());
    Err(Failure::new(what, "name a new folder with --out").into())
}

fn write(folder: &ModelFolder, out: &Path, format: Format) -> anyhow::Result<()> {
    folder.save(out, format.into()).map_err(|error| {
        let advice =
            "make room on the disk, or name another folder with --out; --format bf16 needs half of it";
        Failure::new(format!("cannot write the model: {error}"), advice).into()
    })
}
