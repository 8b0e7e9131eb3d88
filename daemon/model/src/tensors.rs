//! Weights files: safetensors with HF names.

use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::config::Qwen2Config;
use crate::error::{ModelError, Result};
use crate::file;
use crate::folder::WeightFormat;
use crate::layout::{Layout, Parameter};
use crate::weights::Weights;

/// Reads the tensors that the configuration asks for; others in the file are ignored. bf16 and f16 become f32.
pub(crate) fn read(path: &Path, bytes: &[u8], config: Qwen2Config) -> Result<Arc<Weights>> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| ModelError::Format {
        path: path.to_owned(),
        reason: format!("not a complete safetensors file of {} bytes: {error}", bytes.len()),
    })?;
    let layout = Layout::new(&config);
    // Checked before memory is taken, so that a false configuration cannot ask for a huge block.
    for parameter in &layout.parameters {
        view(path, &file, parameter)?;
    }
    let mut flat = vec![0f32; layout.len];
    for parameter in &layout.parameters {
        let tensor = view(path, &file, parameter)?;
        let values = decode(&tensor).ok_or_else(|| ModelError::Format {
            path: path.to_owned(),
            reason: format!(
                "tensor `{}` is of type {:?}, not F32, BF16 or F16",
                parameter.name,
                tensor.dtype()
            ),
        })?;
        flat[parameter.range.clone()].copy_from_slice(&values);
    }
    Weights::from_flat(config, flat, 0)
}

fn view<'f>(path: &Path, file: &SafeTensors<'f>, parameter: &Parameter) -> Result<TensorView<'f>> {
    let tensor = file.tensor(&parameter.name).map_err(|_| ModelError::MissingTensor {
        path: path.to_owned(),
        tensor: parameter.name.clone(),
        expected: parameter.shape.clone(),
    })?;
    if tensor.shape() != parameter.shape {
        return Err(ModelError::TensorShape {
            path: path.to_owned(),
            tensor: parameter.name.clone(),
            expected: parameter.shape.clone(),
            found: tensor.shape().to_vec(),
        });
    }
    Ok(tensor)
}

fn decode(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
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
