//! Jobs for `checker.py` and what their reports mean.

use super::inputs::{InputsJob, TOGETHER_SECONDS, run_inputs};
use super::{CodeTask, PartGrade, Status, seconds};
use crate::python_data::{parse_string_repr, string_literal};
use crate::{Mode, TimeRules};
use azr_executor::{Job, Limits, Report, Sandbox, Verdict};
use serde::{Deserialize, Serialize};

/// What runs beside the program, as source.
pub const CHECKER: &str = concat!(include_str!("../say.py"), include_str!("checker.py"));

/// Calls that the job of the reference program makes for each input.
const CALLS_AN_INPUT: usize = 3;
/// Limit of one run of the reference program (the slowest of the sets takes 28 s for all its inputs).
const REFERENCE_SECONDS: f64 = 60.0;
/// Total length of packed results that is passed on; longer ones are computed where they are compared.
const PACKED_BOUND: usize = 8 << 20;
/// Longest result text of a program in mode `clean`.
const CLAIM_CHARS: u32 = 32 << 20;
/// The reference's cap of a part, and its grace before it kills a process.
const PART_SECONDS: f64 = 60.0;
const GRACE_SECONDS: f64 = 2.0;

/// Modules that the reference's interpreter has and the sandbox has not.
const UNSUPPORTED_MODULES: &[&str] = &[
    "numpy",
    "_ctypes",
    "_bz2",
    "_lzma",
    "_ssl",
    "_sqlite3",
    "bz2",
    "ctypes",
    "curses",
    "lzma",
    "multiprocessing",
    "sqlite3",
    "ssl",
];

/// What the reference program gives for the inputs of one part.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// Inputs and results as `checker.py` packs them, separated by spaces, and fuel by input.
    Known {
        /// The inputs; `None` where packing would change one.
        inputs: Option<String>,
        /// The results; `None` where they are not plain data or too long.
        results: Option<String>,
        /// Fuel of the reference program on each input.
        fuel: Vec<u64>,
    },
    /// The reference program itself does not run in the sandbox.
    Unsupported(String),
}

impl Expected {
    /// Reads the report of [`reference_job`].
    pub fn read(report: &Report, n_inputs: usize) -> Self {
        let unsupported = |call: usize| {
            let what =
                report.calls.get(call).map_or_else(|| "no report".into(), |call| describe(&call.verdict));
            Self::Unsupported(format!("the reference program does not run here: {what}"))
        };
        for call in 0..2 {
            if report.calls.get(call).and_then(|call| call.verdict.value()).is_none() {
                return unsupported(call);
            }
        }
        let (mut inputs, mut results) = (Some(String::new()), Some(String::new()));
        let mut fuel = Vec::with_capacity(n_inputs);
        for input in 0..n_inputs {
            let [packed_input, run, packed_result] = [2, 3, 4].map(|call| call + CALLS_AN_INPUT * input);
            if report.calls.get(run).and_then(|call| call.verdict.value()).is_none() {
                return unsupported(run);
            }
            fuel.push(report.calls[run].fuel);
            for (call, all) in [(packed_input, &mut inputs), (packed_result, &mut results)] {
                let text = report.calls.get(call).and_then(|call| call.verdict.value());
                let text = text.and_then(parse_string_repr).filter(|text| !text.is_empty());
                match (text, all.as_mut()) {
                    (Some(text), Some(all)) if all.len() + text.len() <= PACKED_BOUND => {
                        all.push_str(&text);
                        all.push(' ');
                    }
                    _ => *all = None,
                }
            }
        }
        Self::Known { inputs, results, fuel }
    }

    /// Do all parts have as many entries as there are inputs?
    pub fn fits(&self, n_inputs: usize) -> bool {
        let Self::Known { inputs, results, fuel } = self else { return true };
        let count = |packed: &String| packed.split_whitespace().count() == n_inputs;
        fuel.len() == n_inputs && inputs.as_ref().is_none_or(count) && results.as_ref().is_none_or(count)
    }

    /// Bytes of what is packed.
    pub fn len(&self) -> usize {
        let Self::Known { inputs, results, .. } = self else { return 0 };
        [inputs, results].into_iter().flatten().map(String::len).sum()
    }
}

/// One part of one program to judge.
pub struct Part<'a> {
    /// The checker, see [`compiled`].
    pub checker: &'a str,
    /// The task.
    pub task: &'a CodeTask,
    /// 0 base, 1 plus.
    #[expect(clippy::struct_field_names, reason = "EvalPlus calls them the base part and the plus part")]
    pub part: usize,
    /// The program.
    pub program: &'a str,
    /// Results of the reference program.
    pub expected: &'a Expected,
    /// Time rules.
    pub limits: TimeRules,
}

