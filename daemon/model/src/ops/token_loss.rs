//! A loss that is a sum over tokens: `[2, rows]` log-probabilities and entropies in, a number out.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, Shape, Tensor};

use crate::loss::{LossSums, TokenTerm};

/// Sums the terms of all scored tokens.
pub(crate) struct TokenLoss<T> {
    pub(crate) terms: Arc<[T]>,
    /// Takes the sums that the statistics are made of.
    pub(crate) sums: Arc<Mutex<LossSums>>,
}

impl<T: TokenTerm> CustomOp1 for TokenLoss<T> {
    fn name(&self) -> &'static str {
        "token loss"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &candle_core::Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(scores), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("contiguous f32 scores are needed")
        };
        let (logprobs, entropies) = scores[start..end].split_at(self.terms.len());
        let mut sums = LossSums::default();
        for ((term, &logprob), &entropy) in self.terms.iter().zip(logprobs).zip(entropies) {
            term.add_to(&mut sums, logprob, entropy);
        }
        *self.sums.lock().unwrap_or_else(PoisonError::into_inner) = sums;
        Ok((CpuStorage::F32(vec![sums.loss as f32]), ().into()))
    }

    fn bwd(&self, scores: &Tensor, _loss: &Tensor, d_loss: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let factor = d_loss.to_scalar::<f32>()?;
        let scores_flat = scores.flatten_all()?.to_vec1::<f32>()?;
        let (logprobs, entropies) = scores_flat.split_at(self.terms.len());
        let mut gradient = vec![0f32; scores_flat.len()];
        let (d_logprobs, d_entropies) = gradient.split_at_mut(self.terms.len());
        for (i, term) in self.terms.iter().enumerate() {
            let (d_logprob, d_entropy) = term.gradient(logprobs[i], entropies[i]);
            d_logprobs[i] = factor * d_logprob;
            d_entropies[i] = factor * d_entropy;
        }
        Ok(Some(Tensor::from_vec(gradient, scores.shape(), scores.device())?))
    }
}
