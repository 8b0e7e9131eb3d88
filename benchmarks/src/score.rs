//! `azr score`: grades samples that another tool made (spec section 6).
//!
//! One line out per line in, in input order. Lines in:
//! * `humaneval`, `humaneval_plus`, `mbpp`, `mbpp_plus`: `{"task_id", "solution"}`, or `{"task_id", "completion"}` which
//!   is appended to the task's text; scored as it is unless [`ScoreConfig::sanitize`]. Out adds `"base_status"`,
//!   `"plus_status"` (of the plus sets) and `"reason"`.
//! * `cruxeval_i`, `cruxeval_o`: `{"id", "answer"}`, or one object id -> list of generations, which then are the
//!   scored text itself. Out: `{"id", "index", "status"}`, one line per generation.
//! * the math sets: `{"row", "completion"}`; out adds `"verdict"`, `"extracted"`, `"gold"`.
//! * `livecodebench`: `{"question_id", "completion"}`; out adds `"status"` and, where one failed, `"failed_test"`.
//! * `tiny`, `tiny_hard`, suites of your own: `{"item", "completion"}`; out adds `"pass"`, `"extracted"`.

use crate::grade::code::{CodeGrader, Dataset, Status, sanitize};
use crate::grade::crux::{self, CruxRow, Direction};
use crate::metrics::ItemRecord;
use crate::suites::{CodeSuite, CruxSuite, LiveCodeSuite, MATH_SETS, MathSuite, OwnSuite, TinySuite};
use crate::{
    BenchmarkError, DataFolder, Metrics, Mode, Response, Suite, SuiteOptions, TimeRules, suite_names,
};
use azr_executor::Sandbox;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest file of samples, unpacked.
const SAMPLES_BOUND: u64 = 1 << 30;

/// Settings of a scoring.
#[derive(Clone, Debug)]
pub struct ScoreConfig {
    /// Grading mode.
    pub mode: Mode,
    /// Time rules of the code suites.
    pub limits: TimeRules,
    /// Code suites: extract the program from the text first.
    pub sanitize: bool,
    /// Code suites: folder in which the reference programs' results are kept.
    pub expected_cache: Option<PathBuf>,
}

impl Default for ScoreConfig {
    fn default() -> Self {
        Self { mode: Mode::Clean, limits: TimeRules::default(), sanitize: false, expected_cache: None }
    }
}

/// What a scoring gives: the object of `azr score --json`, but for the seconds.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ScoreSummary {
    /// Name of the suite.
    pub suite: String,
    /// Items that have samples.
    pub n_items: usize,
    /// Items of the suite without a sample; the rates leave them out.
    pub n_missing: usize,
    /// pass@1 in percent.
    #[serde(rename = "pass@1")]
    pub pass_at_1: f64,
    /// All figures.
    pub metrics: BTreeMap<String, f64>,
    /// Samples by status.
    pub counts: BTreeMap<String, usize>,
}

/// A scored sample: its line out, and what enters the figures.
struct Scored {
    line: Map<String, Value>,
    item: String,
    status: &'static str,
    pass: bool,
}

/// A sample: its line number and object.
type Sample = (usize, Map<String, Value>);

