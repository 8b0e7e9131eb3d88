//! Expressions: their exact value where they are rational, and their numeric value at a point.
//!
//! Everything is bounded: integers by [`BITS_BOUND`], sums and products by [`TERMS_BOUND`], so that a hostile answer
//! costs no more than a long honest one.

use super::work;
use num_bigint::BigInt;
use num_complex::Complex64;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

/// Longest integer that is computed, in bits.
const BITS_BOUND: u64 = 16_384;
/// Terms of a sum or product with bounds.
const TERMS_BOUND: i64 = 1_000;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// An exact number.
    Number(BigRational),
    /// A number that was written as a decimal: it has its exact value and the reference's type of a float.
    Decimal(BigRational),
    /// A symbol; `real` says what the reference assumes of it.
    Symbol {
        /// Its name.
        name: String,
        /// Is it a real number?
        real: bool,
    },
    /// Euler's number.
    Euler,
    /// The ratio of circumference and diameter.
    Pi,
    /// The imaginary unit.
    Imaginary,
    /// Positive infinity.
    Infinity,
    /// A division by zero.
    Undefined,
    /// A sum.
    Sum(Vec<Expression>),
    /// A product.
    Product(Vec<Expression>),
    /// A power.
    Power(Box<Expression>, Box<Expression>),
    /// A function of its arguments; names of unknown functions start with `?`.
    Call(String, Vec<Expression>),
    /// A matrix by rows.
    Matrix(Vec<Vec<Expression>>),
    /// A sum or product over an integer variable: name, body, variable, first, last.
    Series(&'static str, Box<Expression>, String, Box<Expression>, Box<Expression>),
}

use Expression as E;

/// An exact value, and whether a decimal went into it.
#[derive(Clone, Debug)]
pub struct Exact {
    /// The value.
    pub value: BigRational,
    /// Does it come from a decimal?
    pub decimal: bool,
}

impl Expression {
    /// A whole number.
    pub fn integer(value: i64) -> Self {
        E::Number(BigRational::from_integer(value.into()))
    }

