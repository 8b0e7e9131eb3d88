//! Everything that varies between the paper's rows, its ablations and our own runs, in one [`SelfPlayConfig`].
//!
//! Defaults are the values of the published 7B coder run: "spec n" in a field's doc names the section of the
//! method's specification it comes from; "ours" marks what neither paper nor reference has (its default then
//! switches the addition off). `mode = "paper"` reproduces the reference's behaviour with its damage,
//! `mode = "clean"` is sound; sections of the code that differ say so. The allowed values of every number stand in
//! [`ranges`]. It is one file so that every choice can be
//! read, and compared with the paper, in one place.

mod compose;
pub mod ranges;

pub use compose::{ComposeConfig, Composition};

use crate::task::TaskType;
use ranges::{Given, RANGES};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether the reference's quirks are reproduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The reference's behaviour, damage included (spec 11 and 12).
    #[default]
    Paper,
    /// Sound verdicts, repaired buffers.
    Clean,
}

/// The complete description of a self-play run, weights aside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelfPlayConfig {
    /// Quirks of the reference, or their repairs.
    pub mode: Mode,
    /// The run itself.
    pub run: RunConfig,
    /// How responses are generated.
    pub rollout: RolloutConfig,
    /// Task buffers.
    pub buffers: BufferConfig,
    /// How the buffers are filled before the first step.
    pub seeding: SeedingConfig,
    /// Proposals: references, parsing, validity.
    pub proposer: ProposerConfig,
    /// Stored programs that a proposal must build on.
    pub compose: ComposeConfig,
    /// The proposer's reward.
    pub learnability: LearnabilityConfig,
    /// Intrinsic rewards of proposals.
    pub intrinsic: IntrinsicConfig,
    /// Solver rewards.
    pub solver: SolverConfig,
    /// Limits of every executed program.
    pub execution: ExecutionConfig,
    /// Baselines.
    pub advantage: AdvantageConfig,
    /// Loss and optimizer.
    pub update: UpdateConfig,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Seed of every draw (spec 10: 1, there for the data order only; spec 11.5).
    pub seed: u64,
    /// Training steps (spec 10: several hundred, little gain after about 400).
    pub steps: u64,
    /// Task types trained, in the order of a step; the ablations of the paper remove some (spec 10, `problem_types`). `error`
    /// is the fourth type of the reference, which its published runs do not train (spec 1).
    pub task_types: Vec<TaskType>,
    /// Wording of the prompts.
    pub prompts: PromptProfile,
    /// A checkpoint every so many steps, and at the end (spec 10).
    pub checkpoint_every: u64,
    /// Checkpoints kept, newest first; 0 keeps all (ours).
    pub checkpoints_kept: usize,
    /// An evaluation every so many steps, and at the end; 0 switches it off (spec 10).
    pub evaluate_every: u64,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            steps: 400,
            task_types: vec![TaskType::Abduction, TaskType::Deduction, TaskType::Induction],
            prompts: PromptProfile::Paper,
            checkpoint_every: 10,
            checkpoints_kept: 0,
            evaluate_every: 10,
        }
    }
}

/// Wording of the prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptProfile {
    /// As short as possible, for small models (ours).
    Compact,
    /// Every ingredient of the paper's prompts in our own words (spec 4).
    #[default]
    Paper,
    /// The reference's texts, read from the data folder at run time.
    Reference,
}

