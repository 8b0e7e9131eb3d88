//! Exact rational arithmetic on the LaTeX of an answer, for golds that are integers.

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rational {
    above: i128,
    below: i128,
}

impl Rational {
    /// `above / below`; `None` if that overflows or divides by zero.
    pub fn new(above: i128, below: i128) -> Option<Self> {
        if below == 0 {
            return None;
        }
        let divisor = i128::try_from(greatest_divisor(above.unsigned_abs(), below.unsigned_abs())).ok()?;
        let sign = if below < 0 { -1 } else { 1 };
        Some(Self {
            above: (above / divisor).checked_mul(sign)?,
            below: (below / divisor).checked_mul(sign)?,
        })
    }

    fn integer(value: i128) -> Self {
        Self { above: value, below: 1 }
    }

    /// The value, if it is an integer.
    pub fn as_integer(self) -> Option<i128> {
        (self.below == 1).then_some(self.above)
    }

    fn add(self, other: Self) -> Option<Self> {
        let left = self.above.checked_mul(other.below)?;
        let right = other.above.checked_mul(self.below)?;
        Self::new(left.checked_add(right)?, self.below.checked_mul(other.below)?)
    }

    fn negate(self) -> Option<Self> {
        Some(Self { above: self.above.checked_neg()?, below: self.below })
    }

    fn multiply(self, other: Self) -> Option<Self> {
        Self::new(self.above.checked_mul(other.above)?, self.below.checked_mul(other.below)?)
    }

    fn divide(self, other: Self) -> Option<Self> {
        Self::new(self.above.checked_mul(other.below)?, self.below.checked_mul(other.above)?)
    }

    fn power(self, exponent: Self) -> Option<Self> {
        if let Some(whole) = exponent.as_integer() {
            let n = u32::try_from(whole.unsigned_abs()).ok()?;
            let (above, below) = (self.above.checked_pow(n)?, self.below.checked_pow(n)?);
            return if whole < 0 { Self::new(below, above) } else { Self::new(above, below) };
        }
        let root = self.root(u32::try_from(exponent.below).ok()?)?;
        root.power(Self::integer(exponent.above))
    }

    /// The root where it is rational; `None` for an irrational or complex one.
    fn root(self, degree: u32) -> Option<Self> {
        if degree == 0 {
            return None;
        }
        if self.above < 0 {
            return None;
        }
        Some(Self { above: exact_root(self.above, degree)?, below: exact_root(self.below, degree)? })
    }

    fn factorial(self) -> Option<Self> {
        let n = self.as_integer().filter(|n| (0..=33).contains(n))?;
        (1..=n).try_fold(1_i128, i128::checked_mul).map(Self::integer)
    }
}

fn greatest_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

