//! What the reference's judge does to a text before it parses it.

use regex::Regex;
use std::sync::LazyLock;

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("the pattern is constant"));
    };
}

pattern!(
    LEFT,
    r"\\m?left(\\\{|\{|\\\||\||\[|\(|\\rbracl|\\lgroup|\\lbrace|\\lbrack|\\vert|\\lvert|\\lceil|\\lfloor|\\langle|\\llcorner|\\ulcorner)"
);
pattern!(
    RIGHT,
    r"\\m?right(\\\}|\}|\\\||\||\]|\)|\\rbrack|\\rgroup|\\rbrace|\\vert|\\rvert|\\rceil|\\rfloor|\\rangle|\\lrcorner|\\urcorner)"
);
pattern!(PERMUTATION, r"\(([a-zA-Z0-9+\-*/\\ ]+?)\)_\{([a-zA-Z0-9+\-*/\\ ]+?)\}");
pattern!(REMOVED, r"\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|\\displaystyle");
pattern!(MATH, r"\\math(?:rm|it|bf)");
pattern!(STYLED_TEXT, r"\\text(?:normal|bf|it|rm)");
pattern!(FRACTION, r"\\[dtc]frac");
pattern!(BRACED_COMMA, r"\s*\{\s*,\s*\}");
pattern!(TEXT_AND, r"(,?\s*\\text\{\s*(?:and|or)\s*\})");
pattern!(DOTS, r",?(\\ldots)");
pattern!(PERCENT, r"\\text\{percent\}|\s*percent");
pattern!(UNIT, r"(\\(?:text|mbox)\{.*?\})(\^\d|\{\^\d\})?$");
pattern!(EMPTY_TEXT, r"\\text\s*\{\s*\}");
pattern!(POWER_PARENS, r"\^\s?\((.*?)\)");
pattern!(ROOT_PARENS, r"sqrt\s?\((.*?)\)");
pattern!(FRACTION_DIGITS, r"\\frac\s?(\d)\s?(\d+)");
pattern!(LOG_DIGITS, r"\\log_\s?(\d)\s?(\d+)");
pattern!(FRACTION_LAST, r"\\frac\s?\{(.*?)\}\s?(\d)");
pattern!(FRACTION_FIRST, r"\\frac\s?(\d)\s?\{(.*?)\}");
pattern!(ROOT_DIGIT, r"\\sqrt\s?(\d)");

/// The content of the boxes of a text, from the right; several are joined by commas. With `last`, boxes count
/// together only where a short text with a separator stands between them. Without a box: the text.
pub fn boxed_content(text: &str, last: bool) -> String {
    let mut results: Vec<String> = Vec::new();
    let mut end = text.len();
    let mut bound = text.len();
    let mut next_start: Option<usize> = None;
    loop {
        let place = |command: &str| text[..end].rfind(command).map(|start| (start, start + command.len()));
        let Some((start, after)) = place("\\boxed").into_iter().chain(place("\\fbox")).max() else { break };
        let open =
            after + text[after..bound].find(|letter: char| !letter.is_whitespace()).unwrap_or(bound - after);
        if open >= bound {
            break;
        }
        let close = if text[open..].starts_with('{') { closing(&text[..bound], open) } else { None };
        let Some(close) = close else {
            if results.is_empty() {
                results.push(text[open..].to_owned());
            }
            break;
        };
        if last && let Some(next) = next_start {
            let between = &text[close + 1..next];
            let parted = ["and", "or", ",", ";"].iter().any(|separator| between.contains(separator));
            if between.chars().count() >= 70 || !parted {
                break;
            }
        }
        results.push(text[open + 1..close].trim().to_owned());
        next_start = Some(start);
        bound = start;
        end = start;
    }
    if results.is_empty() {
        return text.to_owned();
    }
    results.reverse();
    results.join(",")
}

/// The brace that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(place);
                }
            }
            _ => {}
        }
    }
    None
}

