//! LaTeX into tokens, by the longest match among the texts that the reference's grammar knows.
//!
//! Commands are prefixes, not words: `\omegai` is `\omega` and then `i`. Words such as `tr` or `norm` are reserved
//! in the reference even outside of `\operatorname`, so that a product of letters that holds one does not parse.

use super::vocabulary::{ACCENTS, FUNCTIONS, GREEK, RESERVED, SKIPPED, SYMBOLS, fixed};

/// A relation sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `=`
    Equal,
    /// `\ne`
    Unequal,
    /// `<`
    Less,
    /// `\le`
    AtMost,
    /// `>`
    Greater,
    /// `\ge`
    AtLeast,
    /// `\approx`
    Near,
}

/// A named set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedSet {
    /// Natural numbers.
    Naturals,
    /// Integers.
    Integers,
    /// Rational numbers.
    Rationals,
    /// Real numbers.
    Reals,
    /// Complex numbers.
    Complexes,
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// A sign of multiplication.
    Times,
    /// A sign of division, `:` included.
    Divide,
    /// `\mod`
    Modulo,
    /// `(`, `[` and their commands, by their kind.
    Open(char),
    /// `)`, `]` and their commands.
    Close(char),
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `\{`
    OpenSet,
    /// `\}`
    CloseSet,
    /// `|`
    Bar,
    /// `\lfloor`
    OpenFloor,
    /// `\rfloor`
    CloseFloor,
    /// `\lceil`
    OpenCeiling,
    /// `\rceil`
    CloseCeiling,
    /// `\sin` and the other functions of one argument.
    Function(&'static str),
    /// `\gcd` and the other functions of several.
    ManyFunction(&'static str),
    /// `\sqrt`
    Root,
    /// `\frac`
    Fraction,
    /// `\binom`
    Binomial,
    /// `\sum` or `\prod`
    Series(&'static str),
    /// `\begin{pmatrix}`
    BeginMatrix,
    /// `\end{pmatrix}`
    EndMatrix,
    /// `\begin{vmatrix}`
    BeginDeterminant,
    /// `\end{vmatrix}`
    EndDeterminant,
    /// `&`
    Column,
    /// `\\`
    Row,
    /// `_`
    Underscore,
    /// `^`
    Caret,
    /// `;`
    Semicolon,
    /// `,`
    Comma,
    /// `d` and a letter: the name of the variable.
    Differential(String),
    /// Euler's number.
    Euler,
    /// Capital E outside of a number.
    CapitalE,
    /// A letter, a Greek letter or another symbol: its text as written, and its name.
    Symbol {
        /// As written; part of the name of an applied function.
        written: String,
        /// Name of the symbol, lower case.
        name: String,
    },
    /// A number: its digits, and whether it was written with an exponent.
    Number(String),
    /// A number with a percent sign.
    Percent(String),
    /// `\infty`
    Infinity,
    /// `\in`
    In,
    /// `\notin`
    NotIn,
    /// A relation.
    Relation(Sign),
    /// `!`
    Factorial,
    /// A transposition or a sign of degrees, which changes nothing of a number.
    Ignored,
    /// `\gamma` or `\Gamma`, which is a function only.
    Gamma,
    /// `\cup`
    Union,
    /// `\cap`
    Intersection,
    /// `\setminus`
    Without,
    /// `\pm`
    PlusMinus,
    /// A named set.
    Set(NamedSet),
    /// `\emptyset`
    Empty,
    /// Something the grammar knows and no answer needs.
    Reserved,
}

/// Everything that is matched as a text, longest first.
struct Table {
    entries: Vec<(String, Option<Token>)>,
}

impl Table {
    fn new() -> Self {
        let symbol = |written: String, name: &str| Token::Symbol { written, name: name.to_lowercase() };
        let mut entries: Vec<(String, Option<Token>)> =
            fixed().into_iter().map(|(text, token)| (text.to_owned(), Some(token))).collect();
        entries.extend(SKIPPED.iter().map(|text| ((*text).to_owned(), None)));
        entries.extend(RESERVED.iter().map(|text| ((*text).to_owned(), Some(Token::Reserved))));
        entries.extend(FUNCTIONS.iter().map(|name| (format!("\\{name}"), Some(Token::Function(name)))));
        for (name, letter) in GREEK {
            for text in [format!("\\{name}"), letter.to_string()] {
                entries.push((text.clone(), Some(symbol(text, name))));
            }
        }
        for name in SYMBOLS {
            let text = format!("\\{name}");
            entries.push((text.clone(), Some(symbol(text, name))));
        }
        // A stable sort: of equal texts the first stays first, as in the grammar.
        entries.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { entries }
    }

    fn longest(&self, text: &str) -> Option<(usize, Option<&Token>)> {
        self.entries
            .iter()
            .find(|(entry, _)| text.starts_with(entry.as_str()))
            .map(|(entry, token)| (entry.len(), token.as_ref()))
    }
}

static TABLE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);

/// The tokens of a text, or `None` where something is no token.
pub fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if matches!(first, ' ' | '\t' | '\r' | '\n') {
            rest = &rest[1..];
            continue;
        }
        let fixed = TABLE.longest(rest);
        let free = free(rest);
        match (fixed, free) {
            // On equal length the fixed texts stand first in the grammar.
            (Some((length, token)), free) if free.as_ref().is_none_or(|(other, _)| *other <= length) => {
                found.extend(token.cloned());
                rest = &rest[length..];
            }
            (_, Some((length, token))) => {
                found.push(token);
                rest = &rest[length..];
            }
            _ => return None,
        }
    }
    Some(found)
}

