//! The pretraining loop: documents ahead of the trainer, one optimizer step after the other, a checkpoint
//! every so often from which a stopped run goes on and ends with the same weights.

use super::corpus::{self, Document};
use super::recipe::{CurvePoint, Recipe};
use super::tokenizer;
use anyhow::{Context, Result, anyhow};
use azr_executor::Sandbox;
use azr_model::random::DrawKey;
use azr_model::{GenerationConfig, ModelFolder, Tokenizer, Trainer, WeightFormat, WeightedSequence, Weights};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// Steps whose documents are drawn together.
const STEPS_PER_DRAW: u64 = 16;
/// Steps between points of the loss curve.
const CURVE_STEPS: u64 = 100;

/// A model being pretrained.
pub struct Pretraining {
    recipe: Recipe,
    folder: ModelFolder,
    trainer: Trainer,
    progress: Progress,
}

/// What a checkpoint remembers beside weights and optimizer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    step: u64,
    tokens: u64,
    curve: Vec<CurvePoint>,
    early_weights: Option<String>,
    loss_sum: f64,
    norm_sum: f64,
}

/// What the caller sees of every step.
#[derive(Clone, Copy, Debug)]
pub struct StepView {
    /// Steps done.
    pub step: u64,
    /// Tokens seen so far.
    pub tokens: u64,
    /// Loss of this step.
    pub loss: f64,
}

impl Pretraining {
    /// Fresh weights.
    pub fn start(recipe: Recipe) -> Result<Self> {
        let hf = tokenizer::build()?;
        let end = hf.token_to_id(tokenizer::END_OF_TEXT).context("the tokenizer has an end token")?;
        let json = hf.to_string(true).map_err(|error| anyhow!("cannot write the tokenizer: {error}"))?;
        let tokenizer = Arc::new(Tokenizer::from_bytes(json.as_bytes(), &[end])?);
        let config = recipe.model(tokenizer.vocab_size(), end);
        let weights = Weights::init(config, &DrawKey::new(recipe.seed, 0, "pretrain.init", 0))?;
        let generation =
            GenerationConfig { eos_token_id: Some(azr_model::EosTokens::One(end)), ..Default::default() };
        let folder = ModelFolder { weights: Arc::clone(&weights), tokenizer, generation, chat: None };
        let trainer = Trainer::new(weights, recipe.trainer())?;
        Ok(Self { recipe, folder, trainer, progress: Progress::default() })
    }

    /// Goes on from the last checkpoint under `folder`, if there is one of the same recipe.
    pub fn resume(recipe: Recipe, folder: &Path) -> Result<Self> {
        let checkpoint = folder.join("checkpoint");
        let recipe_file = checkpoint.join("recipe.json");
        if !recipe_file.is_file() {
            return Self::start(recipe);
        }
        let stored: Recipe = read_json(&recipe_file)?;
        anyhow::ensure!(
            stored == recipe,
            "{} was made by another recipe; choose another --out or delete the folder",
            checkpoint.display()
        );
        let model = ModelFolder::load(&checkpoint.join("model"))?;
        let mut trainer = Trainer::new(Arc::clone(&model.weights), recipe.trainer())?;
        trainer.load_state(&checkpoint.join("optimizer.safetensors"))?;
        let progress = read_json(&checkpoint.join("progress.json"))?;
        Ok(Self { recipe, folder: model, trainer, progress })
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.progress.step
    }

    /// The model as it is.
    pub fn model(&self) -> &ModelFolder {
        &self.folder
    }

    /// The loss curve so far.
    pub fn curve(&self) -> &[CurvePoint] {
        &self.progress.curve
    }

    /// Hash of the weights after `early_steps`, once reached.
    pub fn early_weights(&self) -> Option<&str> {
        self.progress.early_weights.as_deref()
    }

