//! A part's inputs in one call of the checker where they are quick, and in a call each where a limit may decide.

use super::seconds;
use crate::python_data::{parse_string_repr, string_literal};
use azr_executor::{CallReport, Job, Limits, Report, Sandbox, Verdict};

/// Nominal time of all inputs of a part in one call, far below the least limit of one.
pub const TOGETHER_SECONDS: f64 = 0.5;

/// A job that asks the checker about every input of a part.
pub struct InputsJob {
    /// The checker with its data.
    pub source: String,
    /// Calls before the first input.
    pub before: &'static [&'static str],
    /// Function of the checker that is called with the number of each input.
    pub function: &'static str,
    /// Number of inputs.
    pub count: usize,
    /// Limits of a call.
    pub limits: Limits,
    /// The reference program is so quick that all inputs are likely to fit into [`TOGETHER_SECONDS`].
    pub quick: bool,
}

impl InputsJob {
    fn job(&self, calls: impl IntoIterator<Item = String>, limits: Limits) -> Job {
        let calls = self.before.iter().map(|call| (*call).to_owned()).chain(calls);
        Job::new(self.source.clone(), calls.collect(), limits)
    }

    /// A call an input, each with the whole limit.
    fn each(&self) -> Job {
        let calls = (0..self.count).map(|index| format!("{}({index})", self.function));
        self.job(calls, self.limits.clone())
    }

    /// One call for all inputs.
    fn together(&self) -> Job {
        let fuel = self.limits.fuel.min(seconds(TOGETHER_SECONDS));
        let call = format!("_together({}, {})", self.function, self.count);
        self.job([call], Limits { fuel, ..self.limits.clone() })
    }

    /// The report of [`InputsJob::together`] as [`InputsJob::each`] would have given it: no input can have been over a limit
    /// that all of them have not used up. `None` where the call did not come to an answer.
    fn apart(&self, mut report: Report) -> Option<Report> {
        let all = report.calls.pop()?;
        let answers = parse_string_repr(all.verdict.value()?)?;
        let answers: Vec<&str> = answers.split('\0').collect();
        let goes_on = |answer: &str| answer == "right" || answer.starts_with('=');
        let (last, others) = answers.split_last()?;
        let whole = others.iter().all(|answer| goes_on(answer))
            && (answers.len() == self.count || answers.len() < self.count && !goes_on(last));
        for (index, answer) in answers.iter().enumerate() {
            let fuel = if index == 0 { all.fuel } else { 0 };
            let verdict = Verdict::Value { text: string_literal(answer) };
            report.calls.push(CallReport {
                call: String::new(),
                verdict,
                stdout: String::new(),
                fuel,
                memory_bytes: all.memory_bytes,
            });
        }
        whole.then_some(report)
    }
}

/// Runs jobs, in order. What does not come to an answer when all inputs are asked about in one call is asked about each.
pub fn run_inputs(sandbox: &Sandbox, jobs: &[Option<InputsJob>]) -> Vec<Option<Report>> {
    let quick = |job: &&InputsJob| job.quick && job.count > 0;
    let together: Vec<Job> = jobs.iter().flatten().filter(quick).map(InputsJob::together).collect();
    let mut together = sandbox.run_all(&together).into_iter();
    let reports: Vec<Option<Report>> = jobs
        .iter()
        .map(|job| {
            let job = job.as_ref().filter(quick)?;
            together.next().and_then(|report| job.apart(report))
        })
        .collect();
    let left: Vec<Job> = jobs
        .iter()
        .zip(&reports)
        .filter(|(_, report)| report.is_none())
        .filter_map(|(job, _)| job.as_ref().map(InputsJob::each))
        .collect();
    let mut left = sandbox.run_all(&left).into_iter();
    jobs.iter()
        .zip(reports)
        .map(|(job, report)| job.as_ref().and_then(|_| report.or_else(|| left.next())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_apart_or_are_asked_for_again() {
        let job = InputsJob {
            source: String::new(),
            before: &["None"],
            function: "_check",
            count: 3,
            limits: Limits::seconds(1.0),
            quick: true,
        };
        let call = |verdict| CallReport {
            call: String::new(),
            verdict,
            stdout: String::new(),
            fuel: 7,
            memory_bytes: 0,
        };
        let apart = |verdict| {
            let none = Verdict::Value { text: "None".into() };
            let report =
                job.apart(Report { guest: String::new(), calls: vec![call(none), call(verdict)] })?;
            let text = |report: &CallReport| report.verdict.value().and_then(parse_string_repr);
            let fuel: u64 = report.calls.iter().skip(1).map(|call| call.fuel).sum();
            assert_eq!(fuel, 7);
            Some(report.calls.iter().skip(1).filter_map(text).collect::<Vec<String>>())
        };
        let value = |text: &str| Verdict::Value { text: text.to_owned() };
        assert_eq!(apart(value(r"'right\x00right\x00right'")).unwrap(), ["right"; 3]);
        assert_eq!(apart(value(r"'=1\x00=[2]\x00=3'")).unwrap(), ["=1", "=[2]", "=3"]);
        assert_eq!(apart(value(r"'right\x00wrong result'")).unwrap(), ["right", "wrong result"]);
        // Whatever no checker writes: too few, too many, something after the end, no text, no value.
        for odd in [
            r"'right\x00right'",
            r"'right\x00right\x00right\x00right'",
            r"'wrong result\x00right\x00right'",
            "3",
        ] {
            assert!(apart(value(odd)).is_none(), "{odd}");
        }
        assert_eq!(apart(value("''")).unwrap(), [""], "one answer that is neither right nor a claim");
        assert!(apart(Verdict::Timeout).is_none());
        assert_eq!(job.each().calls, ["None", "_check(0)", "_check(1)", "_check(2)"]);
        assert_eq!(job.together().calls, ["None", "_together(_check, 3)"]);
    }
}
