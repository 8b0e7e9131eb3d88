//! Positions of the protocol and offsets into text: lines, and columns counted in UTF-8, UTF-16 or UTF-32 units.
//!
//! A position beyond its line means the line's end, beyond the text the text's end, within a character its beginning:
//! clients send all three while a user types, and none may end in a panic.

use std::ops::Range;

/// What a column counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, what a client means that says nothing.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The best of those that the client offers: bytes need no counting.
    pub fn negotiate<'a>(offered: impl IntoIterator<Item = &'a str>) -> Self {
        let mut chosen = None;
        for name in offered {
            match (name, chosen) {
                ("utf-8", _) => return Self::Utf8,
                ("utf-16", _) => chosen = Some(Self::Utf16),
                ("utf-32", None) => chosen = Some(Self::Utf32),
                _ => {}
            }
        }
        chosen.unwrap_or_default()
    }

    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
        }
    }

    fn width(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// A zero-based line and column, in the units of an [`Encoding`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// Where the lines of a text begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Offset of each line; the first is 0.
    starts: Vec<usize>,
}

impl Lines {
    /// Finds the lines: they end with `\n`, `\r\n` or `\r`.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        let ends = bytes.iter().enumerate().filter(|&(index, &byte)| {
            byte == b'\n' || (byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'))
        });
        starts.extend(ends.map(|(index, _)| index + 1));
        Self { starts }
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// A text has one line at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Offsets of a line without its end; `None` beyond the last.
    fn content(&self, text: &str, line: usize) -> Option<Range<usize>> {
        let start = *self.starts.get(line)?;
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text[start..end].trim_end_matches(['\n', '\r']);
        // Only the end of this line goes: one of `\n`, `\r\n`, `\r`. A lone `\r` would have begun a line.
        Some(start..start + content.len())
    }

    /// The offset of a place.
    pub fn offset(&self, text: &str, place: Place, encoding: Encoding) -> usize {
        let Some(content) = self.content(text, place.line as usize) else { return text.len() };
        let wanted = place.column as usize;
        let mut column = 0;
        for (index, character) in text[content.clone()].char_indices() {
            let width = encoding.width(character);
            if column + width > wanted {
                return content.start + index;
            }
            column += width;
        }
        content.end
    }

    /// The place of an offset (rounded down to a character).
    pub fn place(&self, text: &str, offset: usize, encoding: Encoding) -> Place {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let line = self.starts.partition_point(|&start| start <= offset) - 1;
        let column =
            text[self.starts[line]..offset].chars().map(|character| encoding.width(character)).sum::<usize>();
        Place { line: line as u32, column: column as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    #[test]
    fn columns_count_units() {
        let text = "a𝛼b\n";
        let lines = Lines::new(text);
        for (encoding, column) in [(Encoding::Utf8, 5), (Encoding::Utf16, 3), (Encoding::Utf32, 2)] {
            assert_eq!(lines.offset(text, Place { line: 0, column }, encoding), 5, "{encoding:?}");
            assert_eq!(lines.place(text, 5, encoding), Place { line: 0, column });
        }
        // Within the surrogate pair.
        assert_eq!(lines.offset(text, Place { line: 0, column: 2 }, Encoding::Utf16), 1);
    }

    #[test]
    fn places_beyond_the_text_are_its_ends() {
        let text = "ab\r\ncd\re";
        let lines = Lines::new(text);
        assert_eq!(lines.len(), 3);
        let at = |line, column| lines.offset(text, Place { line, column }, Encoding::Utf16);
        assert_eq!((at(0, 99), at(1, 99), at(2, 99), at(9, 0)), (2, 6, 8, 8));
        assert_eq!(at(1, 0), 4);
        assert_eq!(lines.place(text, 999, Encoding::Utf16), Place { line: 2, column: 1 });
    }

    #[test]
    fn the_best_encoding_offered_is_taken() {
        assert_eq!(Encoding::negotiate([]), Encoding::Utf16);
        assert_eq!(Encoding::negotiate(["utf-16", "utf-8"]), Encoding::Utf8);
        assert_eq!(Encoding::negotiate(["utf-32", "utf-16"]), Encoding::Utf16);
        assert_eq!(Encoding::negotiate(["utf-32"]), Encoding::Utf32);
        assert_eq!(Encoding::negotiate(["ebcdic"]), Encoding::Utf16);
    }

    /// Texts with line ends of all kinds, astral characters and combining marks.
    pub(crate) fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("\r".to_owned()),
            Just("𝛼".to_owned()),
            Just("👩‍🚀".to_owned()),
            Just("é".to_owned()),
            "[a-z(), =0-9]{0,6}",
        ];
        proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_place_leads_back_to_its_offset(text in texts(), offset in 0_usize..200) {
            let offset = text.floor_char_boundary(offset.min(text.len()));
            let lines = Lines::new(&text);
            // Between `\r` and `\n` there is no place of its own.
            prop_assume!(!(text[..offset].ends_with('\r') && text[offset..].starts_with('\n')));
            for encoding in ALL {
                let place = lines.place(&text, offset, encoding);
                prop_assert_eq!(lines.offset(&text, place, encoding), offset);
            }
        }

        #[test]
        fn any_place_is_an_offset_within_the_text(text in texts(), line in 0_u32..30, column in prop_oneof![0_u32..40, Just(u32::MAX)]) {
            let lines = Lines::new(&text);
            for encoding in ALL {
                let offset = lines.offset(&text, Place { line, column }, encoding);
                prop_assert!(text.is_char_boundary(offset));
            }
        }
    }
}
