//! Draws from keyed generators: indices, samples without replacement, weighted choices.
//! (The reference draws from Python's and numpy's global generators, unseeded: spec 11.5.)

use crate::task::TaskType;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// What draws are for; with the task type it names the stream of a `DrawKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Text of a proposal.
    Propose,
    /// Text of a solver answer.
    Solve,
    /// Text of a learnability answer.
    Estimate,
    /// References or program of a proposer prompt.
    References,
    /// Solver tasks of a step.
    Tasks,
    /// Entries that stay in a full buffer.
    Trim,
    /// Seeding: references.
    SeedReferences,
    /// Seeding: text of a proposal.
    SeedPropose,
}

/// The stream of a purpose and type.
pub(crate) const fn stream(purpose: Purpose, task_type: TaskType) -> &'static str {
    macro_rules! streams {
        ($($purpose:ident $text:literal),* $(,)?) => {
            match (purpose, task_type) {
                $(
                    (Purpose::$purpose, TaskType::Deduction) => concat!($text, ".deduction"),
                    (Purpose::$purpose, TaskType::Abduction) => concat!($text, ".abduction"),
                    (Purpose::$purpose, TaskType::Induction) => concat!($text, ".induction"),
                    (Purpose::$purpose, TaskType::Error) => concat!($text, ".error"),
                    (Purpose::$purpose, TaskType::Custom) => concat!($text, ".custom"),
                )*
            }
        };
    }
    streams!(
        Propose "propose", Solve "solve", Estimate "estimate", References "references", Tasks "tasks", Trim "trim",
        SeedReferences "seed.references", SeedPropose "seed.propose",
    )
}

/// A uniform index below `n` (at least 1), without bias.
pub(crate) fn index(rng: &mut ChaCha8Rng, n: usize) -> usize {
    let n = n.max(1) as u64;
    let limit = u64::MAX - (u64::MAX % n + 1) % n;
    loop {
        let draw = rng.next_u64();
        if draw <= limit {
            return (draw % n) as usize;
        }
    }
}

/// `count` different indices below `n` in drawn order; all of them, shuffled, where there are fewer.
pub(crate) fn sample(rng: &mut ChaCha8Rng, n: usize, count: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..n).collect();
    let count = count.min(n);
    for position in 0..count {
        let other = position + index(rng, n - position);
        indices.swap(position, other);
    }
    indices.truncate(count);
    indices
}

/// A number from 0 on, below 1.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// An index drawn with probability proportional to its weight; `None` where all weights are 0.
pub(crate) fn weighted(rng: &mut ChaCha8Rng, weights: &[u64]) -> Option<usize> {
    let total: u64 = weights.iter().sum();
    if total == 0 {
        return None;
    }
    let mut rest = index(rng, total as usize) as u64;
    weights.iter().position(|&weight| {
        let here = rest < weight;
        rest = rest.saturating_sub(weight);
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_model::random::DrawKey;
    use std::collections::BTreeSet;

    fn rng(item: u64) -> ChaCha8Rng {
        DrawKey::new(7, 1, "test", item).rng()
    }

    #[test]
    fn samples_are_different_indices_and_cover_all() {
        let mut seen = BTreeSet::new();
        for item in 0..50 {
            let drawn = sample(&mut rng(item), 10, 3);
            assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 3);
            seen.extend(drawn);
        }
        assert_eq!(seen.len(), 10);
        assert_eq!(sample(&mut rng(0), 2, 5).len(), 2);
        assert!(sample(&mut rng(0), 0, 5).is_empty());
    }

    #[test]
    fn weights_of_0_are_never_drawn() {
        for item in 0..50 {
            assert_eq!(weighted(&mut rng(item), &[0, 3, 0]), Some(1));
        }
        assert_eq!(weighted(&mut rng(0), &[0, 0]), None);
        assert_eq!(weighted(&mut rng(0), &[]), None);
        let ones = (0..400).filter(|&item| weighted(&mut rng(item), &[1, 3]) == Some(1)).count();
        assert!((250..350).contains(&ones), "{ones} of 400 with probability 3/4");
    }
}
