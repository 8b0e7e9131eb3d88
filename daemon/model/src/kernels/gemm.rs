//! Matrix products over the gemm crate.
//!
//! The gemm crate sums over `k` in the same order for every element of its general path, whatever `m`, `n`
//! and the number of threads; but it has special paths for one row or column and for small results
//! (`m * n <= 256`), and it splits `k > 512` differently where `m, n <= 64`. [`row_count`] says how many rows a
//! product must have to stay on the general path: callers whose rows must not depend on the row count (the
//! engine) pad up to it.

use ::gemm::Parallelism;

use super::Threads;

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `row_stride` values each.
    pub(crate) fn rows(values: &'a [f32], row_stride: usize) -> Self {
        Self { values, row_stride, column_stride: 1 }
    }

    /// The transposed matrix.
    pub(crate) fn transposed(self) -> Self {
        Self { values: self.values, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    fn reaches(&self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.values.len()
    }
}

/// What happens to the numbers that stand in the result.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// They are overwritten.
    Set,
    /// The product is added to them.
    Add,
}

/// `result = a b` or `result += a b`, where `a` is `m x k`, `b` is `k x n` and `result` has rows of
/// `row_stride` values.
#[expect(clippy::too_many_arguments, reason = "the shape of a matrix product")]
pub(crate) fn matmul(
    m: usize,
    n: usize,
    k: usize,
    result: &mut [f32],
    row_stride: usize,
    into: Into,
    a: Matrix<'_>,
    b: Matrix<'_>,
    threads: Threads,
) {
    assert!(a.reaches(m, k) && b.reaches(k, n), "operand shorter than its shape");
    assert!(m == 0 || n == 0 || (m - 1) * row_stride + n <= result.len(), "result shorter than its shape");
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        Threads::All => Parallelism::Rayon(0),
    };
    // SAFETY: the asserts above hold every index of the three matrices inside their slices; the result is
    // borrowed mutably, so it overlaps neither operand.
    unsafe {
        ::gemm::gemm(
            m,
            n,
            k,
            result.as_mut_ptr(),
            1,
            row_stride as isize,
            into == Into::Add,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1f32,
            1f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Rows a product with `n` columns needs at least so that a row's bits do not depend on the number of rows.
pub(crate) fn row_count(n: usize) -> usize {
    if n <= 64 { 65 } else { 4 }
}

/// `y = x w^T` (+ y): a linear layer, `x` of `m` rows of `k`, `w` of `n` rows of `k`.
#[expect(clippy::too_many_arguments, reason = "the shape of a matrix product")]
pub(crate) fn linear(
    m: usize,
    n: usize,
    k: usize,
    y: &mut [f32],
    into: Into,
    x: &[f32],
    w: &[f32],
    threads: Threads,
) {
    matmul(m, n, k, y, n, into, Matrix::rows(x, k), Matrix::rows(w, k).transposed(), threads);
}

/// `dx = dy w`: the gradient of [`linear`] to its input.
pub(crate) fn linear_input_gradient(
    m: usize,
    n: usize,
    k: usize,
    dx: &mut [f32],
    dy: &[f32],
    w: &[f32],
    threads: Threads,
) {
    matmul(m, k, n, dx, k, Into::Set, Matrix::rows(dy, n), Matrix::rows(w, k), threads);
}

/// `dw = dy^T x` (+ dw): the gradient of [`linear`] to its weights.
#[expect(clippy::too_many_arguments, reason = "the shape of a matrix product")]
pub(crate) fn linear_weight_gradient(
    m: usize,
    n: usize,
    k: usize,
    dw: &mut [f32],
    into: Into,
    dy: &[f32],
    x: &[f32],
    threads: Threads,
) {
    matmul(n, k, m, dw, k, into, Matrix::rows(dy, n).transposed(), Matrix::rows(x, k), threads);
}