    /// The number of a text of digits, a decimal point and an exponent.
    pub fn from_digits(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['E', 'e']).unwrap_or((text, "0"));
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i64 = exponent.parse().ok()?;
        let scale = exponent.checked_sub(i64::try_from(decimals.len()).ok()?)?;
        let digits: BigInt = format!("0{whole}{decimals}").parse().ok()?;
        let power = ten_to(scale.unsigned_abs())?;
        let value =
            if scale < 0 { BigRational::new(digits, power) } else { BigRational::from(digits * power) };
        let decimal = mantissa.contains('.') || text.contains(['E', 'e']);
        Some(if decimal { E::Decimal(value) } else { E::Number(value) })
    }

    /// Is it a number by itself (the reference's atomic numbers)?
    pub fn is_number(&self) -> bool {
        matches!(self, E::Number(_) | E::Decimal(_) | E::Infinity)
            || matches!(self, E::Product(factors) if matches!(&factors[..],
                [E::Number(minus), E::Infinity] if *minus == -BigRational::one()))
    }

    /// The negative; numbers stay numbers.
    pub fn negative(self) -> Self {
        match self {
            E::Number(value) => E::Number(-value),
            E::Decimal(value) => E::Decimal(-value),
            other => E::product(E::integer(-1), other),
        }
    }

    /// A product, flat.
    pub fn product(left: Self, right: Self) -> Self {
        let mut factors = Vec::new();
        for side in [left, right] {
            match side {
                E::Product(more) => factors.extend(more),
                other => factors.push(other),
            }
        }
        E::Product(factors)
    }

    /// A sum, flat.
    pub fn sum(left: Self, right: Self) -> Self {
        let mut terms = Vec::new();
        for side in [left, right] {
            match side {
                E::Sum(more) => terms.extend(more),
                other => terms.push(other),
            }
        }
        E::Sum(terms)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Self {
        E::sum(self, other.negative())
    }

    /// A power.
    pub fn power(self, exponent: Self) -> Self {
        E::Power(Box::new(self), Box::new(exponent))
    }

    /// The quotient; of two integers it is a number.
    pub fn divided_by(self, other: Self) -> Self {
        if let (E::Number(above), E::Number(below)) = (&self, &other)
            && above.is_integer()
            && below.is_integer()
        {
            return if below.is_zero() { E::Undefined } else { E::Number(above / below) };
        }
        E::product(self, other.power(E::integer(-1)))
    }

    /// Calls `visit` on this and everything in it.
    pub fn visit(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            E::Sum(parts) | E::Product(parts) | E::Call(_, parts) => {
                for part in parts {
                    part.visit(visit);
                }
            }
            E::Power(base, exponent) => {
                base.visit(visit);
                exponent.visit(visit);
            }
            E::Matrix(rows) => {
                for entry in rows.iter().flatten() {
                    entry.visit(visit);
                }
            }
            E::Series(_, body, _, first, last) => {
                body.visit(visit);
                first.visit(visit);
                last.visit(visit);
            }
            _ => {}
        }
    }

    /// Does it hold a symbol or an unknown function?
    pub fn is_constant(&self) -> bool {
        let mut constant = true;
        self.visit(&mut |part| {
            constant &= !matches!(part, E::Symbol { .. })
                && !matches!(part, E::Call(name, _) if name.starts_with('?'));
        });
        constant
    }

    /// Does it hold a decimal?
    pub fn has_decimal(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= matches!(part, E::Decimal(_)));
        found
    }

    /// The exact value, where it is rational and not too large.
    pub fn exact(&self) -> Option<Exact> {
        let plain = |value| Some(Exact { value, decimal: false });
        work::spend(100)?;
        match self {
            E::Number(value) => plain(value.clone()),
            E::Decimal(value) => Some(Exact { value: value.clone(), decimal: true }),
            E::Sum(parts) => fold(parts, BigRational::zero(), |a, b| a + b),
            E::Product(parts) => fold(parts, BigRational::one(), |a, b| a * b),
            E::Power(base, exponent) => {
                let (base, exponent) = (base.exact()?, exponent.exact()?);
                let value = rational_power(&base.value, &exponent.value)?;
                Some(Exact { value, decimal: base.decimal || exponent.decimal })
            }
            E::Call(name, arguments) => {
                let values: Vec<Exact> = arguments.iter().map(Self::exact).collect::<Option<_>>()?;
                let decimal = values.iter().any(|value| value.decimal);
                let values: Vec<BigRational> = values.into_iter().map(|value| value.value).collect();
                Some(Exact { value: call_exact(name, &values)?, decimal })
            }
            E::Series(..) => self.terms()?.exact(),
            _ => None,
        }
    }

    /// The value at a point: symbols and unknown functions get numbers that depend on their name and on `round`.
    pub fn numeric(&self, round: u32) -> Option<Complex64> {
        work::spend(100)?;
        let value = match self {
            E::Number(value) | E::Decimal(value) => Complex64::new(value.to_f64()?, 0.0),
            E::Symbol { name, .. } => Complex64::new(point(name, round), 0.0),
            E::Euler => Complex64::new(std::f64::consts::E, 0.0),
            E::Pi => Complex64::new(std::f64::consts::PI, 0.0),
            E::Imaginary => Complex64::i(),
            E::Infinity | E::Undefined | E::Matrix(_) => return None,
            E::Sum(parts) => parts.iter().map(|part| part.numeric(round)).sum::<Option<Complex64>>()?,
            E::Product(parts) => {
                parts.iter().map(|part| part.numeric(round)).product::<Option<Complex64>>()?
            }
            E::Power(base, exponent) => {
                let (base, exponent) = (base.numeric(round)?, exponent.numeric(round)?);
                if base.is_zero() {
                    return if exponent.re > 0.0 { Some(Complex64::zero()) } else { None };
                }
                match exponent.re.to_i32() {
                    Some(whole) if exponent.im == 0.0 && f64::from(whole) == exponent.re => base.powi(whole),
                    _ if exponent.im == 0.0 && base.im == 0.0 && base.re > 0.0 => {
                        Complex64::new(base.re.powf(exponent.re), 0.0)
                    }
                    _ => base.powc(exponent),
                }
            }
            E::Call(name, arguments) if name.starts_with('?') => {
                let text = format!("{name}{arguments:?}");
                Complex64::new(point(&text, round), 0.0)
            }
            E::Call(name, arguments) => {
                let values: Vec<Complex64> =
                    arguments.iter().map(|argument| argument.numeric(round)).collect::<Option<_>>()?;
                call_numeric(name, &values)?
            }
            E::Series(..) => self.terms()?.numeric(round)?,
        };
        (value.re.is_finite() && value.im.is_finite()).then_some(value)
    }

    /// A series written out.
    fn terms(&self) -> Option<Self> {
        let E::Series(kind, body, variable, first, last) = self else { return None };
        let bound = |side: &Self| side.exact().filter(|value| value.value.is_integer())?.value.to_i64();
        let (first, last) = (bound(first)?, bound(last)?);
        // Nested series would multiply their terms.
        let mut nested = false;
        body.visit(&mut |part| nested |= matches!(part, E::Series(..)));
        if nested || last.checked_sub(first)? > TERMS_BOUND {
            return None;
        }
        let terms = (first..=last).map(|index| body.substitute(variable, &E::integer(index))).collect();
        Some(if *kind == "sum" { E::Sum(terms) } else { E::Product(terms) })
    }

    fn substitute(&self, variable: &str, value: &Self) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|part| part.substitute(variable, value)).collect();
        match self {
            E::Symbol { name, .. } if name == variable => value.clone(),
            E::Sum(parts) => E::Sum(all(parts)),
            E::Product(parts) => E::Product(all(parts)),
            E::Call(name, parts) => E::Call(name.clone(), all(parts)),
            E::Power(base, exponent) => {
                base.substitute(variable, value).power(exponent.substitute(variable, value))
            }
            other => other.clone(),
        }
    }
}