/// How a program did on one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Loaded, or the right result.
    Right,
    /// A result to compare elsewhere.
    Claim(String),
    /// Wrong or an exception, with the reason.
    Wrong(String),
    /// A module that the sandbox lacks.
    Missing(String),
    /// Out of fuel.
    OutOfFuel,
    /// The interpreter ended.
    Died(String),
}

impl Outcome {
    /// The grade of a part that ends with this outcome.
    pub fn grade(self, fuel: u64) -> PartGrade {
        match self {
            Self::Right | Self::Claim(_) => PartGrade::new(Status::Pass, "", fuel),
            Self::Wrong(reason) => PartGrade::new(Status::Fail, reason, fuel),
            Self::Missing(name) => PartGrade::new(Status::Unsupported, format!("no module {name}"), fuel),
            Self::OutOfFuel => PartGrade::new(Status::Fail, "over the limit of the input", fuel),
            Self::Died(reason) => PartGrade::new(Status::Timeout, reason, fuel),
        }
    }
}

fn limits(fuel: u64, output_chars: u32) -> Limits {
    Limits { fuel, memory_bytes: 2 << 30, output_chars, ..Limits::seconds(1.0) }
}

/// What the checker is set up with; each field is Python source, `None` by default.
struct Setup<'a> {
    program: &'a str,
    reference: &'a str,
    inputs: &'a str,
    expected: &'a str,
    claims: &'a str,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { program: "None", reference: "None", inputs: "None", expected: "None", claims: "None" }
    }
}

impl Setup<'_> {
    /// The checker with its data.
    fn source(&self, checker: &str, task: &CodeTask) -> String {
        let Self { program, reference, inputs, expected, claims } = self;
        let (dataset, entry_point) = (string_literal(task.dataset.name()), string_literal(&task.entry_point));
        let atol = &task.atol;
        format!(
            "{checker}\n_setup({dataset}, {entry_point}, {atol}, {program}, {reference}, {inputs}, {expected}, \
             {claims})\n"
        )
    }
}

fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::from("[");
    for item in items {
        text.push_str(item.as_ref());
        text.push_str(",\n");
    }
    text + "]"
}

/// Python source of values that are packed.
fn unpack(packed: &str) -> String {
    format!("_unpack('{packed}')")
}

/// Source that brings the checker in without compiling it again for every program: its code, as this guest compiled it.
pub fn compiled(sandbox: &Sandbox) -> String {
    let program = format!(
        "import binascii, marshal\ncode = marshal.dumps(compile({}, '<checker>', 'exec'))\n",
        string_literal(CHECKER)
    );
    let call = "binascii.b2a_base64(code, newline=False).decode()".to_owned();
    let report = sandbox.run(&Job::new(program, vec![call], limits(seconds(REFERENCE_SECONDS), CLAIM_CHARS)));
    let code = report.calls.first().and_then(|call| call.verdict.value()).and_then(parse_string_repr);
    code.map_or_else(
        || CHECKER.to_owned(),
        |code| {
            format!("import binascii, marshal\nexec(marshal.loads(binascii.a2b_base64('{code}')))\ndel binascii, marshal\n")
        },
    )
}

/// Loads the program and nothing else.
pub fn load_job(checker: &str, task: &CodeTask, source: &str, fuel: u64) -> Job {
    let calls = vec!["None".into(), "_load()".into()];
    let setup = Setup { program: &string_literal(source), ..Setup::default() };
    Job::new(setup.source(checker, task), calls, limits(fuel, 1 << 16))
}

/// How the load of [`load_job`] went.
pub fn load_outcome(report: &Report) -> Outcome {
    report.calls.get(1).map_or(Outcome::Died("no report".into()), |call| outcome(&call.verdict))
}

/// Runs the reference program on all inputs of a part.
pub fn reference_job(checker: &str, task: &CodeTask, part: usize) -> Job {
    let inputs = &task.inputs[part];
    let mut calls = vec!["None".to_owned(), "_load_reference()".to_owned()];
    for index in 0..inputs.len() {
        calls.push(format!("_packed_input({index})"));
        calls.push(format!("_run_reference({index})"));
        calls.push(format!("_packed_result({index})"));
    }
    let (reference, inputs) = (string_literal(&task.reference), list(inputs));
    let setup = Setup { reference: &reference, inputs: &inputs, ..Setup::default() };
    Job::new(setup.source(checker, task), calls, limits(seconds(REFERENCE_SECONDS), CLAIM_CHARS))
}

