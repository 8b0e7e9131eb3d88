//! One rewarded response, and the telemetry of a step's responses.

use crate::advantage::Rewarded;
use crate::policy::TrainSequence;
use crate::record::{GroupStats, LearnabilityStats, RolloutRecord, hex};
use crate::task::{Group, Role, TaskType, Triplet};
use azr_model::Completion;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A response with what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) group: Group,
    /// Index of the prompt within its group.
    pub(crate) task_id: usize,
    /// Index of the response to its prompt.
    pub(crate) sample: usize,
    /// Text of the prompt.
    pub(crate) prompt: String,
    /// The response.
    pub(crate) completion: Completion,
    /// What became of it.
    pub(crate) verdict: String,
    /// A valid proposal, or a right answer.
    pub(crate) success: bool,
    pub(crate) well_formed: bool,
    pub(crate) traced: bool,
    pub(crate) reward: f32,
    /// Proposer: identity of the proposed task, to count different ones.
    pub(crate) identity: Option<String>,
    /// Proposer: the proposed program (induction aside), for the figures of health.
    pub(crate) program: Option<String>,
    /// Proposer: the recorded answer of the proposed task.
    pub(crate) answer: Option<String>,
    /// Hashes of the reference programs.
    pub(crate) references: String,
}

impl Rollout {
    pub(crate) fn rewarded(&self) -> Rewarded<'_> {
        Rewarded {
            group: self.group,
            prompt: &self.prompt,
            reward: self.reward,
            n_tokens: self.completion.tokens.len(),
        }
    }

    pub(crate) fn sequence(&self, advantages: &[f32]) -> TrainSequence {
        TrainSequence {
            prompt_tokens: self.completion.prompt_tokens.clone(),
            response_tokens: self.completion.tokens.clone(),
            old_logprobs: self.completion.logprobs.clone(),
            advantages: advantages.to_vec(),
        }
    }

    pub(crate) fn record(&self, step: u64, advantage: f32, weights_version: u64) -> RolloutRecord {
        RolloutRecord {
            step,
            task_type: self.group.task_type.name().into(),
            role: self.group.role.name().into(),
            task_id: self.task_id as u64,
            sample: self.sample as u32,
            verdict: self.verdict.clone(),
            reward: f64::from(self.reward),
            advantage: f64::from(advantage),
            references: self.references.clone(),
            weights_version,
            ..completion_record(&self.prompt, &self.completion)
        }
    }
}

/// The fields of a record that the completion alone decides.
pub(crate) fn completion_record(prompt: &str, completion: &Completion) -> RolloutRecord {
    RolloutRecord {
        prompt: prompt.to_owned(),
        response: completion.text.clone(),
        prompt_tokens: completion.prompt_tokens.len() as u32,
        response_tokens: completion.tokens.len() as u32,
        logprob_sum: completion.logprobs.iter().map(|&logprob| f64::from(logprob)).sum(),
        ..RolloutRecord::default()
    }
}

/// Short hashes of the references' programs, joined by spaces.
pub(crate) fn reference_hashes(references: &[Triplet]) -> String {
    let short = |one: &Triplet| hex(&Sha256::digest(one.program.as_bytes())[..6]);
    references.iter().map(short).collect::<Vec<_>>().join(" ")
}

/// Statistics of every group that has rollouts.
pub(crate) fn group_stats(rollouts: &[Rollout]) -> BTreeMap<String, GroupStats> {
    let mut groups: BTreeMap<Group, Vec<&Rollout>> = BTreeMap::new();
    for rollout in rollouts {
        groups.entry(rollout.group).or_default().push(rollout);
    }
    groups.into_iter().map(|(group, members)| (group.name(), stats_of(group, &members))).collect()
}

fn stats_of(group: Group, members: &[&Rollout]) -> GroupStats {
    let n = members.len();
    let mean =
        |value: &dyn Fn(&Rollout) -> f64| members.iter().map(|one| value(one)).sum::<f64>() / n.max(1) as f64;
    let share = |holds: &dyn Fn(&Rollout) -> bool| mean(&|one| f64::from(u8::from(holds(one))));
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    for rollout in members {
        *verdicts.entry(rollout.verdict.clone()).or_default() += 1;
    }
    let identities: BTreeSet<&String> = members.iter().filter_map(|one| one.identity.as_ref()).collect();
    GroupStats {
        n,
        valid: share(&|one| one.success),
        reward_mean: mean(&|one| f64::from(one.reward)),
        format: share(&|one| one.well_formed),
        response_tokens_mean: mean(&|one| one.completion.tokens.len() as f64),
        traced: share(&|one| one.traced),
        distinct: (group.role == Role::Propose).then_some(identities.len()),
        verdicts,
    }
}

/// How hard the proposals of a type were: `accuracies` of those that were estimated.
pub(crate) fn learnability_stats(
    task_type: TaskType,
    accuracies: &[f64],
    n_samples: usize,
) -> LearnabilityStats {
    let mut histogram = vec![0; n_samples + 1];
    for accuracy in accuracies {
        let solved = (accuracy * n_samples as f64).round() as usize;
        histogram[solved.min(n_samples)] += 1;
    }
    let count = accuracies.len().max(1) as f64;
    let share = |holds: &dyn Fn(f64) -> bool| {
        accuracies.iter().filter(|&&accuracy| holds(accuracy)).count() as f64 / count
    };
    LearnabilityStats {
        task_type: task_type.name().into(),
        histogram,
        too_easy: share(&|accuracy| accuracy >= 1.0),
        unsolved: share(&|accuracy| accuracy <= 0.0),
        accuracy_mean: accuracies.iter().sum::<f64>() / count,
    }
}
