//! `azr model info`: what a model is.

use crate::failure::Outcome;
use crate::{models, output};

/// Arguments of `azr model info`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// azr-tiny (embedded), a model folder, a GGUF file, a run folder, or owner/name.
    #[arg(default_value = models::EMBEDDED)]
    model: String,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let value = describe(&models::load(&args.model)?);
    print(&value, args.json)?;
    Ok(Outcome::Done)
}

/// What there is to say of a model.
pub fn describe(model: &models::Model) -> serde_json::Value {
    let config = model.folder.weights.config();
    serde_json::json!({
        "model": model.name,
        "architecture": config.model_type,
        "parameters": model.folder.weights.parameter_count(),
        "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "attention_heads": config.num_attention_heads,
        "key_value_heads": config.num_key_value_heads,
        "context": config.max_position_embeddings,
        "vocabulary": model.folder.tokenizer.vocab_size(),
        "prompts": if model.compact { "compact" } else { "paper" },
        "chat_template": model.folder.chat.as_ref().is_some_and(|chat| chat.template().is_some()),
        "weights": model.folder.weights.hash(),
    })
}

/// Prints the fields of an object, as lines or as JSON.
pub fn print(value: &serde_json::Value, json: bool) -> anyhow::Result<()> {
    if json {
        return output::say_json(value);
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let text = field.as_str().map_or_else(|| field.to_string(), str::to_owned);
        output::say(format!("{:<16} {text}", name.replace('_', " ")))?;
    }
    Ok(())
}