/// Grades `samples` (JSON lines, gzip'ed or not) and writes one line out per line in, in input order, to `out`
/// (gzip'ed if its name ends so).
pub fn score(
    suite: &str,
    data: &DataFolder,
    sandbox: &Sandbox,
    config: &ScoreConfig,
    samples: &Path,
    out: &Path,
) -> Result<ScoreSummary, BenchmarkError> {
    let bytes = crate::data::read_plain(samples, SAMPLES_BOUND)?;
    let file = samples.display().to_string();
    let text = String::from_utf8(bytes).map_err(|error| {
        let whole = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = whole.split(|byte| *byte == b'\n').count();
        bad_line(&file, line, "not text in UTF-8".to_owned())
    })?;
    let options = SuiteOptions {
        mode: config.mode,
        limits: config.limits,
        expected_cache: config.expected_cache.clone(),
        ..SuiteOptions::default()
    };
    let opened = crate::open_suite(suite, data, options.clone())?;
    let scored = match suite {
        "cruxeval_i" => score_crux(Direction::Input, data, sandbox, options, &file, &text)?,
        "cruxeval_o" => score_crux(Direction::Output, data, sandbox, options, &file, &text)?,
        "humaneval" | "humaneval_plus" => {
            let code = CodeSuite::open(Dataset::HumanEval, suite == "humaneval_plus", data, options)?;
            score_code(code.grader(), suite == "humaneval_plus", config.sanitize, sandbox, &file, &text)?
        }
        "mbpp" | "mbpp_plus" => {
            let code = CodeSuite::open(Dataset::Mbpp, suite == "mbpp_plus", data, options)?;
            score_code(code.grader(), suite == "mbpp_plus", config.sanitize, sandbox, &file, &text)?
        }
        set if MATH_SETS.contains(&set) => {
            score_math(&MathSuite::open(suite, data, options)?, sandbox, &file, &text)?
        }
        "livecodebench" => score_livecode(&LiveCodeSuite::open(data, options)?, sandbox, &file, &text)?,
        "tiny" | "tiny_hard" => {
            let tiny = TinySuite::embedded(suite, &options)?;
            score_items(&tiny, |item| tiny.index_of(item), sandbox, &file, &text)?
        }
        folder if crate::suites::is_own(folder) => {
            let own = OwnSuite::open(Path::new(folder), options)?;
            score_items(&own, |item| own.index_of(item), sandbox, &file, &text)?
        }
        _ => {
            return Err(BenchmarkError::UnknownSuite { name: suite.into(), known: suite_names().join(", ") });
        }
    };
    write_lines(out, &scored)?;
    Ok(summary(suite, opened.as_ref(), &scored))
}

fn bad_line(file: &str, line: usize, message: impl Into<String>) -> BenchmarkError {
    BenchmarkError::BadLine { file: file.into(), line, message: message.into() }
}

fn read_samples(file: &str, text: &str) -> Result<Vec<Sample>, BenchmarkError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| match serde_json::from_str(line) {
            Ok(object) => Ok((index + 1, object)),
            Err(error) => Err(bad_line(file, index + 1, error.to_string())),
        })
        .collect()
}

fn field<'a>(file: &str, sample: &'a Sample, key: &str) -> Result<&'a str, BenchmarkError> {
    let text = sample.1.get(key).and_then(Value::as_str);
    text.ok_or_else(|| bad_line(file, sample.0, format!("no text {key:?}")))
}

