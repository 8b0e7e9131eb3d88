//! The network as one operation: flat parameters in, `[2, rows]` log-probabilities and entropies out.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, Shape, Storage, Tensor};

use crate::batch::PackedBatch;
use crate::config::ModelConfig;
use crate::kernels::Threads;
use crate::kernels::rope::RopeTable;
use crate::layout::Layout;
use crate::network::{Keep, Network, Workspace};

/// Where the backward pass leaves the parameters' gradient. The tape would add it to zeros: three more passes over
/// all parameters for every chunk.
pub(crate) type GradientSink = Arc<Mutex<Vec<f32>>>;

/// Scores a packed batch.
pub(crate) struct Score {
    pub(crate) config: Arc<ModelConfig>,
    pub(crate) layout: Arc<Layout>,
    pub(crate) rope: Arc<RopeTable>,
    pub(crate) batch: Arc<PackedBatch>,
    pub(crate) threads: Threads,
    pub(crate) workspace: Arc<Mutex<Workspace>>,
    /// Takes the gradient; without one the gradient goes through the tape.
    pub(crate) sink: Option<GradientSink>,
}

impl Score {
    fn network<'a>(&'a self, parameters: &'a [f32]) -> Network<'a> {
        Network {
            config: &self.config,
            layout: &self.layout,
            parameters,
            rope: &self.rope,
            threads: self.threads,
        }
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &candle_core::Layout) -> candle_core::Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => candle_core::bail!("a contiguous f32 tensor is needed"),
    }
}

impl CustomOp1 for Score {
    fn name(&self) -> &'static str {
        "score"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &candle_core::Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut work = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        self.network(values(storage, layout)?).forward(&self.batch, Keep::Activations, &mut work);
        let mut scores = work.logprobs.clone();
        scores.extend_from_slice(&work.entropies);
        Ok((CpuStorage::F32(scores), (2, self.batch.scored.len()).into()))
    }

    fn bwd(
        &self,
        parameters: &Tensor,
        _scores: &Tensor,
        d_scores: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        let d_scores = d_scores.contiguous()?;
        let (d_storage, d_layout) = d_scores.storage_and_layout();
        let (storage, layout) = parameters.storage_and_layout();
        let (Storage::Cpu(d_storage), Storage::Cpu(storage)) = (&*d_storage, &*storage) else {
            candle_core::bail!("the CPU operation got a tensor of another device")
        };
        let (d_logprobs, d_entropies) = values(d_storage, d_layout)?.split_at(self.batch.scored.len());
        let network = self.network(values(storage, layout)?);
        let mut work = self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = &self.sink {
            let mut gradient = sink.lock().unwrap_or_else(PoisonError::into_inner);
            gradient.resize(self.layout.len, 0.0);
            network.backward(&self.batch, d_logprobs, d_entropies, &mut gradient, &mut work);
            return Ok(None);
        }
        let mut gradient = vec![0f32; self.layout.len];
        network.backward(&self.batch, d_logprobs, d_entropies, &mut gradient, &mut work);
        Ok(Some(Tensor::from_vec(gradient, self.layout.len, parameters.device())?))
    }
}
