//! The expressions that an answer offers: its box, and where that does not parse, other places of the text.
//!
//! The reference looks for patterns in an order of priority and stops at the first priority at which something parses;
//! the first text that it met stays as a text beside the parsed value (two equal texts are equal answers).

use super::expression::Expression;
use super::parser::{Reading, Value, parse};
use super::tidy::{boxed_content, tidy};
use fancy_regex::Regex;
use std::sync::LazyLock;

/// What was found in an answer.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The parsed value.
    pub value: Option<Value>,
    /// The first text that a pattern matched, tidied.
    pub text: Option<String>,
}

/// Longest answer that is looked at, in bytes.
const LENGTH_BOUND: usize = 4_000;
const STEPS_BOUND: usize = 200_000;

static COMPLEX: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\\mathbb\{C\}|\\i\b|\bi\b|\\(?:text|mathrm)\{i\}|\\imath\b|\\det|\\(?:operatorname|text)\{(?:tr|rank|Re|Im)\}|\\(?:arg|Re|Im)\{",
    )
});

/// An expression of digits and signs, and a number; each where a text begins, after a space or after `=`.
const ARITHMETIC: &str = r"(?:(?:^|\s|=)(?:\*\*)?(?<expr>-?\(?-?\d[\d.\s+\-*×/^()÷]*[+\-*×/^()÷][\d.\s+\-*×/^()÷]+\)?)(?:\*\*)?(?:\.|,|:|\s|\)|\$|$))";
const NUMBER: &str = r"(?:(?:^|\s|=)(?:\*\*)?[$€£¥₹]?(?<!\d)(?:(?<grouped>-?[1-9]\d{0,2}(?:[ ,]\d{3})+(?:\.\d+)?)|(?<number>-?\d+[.,]\d+|\.\d+|-?\d+))(?<percent>\s*(?:%|[Pp]ercent|[Pp]ercentage|[Pp]ct))?)";

/// One expression between signs of mathematics, or a fraction; its groups carry the number `place`.
fn latex_part(place: usize) -> String {
    let fraction = r"-?\\frac\{-?\d+(?:[.,]\d+)?\}\{-?\d+(?:[.,]\d+)?\}";
    format!(
        "(?:(?<!\\\\)\\$\\$(?<a{place}>(?:[^$]|\\$(?!\\$))+?)(?<!\\\\)\\$\\$\
         |(?<!\\\\)\\\\\\[(?<b{place}>(?:[^\\\\]|\\\\(?!\\]))+?)(?<!\\\\)\\\\\\]\
         |(?<!\\\\|\\d)\\$(?<c{place}>(?:\\\\[$]|[^\\n$])+?)(?<!\\\\)\\$\
         |(?<!\\\\)\\\\\\((?<d{place}>(?:[^\\\\\\n]|\\\\(?!\\)))+?)(?<!\\\\)\\\\\\)\
         |\\s\\[(?<e{place}>[^\\n\\]\\[]+?)\\]\\s\
         |(?<f{place}>{fraction}))"
    )
}

/// Up to [`PARTS`] of them, joined by commas, `and`, `or`.
fn latex() -> String {
    let mut pattern = latex_part(0);
    for place in 1..PARTS {
        pattern.push_str(&format!(r"(?:\s*(?:,?and|,?or|,)\s*{})?", latex_part(place)));
    }
    pattern
}

/// Expressions that are joined at most.
const PARTS: usize = 6;

static ANSWER_LATEX: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!("(?s)(?i:answer).{{0,50}}?{}", latex())));
static ANSWER_ARITHMETIC: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"(?i:answer)(?:.{{0,100}}=\s*|.{{0,50}}?){ARITHMETIC}(?!\s*=)")));
static ANSWER_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| compiled(&format!(r"(?i:answer)(?:.{{0,100}}=\s*|.{{0,50}}?){NUMBER}(?!\s*=)")));
static PLAIN_LATEX: LazyLock<Regex> = LazyLock::new(|| compiled(&format!("(?s){}", latex())));
static PLAIN_ARITHMETIC: LazyLock<Regex> = LazyLock::new(|| compiled(ARITHMETIC));
static PLAIN_NUMBER: LazyLock<Regex> = LazyLock::new(|| compiled(NUMBER));

fn compiled(pattern: &str) -> Regex {
    fancy_regex::RegexBuilder::new(pattern)
        .backtrack_limit(STEPS_BOUND)
        .build()
        .expect("the pattern is constant")
}

/// Finds the expression of an answer, which is put into a box first.
pub fn find(answer: &str, sound: bool) -> Found {
    let mut found = Found::default();
    if answer.is_empty() || answer.len() > LENGTH_BOUND {
        return found;
    }
    let text = format!("\\boxed{{{answer}}}");
    let boxed = tidy(&boxed_content(&text, true), sound);
    found.value = read(&boxed, sound);
    found.text = Some(boxed).filter(|text| !text.is_empty());
    if sound {
        // A part of an answer is not the answer.
        return found;
    }
    for patterns in [
        [&*ANSWER_LATEX, &*ANSWER_ARITHMETIC, &*ANSWER_NUMBER],
        [&*PLAIN_LATEX, &*PLAIN_ARITHMETIC, &*PLAIN_NUMBER],
    ] {
        if found.value.is_some() {
            break;
        }
        search(&text, patterns, sound, &mut found);
    }
    found
}

