//! Python's plain data as Rust values: read from JSON as Python writes it, written as Python literals.
//!
//! The data sets hold integers beyond 64 bits and the words `NaN` and `Infinity`, which JSON proper lacks; the
//! scorer also needs tuples, sets and complex numbers, which are made from lists by the suites' rules. Numbers
//! keep their text. Nothing here evaluates anything.

mod json;

pub use json::{JsonError, parse_json};

use std::fmt::Write;

/// A value of Python's plain data.
#[derive(Clone, Debug, PartialEq)]
pub enum PythonData {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer, as its decimal text.
    Int(String),
    /// A finite float, as its text, or `NaN`, `Infinity`, `-Infinity`.
    Float(String),
    /// A string.
    Str(String),
    /// A list.
    List(Vec<PythonData>),
    /// A tuple.
    Tuple(Vec<PythonData>),
    /// A set.
    Set(Vec<PythonData>),
    /// A dict, in order.
    Dict(Vec<(PythonData, PythonData)>),
    /// `float(x)` or `complex(x)`: the name of the constructor and its argument.
    Made(&'static str, Box<PythonData>),
}

impl PythonData {
    /// The value of a string key of a dict.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        entries
            .iter()
            .find(|(name, _)| matches!(name, Self::Str(text) if text == key))
            .map(|(_, value)| value)
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Python source that evaluates to the value.
    pub fn literal(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::None => text.push_str("None"),
            Self::Bool(true) => text.push_str("True"),
            Self::Bool(false) => text.push_str("False"),
            Self::Int(digits) => text.push_str(digits),
            Self::Float(number) => match number.as_str() {
                "NaN" => text.push_str("float('nan')"),
                "Infinity" => text.push_str("float('inf')"),
                "-Infinity" => text.push_str("float('-inf')"),
                other => text.push_str(other),
            },
            Self::Str(value) => text.push_str(&string_literal(value)),
            Self::List(items) => write_items(text, "[", items, "]"),
            Self::Tuple(items) if items.len() == 1 => write_items(text, "(", items, ",)"),
            Self::Tuple(items) => write_items(text, "(", items, ")"),
            Self::Set(items) if items.is_empty() => text.push_str("set()"),
            Self::Set(items) => write_items(text, "{", items, "}"),
            Self::Dict(entries) => {
                text.push('{');
                for (position, (key, value)) in entries.iter().enumerate() {
                    if position > 0 {
                        text.push_str(", ");
                    }
                    key.write(text);
                    text.push_str(": ");
                    value.write(text);
                }
                text.push('}');
            }
            Self::Made(constructor, value) => {
                text.push_str(constructor);
                text.push('(');
                value.write(text);
                text.push(')');
            }
        }
    }
}

fn write_items(text: &mut String, open: &str, items: &[PythonData], close: &str) {
    text.push_str(open);
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        item.write(text);
    }
    text.push_str(close);
}

/// A Python string literal in ASCII for any text.
pub fn string_literal(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('\'');
    for character in value.chars() {
        match character {
            '\'' => text.push_str("\\'"),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            ' '..='~' => text.push(character),
            _ => write!(text, "\\U{:08x}", u32::from(character)).expect("writing to a String cannot fail"),
        }
    }
    text.push('\'');
    text
}

/// Reads the `repr` of a Python `str`; `None` for anything else. Lone surrogates become U+FFFD.
pub fn parse_string_repr(text: &str) -> Option<String> {
    let mut characters = text.chars();
    let quote = characters.next().filter(|character| matches!(character, '\'' | '"'))?;
    let mut value = String::with_capacity(text.len());
    loop {
        let character = characters.next()?;
        if character == quote {
            return characters.next().is_none().then_some(value);
        }
        if character != '\\' {
            value.push(character);
            continue;
        }
        let escaped = characters.next()?;
        let digits = match escaped {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'n' | 'r' | 't' | '\\' | '\'' | '"' => {
                value.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                continue;
            }
            _ => return None,
        };
        let mut code = 0_u32;
        for _ in 0..digits {
            code = code.checked_mul(16)? + characters.next()?.to_digit(16)?;
        }
        if code > u32::from(char::MAX) {
            return None;
        }
        value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_are_python_source() {
        let value =
            parse_json(r#"{"a": [1, -2.5e3, true, null, "x'\n\u00e9"], "b": [NaN, -Infinity]}"#).unwrap();
        assert_eq!(
            value.literal(),
            r"{'a': [1, -2.5e3, True, None, 'x\'\n\U000000e9'], 'b': [float('nan'), float('-inf')]}"
        );
        let one = PythonData::Int("1".into());
        assert_eq!(PythonData::Tuple(vec![one.clone()]).literal(), "(1,)");
        assert_eq!(PythonData::Tuple(Vec::new()).literal(), "()");
        assert_eq!(PythonData::Set(Vec::new()).literal(), "set()");
        assert_eq!(PythonData::Set(vec![one.clone()]).literal(), "{1}");
        assert_eq!(PythonData::Made("complex", Box::new(one)).literal(), "complex(1)");
    }

    #[test]
    fn reprs_of_strings_are_read() {
        assert_eq!(parse_string_repr(r#""it's""#).unwrap(), "it's");
        assert_eq!(parse_string_repr(r"'a\n\x00\u20ac\U0001f600\\'").unwrap(), "a\n\0€😀\\");
        for bad in ["", "x", "'", "'a", "'a'b", r"'\q'", r"'\x0'", r"'\Uffffffffff'"] {
            assert_eq!(parse_string_repr(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn string_literals_read_back(text in any::<String>()) {
            prop_assert_eq!(parse_string_repr(&string_literal(&text)), Some(text));
        }

        #[test]
        fn readers_never_panic(text in any::<String>(), quoted in "['\"][\\\\xuU0-9a-f'\"]{0,12}") {
            let _ = parse_string_repr(&text);
            let _ = parse_string_repr(&quoted);
            let _ = parse_json(&text);
        }
    }
}
