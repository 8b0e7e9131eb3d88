//! Weights files: safetensors with HF names.

use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::config::ModelConfig;
use crate::error::{ModelError, Result};
use crate::file;
use crate::folder::WeightFormat;
use crate::layout::Layout;
use crate::shards::{HEAD, Shards};
use crate::weights::Weights;

/// Reads the tensors of a model. bf16 and f16 become f32.
pub(crate) fn read(shards: &Shards<'_>, config: ModelConfig) -> Result<Arc<Weights>> {
    let layout = Layout::new(&config);
    let files = shards.checked(&layout)?;
    let mut flat = vec![0f32; layout.len];
    let mut head = None;
    for shard in files {
        let bad = |reason: String| ModelError::Format { path: shard.path.clone(), reason };
        let bytes = shard.read()?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| {
            bad(format!("not a complete safetensors file of {} bytes: {error}", bytes.len()))
        })?;
        let numbers = |name: &str| file.tensor(name).ok().and_then(|tensor| decode(&tensor));
        for parameter in layout.parameters.iter().filter(|parameter| shard.has(&parameter.name)) {
            // Headers were checked; another process may have changed the file since.
            let values = numbers(&parameter.name).filter(|values| values.len() == parameter.range.len());
            let values = values.ok_or_else(|| bad("changed while it was read".to_owned()))?;
            if !values.iter().all(|value| value.is_finite()) {
                return Err(bad(format!("tensor `{}` has numbers that are not finite", parameter.name)));
            }
            flat[parameter.range.clone()].copy_from_slice(&values);
        }
        if config.tie_word_embeddings && shard.has(HEAD) {
            head = Some(numbers(HEAD).ok_or_else(|| bad(format!("`{HEAD}` cannot be read")))?);
        }
    }
    if head.is_some_and(|head| head != flat[layout.embedding.clone()]) {
        let reason = format!("`{HEAD}` differs from the embedding, although tie_word_embeddings is true");
        return Err(ModelError::Config(reason));
    }
    Weights::from_flat(config, flat, 0)
}

/// The numbers of a tensor in 32 bits; `None` for other types than F32, BF16 and F16.
pub(crate) fn decode(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = tensor.data();
    let pairs = || data.chunks_exact(2).map(|bytes| [bytes[0], bytes[1]]);
    match tensor.dtype() {
        Dtype::F32 => Some(file::from_bytes(data)),
        Dtype::BF16 => Some(pairs().map(|bytes| half::bf16::from_le_bytes(bytes).to_f32()).collect()),
        Dtype::F16 => Some(pairs().map(|bytes| half::f16::from_le_bytes(bytes).to_f32()).collect()),
        _ => None,
    }
}

/// The bytes of a weights file.
pub(crate) fn to_bytes(path: &Path, weights: &Weights, format: WeightFormat) -> Result<Vec<u8>> {
    let bad = |error: safetensors::SafeTensorError| ModelError::Format {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let layout = weights.layout();
    let encoded: Vec<Vec<u8>> = weights.snapshot().read(|flat| {
        layout.parameters.iter().map(|parameter| encode(&flat[parameter.range.clone()], format)).collect()
    });
    let dtype = match format {
        WeightFormat::F32 => Dtype::F32,
        WeightFormat::Bf16 => Dtype::BF16,
    };
    let views = layout
        .parameters
        .iter()
        .zip(&encoded)
        .map(|(parameter, data)| {
            Ok((parameter.name.as_str(), TensorView::new(dtype, parameter.shape.clone(), data).map_err(bad)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(bad)
}

fn encode(values: &[f32], format: WeightFormat) -> Vec<u8> {
    match format {
        WeightFormat::F32 => file::to_bytes(values),
        WeightFormat::Bf16 => {
            values.iter().flat_map(|&value| half::bf16::from_f32(value).to_le_bytes()).collect()
        }
    }
}
