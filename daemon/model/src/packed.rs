//! Weights that stay as a GGUF file packs them, beside their unpacked form: what makes few tokens at a time cheap is to read
//! less memory a token.
//!
//! The engine multiplies them with activations of 8 bits, as llama.cpp does, for new tokens; prompts go through the unpacked
//! weights, whose products of many rows are faster. Which of the two a token takes depends on its place alone, so that a
//! completion stays independent of the batch. Only files are packed: an update of the weights has no packed form.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::kernels::packed::{Activations, BLOCK, PackedRows, plain_product, product};
use crate::layout::Layout;

/// One tensor of a file, or what there is of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Packed rows.
    Packed(PackedRows),
    /// A format without kernels of its own: the unpacked numbers serve.
    Plain(Range<usize>),
}

/// A matrix: the rows of its tensors, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedMatrix {
    parts: Vec<(usize, Part)>,
}

/// The matrices of a model, by where they begin in the flat storage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedWeights {
    matrices: BTreeMap<usize, PackedMatrix>,
}

impl PackedWeights {
    /// Puts the tensors of a layout together; `None` where no matrix is packed, or one is too narrow for blocks.
    pub(crate) fn new(layout: &Layout, mut tensors: BTreeMap<usize, Part>) -> Option<Self> {
        if !tensors.values().any(|part| matches!(part, Part::Packed(_))) {
            return None;
        }
        let ranges =
            layout.layers.iter().flat_map(|layer| [&layer.qkv, &layer.output, &layer.gate_up, &layer.down]);
        let mut matrices = BTreeMap::new();
        for range in ranges.chain([&layout.head]) {
            let mut parts = Vec::new();
            for parameter in layout.parameters.iter().filter(|one| range.contains(&one.range.start)) {
                let (&[rows, width], Some(part)) =
                    (&parameter.shape[..], tensors.remove(&parameter.range.start))
                else {
                    return None;
                };
                if !width.is_multiple_of(BLOCK) {
                    return None;
                }
                parts.push((rows, part));
            }
            matrices.insert(range.start, PackedMatrix { parts });
        }
        Some(Self { matrices })
    }

    pub(crate) fn matrix(&self, range: &Range<usize>) -> &PackedMatrix {
        self.matrices.get(&range.start).expect("every matrix of the layout has its entry")
    }

    /// Bytes of the packed form.
    pub fn bytes(&self) -> usize {
        let parts = self.matrices.values().flat_map(|matrix| &matrix.parts);
        parts.map(|(_, part)| if let Part::Packed(rows) = part { rows.bytes() } else { 0 }).sum()
    }
}

impl PackedMatrix {
    /// `y = w x` or `y += w x`, feature-major; `parameters` is the flat storage.
    pub(crate) fn multiply(&self, parameters: &[f32], x: &Activations, add: bool, mut y: &mut [f32]) {
        for (rows, part) in &self.parts {
            let (own, rest) = y.split_at_mut(rows * x.rows());
            match part {
                Part::Packed(weights) => product(weights, x, add, own),
                Part::Plain(range) => plain_product(&parameters[range.clone()], x, add, own),
            }
            y = rest;
        }
    }
}
