//! Python's idea of white space, where it differs from Rust's.

/// `str.isspace` of one character, as `str.strip` uses it: Unicode white space and the four separators.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn separators_are_space_in_python() {
        assert_eq!(strip("\u{1c}\u{85} a\u{a0}\u{1f}\n"), "a");
    }
}
