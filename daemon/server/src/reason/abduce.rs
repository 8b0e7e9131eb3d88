//! For which input does the function return this value? A search over inputs that fit the types, and the model's ideas;
//! what is shown has been run.

use super::literal::{Literal, parse_arguments};
use super::model::Spend;
use super::program::{Program, check_output};
use super::protocol::{AbduceAnswer, AbduceQuestion, Budget, ElapsedMs, InputCandidate, Source};
use super::search::inputs::{Found, InputSearch};
use super::{Caller, ReasonError, Reasoner, SECONDS, deadline, ms};
use crate::Claim;
use crate::actor::now;
use azr_executor::{Job, Limits, Verdict};
use azr_selfplay::{Task, Triplet, parse};

impl Reasoner {
    /// Looks for inputs. `partial` gets the search's answer as soon as there is one.
    pub fn abduce(
        &self,
        question: &AbduceQuestion,
        caller: &Caller,
        partial: &mut dyn FnMut(&AbduceAnswer),
    ) -> Result<AbduceAnswer, ReasonError> {
        caller.check()?;
        let program = Program::find(&question.program, question.function.as_deref())?;
        check_output(&question.output)?;
        let (tokens, budget_ms, samples) = Budget::or_default(question.budget);
        let seed = question.seed.unwrap_or_default();
        let spend = Spend { samples, tokens, deadline: deadline(budget_ms), seed };
        let output = question.output.trim();
        let task = Task::Abduction(Triplet {
            program: program.for_the_model(),
            input: String::new(),
            output: output.to_owned(),
            imports: program.imports.clone(),
        });
        let asked = self.ask(&task, spend, caller);
        let began = now();
        let known = question.known_inputs.iter().filter_map(|input| positional(input));
        let mut search = InputSearch::new(&program, output, known.collect(), seed);
        let found = search.run(self.sandbox(), spend.deadline, &caller.cancel);
        let mut answer = AbduceAnswer {
            inputs: Vec::new(),
            verdict: Claim::Unverified,
            tried: search.tried(),
            rationale: None,
            model_version: None,
            elapsed_ms: ElapsedMs::default(),
        };
        let found: Vec<(String, Source, usize)> =
            found.into_iter().map(|Found { input, .. }| (input, Source::Search, 0)).collect();
        self.verify(&mut answer, &program, output, found, caller);
        let mut execute_ms = ms(began.elapsed());
        answer.elapsed_ms.execute = execute_ms;
        caller.check()?;
        if answer.verdict == Claim::Verified {
            partial(&answer);
        }
        let said = asked.wait();
        caller.check()?;
        let began = now();
        let mut proposed: Vec<(String, Source, usize)> = Vec::new();
        for sample in said.samples.iter().filter(|sample| parse::is_argument_list(&sample.answer)) {
            match proposed.iter_mut().find(|(input, ..)| *input == sample.answer) {
                Some((_, _, count)) => *count += 1,
                None => proposed.push((sample.answer.clone(), Source::Model, 1)),
            }
        }
        answer.tried += proposed.len();
        self.verify(&mut answer, &program, output, proposed, caller);
        let verified =
            |input: &InputCandidate| input.verdict == Claim::Verified && input.source == Source::Model;
        let shown = answer.inputs.iter().find(|input| verified(input)).map(|input| input.input.clone());
        answer.rationale = shown.and_then(|input| {
            said.samples
                .iter()
                .find(|sample| sample.answer == input)
                .and_then(|sample| sample.thought.clone())
        });
        execute_ms += ms(began.elapsed());
        answer.model_version = said.version;
        answer.elapsed_ms = said.elapsed(execute_ms);
        Ok(answer)
    }

    /// Runs inputs, each in its own fresh instances, and adds them with their verdicts.
    fn verify(
        &self,
        answer: &mut AbduceAnswer,
        program: &Program,
        output: &str,
        inputs: Vec<(String, Source, usize)>,
        caller: &Caller,
    ) {
        let jobs: Vec<Job> = inputs
            .iter()
            .map(|(input, ..)| {
                Job::new(program.text.clone(), vec![program.call(input)], Limits::seconds(SECONDS))
            })
            .collect();
        let reports = self.lanes.run_twice(&jobs, caller.cancel.shared());
        let verdicts: Vec<Verdict> = reports
            .into_iter()
            .map(|report| report.calls.into_iter().next().map_or(Verdict::Crashed, |call| call.verdict))
            .collect();
        let pairs: Vec<(String, String)> = verdicts
            .iter()
            .map(|verdict| (verdict.value().unwrap_or_default().to_owned(), output.to_owned()))
            .collect();
        let equal = self.equal(&pairs, &program.imports);
        for (((input, source, count), verdict), equal) in inputs.into_iter().zip(&verdicts).zip(equal) {
            let verdict = Claim::of(verdict, equal && verdict.value().is_some());
            answer.inputs.push(InputCandidate { input, verdict, source, count });
        }
        // Stable: search before the model, then the order of samples.
        answer.inputs.sort_by_key(|input| input.verdict != Claim::Verified);
        answer.verdict = answer.inputs.first().map_or(Claim::Unverified, |input| input.verdict);
    }
}

/// The arguments of an input that is literals by position.
fn positional(input: &str) -> Option<Vec<Literal>> {
    let arguments = parse_arguments(input)?;
    arguments.into_iter().map(|argument| argument.name.is_none().then_some(argument.value)).collect()
}