/// A text as a value: as a whole, else what stands behind its last `=`.
fn read(text: &str, sound: bool) -> Option<Value> {
    let one = |text: &str| {
        let real = !COMPLEX.is_match(text).unwrap_or(true);
        parse(text, Reading { real, sound })
    };
    one(text).or_else(|| one(last_side(text)?))
}

/// The last side of a chain of at least two `=`, where the text is no list.
fn last_side(text: &str) -> Option<&str> {
    if text.contains([',', ';']) {
        return None;
    }
    let signs: Vec<usize> = text
        .match_indices('=')
        .map(|(place, _)| place)
        .filter(|place| !text[..*place].ends_with(['\\', '<', '!', '>']))
        .collect();
    if signs.len() < 2 { None } else { signs.last().map(|place| &text[place + 1..]) }
}

/// All matches of the patterns, from the end of the text; the first that parses counts.
fn search(text: &str, patterns: [&Regex; 3], sound: bool, found: &mut Found) {
    let mut matches = Vec::new();
    for (kind, pattern) in patterns.iter().enumerate() {
        for captures in pattern.captures_iter(text).map_while(Result::ok) {
            if let Some(whole) = captures.get(0) {
                matches.push((whole.end(), std::cmp::Reverse(whole.start()), kind, captures));
            }
        }
    }
    matches.sort_by_key(|(end, start, ..)| std::cmp::Reverse((*end, *start)));
    for (_, _, kind, captures) in matches {
        let group = |name: &str| captures.name(name).map(|group| group.as_str());
        let (value, shown) = match kind {
            0 => {
                let part = |place: usize| {
                    ["a", "b", "c", "d", "e", "f"].iter().find_map(|name| group(&format!("{name}{place}")))
                };
                let texts: Vec<String> = (0..PARTS)
                    .filter_map(part)
                    .map(|content| tidy(&boxed_content(content, false), sound))
                    .collect();
                let values: Vec<Option<Value>> = texts.iter().map(|text| read(text, sound)).collect();
                match values.iter().cloned().collect::<Option<Vec<Value>>>() {
                    Some(all) if all.len() > 1 => (Some(Value::Set(members(all))), texts.join(" and ")),
                    _ => (values.into_iter().next().flatten(), texts.into_iter().next().unwrap_or_default()),
                }
            }
            1 => {
                let expression = group("expr").unwrap_or_default();
                let readable =
                    expression.replace('\n', " ").replace('×', "*").replace('÷', "/").replace("**", "^");
                (arithmetic(&readable), expression.to_owned())
            }
            _ => {
                let digits = match (group("grouped"), group("number")) {
                    (Some(grouped), _) => grouped.replace([',', ' '], ""),
                    (None, number) => number.unwrap_or_default().replace(',', "."),
                };
                let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
                let value = Expression::from_digits(unsigned).map(|value| {
                    let value = if digits.starts_with('-') { value.negative() } else { value };
                    let hundredth = Expression::integer(1).divided_by(Expression::integer(100));
                    if group("percent").is_some() {
                        Expression::Product(vec![value, hundredth])
                    } else {
                        value
                    }
                });
                (value.map(Value::Plain), digits)
            }
        };
        if found.text.is_none() && !shown.is_empty() {
            found.text = Some(shown);
        }
        if value.is_some() {
            found.value = value;
            return;
        }
    }
}

/// The members of sets stand beside the other values.
fn members(values: Vec<Value>) -> Vec<Value> {
    values
        .into_iter()
        .flat_map(|value| match value {
            Value::Set(all) => all,
            other => vec![other],
        })
        .collect()
}

/// Arithmetic by Python's rules: as there, a number next to a bracket is no product.
fn arithmetic(text: &str) -> Option<Value> {
    let compact: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let called = compact.as_bytes().windows(2).any(|pair| {
        (pair[0].is_ascii_digit() && pair[1] == b'(')
            || (pair[0] == b')' && (pair[1].is_ascii_digit() || pair[1] == b'('))
    });
    let divided = text.split_whitespace().collect::<Vec<_>>().windows(2).any(|pair| {
        pair[0].ends_with(|letter: char| letter.is_ascii_digit())
            && pair[1].starts_with(|letter: char| letter.is_ascii_digit())
    });
    if called || divided || compact.contains(',') {
        return None;
    }
    match parse(&compact, Reading { real: true, sound: true })? {
        Value::Plain(value) => Some(Value::Plain(value)),
        _ => None,
    }
}