/// How responses are generated (spec 3 and 10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutConfig {
    /// Proposer prompts a task type and step (spec 3: 64).
    pub n_proposals: usize,
    /// Solver prompts a task type and step (spec 3: 64).
    pub n_solves: usize,
    /// Factors on these two by task type, e.g. `shares.induction = { propose = 0.5, solve = 2.0 }`: the mixing of types and
    /// roles in a step (ours; a type that is not named has 1 and 1, as in the published runs).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<TaskType, Share>,
    /// Responses to each prompt of either role (spec 10: 1). With `advantage.baseline = "per_prompt"` this is GRPO's group.
    pub responses_per_prompt: usize,
    /// Sampling temperature of both roles (spec 10: 1.0).
    pub temperature: f32,
    /// Nucleus (spec 10: 1.0, off).
    pub top_p: f32,
    /// A prompt longer than this many tokens is drawn anew (spec 3.2: 5,600).
    pub content_max_tokens: usize,
    /// Bound on response tokens (spec 10: 8,096).
    pub max_response_tokens: usize,
    /// Generate the proposals of all types in one batch, then all their learnability answers, then all solver
    /// answers (ours; false = the types one after the other, spec 3.3). The tasks are drawn alike either way,
    /// but with `true` the references of a type cannot come from the proposals of another type in the same step.
    pub batch_types: bool,
}

impl Default for RolloutConfig {
    fn default() -> Self {
        Self {
            n_proposals: 64,
            n_solves: 64,
            shares: BTreeMap::new(),
            responses_per_prompt: 1,
            temperature: 1.0,
            top_p: 1.0,
            content_max_tokens: 5_600,
            max_response_tokens: 8_096,
            batch_types: false,
        }
    }
}

/// Factors on the prompts of one task type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Share {
    /// On `n_proposals`; 0 = no proposals of the type.
    pub propose: f64,
    /// On `n_solves`; 0 = no solver tasks of the type.
    pub solve: f64,
}

impl Default for Share {
    fn default() -> Self {
        Self { propose: 1.0, solve: 1.0 }
    }
}

impl RolloutConfig {
    /// Proposer prompts of a type in a step.
    pub fn proposals_of(&self, task_type: TaskType) -> usize {
        let share = self.shares.get(&task_type).copied().unwrap_or_default();
        (self.n_proposals as f64 * share.propose).round() as usize
    }

    /// Solver prompts of a type in a step.
    pub fn solves_of(&self, task_type: TaskType) -> usize {
        let share = self.shares.get(&task_type).copied().unwrap_or_default();
        (self.n_solves as f64 * share.solve).round() as usize
    }
}

/// Which entries of a buffer become solver tasks (spec 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mix {
    /// The entries of the last `window` steps first, the rest uniform.
    #[default]
    MaxNew,
    /// Uniform over the whole buffer.
    UniformTotal,
    /// At most half from the recent entries, the rest uniform.
    HalfNew,
    /// With replacement, weighted by entry step.
    Step,
    /// With replacement, weighted by a (1 - a) of the accuracy a at which the task was proposed: a curriculum at the edge of
    /// what the solver can do (ours).
    Frontier,
}

/// Which entries stay when a buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The reference's: new entries are lost once the buffer is full (spec 3.5, likely unintended).
    #[default]
    Oldest,
    /// The newest entries stay.
    Newest,
    /// A uniform draw stays.
    Uniform,
}

/// Task buffers (spec 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BufferConfig {
    /// Which entries become solver tasks (spec 3.1: `max_new`).
    pub mix: Mix,
    /// An entry is recent when current step - entry step <= window (spec 3.1: 1).
    pub window: u64,
    /// Entries kept a buffer (spec 3.5: 16,384).
    pub max_programs: usize,
    /// Which entries stay (spec 3.5: oldest).
    pub keep: Keep,
    /// Entries older than this many steps are dropped, seeds included, so that the solver's tasks stay near its present
    /// level; 0 = never (the reference).
    pub max_age: u64,
}

impl Default for BufferConfig {
    fn default() -> Self {
        Self { mix: Mix::MaxNew, window: 1, max_programs: 16_384, keep: Keep::Oldest, max_age: 0 }
    }
}

/// Where the first tasks come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedSource {
    /// The base model proposes, starting from the identity triplet (spec 2).
    #[default]
    Propose,
    /// The identity triplet alone; self-play starts at once (the paper: one triplet is enough).
    Identity,
    /// JSON lines in the reference's form (spec 2), plain or gzip'ed: the keys `*_file`.
    Files,
}

