//! Products with packed matrices: weights of 4 or 8 bits against activations of 8, in whole numbers, with a scale a block.
//!
//! A result depends on its row of weights and its row of activations alone, and sums are added in the same order by the
//! portable and by the AVX2 code: the same bits on every machine and in every batch.

use rayon::prelude::*;

use super::math;

/// Values that share a scale.
pub(crate) const BLOCK: usize = 32;
/// Partial sums of a row: a register of 32-bit numbers.
const LANES: usize = 8;
/// Rows of activations that share one look at a row of weights.
const TOGETHER: usize = 4;
/// Multiplications from which on threads share a product.
const WORTH_SHARING: usize = 1 << 17;

/// Whole numbers of a packed matrix, in blocks along each row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Digits {
    /// Two of 4 bits a byte; the lower ones are the first 16 of a block.
    Nibbles(Vec<u8>),
    /// One of 8 bits a byte.
    Bytes(Vec<i8>),
}

/// Some rows of a matrix: `scale * digit + least`, with a scale and, unless there is none, a least value a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedRows {
    pub(crate) digits: Digits,
    pub(crate) scales: Vec<f32>,
    /// Empty: all are zero.
    pub(crate) leasts: Vec<f32>,
}

/// Rows of activations, feature by feature in blocks.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    /// As they came, `[row][feature]`.
    plain: Vec<f32>,
    digits: Vec<i8>,
    scales: Vec<f32>,
    /// Scale times the sum of the digits: what a least value is multiplied with.
    sums: Vec<f32>,
    width: usize,
    rows: usize,
}

impl Activations {
    /// Takes `rows` columns of a feature-major matrix of `width` features, and rounds them to 8 bits.
    pub(crate) fn take(&mut self, x: &[f32], width: usize, rows: usize) {
        let blocks = rows * width.div_ceil(BLOCK);
        (self.width, self.rows) = (width, rows);
        self.plain.resize(rows * width, 0.0);
        super::columns::transpose(width, rows, x, rows, &mut self.plain, width);
        self.digits.resize(rows * width, 0);
        self.scales.resize(blocks, 0.0);
        self.sums.resize(blocks, 0.0);
        if width.is_multiple_of(BLOCK) {
            round(&self.plain, &mut self.digits, &mut self.scales, &mut self.sums);
        }
    }

    /// Rows of activations.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    fn row(&self, row: usize) -> Row<'_> {
        let (values, blocks) = (
            row * self.width..(row + 1) * self.width,
            self.width / BLOCK * row..self.width / BLOCK * (row + 1),
        );
        Row { digits: &self.digits[values], scales: &self.scales[blocks.clone()], sums: &self.sums[blocks] }
    }
}

/// One row of activations.
#[derive(Clone, Copy)]
struct Row<'a> {
    digits: &'a [i8],
    scales: &'a [f32],
    sums: &'a [f32],
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn round(plain: &[f32], digits: &mut [i8], scales: &mut [f32], sums: &mut [f32]) {
    let blocks = plain.chunks_exact(BLOCK).zip(digits.chunks_exact_mut(BLOCK));
    for ((plain, digits), (scale, sum)) in blocks.zip(scales.iter_mut().zip(sums.iter_mut())) {
        let greatest = plain.iter().fold(0f32, |greatest, value| greatest.max(value.abs()));
        *scale = greatest / 127.0;
        let inverse = if *scale > 0.0 { 1.0 / *scale } else { 0.0 };
        let mut total = 0i32;
        for (digit, value) in digits.iter_mut().zip(plain) {
            *digit = (value * inverse).round_ties_even() as i8;
            total += i32::from(*digit);
        }
        *sum = *scale * total as f32;
    }
}

/// `y = w x` or `y += w x`: `y` is feature-major, one chunk of `x`'s rows a row of weights.
pub(crate) fn product(weights: &PackedRows, x: &Activations, add: bool, y: &mut [f32]) {
    for_each_row(x, y, |row, results| weights.multiply(row, x, add, results));
}

