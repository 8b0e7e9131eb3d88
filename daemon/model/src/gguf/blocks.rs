//! Numbers as ggml packs them: blocks of 32 or 256 values that share scales.
//!
//! Layouts after `ggml-common.h`; the arithmetic keeps the order of `dequantize_row_*`, so that the numbers are the
//! same bits.

use crate::kernels::packed::{Digits, PackedRows};

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// Number, name, values and bytes of a block.
const FORMATS: &[(u32, Format, &str, usize, usize)] = &[
    (0, Format::F32, "F32", 1, 4),
    (1, Format::F16, "F16", 1, 2),
    (30, Format::Bf16, "BF16", 1, 2),
    (2, Format::Q4_0, "Q4_0", 32, 18),
    (3, Format::Q4_1, "Q4_1", 32, 20),
    (6, Format::Q5_0, "Q5_0", 32, 22),
    (7, Format::Q5_1, "Q5_1", 32, 24),
    (8, Format::Q8_0, "Q8_0", 32, 34),
    (12, Format::Q4K, "Q4_K", 256, 144),
    (13, Format::Q5K, "Q5_K", 256, 176),
    (14, Format::Q6K, "Q6_K", 256, 210),
];

impl Format {
    /// From its number in the file.
    pub(super) fn from_number(number: u32) -> Result<Self, String> {
        FORMATS.iter().find(|row| row.0 == number).map(|row| row.1).ok_or_else(|| {
            let known: Vec<&str> = FORMATS.iter().map(|row| row.2).collect();
            format!("numbers of ggml type {number} are not supported, only {}", known.join(", "))
        })
    }

    fn row(self) -> &'static (u32, Self, &'static str, usize, usize) {
        FORMATS.iter().find(|row| row.1 == self).expect("every format has its line")
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.row().2
    }

    /// Bytes of so many values in a row; `None` where they are no whole number of blocks, or too many.
    pub(super) fn bytes(self, values: usize) -> Option<u64> {
        let (_, _, _, block, bytes) = *self.row();
        let blocks = values.is_multiple_of(block).then_some((values / block) as u64)?;
        blocks.checked_mul(bytes as u64)
    }

    /// Whole blocks as the engine multiplies them; `None` for formats without such a form.
    pub(super) fn rows(self, packed: &[u8]) -> Option<PackedRows> {
        let (_, _, _, _, bytes) = *self.row();
        let blocks = || packed.chunks_exact(bytes);
        let scales = blocks().map(|block| half_at(block, 0));
        Some(match self {
            Self::Q4_0 => PackedRows {
                digits: Digits::Nibbles(blocks().flat_map(|block| &block[2..]).copied().collect()),
                leasts: scales.clone().map(|scale| -8.0 * scale).collect(),
                scales: scales.collect(),
            },
            Self::Q4_1 => PackedRows {
                digits: Digits::Nibbles(blocks().flat_map(|block| &block[4..]).copied().collect()),
                leasts: blocks().map(|block| half_at(block, 2)).collect(),
                scales: scales.collect(),
            },
            Self::Q8_0 => PackedRows {
                digits: Digits::Bytes(
                    blocks().flat_map(|block| &block[2..]).map(|byte| byte.cast_signed()).collect(),
                ),
                leasts: Vec::new(),
                scales: scales.collect(),
            },
            _ => return None,
        })
    }

    /// Unpacks whole blocks into as many values as they hold.
    pub(super) fn unpack(self, packed: &[u8], values: &mut [f32]) {
        let (_, _, _, block, bytes) = *self.row();
        let unpack = match self {
            Self::F32 => f32_block,
            Self::F16 => f16_block,
            Self::Bf16 => bf16_block,
            Self::Q4_0 => q4_0,
            Self::Q4_1 => q4_1,
            Self::Q5_0 => q5_0,
            Self::Q5_1 => q5_1,
            Self::Q8_0 => q8_0,
            Self::Q4K => q4_k,
            Self::Q5K => q5_k,
            Self::Q6K => q6_k,
        };
        for (packed, values) in packed.chunks_exact(bytes).zip(values.chunks_exact_mut(block)) {
            unpack(packed, values);
        }
    }
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn f32_block(packed: &[u8], values: &mut [f32]) {
    values[0] = f32::from_bits(word_at(packed, 0));
}

fn f16_block(packed: &[u8], values: &mut [f32]) {
    values[0] = half_at(packed, 0);
}

fn bf16_block(packed: &[u8], values: &mut [f32]) {
    values[0] = half::bf16::from_le_bytes([packed[0], packed[1]]).to_f32();
}

fn q4_0(packed: &[u8], values: &mut [f32]) {
    let scale = half_at(packed, 0);
    for (i, byte) in packed[2..].iter().enumerate() {
        values[i] = (f32::from(byte & 15) - 8.0) * scale;
        values[i + 16] = (f32::from(byte >> 4) - 8.0) * scale;
    }
}

fn q4_1(packed: &[u8], values: &mut [f32]) {
    let (scale, least) = (half_at(packed, 0), half_at(packed, 2));
    for (i, byte) in packed[4..].iter().enumerate() {
        values[i] = f32::from(byte & 15) * scale + least;
        values[i + 16] = f32::from(byte >> 4) * scale + least;
    }
}

/// The values of 5 bits: 16 bytes have the lower 4, `high` the fifth ones.
fn five_bits(high: u32, low: &[u8], i: usize) -> (f32, f32) {
    let first = u32::from(low[i] & 15) | ((high >> i) & 1) << 4;
    let second = u32::from(low[i] >> 4) | ((high >> (i + 16)) & 1) << 4;
    (first as f32, second as f32)
}

