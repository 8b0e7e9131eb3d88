//! The open documents of a session, kept as the client's edits make them.

use super::facts::Analysis;
use super::position::{Encoding, Lines, Place};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A document as of one version; cheap to keep while a request is answered.
#[derive(Clone, Debug)]
pub struct Document {
    /// The text.
    pub text: Arc<str>,
    /// Where its lines begin.
    pub lines: Arc<Lines>,
    /// The client's number of this state.
    pub version: i32,
    /// What the client says it is, e.g. `python`.
    pub language: Arc<str>,
    /// What the text says, once somebody has asked.
    pub(super) read: Arc<OnceLock<Arc<Analysis>>>,
}

impl Document {
    fn new(text: &str, version: i32, language: Arc<str>) -> Self {
        Self { lines: Arc::new(Lines::new(text)), text: text.into(), version, language, read: Arc::default() }
    }

    /// The offset of a place.
    pub fn offset(&self, place: Place, encoding: Encoding) -> usize {
        self.lines.offset(&self.text, place, encoding)
    }

    /// The place of an offset.
    pub fn place(&self, offset: usize, encoding: Encoding) -> Place {
        self.lines.place(&self.text, offset, encoding)
    }
}

/// One change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is replaced; `None` = everything.
    pub range: Option<(Place, Place)>,
    /// What stands there then.
    pub text: String,
}

/// The documents that are open.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    open: BTreeMap<String, Document>,
}

impl Documents {
    /// Opens a document, or replaces it.
    pub fn open(&mut self, uri: &str, language: &str, version: i32, text: &str) {
        self.open.insert(uri.to_owned(), Document::new(text, version, language.into()));
    }

    /// Applies changes one after the other; false where the document is not open.
    pub fn change(&mut self, uri: &str, version: i32, changes: &[Change], encoding: Encoding) -> bool {
        let Some(document) = self.open.get_mut(uri) else { return false };
        let mut text = document.text.to_string();
        for change in changes {
            let Some((start, end)) = change.range else {
                text.clone_from(&change.text);
                continue;
            };
            let lines = Lines::new(&text);
            let start = lines.offset(&text, start, encoding);
            // A range written backwards is empty at its beginning.
            let end = lines.offset(&text, end, encoding).max(start);
            text.replace_range(start..end, &change.text);
        }
        *document = Document::new(&text, version, Arc::clone(&document.language));
        true
    }

    /// Closes a document.
    pub fn close(&mut self, uri: &str) {
        self.open.remove(uri);
    }

    /// A document as it is now.
    pub fn get(&self, uri: &str) -> Option<Document> {
        self.open.get(uri).cloned()
    }

    /// All open documents, by URI.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.open.iter().map(|(uri, document)| (uri.as_str(), document))
    }

    /// Number of open documents.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Is none open?
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(line: u32, column: u32) -> Place {
        Place { line, column }
    }

    #[test]
    fn changes_of_one_message_follow_each_other() {
        let mut documents = Documents::default();
        documents.open("file:///a", "python", 1, "ab\ncd\n");
        let insert = |line, column, text: &str| Change {
            range: Some((place(line, column), place(line, column))),
            text: text.into(),
        };
        assert!(documents.change("file:///a", 2, &[insert(0, 1, "\n"), insert(1, 0, "x")], Encoding::Utf16));
        let document = documents.get("file:///a").unwrap();
        assert_eq!((&*document.text, document.version), ("a\nxb\ncd\n", 2));
        assert!(!documents.change("file:///b", 1, &[], Encoding::Utf16));
        documents.close("file:///a");
        assert!(documents.is_empty());
    }

    /// A document as characters, edited the obvious way.
    fn model_edit(text: &[char], start: usize, end: usize, insert: &str) -> Vec<char> {
        [&text[..start], &insert.chars().collect::<Vec<_>>(), &text[end..]].concat()
    }

    proptest! {
        #[test]
        fn random_edits_give_what_a_model_document_gives(
            first in "[a-z\n𝛼é👩]{0,30}",
            edits in proptest::collection::vec((0_usize..40, 0_usize..40, "[a-z\n𝛼👩]{0,5}"), 0..12),
            encoding in prop_oneof![Just(Encoding::Utf8), Just(Encoding::Utf16), Just(Encoding::Utf32)],
        ) {
            let mut documents = Documents::default();
            documents.open("u", "python", 0, &first);
            let mut model: Vec<char> = first.chars().collect();
            for (version, (from, to, insert)) in edits.into_iter().enumerate() {
                let (from, to) = (from.min(model.len()), to.min(model.len()));
                let (from, to) = (from.min(to), from.max(to));
                let place = |index: usize| {
                    let before: String = model[..index].iter().collect();
                    let line = before.rsplit('\n').next().unwrap_or_default();
                    let column = match encoding {
                        Encoding::Utf8 => line.len(),
                        Encoding::Utf16 => line.encode_utf16().count(),
                        Encoding::Utf32 => line.chars().count(),
                    };
                    Place { line: before.matches('\n').count() as u32, column: column as u32 }
                };
                let change = Change { range: Some((place(from), place(to))), text: insert.clone() };
                prop_assert!(documents.change("u", version as i32, &[change], encoding));
                model = model_edit(&model, from, to, &insert);
                let expected: String = model.iter().collect();
                prop_assert_eq!(&*documents.get("u").unwrap().text, expected.as_str());
            }
        }
    }
}