/// The same with weights that are not packed.
pub(crate) fn plain_product(weights: &[f32], x: &Activations, add: bool, y: &mut [f32]) {
    for_each_row(x, y, |row, results| {
        let weights = &weights[row * x.width..(row + 1) * x.width];
        plain_row(weights, &x.plain, add, results);
    });
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2+fma"))]
fn plain_row(weights: &[f32], x: &[f32], add: bool, results: &mut [f32]) {
    for (result, x) in results.iter_mut().zip(x.chunks_exact(weights.len())) {
        let value = math::dot(weights, x);
        *result = if add { *result + value } else { value };
    }
}

fn for_each_row(x: &Activations, y: &mut [f32], multiply: impl Fn(usize, &mut [f32]) + Sync) {
    let rows = y.len() / x.rows.max(1);
    if rows * x.rows * x.width < WORTH_SHARING || rayon::current_num_threads() == 1 {
        y.chunks_exact_mut(x.rows).enumerate().for_each(|(row, results)| multiply(row, results));
        return;
    }
    let share = rows.div_ceil(rayon::current_num_threads()).next_multiple_of(TOGETHER);
    y.par_chunks_mut(share * x.rows).enumerate().for_each(|(part, y)| {
        y.chunks_exact_mut(x.rows)
            .enumerate()
            .for_each(|(row, results)| multiply(part * share + row, results));
    });
}

impl PackedRows {
    /// Bytes of digits and scales.
    pub(crate) fn bytes(&self) -> usize {
        let digits = match &self.digits {
            Digits::Nibbles(digits) => digits.len(),
            Digits::Bytes(digits) => digits.len(),
        };
        digits + 4 * (self.scales.len() + self.leasts.len())
    }

    /// One row of weights with every row of activations.
    fn multiply(&self, row: usize, x: &Activations, add: bool, results: &mut [f32]) {
        let blocks = x.width / BLOCK;
        let weights = Weights {
            scales: &self.scales[row * blocks..(row + 1) * blocks],
            leasts: if self.leasts.is_empty() { &[] } else { &self.leasts[row * blocks..(row + 1) * blocks] },
        };
        let mut at = 0;
        while at < x.rows {
            let together = if x.rows - at >= TOGETHER { TOGETHER } else { 1 };
            let mut values = [0f32; TOGETHER];
            match (&self.digits, together) {
                (Digits::Nibbles(digits), TOGETHER) => {
                    let digits = &digits[row * x.width / 2..(row + 1) * x.width / 2];
                    values = nibbles::<TOGETHER>(digits, weights, std::array::from_fn(|i| x.row(at + i)));
                }
                (Digits::Nibbles(digits), _) => {
                    let digits = &digits[row * x.width / 2..(row + 1) * x.width / 2];
                    [values[0]] = nibbles::<1>(digits, weights, [x.row(at)]);
                }
                (Digits::Bytes(digits), TOGETHER) => {
                    let digits = &digits[row * x.width..(row + 1) * x.width];
                    values = bytes::<TOGETHER>(digits, weights, std::array::from_fn(|i| x.row(at + i)));
                }
                (Digits::Bytes(digits), _) => {
                    let digits = &digits[row * x.width..(row + 1) * x.width];
                    [values[0]] = bytes::<1>(digits, weights, [x.row(at)]);
                }
            }
            for (result, value) in results[at..at + together].iter_mut().zip(values) {
                *result = if add { *result + value } else { value };
            }
            at += together;
        }
    }
}

/// Scales and least values of a row of weights.
#[derive(Clone, Copy)]
struct Weights<'a> {
    scales: &'a [f32],
    leasts: &'a [f32],
}

fn nibbles<const N: usize>(digits: &[u8], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::nibbles(digits, weights, x) };
    }
    portable::nibbles(digits, weights, x)
}

fn bytes<const N: usize>(digits: &[i8], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        return unsafe { avx2::bytes(digits, weights, x) };
    }
    portable::bytes(digits, weights, x)
}

/// Partial sums of a row and what its least values add.
fn total(lanes: [f32; LANES], leasts: &[f32], sums: &[f32]) -> f32 {
    let rest = leasts.iter().zip(sums).fold(0f32, |rest, (least, sum)| rest + least * sum);
    let [a, b, c, d, e, f, g, h] = lanes;
    (((a + e) + (c + g)) + ((b + f) + (d + h))) + rest
}

mod portable {
    use super::{BLOCK, LANES, Row, Weights, total};

    fn block(weights: &[i8; BLOCK], scale: f32, x: &Row<'_>, at: usize, lanes: &mut [f32; LANES]) {
        let scale = scale * x.scales[at];
        let x = &x.digits[at * BLOCK..(at + 1) * BLOCK];
        for (lane, (weights, x)) in lanes.iter_mut().zip(weights.chunks_exact(4).zip(x.chunks_exact(4))) {
            let sum: i32 = weights.iter().zip(x).map(|(w, x)| i32::from(*w) * i32::from(*x)).sum();
            *lane += sum as f32 * scale;
        }
    }

