//! Losses: weighted cross-entropy and the clipped policy gradient.
//!
//! Both are sums over tokens of `weight * term(log-probability, entropy)`: aggregation (by token, sequence or
//! group) is only a choice of the weights, so the gradient of a chunk of sequences needs nothing from the
//! other chunks.

/// A sequence for weighted cross-entropy.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedSequence {
    /// Token ids.
    pub tokens: Vec<u32>,
    /// `weights[i]` weighs the prediction of `tokens[i]`; as long as `tokens`; the first is never predicted
    /// and its weight is ignored.
    pub weights: Vec<f32>,
}

/// A rollout for the policy gradient: a prompt and its response.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicySequence {
    /// Token ids of the prompt and the response.
    pub tokens: Vec<u32>,
    /// Number of prompt tokens (at least 1); all later tokens are learned from.
    pub prompt_len: usize,
    /// Log-probability of each response token when it was drawn (by [`crate::Trainer::score`] or the engine).
    pub old_logprobs: Vec<f32>,
    /// Advantage of each response token.
    pub advantages: Vec<f32>,
    /// Log-probability of each response token under the reference model; needed where `kl_coefficient` is
    /// not 0, else left empty.
    pub reference_logprobs: Vec<f32>,
}

/// How token losses become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Mean over groups of `group` consecutive sequences of each group's token mean. The reference
    /// implementation averages micro-batches in this way.
    GroupTokenMean {
        /// Sequences in a group.
        group: usize,
    },
    /// Mean over all response tokens of the batch.
    TokenMean,
    /// Mean over sequences of each sequence's token mean.
    SequenceMean,
}

/// The clipped policy gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyLoss {
    /// The ratio is clipped below at `1 - clip_low`.
    pub clip_low: f32,
    /// The ratio is clipped above at `1 + clip_high`.
    pub clip_high: f32,
    /// With a negative advantage the loss of a token is at most `dual_clip * -advantage`.
    pub dual_clip: f32,
    /// Weight of the entropy bonus.
    pub entropy_coefficient: f32,
    /// Weight of the KL term (`k3` estimate) to the reference log-probabilities.
    pub kl_coefficient: f32,
    /// Aggregation.
    pub aggregation: Aggregation,
}

impl Default for PolicyLoss {
    /// The paper's run (asymmetric clip and dual clip as in the reference implementation, no entropy bonus, no KL).
    fn default() -> Self {
        Self {
            clip_low: 0.2,
            clip_high: 0.28,
            dual_clip: 3.0,
            entropy_coefficient: 0.0,
            kl_coefficient: 0.0,
            aggregation: Aggregation::TokenMean,
        }
    }
}

/// What one scored token adds to the loss.
pub(crate) trait TokenTerm: Send + Sync + 'static {
    /// Adds the token to the sums.
    fn add_to(&self, sums: &mut LossSums, logprob: f32, entropy: f32);

    /// Derivatives of the token's loss by its log-probability and entropy.
    fn gradient(&self, logprob: f32, entropy: f32) -> (f32, f32);
}

/// Sums over the scored tokens of a batch, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LossSums {
    pub(crate) loss: f64,
    pub(crate) tokens: usize,
    pub(crate) entropy: f64,
    pub(crate) ratio: f64,
    pub(crate) clipped: usize,
    pub(crate) dual_clipped: usize,
    pub(crate) policy_kl: f64,
    pub(crate) reference_kl: f64,
}

impl LossSums {
    /// Adds the sums of the chunk that follows.
    pub(crate) fn add(&mut self, next: &Self) {
        self.loss += next.loss;
        self.tokens += next.tokens;
        self.entropy += next.entropy;
        self.ratio += next.ratio;
        self.clipped += next.clipped;
        self.dual_clipped += next.dual_clipped;
        self.policy_kl += next.policy_kl;
        self.reference_kl += next.reference_kl;
    }
}

/// Cross-entropy of one token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrossEntropyTerm {
    /// Weight over the normalizer.
    pub(crate) weight: f32,
}

impl TokenTerm for CrossEntropyTerm {
    fn add_to(&self, sums: &mut LossSums, logprob: f32, entropy: f32) {
        sums.loss -= f64::from(self.weight) * f64::from(logprob);
        sums.tokens += 1;
        sums.entropy += f64::from(entropy);
        sums.ratio += 1.0;
    }