fn exact_root(value: i128, degree: u32) -> Option<i128> {
    let (mut low, mut high) = (0_i128, value.max(1));
    while low < high {
        let middle = low + (high - low) / 2;
        if middle.checked_pow(degree).is_some_and(|power| power < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low.checked_pow(degree) == Some(value)).then_some(low)
}

/// Longest answer that is read, in bytes, and deepest nesting.
const LENGTH_BOUND: usize = 4_000;
const DEPTH_BOUND: usize = 64;

/// Is the answer this integer? A list is if all its members are; of an equation the last right side counts.
pub fn equals_integer(answer: &str, gold: i128) -> bool {
    let answer = unboxed(answer);
    if let Some(value) = evaluate(answer) {
        return value.as_integer() == Some(gold);
    }
    if let Some((_, right)) = answer.rsplit_once('=') {
        return equals_integer(right, gold);
    }
    let mut members = top_level_members(answer);
    members.len() > 1
        && members.drain(..).all(|member| evaluate(member).and_then(Rational::as_integer) == Some(gold))
}

/// The content of a box; the normaliser of mode `paper` may have cut its closing brace.
fn unboxed(text: &str) -> &str {
    match text.trim().strip_prefix("\\boxed{") {
        Some(inner) if balance(inner) < 0 => inner.strip_suffix('}').unwrap_or(inner),
        Some(inner) => inner,
        None => text.trim(),
    }
}

fn balance(text: &str) -> i64 {
    text.bytes().map(|byte| i64::from(byte == b'{') - i64::from(byte == b'}')).sum()
}

/// The members of a bare list: parted by commas that no bracket encloses.
fn top_level_members(text: &str) -> Vec<&str> {
    let mut depth = 0_i64;
    text.split(|character| {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .collect()
}

/// The exact value of an answer, or `None` where it is not plain arithmetic.
pub fn evaluate(text: &str) -> Option<Rational> {
    if text.len() > LENGTH_BOUND {
        return None;
    }
    let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let text = text.replace("{,}", ",");
    let mut parser = Parser { text: &text, depth: 0 };
    let value = parser.sum()?;
    parser.units();
    parser.text.is_empty().then_some(value)
}

struct Parser<'a> {
    text: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        match self.text.strip_prefix(token) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    /// A command that no further letter continues: `\cdot`, not `\cdots`.
    fn command(&mut self, name: &str) -> bool {
        let rest = self.text.strip_prefix(name);
        match rest.filter(|rest| !rest.starts_with(|next: char| next.is_ascii_alphabetic())) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    /// Units in `\text` or `\mathrm` after a number.
    fn units(&mut self) {
        for command in ["\\text{", "\\mathrm{"] {
            if let Some(rest) = self.text.strip_prefix(command)
                && let Some((unit, after)) = rest.split_once('}')
                && !unit.contains(|character: char| character.is_ascii_digit() || "{\\".contains(character))
            {
                self.text = after;
            }
        }
    }

    fn sum(&mut self) -> Option<Rational> {
        self.depth += 1;
        if self.depth > DEPTH_BOUND {
            return None;
        }
        let mut total = self.product()?;
        loop {
            if self.take("+") {
                total = total.add(self.product()?)?;
            } else if self.take("-") {
                total = total.add(self.product()?.negate()?)?;
            } else {
                self.depth -= 1;
                return Some(total);
            }
        }
    }

    fn product(&mut self) -> Option<Rational> {
        if self.take("-") {
            return self.product()?.negate();
        }
        if self.take("+") {
            return self.product();
        }
        let mut total = self.power()?;
        loop {
            if self.command("\\times") || self.command("\\cdot") || self.take("*") {
                total = total.multiply(self.signed_power()?)?;
            } else if self.take("/") || self.command("\\div") {
                total = total.divide(self.signed_power()?)?;
            } else if self.text.starts_with(['(', '{'])
                || self.text.starts_with("\\frac")
                || self.text.starts_with("\\sqrt")
            {
                total = total.multiply(self.power()?)?;
            } else {
                return Some(total);
            }
        }
    }

    fn signed_power(&mut self) -> Option<Rational> {
        if self.take("-") { self.power()?.negate() } else { self.power() }
    }

    fn power(&mut self) -> Option<Rational> {
        let mut value = self.atom()?;
        loop {
            if self.take("!") {
                value = value.factorial()?;
            } else if self.take("^") {
                let exponent = self.argument()?;
                value = value.power(exponent)?;
            } else if self.take("_") {
                // Subscripts are dropped: 11_5 is read as 11.
                self.argument()?;
            } else {
                return Some(value);
            }
        }
    }

    /// The argument of a command or exponent: a group, or one digit.
    fn argument(&mut self) -> Option<Rational> {
        if self.text.starts_with('{') {
            return self.atom();
        }
        let digit = self.text.chars().next()?.to_digit(10)?;
        self.text = &self.text[1..];
        Some(Rational::integer(i128::from(digit)))
    }

    fn atom(&mut self) -> Option<Rational> {
        for (open, close) in [("(", ")"), ("{", "}"), ("\\boxed{", "}"), ("|", "|")] {
            if self.take(open) {
                let value = self.sum()?;
                self.units();
                let absolute =
                    if open == "|" { Rational { above: value.above.checked_abs()?, ..value } } else { value };
                return self.take(close).then_some(absolute);
            }
        }
        if self.take("\\frac") {
            let above = self.argument()?;
            return above.divide(self.argument()?);
        }
        if self.take("\\sqrt") {
            let degree = if self.take("[") {
                let degree = self.sum()?.as_integer()?;
                if !self.take("]") {
                    return None;
                }
                u32::try_from(degree).ok()?
            } else {
                2
            };
            return self.argument()?.root(degree);
        }
        self.number()
    }

    fn number(&mut self) -> Option<Rational> {
        let length =
            self.text.find(|character: char| !(character.is_ascii_digit() || ",.".contains(character)));
        let (number, rest) = self.text.split_at(length.unwrap_or(self.text.len()));
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if decimals.contains(['.', ',']) || (whole.is_empty() && decimals.is_empty()) || !grouped(whole) {
            return None;
        }
        self.text = rest;
        let decimals = decimals.trim_end_matches('0');
        let digits: String = whole.chars().chain(decimals.chars()).filter(char::is_ascii_digit).collect();
        let below = 10_i128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
        Rational::new(if digits.is_empty() { 0 } else { digits.parse().ok()? }, below)
    }
}

/// Without commas, or with commas that part thousands.
fn grouped(whole: &str) -> bool {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    rest.is_empty() || ((1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_in_many_dresses() {
        for answer in [
            "70",
            "70.0",
            "070",
            "\\frac{140}{2}",
            "\\frac{140}2",
            "35\\cdot2",
            "35\\times 2",
            "{70}",
            "(70)",
            "70^{1}",
            "\\sqrt{4900}",
            "\\boxed{70}",
            "\\boxed{70",
            "280/4",
            "67+3",
            "-(-70)",
            "7\\times10^1",
            "70\\mathrm{~cm}",
            "70\\text{ cm}",
            "n=70",
            "a=b=70",
            "70,70",
            "\\sqrt[3]{343000}",
            "\\frac{8!}{576}",
            "70_5",
            "2(35)",
            "\\boxed{\\boxed{70}}",
            "|-70|",
            "4900^{1/2}",
        ] {
            assert!(equals_integer(answer, 70), "{answer}");
        }
        for answer in [
            "",
            "71",
            "-70",
            "70.0000001",
            "69.9999999",
            "70,71",
            "(70,70)",
            "\\approx70",
            "70\\pmod{1000}",
            "The answer is 70",
            "\\boxed",
            "\\boxed70",
            "7070",
            "70x",
            "x",
            "\\sqrt{2}",
            "\\frac{70}{0}",
            "70\\cdots",
            "70e0",
            "1/0",
            "70,",
            "\\text{70}",
        ] {
            assert!(!equals_integer(answer, 70), "{answer}");
        }
        assert!(equals_integer("1,234", 1234) && equals_integer("1{,}234,567", 1_234_567));
        assert!(!equals_integer("12,34", 1234) && !equals_integer("1234,567", 1_234_567));
    }

    #[test]
    fn fractions_are_exact() {
        assert_eq!(evaluate("\\frac{1}{3}+\\frac{1}{6}"), Rational::new(1, 2));
        assert_eq!(evaluate("0.125"), Rational::new(1, 8));
        assert_eq!(evaluate("2^{-2}"), Rational::new(1, 4));
        assert_eq!(evaluate("8^{2/3}"), Rational::new(4, 1));
        assert_eq!(evaluate(&"9".repeat(60)), None);
        assert_eq!(evaluate(&"(".repeat(3_000)), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), latex in "(\\\\frac|\\\\sqrt|\\\\cdot|\\{|\\}|\\(|\\)|\\^|[0-9]{1,40}|[-+*/!,.=|_]){0,30}") {
            let _ = equals_integer(&text, 7);
            let _ = equals_integer(&latex, 7);
        }

        #[test]
        fn integers_read_back(value in any::<i64>()) {
            prop_assert!(equals_integer(&value.to_string(), i128::from(value)));
        }
    }
}
