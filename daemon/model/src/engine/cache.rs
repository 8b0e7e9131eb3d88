//! Key-value cache: slots of equal capacity, written in place.

use crate::kernels::decode;

/// Shape of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CacheShape {
    pub(super) layers: usize,
    pub(super) slots: usize,
    pub(super) heads: usize,
    pub(super) width: usize,
    /// Positions a slot can hold (a multiple of the block of positions).
    pub(super) capacity: usize,
}

/// Keys and values of all slots.
#[derive(Debug)]
pub(super) struct Cache {
    shape: CacheShape,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Cache {
    /// An empty cache with room for `positions` in each slot.
    pub(super) fn new(shape: CacheShape) -> Self {
        let shape = CacheShape { capacity: decode::padded(shape.capacity), ..shape };
        let len = shape.layers * shape.slots * shape.heads * shape.capacity * shape.width;
        Self { shape, keys: vec![0.0; len], values: vec![0.0; len] }
    }

    pub(super) fn shape(&self) -> CacheShape {
        self.shape
    }

    fn start(&self, layer: usize, slot: usize, head: usize) -> usize {
        let CacheShape { slots, heads, width, capacity, .. } = self.shape;
        ((layer * slots + slot) * heads + head) * capacity * width
    }

    /// Keys and values of a slot's head.
    pub(super) fn head(&self, layer: usize, slot: usize, head: usize) -> (&[f32], &[f32]) {
        let start = self.start(layer, slot, head);
        let range = start..start + self.shape.capacity * self.shape.width;
        (&self.keys[range.clone()], &self.values[range])
    }

    /// Writes the (turned) key and the value of a position.
    pub(super) fn store(
        &mut self,
        layer: usize,
        slot: usize,
        head: usize,
        position: usize,
        key: &[f32],
        value: &[f32],
    ) {
        let (start, width) = (self.start(layer, slot, head), self.shape.width);
        let len = self.shape.capacity * width;
        decode::store_key(&mut self.keys[start..start + len], width, position, key);
        let value_start = start + position * width;
        self.values[value_start..value_start + width].copy_from_slice(value);
    }

    /// Copies the first positions of a slot to another slot (whole blocks of keys: what lies after `len` is
    /// overwritten before it is read).
    pub(super) fn copy(&mut self, from: usize, to: usize, len: usize) {
        let (width, key_len) = (self.shape.width, decode::padded(len) * self.shape.width);
        for layer in 0..self.shape.layers {
            for head in 0..self.shape.heads {
                let (source, target) = (self.start(layer, from, head), self.start(layer, to, head));
                self.keys.copy_within(source..source + key_len, target);
                self.values.copy_within(source..source + len * width, target);
            }
        }
    }
}