    fn gradient(&self, _logprob: f32, _entropy: f32) -> (f32, f32) {
        (-self.weight, 0.0)
    }
}

/// Policy gradient of one token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PolicyTerm {
    /// Weight that the aggregation gives the token.
    pub(crate) weight: f32,
    pub(crate) old_logprob: f32,
    pub(crate) advantage: f32,
    /// None where there is no reference.
    pub(crate) reference_logprob: Option<f32>,
    pub(crate) loss: PolicyLoss,
}

/// Log-ratios are held inside this bound before `exp`, as the reference implementation does.
const LOG_RATIO_BOUND: f32 = 20.0;
/// So is the KL estimate of a token.
const TOKEN_KL_BOUND: f32 = 10.0;

struct Surrogate {
    loss: f32,
    /// Derivative by the log-probability.
    slope: f32,
    ratio: f32,
    clipped: bool,
    dual_clipped: bool,
}

impl PolicyTerm {
    fn surrogate(&self, logprob: f32) -> Surrogate {
        let log_ratio = logprob - self.old_logprob;
        let held = log_ratio.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND);
        let ratio = held.exp();
        let plain = -self.advantage * ratio;
        let clipped_loss = -self.advantage * ratio.clamp(1.0 - self.loss.clip_low, 1.0 + self.loss.clip_high);
        let bound = -self.advantage * self.loss.dual_clip;
        let clipped = clipped_loss > plain;
        let dual_clipped = self.advantage < 0.0 && plain.max(clipped_loss) > bound;
        let flat = clipped || dual_clipped || held.to_bits() != log_ratio.to_bits();
        Surrogate {
            loss: if dual_clipped { bound } else { plain.max(clipped_loss) },
            slope: if flat { 0.0 } else { plain },
            ratio,
            clipped,
            dual_clipped,
        }
    }

    /// The `k3` estimate `exp(d) - d - 1` with `d = reference - logprob`, and its derivative.
    fn reference_kl(&self, logprob: f32) -> (f32, f32) {
        let Some(reference) = self.reference_logprob else { return (0.0, 0.0) };
        let difference = reference - logprob;
        let held = difference.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND);
        let estimate = held.exp() - held - 1.0;
        if held.to_bits() != difference.to_bits() || estimate > TOKEN_KL_BOUND {
            return (estimate.min(TOKEN_KL_BOUND), 0.0);
        }
        (estimate, 1.0 - held.exp())
    }
}

impl TokenTerm for PolicyTerm {
    fn add_to(&self, sums: &mut LossSums, logprob: f32, entropy: f32) {
        let surrogate = self.surrogate(logprob);
        let (kl, _) = self.reference_kl(logprob);
        let token_loss =
            surrogate.loss + self.loss.kl_coefficient * kl - self.loss.entropy_coefficient * entropy;
        sums.loss += f64::from(self.weight) * f64::from(token_loss);
        sums.tokens += 1;
        sums.entropy += f64::from(entropy);
        sums.ratio += f64::from(surrogate.ratio);
        sums.clipped += usize::from(surrogate.clipped);
        sums.dual_clipped += usize::from(surrogate.dual_clipped);
        sums.policy_kl += f64::from(self.old_logprob) - f64::from(logprob);
        sums.reference_kl += f64::from(kl);
    }

    fn gradient(&self, logprob: f32, _entropy: f32) -> (f32, f32) {
        let (_, kl_slope) = self.reference_kl(logprob);
        let slope = self.surrogate(logprob).slope + self.loss.kl_coefficient * kl_slope;
        (self.weight * slope, -self.weight * self.loss.entropy_coefficient)
    }
}

