//! The judge of two answers in LaTeX: a symbolic core in place of the reference's `math-verify` over `SymPy`.
//!
//! [`find`] takes the expression out of a text, [`lexer`] and [`parser`] read it, [`compare`] holds the rules of
//! equality, [`expression`] computes. What the reference proves by simplification is decided here by exact rational
//! arithmetic where that reaches, else by evaluation at several points; nothing is solved or integrated. Texts, nesting,
//! steps of the parser, sizes of numbers and matrices and the work of a comparison are bounded, so that a hostile answer ends as quickly as a long honest one.

mod compare;
mod expression;
mod find;
mod lexer;
mod matrix;
mod parser;
mod real_set;
mod tidy;
mod vocabulary;
mod work;

use compare::Rules;

/// Is `pred` the answer `gold`? Both are texts as a box would hold them. `sound` leaves out the reference's surprises.
pub fn same_answer(gold: &str, pred: &str, sound: bool) -> bool {
    work::begin();
    let gold = find::find(gold, sound);
    let pred = find::find(pred, sound);
    if let (Some(gold), Some(pred)) = (&gold.value, &pred.value)
        && compare::equal(gold, pred, Rules { sound }).unwrap_or(false)
    {
        return true;
    }
    gold.text.is_some() && gold.text == pred.text
}

#[cfg(test)]
mod tests;
