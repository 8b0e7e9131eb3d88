//! How the reference's executor runs a source (`paper` mode): all lines but the last are executed, the last is evaluated, in one
//! namespace without a name of its own; a last line with `print(` is executed with the rest and what it prints is the
//! result. What comes back are two texts: the result and a status, `Done` or the last line of the traceback.
//!
//! The exact status matters where it is read as data: for error tasks and for proposals that run only once. There the
//! source is a text that a few lines of our own execute in the sandbox; elsewhere (`paper_verdicts`) the sandbox's verdict
//! says enough.

use crate::judge::{Judge, verdict};
use crate::python_literal::{literal, unhex};
use azr_executor::analysis::syntax_faults;
use azr_executor::{Job, StartState, Verdict};

/// How a source ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Text of the result, stripped; empty where there is none.
    pub(crate) result: String,
    /// `Done`, or the last line of the traceback.
    pub(crate) text: String,
    /// The source as a whole does not parse; nothing was run.
    pub(crate) unparsable: bool,
}

impl Status {
    /// The reference's test for a failure.
    pub(crate) fn is_error(&self) -> bool {
        self.unparsable || self.text.to_lowercase().contains("error")
    }
}

const HARNESS: &str = r#"
import contextlib, io, traceback

def execute(text):
    if "input(" in text:
        raise RuntimeError()
    exec(text, names)

def run(source):
    lines = source.strip().split("\n")
    try:
        if "print(" in lines[-1]:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                execute("\n".join(lines))
            result = printed.getvalue()
        else:
            execute("\n".join(lines[:-1]))
            result = eval(lines[-1], names)
        result, status = str(result), "Done"
    except BaseException:
        result, status = "", traceback.format_exc().split("\n")[-2]
    return "".join(
        f"{len(data):x} {data.hex()} "
        for data in (text.strip().encode("utf-8", "backslashreplace") for text in (result, status))
    )

names = {}
"#;

/// Runs sources from the first or from the other start state, which differ in hash seed, random state and clock.
pub(crate) fn run(judge: &Judge<'_>, sources: &[String], other_state: bool) -> Vec<Status> {
    let faults = syntax_faults(judge.sandbox(), sources);
    let jobs: Vec<Job> = sources
        .iter()
        .map(|source| {
            let mut job = judge.job(HARNESS, vec![format!("run({})", literal(source))]);
            if other_state {
                job.start = StartState::Second;
            }
            job
        })
        .collect();
    let parsable: Vec<usize> = (0..sources.len()).filter(|&index| faults[index].is_none()).collect();
    let mut statuses = vec![Status { unparsable: true, ..Status::default() }; sources.len()];
    let chosen: Vec<Job> = parsable.iter().map(|&index| jobs[index].clone()).collect();
    for (index, calls) in parsable.into_iter().zip(judge.run(&chosen)) {
        statuses[index] = status_of(verdict(&calls, 0));
    }
    statuses
}

fn status_of(verdict: &Verdict) -> Status {
    let ended = |text: &str| Status { text: text.into(), ..Status::default() };
    match verdict {
        Verdict::Value { text } => read_report(text).unwrap_or_else(|| ended("Error: no report")),
        Verdict::Timeout => ended("timeout_decorator.timeout_decorator.TimeoutError: 'Timed Out'"),
        Verdict::Raised { exception, message } => ended(&format!("{exception}: {message}")),
        other => ended(&format!("Error: {}", other.name())),
    }
}

fn read_report(text: &str) -> Option<Status> {
    let mut words = text.trim_matches('\'').split(' ');
    let mut next = || {
        let length = usize::from_str_radix(words.next()?, 16).ok()?;
        let text = unhex(words.next()?)?;
        (text.len() == length).then(|| String::from_utf8_lossy(&text).into_owned())
    };
    Some(Status { result: next()?, text: next()?, unparsable: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_back() {
        let status = read_report("'1 61 4 446f6e65 '").unwrap();
        assert_eq!((status.result.as_str(), status.text.as_str()), ("a", "Done"));
        assert_eq!(read_report("'0  4 446f6e65 '").unwrap().result, "");
        for damaged in ["", "''", "'1 6 4 446f6e65 '", "'2 61 4 446f6e65 '", "'1 zz 4 446f6e65 '", "nonsense"]
        {
            assert_eq!(read_report(damaged), None, "{damaged}");
        }
    }
}
