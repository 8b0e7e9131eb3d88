//! Python literals as data: what the search varies and compares. Nothing is evaluated.

use std::fmt;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 60;
/// Most parts of one literal.
const MAX_PARTS: usize = 20_000;

/// A Python literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A number that is kept as its text: beyond 64 bits, complex.
    Number(String),
    /// A floating-point number.
    Float(f64),
    /// A string.
    Str(String),
    /// Bytes, kept as their text.
    Bytes(String),
    /// `[...]`.
    List(Vec<Literal>),
    /// `(...)`.
    Tuple(Vec<Literal>),
    /// `{...}` without colons.
    Set(Vec<Literal>),
    /// `{...: ...}`.
    Dict(Vec<(Literal, Literal)>),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name, where it is given by name.
    pub name: Option<String>,
    /// Its value.
    pub value: Literal,
}

impl Literal {
    /// Reads a literal.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.trim(), parts: 0 };
        let value = reader.value(0)?;
        reader.space();
        reader.rest.is_empty().then_some(value)
    }

    /// Name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Number(_) => "number",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Set(_) => "set",
            Self::Dict(_) => "dict",
        }
    }
}

/// Is the text a literal?
pub fn is_literal(text: &str) -> bool {
    Literal::parse(text).is_some()
}

/// Reads the arguments of a call, all of them literals.
pub fn parse_arguments(text: &str) -> Option<Vec<Argument>> {
    let mut reader = Reader { rest: text, parts: 0 };
    let mut arguments: Vec<Argument> = Vec::new();
    loop {
        reader.space();
        if reader.rest.is_empty() {
            return Some(arguments);
        }
        let name = reader.keyword();
        if name.is_none() && arguments.last().is_some_and(|last| last.name.is_some()) {
            return None;
        }
        let value = reader.value(0)?;
        arguments.push(Argument { name, value });
        reader.space();
        if !reader.rest.is_empty() && !reader.eat(",") {
            return None;
        }
    }
}

/// The text of arguments, as it stands between the brackets of a call.
pub fn arguments_text(arguments: &[Literal]) -> String {
    arguments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("None"),
            Self::Bool(true) => formatter.write_str("True"),
            Self::Bool(false) => formatter.write_str("False"),
            Self::Int(value) => write!(formatter, "{value}"),
            Self::Number(text) | Self::Bytes(text) => formatter.write_str(text),
            Self::Float(value) if value.is_finite() => write!(formatter, "{value:?}"),
            Self::Float(value) if value.is_nan() => formatter.write_str("float('nan')"),
            Self::Float(value) => formatter.write_str(if *value > 0.0 { "1e999" } else { "-1e999" }),
            Self::Str(text) => string(formatter, text),
            Self::List(items) => sequence(formatter, "[", items, "]"),
            Self::Tuple(items) if items.len() == 1 => write!(formatter, "({},)", items[0]),
            Self::Tuple(items) => sequence(formatter, "(", items, ")"),
            Self::Set(items) if items.is_empty() => formatter.write_str("set()"),
            Self::Set(items) => sequence(formatter, "{", items, "}"),
            Self::Dict(pairs) => {
                formatter.write_str("{")?;
                for (index, (key, value)) in pairs.iter().enumerate() {
                    write!(formatter, "{}{key}: {value}", if index > 0 { ", " } else { "" })?;
                }
                formatter.write_str("}")
            }
        }
    }
}

fn sequence(formatter: &mut fmt::Formatter<'_>, open: &str, items: &[Literal], close: &str) -> fmt::Result {
    formatter.write_str(open)?;
    for (index, item) in items.iter().enumerate() {
        write!(formatter, "{}{item}", if index > 0 { ", " } else { "" })?;
    }
    formatter.write_str(close)
}

fn string(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    write!(formatter, "{quote}")?;
    for char in text.chars() {
        match char {
            '\\' => formatter.write_str("\\\\")?,
            '\n' => formatter.write_str("\\n")?,
            '\r' => formatter.write_str("\\r")?,
            '\t' => formatter.write_str("\\t")?,
            char if char == quote => write!(formatter, "\\{char}")?,
            char if (char as u32) < 0x20 || char as u32 == 0x7f => {
                write!(formatter, "\\x{:02x}", char as u32)?;
            }
            char => write!(formatter, "{char}")?,
        }
    }
    write!(formatter, "{quote}")
}

