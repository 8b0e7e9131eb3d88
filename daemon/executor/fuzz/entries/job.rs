//! Any bytes as a job, as limits, as a report, as rows of a seed file, as a file of attacks, as literals: they are read
//! or refused, and what was read is the same after it was written and read again.

use azr_executor::attack::{self, Attack};
use azr_executor::check::{SeedRow, parse_rows};
use azr_executor::literal::{Value, same_result};
use azr_executor::{Job, Limits, Report, Verdict};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Brackets up to which a text in one more pair is as readable as without.
const SHALLOW: usize = 100;
/// Lines that are read as literals on their own.
const MOST_LITERALS: usize = 20;

pub fn check(data: &[u8]) {
    check_json::<Job>(data);
    check_json::<Limits>(data);
    check_json::<Report>(data);
    if let Some(verdict) = check_json::<Verdict>(data) {
        let written = serde_json::to_value(&verdict).expect("a verdict can be written");
        assert_eq!(written["kind"], verdict.name());
    }
    let text = String::from_utf8_lossy(data);
    check_rows(&text);
    check_attacks(&text);
    check_literal(&text);
    let lines: Vec<&str> = text.lines().take(MOST_LITERALS).collect();
    for line in &lines {
        check_literal(line);
    }
    for pair in lines.windows(2) {
        check_pair(pair[0], pair[1]);
    }
}

fn check_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<T>(&written).expect("what was written can be read"), value);
    Some(value)
}

fn check_rows(text: &str) {
    match parse_rows(text) {
        Ok(rows) => {
            assert_eq!(rows.len(), text.lines().filter(|line| !line.trim().is_empty()).count());
            let write = |row: &SeedRow| serde_json::to_string(row).expect("a row can be written");
            let written: Vec<String> = rows.iter().map(write).collect();
            assert_eq!(parse_rows(&written.join("\n")), Ok(rows));
        }
        Err(error) => {
            let number = error.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse().ok());
            let number: usize = number.unwrap_or_else(|| panic!("no line is named: {error}"));
            assert!((1..=text.lines().count()).contains(&number), "{error}");
        }
    }
}

fn check_attacks(text: &str) {
    let Ok(attacks) = attack::parse("category", text) else { return };
    let write = |attack: &Attack| {
        let calls: String = attack.calls.iter().map(|call| format!("#: call {call}\n")).collect();
        format!("#: {} -> {}\n{calls}{}", attack.name, attack.want, attack.program)
    };
    let written: String = attacks.iter().map(write).collect();
    // A carriage return before the end of a line is a part of it once more.
    assert!(text.contains('\r') || attack::parse("category", &written) == Ok(attacks), "{written}");
}

fn check_literal(text: &str) {
    let literal = Value::parse(text);
    let repr = Value::parse_repr(text);
    assert!(same_result(text, text));
    if literal.is_some() {
        assert_eq!(literal, repr, "a literal is read in two ways: {text}");
    }
    if text.matches(['(', '[', '{']).count() < SHALLOW {
        let value = repr.as_ref().filter(|_| literal.is_none());
        for (value, parse) in [
            (literal.as_ref(), Value::parse as fn(&str) -> Option<Value>),
            (value, Value::parse_repr as fn(&str) -> Option<Value>),
        ] {
            let Some(value) = value else { continue };
            assert_eq!(parse(&format!("({text})")).as_ref(), Some(value), "in parentheses: {text}");
            assert_eq!(parse(&format!(" {text}\t")).as_ref(), Some(value), "between spaces: {text}");
            let (one, two) = (parse(&format!("[({text})]")), parse(&format!("[ ({text}), ]")));
            assert!(one.is_some() && one == two, "in a list: {text}");
            assert_ne!(one.as_ref(), Some(value), "a list of itself: {text}");
        }
    }
}

fn check_pair(left: &str, right: &str) {
    let equal = same_result(left, right);
    assert_eq!(equal, same_result(right, left), "{left} and {right}");
    if let (Some(one), Some(other)) = (Value::parse(left), Value::parse(right)) {
        assert_eq!(one.equals(&other), other.equals(&one), "{left} and {right}");
        let list = |first: &str, second: &str| format!("[({first}), ({second})]");
        let swapped = same_result(&list(left, right), &list(right, left));
        let shallow = left.len() < SHALLOW && right.len() < SHALLOW;
        assert!(
            !shallow || list(left, right) == list(right, left) || swapped == one.equals(&other),
            "{left} and {right}"
        );
    }
}
