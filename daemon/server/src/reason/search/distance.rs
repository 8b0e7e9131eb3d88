//! How far a value is from the one wanted: 0 for equal, 1 for nothing in common. It guides the search and decides nothing.

use crate::reason::literal::Literal;

/// Longest texts that are compared letter by letter.
const MAX_LETTERS: usize = 80;

/// The distance of two literals.
pub(super) fn distance(found: &Literal, wanted: &Literal) -> f64 {
    between(found, wanted, 0)
}

fn between(found: &Literal, wanted: &Literal, depth: usize) -> f64 {
    if depth > 8 {
        return 1.0;
    }
    match (found, wanted) {
        (Literal::Str(found), Literal::Str(wanted)) => texts(found, wanted),
        (Literal::List(found), Literal::List(wanted)) | (Literal::Tuple(found), Literal::Tuple(wanted)) => {
            sequences(found, wanted, depth)
        }
        (Literal::Set(found), Literal::Set(wanted)) => {
            let common = wanted.iter().filter(|one| found.contains(one)).count();
            share(2 * common, found.len() + wanted.len())
        }
        (Literal::Dict(found), Literal::Dict(wanted)) => {
            let mut sum = 0.0;
            for (key, value) in wanted {
                sum += match found.iter().find(|(other, _)| other == key) {
                    Some((_, other)) => 0.5 * between(other, value, depth + 1),
                    None => 1.0,
                };
            }
            let surplus =
                found.iter().filter(|(key, _)| !wanted.iter().any(|(other, _)| other == key)).count();
            let total = (wanted.len() + surplus).max(1);
            0.9 * (sum + surplus as f64) / total as f64
        }
        (found, wanted) => match (number(found), number(wanted)) {
            (Some(found), Some(wanted)) => numbers(found, wanted),
            _ if found == wanted => 0.0,
            _ if found.type_name() == wanted.type_name() => 0.8,
            _ => 1.0,
        },
    }
}

fn number(value: &Literal) -> Option<f64> {
    match value {
        Literal::Int(value) => Some(*value as f64),
        Literal::Float(value) => Some(*value),
        Literal::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    }
}

fn numbers(found: f64, wanted: f64) -> f64 {
    let gap = (found - wanted).abs();
    if gap == 0.0 {
        return 0.0;
    }
    if !gap.is_finite() {
        return 0.9;
    }
    // The scale is that of small numbers: 1 beside 2 is nearer than 1 beside 100.
    0.1 + 0.7 * (gap / (gap + 4.0 + wanted.abs() * 0.5))
}

/// 1 minus a share.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 0.9 * (1.0 - part as f64 / whole as f64) }
}

fn texts(found: &str, wanted: &str) -> f64 {
    if found == wanted {
        return 0.0;
    }
    let (found, wanted): (Vec<char>, Vec<char>) = (found.chars().collect(), wanted.chars().collect());
    if found.len() > MAX_LETTERS || wanted.len() > MAX_LETTERS {
        let same = found.iter().zip(&wanted).filter(|(left, right)| left == right).count();
        return 0.02 + 0.9 * share(2 * same, found.len() + wanted.len());
    }
    0.02 + 0.9 * share(2 * common_subsequence(&found, &wanted), found.len() + wanted.len())
}

/// Length of the longest common subsequence.
fn common_subsequence<T: PartialEq>(left: &[T], right: &[T]) -> usize {
    let mut row = vec![0_usize; right.len() + 1];
    for one in left {
        let mut diagonal = 0;
        for (index, other) in right.iter().enumerate() {
            let above = row[index + 1];
            row[index + 1] = if one == other { diagonal + 1 } else { above.max(row[index]) };
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or(0)
}

fn sequences(found: &[Literal], wanted: &[Literal], depth: usize) -> f64 {
    if found == wanted {
        return 0.0;
    }
    let total = found.len().max(wanted.len());
    if total == 0 {
        return 0.0;
    }
    let paired: f64 = found.iter().zip(wanted).map(|(found, wanted)| between(found, wanted, depth + 1)).sum();
    let by_place = (paired + found.len().abs_diff(wanted.len()) as f64) / total as f64;
    let by_order = if total <= MAX_LETTERS {
        share(2 * common_subsequence(found, wanted), found.len() + wanted.len())
    } else {
        1.0
    };
    0.02 + 0.88 * by_place.min(by_order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearer_values_are_nearer() {
        let read = |text: &str| Literal::parse(text).unwrap();
        for (wanted, near, far) in [
            ("10", "9", "100"),
            ("'abcd'", "'abxd'", "'zzz'"),
            ("[1, 2, 3]", "[1, 2]", "['a']"),
            ("[1, 2, 3]", "[2, 3]", "[]"),
            ("{'a': 1}", "{'a': 2}", "{'b': 1}"),
            ("'abc'", "'x'", "None"),
            ("True", "False", "'True'"),
        ] {
            let (wanted, near, far) = (read(wanted), read(near), read(far));
            assert_eq!(distance(&wanted, &wanted), 0.0);
            let (near, far) = (distance(&near, &wanted), distance(&far, &wanted));
            assert!(0.0 < near && near < far && far <= 1.0, "{wanted}: {near} {far}");
        }
    }
}
