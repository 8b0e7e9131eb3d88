//! Are two values the same answer? The reference's rules, in its order; the gold comes first and the rules are not
//! symmetric. Where the reference simplifies a difference symbolically, the difference is computed exactly where
//! it is rational, and else evaluated at several points.

use super::expression::{Exact, Expression};
use super::lexer::Sign;
use super::matrix::{as_matrix, has_matrix};
use super::parser::{Value, only_symbols};
use super::real_set;
use num_bigint::BigInt;
use num_complex::Complex64;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

/// Decimals to which two numbers are rounded when one is a decimal.
const DECIMALS: u32 = 6;
/// Points at which a difference is evaluated.
const POINTS: u32 = 8;
/// A difference of constants below this counts as none (the reference chops at 2^-49).
const CHOPPED: f64 = 1.776_356_839_400_250_5e-15;

/// Division by zero: the reference gives up on the pair.
#[derive(Clone, Copy, Debug)]
pub struct Undefined;

/// Which rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A decimal of at least five digits may stand for an irrational number, and letters' case means nothing in words.
    pub sound: bool,
}

/// Compares a gold with a prediction.
pub fn equal(gold: &Value, pred: &Value, rules: Rules) -> Result<bool, Undefined> {
    let (gold_assigns, pred_assigns) = (is_assignment(gold), is_assignment(pred));
    let (gold_equation, pred_equation) = (is_equation(gold), is_equation(pred));
    let mut gold = if gold_assigns { shortened(gold) } else { gold.clone() };
    let mut pred = if pred_assigns { shortened(pred) } else { pred.clone() };
    if pred_equation && !gold_equation {
        pred = last_side(&pred);
    } else if gold_assigns && !pred_equation {
        gold = last_side(&gold);
    }
    if is_relation(&gold)
        && is_set(&pred)
        && let Some(set) = solution_set(&gold)
    {
        gold = set;
    }
    if gold == Value::Plain(Expression::Undefined) {
        return Err(Undefined);
    }
    if gold == pred {
        return Ok(true);
    }
    if is_relation(&gold) && is_relation(&pred) {
        return equal_relations(&gold, &pred, rules);
    }
    if is_set(&gold) || is_set(&pred) || matches!(gold, Value::Tuple(_)) || matches!(pred, Value::Tuple(_)) {
        return equal_sets(&gold, &pred, rules);
    }
    match (&gold, &pred) {
        (Value::Plain(gold), Value::Plain(pred)) => Ok(equal_expressions(gold, pred, rules)),
        _ => Ok(false),
    }
}

fn is_set(value: &Value) -> bool {
    matches!(value, Value::Set(_) | Value::Interval(..) | Value::Named(_) | Value::Joined(..))
}

fn is_relation(value: &Value) -> bool {
    matches!(value, Value::Relation(..) | Value::Chain(_))
}

fn is_equation(value: &Value) -> bool {
    match value {
        Value::Relation(sign, ..) => *sign == Sign::Equal,
        Value::Chain(all) => all.iter().all(is_equation),
        _ => false,
    }
}

/// An equation with nothing but symbols on its first left side.
fn is_assignment(value: &Value) -> bool {
    match value {
        Value::Relation(Sign::Equal, left, _) => symbols_only(left),
        Value::Chain(all) => {
            is_equation(value)
                && matches!(all.first(), Some(Value::Relation(_, left, _)) if symbols_only(left))
        }
        _ => false,
    }
}

fn symbols_only(value: &Value) -> bool {
    match value {
        Value::Plain(expression) => only_symbols(expression),
        Value::Tuple(all) => all.iter().all(symbols_only),
        _ => false,
    }
}

/// A chain of assignments from its first left side to its last right side.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Chain(all) => match (all.first(), all.last()) {
            (Some(Value::Relation(_, left, _)), Some(Value::Relation(_, _, right))) => {
                Value::Relation(Sign::Equal, left.clone(), right.clone())
            }
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn last_side(value: &Value) -> Value {
    match value {
        Value::Relation(_, _, right) => (**right).clone(),
        Value::Chain(all) => all.last().map_or_else(|| value.clone(), last_side),
        other => other.clone(),
    }
}

