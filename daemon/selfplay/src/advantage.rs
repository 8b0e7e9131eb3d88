//! Advantages (spec section 9): Task-Relative REINFORCE++ and its alternatives.
//!
//! Mean and variance are taken over all response tokens of a (task type, role) group, so long responses weigh more
//! (spec 11.6). Numerics are the reference's: `(return - mean) * rsqrt(variance + 1e-8)`, the mean divided by
//! n + 1e-8, Bessel's correction; sums are in 64 bits and in the order of the rollouts, where the reference's single
//! precision leaves rounding errors of up to 5e-3 for groups of one value. A group of fewer than two tokens, where
//! the reference fails, has advantage 0.

use crate::config::{AdvantageConfig, Baseline};
use crate::task::Group;
use std::collections::BTreeMap;

const EPSILON: f64 = 1e-8;
/// The epsilon that GRPO's reference implementation adds to the standard deviation.
const GRPO_EPSILON: f64 = 1e-6;

/// A rewarded response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rewarded<'a> {
    /// Its group.
    pub group: Group,
    /// Text of its prompt.
    pub prompt: &'a str,
    /// Reward on its last token.
    pub reward: f32,
    /// Its tokens, the end-of-text token included.
    pub n_tokens: usize,
}

/// Advantage of every token of every response, in the order of `responses`.
pub fn advantages(responses: &[Rewarded<'_>], config: &AdvantageConfig) -> Vec<Vec<f32>> {
    let returns: Vec<Vec<f64>> =
        responses.iter().map(|one| token_returns(one.reward, one.n_tokens, config.gamma)).collect();
    let mut groups: BTreeMap<(Option<Group>, &str), Vec<usize>> = BTreeMap::new();
    for (index, response) in responses.iter().enumerate() {
        let key = match config.baseline {
            Baseline::TaskRelative => (Some(response.group), ""),
            Baseline::Global | Baseline::None => (None, ""),
            Baseline::PerPrompt => (Some(response.group), response.prompt),
        };
        groups.entry(key).or_default().push(index);
    }
    let mut result: Vec<Vec<f32>> = vec![Vec::new(); responses.len()];
    for members in groups.values() {
        let rows: Vec<&[f64]> = members.iter().map(|&index| returns[index].as_slice()).collect();
        let scored = match config.baseline {
            Baseline::TaskRelative | Baseline::Global => {
                whiten(&rows).unwrap_or_else(|| rows.iter().map(|row| vec![0.0; row.len()]).collect())
            }
            Baseline::PerPrompt => {
                let rewards: Vec<f64> =
                    members.iter().map(|&index| f64::from(responses[index].reward)).collect();
                relative_to_prompt(&rewards, &rows)
            }
            Baseline::None => rows.iter().map(|row| row.to_vec()).collect(),
        };
        for (&index, row) in members.iter().zip(scored) {
            result[index] = row.into_iter().map(|value| value as f32).collect();
        }
    }
    result
}

/// Return of every token: the reward on the last one, discounted backwards.
fn token_returns(reward: f32, n_tokens: usize, gamma: f32) -> Vec<f64> {
    let mut returns = vec![0.0; n_tokens];
    let mut running = f64::from(reward);
    for value in returns.iter_mut().rev() {
        *value = running;
        running *= f64::from(gamma);
    }
    returns
}

/// Whitens all values together; `None` below two values (the reference fails there).
pub fn whiten(rows: &[&[f64]]) -> Option<Vec<Vec<f64>>> {
    let count = rows.iter().map(|row| row.len()).sum::<usize>() as f64;
    if count < 2.0 {
        return None;
    }
    let values = || rows.iter().flat_map(|row| row.iter());
    let mean = values().sum::<f64>() / (count + EPSILON);
    let squares = values().map(|value| (value - mean).powi(2)).sum::<f64>() / (count + EPSILON);
    let variance = squares * count / (count - 1.0);
    let scale = 1.0 / (variance + EPSILON).sqrt();
    Some(rows.iter().map(|row| row.iter().map(|value| (value - mean) * scale).collect()).collect())
}

/// (reward - mean) / (deviation + epsilon) over the responses to one prompt; a single response has 0.
fn relative_to_prompt(rewards: &[f64], rows: &[&[f64]]) -> Vec<Vec<f64>> {
    let count = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / count;
    let deviation = if rewards.len() < 2 {
        1.0
    } else {
        (rewards.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt()
    };
    let value = |reward: &f64| (reward - mean) / (deviation + GRPO_EPSILON);
    rewards.iter().zip(rows).map(|(reward, row)| vec![value(reward); row.len()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Role, TaskType};
    use proptest::prelude::*;

    const SOLVE: Group = Group::new(TaskType::Deduction, Role::Solve);
    const PROPOSE: Group = Group::new(TaskType::Deduction, Role::Propose);

    fn rewarded(group: Group, prompt: &str, reward: f32, n_tokens: usize) -> Rewarded<'_> {
        Rewarded { group, prompt, reward, n_tokens }
    }

    #[test]
    fn each_group_has_its_own_baseline() {
        let responses = [
            rewarded(SOLVE, "a", 1.0, 2),
            rewarded(SOLVE, "b", -0.5, 2),
            rewarded(PROPOSE, "c", 0.75, 3),
            rewarded(PROPOSE, "d", 0.75, 1),
        ];
        let task_relative = advantages(&responses, &AdvantageConfig::default());
        assert!(task_relative[0][0] > 0.8 && task_relative[1][0] < -0.8);
        assert!(task_relative[2].iter().chain(&task_relative[3]).all(|value| value.abs() < 1e-3));
        let global = advantages(&responses, &AdvantageConfig { baseline: Baseline::Global, gamma: 1.0 });
        assert!(global[2][0] > 0.1, "a common baseline sees the difference between the groups");
        let raw = advantages(&responses, &AdvantageConfig { baseline: Baseline::None, gamma: 1.0 });
        assert_eq!(raw[1], [-0.5, -0.5]);
    }

    #[test]
    fn responses_to_one_prompt_are_compared() {
        let responses =
            [rewarded(SOLVE, "a", 1.0, 1), rewarded(SOLVE, "a", 0.0, 1), rewarded(SOLVE, "b", 1.0, 2)];
        let result = advantages(&responses, &AdvantageConfig { baseline: Baseline::PerPrompt, gamma: 1.0 });
        assert!(
            (result[0][0] - 0.5 / 0.5_f32.sqrt()).abs() < 1e-4 && (result[0][0] + result[1][0]).abs() < 1e-6
        );
        assert_eq!(result[2], [0.0, 0.0]);
    }

    #[test]
    fn a_single_token_has_no_advantage() {
        let result = advantages(&[rewarded(SOLVE, "a", 1.0, 1)], &AdvantageConfig::default());
        assert_eq!(result, [vec![0.0]]);
        assert!(advantages(&[], &AdvantageConfig::default()).is_empty());
    }

    proptest! {
        #[test]
        fn shifting_and_scaling_rewards_changes_nothing(
            rewards in prop::collection::vec((-8_i32..8, 1_usize..6), 3..12),
            shift in -4_i32..4,
            scale in 1_i32..5,
        ) {
            let spread = rewards.iter().any(|(reward, _)| *reward != rewards[0].0);
            prop_assume!(spread);
            let make = |map: &dyn Fn(f32) -> f32| {
                let responses: Vec<Rewarded<'_>> = rewards
                    .iter()
                    .map(|(reward, n_tokens)| rewarded(SOLVE, "", map(*reward as f32 / 4.0), *n_tokens))
                    .collect();
                advantages(&responses, &AdvantageConfig::default())
            };
            let plain = make(&|reward| reward);
            let moved = make(&|reward| reward * scale as f32 + shift as f32);
            for (row, other) in plain.iter().zip(&moved) {
                for (value, other) in row.iter().zip(other) {
                    prop_assert!((value - other).abs() < 1e-3, "{value} {other}");
                }
            }
            let values: Vec<f64> = plain.iter().flatten().map(|value| f64::from(*value)).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert!(mean.abs() < 1e-4, "advantages of a group have mean 0");
        }

        #[test]
        fn the_order_of_other_groups_does_not_matter(rewards in prop::collection::vec((-4_i32..4, 1_usize..4), 2..8)) {
            let solve: Vec<Rewarded<'_>> =
                rewards.iter().map(|(reward, n)| rewarded(SOLVE, "", *reward as f32, *n)).collect();
            let alone = advantages(&solve, &AdvantageConfig::default());
            let mut mixed = vec![rewarded(PROPOSE, "", 3.0, 5)];
            mixed.extend(solve);
            mixed.push(rewarded(PROPOSE, "", -3.0, 2));
            let together = advantages(&mixed, &AdvantageConfig::default());
            prop_assert_eq!(&together[1..=alone.len()], alone.as_slice());
        }
    }
}
