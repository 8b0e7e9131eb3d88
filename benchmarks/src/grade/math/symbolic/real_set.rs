//! Sets of real numbers as disjoint intervals, so that unions, intersections and differences can be compared.

use super::expression::Expression;
use super::lexer::NamedSet;
use super::parser::{Join, Value};
use num_traits::ToPrimitive;

/// An end: its value, and whether the set lies strictly beyond it.
type End = (f64, bool);
/// Intervals in order: left end and whether it is open, right end and whether it is open.
type Intervals = Vec<(End, End)>;

/// Ends nearer than this are one.
const NEAR: f64 = 1e-9;

/// The intervals of a set of real constants; `None` for anything else.
pub fn intervals(value: &Value) -> Option<Intervals> {
    match value {
        Value::Interval(left, left_open, right, right_open) => {
            Some(tidied(vec![((end(left)?, *left_open), (end(right)?, *right_open))]))
        }
        Value::Named(NamedSet::Reals) => Some(vec![((f64::NEG_INFINITY, true), (f64::INFINITY, true))]),
        Value::Set(all) => {
            let points = all.iter().map(|one| match one {
                Value::Plain(point) => {
                    end(point).filter(|point| point.is_finite()).map(|point| ((point, false), (point, false)))
                }
                _ => None,
            });
            Some(tidied(points.collect::<Option<_>>()?))
        }
        Value::Joined(join, left, right) => {
            let (left, right) = (intervals(left)?, intervals(right)?);
            Some(match join {
                Join::Union => tidied(left.into_iter().chain(right).collect()),
                Join::Intersection => intersection(&left, &right),
                Join::Without => intersection(&left, &complement(&right)),
            })
        }
        _ => None,
    }
}

/// Do two sets have the same intervals?
pub fn same(left: &Intervals, right: &Intervals) -> bool {
    let near = |a: f64, b: f64| a == b || (a.is_finite() && (a - b).abs() <= NEAR * a.abs().max(1.0));
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(a, b)| near(a.0.0, b.0.0) && near(a.1.0, b.1.0) && a.0.1 == b.0.1 && a.1.1 == b.1.1)
}

fn end(expression: &Expression) -> Option<f64> {
    if let Some(exact) = expression.exact() {
        return exact.value.to_f64();
    }
    match expression {
        Expression::Infinity => Some(f64::INFINITY),
        Expression::Product(factors) => match &factors[..] {
            [Expression::Number(sign), Expression::Infinity] => Some(sign.to_f64()? * f64::INFINITY),
            _ => constant(expression),
        },
        _ => constant(expression),
    }
}

fn constant(expression: &Expression) -> Option<f64> {
    if !expression.is_constant() {
        return None;
    }
    expression.numeric(0).filter(|value| value.im.abs() < 1e-12).map(|value| value.re)
}

/// In order, without empty ones, those that touch joined.
fn tidied(mut all: Intervals) -> Intervals {
    all.retain(|((left, left_open), (right, right_open))| {
        left < right || (left == right && !left_open && !right_open)
    });
    all.sort_by(|a, b| a.0.0.total_cmp(&b.0.0).then(a.0.1.cmp(&b.0.1)));
    let mut joined: Intervals = Vec::new();
    for (left, right) in all {
        match joined.last_mut() {
            Some((_, last)) if left.0 < last.0 || (left.0 == last.0 && !(left.1 && last.1)) => {
                if right.0 > last.0 || (right.0 == last.0 && !right.1) {
                    *last = right;
                }
            }
            _ => joined.push((left, right)),
        }
    }
    joined
}

fn complement(all: &Intervals) -> Intervals {
    let mut result = Vec::new();
    let mut from: End = (f64::NEG_INFINITY, true);
    for (left, right) in all {
        result.push((from, (left.0, !left.1)));
        from = (right.0, !right.1);
    }
    result.push((from, (f64::INFINITY, true)));
    result.retain(|((left, _), _)| *left != f64::INFINITY);
    tidied(result.into_iter().filter(|(_, right)| right.0 != f64::NEG_INFINITY).collect())
}

fn intersection(left: &Intervals, right: &Intervals) -> Intervals {
    let mut result = Vec::new();
    for (a_left, a_right) in left {
        for (b_left, b_right) in right {
            let later =
                if a_left.0 > b_left.0 || (a_left.0 == b_left.0 && a_left.1) { a_left } else { b_left };
            let sooner = if a_right.0 < b_right.0 || (a_right.0 == b_right.0 && a_right.1) {
                a_right
            } else {
                b_right
            };
            result.push((*later, *sooner));
        }
    }
    tidied(result)
}
