//! The paper's main table with measured rows beside the published ones.
//!
//! A column is a suite's pass@1 in percent, rounded to one decimal. The code average is the mean of the three code
//! columns, the math average that of the six math columns, both of rounded columns; the total is the mean of the two
//! averages before they are rounded, half up. An average stands only where all of its columns do.

mod formats;
mod published;

pub use formats::{csv, html, latex, markdown, parquet, terminal};
pub use published::{PublishedRow, published};

use crate::evaluation::Decoding;
use crate::{Error, Run, statistics};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The columns in the table's order: suite, heading.
pub const COLUMNS: [(&str, &str); 9] = [
    ("humaneval_plus", "HEval+"),
    ("mbpp_plus", "MBPP+"),
    ("livecodebench", "LCB"),
    ("aime24", "AIME24"),
    ("aime25", "AIME25"),
    ("amc23", "AMC23"),
    ("math500", "MATH500"),
    ("minerva", "Minerva"),
    ("olympiadbench", "Olympiad"),
];
/// Items of each column's set: fewer are a part of it.
pub const SIZES: [usize; 9] = [164, 378, 880, 30, 30, 40, 500, 272, 675];
/// Columns that the code average takes; the others are math.
const CODE_COLUMNS: usize = 3;
/// Items that a summary may speak of: it is a file like any other.
const MAX_ITEMS: usize = 1_000_000;
/// Headings of the averages.
pub const AVERAGES: [&str; 3] = ["Code", "Math", "Total"];

/// A suite's figure as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Percent, not rounded; over several seeds the mean.
    pub value: f64,
    /// 95 % interval of the value: over items, and over seeds where there are several.
    pub interval: (f64, f64),
    /// Items.
    pub n_items: usize,
    /// Runs that went into it.
    pub n_seeds: usize,
}

/// What a measured cell says about the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The same to one decimal.
    Reproduced,
    /// The published value lies in the interval.
    WithinNoise,
    /// It does not.
    NotReproduced,
    /// Only some of the items were answered, so that nothing can be said.
    Partial,
    /// Nothing was measured.
    Missing,
}

impl Finding {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::WithinNoise => "within noise",
            Self::NotReproduced => "not reproduced",
            Self::Partial => "partial",
            Self::Missing => "missing",
        }
    }
}

/// A measured row.
#[derive(Clone, Debug)]
pub struct MeasuredRow {
    /// Name of the model or the runs.
    pub name: String,
    /// Folders that it was read from.
    pub runs: Vec<String>,
    /// By column.
    pub cells: [Option<Measured>; 9],
    /// Code, math and total.
    pub averages: [Option<f64>; 3],
}

/// The table.
#[derive(Clone, Debug)]
pub struct PaperTable {
    /// Published rows.
    pub published: Vec<PublishedRow>,
    /// Measured rows.
    pub measured: Vec<MeasuredRow>,
    /// Index of the published row that the measured ones are set against.
    pub against: usize,
}

impl PaperTable {
    /// Makes the table of runs. Runs of the same model are one row over seeds. `against` names a published row
    /// (`AZR Coder`); without it the row of the runs' own model, else AZR on the 7B coder.
    pub fn new(runs: &[MeasuredRun], against: Option<&str>) -> Result<Self, String> {
        let published = published();
        let mut by_model: BTreeMap<&str, Vec<&MeasuredRun>> = BTreeMap::new();
        for run in runs {
            by_model.entry(&run.model).or_default().push(run);
        }
        let names: Vec<String> = published.iter().map(PublishedRow::name).collect();
        let place = |wanted: &str| {
            let wanted = simplified(wanted);
            names.iter().position(|name| simplified(name) == wanted)
        };
        let against = match against {
            Some(wanted) => place(wanted)
                .ok_or_else(|| format!("there is no published row {wanted:?}; rows: {}", names.join(", ")))?,
            None => by_model
                .keys()
                .find_map(|model| place(model.rsplit('/').next().unwrap_or(model)))
                .unwrap_or(names.len() - 1),
        };
        let measured = by_model.into_iter().map(|(model, runs)| row(model, &runs)).collect();
        Ok(Self { published, measured, against })
    }

    /// What a cell says about the published row it is set against.
    pub fn finding(&self, row: usize, column: usize) -> Finding {
        let published = self.published[self.against].scores[column];
        match &self.measured[row].cells[column] {
            None => Finding::Missing,
            Some(measured) if measured.n_items < SIZES[column] => Finding::Partial,
            Some(measured) if to_tenths(measured.value) == to_tenths(published) => Finding::Reproduced,
            Some(measured) if (measured.interval.0..=measured.interval.1).contains(&published) => {
                Finding::WithinNoise
            }
            Some(_) => Finding::NotReproduced,
        }
    }

    /// The command that fills a missing or partial cell.
    pub fn command(&self, row: usize, column: usize) -> String {
        let row = &self.measured[row];
        let run = row.runs.first().map_or("RUN", String::as_str);
        format!(
            "azr eval {} --model {} --mode paper --limits paper --prompts paper --run-dir {run}",
            COLUMNS[column].0, row.name
        )
    }
}

