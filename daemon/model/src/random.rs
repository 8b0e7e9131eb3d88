//! Random draws keyed by (seed, step, stream, item): the same key gives the same numbers whatever the
//! batching, the number of threads or the point of resume. Nothing else in the core crates draws.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// Names one independent sequence of draws.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DrawKey {
    /// Seed of the run.
    pub seed: u64,
    /// Training step (0 before training).
    pub step: u64,
    /// What the draws are for, e.g. `"propose.deduction"`.
    pub stream: &'static str,
    /// Index of the item within the stream.
    pub item: u64,
}

impl DrawKey {
    /// A key.
    pub fn new(seed: u64, step: u64, stream: &'static str, item: u64) -> Self {
        Self { seed, step, stream, item }
    }

    /// The generator of this key, at its start.
    pub fn rng(&self) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.step.to_le_bytes());
        hash.update(self.item.to_le_bytes());
        hash.update(self.stream.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}
