//! Arithmetic on slices: everything that is timed.
//!
//! Every function gives the same bits whatever the number of threads, and the token-wise ones give a row the
//! same bits whatever rows stand beside it: own loops add in a fixed lane order and never fuse a multiply
//! with an add, so they are equal on every CPU too; the general matrix product comes from the gemm crate
//! (see [`gemm`] for what is needed to keep its rows independent).

pub(crate) mod attention;
pub(crate) mod columns;
pub(crate) mod decode;
pub(crate) mod gemm;
pub(crate) mod head;
pub(crate) mod math;
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
