//! Small changes to a value.

use super::pools::Pools;
use crate::reason::literal::Literal;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Longest text and list that a change may make.
const MAX_LENGTH: usize = 120;

/// A number below `bound`; 0 where that is 0.
pub(super) fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    if bound == 0 { 0 } else { (rng.next_u64() % bound as u64) as usize }
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, items: &'a [T]) -> Option<&'a T> {
    items.get(below(rng, items.len()))
}

/// The value, changed a little. The type stays.
pub(super) fn vary(value: &Literal, pools: &Pools, rng: &mut ChaCha8Rng, depth: usize) -> Literal {
    if depth > 4 {
        return value.clone();
    }
    match value {
        Literal::Int(number) => Literal::Int(vary_number(*number, pools, rng)),
        Literal::Float(number) => {
            let steps = [0.5, 1.0, -0.5, -1.0, 0.1, -0.1, 10.0, -10.0];
            Literal::Float(number + steps[below(rng, steps.len())])
        }
        Literal::Bool(value) => Literal::Bool(!value),
        Literal::Str(text) => Literal::Str(vary_text(text, pools, rng)),
        Literal::List(items) => Literal::List(vary_items(items, pools, rng, depth)),
        Literal::Tuple(items) => Literal::Tuple(vary_items(items, pools, rng, depth)),
        Literal::Set(items) => {
            let mut items = vary_items(items, pools, rng, depth);
            items.dedup();
            Literal::Set(items)
        }
        Literal::Dict(pairs) => Literal::Dict(vary_pairs(pairs, pools, rng, depth)),
        other => other.clone(),
    }
}

fn vary_number(number: i64, pools: &Pools, rng: &mut ChaCha8Rng) -> i64 {
    match below(rng, 8) {
        0 => number.saturating_add(1),
        1 => number.saturating_sub(1),
        2 => number.saturating_mul(2),
        3 => number / 2,
        4 => number.saturating_add(below(rng, 10) as i64 + 2),
        5 => number.saturating_sub(below(rng, 10) as i64 + 2),
        6 => number.saturating_neg(),
        _ => pick(rng, &pools.numbers).copied().unwrap_or(number),
    }
}

fn vary_text(text: &str, pools: &Pools, rng: &mut ChaCha8Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = below(rng, letters.len() + 1);
    let inside = at.min(letters.len().saturating_sub(1));
    let letter = |rng: &mut ChaCha8Rng| {
        let piece = pick(rng, &pools.pieces).cloned().unwrap_or_default();
        let of_piece: Vec<char> = piece.chars().collect();
        pick(rng, &of_piece).copied().unwrap_or('a')
    };
    match below(rng, 9) {
        0 if !letters.is_empty() => {
            letters.remove(inside);
        }
        1 if !letters.is_empty() => letters[inside] = letter(rng),
        2 => {
            let letter = letter(rng);
            letters.insert(at, letter);
        }
        3 => {
            let piece = pick(rng, &pools.pieces).cloned().unwrap_or_default();
            letters.splice(at..at, piece.chars());
        }
        4 if letters.len() > 1 => {
            let other = below(rng, letters.len());
            letters.swap(inside, other);
        }
        5 => {
            let piece = pick(rng, &pools.pieces).cloned().unwrap_or_default();
            letters.extend(piece.chars());
        }
        6 if letters.len() > 1 => {
            let other = below(rng, letters.len());
            letters.drain(inside.min(other)..inside.max(other));
        }
        7 if !letters.is_empty() => {
            let old = letters[inside];
            let new: Vec<char> =
                if old.is_lowercase() { old.to_uppercase().collect() } else { old.to_lowercase().collect() };
            letters.splice(inside..=inside, new);
        }
        _ => return pick(rng, &pools.pieces).cloned().unwrap_or_else(|| text.to_owned()),
    }
    letters.truncate(MAX_LENGTH);
    letters.into_iter().collect()
}

/// An item like those that are there, else a number or a text.
fn new_item(items: &[Literal], pools: &Pools, rng: &mut ChaCha8Rng, depth: usize) -> Literal {
    match pick(rng, items) {
        Some(item) => vary(item, pools, rng, depth + 1),
        None if below(rng, 2) == 0 => Literal::Int(pick(rng, &pools.numbers).copied().unwrap_or(0)),
        None => Literal::Str(pick(rng, &pools.pieces).cloned().unwrap_or_default()),
    }
}

fn vary_items(items: &[Literal], pools: &Pools, rng: &mut ChaCha8Rng, depth: usize) -> Vec<Literal> {
    let mut items = items.to_vec();
    let at = below(rng, items.len() + 1);
    let inside = at.min(items.len().saturating_sub(1));
    match below(rng, 6) {
        0 if !items.is_empty() => {
            items.remove(inside);
        }
        1 | 2 if !items.is_empty() => items[inside] = vary(&items[inside], pools, rng, depth + 1),
        3 if items.len() > 1 => {
            let other = below(rng, items.len());
            items.swap(inside, other);
        }
        4 if !items.is_empty() => {
            let copy = items[inside].clone();
            items.insert(at, copy);
        }
        _ => {
            let item = new_item(&items, pools, rng, depth);
            items.insert(at, item);
        }
    }
    items.truncate(MAX_LENGTH);
    items
}

fn vary_pairs(
    pairs: &[(Literal, Literal)],
    pools: &Pools,
    rng: &mut ChaCha8Rng,
    depth: usize,
) -> Vec<(Literal, Literal)> {
    let mut pairs = pairs.to_vec();
    let at = below(rng, pairs.len());
    match below(rng, 5) {
        0 if !pairs.is_empty() => {
            pairs.remove(at);
        }
        1 if !pairs.is_empty() => pairs[at].1 = vary(&pairs[at].1, pools, rng, depth + 1),
        2 if !pairs.is_empty() => pairs[at].0 = vary(&pairs[at].0, pools, rng, depth + 1),
        3 if pairs.len() > 1 => {
            let other = below(rng, pairs.len());
            pairs.swap(at, other);
        }
        _ => {
            let keys: Vec<Literal> = pairs.iter().map(|(key, _)| key.clone()).collect();
            let values: Vec<Literal> = pairs.iter().map(|(_, value)| value.clone()).collect();
            let pair = (new_item(&keys, pools, rng, depth), new_item(&values, pools, rng, depth));
            pairs.push(pair);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    pairs.retain(|(key, _)| seen.insert(key.to_string()));
    pairs.truncate(MAX_LENGTH);
    pairs
}