    pub(super) fn nibbles<const N: usize>(digits: &[u8], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
        let mut lanes = [[0f32; LANES]; N];
        for (at, (digits, scale)) in digits.chunks_exact(BLOCK / 2).zip(weights.scales).enumerate() {
            let values = std::array::from_fn(|i| {
                let byte = digits[i % (BLOCK / 2)];
                (if i < BLOCK / 2 { byte & 15 } else { byte >> 4 }).cast_signed()
            });
            for (x, lanes) in x.iter().zip(&mut lanes) {
                block(&values, *scale, x, at, lanes);
            }
        }
        std::array::from_fn(|i| total(lanes[i], weights.leasts, x[i].sums))
    }

    pub(super) fn bytes<const N: usize>(digits: &[i8], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
        let mut lanes = [[0f32; LANES]; N];
        for (at, (digits, scale)) in digits.chunks_exact(BLOCK).zip(weights.scales).enumerate() {
            let values = std::array::from_fn(|i| digits[i]);
            for (x, lanes) in x.iter().zip(&mut lanes) {
                block(&values, *scale, x, at, lanes);
            }
        }
        std::array::from_fn(|i| total(lanes[i], weights.leasts, x[i].sums))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BLOCK, LANES, Row, Weights, total};
    use std::arch::x86_64::{
        __m256, __m256i, _mm_and_si128, _mm_loadu_si128, _mm_set1_epi8, _mm_srli_epi16, _mm256_add_ps,
        _mm256_cvtepi32_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
        _mm256_set_m128i, _mm256_set1_epi16, _mm256_set1_ps, _mm256_setzero_ps, _mm256_sign_epi8,
        _mm256_storeu_ps,
    };