/// The text as it is parsed. A sound reading keeps what the reference takes for a unit.
pub fn tidy(text: &str, sound: bool) -> String {
    let mut text = text.replace("\\mathrm{T}", "T").replace("\\mathrm{d}", "d").replace("{\\rm d}", "d");
    text = text
        .replace("\\left[\\begin{matrix}", "\\begin{bmatrix}")
        .replace("\\end{matrix}\\right]", "\\end{bmatrix}");
    text = LEFT.replace_all(&text, "$1").into_owned();
    text = RIGHT.replace_all(&text, "$1").into_owned();
    text = PERMUTATION.replace_all(&text, r"\frac{($1)!}{(($1)-($2))!}").into_owned();
    text = REMOVED.replace_all(&text, "").into_owned();
    text = without_quotes(&text);
    text = MATH.replace_all(&text, r"\text").into_owned();
    text = STYLED_TEXT.replace_all(&text, r"\text").into_owned();
    text = FRACTION.replace_all(&text, r"\frac").into_owned();
    text = decimal_points(&text).replace("{.", "{0.").replace("~=", "\\approx");
    text = BRACED_COMMA.replace_all(&text, ",").into_owned();
    text = words_to_commas(&text);
    text = TEXT_AND.replace_all(&text, ",").into_owned();
    text = backslash_spaces(&text);
    text = infinities(&text);
    text = DOTS.replace_all(&text, " ").into_owned();
    text = PERCENT.replace_all(&text, r"\%").into_owned();
    text = text.replace(" sqrt", "\\sqrt").replace(['\n', '\t'], " ");
    if !text.contains("matrix") {
        text = single_backslashes(&text);
    }
    let without_unit = UNIT.replace(&text, "").trim().to_owned();
    if !without_unit.is_empty() && !sound {
        text = without_unit;
    }
    text = EMPTY_TEXT.replace_all(&text, " ").into_owned();
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    if text == "0.5" {
        text = "\\frac{1}{2}".into();
    }
    text = POWER_PARENS.replace_all(&text, "^{$1}").into_owned();
    text = ROOT_PARENS.replace_all(&text, r"\sqrt{$1}").into_owned();
    text = FRACTION_DIGITS.replace_all(&text, r"\frac{$1}{$2}").into_owned();
    text = LOG_DIGITS.replace_all(&text, r"\log_{$1}{$2}").into_owned();
    text = FRACTION_LAST.replace_all(&text, r"\frac{$1}{$2}").into_owned();
    text = FRACTION_FIRST.replace_all(&text, r"\frac{$1}{$2}").into_owned();
    text = ROOT_DIGIT.replace_all(&text, r"\sqrt{$1}").into_owned();
    text = complete_fractions(&complete_roots(&text));
    slash(text).trim().to_owned()
}

/// Quotes go, unless a backslash stands before them.
fn without_quotes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut before = ' ';
    for letter in text.chars() {
        if !matches!(letter, '"' | '\'') || before == '\\' {
            kept.push(letter);
        }
        before = letter;
    }
    kept
}

/// A point after a space begins a decimal.
fn decimal_points(text: &str) -> String {
    static SPACE_POINT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\s\.").expect("the pattern is constant"));
    SPACE_POINT.replace_all(text, " 0.").into_owned()
}

/// `and` and `or` that no letter touches are commas.
fn words_to_commas(text: &str) -> String {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r",?\s*(?:and|or)").expect("the pattern is constant"));
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for found in WORD.find_iter(text) {
        let touched = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphabetic());
        if touched(text[..found.start()].chars().next_back()) || touched(text[found.end()..].chars().next()) {
            continue;
        }
        result.push_str(&text[from..found.start()]);
        result.push(',');
        from = found.end();
    }
    result + &text[from..]
}

/// A backslash before a space is a space, unless it is the second of two.
fn backslash_spaces(text: &str) -> String {
    static SPACED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(^|[^\\])\\\s").expect("the pattern is constant"));
    SPACED.replace_all(text, "$1 ").into_owned()
}

fn infinities(text: &str) -> String {
    let text = text.replace("infinity", "\\infty");
    let mut result = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(place) = rest.find("inf") {
        result.push_str(&rest[..place]);
        let replaced = !result.ends_with('\\');
        result.push_str(if replaced { "\\infty" } else { "inf" });
        rest = &rest[place + 3..];
    }
    result + rest
}

/// Two backslashes before a letter are one.
fn single_backslashes(text: &str) -> String {
    static DOUBLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\\\\([a-zA-Z])").expect("the pattern is constant"));
    DOUBLE.replace_all(text, r"\$1").into_owned()
}

/// `\sqrt3` -> `\sqrt{3}`, for any one character.
fn complete_roots(text: &str) -> String {
    let mut parts = text.split("\\sqrt");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.trim_start();
        result.push_str("\\sqrt");
        match part.chars().next() {
            Some(first) if first != '{' && first != '[' => {
                result.push_str(&format!("{{{first}}}{}", &part[first.len_utf8()..]));
            }
            _ => result.push_str(part),
        }
    }
    result
}

/// `\frac12` -> `\frac{1}{2}`; the text stays where a `\frac` has too little after it.
fn complete_fractions(text: &str) -> String {
    let mut parts = text.split("\\frac");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let part = part.trim_start();
        result.push_str("\\frac");
        if part.starts_with('{') {
            result.push_str(part);
            continue;
        }
        let mut letters = part.chars();
        let (Some(above), Some(below)) = (letters.next(), letters.next()) else { return text.to_owned() };
        result.push_str(&format!("{{{above}}}"));
        if below == '{' {
            result.push(below);
        } else {
            result.push_str(&format!("{{{below}}}"));
        }
        result.push_str(letters.as_str());
    }
    result
}

/// `3/4`, and nothing else, is a fraction.
fn slash(text: String) -> String {
    let canonical = |side: &str| {
        let digits = side.strip_prefix('-').unwrap_or(side);
        side == "0"
            || (!digits.is_empty()
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match text.split_once('/') {
        Some((above, below)) if canonical(above) && canonical(below) => {
            format!("\\frac{{{above}}}{{{below}}}")
        }
        _ => text,
    }
}
