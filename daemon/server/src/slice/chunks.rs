//! What an error of syntax hides: top-level statements that the parser drew into its error, found again line by line.
//!
//! A statement of the top level begins in the first column. Where the tree of the whole file has errors, each piece from
//! one such line to the next is parsed alone; a whole definition, import or assignment that the tree did not show, or
//! showed as damaged, is taken from there.

use super::module::{Item, item};
use super::{named_children, parse};
use std::ops::Range;

/// Pieces that are looked at; a longer file is left to the parser.
const MAX_PIECES: usize = 5_000;

/// Adds the statements that the tree of the whole file did not give.
pub(super) fn add_what_errors_hide(text: &str, items: &mut Vec<Item>) {
    for piece in pieces(text).into_iter().take(MAX_PIECES) {
        let whole =
            |item: &Item| item.range.start == piece.start && !item.has_error && item.range.end <= piece.end;
        if items.iter().any(whole) {
            continue;
        }
        let part = &text[piece.clone()];
        let Some(part) = [part, before_stray_line(part)].into_iter().find(|part| is_one_statement(part))
        else {
            continue;
        };
        let Some(tree) = parse(part) else { continue };
        let nodes = named_children(tree.root_node());
        let Some(first) = nodes.first() else { continue };
        let found = item(*first, part, piece.start);
        items.retain(|item| !(item.has_error && item.range.start == piece.start));
        items.push(found);
    }
    items.sort_by_key(|item| item.range.start);
}

/// Does the text begin with a whole statement?
fn is_one_statement(part: &str) -> bool {
    let Some(tree) = parse(part) else { return false };
    named_children(tree.root_node()).first().is_some_and(|node| {
        node.start_byte() == 0 && !node.has_error() && !matches!(node.kind(), "ERROR" | "comment")
    })
}

/// The piece up to a later line whose first column holds something else than a name, such as a stray bracket: that line
/// is no part of an indented body, and where it closes a bracket of the piece the rest is no statement.
fn before_stray_line(part: &str) -> &str {
    let mut at = 0;
    for (index, line) in part.split_inclusive('\n').enumerate() {
        if index > 0 && !line.starts_with([' ', '\t', '\n', '\r', '#']) {
            return &part[..at];
        }
        at += line.len();
    }
    part
}

/// From each line that begins a statement in the first column to the next.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut starts = Vec::new();
    let (mut at, mut decorated) = (0, false);
    for line in text.split_inclusive('\n') {
        let begins = line.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_' || char == '@');
        let continues = ["else", "elif", "except", "finally"].iter().any(|word| line.starts_with(word));
        if begins && !continues {
            // Decorators belong to what follows them.
            if !decorated {
                starts.push(at);
            }
            decorated = line.starts_with('@');
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}