/// Letters and digits in lower case.
fn simplified(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// The figures of one run.
#[derive(Clone, Debug)]
pub struct MeasuredRun {
    /// The model.
    pub model: String,
    /// The folder.
    pub folder: String,
    /// By suite: share of right answers of each item, 0 to 1.
    pub suites: BTreeMap<String, Vec<f64>>,
}

/// What `azr score --json` prints.
#[derive(Deserialize)]
struct ScoreSummary {
    suite: String,
    n_items: usize,
    #[serde(rename = "pass@1")]
    pass_at_1: f64,
}

impl MeasuredRun {
    /// Reads a run folder, or a folder of `azr score --json` outputs (`*.json`).
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let name = folder
            .file_name()
            .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned());
        let shown = folder.display().to_string();
        if !folder.join("eval").is_dir() {
            return Ok(Self { model: name, folder: shown, suites: summaries(folder)? });
        }
        let run = Run::load(folder)?;
        let mut suites = BTreeMap::new();
        let mut model = None;
        // Ordered by step: later evaluations replace earlier ones.
        for evaluation in &run.evaluations {
            let greedy = evaluation.tallies(Decoding::Greedy);
            let tallies = if greedy.is_empty() { evaluation.tallies(Decoding::Sampled) } else { greedy };
            let shares: Vec<f64> =
                tallies.values().flat_map(|items| items.values().map(|tally| tally.share())).collect();
            if !shares.is_empty() {
                suites.insert(evaluation.suite.clone(), shares);
            }
            if let Some(named) = evaluation.metrics.get("model").and_then(|model| model.as_str()) {
                model = Some(named.to_owned());
            }
        }
        Ok(Self { model: model.unwrap_or(name), folder: shown, suites })
    }
}

/// Score summaries of a folder: each stands for its items, of which the given share is right.
fn summaries(folder: &Path) -> Result<BTreeMap<String, Vec<f64>>, Error> {
    let mut suites = BTreeMap::new();
    for name in crate::run::list(folder)? {
        let path = folder.join(&name);
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Some(value) = crate::run::read_json(&path)? else { continue };
        let Ok(summary) = serde_json::from_value::<ScoreSummary>(value) else { continue };
        if summary.n_items > MAX_ITEMS {
            continue;
        }
        let right = summary.pass_at_1 / 100.0 * summary.n_items as f64;
        let shares = (0..summary.n_items).map(|item| (right - item as f64).clamp(0.0, 1.0)).collect();
        suites.insert(summary.suite, shares);
    }
    if suites.is_empty() {
        return Err(Error::NotARun { path: folder.into() });
    }
    Ok(suites)
}

fn row(model: &str, runs: &[&MeasuredRun]) -> MeasuredRow {
    let cells: [Option<Measured>; 9] = std::array::from_fn(|column| {
        let of_seeds: Vec<&Vec<f64>> =
            runs.iter().filter_map(|run| run.suites.get(COLUMNS[column].0)).collect();
        measured(&of_seeds)
    });
    let averages = averages(&std::array::from_fn(|column| cells[column].as_ref().map(|cell| cell.value)));
    let folders: BTreeSet<String> = runs.iter().map(|run| run.folder.clone()).collect();
    MeasuredRow { name: model.to_owned(), runs: folders.into_iter().collect(), cells, averages }
}

/// Mean over seeds of the mean over items, with its interval: Wilson's over items for one seed, and for several
/// the wider of that and 1.96 standard errors over seeds.
fn measured(seeds: &[&Vec<f64>]) -> Option<Measured> {
    let values: Vec<f64> = seeds.iter().map(|shares| 100.0 * statistics::mean(shares)).collect();
    let n_items = seeds.iter().map(|shares| shares.len()).min().filter(|n| *n > 0)?;
    let value = statistics::mean(&values);
    let mut interval = wilson(value / 100.0, n_items as f64);
    if values.len() > 1 {
        let n = values.len() as f64;
        let variance = values.iter().map(|one| (one - value).powi(2)).sum::<f64>() / (n - 1.0);
        let half = 1.96 * (variance / n).sqrt();
        interval = (interval.0.min(value - half), interval.1.max(value + half));
    }
    Some(Measured { value, interval, n_items, n_seeds: values.len() })
}

/// Wilson's 95 % interval of a rate, in percent.
fn wilson(rate: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.96;
    let scale = 1.0 + Z * Z / n;
    let middle = (rate + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    (100.0 * (middle - half).max(0.0), 100.0 * (middle + half).min(1.0))
}

/// Tenths of a percent, half to even on the binary value.
fn to_tenths(value: f64) -> i64 {
    (value * 10.0).round_ties_even() as i64
}

/// Rounded to one decimal, half up, of a value that sums of tenths may have left a little below its half.
fn half_up(value: f64) -> f64 {
    (value * 10.0 + 0.5 + 1e-9).floor() / 10.0
}

/// Code, math and total of a row by the paper's rule.
pub fn averages(columns: &[Option<f64>; 9]) -> [Option<f64>; 3] {
    let mean = |columns: &[Option<f64>]| {
        let values: Option<Vec<f64>> =
            columns.iter().map(|value| value.map(|value| to_tenths(value) as f64 / 10.0)).collect();
        values.map(|values| statistics::mean(&values))
    };
    let code = mean(&columns[..CODE_COLUMNS]);
    let math = mean(&columns[CODE_COLUMNS..]);
    let total = code.zip(math).map(|(code, math)| f64::midpoint(code, math));
    [code.map(half_up), math.map(half_up), total.map(half_up)]
}

#[cfg(test)]
mod tests;