struct Reader<'t> {
    rest: &'t str,
    parts: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `name =` before a value.
    fn keyword(&mut self) -> Option<String> {
        let end = self.rest.find(|char: char| !(char.is_alphanumeric() || char == '_'))?;
        let (name, rest) = self.rest.split_at(end);
        let rest = rest.trim_start().strip_prefix('=').filter(|rest| !rest.starts_with('='))?;
        if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(name.to_owned())
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        self.parts += 1;
        if depth > MAX_DEPTH || self.parts > MAX_PARTS {
            return None;
        }
        self.space();
        let first = self.rest.chars().next()?;
        match first {
            '[' => {
                self.eat("[");
                Some(Literal::List(self.items("]", depth)?.0))
            }
            '(' => {
                self.eat("(");
                let (mut items, comma) = self.items(")", depth)?;
                if items.len() == 1 && !comma { items.pop() } else { Some(Literal::Tuple(items)) }
            }
            '{' => {
                self.eat("{");
                self.braces(depth)
            }
            '\'' | '"' => self.string(false),
            '0'..='9' | '.' => self.number(""),
            '-' => {
                self.eat("-");
                self.space();
                self.number("-")
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<Literal> {
        let end =
            self.rest.find(|char: char| !(char.is_alphanumeric() || char == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if rest.starts_with(['\'', '"']) {
            let (bytes, raw) = match word.to_ascii_lowercase().as_str() {
                "r" => (false, true),
                "u" => (false, false),
                "b" => (true, false),
                "br" | "rb" => (true, true),
                _ => return None,
            };
            let whole = self.rest;
            self.rest = rest;
            let value = self.string(raw)?;
            let used = whole.len() - self.rest.len();
            return Some(if bytes { Literal::Bytes(whole[..used].to_owned()) } else { value });
        }
        let value = match word {
            "None" => Literal::None,
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            "set" if rest.starts_with("()") => {
                self.rest = &rest[2..];
                return Some(Literal::Set(Vec::new()));
            }
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// Values up to the closing bracket, and whether a comma stood between or after them.
    fn items(&mut self, close: &str, depth: usize) -> Option<(Vec<Literal>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.space();
            if self.eat(close) {
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            self.space();
            comma = self.eat(",");
            if !comma {
                return self.eat(close).then_some((items.clone(), items.len() > 1));
            }
        }
    }

    fn braces(&mut self, depth: usize) -> Option<Literal> {
        let (mut pairs, mut members) = (Vec::new(), Vec::new());
        loop {
            self.space();
            if self.eat("}") {
                break;
            }
            let key = self.value(depth + 1)?;
            self.space();
            if self.eat(":") {
                pairs.push((key, self.value(depth + 1)?));
            } else {
                members.push(key);
            }
            self.space();
            if !self.eat(",") {
                self.space();
                if !self.eat("}") {
                    return None;
                }
                break;
            }
        }
        match (pairs.is_empty(), members.is_empty()) {
            (_, true) => Some(Literal::Dict(pairs)),
            (true, false) => Some(Literal::Set(members)),
            (false, false) => None,
        }
    }

    fn number(&mut self, sign: &str) -> Option<Literal> {
        let bytes = self.rest.as_bytes();
        let mut end = 0;
        while end < bytes.len() {
            let exponent_sign = matches!(bytes[end], b'+' | b'-')
                && end > 0
                && matches!(bytes[end - 1], b'e' | b'E')
                && !self.rest.starts_with("0x")
                && !self.rest.starts_with("0X");
            if !(bytes[end].is_ascii_alphanumeric() || matches!(bytes[end], b'.' | b'_') || exponent_sign) {
                break;
            }
            end += 1;
        }
        let (text, rest) = self.rest.split_at(end);
        if !text.starts_with(|char: char| char.is_ascii_digit() || char == '.') {
            return None;
        }
        self.rest = rest;
        let plain = text.replace('_', "");
        if plain.bytes().all(|byte| byte.is_ascii_digit()) {
            if plain.len() > 1 && plain.starts_with('0') && plain.bytes().any(|byte| byte != b'0') {
                return None;
            }
            let signed = format!("{sign}{plain}");
            return Some(signed.parse().map_or_else(|_| Literal::Number(signed), Literal::Int));
        }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = plain.to_ascii_lowercase().strip_prefix(prefix) {
                let value = i64::from_str_radix(digits, radix).ok()?;
                return Some(Literal::Int(if sign.is_empty() { value } else { -value }));
            }
        }
        if !plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
        {
            return None;
        }
        plain.parse::<f64>().ok().map(|value| Literal::Float(if sign.is_empty() { value } else { -value }))
    }

    fn string(&mut self, raw: bool) -> Option<Literal> {
        let quote = self.rest.chars().next()?;
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let long = self.eat(&triple);
        let end = if long { triple } else { quote.to_string() };
        if !long {
            self.eat(&end);
        }
        let mut text = String::new();
        loop {
            if self.eat(&end) {
                return Some(Literal::Str(text));
            }
            let char = self.rest.chars().next()?;
            self.rest = &self.rest[char.len_utf8()..];
            match char {
                '\n' if !long => return None,
                '\\' if raw => {
                    text.push('\\');
                    let next = self.rest.chars().next()?;
                    self.rest = &self.rest[next.len_utf8()..];
                    text.push(next);
                }
                '\\' => self.escape(&mut text)?,
                char => text.push(char),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        let simple = match char {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' => char,
            '\n' => return Some(()),
            'x' => self.code(2, 16)?,
            'u' => self.code(4, 16)?,
            'U' => self.code(8, 16)?,
            '0'..='7' => {
                let more = self.rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = format!("{char}{}", &self.rest[..more]);
                self.rest = &self.rest[more..];
                char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?
            }
            // Python keeps an escape that it does not know; a name of a character is not resolved here.
            'N' => return None,
            other => {
                text.push('\\');
                other
            }
        };
        text.push(simple);
        Some(())
    }

    fn code(&mut self, digits: usize, radix: u32) -> Option<char> {
        let text =
            self.rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.rest = &self.rest[digits..];
        char::from_u32(u32::from_str_radix(text, radix).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_executor::literal::Value;
    use proptest::prelude::*;

    #[test]
    fn literals_are_read_and_written_as_python_does() {
        for (text, want) in [
            ("[1, -2, 0x10, 1_000]", "[1, -2, 16, 1000]"),
            ("(1,)", "(1,)"),
            ("(1)", "1"),
            ("()", "()"),
            ("{'a': 1, \"b\": [None, True]}", "{'a': 1, 'b': [None, True]}"),
            ("{1, 2}", "{1, 2}"),
            ("set()", "set()"),
            ("'it\\'s'", "\"it's\""),
            ("'a\\x41\\u00e9\\n\\101'", "'aAé\\nA'"),
            ("1.5e3", "1500.0"),
            ("-0.0", "-0.0"),
            ("99999999999999999999", "99999999999999999999"),
            ("'''a\nb'''", "'a\\nb'"),
            ("r'\\d'", "'\\\\d'"),
        ] {
            assert_eq!(Literal::parse(text).map(|value| value.to_string()).as_deref(), Some(want), "{text}");
        }
        for text in
            ["f(1)", "[1", "1 2", "x", "'a", "{1: 2, 3}", "[,]", "01", "__import__('os')", "1 + 1", "f'a'"]
        {
            assert_eq!(Literal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arguments_have_names() {
        let arguments = parse_arguments("3, [1, 2], key='x'").unwrap();
        assert_eq!(arguments.len(), 3);
        assert_eq!(arguments[2].name.as_deref(), Some("key"));
        assert_eq!(parse_arguments(""), Some(Vec::new()));
        for text in ["a=1, 2", "1 2", "x", "*[1]", "1,,2", "a==1"] {
            assert_eq!(parse_arguments(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), code in "[\\[\\](){}'\",:0-9a-fx.\\\\ \n=-]{0,60}") {
            for text in [&text, &code] {
                let _ = parse_arguments(text);
                if let Some(value) = Literal::parse(text) {
                    let written = value.to_string();
                    prop_assert_eq!(Literal::parse(&written).map(|value| value.to_string()), Some(written));
                }
            }
        }

        #[test]
        fn what_both_readers_take_is_the_same_value(code in "[\\[\\](){}'\",:0-9 -]{0,40}") {
            if let (Some(ours), Some(value)) = (Literal::parse(&code), Value::parse(&code)) {
                let written = Value::parse(&ours.to_string()).unwrap();
                prop_assert!(value.equals(&written), "{} {}", code, ours);
            }
        }
    }
}
