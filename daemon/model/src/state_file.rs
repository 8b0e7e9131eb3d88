//! Optimizer state on disk, as safetensors.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use crate::error::{ModelError, Result, TensorProblem};
use crate::file;
use crate::layout::Layout;
use crate::optimizer::OptimizerState;

/// Entry of the header with the step and the hash of the layout.
const STATE: &str = "state";

/// Says which parameters the moments belong to.
fn layout_hash(layout: &Layout) -> String {
    let mut hash = Sha256::new();
    for parameter in &layout.parameters {
        hash.update(format!("{} {:?}\n", parameter.name, parameter.shape));
    }
    file::hex(&hash.finalize())
}

/// Writes the state.
pub(crate) fn save(path: &Path, state: &OptimizerState, layout: &Layout) -> Result<()> {
    let format = |error: safetensors::SafeTensorError| ModelError::Format {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let (first, second) = (file::to_bytes(&state.first), file::to_bytes(&state.second));
    let shape = vec![layout.len];
    let views = [
        ("first_moment", TensorView::new(Dtype::F32, shape.clone(), &first).map_err(format)?),
        ("second_moment", TensorView::new(Dtype::F32, shape, &second).map_err(format)?),
    ];
    // One entry: the library writes several in an order that changes from run to run.
    let metadata = HashMap::from([(STATE.to_owned(), format!("{} {}", state.step, layout_hash(layout)))]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(format)?;
    file::write(path, &bytes)
}

/// Reads the state of these parameters.
pub(crate) fn load(path: &Path, layout: &Layout) -> Result<OptimizerState> {
    let bytes = file::read(path)?;
    let bad = |reason: String| ModelError::Format { path: path.to_owned(), reason };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| bad(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let entry = |name: &str| metadata.get(name).map(String::as_str);
    // Earlier versions wrote two entries.
    let (step, of) = entry(STATE)
        .and_then(|state| state.split_once(' '))
        .or_else(|| Some((entry("step")?, entry("layout")?)))
        .ok_or_else(|| bad("no step: this is not an optimizer state".to_owned()))?;
    let step = step.parse().map_err(|_| bad(format!("the step `{step}` is no number")))?;
    if of != layout_hash(layout) {
        return Err(bad("optimizer state of a model of another shape".to_owned()));
    }
    let moment = |name: &str| -> Result<Vec<f32>> {
        let view = file.tensor(name).map_err(|_| {
            let (tensor, expected) = (name.to_owned(), vec![layout.len]);
            let problems = vec![TensorProblem::Missing { tensor, expected }];
            ModelError::Tensors { path: path.to_owned(), problems }
        })?;
        if view.shape() != [layout.len] || view.dtype() != Dtype::F32 {
            return Err(ModelError::TensorShape {
                path: path.to_owned(),
                tensor: name.to_owned(),
                expected: vec![layout.len],
                found: view.shape().to_vec(),
            });
        }
        Ok(file::from_bytes(view.data()))
    };
    Ok(OptimizerState { step, first: moment("first_moment")?, second: moment("second_moment")? })
}