    #[target_feature(enable = "avx2")]
    fn load(values: &[i8]) -> __m256i {
        assert!(values.len() >= BLOCK);
        // SAFETY: 32 bytes are there; the load needs no alignment.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    fn load_nibbles(values: &[u8]) -> __m256i {
        assert!(values.len() >= BLOCK / 2);
        // SAFETY: 16 bytes are there; the load needs no alignment.
        let packed = unsafe { _mm_loadu_si128(values.as_ptr().cast()) };
        let low = _mm_set1_epi8(15);
        _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16::<4>(packed), low), _mm_and_si128(packed, low))
    }

    /// Sums of four products each, times `scale`, added to the lanes. `magnitudes` are not negative, `x` has their signs.
    #[target_feature(enable = "avx2")]
    fn add_block(lanes: __m256, magnitudes: __m256i, x: __m256i, scale: f32) -> __m256 {
        // At most 2 * 128 * 127 in 16 bits: nothing is cut off.
        let pairs = _mm256_maddubs_epi16(magnitudes, x);
        let sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
        _mm256_add_ps(lanes, _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(scale)))
    }

    #[target_feature(enable = "avx2")]
    fn finish<const N: usize>(lanes: [__m256; N], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
        let mut results = [0f32; N];
        for i in 0..N {
            let mut values = [0f32; LANES];
            // SAFETY: eight numbers have room; the store needs no alignment.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), lanes[i]) };
            results[i] = total(values, weights.leasts, x[i].sums);
        }
        results
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn nibbles<const N: usize>(digits: &[u8], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
        let mut lanes = [_mm256_setzero_ps(); N];
        for (at, (digits, scale)) in digits.chunks_exact(BLOCK / 2).zip(weights.scales).enumerate() {
            let values = load_nibbles(digits);
            for i in 0..N {
                let row = load(&x[i].digits[at * BLOCK..]);
                lanes[i] = add_block(lanes[i], values, row, scale * x[i].scales[at]);
            }
        }
        finish(lanes, weights, x)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn bytes<const N: usize>(digits: &[i8], weights: Weights<'_>, x: [Row<'_>; N]) -> [f32; N] {
        let mut lanes = [_mm256_setzero_ps(); N];
        for (at, (digits, scale)) in digits.chunks_exact(BLOCK).zip(weights.scales).enumerate() {
            let values = load(digits);
            let magnitudes = _mm256_sign_epi8(values, values);
            for i in 0..N {
                let row = _mm256_sign_epi8(load(&x[i].digits[at * BLOCK..]), values);
                lanes[i] = add_block(lanes[i], magnitudes, row, scale * x[i].scales[at]);
            }
        }
        finish(lanes, weights, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights(rows: usize, width: usize, bytes: &[u8], nibbles: bool) -> PackedRows {
        let byte = |i: usize| bytes[i % bytes.len()] ^ (i / bytes.len()) as u8;
        let digits = if nibbles {
            Digits::Nibbles((0..rows * width / 2).map(byte).collect())
        } else {
            Digits::Bytes((0..rows * width).map(|i| byte(i).cast_signed()).collect())
        };
        let blocks = rows * width / BLOCK;
        let scales = (0..blocks).map(|i| f32::from(byte(3 * i)) / 1000.0).collect();
        let leasts =
            if nibbles { (0..blocks).map(|i| -f32::from(byte(5 * i)) / 300.0).collect() } else { Vec::new() };
        PackedRows { digits, scales, leasts }
    }

    fn value(weights: &PackedRows, width: usize, row: usize, column: usize) -> f32 {
        let place = row * width + column;
        let block = place / BLOCK;
        let digit = match &weights.digits {
            Digits::Bytes(digits) => f32::from(digits[place]),
            Digits::Nibbles(digits) => {
                let byte = digits[block * BLOCK / 2 + place % (BLOCK / 2)];
                f32::from(if place % BLOCK < BLOCK / 2 { byte & 15 } else { byte >> 4 })
            }
        };
        weights.scales[block] * digit + weights.leasts.get(block).unwrap_or(&0.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn products_are_those_of_the_numbers_and_the_same_in_every_batch(
            bytes in prop::collection::vec(any::<u8>(), 7..64),
            blocks in 1usize..6,
            batch in 1usize..10,
            nibbles: bool,
        ) {
            let (rows, width) = (5, blocks * BLOCK);
            let weights = weights(rows, width, &bytes, nibbles);
            let x: Vec<f32> =
                (0..width * batch).map(|i| f32::from(bytes[i * 7 % bytes.len()].cast_signed()) * (i % 13) as f32 / 50.0).collect();
            let mut all = Activations::default();
            all.take(&x, width, batch);
            let mut y = vec![1f32; rows * batch];
            product(&weights, &all, true, &mut y);
            for column in 0..batch {
                let alone: Vec<f32> = x.iter().skip(column).step_by(batch).copied().collect();
                let mut one = Activations::default();
                one.take(&alone, width, 1);
                let mut result = vec![0f32; rows];
                product(&weights, &one, false, &mut result);
                for row in 0..rows {
                    prop_assert_eq!((1.0 + result[row]).to_bits(), y[row * batch + column].to_bits());
                    let terms: Vec<f64> = (0..width)
                        .map(|i| f64::from(value(&weights, width, row, i)) * f64::from(alone[i]))
                        .collect();
                    let (sum, size): (f64, f64) =
                        (terms.iter().sum(), terms.iter().map(|term| term.abs()).sum::<f64>().max(1.0));
                    // An activation is rounded to one part in 254 of the greatest of its block.
                    prop_assert!((sum - f64::from(result[row])).abs() < size.max(f64::from(width as u32) * 100.0) / 100.0);
                }
            }
        }

        #[test]
        fn the_portable_code_gives_the_same_bits(bytes in prop::collection::vec(any::<u8>(), 7..64), nibbles: bool) {
            let width = 3 * BLOCK;
            let weights = weights(1, width, &bytes, nibbles);
            let x: Vec<f32> = (0..width).map(|i| f32::from(bytes[i % bytes.len()]) - 90.0).collect();
            let mut activations = Activations::default();
            activations.take(&x, width, 1);
            let scales = Weights { scales: &weights.scales, leasts: &weights.leasts };
            let (ours, portable) = match &weights.digits {
                Digits::Nibbles(digits) => (
                    super::nibbles(digits, scales, [activations.row(0)]),
                    portable::nibbles(digits, scales, [activations.row(0)]),
                ),
                Digits::Bytes(digits) => (
                    super::bytes(digits, scales, [activations.row(0)]),
                    portable::bytes(digits, scales, [activations.row(0)]),
                ),
            };
            prop_assert_eq!(ours[0].to_bits(), portable[0].to_bits());
        }
    }

    #[test]
    fn weights_that_are_not_packed_are_multiplied_as_they_are() {
        let x: Vec<f32> = (0..64).map(|i| i as f32 / 10.0).collect();
        let mut activations = Activations::default();
        activations.take(&x, 32, 2);
        let weights: Vec<f32> = (0..32).map(|i| (i % 3) as f32).collect();
        let mut y = [0.5; 2];
        plain_product(&weights, &activations, true, &mut y);
        for (column, y) in y.iter().enumerate() {
            let sum: f32 = (0..32).map(|i| weights[i] * x[2 * i + column]).sum();
            assert!((y - 0.5 - sum).abs() < 1e-3);
        }
    }
}
