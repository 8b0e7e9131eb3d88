//! `azr sandbox check`: runs recorded programs and counts how many give the recorded output, by value.
//!
//! Rows are those of the reference's seed files: `snippet`, `imports` and `input`/`output`, or for induction
//! `inputs`/`outputs`, each pair of which counts as one recorded program. CRUXEval's rows have `code` for `snippet`.

use crate::failure::{Failure, Outcome};
use crate::files::read_json_lines;
use crate::{output, sandbox};
use azr_executor::check::{CheckReport, SeedRow, check};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Arguments of `azr sandbox check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON-lines file of recorded programs (plain or .gz), as in the azr-seeds and cruxeval folders of the data.
    file: PathBuf,
    /// Check the first N rows only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    One(SeedRow),
    Several {
        #[serde(alias = "code")]
        snippet: String,
        #[serde(default)]
        imports: Vec<String>,
        inputs: Vec<String>,
        outputs: Vec<String>,
    },
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut lines: Vec<Line> = read_json_lines(&args.file)?;
    lines.truncate(args.limit.unwrap_or(usize::MAX));
    let (rows, line_numbers) = expand(lines)?;
    if rows.is_empty() {
        let what = format!("{}: no row to check", args.file.display());
        return Err(
            Failure::new(what, "pass a file with recorded programs, and a --limit of 1 or more").into()
        );
    }
    let sandbox = sandbox::open()?;
    let mut report = check(&sandbox, &rows);
    for disagreement in &mut report.disagree {
        disagreement.row = line_numbers.get(disagreement.row).copied().unwrap_or_default();
    }
    if args.json {
        output::say_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(if report.disagree.is_empty() { Outcome::Done } else { Outcome::Negative })
}

/// One row a recorded pair, and the line (from 1) that each came from.
fn expand(lines: Vec<Line>) -> anyhow::Result<(Vec<SeedRow>, Vec<usize>)> {
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(lines) {
        match line {
            Line::One(row) => rows.push(row),
            Line::Several { snippet, imports, inputs, outputs } if inputs.len() == outputs.len() => {
                rows.extend(inputs.into_iter().zip(outputs).map(|(input, output)| SeedRow {
                    snippet: snippet.clone(),
                    imports: imports.clone(),
                    input,
                    output,
                }));
            }
            Line::Several { inputs, outputs, .. } => {
                let what = format!("row {number}: {} inputs for {} outputs", inputs.len(), outputs.len());
                return Err(Failure::new(what, "each input needs the output that was recorded for it").into());
            }
        }
        numbers.resize(rows.len(), number);
    }
    Ok((rows, numbers))
}

fn print_report(report: &CheckReport) -> anyhow::Result<()> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &report.disagree {
        *reasons.entry(&row.reason).or_default() += 1;
        let (want, got) = (excerpt(&row.want), excerpt(&row.got));
        output::say(format!("row {}: {}: want {want}, got {got}", row.row, row.reason))?;
    }
    let percent = if report.total == 0 { 0.0 } else { 100.0 * report.agree as f64 / report.total as f64 };
    output::say(format!("{} of {} agree ({percent:.1} %)", report.agree, report.total))?;
    for (reason, count) in reasons {
        output::say(format!("  {count:>4} {reason}"))?;
    }
    Ok(())
}

fn excerpt(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let line = text.replace('\n', "\\n");
    if line.chars().count() <= 60 {
        line
    } else {
        format!("{}...", line.chars().take(57).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn induction_rows_are_one_row_a_pair() {
        let (rows, numbers) = expand(lines(
            r#"{"snippet": "p", "input": "1", "output": "2", "imports": []}
{"snippet": "q", "inputs": ["3", "4"], "outputs": ["5", "6"], "message": "m"}"#,
        ))
        .unwrap();
        assert_eq!(numbers, [1, 2, 2]);
        assert_eq!((rows[2].input.as_str(), rows[2].output.as_str()), ("4", "6"));
    }

    #[test]
    fn rows_of_cruxeval_are_read_as_published() {
        let row = r#"{"code": "def f(a): return a", "input": "1", "output": "1", "id": "sample_0"}"#;
        let (rows, _) = expand(lines(row)).unwrap();
        assert_eq!((rows.len(), rows[0].snippet.as_str()), (1, "def f(a): return a"));
    }

    #[test]
    fn pairs_must_be_complete() {
        assert!(expand(lines(r#"{"snippet": "q", "inputs": ["3", "4"], "outputs": ["5"]}"#)).is_err());
    }
}