/// Judges parts, in order.
pub fn judge(sandbox: &Sandbox, parts: &[Part<'_>], mode: Mode) -> Vec<PartGrade> {
    let jobs = parts.iter().map(|part| part.job(mode, part.input_fuel_limit()));
    let mut reports = run_inputs(sandbox, &jobs.collect::<Vec<_>>());
    // A module level that needs more than an input may is run again under the limit of the whole part.
    let slow: Vec<_> = parts
        .iter()
        .zip(&reports)
        .map(|(part, report)| {
            let slow = report.as_ref().is_some_and(|report| load_outcome(report) == Outcome::OutOfFuel);
            if slow { part.job(mode, part.part_fuel_limit().max(part.input_fuel_limit())) } else { None }
        })
        .collect();
    for (report, again) in reports.iter_mut().zip(run_inputs(sandbox, &slow)) {
        if again.is_some() {
            *report = again;
        }
    }
    let mut verdicts: Vec<(PartGrade, Vec<String>)> =
        parts.iter().zip(&reports).map(|(part, report)| part.read(report.as_ref())).collect();
    if mode == Mode::Clean {
        let jobs: Vec<_> = parts
            .iter()
            .zip(&verdicts)
            .map(|(part, (grade, claims))| (grade.status == Status::Pass).then(|| part.judge_job(claims)))
            .collect();
        for ((grade, _), report) in verdicts.iter_mut().zip(run_inputs(sandbox, &jobs)) {
            if let Some(wrong) = report.and_then(|report| first_wrong(&report)) {
                *grade = PartGrade::new(Status::Fail, wrong, grade.fuel);
            }
        }
    }
    verdicts.into_iter().map(|(grade, _)| grade).collect()
}

fn first_wrong(report: &Report) -> Option<String> {
    report.calls.iter().enumerate().skip(1).find_map(|(call, report)| match outcome(&report.verdict) {
        Outcome::Right => None,
        Outcome::Wrong(reason) => Some(format!("input {}: {reason}", call - 1)),
        other => Some(format!("input {}: cannot be compared: {other:?}", call - 1)),
    })
}

impl Part<'_> {
    /// The packed results, where there are, and fuel of each input.
    fn known(&self) -> Option<(Option<&str>, &[u64])> {
        match self.expected {
            Expected::Known { results, fuel, .. } => Some((results.as_deref(), fuel)),
            Expected::Unsupported(_) => None,
        }
    }

    /// Python source of the inputs.
    fn inputs(&self) -> String {
        match self.expected {
            Expected::Known { inputs: Some(packed), .. } => unpack(packed),
            _ => list(&self.task.inputs[self.part]),
        }
    }

    /// Limit of each input.
    fn limit(&self, reference_fuel: u64) -> u64 {
        seconds(self.limits.least_seconds()).max(reference_fuel.saturating_mul(self.limits.factor()))
    }

    /// What a call may use: the limit, and the reference program where it runs inside the same call.
    fn call_limit(&self, input: usize) -> u64 {
        let Some((results, fuel)) = self.known() else { return 0 };
        let reference = fuel[input];
        self.limit(reference) + if results.is_none() { reference } else { 0 }
    }

    fn input_fuel_limit(&self) -> u64 {
        let n = self.known().map_or(0, |(_, fuel)| fuel.len());
        (0..n).map(|input| self.call_limit(input)).max().unwrap_or(0).max(self.limit(0))
    }

    fn part_fuel_limit(&self) -> u64 {
        let fuel = self.known().map_or(&[][..], |(_, fuel)| fuel);
        let sum = fuel.iter().fold(0_u64, |sum, fuel| sum.saturating_add(self.limit(*fuel)));
        sum.min(seconds(PART_SECONDS)) + seconds(GRACE_SECONDS)
    }

    /// Does the reference program need so little that all inputs together stay far below any limit?
    fn is_quick(&self) -> bool {
        self.known().is_some_and(|(results, fuels)| {
            let sum = fuels.iter().fold(0_u64, |sum, fuel| sum.saturating_add(*fuel));
            results.is_some() && sum.saturating_mul(4) <= seconds(TOGETHER_SECONDS)
        })
    }

    fn job(&self, mode: Mode, fuel: u64) -> Option<InputsJob> {
        let (results, fuels) = self.known()?;
        let (program, inputs) = (string_literal(self.program), self.inputs());
        let mut setup = Setup { program: &program, inputs: &inputs, ..Setup::default() };
        let (expected, reference);
        // In mode `clean` the program's instance never holds what is expected, nor how to compute it.
        let output_chars = match (mode, results) {
            (Mode::Clean, _) => CLAIM_CHARS,
            (Mode::Paper, Some(results)) => {
                expected = unpack(results);
                setup.expected = &expected;
                1 << 16
            }
            (Mode::Paper, None) => {
                reference = string_literal(&self.task.reference);
                setup.reference = &reference;
                1 << 16
            }
        };
        Some(InputsJob {
            source: setup.source(self.checker, self.task),
            before: &["None", "_load()"],
            function: if mode == Mode::Paper { "_check" } else { "_claim" },
            count: fuels.len(),
            limits: limits(fuel, output_chars),
            quick: self.is_quick(),
        })
    }

    fn judge_job(&self, claims: &[String]) -> InputsJob {
        let results = self.known().and_then(|(results, _)| results);
        let expected = results.map_or_else(|| "None".into(), unpack);
        let claims: Vec<String> = claims.iter().map(|claim| string_literal(claim)).collect();
        let inputs = self.inputs();
        let (count, claims) = (claims.len(), list(claims));
        let reference = string_literal(&self.task.reference);
        let setup = Setup {
            reference: &reference,
            inputs: &inputs,
            expected: &expected,
            claims: &claims,
            ..Setup::default()
        };
        InputsJob {
            source: setup.source(self.checker, self.task),
            // It pays for the module level, too.
            before: &["_load_reference()"],
            function: "_judge",
            count,
            limits: limits(seconds(REFERENCE_SECONDS), 1 << 16),
            quick: self.is_quick(),
        }
    }

    /// Grade of a part by its report, and in mode `clean` the claims that are still to be compared.
    fn read(&self, report: Option<&Report>) -> (PartGrade, Vec<String>) {
        let Some(report) = report else {
            let reason = match self.expected {
                Expected::Unsupported(reason) => reason.as_str(),
                Expected::Known { .. } => "no report",
            };
            return (PartGrade::new(Status::Unsupported, reason, 0), Vec::new());
        };
        let mut claims = Vec::new();
        let mut fuel = 0_u64;
        let part_limit = self.part_fuel_limit();
        // The first call pays for the data, which the reference has in place before the clock starts.
        for (call, entry) in report.calls.iter().enumerate().skip(1) {
            let input = call.checked_sub(2);
            fuel = fuel.saturating_add(entry.fuel);
            let over = |grade: PartGrade| PartGrade { reason: place(input, &grade.reason), ..grade };
            let reference = input.map_or(0, |input| self.call_limit(input) - self.limit_of(input));
            fuel = fuel.saturating_sub(reference);
            let outcome = outcome(&entry.verdict);
            if fuel > part_limit || (outcome == Outcome::OutOfFuel && input.is_none()) {
                return (PartGrade::new(Status::Timeout, "over the limit of the part", fuel), claims);
            }
            if input.is_some_and(|input| entry.fuel > self.call_limit(input)) {
                return (over(Outcome::OutOfFuel.grade(fuel)), claims);
            }
            match outcome {
                Outcome::Right => {}
                Outcome::Claim(text) => claims.push(text),
                other => return (over(other.grade(fuel)), claims),
            }
        }
        (PartGrade::new(Status::Pass, "", fuel), claims)
    }

    fn limit_of(&self, input: usize) -> u64 {
        self.known().map_or(0, |(_, fuel)| self.limit(fuel[input]))
    }
}

