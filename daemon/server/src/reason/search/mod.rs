//! Cheap searches that make answers useful with a small model too. What they find is verified by others.

pub(super) mod distance;
pub(super) mod inputs;
pub(super) mod pools;
pub(super) mod programs;
pub(super) mod vary;
