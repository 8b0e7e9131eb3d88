//! `azr model tokenize`: texts to tokens, with the tokenizer alone.

use crate::failure::{Failure, Outcome};
use crate::provenance::write_atomically;
use crate::{files, models, output};
use anyhow::Context;
use azr_model::Tokenizer;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `azr model tokenize`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A tokenizer.json, a folder that has one, or a model.
    tokenizer: String,
    /// JSON lines with a "text" each (plain or .gz).
    #[arg(long, value_name = "IN.jsonl")]
    texts: PathBuf,
    /// Where the lines go, with "tokens" and "decoded" added.
    #[arg(long, value_name = "OUT.jsonl")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let tokenizer = load(&args.tokenizer)?;
    let rows = files::read_json_lines::<Map<String, Value>>(&args.texts)?;
    let mut lines = String::new();
    let mut count = 0;
    for (index, mut row) in rows.into_iter().enumerate() {
        let text = row.get("text").and_then(Value::as_str).ok_or_else(|| {
            let what = format!("text {} of {} is missing", index + 1, args.texts.display());
            Failure::new(what, r#"write {"text": "..."}"#)
        })?;
        let tokens = tokenizer.encode(text)?;
        count += tokens.len();
        row.insert("decoded".to_owned(), json!(tokenizer.decode(&tokens)?));
        row.insert("tokens".to_owned(), json!(tokens));
        lines.push_str(&Value::Object(row).to_string());
        lines.push('\n');
    }
    write_atomically(&args.out, lines.as_bytes())
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    output::note(format!("{count} tokens; written to {}", args.out.display()));
    Ok(Outcome::Done)
}

fn load(name: &str) -> anyhow::Result<Tokenizer> {
    let path = Path::new(name);
    let file = if path.is_dir() { path.join("tokenizer.json") } else { path.to_owned() };
    if file.is_file() {
        return Ok(Tokenizer::from_file(&file, &[])?);
    }
    Ok(Tokenizer::clone(&models::load(name)?.folder.tokenizer))
}