fn q5_0(packed: &[u8], values: &mut [f32]) {
    let (scale, high) = (half_at(packed, 0), word_at(packed, 2));
    for i in 0..16 {
        let (first, second) = five_bits(high, &packed[6..], i);
        values[i] = (first - 16.0) * scale;
        values[i + 16] = (second - 16.0) * scale;
    }
}

fn q5_1(packed: &[u8], values: &mut [f32]) {
    let (scale, least, high) = (half_at(packed, 0), half_at(packed, 2), word_at(packed, 4));
    for i in 0..16 {
        let (first, second) = five_bits(high, &packed[8..], i);
        values[i] = first * scale + least;
        values[i + 16] = second * scale + least;
    }
}

fn q8_0(packed: &[u8], values: &mut [f32]) {
    let scale = half_at(packed, 0);
    for (value, byte) in values.iter_mut().zip(&packed[2..]) {
        *value = f32::from(byte.cast_signed()) * scale;
    }
}

/// Scale and least value of the `part`-th 32 values: 6 bits each, the upper two of the later ones elsewhere.
fn scale_and_least(scales: &[u8], part: usize) -> (f32, f32) {
    let (scale, least) = if part < 4 {
        (scales[part] & 63, scales[part + 4] & 63)
    } else {
        (
            scales[part + 4] & 15 | (scales[part - 4] >> 6) << 4,
            scales[part + 4] >> 4 | (scales[part] >> 6) << 4,
        )
    };
    (f32::from(scale), f32::from(least))
}

fn q4_k(packed: &[u8], values: &mut [f32]) {
    let (scale, least, scales) = (half_at(packed, 0), half_at(packed, 2), &packed[4..16]);
    for (pair, (bytes, values)) in packed[16..].chunks_exact(32).zip(values.chunks_exact_mut(64)).enumerate()
    {
        for half in 0..2 {
            let (s, m) = scale_and_least(scales, 2 * pair + half);
            let (s, m) = (scale * s, least * m);
            for (value, byte) in values[32 * half..].iter_mut().zip(bytes) {
                *value = s * f32::from(byte >> (4 * half) & 15) - m;
            }
        }
    }
}

fn q5_k(packed: &[u8], values: &mut [f32]) {
    let (scale, least, scales) = (half_at(packed, 0), half_at(packed, 2), &packed[4..16]);
    let (high, low) = packed[16..].split_at(32);
    for (pair, (bytes, values)) in low.chunks_exact(32).zip(values.chunks_exact_mut(64)).enumerate() {
        for half in 0..2 {
            let part = 2 * pair + half;
            let (s, m) = scale_and_least(scales, part);
            let (s, m) = (scale * s, least * m);
            for (value, (byte, high)) in values[32 * half..].iter_mut().zip(bytes.iter().zip(high)) {
                *value = s * f32::from(byte >> (4 * half) & 15 | (high >> part & 1) << 4) - m;
            }
        }
    }
}

fn q6_k(packed: &[u8], values: &mut [f32]) {
    let (low, high, scales, scale) =
        (&packed[..128], &packed[128..192], &packed[192..208], half_at(packed, 208));
    for (part, values) in values.chunks_exact_mut(128).enumerate() {
        let (low, high, scales) = (&low[64 * part..], &high[32 * part..], &scales[8 * part..]);
        for (quarter, values) in values.chunks_exact_mut(32).enumerate() {
            for (i, value) in values.iter_mut().enumerate() {
                let low = low[i + 32 * (quarter % 2)] >> (4 * (quarter / 2)) & 15;
                let bits = low | (high[i] >> (2 * quarter) & 3) << 4;
                let sub_scale = f32::from(scales[i / 16 + 2 * quarter].cast_signed());
                *value = scale * sub_scale * (f32::from(bits) - 32.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    /// candle packs and unpacks: a second opinion on every layout.
    #[test]
    fn blocks_unpack_as_candle_unpacks_them() {
        let values: Vec<f32> = (0..2048u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8e6 - 1.0 + (i as f32 * 0.01).sin())
            .collect();
        let tensor = Tensor::from_vec(values, (4, 512), &Device::Cpu).unwrap();
        for (format, dtype) in [
            (Format::F32, GgmlDType::F32),
            (Format::F16, GgmlDType::F16),
            (Format::Bf16, GgmlDType::BF16),
            (Format::Q4_0, GgmlDType::Q4_0),
            (Format::Q4_1, GgmlDType::Q4_1),
            (Format::Q5_0, GgmlDType::Q5_0),
            (Format::Q5_1, GgmlDType::Q5_1),
            (Format::Q8_0, GgmlDType::Q8_0),
            (Format::Q4K, GgmlDType::Q4K),
            (Format::Q5K, GgmlDType::Q5K),
            (Format::Q6K, GgmlDType::Q6K),
        ] {
            let packed = QTensor::quantize(&tensor, dtype).unwrap();
            let bytes = packed.data().unwrap();
            assert_eq!(format.bytes(2048), Some(bytes.len() as u64), "{format:?}");
            let expected: Vec<f32> =
                packed.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let mut found = vec![f32::NAN; 2048];
            format.unpack(&bytes, &mut found);
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{format:?} {index}");
            }
        }
    }

    #[test]
    fn a_row_is_a_whole_number_of_blocks() {
        assert_eq!(Format::Q4_1.bytes(64), Some(40));
        assert_eq!(Format::Q4_1.bytes(48), None);
        assert_eq!(Format::F32.bytes(usize::MAX), None);
        assert!(Format::from_number(10).unwrap_err().contains("Q4_K"));
    }
}
