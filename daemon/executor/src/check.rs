//! Runs recorded programs and compares with what was recorded: the rows of the seed files that the reference
//! implementation publishes, `{snippet, input, output, imports}`.
//!
//! The records come from another Python (3.10, 64 bits, another hash seed, numpy and sympy at hand), and long outputs
//! were cut; what is left after comparing by value is explained row by row.

use crate::literal::same_result;
use crate::{Job, Limits, Sandbox, StartState, Verdict};
use serde::{Deserialize, Serialize};

/// Longest record that is kept whole; longer ones are their first and last `RECORD_HALF` characters around "...".
const RECORD_CHARS: usize = 400;
const RECORD_HALF: usize = 200;
/// Nominal time of one row.
const SECONDS: f64 = 10.0;
/// Largest result that is compared, in characters: one published row returns 34 million.
const OUTPUT_CHARS: u32 = 1 << 26;
/// Longest `want` and `got` that are reported, in characters.
const REPORT_CHARS: usize = 2_000;

/// A recorded row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedRow {
    /// Program that defines `f`, without its imports (CRUXEval calls it `code`).
    #[serde(alias = "code")]
    pub snippet: String,
    /// Argument list of `f`.
    pub input: String,
    /// Recorded `repr` of the result.
    pub output: String,
    /// Import lines of the program.
    #[serde(default)]
    pub imports: Vec<String>,
}

/// A row whose result is not the recorded one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Index of the row, from 0.
    pub row: usize,
    /// The cause, as far as it can be told.
    pub reason: String,
    /// The record.
    pub want: String,
    /// What came out: the value, or the verdict.
    pub got: String,
}

/// The comparison of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Rows.
    pub total: usize,
    /// Rows that agree by value.
    pub agree: usize,
    /// The others, in their order.
    pub disagree: Vec<Disagreement>,
}

/// Reads JSON lines; the error names the line.
pub fn parse_rows(text: &str) -> Result<Vec<SeedRow>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))
        })
        .collect()
}

/// Runs every row and compares by value.
pub fn check(sandbox: &Sandbox, rows: &[SeedRow]) -> CheckReport {
    let verdicts = run(sandbox, rows.iter(), StartState::First);
    let mut differing: Vec<usize> =
        (0..rows.len()).filter(|&row| !agrees(&rows[row].output, &verdicts[row])).collect();
    let pairs: Vec<(String, String)> = differing
        .iter()
        .map(|&row| (rows[row].output.clone(), verdicts[row].value().unwrap_or_default().into()))
        .collect();
    // A record may be an expression, such as `dict(a=1)`, and no literal.
    let mut equal = sandbox.equal_all(&pairs, "").into_iter();
    differing.retain(|_| !equal.next().unwrap_or_default());
    // The other start state tells an order by hash from a wrong value.
    let others = run(sandbox, differing.iter().map(|&row| &rows[row]), StartState::Second);
    let disagree: Vec<Disagreement> = differing
        .iter()
        .zip(&others)
        .map(|(&row, other)| Disagreement {
            row,
            reason: reason(&rows[row].output, &verdicts[row], other),
            want: shortened(&rows[row].output),
            got: shortened(&shown(&verdicts[row])),
        })
        .collect();
    CheckReport { total: rows.len(), agree: rows.len() - disagree.len(), disagree }
}

fn run<'a>(sandbox: &Sandbox, rows: impl Iterator<Item = &'a SeedRow>, start: StartState) -> Vec<Verdict> {
    let jobs: Vec<Job> = rows
        .map(|row| {
            let program = format!("{}\n{}", row.imports.join("\n"), row.snippet);
            let limits = Limits { output_chars: OUTPUT_CHARS, ..Limits::seconds(SECONDS) };
            Job { start, ..Job::new(program, vec![format!("f({})", row.input)], limits) }
        })
        .collect();
    let reports = sandbox.run_all(&jobs).into_iter();
    reports
        .map(|report| report.calls.into_iter().next().map_or(Verdict::Crashed, |call| call.verdict))
        .collect()
}

fn agrees(want: &str, verdict: &Verdict) -> bool {
    match verdict.value() {
        Some(got) if is_cut(want) => cut(got) == want,
        Some(got) => same_result(want, got),
        None => false,
    }
}

fn is_cut(record: &str) -> bool {
    record.chars().count() == RECORD_CHARS + 3
        && record.chars().skip(RECORD_HALF).take(3).all(|character| character == '.')
}