/// Seeding (spec 2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedingConfig {
    /// Where the first tasks come from.
    pub source: SeedSource,
    /// Seeds wanted = `n_proposals` x this (spec 2: 4).
    pub seed_batch_factor: usize,
    /// Batches tried a kind of seed before going on with what is there (ours: a weak base must not hang the run).
    pub max_batches: usize,
    /// `files`: seeds of the deduction buffer; absent, those of abduction. A path, or one within the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deduction_file: Option<String>,
    /// `files`: seeds of the abduction buffer; absent, those of deduction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abduction_file: Option<String>,
    /// `files`: seeds of the induction buffer; absent, the identity alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub induction_file: Option<String>,
    /// `files`: seeds of the error buffer; absent, the identity alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_file: Option<String>,
}

impl Default for SeedingConfig {
    fn default() -> Self {
        Self {
            source: SeedSource::Propose,
            seed_batch_factor: 4,
            max_batches: 200,
            deduction_file: None,
            abduction_file: None,
            induction_file: None,
            error_file: None,
        }
    }
}

/// How references and programs are drawn for proposer prompts (spec 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceDraw {
    /// Uniform without replacement.
    #[default]
    Uniform,
    /// Weighted by entry step + 1.
    Step,
}

/// Which fenced block is the program (spec 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramLocation {
    /// The first block of any tag.
    #[default]
    First,
    /// The last.
    Last,
}

/// Which function becomes `f` (spec 12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryName {
    /// The first function found, even where an `f` exists.
    #[default]
    NotFirst,
    /// The last function found, even where an `f` exists.
    NotLast,
    /// The first function where there is no `f`.
    AnyFirst,
    /// The last function where there is no `f` (Llama and Qwen3 presets).
    AnyLast,
}

/// Proposals: references, parsing, validity (spec 3.2, 4, 5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent key of the configuration file")]
pub struct ProposerConfig {
    /// Whether the proposer's rollouts are trained on (spec 10, ablation `train_propose`: proposals are made anyway).
    pub train: bool,
    /// Whether prompts show references (spec 10, ablation).
    pub include_references: bool,
    /// References K of a deduction or abduction prompt (spec 3.2: 6).
    pub n_references: usize,
    /// How they are drawn (spec 3.2).
    pub reference_draw: ReferenceDraw,
    /// Inputs asked for in an induction proposal (spec 4: 10, the first half shown).
    pub n_inputs: usize,
    /// Which block is the program.
    pub program_location: ProgramLocation,
    /// Reject programs with several function definitions (spec 5: true).
    pub reject_multiple_functions: bool,
    /// Which function becomes `f`.
    pub entry_name: EntryName,
    /// Strip comments and docstrings (spec 5: off).
    pub remove_comments: bool,
    /// Strip what is not a definition or import (spec 5: off).
    pub remove_after_return: bool,
    /// Strip print statements (spec 5: off).
    pub remove_print: bool,
    /// Reject programs that carry test inputs (spec 5: off).
    pub reject_test_inputs: bool,
    /// Banned names (spec 5).
    pub banned: Vec<String>,
    /// Error tasks: statements that their prompt forbids (spec 5: `raise` in the published scripts). `paper` mode checks them
    /// only while seeding, as the reference does, `clean` mode always.
    pub banned_for_errors: Vec<String>,
    /// A valid proposal that equals a buffer entry or an earlier proposal of the step earns this and stays out of
    /// the buffer (ours; absent = the reference: duplicates count and enter).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_reward: Option<f32>,
    /// Longest program in characters, 0 = no bound (ours, for small contexts).
    pub max_program_chars: usize,
    /// Longest input in characters, 0 = no bound (ours).
    pub max_input_chars: usize,
}

impl Default for ProposerConfig {
    fn default() -> Self {
        Self {
            train: true,
            include_references: true,
            n_references: 6,
            reference_draw: ReferenceDraw::Uniform,
            n_inputs: 10,
            program_location: ProgramLocation::First,
            reject_multiple_functions: true,
            entry_name: EntryName::NotFirst,
            remove_comments: false,
            remove_after_return: false,
            remove_print: false,
            reject_test_inputs: false,
            banned: BANNED.iter().map(ToString::to_string).collect(),
            banned_for_errors: vec!["raise".into()],
            duplicate_reward: None,
            max_program_chars: 0,
            max_input_chars: 0,
        }
    }
}

