//! What `azr deduce`, `azr abduce` and `azr induce` share: the function of a file, the budget, sandbox and model in this
//! process, answers for people. No daemon is needed.

#![allow(clippy::doc_markdown, reason = "comments on arguments are help texts: no backticks on a terminal")]

use crate::failure::Failure;
use crate::numbers::{SAMPLES, check_flag};
use crate::{files, models, sandbox};
use azr_daemon::actor::{ActorConfig, LoadModel, ModelActor, ServedModel};
use azr_daemon::reason::protocol::{Budget, ElapsedMs};
use azr_daemon::reason::{ReasonError, Reasoner};
use azr_daemon::slice::{Slice, SourceFile};
use azr_daemon::{Claim, slice::ClaimKind};
use azr_selfplay::config::ranges::{Given, Range};
use std::path::Path;
use std::sync::Arc;

/// Milliseconds of a budget.
const MILLISECONDS: Range = Range::whole(1, 600_000);
/// New tokens of a sample.
const TOKENS: Range = Range::whole(1, 8_192);

/// Options of all three.
#[derive(Debug, clap::Args)]
pub struct ReasonArgs {
    /// azr-tiny (embedded), a model folder, a GGUF file, a run folder, or owner/name.
    #[arg(long, default_value = models::EMBEDDED)]
    model: String,
    /// Answer by execution and search alone.
    #[arg(long, conflicts_with = "model")]
    no_model: bool,
    /// Samples of the model.
    #[arg(long, value_name = "N", default_value_t = 8)]
    samples: usize,
    /// New tokens of each sample.
    #[arg(long, value_name = "N", default_value_t = 256)]
    tokens: usize,
    /// Milliseconds after which the answer is what is there.
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    ms: u64,
    /// Seed of samples and search; the same seed gives the same answer.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

impl ReasonArgs {
    /// What the question may cost.
    pub fn budget(&self) -> anyhow::Result<Budget> {
        check_flag("--samples", &SAMPLES, &Given::Whole(self.samples as i128))?;
        check_flag("--tokens", &TOKENS, &Given::Whole(self.tokens as i128))?;
        check_flag("--ms", &MILLISECONDS, &Given::Whole(self.ms.into()))?;
        let samples = if self.no_model { 0 } else { self.samples };
        Ok(Budget { tokens: Some(self.tokens), ms: Some(self.ms), samples: Some(samples) })
    }

    /// Sandbox and model, opened before the budget begins to run.
    pub fn open(&self) -> anyhow::Result<Reasoner> {
        let sandbox = sandbox::open()?;
        if self.no_model {
            return Ok(Reasoner::new(sandbox, None));
        }
        // Loaded here, so that a model that is not there is a failure with its advice.
        let model = models::load(&self.model)?;
        let served = ServedModel { name: model.name, folder: model.folder, compact: model.compact };
        let load: LoadModel = Arc::new(move || Ok(served.clone()));
        let actor = ModelActor::start(load, ActorConfig::default());
        actor.model().map_err(|error| failure(error.into()))?;
        Ok(Reasoner::new(sandbox, Some(actor)))
    }
}

/// An error of a question, with what to do.
#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
pub fn failure(error: ReasonError) -> anyhow::Error {
    let hint = error.hint();
    Failure::new(error.to_string(), hint).into()
}

/// The function that `FILE:FUNCTION` names, with what it needs of its file, and the inputs that the file calls it with.
pub fn function_of(place: &str) -> anyhow::Result<(Slice, Vec<String>)> {
    let (file, function) = match place.rsplit_once(':') {
        Some((file, function)) if !file.is_empty() && !function.contains(['/', '\\']) => {
            (file, Some(function))
        }
        _ => (place, None),
    };
    let text = files::read_text(Path::new(file))?;
    // Editors of some systems begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let source = SourceFile::parse(text).map_err(|error| failure(error.into()))?;
    let functions = source.functions();
    let function = match (function, functions.as_slice()) {
        (Some(function), _) => function.to_owned(),
        (None, [only]) => only.name.clone(),
        (None, _) => {
            let names: Vec<&str> = functions.iter().take(8).map(|one| one.name.as_str()).collect();
            let advice = if names.is_empty() {
                "name a file that defines a function in the first column of a line".to_owned()
            } else {
                format!("write {file}:NAME, where NAME is one of {}", names.join(", "))
            };
            return Err(Failure::new(format!("{file}: which function is meant?"), advice).into());
        }
    };
    let slice = source.slice(&function).map_err(|error| failure(error.into()))?;
    let mut known: Vec<String> = Vec::new();
    for claim in source.claims().into_iter().filter(|claim| claim.function == function) {
        let example = claim.kind == ClaimKind::Call || claim.expected.is_some();
        if example && !known.contains(&claim.input) {
            known.push(claim.input);
        }
    }
    Ok((slice, known))
}

/// A claim as a word with its mark.
pub fn badge(claim: Claim) -> &'static str {
    match claim {
        Claim::Verified => "✓ verified",
        Claim::Refuted => "✗ refuted",
        Claim::Unverified => "? not checked",
        Claim::Timeout => "⧖ limit reached",
        Claim::Error => "! error",
        Claim::Nondeterministic => "≁ varies from run to run",
    }
}

/// The last line of an answer.
pub fn footer(version: Option<u64>, elapsed: &ElapsedMs) -> String {
    let model = version.map_or_else(
        || "no model".to_owned(),
        |version| format!("model version {version}, {:.0} ms", elapsed.model + elapsed.queue),
    );
    format!("({model}; execution {:.0} ms)", elapsed.execute)
}
