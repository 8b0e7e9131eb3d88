//! `azr sandbox check`: runs recorded triplets and counts how many give the recorded output.
//!
//! Rows are the reference's seed files: `snippet`, `imports` and `input`/`output`, or for induction `inputs`/`outputs`.
//! Equality is by value. The reference cut long outputs to their first and last 200 characters; such a
//! record agrees when our text, cut the same way, is the same.

use super::run::verdict_line;
use crate::failure::{Failure, Outcome};
use crate::files::read_json_lines;
use crate::{output, sandbox};
use azr_executor::{Job, Limits, Report, Sandbox};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Arguments of `azr sandbox check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON-lines file of recorded programs (plain or .gz), as in the azr-seeds folder of the data.
    file: PathBuf,
    /// Check the first N rows only.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// One recorded program.
#[derive(Debug, Deserialize)]
struct Row {
    snippet: String,
    #[serde(default)]
    imports: Vec<String>,
    input: Option<String>,
    output: Option<String>,
    inputs: Option<Vec<String>>,
    outputs: Option<Vec<String>>,
}

/// A row that does not agree.
#[derive(Debug, Serialize)]
struct Disagreement {
    /// 1-based line of the file.
    row: usize,
    /// Why: the verdict's name, `record_empty` or `unequal`.
    reason: String,
    want: String,
    got: String,
}

/// The result, as printed by `--json`.
#[derive(Debug, Serialize)]
struct Findings {
    total: usize,
    agree: usize,
    disagree: Vec<Disagreement>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut rows: Vec<Row> = read_json_lines(&args.file)?;
    rows.truncate(args.limit.unwrap_or(usize::MAX));
    let sandbox = sandbox::open()?;
    let findings = check(&sandbox, &rows)?;
    if args.json {
        output::say_json(&findings)?;
    } else {
        print_findings(&findings)?;
    }
    Ok(if findings.disagree.is_empty() { Outcome::Done } else { Outcome::Negative })
}

fn check(sandbox: &Sandbox, rows: &[Row]) -> anyhow::Result<Findings> {
    let pairs = rows
        .iter()
        .enumerate()
        .map(|(index, row)| pairs_of(index, row))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let jobs: Vec<Job> = rows
        .iter()
        .zip(&pairs)
        .map(|(row, pairs)| {
            let program = format!("{}\n{}", row.imports.join("\n"), row.snippet);
            let calls = pairs.iter().map(|(input, _)| format!("f({input})")).collect();
            // Each recorded pair was made in a process of its own.
            Job { fresh_namespace: true, ..Job::new(program, calls, Limits::seconds(10.0)) }
        })
        .collect();
    let reports = sandbox.run_all(&jobs);
    let mut disagree = Vec::new();
    for (index, ((row, pairs), report)) in rows.iter().zip(&pairs).zip(&reports).enumerate() {
        if let Some(found) = compare(sandbox, row, pairs, report) {
            disagree.push(Disagreement { row: index + 1, ..found });
        }
    }
    Ok(Findings { total: rows.len(), agree: rows.len() - disagree.len(), disagree })
}

fn pairs_of(index: usize, row: &Row) -> anyhow::Result<Vec<(String, String)>> {
    match (&row.input, &row.output, &row.inputs, &row.outputs) {
        (Some(input), Some(output), None, None) => Ok(vec![(input.clone(), output.clone())]),
        (None, None, Some(inputs), Some(outputs)) if inputs.len() == outputs.len() => {
            Ok(inputs.iter().cloned().zip(outputs.iter().cloned()).collect())
        }
        _ => Err(Failure::new(
            format!("row {}: needs input and output, or as many inputs as outputs", index + 1),
            "pass a file of recorded programs such as azr-seeds/7b_coder_seed_io.jsonl.gz",
        )
        .into()),
    }
}

/// The first pair of the row that does not agree.
fn compare(
    sandbox: &Sandbox,
    row: &Row,
    pairs: &[(String, String)],
    report: &Report,
) -> Option<Disagreement> {
    let imports = row.imports.join("\n");
    for ((_, want), call) in pairs.iter().zip(&report.calls) {
        let found = |reason: &str| Disagreement {
            row: 0,
            reason: reason.to_owned(),
            want: want.clone(),
            got: verdict_line(&call.verdict),
        };
        let Some(got) = call.verdict.value() else {
            return Some(found(if want.is_empty() { "record_empty" } else { call.verdict.name() }));
        };
        if want.is_empty() {
            return Some(found("record_empty"));
        }
        let equal = got == want
            || cut_as_recorded(got) == *want
            || sandbox.equal_all(&[(got.to_owned(), want.clone())], &imports) == [true];
        if !equal {
            return Some(found("unequal"));
        }
    }
    None
}

/// The reference's cut: 200 characters from each end when the text is longer than 400.
fn cut_as_recorded(text: &str) -> String {
    let length = text.chars().count();
    if length <= 400 {
        return text.to_owned();
    }
    text.chars().take(200).chain("...".chars()).chain(text.chars().skip(length - 200)).collect()
}

fn print_findings(findings: &Findings) -> anyhow::Result<()> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &findings.disagree {
        *reasons.entry(&row.reason).or_default() += 1;
        output::say(format!(
            "row {}: {}: want {}, got {}",
            row.row,
            row.reason,
            excerpt(&row.want),
            excerpt(&row.got)
        ))?;
    }
    let percent =
        if findings.total == 0 { 0.0 } else { 100.0 * findings.agree as f64 / findings.total as f64 };
    output::say(format!("{} of {} agree ({percent:.1} %)", findings.agree, findings.total))?;
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

    #[test]
    fn long_records_are_cut_at_both_ends() {
        let text: String = std::iter::repeat_n('a', 300).chain(std::iter::repeat_n('b', 300)).collect();
        let cut = cut_as_recorded(&text);
        assert_eq!(cut.len(), 403);
        assert!(cut.starts_with('a') && cut.ends_with('b') && cut.contains("a...b"));
        assert_eq!(cut_as_recorded("short"), "short");
    }

    #[test]
    fn rows_need_matching_pairs() {
        let row: Row =
            serde_json::from_str(r#"{"snippet": "def f(a): return a", "inputs": ["1"], "outputs": []}"#)
                .unwrap();
        assert!(pairs_of(0, &row).is_err());
        let row: Row =
            serde_json::from_str(r#"{"snippet": "def f(a): return a", "input": "1", "output": "1"}"#)
                .unwrap();
        assert_eq!(pairs_of(0, &row).unwrap(), vec![("1".to_owned(), "1".to_owned())]);
    }
}