/// The reference's banned names, `datetime` twice as in its prompt (spec 12).
pub const BANNED: [&str; 17] = [
    "logging",
    "random",
    "multiprocessing",
    "pebble",
    "subprocess",
    "threading",
    "datetime",
    "time",
    "hashlib",
    "hmac",
    "bcrypt",
    "os.sys",
    "os.path",
    "sys.exit",
    "os.environ",
    "calendar",
    "datetime",
];

/// From the solver's accuracy a to the proposer's reward (spec 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// 1 - a where a > 0, else 0 (the published runs, and the paper's formula).
    #[default]
    OneMinus,
    /// 1 - a always.
    Inverse,
    /// 1 for every valid proposal: no learnability reward (ours, ablation).
    ValidOnly,
}

/// How an induction answer's hidden pairs make one accuracy (spec 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InductionScore {
    /// 1 when all hidden pairs are right.
    #[default]
    Binary,
    /// The share of right pairs.
    Accuracy,
    /// 1 when one pair is right.
    IfOneCorrect,
}

/// Which valid proposals enter the buffer (spec 6, `valid_program_filter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidFilter {
    /// All (the published runs).
    #[default]
    All,
    /// Those with a < 1.
    NonOne,
    /// Those with 0 < a < 1.
    NonExtremes,
}

/// Learnability (spec 6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnabilityConfig {
    /// Solver answers a valid proposal (spec 6: 8).
    pub n_samples: usize,
    /// Their temperature (spec 6, the temperature trap: 1.0 is the paper's description).
    pub temperature: f32,
    /// From accuracy to reward.
    pub conversion: Conversion,
    /// Which valid proposals enter the buffer.
    pub filter: ValidFilter,
    /// Reward of a valid, well-formed proposal whose converted accuracy is 0: too easy or never solved
    /// (spec 7: -0.5; the paper's text says 0, spec 11.1).
    pub extreme_reward: f32,
}

impl Default for LearnabilityConfig {
    fn default() -> Self {
        Self {
            n_samples: 8,
            temperature: 1.0,
            conversion: Conversion::OneMinus,
            filter: ValidFilter::All,
            extreme_reward: -0.5,
        }
    }
}

/// How the enabled intrinsic terms and the learnability make one reward (spec 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// learnability + sum of the terms.
    #[default]
    Sum,
    /// learnability x product of the terms.
    Multiply,
    /// learnability + product of the terms.
    SumMultiply,
    /// learnability x sum of the terms.
    MultiplySum,
}

/// One intrinsic reward: `min(coefficient x value, maximum)` when enabled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntrinsicTerm {
    /// Whether it counts (spec 7: all off in the published runs).
    pub enabled: bool,
    /// Factor.
    pub coefficient: f32,
    /// Bound.
    pub maximum: f32,
    /// Answer diversity only: mean of type and value surprise instead of value surprise alone.
    pub hierarchical: bool,
}

impl Default for IntrinsicTerm {
    fn default() -> Self {
        Self { enabled: false, coefficient: 0.0, maximum: 0.5, hierarchical: false }
    }
}

/// Intrinsic rewards of proposals (spec 7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntrinsicConfig {
    /// How they combine.
    pub combine: Combine,
    /// Cognitive complexity / 15.
    pub complexity: IntrinsicTerm,
    /// Mean AST edit distance to the references.
    pub edit_distance: IntrinsicTerm,
    /// Halstead mix.
    pub halstead: IntrinsicTerm,
    /// Rarity of the answer (output for deduction, input for abduction).
    pub answer_diversity: IntrinsicTerm,
    /// Induction: rarity of the inputs. `paper` mode takes `hierarchical` from `answer_diversity`, as the reference does.
    pub input_diversity: IntrinsicTerm,
    /// Induction: rarity of the outputs; `hierarchical` likewise.
    pub output_diversity: IntrinsicTerm,
}

