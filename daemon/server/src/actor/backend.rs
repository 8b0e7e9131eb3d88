//! What the actor drives: the engine of the model crate, or a fake in tests.

use azr_model::{EngineConfig, ModelError, ModelFolder, Served, Serving, ServingRequest};
use std::sync::Arc;

/// A loaded model, as everybody sees it. Clones share the weights.
#[derive(Clone, Debug)]
pub struct ServedModel {
    /// What the user called it.
    pub name: String,
    /// Weights and tokenizer; a trainer over these weights is seen by the next request.
    pub folder: ModelFolder,
    /// Does it speak the compact prompt profile of `azr-tiny`?
    pub compact: bool,
}

/// Loads a model; the text says why it cannot. Called on the model's thread, again after a panic or an idle time.
pub type LoadModel = Arc<dyn Fn() -> Result<ServedModel, String> + Send + Sync>;

/// Opens a backend and, where there is one, gives the model that it serves.
pub type OpenBackend = Arc<dyn Fn() -> Result<(Box<dyn Backend>, Option<ServedModel>), String> + Send + Sync>;

/// An engine that serves requests a token at a time.
pub trait Backend: Send {
    /// Begins a request: the version of the weights it is served with, `None` where it has to wait for a pass.
    fn begin(&mut self, id: u64, request: &ServingRequest) -> Result<Option<u64>, ModelError>;
    /// Ends a request early.
    fn cancel(&mut self, id: u64);
    /// One pass over the requests in work.
    fn advance(&mut self) -> Result<Vec<Served>, ModelError>;
    /// Version of the weights.
    fn version(&self) -> u64;
    /// Text of tokens.
    fn decode(&self, tokens: &[u32]) -> Result<String, ModelError>;
}

impl Backend for Serving {
    fn begin(&mut self, id: u64, request: &ServingRequest) -> Result<Option<u64>, ModelError> {
        Serving::begin(self, id, request)
    }

    fn cancel(&mut self, id: u64) {
        Serving::cancel(self, id);
    }

    fn advance(&mut self) -> Result<Vec<Served>, ModelError> {
        Serving::advance(self)
    }

    fn version(&self) -> u64 {
        self.weights().version()
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, ModelError> {
        self.tokenizer().decode(tokens)
    }
}

/// Opens the engine over a model. The weights are loaded once as long as anybody else holds them.
pub(super) fn open_with(load: LoadModel, engine: EngineConfig) -> OpenBackend {
    let held: std::sync::Mutex<Option<(String, WeakModel)>> = std::sync::Mutex::new(None);
    Arc::new(move || {
        let mut held = held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let model = match held.as_ref().and_then(|(name, weak)| weak.upgrade(name)) {
            Some(model) => model,
            None => load()?,
        };
        *held = Some((model.name.clone(), WeakModel::of(&model)));
        let serving = Serving::new(model.folder.weights.clone(), model.folder.tokenizer.clone(), engine)
            .map_err(|error| error.to_string())?;
        Ok((Box::new(serving) as Box<dyn Backend>, Some(model)))
    })
}

/// A model that others may still hold, a training run say: its weights must not be there twice.
struct WeakModel {
    weights: std::sync::Weak<azr_model::Weights>,
    tokenizer: Arc<azr_model::Tokenizer>,
    generation: azr_model::GenerationConfig,
    chat: Option<azr_model::ChatFormat>,
    compact: bool,
}

impl WeakModel {
    fn of(model: &ServedModel) -> Self {
        Self {
            weights: Arc::downgrade(&model.folder.weights),
            tokenizer: model.folder.tokenizer.clone(),
            generation: model.folder.generation.clone(),
            chat: model.folder.chat.clone(),
            compact: model.compact,
        }
    }

    fn upgrade(&self, name: &str) -> Option<ServedModel> {
        let folder = ModelFolder {
            weights: self.weights.upgrade()?,
            tokenizer: self.tokenizer.clone(),
            generation: self.generation.clone(),
            chat: self.chat.clone(),
        };
        Some(ServedModel { name: name.to_owned(), folder, compact: self.compact })
    }
}
