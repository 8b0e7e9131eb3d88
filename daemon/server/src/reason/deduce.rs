//! What does the function return? Execution knows; the model's prediction stands beside it with its verdict.

use super::execute::run_error;
use super::model::{Sample, Spend};
use super::program::{Program, check_input};
use super::protocol::{Budget, DeduceAnswer, DeduceQuestion, Source, ValueCandidate};
use super::{Caller, ReasonError, Reasoner, SECONDS, deadline, ms};
use crate::Claim;
use crate::actor::now;
use azr_executor::Verdict;
use azr_executor::literal::Value;
use azr_selfplay::{Task, Triplet};

impl Reasoner {
    /// Runs the call and asks the model. `partial` gets the answer by execution as soon as it is there.
    pub fn deduce(
        &self,
        question: &DeduceQuestion,
        caller: &Caller,
        partial: &mut dyn FnMut(&DeduceAnswer),
    ) -> Result<DeduceAnswer, ReasonError> {
        caller.check()?;
        let program = Program::find(&question.program, question.function.as_deref())?;
        check_input(&question.input)?;
        let (tokens, budget_ms, samples) = Budget::or_default(question.budget);
        let spend =
            Spend { samples, tokens, deadline: deadline(budget_ms), seed: question.seed.unwrap_or_default() };
        let task = Task::Deduction(Triplet {
            program: program.for_the_model(),
            input: question.input.clone(),
            output: String::new(),
            imports: program.imports.clone(),
        });
        let asked = self.ask(&task, spend, caller);
        let began = now();
        let verdict = self.run(&program, &question.input, SECONDS, caller, Some(spend.deadline)).verdict;
        let mut execute_ms = ms(began.elapsed());
        let mut answer = DeduceAnswer {
            predicted: None,
            actual: verdict.value().map(str::to_owned),
            verdict: Claim::of(&verdict, true),
            source: Source::Executor,
            error: run_error(&verdict),
            rationale: None,
            candidates: Vec::new(),
            model_version: None,
            elapsed_ms: super::protocol::ElapsedMs { execute: execute_ms, ..Default::default() },
        };
        caller.check()?;
        partial(&answer);
        let said = asked.wait();
        caller.check()?;
        let began = now();
        self.judge(&mut answer, &said.samples, &verdict, &program);
        execute_ms += ms(began.elapsed());
        answer.model_version = said.version;
        answer.elapsed_ms = said.elapsed(execute_ms);
        Ok(answer)
    }

    /// Adds the model's values with their verdicts.
    fn judge(&self, answer: &mut DeduceAnswer, samples: &[Sample], verdict: &Verdict, program: &Program) {
        let groups = groups(samples);
        let pairs: Vec<(String, String)> = groups
            .iter()
            .map(|group| (verdict.value().unwrap_or_default().to_owned(), group.value.to_owned()))
            .collect();
        let equal = if verdict.value().is_some() {
            self.equal(&pairs, &program.imports)
        } else {
            vec![false; pairs.len()]
        };
        answer.candidates = groups
            .iter()
            .zip(equal)
            .map(|(group, equal)| ValueCandidate {
                value: group.value.to_owned(),
                count: group.count,
                verdict: Claim::of(verdict, equal),
                source: Source::Model,
            })
            .collect();
        if let (Some(first), Some(group)) = (answer.candidates.first(), groups.first()) {
            answer.predicted = Some(first.value.clone());
            answer.verdict = first.verdict;
            answer.rationale.clone_from(&group.thought);
            // An exception is an answer of the executor too; a limit is none.
            if answer.actual.is_none() && answer.verdict != Claim::Error {
                answer.source = Source::Model;
            }
        }
    }
}

/// Samples with the same value.
struct Group<'a> {
    value: &'a str,
    parsed: Option<Value>,
    count: usize,
    thought: Option<String>,
}

/// Samples by value, most frequent first, then in the order of their first sample.
fn groups(samples: &[Sample]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for sample in samples {
        let parsed = Value::parse(&sample.answer);
        let same = groups.iter_mut().find(|group| match (&group.parsed, &parsed) {
            (Some(left), Some(right)) => left.equals(right),
            _ => group.value == sample.answer,
        });
        match same {
            Some(group) => group.count += 1,
            None => groups.push(Group {
                value: &sample.answer,
                parsed,
                count: 1,
                thought: sample.thought.clone(),
            }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}