/// Solver rewards (spec 7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SolverConfig {
    /// Whether the solver's rollouts are trained on (the published runs: true; the counterpart of `proposer.train`).
    pub train: bool,
    /// Right (spec 7: 1; induction with `accuracy` gets the share).
    pub right_reward: f32,
    /// Well formed and wrong (spec 7: -0.5).
    pub wrong_reward: f32,
    /// Badly formatted, either role (spec 7: -1).
    pub format_reward: f32,
    /// How hidden pairs make one accuracy.
    pub induction_score: InductionScore,
}

impl Default for SolverConfig {
    fn default() -> Self {
        Self {
            train: true,
            right_reward: 1.0,
            wrong_reward: -0.5,
            format_reward: -1.0,
            induction_score: InductionScore::Binary,
        }
    }
}

/// What happens to a `repr` longer than the limit (spec 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongOutput {
    /// First 200 + "..." + last 200 characters where there are more than 400: the reference's damage.
    #[default]
    Truncate,
    /// The proposal is invalid.
    Reject,
}

/// Limits of every executed program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutionConfig {
    /// Limit in nominal seconds: fuel, not wall-clock (spec 10: 10).
    pub seconds: f64,
    /// Memory in MiB (ours: the reference has none).
    pub memory_mib: u64,
    /// Long outputs.
    pub long_output: LongOutput,
    /// Longest output in characters before it counts as long (spec 5: 400; `truncate` always cuts to 200 + 200).
    pub max_output_chars: usize,
    /// Whether proposals are run twice and must give the same (spec 5: true; false is an ablation). What `paper` mode makes
    /// of a difference: spec 11.3.
    pub determinism: bool,
}

impl Default for ExecutionConfig {
    fn default() -> Self {
        Self {
            seconds: 10.0,
            memory_mib: 512,
            long_output: LongOutput::Truncate,
            max_output_chars: 400,
            determinism: true,
        }
    }
}

/// Over what the baseline is taken (spec 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Each (task type, role) group: Task-Relative REINFORCE++.
    #[default]
    TaskRelative,
    /// All rollouts of the step: REINFORCE++.
    Global,
    /// Each prompt, as GRPO does; rollouts of the same prompt text form a group, single ones get 0.
    PerPrompt,
    /// No baseline, no whitening.
    None,
}

/// Advantages (spec 9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvantageConfig {
    /// Over what the baseline is taken.
    pub baseline: Baseline,
    /// Discount per token (spec 9: 1).
    pub gamma: f32,
}

impl Default for AdvantageConfig {
    fn default() -> Self {
        Self { baseline: Baseline::TaskRelative, gamma: 1.0 }
    }
}

/// How token losses make one number (spec 9, `loss_aggregation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossAggregation {
    /// Token mean within every `loss_group` consecutive sequences, then the mean over these groups.
    #[default]
    GroupTokenMean,
    /// Mean over all tokens of the update.
    TokenMean,
    /// Mean over sequences of their token means.
    SequenceMean,
}

/// How the learning rate moves (ours; spec 9: constant).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Schedule {
    /// The same all the time.
    #[default]
    Constant,
    /// Held, then falling linearly to `floor` x the learning rate, which is kept from there on.
    HoldThenLinear {
        /// Steps held.
        hold_steps: u64,
        /// Share of the learning rate left at the end.
        floor: f64,
        /// Step that the fall ends at; where absent, the last of the run. A run that is begun writes it down, so that the
        /// run can be lengthened and its first steps stay what they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end_step: Option<u64>,
    },
}

impl Schedule {
    /// The same for a run of `steps`, with nothing that depends on their number.
    #[must_use]
    pub fn settled(self, steps: u64) -> Self {
        match self {
            Self::HoldThenLinear { hold_steps, floor, end_step: None } => {
                Self::HoldThenLinear { hold_steps, floor, end_step: Some(steps) }
            }
            settled => settled,
        }
    }
}

