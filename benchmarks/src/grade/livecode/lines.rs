//! Printed output against expected output, line by line (spec section 4, "stdin").

use num_bigint::BigInt;

/// Is what was printed right? Outer space is stripped, then each line's; a line is right when it is equal or when
/// both split into the same decimal numbers.
pub fn same_lines(printed: &str, expected: &str) -> bool {
    let lines =
        |text: &str| -> Vec<String> { text.trim().lines().map(|line| line.trim().to_owned()).collect() };
    let (printed, expected) = (lines(printed), lines(expected));
    printed.len() == expected.len()
        && printed.iter().zip(&expected).all(|(printed, expected)| {
            printed == expected
                || matches!((decimals(printed), decimals(expected)), (Some(a), Some(b)) if a == b)
        })
}

/// A decimal number in lowest form, as Python's `Decimal` compares: sign and digits, and the power of ten.
#[derive(Debug, PartialEq, Eq)]
enum Decimal {
    Finite(BigInt, i64),
    Infinite(bool),
    /// Equal to nothing, which `PartialEq` cannot say: a line that holds one is never right.
    Nan,
}

fn decimals(line: &str) -> Option<Vec<Decimal>> {
    let all: Vec<Decimal> = line.split_whitespace().map(decimal).collect::<Option<_>>()?;
    (!all.contains(&Decimal::Nan)).then_some(all)
}

fn decimal(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    if lower == "inf" || lower == "infinity" {
        return Some(Decimal::Infinite(negative));
    }
    if lower
        .trim_start_matches('s')
        .strip_prefix("nan")
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    {
        return Some(Decimal::Nan);
    }
    let (mantissa, exponent) = match lower.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), exponent.parse::<i64>().ok()?),
        None => (lower, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let digits = format!("{whole}{fraction}").replace('_', "");
    if digits.is_empty() || digits.len() > 100_000 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return Some(Decimal::Finite(BigInt::from(0), 0));
    }
    let mut value: BigInt = kept.parse().ok()?;
    if value == BigInt::from(0) {
        return Some(Decimal::Finite(value, 0));
    }
    if negative {
        value = -value;
    }
    let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
    let scale = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    Some(Decimal::Finite(value, scale))
}

#[cfg(test)]
mod tests {
    use super::same_lines;
    use proptest::prelude::*;

    #[test]
    fn lines_are_equal_as_text_or_as_decimals() {
        for (printed, expected, same) in [
            ("1 2\n3\n", "1 2\n3", true),
            (" 1 2 \n  3", "1 2\n3", true),
            ("1.0 2", "1 2.00", true),
            ("1e3", "1000", true),
            ("-0", "0", true),
            ("1\n\n2", "1\n2", false),
            ("YES", "Yes", false),
            ("0.1", "0.10000000000000001", false),
            ("nan", "NaN", false),
            ("nan", "nan", true),
            ("inf", "Infinity", true),
            ("", "", true),
            ("1 2", "1  2", true),
            ("a 1", "a 1.0", false),
        ] {
            assert_eq!(same_lines(printed, expected), same, "{printed:?} {expected:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_is_reflexive(a in any::<String>(), b in "[-+0-9.eE naif\n_]{0,20}") {
            prop_assert!(same_lines(&a, &a) && same_lines(&b, &b));
            let _ = same_lines(&a, &b);
        }
    }
}
