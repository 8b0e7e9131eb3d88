//! Math answers: extraction, normalisation and judgement (spec section 3.3 to 3.5).
//!
//! Mode `paper` does what the reference's pipeline does: its extraction, its normaliser with all the damage it does
//! (units that are letters, text answers, the word `and`), then the judge of [`symbolic`] with the reference's
//! surprises. It needs the reference's list of units, which is data. Mode `clean` strips only what surrounds an answer
//! (`$`, degree signs, `\text`, trailing units), and reads the rest soundly: `2(3)` is 6, `3.3e12` is a number, `i`
//! the imaginary unit, a base belongs to its number, and a decimal with six right digits may stand for a root.

mod extract;
mod gold;
mod normalise;
mod symbolic;
mod words;

pub use extract::extract;
pub use gold::boxed_gold;
pub use normalise::{Units, normalise};
pub use symbolic::same_answer;

use crate::Mode;

/// How a completion was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MathGrade {
    /// The answer that was judged, normalised; empty if there is none.
    pub extracted: String,
    /// Is it right?
    pub pass: bool,
}

/// Judges completions against golds.
#[derive(Clone, Debug)]
pub struct MathGrader {
    mode: Mode,
    /// `None`: units stay, as the reference leaves them in the set `minerva`.
    units: Option<Units>,
}

impl MathGrader {
    /// A grader; mode `paper` needs the units, except for sets whose units stay.
    pub fn new(mode: Mode, units: Option<Units>) -> Self {
        Self { mode, units }
    }

    /// The gold as it is compared: `27.0` is 27.
    pub fn gold(&self, answer: &str) -> String {
        match (self.mode, &self.units) {
            // Twice, as the reference does: the second pass finds what the first uncovered.
            (Mode::Paper, Some(units)) => normalise(&normalise(answer, Some(units)), Some(units)),
            (Mode::Paper, None) => {
                answer.replace("\\neq", "\\ne").replace("\\leq", "\\le").replace("\\geq", "\\ge")
            }
            (Mode::Clean, _) => normalise::clean(answer),
        }
    }

    /// Judges a completion; `gold` as [`Self::gold`] gives it.
    pub fn grade(&self, completion: &str, gold: &str) -> MathGrade {
        let found = extract(completion);
        let extracted = match self.mode {
            Mode::Paper if completion.trim() == "error" => String::new(),
            Mode::Paper => extract::fit_to_choices(normalise(&found, self.units.as_ref()), completion, gold),
            Mode::Clean => normalise::clean(&found),
        };
        let pass = !extracted.is_empty() && same_answer(gold, &extracted, self.mode == Mode::Clean);
        MathGrade { extracted, pass }
    }
}

#[cfg(test)]
mod tests;