/// Loss and optimizer (spec 9 and 10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateConfig {
    /// Updates a step: the rollouts are cut into this many mini-batches, in a drawn order (spec 3.4: 1).
    pub updates_per_step: usize,
    /// Recompute the old log-probabilities with the trainer instead of taking the engine's (spec 3.4: true).
    pub recompute_logprobs: bool,
    /// Passes over the rollouts (spec 9: 1).
    pub epochs: usize,
    /// Peak learning rate of AdamW (spec 9: 1e-6).
    pub learning_rate: f64,
    /// How it moves.
    pub schedule: Schedule,
    /// Decoupled weight decay (spec 9: 0).
    pub weight_decay: f64,
    /// AdamW's first decay rate.
    pub beta1: f64,
    /// AdamW's second decay rate.
    pub beta2: f64,
    /// Largest norm of the gradient (spec 9: 1.0).
    pub gradient_clip: f64,
    /// Ratio clipped below 1 - this (spec 9: 0.2).
    pub clip_low: f64,
    /// Ratio clipped above 1 + this (spec 9: 0.28).
    pub clip_high: f64,
    /// Dual clip constant, 0 = off (spec 9: 3).
    pub dual_clip: f64,
    /// Entropy bonus (spec 9: 0).
    pub entropy_coefficient: f64,
    /// Weight of the KL divergence from the weights that the run began with, in the loss (spec 9: 0). Above 0 the run
    /// keeps a copy of those weights, in memory and in each checkpoint.
    pub kl_coefficient: f64,
    /// How token losses make one number.
    pub loss_aggregation: LossAggregation,
    /// Sequences in a group of `group_token_mean` (spec 9: 16).
    pub loss_group: usize,
    /// Sequences in a chunk of the gradient sum (ours: fixes the order of the sum, whatever the machine).
    pub chunk_sequences: usize,
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self {
            updates_per_step: 1,
            recompute_logprobs: true,
            epochs: 1,
            learning_rate: 1e-6,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            beta1: 0.9,
            beta2: 0.999,
            gradient_clip: 1.0,
            clip_low: 0.2,
            clip_high: 0.28,
            dual_clip: 3.0,
            entropy_coefficient: 0.0,
            kl_coefficient: 0.0,
            loss_aggregation: LossAggregation::GroupTokenMean,
            loss_group: 16,
            chunk_sequences: 8,
        }
    }
}

impl UpdateConfig {
    /// The learning rate of `step` (counted from 1) of a run of `steps`.
    pub fn learning_rate_at(&self, step: u64, steps: u64) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::HoldThenLinear { hold_steps, floor, end_step } => {
                let end = end_step.unwrap_or(steps);
                if step <= hold_steps || end <= hold_steps {
                    return self.learning_rate;
                }
                let progress = ((step - hold_steps) as f64 / (end - hold_steps) as f64).min(1.0);
                self.learning_rate * (1.0 - progress * (1.0 - floor))
            }
        }
    }
}