fn fold(
    parts: &[Expression],
    start: BigRational,
    join: impl Fn(BigRational, BigRational) -> BigRational,
) -> Option<Exact> {
    let mut total = Exact { value: start, decimal: false };
    for part in parts {
        let part = part.exact()?;
        total.decimal |= part.decimal;
        total.value = join(total.value, part.value);
        let bits = total.value.numer().bits() + total.value.denom().bits();
        work::spend_bits(bits)?;
        if bits > BITS_BOUND {
            return None;
        }
    }
    Some(total)
}

fn ten_to(exponent: u64) -> Option<BigInt> {
    let exponent = u32::try_from(exponent).ok().filter(|exponent| *exponent <= 4_000)?;
    Some(BigInt::from(10).pow(exponent))
}

fn rational_power(base: &BigRational, exponent: &BigRational) -> Option<BigRational> {
    let degree = exponent.denom().to_u32().filter(|degree| *degree <= 1_000)?;
    work::spend_bits(base.numer().bits() + base.denom().bits())?;
    let root = if degree == 1 { base.clone() } else { exact_root(base, degree)? };
    let times = exponent.numer().to_i64()?;
    let bits = root.numer().bits().max(root.denom().bits());
    if root.is_zero() {
        return if times > 0 { Some(root) } else { None };
    }
    if bits.checked_mul(times.unsigned_abs())? > BITS_BOUND && !root.abs().is_one() {
        return None;
    }
    let times = if root.abs().is_one() { times % 2 } else { times };
    Some(root.pow(i32::try_from(times).ok()?))
}

/// The root where it is rational and real.
fn exact_root(value: &BigRational, degree: u32) -> Option<BigRational> {
    if value.is_negative() {
        return None;
    }
    let (above, below) = (value.numer().nth_root(degree), value.denom().nth_root(degree));
    let back = BigRational::new(above.clone().pow(degree), below.clone().pow(degree));
    (back == *value).then(|| BigRational::new(above, below))
}

fn call_exact(name: &str, values: &[BigRational]) -> Option<BigRational> {
    let whole = |value: &BigRational| value.is_integer().then(|| value.to_integer());
    let integers = || values.iter().map(whole).collect::<Option<Vec<_>>>();
    Some(match (name, values) {
        ("abs", [value]) => value.abs(),
        ("floor", [value]) => value.floor(),
        ("ceil", [value]) => value.ceil(),
        ("factorial", [value]) => {
            let n = whole(value)?.to_u32().filter(|n| *n <= 1_500)?;
            work::spend(100 * u64::from(n))?;
            BigRational::from((1..=n).map(BigInt::from).product::<BigInt>())
        }
        ("binomial", [n, k]) => {
            let (n, k) = (whole(n)?.to_u32()?, whole(k)?.to_i64()?);
            if k < 0 || k > i64::from(n) {
                return Some(BigRational::zero());
            }
            let k = u32::try_from(k.min(i64::from(n) - k)).ok().filter(|k| *k <= 1_000)?;
            let mut value = BigInt::one();
            work::spend(1_000 * u64::from(k))?;
            for step in 0..k {
                value = value * (n - step) / (step + 1);
            }
            BigRational::from(value)
        }
        ("mod", [left, right]) if !right.is_zero() => left - (left / right).floor() * right,
        ("gcd", _) => BigRational::from(reduced(&integers()?, BigInt::gcd)?),
        ("lcm", _) => BigRational::from(reduced(&integers()?, BigInt::lcm)?),
        ("max", _) => values.iter().max()?.clone(),
        ("min", _) => values.iter().min()?.clone(),
        ("log", [value, base]) => exact_log(value, base)?,
        ("sin" | "tan" | "arcsin" | "arctan" | "sinh" | "tanh", [zero]) if zero.is_zero() => {
            BigRational::zero()
        }
        ("cos" | "cosh", [zero]) if zero.is_zero() => BigRational::one(),
        _ => return None,
    })
}

