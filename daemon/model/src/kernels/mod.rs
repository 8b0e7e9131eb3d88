//! Arithmetic on slices: everything that is timed.
//!
//! Every function gives the same bits whatever the number of threads, and the token-wise ones give a row the
//! same bits whatever rows stand beside it. Own loops add in a fixed lane order and are compiled for several
//! instruction sets, one of which is chosen at run time; a multiply and an add are fused either always (attention
//! of the engine) or never, so these loops are equal on every CPU too. The general matrix product comes from the
//! gemm crate (see [`gemm`] for what keeps its rows independent) and differs between instruction sets.

pub(crate) mod attention;
pub(crate) mod columns;
pub(crate) mod decode;
pub(crate) mod gemm;
pub(crate) mod head;
pub(crate) mod head_norm;
pub(crate) mod math;
pub(crate) mod packed;
pub(crate) mod rms_norm;
pub(crate) mod rope;
pub(crate) mod swiglu;

/// Rows that one thread takes at a time, and the unit of sums over rows.
const ROW_BLOCK: usize = 64;

/// Who works on one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The calling thread only.
    One,
    /// All threads of the pool.
    All,
}