/// Numbers, letters, differentials and accents.
fn free(text: &str) -> Option<(usize, Token)> {
    let first = text.chars().next()?;
    if first == '\\' {
        return accent(text);
    }
    if first.is_ascii_digit() || first == '.' {
        return number(text);
    }
    if first == 'd' {
        let rest = text[1..].trim_start_matches([' ', '\t', '\r', '\n']);
        let name_len = match rest.strip_prefix('\\') {
            Some(command) => {
                let letters =
                    command.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(command.len());
                if letters == 0 { 0 } else { letters + 1 }
            }
            None => usize::from(rest.starts_with(|letter: char| letter.is_ascii_alphabetic())),
        };
        if name_len > 0 {
            let length = text.len() - rest.len() + name_len;
            let name = rest[..name_len].trim_start_matches('\\').to_owned();
            return Some((length, Token::Differential(name)));
        }
    }
    first.is_ascii_alphabetic().then(|| {
        let written = first.to_string();
        let name = if first == 'I' { "I".to_owned() } else { written.to_lowercase() };
        (1, Token::Symbol { written, name })
    })
}

fn accent(text: &str) -> Option<(usize, Token)> {
    let command: &str = ACCENTS
        .iter()
        .filter(|accent| {
            text[1..].strip_prefix(**accent).is_some_and(|rest| {
                rest.strip_prefix([' ', '\t', '\n', '\r']).unwrap_or(rest).starts_with('{')
            })
        })
        .max_by_key(|accent| accent.len())?;
    let open = text.find('{')?;
    let mut close = open + 1;
    let bytes = text.as_bytes();
    while close < bytes.len() && bytes[close] != b'}' {
        close += if bytes[close..].starts_with(b"\\}") { 2 } else { 1 };
    }
    if close >= bytes.len() {
        return None;
    }
    let content = text[open + 1..close].replace(' ', "");
    let name = match command {
        "bar" | "overline" => format!("bar{{{content}}}"),
        "vec" | "overrightarrow" => format!("vec{{{content}}}"),
        "tilde" | "widetilde" => format!("tilde{{{content}}}"),
        text if text.contains("text") || text == "mbox" => content.replace(['(', ')'], ""),
        math if math.contains("math") => format!("math{{{content}}}"),
        other => format!("{other}{{{content}}}"),
    };
    let written = text[..=close].to_owned();
    Some((close + 1, Token::Symbol { written, name: name.to_lowercase() }))
}

fn number(text: &str) -> Option<(usize, Token)> {
    let digits = |text: &str| text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    let whole = digits(text);
    let mut length = whole;
    if text[whole..].starts_with('.') {
        let decimals = digits(&text[whole + 1..]);
        if decimals > 0 {
            length = whole + 1 + decimals;
        }
    }
    if length == 0 {
        return None;
    }
    let rest = &text[length..];
    if let Some(exponent) = rest.strip_prefix('E') {
        let unsigned = exponent.strip_prefix(['+', '-', '−']).unwrap_or(exponent);
        let exponent_digits = digits(unsigned);
        if exponent_digits > 0 {
            let total = text.len() - unsigned.len() + exponent_digits;
            return Some((total, Token::Number(text[..total].replace('−', "-"))));
        }
    }
    let percent = rest.strip_prefix([' ', '\t']).unwrap_or(rest);
    for sign in ["\\%", "%"] {
        if percent.starts_with(sign) {
            let total = text.len() - percent.len() + sign.len();
            return Some((total, Token::Percent(text[..length].to_owned())));
        }
    }
    Some((length, Token::Number(text[..length].to_owned())))
}