/// Joins integers from left to right, as long as what comes out is not too large.
fn reduced(all: &[BigInt], join: impl Fn(&BigInt, &BigInt) -> BigInt) -> Option<BigInt> {
    let (first, rest) = all.split_first()?;
    rest.iter().try_fold(first.clone(), |total, next| {
        work::spend_bits(total.bits().max(next.bits()))?;
        Some(join(&total, next)).filter(|total| total.bits() <= BITS_BOUND)
    })
}

/// The logarithm where it is a whole number.
fn exact_log(value: &BigRational, base: &BigRational) -> Option<BigRational> {
    if !value.is_positive() || *base <= BigRational::one() {
        return None;
    }
    let guess = (value.to_f64()?.ln() / base.to_f64()?.ln()).round();
    let exponent = BigRational::from(BigInt::from(guess.to_i64()?));
    (rational_power(base, &exponent)? == *value).then_some(exponent)
}

fn call_numeric(name: &str, values: &[Complex64]) -> Option<Complex64> {
    let real = |value: f64| Complex64::new(value, 0.0);
    let one = Complex64::one();
    Some(match (name, values) {
        ("sin", [x]) => x.sin(),
        ("cos", [x]) => x.cos(),
        ("tan", [x]) => x.tan(),
        ("cot", [x]) => x.cos() / x.sin(),
        ("sec", [x]) => one / x.cos(),
        ("csc", [x]) => one / x.sin(),
        ("arcsin", [x]) => within(*x, f64::asin, Complex64::asin),
        ("arccos", [x]) => within(*x, f64::acos, Complex64::acos),
        ("arctan", [x]) => x.atan(),
        ("arccot", [x]) => (one / x).atan(),
        ("arcsec", [x]) => within(one / x, f64::acos, Complex64::acos),
        ("arccsc", [x]) => within(one / x, f64::asin, Complex64::asin),
        ("sinh", [x]) => x.sinh(),
        ("cosh", [x]) => x.cosh(),
        ("tanh", [x]) => x.tanh(),
        ("arsinh", [x]) => x.asinh(),
        ("arcosh", [x]) => x.acosh(),
        ("artanh", [x]) => x.atanh(),
        ("log", [x, base]) if !x.is_zero() => x.ln() / base.ln(),
        ("ln", [x]) if !x.is_zero() => x.ln(),
        ("exp", [x]) => x.exp(),
        ("abs", [x]) => real(x.norm()),
        ("floor", [x]) if x.im == 0.0 => real(settled(x.re).floor()),
        ("ceil", [x]) if x.im == 0.0 => real(settled(x.re).ceil()),
        ("mod", [x, y]) if y.re != 0.0 => real(x.re - (x.re / y.re).floor() * y.re),
        ("max", _) => real(values.iter().map(|value| value.re).reduce(f64::max)?),
        ("min", _) => real(values.iter().map(|value| value.re).reduce(f64::min)?),
        ("factorial", [x]) if x.im == 0.0 => real(gamma(x.re + 1.0)?),
        ("binomial", [n, k]) if n.im == 0.0 && k.im == 0.0 => {
            real(gamma(n.re + 1.0)? / (gamma(k.re + 1.0)? * gamma(n.re - k.re + 1.0)?))
        }
        _ => return None,
    })
}

/// The real branch where there is one: the complex functions choose a side of the cut by the sign of a zero.
fn within(x: Complex64, real: fn(f64) -> f64, complex: fn(Complex64) -> Complex64) -> Complex64 {
    if x.im == 0.0 && x.re.abs() <= 1.0 { Complex64::new(real(x.re), 0.0) } else { complex(x) }
}

/// A value next to an integer is that integer: the error of the evaluation must not decide a floor.
fn settled(value: f64) -> f64 {
    let nearest = value.round();
    if (value - nearest).abs() <= 1e-9 * nearest.abs().max(1.0) { nearest } else { value }
}

/// The gamma function by Lanczos' approximation (g = 7, nine terms).
fn gamma(x: f64) -> Option<f64> {
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let reflected = (std::f64::consts::PI * x).sin() * gamma(1.0 - x)?;
        return (reflected != 0.0).then(|| std::f64::consts::PI / reflected);
    }
    let x = x - 1.0;
    let series: f64 =
        TERMS[0] + TERMS[1..].iter().zip(1..).map(|(term, index)| term / (x + f64::from(index))).sum::<f64>();
    let shifted = x + 7.5;
    let value = (2.0 * std::f64::consts::PI).sqrt() * shifted.powf(x + 0.5) * (-shifted).exp() * series;
    value.is_finite().then_some(value)
}

/// A number between 0.3 and 2.3 that depends on name and round alone (FNV-1a); negative in every second round.
fn point(name: &str, round: u32) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 32;
    let share = (hash >> 11) as f64 / (1_u64 << 53) as f64;
    let value = 0.3 + 2.0 * share;
    if round % 2 == 1 { -value } else { value }
}