    /// Trains until `until` steps are done or `stop` is set; `early_steps` is where the hash for
    /// `--verify` is taken.
    pub fn run(
        &mut self,
        sandbox: &Sandbox,
        held_out: &BTreeSet<String>,
        until: u64,
        early_steps: u64,
        stop: &AtomicBool,
        mut each_step: impl FnMut(&Self, StepView) -> Result<()>,
    ) -> Result<()> {
        let first = self.progress.step;
        let (sender, receiver) = mpsc::sync_channel::<Result<Vec<Document>>>(2);
        let recipe = self.recipe.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for draw in first / STEPS_PER_DRAW..until.div_ceil(STEPS_PER_DRAW) {
                    let documents = draw_steps(sandbox, &recipe, draw, held_out);
                    let failed = documents.is_err();
                    if sender.send(documents).is_err() || failed {
                        return;
                    }
                }
            });
            let mut documents = Vec::new();
            let mut drawn = None;
            while self.progress.step < until && !stop.load(Ordering::Relaxed) {
                let draw = self.progress.step / STEPS_PER_DRAW;
                if drawn != Some(draw) {
                    documents = receiver.recv().context("the corpus thread ended early")??;
                    drawn = Some(draw);
                }
                let at = (self.progress.step % STEPS_PER_DRAW) as usize * self.recipe.documents_per_step;
                let view = self.one_step(&documents[at..at + self.recipe.documents_per_step])?;
                if view.step == early_steps {
                    self.progress.early_weights = Some(self.folder.weights.hash());
                }
                each_step(self, view)?;
            }
            drop(receiver);
            Ok(())
        })
    }

    fn one_step(&mut self, documents: &[Document]) -> Result<StepView> {
        let batch = documents.iter().map(|document| self.sequence(document)).collect::<Result<Vec<_>>>()?;
        // A constant, not the batch's own weight: else batches of short (direct) answers would weigh each
        // of their tokens more than batches of long (thinking) ones.
        let normalizer = 20.0 * documents.len() as f32;
        let rate = self.recipe.learning_rate_at(self.progress.step);
        let stats = self.trainer.cross_entropy_step(&batch, normalizer, rate)?;
        anyhow::ensure!(stats.applied, "step {}: the loss is not a number", self.progress.step);
        let progress = &mut self.progress;
        progress.step += 1;
        progress.tokens += stats.tokens as u64;
        progress.loss_sum += stats.loss;
        progress.norm_sum += stats.gradient_norm;
        if progress.step.is_multiple_of(CURVE_STEPS) {
            progress.curve.push(CurvePoint {
                step: progress.step,
                tokens: progress.tokens,
                loss: std::mem::take(&mut progress.loss_sum) / CURVE_STEPS as f64,
                gradient_norm: std::mem::take(&mut progress.norm_sum) / CURVE_STEPS as f64,
            });
        }
        Ok(StepView { step: progress.step, tokens: progress.tokens, loss: stats.loss })
    }

    fn sequence(&self, document: &Document) -> Result<WeightedSequence> {
        let tokenizer = &self.folder.tokenizer;
        let mut tokens = tokenizer.encode(&document.prompt)?;
        let mut weights = vec![self.recipe.prompt_weight; tokens.len()];
        let weight = if document.task.proposes() { self.recipe.proposal_weight } else { 1.0 };
        for (piece, learned) in document.response_pieces() {
            tokens.extend(tokenizer.encode(piece)?);
            weights.resize(tokens.len(), if learned { weight } else { 0.0 });
        }
        tokens.extend(tokenizer.eos_token());
        weights.resize(tokens.len(), weight);
        anyhow::ensure!(tokens.len() <= self.recipe.context, "a document is longer than the context");
        Ok(WeightedSequence { tokens, weights })
    }

    /// Writes the checkpoint: beside the old one first, then in its place.
    pub fn save_checkpoint(&self, folder: &Path) -> Result<()> {
        let fresh = folder.join("checkpoint.new");
        remove_folder(&fresh)?;
        create_folder(&fresh)?;
        self.folder.save(&fresh.join("model"), WeightFormat::F32)?;
        self.trainer.save_state(&fresh.join("optimizer.safetensors"))?;
        write_json(&fresh.join("progress.json"), &self.progress)?;
        write_json(&fresh.join("recipe.json"), &self.recipe)?;
        let checkpoint = folder.join("checkpoint");
        remove_folder(&checkpoint)?;
        std::fs::rename(&fresh, &checkpoint).with_context(|| format!("cannot move {}", fresh.display()))
    }
}

fn draw_steps(
    sandbox: &Sandbox,
    recipe: &Recipe,
    draw: u64,
    held_out: &BTreeSet<String>,
) -> Result<Vec<Document>> {
    let step = draw * STEPS_PER_DRAW;
    let n = recipe.documents_per_step * STEPS_PER_DRAW as usize;
    let key = DrawKey::new(recipe.seed, 0, "corpus", draw * n as u64);
    corpus::draw_documents(sandbox, &key, n, &recipe.mixture_at(step), held_out)
}

fn remove_folder(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn create_folder(path: &PathBuf) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}

/// Writes a JSON file.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(value)?;
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