/// A configuration that cannot run.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("config key `{key}`: {reason}")]
pub struct ConfigError {
    /// Dotted key.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl SelfPlayConfig {
    /// Refuses values that no run could use: numbers outside of [`RANGES`], and task types that cannot be trained.
    pub fn check(&self) -> Result<(), ConfigError> {
        let values = serde_json::to_value(self).expect("a configuration is plain data");
        ranges::check(RANGES, |key| values.pointer(&format!("/{}", key.replace('.', "/"))).map(Given::from))?;
        let demand = |holds: bool, key: &'static str, reason: &str| {
            if holds { Ok(()) } else { Err(ConfigError { key, reason: reason.into() }) }
        };
        demand(!self.run.task_types.is_empty(), "run.task_types", "name at least one task type")?;
        let mut types = self.run.task_types.clone();
        types.sort_unstable();
        types.dedup();
        demand(types.len() == self.run.task_types.len(), "run.task_types", "name every task type once")?;
        demand(
            !types.contains(&TaskType::Induction)
                || types.contains(&TaskType::Deduction)
                || types.contains(&TaskType::Abduction),
            "run.task_types",
            "induction draws its programs from the buffers of deduction and abduction: add one of them",
        )?;
        let shares = self.rollout.shares.values().flat_map(|share| [share.propose, share.solve]);
        demand(
            shares.into_iter().all(|share| (0.0..=64.0).contains(&share)),
            "rollout.shares",
            "a share is a number from 0 to 64",
        )?;
        let n_trained = |role: bool, n: fn(&RolloutConfig, TaskType) -> usize| {
            role && self.run.task_types.iter().any(|&task_type| n(&self.rollout, task_type) > 0)
        };
        demand(
            n_trained(self.proposer.train, RolloutConfig::proposals_of)
                || n_trained(self.solver.train, RolloutConfig::solves_of),
            "rollout.shares",
            "nothing would be trained: give a role that is trained some prompts",
        )?;
        self.check_composition()?;
        let files = [&self.seeding.deduction_file, &self.seeding.abduction_file];
        demand(
            self.seeding.source != SeedSource::Files || files.iter().any(|file| file.is_some()),
            "seeding.source",
            "name seeding.deduction_file or seeding.abduction_file beside it",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_counts_are_refused() {
        let mut config = SelfPlayConfig::default();
        assert!(config.check().is_ok());
        config.rollout.n_proposals = 99_999_999_999;
        assert_eq!(config.check().unwrap_err().key, "rollout.n_proposals");
    }

    #[test]
    fn toml_round_trip_and_unknown_keys() {
        let mut config = SelfPlayConfig::default();
        config.update.schedule = Schedule::HoldThenLinear { hold_steps: 60, floor: 0.1, end_step: None };
        config.proposer.duplicate_reward = Some(-0.5);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<SelfPlayConfig>(&text).unwrap(), config);
        assert_eq!(toml::from_str::<SelfPlayConfig>("").unwrap(), SelfPlayConfig::default());
        let error = toml::from_str::<SelfPlayConfig>("[update]\nlearning_rat = 1.0").unwrap_err();
        assert!(error.to_string().contains("learning_rat"), "{error}");
    }

    #[test]
    fn the_default_is_the_published_run_and_passes_its_own_check() {
        let config = SelfPlayConfig::default();
        config.check().unwrap();
        assert_eq!(config.rollout.n_proposals * config.run.task_types.len() * 2, 384);
        assert_eq!(config.mode, Mode::Paper);
    }

    #[test]
    fn impossible_values_are_named() {
        let mut config = SelfPlayConfig::default();
        config.run.task_types = vec![TaskType::Induction];
        assert_eq!(config.check().unwrap_err().key, "run.task_types");
        let mut config = SelfPlayConfig::default();
        config.rollout.top_p = 0.0;
        assert_eq!(config.check().unwrap_err().key, "rollout.top_p");
        let mut config = SelfPlayConfig::default();
        config.update.learning_rate = f64::NAN;
        assert_eq!(config.check().unwrap_err().key, "update.learning_rate");
    }

    #[test]
    fn the_schedule_holds_and_then_falls_to_its_floor() {
        let update = UpdateConfig {
            learning_rate: 1.0,
            schedule: Schedule::HoldThenLinear { hold_steps: 10, floor: 0.2, end_step: None },
            ..UpdateConfig::default()
        };
        // Once a run has begun, its length changes nothing.
        let settled = UpdateConfig { schedule: update.schedule.settled(20), ..update.clone() };
        for step in 1..40 {
            let expected = update.learning_rate_at(step.min(20), 20);
            assert!((settled.learning_rate_at(step, 400) - expected).abs() < 1e-12);
        }
        assert!((update.learning_rate_at(10, 20) - 1.0).abs() < 1e-12);
        assert!((update.learning_rate_at(15, 20) - 0.6).abs() < 1e-12);
        assert!((update.learning_rate_at(20, 20) - 0.2).abs() < 1e-12);
    }
}
