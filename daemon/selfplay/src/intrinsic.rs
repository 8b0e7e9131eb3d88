//! Intrinsic rewards of proposals (spec section 7): complexity, distance to the references, rarity. All are off in the
//! published runs; nothing is measured for a term that is off.

use crate::config::{IntrinsicConfig, IntrinsicTerm, Mode};
use crate::judge::Judge;
use crate::reward::IntrinsicValues;
use crate::task::{Task, TaskType, Triplet};
use azr_executor::analysis::{self, TypeCounters};
use serde::{Deserialize, Serialize};

/// Answers counted so far, for the rarity terms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerCounts {
    /// Outputs of deduction tasks.
    pub deduction: TypeCounters,
    /// Inputs of abduction tasks.
    pub abduction: TypeCounters,
    /// Inputs of induction tasks.
    pub induction_inputs: TypeCounters,
    /// Outputs of induction tasks.
    pub induction_outputs: TypeCounters,
    /// Answers of the other types.
    #[serde(default)]
    pub others: TypeCounters,
}

impl AnswerCounts {
    /// Counts the answers of tasks that enter the buffers.
    pub fn add(&mut self, judge: &Judge<'_>, config: &IntrinsicConfig, tasks: &[&Task]) {
        if !needs_counts(config) {
            return;
        }
        let add = |counters: &mut TypeCounters, texts: &[&str]| {
            for (text, name) in texts.iter().zip(analysis::determine_type(judge.sandbox(), texts)) {
                counters.add(&name, text, 1);
            }
        };
        for task in tasks {
            match task {
                Task::Deduction(triplet) => add(&mut self.deduction, &[&triplet.output]),
                Task::Abduction(triplet) => add(&mut self.abduction, &[&triplet.input]),
                Task::Error(triplet) | Task::Custom(triplet) => add(&mut self.others, &[&triplet.output]),
                Task::Induction(task) => {
                    let pairs = || task.shown.iter().chain(&task.hidden);
                    add(
                        &mut self.induction_inputs,
                        &pairs().map(|pair| pair.input.as_str()).collect::<Vec<_>>(),
                    );
                    add(
                        &mut self.induction_outputs,
                        &pairs().map(|pair| pair.output.as_str()).collect::<Vec<_>>(),
                    );
                }
            }
        }
    }
}

fn needs_counts(config: &IntrinsicConfig) -> bool {
    config.answer_diversity.enabled || config.input_diversity.enabled || config.output_diversity.enabled
}

/// Measures the enabled terms for valid proposals, each with the references of its prompt.
pub fn measure(
    judge: &Judge<'_>,
    config: &IntrinsicConfig,
    counts: &AnswerCounts,
    proposals: &[(&Task, &[Triplet])],
) -> Vec<IntrinsicValues> {
    let mut values = vec![IntrinsicValues::default(); proposals.len()];
    if config.complexity.enabled || config.halstead.enabled {
        let programs: Vec<&str> = proposals.iter().map(|(task, _)| task.program()).collect();
        for (value, metrics) in values.iter_mut().zip(analysis::metrics(judge.sandbox(), &programs)) {
            value.complexity = metrics.complexity_reward as f32;
            value.halstead = metrics.halstead_reward as f32;
        }
    }
    if config.edit_distance.enabled {
        measure_distances(judge, proposals, &mut values);
    }
    for (value, (task, _)) in values.iter_mut().zip(proposals) {
        measure_rarity(judge, config, counts, task, value);
    }
    // Induction proposals bring no program of their own: only the rarity of inputs and outputs counts.
    for (value, (task, _)) in values.iter_mut().zip(proposals) {
        if task.task_type() == TaskType::Induction {
            *value = IntrinsicValues {
                input_diversity: value.input_diversity,
                output_diversity: value.output_diversity,
                ..IntrinsicValues::default()
            };
        }
    }
    values
}

/// Terms that a task type does not have are switched off, so that products do not vanish.
pub fn terms_of(config: &IntrinsicConfig, task_type: TaskType) -> IntrinsicConfig {
    let off = IntrinsicTerm::default();
    let mut terms = config.clone();
    if task_type == TaskType::Induction {
        (terms.complexity, terms.edit_distance, terms.halstead, terms.answer_diversity) =
            (off, off, off, off);
    } else {
        (terms.input_diversity, terms.output_diversity) = (off, off);
    }
    terms
}

fn measure_distances(judge: &Judge<'_>, proposals: &[(&Task, &[Triplet])], values: &mut [IntrinsicValues]) {
    let (mut places, mut pairs) = (Vec::new(), Vec::new());
    for (index, (task, references)) in proposals.iter().enumerate() {
        for reference in *references {
            places.push(index);
            pairs.push((task.program().to_owned(), reference.program.clone()));
        }
    }
    for (index, distance) in places.into_iter().zip(analysis::ast_edit_distance(judge.sandbox(), &pairs)) {
        values[index].edit_distance += distance as f32 / proposals[index].1.len() as f32;
    }
}

fn measure_rarity(
    judge: &Judge<'_>,
    config: &IntrinsicConfig,
    counts: &AnswerCounts,
    task: &Task,
    value: &mut IntrinsicValues,
) {
    let mean = |term: IntrinsicTerm, counters: &TypeCounters, texts: &[&str]| {
        if !term.enabled || texts.is_empty() {
            return 0.0;
        }
        let rewards = analysis::type_counts_reward(judge.sandbox(), texts, counters, term.hierarchical);
        (rewards.iter().sum::<f64>() / rewards.len() as f64) as f32
    };
    match task {
        Task::Deduction(triplet) => {
            value.answer_diversity = mean(config.answer_diversity, &counts.deduction, &[&triplet.output]);
        }
        Task::Abduction(triplet) => {
            value.answer_diversity = mean(config.answer_diversity, &counts.abduction, &[&triplet.input]);
        }
        Task::Error(triplet) | Task::Custom(triplet) => {
            value.answer_diversity = mean(config.answer_diversity, &counts.others, &[&triplet.output]);
        }
        Task::Induction(task) => {
            let pairs = || task.shown.iter().chain(&task.hidden);
            let inputs: Vec<&str> = pairs().map(|pair| pair.input.as_str()).collect();
            let outputs: Vec<&str> = pairs().map(|pair| pair.output.as_str()).collect();
            // In the reference the terms of induction have no such flag of their own.
            let of_mode = |term: IntrinsicTerm| match judge.mode() {
                Mode::Paper => IntrinsicTerm { hierarchical: config.answer_diversity.hierarchical, ..term },
                Mode::Clean => term,
            };
            value.input_diversity = mean(of_mode(config.input_diversity), &counts.induction_inputs, &inputs);
            value.output_diversity =
                mean(of_mode(config.output_diversity), &counts.induction_outputs, &outputs);
        }
    }
}
