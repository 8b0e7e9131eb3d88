//! Math answers: extraction, normalisation and judgement (spec section 3.3 to 3.5).
//!
//! Covered: the extraction and the normaliser of mode `paper` as a whole, for every set; the judgement where the gold
//! is an integer, which is every row of AIME and AMC. An answer is read as exact rational arithmetic: integers,
//! decimals, thousands separators, `\frac`, `/`, `\sqrt` and roots with an exact value, powers, factorials, products
//! written with `\times`, `\cdot` or nothing, sums, parentheses and braces, a trailing unit in `\text` or `\mathrm`,
//! subscripts (dropped, as the reference does), lists whose members are all the gold, and the right side of an
//! equation. Not covered: golds that are no integers, symbolic simplification (`1` against
//! `\sin^2 x + \cos^2 x`), and the reference's search for a number in a box that does not parse; such answers count
//! as wrong here.
//!
//! Mode `paper` normalises first, which removes unit letters and mangles some text; it needs the reference's list of
//! units, which is data. Mode `clean` only strips what surrounds a number (`$`, `%`, degree signs, `\text`, units in
//! `\text`, spacing), so that `\boxed{\text{540}}` is 540.

mod extract;
mod normalise;
mod number;
mod words;

pub use extract::extract;
pub use normalise::{Units, normalise};
pub use number::{Rational, equals_integer, evaluate};

use crate::Mode;

/// How a completion was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MathGrade {
    /// The answer that was judged, normalised; empty if there is none.
    pub extracted: String,
    /// Is it right?
    pub pass: bool,
}

/// Judges completions against integer golds.
#[derive(Clone, Debug)]
pub struct MathGrader {
    mode: Mode,
    units: Units,
}

impl MathGrader {
    /// A grader; mode `paper` needs the units.
    pub fn new(mode: Mode, units: Units) -> Self {
        Self { mode, units }
    }

    /// The gold as it is compared: `27.0` is 27.
    pub fn gold(&self, answer: &str) -> String {
        match self.mode {
            Mode::Paper => normalise(answer, Some(&self.units)),
            Mode::Clean => evaluate(&normalise::clean(answer))
                .and_then(number::Rational::as_integer)
                .map_or_else(|| answer.to_owned(), |integer| integer.to_string()),
        }
    }

    /// Judges a completion; `gold` as [`Self::gold`] gives it. Golds that are no integers are never met.
    pub fn grade(&self, completion: &str, gold: &str) -> MathGrade {
        let found = extract(completion);
        let extracted = match self.mode {
            Mode::Paper => extract::fit_to_choices(normalise(&found, Some(&self.units)), completion, gold),
            Mode::Clean => normalise::clean(&found),
        };
        let pass = gold.parse().is_ok_and(|gold| equals_integer(&extracted, gold));
        MathGrade { extracted, pass }
    }
}

#[cfg(test)]
mod tests;
