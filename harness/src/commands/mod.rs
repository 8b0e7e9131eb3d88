//! The commands, one file each: an `Args` struct with its help texts and a `run` function.

#![allow(clippy::doc_markdown, reason = "comments on arguments are help texts: no backticks on a terminal")]

pub mod abduce;
pub mod ablate;
pub mod compare;
pub mod daemon;
pub mod dashboard;
pub mod deduce;
pub mod doctor;
pub mod eval;
pub mod explain;
pub mod export;
pub mod induce;
pub mod lsp;
pub mod model;
pub mod pretrain;
pub mod reason_bench;
pub mod replay;
pub mod report;
pub mod reproduce;
pub mod sandbox;
pub mod score;
mod server;
pub mod train;
