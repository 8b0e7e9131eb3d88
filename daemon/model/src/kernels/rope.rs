//! Rotary position angles, always in 32 bits: rounding the table to bf16 makes positions above 256 collide.

/// Cosines and sines of all positions up to a length.
#[derive(Debug, Default)]
pub(crate) struct RopeTable {
    half: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl RopeTable {
    /// The table of `len` positions, for heads of two values a frequency.
    pub(crate) fn new(len: usize, frequencies: &[f32]) -> Self {
        let mut table = Self { half: frequencies.len(), cosines: Vec::new(), sines: Vec::new() };
        for position in 0..len {
            for frequency in frequencies {
                let angle = position as f32 * frequency;
                table.cosines.push(angle.cos());
                table.sines.push(angle.sin());
            }
        }
        table
    }

    /// Positions it holds.
    pub(crate) fn len(&self) -> usize {
        self.cosines.len().checked_div(self.half).unwrap_or(0)
    }

    #[inline(always)]
    fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let range = position * self.half..(position + 1) * self.half;
        (&self.cosines[range.clone()], &self.sines[range])
    }

    /// Turns a head by its position and scales it.
    #[inline(always)]
    pub(crate) fn turn(&self, position: usize, scale: f32, source: &[f32], target: &mut [f32]) {
        let (cosines, sines) = self.at(position);
        rotate(cosines, sines, 1.0, scale, source, target);
    }

    /// Turns a gradient back and scales it.
    #[inline(always)]
    pub(crate) fn turn_back(&self, position: usize, scale: f32, source: &[f32], target: &mut [f32]) {
        let (cosines, sines) = self.at(position);
        rotate(cosines, sines, -1.0, scale, source, target);
    }
}

#[inline(always)]
fn rotate(cosines: &[f32], sines: &[f32], sign: f32, scale: f32, source: &[f32], target: &mut [f32]) {
    let half = cosines.len();
    let sines = &sines[..half];
    let (first, second) = source.split_at(half);
    let (to_first, to_second) = target.split_at_mut(half);
    let (second, to_first, to_second) = (&second[..half], &mut to_first[..half], &mut to_second[..half]);
    for i in 0..half {
        let sine = sines[i] * sign;
        to_first[i] = (first[i] * cosines[i] - second[i] * sine) * scale;
        to_second[i] = (second[i] * cosines[i] + first[i] * sine) * scale;
    }
}
