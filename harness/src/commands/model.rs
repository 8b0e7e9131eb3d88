//! `azr model`: what a model is.

use crate::failure::Outcome;
use crate::{models, output};
use clap::Subcommand;

/// Arguments of `azr model`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print size, shape, tokenizer and weights hash of a model.
    Info {
        /// azr-tiny (embedded), a model folder, a run folder, or owner/name.
        #[arg(default_value = models::EMBEDDED)]
        model: String,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<Outcome> {
    let Command::Info { model, json } = args.command;
    let loaded = models::load(&model)?;
    let config = loaded.folder.weights.config();
    let value = serde_json::json!({
        "model": loaded.name,
        "architecture": config.model_type,
        "parameters": loaded.folder.weights.parameter_count(),
        "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "attention_heads": config.num_attention_heads,
        "key_value_heads": config.num_key_value_heads,
        "context": config.max_position_embeddings,
        "vocabulary": loaded.folder.tokenizer.vocab_size(),
        "prompts": if loaded.compact { "compact" } else { "paper" },
        "weights": loaded.folder.weights.hash(),
    });
    if json {
        output::say_json(&value)?;
    } else if let Some(fields) = value.as_object() {
        for (name, field) in fields {
            let text = field.as_str().map_or_else(|| field.to_string(), str::to_owned);
            output::say(format!("{:<16} {text}", name.replace('_', " ")))?;
        }
    }
    Ok(Outcome::Done)
}
