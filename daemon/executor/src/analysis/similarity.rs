//! The similarity ratio of two texts by the rule of Python's `difflib.SequenceMatcher` over characters.
//!
//! The trees come from the guest as plain text; comparing them here costs a fiftieth of comparing them there. The rule is
//! kept to the letter (longest common block first, then left and right of it; in texts of 200 characters or more, those
//! that make up more than 1 % start no block), because the distance it gives is not the edit distance.

use std::collections::BTreeMap;

/// Candidate pairs looked at before a comparison is given up: seconds of work, reached only by hostile texts.
const WORK_LIMIT: u64 = 3_000_000_000;

/// A stretch of both texts: `a[a_low..a_high]` against `b[b_low..b_high]`.
#[derive(Clone, Copy)]
struct Window {
    a_low: usize,
    a_high: usize,
    b_low: usize,
    b_high: usize,
}

/// A common block: `a[a..a + size] == b[b..b + size]`.
struct Block {
    a: usize,
    b: usize,
    size: usize,
}

/// 2 x matched characters / all characters, 1 for two empty texts. `None` when the work limit is reached.
pub(super) fn ratio(a: &str, b: &str) -> Option<f64> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() && b.is_empty() {
        return Some(1.0);
    }
    let mut work = WORK_LIMIT;
    let matched = matched_characters(&a, &b, &mut work)?;
    Some(2.0 * matched as f64 / (a.len() + b.len()) as f64)
}

fn matched_characters(a: &[char], b: &[char], work: &mut u64) -> Option<usize> {
    let anchors = anchor_positions(b);
    let mut matched = 0;
    let mut windows = vec![Window { a_low: 0, a_high: a.len(), b_low: 0, b_high: b.len() }];
    while let Some(window) = windows.pop() {
        let block = longest_block(a, b, &anchors, window, work)?;
        if block.size == 0 {
            continue;
        }
        matched += block.size;
        if window.a_low < block.a && window.b_low < block.b {
            windows.push(Window { a_high: block.a, b_high: block.b, ..window });
        }
        if block.a + block.size < window.a_high && block.b + block.size < window.b_high {
            windows.push(Window { a_low: block.a + block.size, b_low: block.b + block.size, ..window });
        }
    }
    Some(matched)
}

/// Where each character stands in `b`, without the popular ones.
fn anchor_positions(b: &[char]) -> BTreeMap<char, Vec<usize>> {
    let mut positions: BTreeMap<char, Vec<usize>> = BTreeMap::new();
    for (index, &character) in b.iter().enumerate() {
        positions.entry(character).or_default().push(index);
    }
    if b.len() >= 200 {
        let most = b.len() / 100 + 1;
        positions.retain(|_, places| places.len() <= most);
    }
    positions
}

/// The longest common block of the window that holds an anchor, the first in `a`, then in `b`, of several; widened by the
/// equal characters around it.
fn longest_block(
    a: &[char],
    b: &[char],
    anchors: &BTreeMap<char, Vec<usize>>,
    window: Window,
    work: &mut u64,
) -> Option<Block> {
    let mut best = Block { a: window.a_low, b: window.b_low, size: 0 };
    // For the row before and this row, by position in `b`: where a common block ends, and its length.
    let mut above: Vec<(usize, usize)> = Vec::new();
    let mut row = above.clone();
    for (index, character) in a.iter().enumerate().take(window.a_high).skip(window.a_low) {
        row.clear();
        let places = anchors.get(character).map_or(&[][..], Vec::as_slice);
        let first = places.partition_point(|&place| place < window.b_low);
        let mut reached = 0;
        for &place in places[first..].iter().take_while(|&&place| place < window.b_high) {
            while above.get(reached).is_some_and(|&(end, _)| end + 1 < place) {
                reached += 1;
            }
            let before =
                above.get(reached).filter(|&&(end, _)| end + 1 == place).map_or(0, |&(_, length)| length);
            let length = before + 1;
            row.push((place, length));
            if length > best.size {
                best = Block { a: index + 1 - length, b: place + 1 - length, size: length };
            }
        }
        *work = work.checked_sub(row.len() as u64 + 1)?;
        std::mem::swap(&mut above, &mut row);
    }
    while best.a > window.a_low && best.b > window.b_low && a[best.a - 1] == b[best.b - 1] {
        best = Block { a: best.a - 1, b: best.b - 1, size: best.size + 1 };
    }
    while best.a + best.size < window.a_high
        && best.b + best.size < window.b_high
        && a[best.a + best.size] == b[best.b + best.size]
    {
        best.size += 1;
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::{anchor_positions, matched_characters, ratio};

    #[test]
    fn follows_difflib() {
        for (a, b, want) in [
            ("", "", 1.0),
            ("", "x", 0.0),
            ("abcd", "bcde", 0.75),
            ("tide", "diet", 0.25),
            ("diet", "tide", 0.5),
            ("qabxcd", "abycdf", 2.0 / 3.0),
        ] {
            assert_eq!(ratio(a, b), Some(want), "{a} against {b}");
        }
    }

    #[test]
    fn popular_characters_start_no_block_in_long_texts() {
        assert_eq!(ratio(&"ab".repeat(100), &"ba".repeat(100)), Some(0.0));
        assert_eq!(ratio(&"ab".repeat(99), &"ba".repeat(99)), Some(197.0 / 198.0));
        assert!(anchor_positions(&"a".repeat(199).chars().collect::<Vec<_>>()).contains_key(&'a'));
    }

    #[test]
    fn gives_up_at_the_work_limit() {
        let text: Vec<char> = "a".repeat(150).chars().collect();
        assert_eq!(matched_characters(&text, &text, &mut 100), None);
    }
}
