//! The commands, one file each: an `Args` struct with its help texts and a `run` function.

pub mod sandbox;
pub mod train;
