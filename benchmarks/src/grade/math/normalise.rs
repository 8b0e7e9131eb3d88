//! The normaliser of mode `paper` (spec section 3.4), and the gentle one of mode `clean`.
//!
//! The order of the steps and their damage are the reference's: an answer like `8\text{ and }2` becomes 82.

use super::words::convert_number_words;
use crate::{BenchmarkError, DataFolder};
use regex::Regex;
use std::sync::{Arc, LazyLock};

/// The reference's unit words, each as the pattern that removes it.
#[derive(Clone, Debug, Default)]
pub struct Units {
    patterns: Arc<[Regex]>,
}

impl Units {
    /// Reads `math-verdicts/units.json` of the data folder.
    pub fn read(data: &DataFolder) -> Result<Self, BenchmarkError> {
        let path = data.local("math-verdicts/units.json")?;
        let bytes = crate::data::read_bounded(&path, 1 << 20)?;
        let bad =
            |message: String| BenchmarkError::BadLine { file: path.display().to_string(), line: 1, message };
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        let words = value["units"].as_array().ok_or_else(|| bad("no list \"units\"".into()))?;
        let words: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
        Self::new(&words).map_err(|error| bad(error.to_string()))
    }

    /// Patterns of the words and then of the words with an "s", in order; the words are patterns themselves.
    pub fn new(words: &[&str]) -> Result<Self, regex::Error> {
        let pattern = |word: String| Regex::new(&format!(r"(^|\W){word}($|\W)"));
        let plain = words.iter().map(|word| pattern((*word).to_owned()));
        let plural = words.iter().map(|word| pattern(format!("{word}s")));
        Ok(Self { patterns: plain.chain(plural).collect::<Result<Vec<_>, _>>()?.into() })
    }
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("the pattern is constant"));
    };
}

pattern!(ARRAY_BEGIN, r"\\begin\{array\}\{.*?\}");
pattern!(ARRAY_END, r"\\end\{array\}");
pattern!(TRAILING_TEXT, r"\\text\{.*?\}$");
pattern!(TEXT, r"\\text\{(.*?)\}");
pattern!(MBOX, r"\\mbox\{.*?\}");
pattern!(ZERO_FRACTION, r"(\d+)\.0*([^\d])");
pattern!(ZERO_FRACTION_END, r"(\d+)\.0*$");
pattern!(SQRT, r"\\sqrt(\w+)");

/// Normalises an answer or gold; `units` is `None` where unit removal is skipped.
pub fn normalise(text: &str, units: Option<&Units>) -> String {
    let mut text = text.trim().replace('\n', "");
    text.truncate(text.trim_end_matches('.').len());
    text = text.replace("\\!", "");
    text = ARRAY_BEGIN.replace_all(&text, r"\begin{pmatrix}").into_owned();
    text = ARRAY_END.replace_all(&text, r"\end{pmatrix}").replace("bmatrix", "pmatrix");
    for (from, to) in [
        ("tfrac", "frac"),
        ("dfrac", "frac"),
        ("\\neq", "\\ne"),
        ("\\leq", "\\le"),
        ("\\geq", "\\ge"),
        ("\\left", ""),
        ("\\right", ""),
        ("\\{", "{"),
        ("\\}", "}"),
    ] {
        text = text.replace(from, to);
    }
    let without_unit = TRAILING_TEXT.replace(&text, "").trim().to_owned();
    if !without_unit.is_empty() {
        text = without_unit;
    }
    if let Some(units) = units {
        text = remove_units(text, units);
    }
    text = text.replace("^{\\circ}", "").replace("^\\circ", "");
    for mark in ["\\$", "$", "\\(", "\\)"] {
        text = text.replace(mark, "");
    }
    text = convert_number_words(&text);
    text = TEXT.replace_all(&text, "$1").into_owned();
    for key in ["x=", "y=", "z=", "x\\in", "y\\in", "z\\in", "x\\to", "y\\to", "z\\to"] {
        text = text.replace(key, "");
    }
    text = text.replace("\\emptyset", "{}").replace("(-\\infty,\\infty)", "\\mathbb{R}");
    text = text.replace("\\%", "").replace('%', "");
    text = text.replace(" .", " 0.").replace("{.", "{0.");
    text = text.replace("infinity", "\\infty");
    if !text.contains("\\infty") {
        text = text.replace("inf", "\\infty");
    }
    text = text.replace("and", "").replace("\\mathbf", "");
    text = MBOX.replace_all(&text, "").into_owned();
    if text.contains('j') && !text.contains('i') {
        text = text.replace('j', "i");
    }
    text = ZERO_FRACTION.replace_all(&text, "$1$2").into_owned();
    text = ZERO_FRACTION_END.replace_all(&text, "$1").into_owned();
    if text.is_empty() {
        return text;
    }
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    if let Some((left, right)) = text.split_once('=')
        && !right.contains('=')
        && left.chars().count() <= 2
    {
        text = String::from(right);
    }
    text = SQRT.replace_all(&text, r"\sqrt{$1}").replace(' ', "");
    slash_to_fraction(complete_fractions(&text))
}