fn equal_relations(gold: &Value, pred: &Value, rules: Rules) -> Result<bool, Undefined> {
    match (gold, pred) {
        (Value::Chain(gold), Value::Chain(pred)) => {
            for (gold, pred) in gold.iter().zip(pred) {
                if !equal_relations(gold, pred, rules)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (
            Value::Relation(gold_sign, gold_left, gold_right),
            Value::Relation(pred_sign, pred_left, pred_right),
        ) => {
            let (Value::Plain(a), Value::Plain(b), Value::Plain(c), Value::Plain(d)) =
                (&**gold_left, &**gold_right, &**pred_left, &**pred_right)
            else {
                return Ok(gold_sign == pred_sign
                    && equal(gold_left, pred_left, rules)?
                    && equal(gold_right, pred_right, rules)?);
            };
            let gold_side = a.clone().minus(b.clone());
            let pred_side = c.clone().minus(d.clone());
            if gold_sign == pred_sign && equal_expressions(&gold_side, &pred_side, rules) {
                return Ok(true);
            }
            let swapped = swapped(*gold_sign) == Some(*pred_sign);
            if swapped && equal_expressions(&gold_side, &d.clone().minus(c.clone()), rules) {
                return Ok(true);
            }
            // Solving both is comparing them up to a factor.
            Ok(ratio(&gold_side, &pred_side).is_some_and(|ratio| {
                (gold_sign == pred_sign && (ratio > 0.0 || *gold_sign == Sign::Equal))
                    || (swapped && ratio < 0.0)
            }))
        }
        _ => Ok(false),
    }
}

fn swapped(sign: Sign) -> Option<Sign> {
    Some(match sign {
        Sign::Equal => Sign::Equal,
        Sign::Less => Sign::Greater,
        Sign::AtMost => Sign::AtLeast,
        Sign::Greater => Sign::Less,
        Sign::AtLeast => Sign::AtMost,
        Sign::Unequal | Sign::Near => return None,
    })
}

/// The constant ratio of two expressions in the same symbols.
fn ratio(left: &Expression, right: &Expression) -> Option<f64> {
    if left.is_constant() || right.is_constant() {
        return None;
    }
    let mut known: Option<Complex64> = None;
    let mut met = 0;
    for round in 0..POINTS {
        let (Some(left), Some(right)) = (left.numeric(round), right.numeric(round)) else { continue };
        if right.norm() < 1e-9 {
            continue;
        }
        let ratio = left / right;
        if known.is_some_and(|known| (known - ratio).norm() > 1e-9 * known.norm()) {
            return None;
        }
        known = Some(ratio);
        met += 1;
    }
    known.filter(|ratio| met >= 3 && ratio.norm() > 1e-12 && ratio.im.abs() < 1e-9).map(|ratio| ratio.re)
}

/// The set that a relation of one symbol and a constant describes.
fn solution_set(value: &Value) -> Option<Value> {
    match value {
        Value::Chain(all) => {
            let mut sets = all.iter().map(solution_set);
            let mut total = sets.next()??;
            for set in sets {
                total = Value::Joined(super::parser::Join::Intersection, Box::new(total), Box::new(set?));
            }
            Some(total)
        }
        Value::Relation(sign, left, right) => {
            let (Value::Plain(left), Value::Plain(right)) = (&**left, &**right) else { return None };
            let (sign, bound) = match (left, right) {
                (Expression::Symbol { .. }, bound) if bound.is_constant() => (*sign, bound),
                (bound, Expression::Symbol { .. }) if bound.is_constant() => (swapped(*sign)?, bound),
                _ => return None,
            };
            let low = || Expression::Infinity.negative();
            let open = |left, left_open, right, right_open| {
                Some(Value::Interval(left, left_open, right, right_open))
            };
            match sign {
                Sign::Less => open(low(), true, bound.clone(), true),
                Sign::AtMost => open(low(), true, bound.clone(), false),
                Sign::Greater => open(bound.clone(), true, Expression::Infinity, true),
                Sign::AtLeast => open(bound.clone(), false, Expression::Infinity, true),
                Sign::Equal => Some(Value::Set(vec![Value::Plain(bound.clone())])),
                Sign::Unequal | Sign::Near => None,
            }
        }
        _ => None,
    }
}

fn equal_sets(gold: &Value, pred: &Value, rules: Rules) -> Result<bool, Undefined> {
    let as_set = |value: &Value| match value {
        Value::Set(all) => Value::Set(distinct(all)),
        Value::Tuple(_) | Value::Interval(..) | Value::Named(_) | Value::Joined(..) => value.clone(),
        other => Value::Set(vec![other.clone()]),
    };
    let (gold, pred) = (as_set(gold), as_set(pred));
    if let (Value::Interval(a, a_open, b, b_open), Value::Interval(c, c_open, d, d_open)) = (&gold, &pred) {
        let ends = |left: &Expression, right: &Expression| {
            equal(&Value::Plain(left.clone()), &Value::Plain(right.clone()), rules)
        };
        return Ok(a_open == c_open && b_open == d_open && ends(a, c)? && ends(b, d)?);
    }
    if gold == pred {
        return Ok(true);
    }
    let joined = matches!(gold, Value::Joined(..)) || matches!(pred, Value::Joined(..));
    if (joined
        || matches!(gold, Value::Named(_))
        || matches!(pred, Value::Named(_))
        || matches!(gold, Value::Interval(..)))
        && is_set(&gold)
        && is_set(&pred)
        && let (Some(gold), Some(pred)) = (real_set::intervals(&gold), real_set::intervals(&pred))
        && real_set::same(&gold, &pred)
    {
        return Ok(true);
    }
    let ends = |value: &Value| match value {
        Value::Interval(left, true, right, true) => {
            Some(Value::Tuple(vec![Value::Plain(left.clone()), Value::Plain(right.clone())]))
        }
        Value::Interval(..) => None,
        other => Some(other.clone()),
    };
    match (ends(&gold), ends(&pred)) {
        (Some(gold), Some(pred)) => equal_members(&gold, &pred, rules),
        _ => Ok(false),
    }
}

/// Members without repetition, the first of each kept in its place.
fn distinct(all: &[Value]) -> Vec<Value> {
    let mut kept: Vec<(&Value, Option<Exact>)> = Vec::new();
    for one in all.iter().take(1_000) {
        let exact = if let Value::Plain(one) = one { one.exact() } else { None };
        let same = |(other, value): &(&Value, Option<Exact>)| {
            *other == one
                || matches!((value, &exact), (Some(a), Some(b)) if a.decimal == b.decimal && a.value == b.value)
        };
        if !kept.iter().any(same) {
            kept.push((one, exact));
        }
    }
    kept.into_iter().map(|(one, _)| one.clone()).collect()
}

fn equal_members(gold: &Value, pred: &Value, rules: Rules) -> Result<bool, Undefined> {
    let (
        Value::Set(gold_members) | Value::Tuple(gold_members),
        Value::Set(pred_members) | Value::Tuple(pred_members),
    ) = (gold, pred)
    else {
        return Ok(false);
    };
    if gold_members.len() != pred_members.len() {
        return Ok(false);
    }
    // A gold set is compared in sorted order: members are paired whatever their places.
    if matches!(gold, Value::Set(_)) {
        let mut free: Vec<&Value> = pred_members.iter().collect();
        for gold in gold_members {
            let mut place = None;
            for (index, pred) in free.iter().enumerate() {
                if equal(gold, pred, rules)? {
                    place = Some(index);
                    break;
                }
            }
            match place {
                Some(place) => {
                    free.remove(place);
                }
                None => return Ok(false),
            }
        }
        return Ok(true);
    }
    for (gold, pred) in gold_members.iter().zip(pred_members) {
        if !equal(gold, pred, rules)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_expressions(gold: &Expression, pred: &Expression, rules: Rules) -> bool {
    let is_symbol = |side: &Expression| matches!(side, Expression::Symbol { .. });
    if is_symbol(gold) || is_symbol(pred) {
        return equal_symbols(gold, pred) || (rules.sound && vanishes(gold, pred, rules));
    }
    if has_matrix(gold) || has_matrix(pred) {
        // One after the other: what the gold is not, the prediction need not be written out for.
        let Some(gold) = as_matrix(gold) else { return false };
        let Some(pred) = as_matrix(pred) else { return false };
        return gold.len() == pred.len()
            && gold.iter().zip(&pred).all(|(gold, pred)| {
                gold.len() == pred.len()
                    && gold.iter().zip(pred).all(|(gold, pred)| {
                        numerically_equal(gold, pred, rules) || vanishes(gold, pred, rules)
                    })
            });
    }
    numerically_equal(gold, pred, rules) || vanishes(gold, pred, rules)
}

/// A symbol against a symbol, or against a product of letters that spells it.
fn equal_symbols(gold: &Expression, pred: &Expression) -> bool {
    let spelled = |side: &Expression| match side {
        Expression::Symbol { name, .. } => Some(name.to_lowercase()),
        Expression::Euler => Some("e".to_owned()),
        Expression::Product(letters) => letters
            .iter()
            .map(|letter| match letter {
                Expression::Symbol { name, .. } => Some(name.to_lowercase()),
                Expression::Euler => Some("e".to_owned()),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    spelled(gold).is_some_and(|gold| Some(gold) == spelled(pred))
}

/// A number, or a number of hundredths.
fn is_atomic(expression: &Expression, decimal_only: bool) -> bool {
    let fits = |side: &Expression| match side {
        Expression::Decimal(_) => true,
        other => !decimal_only && other.is_number(),
    };
    let hundredth = || Expression::Number(BigRational::new(BigInt::from(1), BigInt::from(100)));
    fits(expression)
        || matches!(expression, Expression::Product(factors) if factors.len() == 2 && factors[1] == hundredth() && fits(&factors[0]))
}

fn numerically_equal(gold: &Expression, pred: &Expression, rules: Rules) -> bool {
    if is_atomic(gold, false) || is_atomic(pred, false) {
        let (Some(a), Some(b)) = (gold.exact(), pred.exact()) else { return false };
        if !is_atomic(gold, true) && !is_atomic(pred, true) {
            return a.value == b.value && a.decimal == b.decimal;
        }
        if rules.sound {
            return equal_to_six_digits(&a.value, &b.value);
        }
        // An integer and a decimal are of different types even after rounding.
        if (!a.decimal && a.value.is_integer()) || (!b.decimal && b.value.is_integer()) {
            return false;
        }
        return rounded(&a.value) == rounded(&b.value);
    }
    if let (Some(a), Some(b)) = (gold.exact(), pred.exact()) {
        return (a.value - b.value)
            .to_f64()
            .is_some_and(|difference| difference.abs() < CHOPPED && !rules.sound)
            || (gold.exact().map(|side| side.value) == pred.exact().map(|side| side.value));
    }
    if gold.is_constant() && pred.is_constant() && !rules.sound {
        let (Some(a), Some(b)) = (gold.numeric(0), pred.numeric(0)) else { return false };
        let difference = a - b;
        return difference.re.abs() < CHOPPED && difference.im.abs() < CHOPPED;
    }
    false
}

/// Equal after rounding to [`DECIMALS`] decimals; of a number below a tenth, to as many digits after its first zeros,
/// which a charge or a Planck constant would be lost in otherwise.
fn equal_to_six_digits(a: &BigRational, b: &BigRational) -> bool {
    let size = a.abs().max(b.abs());
    if size.is_zero() {
        return true;
    }
    let ten = BigInt::from(10);
    let zeros = size.denom().to_string().len().saturating_sub(size.numer().to_string().len() + 1);
    let scale = BigRational::from(ten.pow(u32::try_from(zeros).unwrap_or(0)));
    rounded(&(a * &scale)) == rounded(&(b * &scale))
}

/// To [`DECIMALS`] decimals, half to even, as a whole number of units.
fn rounded(value: &BigRational) -> BigInt {
    let scaled = value * BigRational::from(BigInt::from(10).pow(DECIMALS));
    let floor = scaled.floor().to_integer();
    let twice = (scaled - BigRational::from(floor.clone())) * BigRational::from(BigInt::from(2));
    let one = BigRational::from(BigInt::from(1));
    if twice > one || (twice == one && &floor % 2 != BigInt::zero()) { floor + 1 } else { floor }
}

/// Is the difference zero?
fn vanishes(gold: &Expression, pred: &Expression, rules: Rules) -> bool {
    if let (Some(a), Some(b)) = (gold.exact(), pred.exact()) {
        let difference = (&a.value - &b.value).abs();
        if difference.is_zero() {
            return true;
        }
        // Decimals are floats in the reference: sums of them may be off in the last digit.
        let size = a.value.abs().max(b.value.abs());
        return (a.decimal || b.decimal)
            && (difference / size)
                .to_f64()
                .is_some_and(|share| share < if rules.sound { 5e-7 } else { 1e-16 });
    }
    let decimal = gold.has_decimal() || pred.has_decimal();
    let constant = gold.is_constant() && pred.is_constant();
    let tolerance = match (constant, decimal) {
        // An irrational number is no decimal, however many digits it has.
        (true, true) if rules.sound => 5e-7,
        (true, true) => 3e-16,
        (true, false) | (false, true) => 1e-13,
        (false, false) => 1e-9,
    };
    if constant {
        return near(gold, pred, 0, tolerance) == Some(true)
            && (!decimal || rules.sound || !is_atomic(gold, true) && !is_atomic(pred, true));
    }
    let mut met = 0;
    for round in 0..POINTS {
        match near(gold, pred, round, tolerance) {
            Some(true) => met += 1,
            Some(false) => return false,
            None => {}
        }
    }
    met >= 2
}

fn near(gold: &Expression, pred: &Expression, round: u32, tolerance: f64) -> Option<bool> {
    let (a, b) = (gold.numeric(round)?, pred.numeric(round)?);
    Some((a - b).norm() <= tolerance * (a.norm() + b.norm()).max(f64::MIN_POSITIVE))
}
