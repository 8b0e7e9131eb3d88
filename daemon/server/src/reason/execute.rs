//! Running a call: the part of every answer that needs no belief.

use super::program::{Program, check_input};
use super::protocol::{ElapsedMs, ExecuteAnswer, ExecuteQuestion, RunError};
use super::{Caller, ReasonError, Reasoner, SECONDS, ms};
use crate::actor::now;
use azr_executor::{CallReport, Job, Limits, Verdict};
use std::time::Instant;

/// Longest run that a caller may ask for, in nominal seconds.
const MAX_SECONDS: f64 = 10.0;

impl Reasoner {
    /// Runs one call from two start states that differ in hash seed, random state and clock.
    pub fn execute(&self, question: &ExecuteQuestion, caller: &Caller) -> Result<ExecuteAnswer, ReasonError> {
        caller.check()?;
        let program = Program::find(&question.program, question.function.as_deref())?;
        check_input(&question.input)?;
        let seconds = question.seconds.unwrap_or(SECONDS);
        if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
            return Err(ReasonError::bad(
                format!("a limit of {seconds} s"),
                format!("give more than 0 and at most {MAX_SECONDS} s, or leave it out"),
            ));
        }
        let began = now();
        let report = self.run(&program, &question.input, seconds, caller, None);
        caller.check()?;
        let elapsed_ms = ElapsedMs { execute: ms(began.elapsed()), ..ElapsedMs::default() };
        Ok(ExecuteAnswer {
            value: report.verdict.value().map(str::to_owned),
            error: run_error(&report.verdict),
            verdict: report.verdict.name().to_owned(),
            deterministic: report.verdict != Verdict::Nondeterministic,
            stdout: report.stdout,
            model_version: None,
            elapsed_ms,
        })
    }

    /// The report of one call, run twice; `wall_guard` where it takes longer than there is time.
    pub(super) fn run(
        &self,
        program: &Program,
        input: &str,
        seconds: f64,
        caller: &Caller,
        deadline: Option<Instant>,
    ) -> CallReport {
        let job = Job::new(program.text.clone(), vec![program.call(input)], Limits::seconds(seconds));
        let calls = self
            .lanes
            .run_twice_telling(&[job], caller.cancel.shared(), deadline, &mut |_, _| {})
            .pop()
            .map(|report| report.calls);
        calls.and_then(|mut calls| calls.pop()).unwrap_or_else(|| CallReport {
            call: program.call(input),
            verdict: Verdict::Crashed,
            stdout: String::new(),
            fuel: 0,
            memory_bytes: 0,
        })
    }

    /// Are two texts the same value, with the program's imports at hand?
    pub(super) fn equal(&self, pairs: &[(String, String)], imports: &[String]) -> Vec<bool> {
        self.sandbox().equal_all(pairs, &imports.join("\n"))
    }
}

/// Why a verdict is no value.
pub(super) fn run_error(verdict: &Verdict) -> Option<RunError> {
    let (kind, message) = match verdict {
        Verdict::Value { .. } => return None,
        Verdict::Raised { exception, message } => (exception.clone(), message.clone()),
        Verdict::SyntaxError { message, line } => {
            ("SyntaxError".to_owned(), format!("line {line}: {message}"))
        }
        Verdict::MissingModule { name } => {
            ("ModuleNotFoundError".to_owned(), format!("the sandbox has no module '{name}'"))
        }
        Verdict::Exited { code } => ("SystemExit".to_owned(), code.to_string()),
        Verdict::OutputTooLarge { length } => (verdict.name().to_owned(), format!("{length} characters")),
        Verdict::Nondeterministic => (verdict.name().to_owned(), "two runs gave different values".to_owned()),
        other => (other.name().to_owned(), other.name().replace('_', " ")),
    };
    Some(RunError { kind, message })
}
