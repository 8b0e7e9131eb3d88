//! Texts as Python literals, to hand them to the sandbox, and the way back.

/// A text as a Python string literal.
pub(crate) fn literal(text: &str) -> String {
    use std::fmt::Write;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            other => write!(quoted, "\\U{:08x}", other as u32).expect("writing to a String cannot fail"),
        }
    }
    quoted + "\""
}

/// Texts as a Python list.
pub(crate) fn list_literal(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| literal(text)).collect::<Vec<_>>().join(", "))
}

/// The bytes of a hexadecimal text; `None` where it is none.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_python_literals() {
        assert_eq!(literal("a\"\\\né"), "\"a\\\"\\\\\\U0000000a\\U000000e9\"");
        assert_eq!(list_literal(&["a".into(), "b".into()]), "[\"a\", \"b\"]");
    }

    #[test]
    fn hexadecimal_texts_are_read() {
        assert_eq!(unhex("00ff").as_deref(), Some(&[0, 255][..]));
        assert_eq!(unhex(""), Some(Vec::new()));
        for bad in ["0", "zz", "é"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }
}