fn remove_units(mut text: String, units: &Units) -> String {
    for _ in 0..2 {
        for pattern in units.patterns.iter() {
            let shorter = pattern.replace_all(&text, "$1$2");
            if !shorter.is_empty() {
                text = shorter.into_owned();
            }
        }
    }
    text
}

/// `\frac12` -> `\frac{1}{2}`, `\frac1{72}` -> `\frac{1}{72}`; the text stays where a `\frac` has too little after it.
fn complete_fractions(text: &str) -> String {
    let mut parts = text.split("\\frac");
    let mut complete = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        complete.push_str("\\frac");
        if part.starts_with('{') {
            complete.push_str(part);
            continue;
        }
        let mut characters = part.chars();
        let (Some(above), Some(below)) = (characters.next(), characters.next()) else {
            return text.to_owned();
        };
        complete.push_str(&format!("{{{above}}}"));
        if below == '{' {
            complete.push(below);
        } else {
            complete.push_str(&format!("{{{below}}}"));
        }
        complete.push_str(characters.as_str());
    }
    complete
}

/// `a/b` -> `\frac{a}{b}` where each side is a canonical integer or holds a root.
fn slash_to_fraction(text: String) -> String {
    let canonical = |side: &str| {
        let digits = side.strip_prefix('-').unwrap_or(side);
        side.contains("sqrt")
            || side == "0"
            || (digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.is_empty()
                && !digits.starts_with('0'))
    };
    match text.split_once('/') {
        Some((above, below)) if !below.contains('/') && canonical(above) && canonical(below) => {
            format!("\\frac{{{above}}}{{{below}}}")
        }
        _ => text,
    }
}

pattern!(CLEAN_UNIT, r"\s*\\(?:text|mathrm|mbox|textrm)\{[\s~]*[^{}\d]*\}(?:\^\{?[23]\}?)?$");
pattern!(CLEAN_COMMAND, r"\\(?:text|textbf|mathbf|mathrm|mbox)\{([^{}]*)\}");

pattern!(SCIENTIFIC, r"^(-?\d+(?:\.\d+)?)e([-+]?\d+)$");

/// Strips what surrounds a number: the box, signs of money, percent and degrees, text commands, trailing units.
pub fn clean(text: &str) -> String {
    let mut text = text.trim();
    loop {
        let inner = text
            .strip_prefix("\\boxed{")
            .or_else(|| text.strip_prefix("\\fbox{"))
            .and_then(|rest| rest.strip_suffix('}'))
            .or_else(|| text.strip_prefix("\\boxed "))
            .or_else(|| text.strip_prefix("\\(").and_then(|rest| rest.strip_suffix("\\)")))
            .or_else(|| text.strip_prefix('$').and_then(|rest| rest.strip_suffix('$')));
        match inner {
            Some(inner) => text = inner.trim(),
            None => break,
        }
    }
    let mut text = text.trim_end_matches('.').to_owned();
    let without_unit = CLEAN_UNIT.replace(&text, "").into_owned();
    if !without_unit.is_empty() {
        text = without_unit;
    }
    text = CLEAN_COMMAND.replace_all(&text, "$1").into_owned();
    for mark in ["^{\\circ}", "^\\circ", "\\$", "$", "\\%", "%", "\\!", "\\,", "\\left", "\\right", "°"] {
        text = text.replace(mark, "");
    }
    // A number in the notation of programs, not a multiple of Euler's.
    SCIENTIFIC.replace(text.trim(), "${1}E$2").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Units {
        Units::new(&["degree", "c", "cm", "m", "h", "a .", "apple"]).unwrap()
    }

    #[test]
    fn the_documented_damage_is_done() {
        for (text, want) in [
            ("27.0", "27"),
            ("(3.,2)", "(3,2)"),
            ("70\\text{ cm}+\\frac{1}{2}", "70"),
            ("8\\text{ and }2", "82"),
            ("\\boxed{\\text{Evelyn}}", "\\boxed{"),
            ("c+b", "+b"),
            ("2\\pi r h", "2\\pir"),
            ("50\\%", "50"),
            ("\\sqrt12", "\\sqrt{12}"),
            ("\\frac12", "\\frac{1}{2}"),
            ("\\frac1{72}", "\\frac{1}{72}"),
            ("\\frac1", "\\frac1"),
            ("3/-4", "\\frac{3}{-4}"),
            ("3/04", "3/04"),
            ("k=5", "5"),
            ("abc=5", "abc=5"),
            (".5", "0.5"),
            ("809 apples", "809"),
            ("h", "h"),
            ("3j", "3i"),
            ("", ""),
        ] {
            assert_eq!(normalise(text, Some(&units())), want, "{text}");
        }
        assert_eq!(normalise("5 cm", None), "5cm");
    }

    #[test]
    fn clean_keeps_text_and_letters() {
        for (text, want) in [
            ("\\boxed{\\text{540}}", "540"),
            ("\\boxed{ 45^\\circ }", "45"),
            ("$\\$45.$", "45"),
            ("12\\text{ cm}^2", "12"),
            ("\\boxed{x+h}", "x+h"),
            ("\\text{Evelyn}", "\\text{Evelyn}"),
        ] {
            let got = clean(text);
            assert!(got == want || text.starts_with("\\text") && got == "Evelyn", "{text}: {got}");
        }
    }
}
