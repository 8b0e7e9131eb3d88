//! Which function turns these inputs into these outputs? Small expressions by search, programs by the model; each is
//! judged on the shown examples, chosen by them alone, and then tried on the examples held out.

use super::model::{Sample, Spend};
use super::program::{Program, check_input, check_output};
use super::protocol::{
    Budget, ElapsedMs, Example, InduceAnswer, InduceQuestion, Passed, ProgramCandidate, Source,
};
use super::search::programs;
use super::{Caller, ReasonError, Reasoner, SECONDS, deadline, ms};
use crate::Claim;
use crate::actor::now;
use azr_executor::{Job, Limits, Verdict};
use azr_selfplay::{InductionTask, Pair, Task};

/// Most examples of a question.
const MAX_EXAMPLES: usize = 200;
/// Candidates in an answer.
const SHOWN_CANDIDATES: usize = 5;

impl Reasoner {
    /// Looks for a program. `partial` gets the search's answer as soon as there is one.
    pub fn induce(
        &self,
        question: &InduceQuestion,
        caller: &Caller,
        partial: &mut dyn FnMut(&InduceAnswer),
    ) -> Result<InduceAnswer, ReasonError> {
        caller.check()?;
        let (shown, held_out) = split(question)?;
        let (tokens, budget_ms, samples) = Budget::or_default(question.budget);
        let spend =
            Spend { samples, tokens, deadline: deadline(budget_ms), seed: question.seed.unwrap_or_default() };
        let pairs = |examples: &[Example]| {
            examples.iter().map(|one| Pair::new(one.input.trim(), one.output.trim())).collect()
        };
        let task = Task::Induction(InductionTask {
            program: String::new(),
            imports: Vec::new(),
            shown: pairs(shown),
            hidden: pairs(held_out),
            message: question.message.clone().unwrap_or_default(),
        });
        let asked = self.ask(&task, spend, caller);
        let began = now();
        let found = programs::search(self.sandbox(), shown, spend.deadline, &caller.cancel);
        let found: Vec<(String, Source)> =
            found.into_iter().map(|program| (program, Source::Search)).collect();
        let mut judged = self.judge_programs(found, shown, held_out, caller);
        let mut execute_ms = ms(began.elapsed());
        caller.check()?;
        if !judged.is_empty() {
            let elapsed = ElapsedMs { execute: execute_ms, ..ElapsedMs::default() };
            partial(&answer(judged.clone(), shown.len(), held_out.len(), &[], None, elapsed));
        }
        let said = asked.wait();
        caller.check()?;
        let began = now();
        let mut proposed: Vec<(String, Source)> = Vec::new();
        for sample in &said.samples {
            if let Some(program) = runnable(&sample.answer)
                && !proposed.iter().any(|(other, _)| *other == program)
            {
                proposed.push((program, Source::Model));
            }
        }
        judged.extend(self.judge_programs(proposed, shown, held_out, caller));
        execute_ms += ms(began.elapsed());
        let elapsed = said.elapsed(execute_ms);
        Ok(answer(judged, shown.len(), held_out.len(), &said.samples, said.version, elapsed))
    }

    /// Runs programs on all examples.
    fn judge_programs(
        &self,
        programs: Vec<(String, Source)>,
        shown: &[Example],
        held_out: &[Example],
        caller: &Caller,
    ) -> Vec<ProgramCandidate> {
        let examples: Vec<&Example> = shown.iter().chain(held_out).collect();
        let calls: Vec<String> = examples.iter().map(|example| format!("f({})", example.input)).collect();
        let jobs: Vec<Job> = programs
            .iter()
            .map(|(program, _)| {
                let mut job = Job::new(program.clone(), calls.clone(), Limits::seconds(SECONDS));
                job.fresh_namespace = true;
                job
            })
            .collect();
        let reports = self.lanes.run_twice(&jobs, caller.cancel.shared());
        let mut judged = Vec::new();
        for ((program, source), report) in programs.into_iter().zip(reports) {
            let verdicts: Vec<Verdict> = (0..examples.len())
                .map(|index| report.calls.get(index).map_or(Verdict::Crashed, |call| call.verdict.clone()))
                .collect();
            let pairs: Vec<(String, String)> = verdicts
                .iter()
                .zip(&examples)
                .map(|(verdict, example)| {
                    (verdict.value().unwrap_or_default().to_owned(), example.output.clone())
                })
                .collect();
            let right: Vec<bool> = self
                .equal(&pairs, &[])
                .into_iter()
                .zip(&verdicts)
                .map(|(equal, verdict)| equal && verdict.value().is_some())
                .collect();
            let count = |part: &[bool]| part.iter().filter(|right| **right).count();
            let first_wrong = right.iter().position(|right| !right);
            judged.push(ProgramCandidate {
                program,
                verdict: first_wrong.map_or(Claim::Verified, |index| Claim::of(&verdicts[index], false)),
                source,
                passed: count(&right[..shown.len()]),
                total: shown.len(),
                held_out: Passed { passed: count(&right[shown.len()..]), total: held_out.len() },
            });
        }
        judged
    }
}

/// Shown examples and those held out.
fn split(question: &InduceQuestion) -> Result<(&[Example], &[Example]), ReasonError> {
    let count = question.examples.len();
    if count == 0 || count > MAX_EXAMPLES {
        return Err(ReasonError::bad(
            format!("{count} examples"),
            format!("give between 1 and {MAX_EXAMPLES} inputs with their outputs"),
        ));
    }
    for example in &question.examples {
        check_input(&example.input)?;
        check_output(&example.output)?;
    }
    let held_out = question.holdout.unwrap_or(if count < 3 { 0 } else { count / 3 });
    if held_out >= count {
        return Err(ReasonError::bad(
            format!("{held_out} of {count} examples held out"),
            "leave at least one example to learn from",
        ));
    }
    Ok(question.examples.split_at(count - held_out))
}

/// A program of the model whose function is called `f`.
fn runnable(program: &str) -> Option<String> {
    Program::find(program, None).ok().map(|program| program.for_the_model())
}

/// The best program by the shown examples; of equals the shorter one, then the earlier one.
fn answer(
    mut judged: Vec<ProgramCandidate>,
    shown: usize,
    held_out: usize,
    samples: &[Sample],
    model_version: Option<u64>,
    elapsed_ms: ElapsedMs,
) -> InduceAnswer {
    let tried = judged.len();
    judged.sort_by_key(|one| (std::cmp::Reverse(one.passed), one.program.len()));
    judged.truncate(SHOWN_CANDIDATES);
    let best = judged.first().cloned();
    let rationale = best.as_ref().filter(|best| best.source == Source::Model).and_then(|best| {
        let wrote = |sample: &&Sample| runnable(&sample.answer).as_ref() == Some(&best.program);
        samples.iter().find(wrote).and_then(|sample| sample.thought.clone())
    });
    InduceAnswer {
        program: best.as_ref().map(|best| best.program.clone()),
        passed: best.as_ref().map_or(0, |best| best.passed),
        total: shown,
        held_out: best.as_ref().map_or(Passed { passed: 0, total: held_out }, |best| best.held_out),
        verdict: best.as_ref().map_or(Claim::Unverified, |best| best.verdict),
        source: best.as_ref().map(|best| best.source),
        rationale,
        candidates: judged,
        tried,
        model_version,
        elapsed_ms,
    }
}