/// The text as the record would hold it.
fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= RECORD_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(RECORD_HALF).collect();
    let tail: String = text.chars().skip(length - RECORD_HALF).collect();
    format!("{head}...{tail}")
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Value { text } => text.clone(),
        Verdict::Raised { exception, message } => format!("{exception}: {message}"),
        Verdict::SyntaxError { message, line } => format!("line {line}: {message}"),
        Verdict::MissingModule { name } => format!("missing module {name}"),
        Verdict::OutputTooLarge { length } => format!("{length} characters"),
        other => other.name().to_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(REPORT_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn reason(want: &str, verdict: &Verdict, other: &Verdict) -> String {
    let Some(got) = verdict.value() else {
        let cause = match verdict {
            Verdict::MissingModule { name } => format!("missing module {name}"),
            Verdict::Raised { exception, message }
                if message.ends_with("is not available in the sandbox") =>
            {
                format!("denied by the sandbox ({exception})")
            }
            Verdict::Raised { exception, .. } => format!("raised {exception}"),
            Verdict::OutputTooLarge { .. } => "result above the output limit".into(),
            other => other.name().replace('_', " "),
        };
        return if want.trim().is_empty() { format!("the record is empty; here: {cause}") } else { cause };
    };
    let depends_on_start = !matches!(other.value(), Some(other) if same_result(got, other));
    if want.trim().is_empty() {
        let cause = if depends_on_start || got.contains(" at 0x") { "nondeterministic" } else { "a value" };
        return format!("the record is empty; here: {cause}");
    }
    if want.contains(" at 0x") && got.contains(" at 0x") {
        return "memory address in the result".into();
    }
    if depends_on_start {
        return if same_characters(want, got) {
            "order of a set (hash seed)"
        } else {
            "depends on hash seed, randomness or clock"
        }
        .into();
    }
    if nearly_equal(want, got) {
        return "rounding of floats (sum is more exact since Python 3.12)".into();
    }
    if same_characters(want, got) {
        return "order of a set (hashes have 32 bits here)".into();
    }
    "another value".into()
}

fn same_characters(left: &str, right: &str) -> bool {
    let sorted = |text: &str| {
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters
    };
    sorted(left) == sorted(right)
}

/// Do the texts differ only in numbers, each by less than one part in a billion?
fn nearly_equal(left: &str, right: &str) -> bool {
    let (left, right) = (numbers(left), numbers(right));
    left.len() == right.len()
        && left.iter().zip(&right).all(|pair| match pair {
            (Part::Number(left), Part::Number(right)) => {
                (left - right).abs() <= 1e-9 * left.abs().max(right.abs())
            }
            (Part::Other(left), Part::Other(right)) => left == right,
            _ => false,
        })
}

enum Part {
    Number(f64),
    Other(char),
}

fn numbers(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut number = String::new();
    for character in text.chars().chain([' ']) {
        let continues = character.is_ascii_digit()
            || character == '.'
            || (character == 'e' && !number.is_empty())
            || (character == '-' && number.ends_with('e'));
        if continues {
            number.push(character);
            continue;
        }
        if !number.is_empty() {
            match number.parse() {
                Ok(value) => parts.push(Part::Number(value)),
                Err(_) => parts.extend(number.chars().map(Part::Other)),
            }
            number.clear();
        }
        parts.push(Part::Other(character));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_more_than_400_characters_is_compared_after_the_same_cut() {
        let long = format!("'{}'", "ab".repeat(300));
        let record = cut(&long);
        assert_eq!(record.len(), 403);
        assert!(is_cut(&record));
        assert!(agrees(&record, &Verdict::Value { text: long.clone() }));
        assert!(!agrees(&record, &Verdict::Value { text: long.replace("'ab", "'ba") }));
    }

    #[test]
    fn reasons_name_the_cause() {
        let value = |text: &str| Verdict::Value { text: text.into() };
        let missing = Verdict::MissingModule { name: "numpy".into() };
        assert_eq!(reason("1", &missing, &missing), "missing module numpy");
        assert_eq!(
            reason("['a', 'b']", &value("['b', 'a']"), &value("['a', 'b']")),
            "order of a set (hash seed)"
        );
        assert_eq!(
            reason("[1, 2]", &value("[2, 1]"), &value("[2, 1]")),
            "order of a set (hashes have 32 bits here)"
        );
        assert_eq!(
            reason("0.1", &value("0.10000000000000002"), &value("0.10000000000000002")),
            "rounding of floats (sum is more exact since Python 3.12)"
        );
        assert_eq!(reason("", &value("3"), &value("4")), "the record is empty; here: nondeterministic");
        let object = value("<a at 0x1f>");
        assert_eq!(reason("", &object, &object), "the record is empty; here: nondeterministic");
        assert_eq!(reason("", &value("3"), &value("3")), "the record is empty; here: a value");
        assert_eq!(reason("2", &value("3"), &value("3")), "another value");
        assert_eq!(
            reason("<a at 0x7f>", &value("<a at 0x1f>"), &value("<a at 0x1f>")),
            "memory address in the result"
        );
    }

    #[test]
    fn rows_are_read_and_a_bad_line_is_named() {
        let good = r#"{"snippet": "def f(a):\n    return a", "input": "1", "output": "1", "imports": [], "composite_functions": []}"#;
        assert_eq!(parse_rows(good).unwrap().len(), 1);
        assert!(parse_rows(&format!("{good}\n\n{{}}")).unwrap_err().starts_with("line 3"));
    }
}