fn score_code(
    grader: &CodeGrader,
    plus: bool,
    extract: bool,
    sandbox: &Sandbox,
    file: &str,
    text: &str,
) -> Result<Vec<Scored>, BenchmarkError> {
    let samples = read_samples(file, text)?;
    let places: BTreeMap<&str, usize> =
        grader.tasks().iter().enumerate().map(|(index, task)| (task.task_id.as_str(), index)).collect();
    let mut programs: Vec<(usize, String)> = Vec::with_capacity(samples.len());
    for sample in &samples {
        let task_id = field(file, sample, "task_id")?;
        let task = *places
            .get(task_id)
            .ok_or_else(|| bad_line(file, sample.0, format!("the suite has no task {task_id:?}")))?;
        let program = match sample.1.get("solution").and_then(Value::as_str) {
            Some(solution) => solution.to_owned(),
            None => format!("{}{}", grader.tasks()[task].prompt, field(file, sample, "completion")?),
        };
        programs.push((task, program));
    }
    if extract {
        let texts: Vec<(&str, &str)> = programs
            .iter()
            .map(|(task, program)| (program.as_str(), grader.tasks()[*task].entry_point.as_str()))
            .collect();
        let extracted = sanitize(sandbox, &texts);
        for (program, extracted) in programs.iter_mut().zip(extracted) {
            program.1 = extracted;
        }
    }
    let asked: Vec<(usize, &str)> =
        programs.iter().map(|(task, program)| (*task, program.as_str())).collect();
    let grades = grader.grade(sandbox, &asked, plus);
    Ok(samples
        .into_iter()
        .zip(grades)
        .map(|((_, mut line), grade)| {
            let item = line.get("task_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let decisive = if plus && grade.base.status == Status::Pass { &grade.plus } else { &grade.base };
            line.insert("base_status".into(), json!(grade.base.status));
            if plus {
                line.insert("plus_status".into(), json!(grade.plus.status));
            }
            line.insert("reason".into(), json!(decisive.reason));
            Scored { line, item, status: decisive.status.name(), pass: decisive.status == Status::Pass }
        })
        .collect())
}

fn score_crux(
    direction: Direction,
    data: &DataFolder,
    sandbox: &Sandbox,
    options: SuiteOptions,
    file: &str,
    text: &str,
) -> Result<Vec<Scored>, BenchmarkError> {
    let mode = options.mode;
    let suite = CruxSuite::open(direction, data, options)?;
    let rows: BTreeMap<&str, &CruxRow> = suite.rows().iter().map(|row| (row.id.as_str(), row)).collect();
    let mut answers: Vec<(String, usize, String)> = Vec::new();
    if let Ok(lists) = serde_json::from_str::<BTreeMap<String, Vec<String>>>(text) {
        for (id, list) in lists {
            answers.extend(list.into_iter().enumerate().map(|(index, answer)| (id.clone(), index, answer)));
        }
    } else {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for sample in read_samples(file, text)? {
            let (id, answer) = (field(file, &sample, "id")?, field(file, &sample, "answer")?);
            let index = seen.entry(id.to_owned()).or_default();
            answers.push((id.to_owned(), *index, answer.to_owned()));
            *index += 1;
        }
    }
    let asked: Vec<(&CruxRow, &str)> = answers
        .iter()
        .map(|(id, _, answer)| match rows.get(id.as_str()) {
            Some(row) => Ok((*row, answer.as_str())),
            None => Err(bad_line(file, 0, format!("the suite has no item {id:?}"))),
        })
        .collect::<Result<_, _>>()?;
    let grades = crux::judge(sandbox, direction, mode, &asked);
    Ok(answers
        .iter()
        .zip(grades)
        .map(|((id, index, _), grade)| {
            let status = match grade.verdict.as_str() {
                "pass" => "pass",
                "skipped" => "skipped",
                _ => "fail",
            };
            let line = Map::from_iter([
                ("id".to_owned(), json!(id)),
                ("index".to_owned(), json!(index)),
                ("status".to_owned(), json!(status)),
            ]);
            Scored { line, item: id.clone(), status, pass: grade.pass }
        })
        .collect())
}

fn score_math(
    suite: &MathSuite,
    sandbox: &Sandbox,
    file: &str,
    text: &str,
) -> Result<Vec<Scored>, BenchmarkError> {
    let samples = read_samples(file, text)?;
    let place = |sample: &Sample| {
        let row = sample.1.get("row").and_then(Value::as_u64).and_then(|row| usize::try_from(row).ok());
        row.filter(|row| *row < suite.len())
            .ok_or_else(|| bad_line(file, sample.0, "no \"row\" of the suite"))
    };
    let responses = responses(file, &samples, place)?;
    let grades = suite.grade(sandbox, &responses);
    Ok(samples
        .into_iter()
        .zip(responses.iter().zip(grades))
        .map(|((_, mut line), (response, grade))| {
            line.insert("verdict".into(), json!(grade.pass));
            line.insert("extracted".into(), json!(grade.extracted));
            line.insert("gold".into(), json!(suite.gold(response.index)));
            let item = suite.item(response.index).to_owned();
            Scored { line, item, status: if grade.pass { "pass" } else { "fail" }, pass: grade.pass }
        })
        .collect())
}

fn score_livecode(
    suite: &LiveCodeSuite,
    sandbox: &Sandbox,
    file: &str,
    text: &str,
) -> Result<Vec<Scored>, BenchmarkError> {
    let samples = read_samples(file, text)?;
    let place = |sample: &Sample| {
        let id = field(file, sample, "question_id")?;
        suite.index_of(id).ok_or_else(|| bad_line(file, sample.0, format!("the suite has no problem {id:?}")))
    };
    let responses = responses(file, &samples, place)?;
    let grades = suite.grade(sandbox, &responses);
    Ok(samples
        .into_iter()
        .zip(responses.iter().zip(grades))
        .map(|((_, mut line), (response, grade))| {
            let status = match grade.verdict.as_str() {
                "pass" => "pass",
                "timeout" => "timeout",
                "unsupported" => "unsupported",
                _ => "fail",
            };
            line.insert("status".into(), json!(status));
            let failed: Option<usize> = grade.details.get("failed_test").and_then(|test| test.parse().ok());
            line.insert("failed_test".into(), json!(failed));
            Scored { line, item: suite.item(response.index).to_owned(), status, pass: grade.pass }
        })
        .collect())
}

fn score_items(
    suite: &dyn Suite,
    index_of: impl Fn(&str) -> Option<usize>,
    sandbox: &Sandbox,
    file: &str,
    text: &str,
) -> Result<Vec<Scored>, BenchmarkError> {
    let samples = read_samples(file, text)?;
    let place = |sample: &Sample| {
        let item = field(file, sample, "item")?;
        index_of(item).ok_or_else(|| bad_line(file, sample.0, format!("the suite has no item {item:?}")))
    };
    let responses = responses(file, &samples, place)?;
    let grades = suite.grade(sandbox, &responses);
    Ok(samples
        .into_iter()
        .zip(responses.iter().zip(grades))
        .map(|((_, mut line), (response, grade))| {
            line.insert("pass".into(), json!(grade.pass));
            line.insert("extracted".into(), json!(grade.extracted));
            let status = match grade.verdict.as_str() {
                "pass" => "pass",
                "no_answer" => "no_answer",
                "timeout" => "timeout",
                "unsupported" => "unsupported",
                _ => "fail",
            };
            Scored { line, item: suite.item(response.index).to_owned(), status, pass: grade.pass }
        })
        .collect())
}

fn responses(
    file: &str,
    samples: &[Sample],
    place: impl Fn(&Sample) -> Result<usize, BenchmarkError>,
) -> Result<Vec<Response>, BenchmarkError> {
    samples
        .iter()
        .map(|sample| {
            let completion = field(file, sample, "completion")?.to_owned();
            Ok(Response { index: place(sample)?, completion })
        })
        .collect()
}

fn write_lines(out: &Path, scored: &[Scored]) -> Result<(), BenchmarkError> {
    let mut text = Vec::new();
    for one in scored {
        serde_json::to_writer(&mut text, &one.line).expect("plain data serialises into memory");
        text.push(b'\n');
    }
    if out.extension().is_some_and(|extension| extension == "gz") {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        text = encoder
            .write_all(&text)
            .and_then(|()| encoder.finish())
            .map_err(BenchmarkError::io("cannot pack", out))?;
    }
    std::fs::write(out, text).map_err(BenchmarkError::io("cannot write", out))
}

fn summary(name: &str, suite: &dyn Suite, scored: &[Scored]) -> ScoreSummary {
    let groups: BTreeMap<&str, &str> =
        (0..suite.len()).map(|index| (suite.item(index), suite.group(index))).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut records: Vec<ItemRecord> = Vec::with_capacity(scored.len());
    for one in scored {
        let sample = seen.entry(&one.item).or_default();
        records.push(ItemRecord {
            item: one.item.clone(),
            group: groups.get(one.item.as_str()).copied().unwrap_or_default().to_owned(),
            decoding: "samples".into(),
            sample: *sample,
            verdict: one.status.into(),
            pass: one.pass,
            ..ItemRecord::default()
        });
        *sample += 1;
    }
    let mut metrics = Metrics::compute(name, None, &records);
    // Samples of other tools carry no tokens and no end.
    metrics.metrics.retain(|key, _| ["pass@", "avg@", "stderr"].iter().any(|begin| key.starts_with(begin)));
    let names: BTreeSet<&str> = groups.keys().copied().collect();
    ScoreSummary {
        suite: name.into(),
        n_items: metrics.n_items,
        n_missing: names.iter().filter(|item| !seen.contains_key(*item)).count(),
        pass_at_1: metrics.pass_at_1,
        metrics: metrics.metrics,
        counts: metrics.counts,
    }
}

#[cfg(test)]
mod tests;