impl Aggregation {
    /// The weight of each sequence's tokens, from the numbers of response tokens. Sequences and groups without
    /// tokens count in no mean.
    pub fn weights(self, token_counts: &[usize]) -> Vec<f32> {
        let group = match self {
            Self::GroupTokenMean { group } => group.max(1),
            Self::TokenMean => token_counts.len().max(1),
            Self::SequenceMean => 1,
        };
        let sums: Vec<usize> = token_counts.chunks(group).map(|counts| counts.iter().sum()).collect();
        let groups = sums.iter().filter(|&&sum| sum > 0).count();
        (0..token_counts.len())
            .map(|index| match sums[index / group] {
                0 => 0.0,
                sum => (1.0 / (groups as f64 * sum as f64)) as f32,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn term(advantage: f32, old_logprob: f32) -> PolicyTerm {
        PolicyTerm {
            weight: 0.5,
            old_logprob,
            advantage,
            reference_logprob: None,
            loss: PolicyLoss::default(),
        }
    }

    fn loss_of(term: &PolicyTerm, logprob: f32) -> f64 {
        let mut sums = LossSums::default();
        term.add_to(&mut sums, logprob, 1.0);
        sums.loss
    }

    #[test]
    fn clips_as_the_paper_says() {
        // (advantage, ratio, loss over weight, is the slope zero)
        for (advantage, ratio, expected, flat) in [
            (1.0, 1.0, -1.0, false),
            (1.0, 1.27, -1.27, false),
            (1.0, 1.5, -1.28, true),
            (1.0, 0.5, -0.5, false),
            (-1.0, 0.9, 0.9, false),
            (-1.0, 0.5, 0.8, true),
            (-1.0, 2.0, 2.0, false),
            (-1.0, 4.0, 3.0, true),
        ] {
            let term = term(advantage, -2.0);
            let logprob = -2.0 + f32::ln(ratio);
            assert!((loss_of(&term, logprob) - 0.5 * expected).abs() < 1e-6, "{advantage} {ratio}");
            let slope = term.gradient(logprob, 0.0).0;
            let expected_slope = if flat { 0.0 } else { -0.5 * advantage * ratio };
            assert!((slope - expected_slope).abs() < 1e-6, "{advantage} {ratio}: {slope}");
        }
    }

    proptest! {
        #[test]
        fn slopes_are_those_of_the_loss(
            advantage in -3f32..3.0, old in -6f32..-0.1, logprob in -6f32..-0.1, reference in -6f32..-0.1,
            entropy_coefficient in 0f32..1.0, kl_coefficient in 0f32..1.0,
        ) {
            let loss = PolicyLoss { entropy_coefficient, kl_coefficient, ..PolicyLoss::default() };
            let term = PolicyTerm { reference_logprob: Some(reference), loss, ..term(advantage, old) };
            let (step, slope) = (1e-3, term.gradient(logprob, 1.0).0);
            let sides = [logprob - step, logprob + step].map(|at| (loss_of(&term, at), term.surrogate(at)));
            let kl = (reference - logprob).exp() - (reference - logprob) - 1.0;
            let smooth = sides[0].1.clipped == sides[1].1.clipped
                && sides[0].1.dual_clipped == sides[1].1.dual_clipped
                && (kl - TOKEN_KL_BOUND).abs() > 0.5;
            prop_assume!(smooth);
            let expected = (sides[1].0 - sides[0].0) / f64::from(2.0 * step);
            prop_assert!((f64::from(slope) - expected).abs() < 2e-2 * (1.0 + expected.abs()), "{} {}", slope, expected);
        }

        #[test]
        fn aggregation_weights_are_means(counts in prop::collection::vec(0usize..9, 1..20), group in 1usize..6) {
            let total: usize = counts.iter().sum();
            for aggregation in
                [Aggregation::TokenMean, Aggregation::SequenceMean, Aggregation::GroupTokenMean { group }]
            {
                let weights = aggregation.weights(&counts);
                let sum: f64 = weights.iter().zip(&counts).map(|(w, c)| f64::from(*w) * *c as f64).sum();
                let expected = f64::from(u8::from(total > 0));
                prop_assert!((sum - expected).abs() < 1e-5, "{} {}", sum, expected);
            }
        }
    }

    #[test]
    fn groups_weigh_the_same_and_tokens_within_a_group_too() {
        let weights = Aggregation::GroupTokenMean { group: 2 }.weights(&[1, 3, 2, 2, 5]);
        let expected = [1.0 / 12.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 15.0];
        for (found, expected) in weights.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-7);
        }
    }
}