fn place(input: Option<usize>, reason: &str) -> String {
    match input {
        Some(input) => format!("input {input}: {reason}"),
        None => reason.to_owned(),
    }
}

/// Reads the answer of one call of the checker. Its text comes from an instance that ran the program: whatever
/// is not one of the checker's words is a failure.
fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Value { text } => match parse_string_repr(text).as_deref() {
            Some("ok" | "right") => Outcome::Right,
            Some(text) => {
                if let Some(claim) = text.strip_prefix('=') {
                    Outcome::Claim(claim.to_owned())
                } else if let Some(name) = text.strip_prefix("missing ") {
                    let root = name.split('.').next().unwrap_or(name);
                    if UNSUPPORTED_MODULES.contains(&root) {
                        Outcome::Missing(root.to_owned())
                    } else {
                        Outcome::Wrong(format!("no module {name}"))
                    }
                } else {
                    Outcome::Wrong(text.to_owned())
                }
            }
            None => Outcome::Wrong("the checker's answer was replaced".into()),
        },
        Verdict::Timeout | Verdict::WallGuard => Outcome::OutOfFuel,
        Verdict::Exited { code } => Outcome::Died(format!("the process exits with {code}")),
        Verdict::Crashed => Outcome::Died("the interpreter crashes".into()),
        // Natively these are a RecursionError and a MemoryError inside the call.
        Verdict::StackExhausted | Verdict::OutOfMemory => Outcome::Wrong(describe(verdict)),
        other => Outcome::Wrong(describe(other)),
    }
}

fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Raised { exception, message } => format!("{exception}: {message}"),
        Verdict::SyntaxError { message, line } => format!("syntax error in line {line}: {message}"),
        Verdict::MissingModule { name } => format!("no module {name}"),
        Verdict::Value { text } => text.chars().take(200).collect(),
        other => other.name().to_owned(),
    }
}
