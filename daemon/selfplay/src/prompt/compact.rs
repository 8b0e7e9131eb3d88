//! The compact prompt profile, which `azr-tiny` speaks: the tasks of the method in as few tokens as possible.
//!
//! The paper's prompts are instructions of several hundred words (spec section 4); a model of a few million
//! parameters neither needs nor follows them. The blocks, the tags and their order are the paper's. The
//! pretraining corpus is written with the functions of this file, so that the base model knows the format.
//! A prompt ends with `<think>`: the response begins inside the thought.

use crate::task::Triplet;
use std::fmt::Write;

/// Ends every prompt.
pub(super) const THINK: &str = "<think>";

/// Prompt of a deduction task: program and input.
pub fn solve_deduction(program: &str, input: &str) -> String {
    let mut text = String::from("Deduce the output.\n");
    block(&mut text, "python", program);
    block(&mut text, "input", input);
    text + THINK
}

/// Prompt of an abduction task: program and output.
pub fn solve_abduction(program: &str, output: &str) -> String {
    let mut text = String::from("Find an input.\n");
    block(&mut text, "python", program);
    block(&mut text, "output", output);
    text + THINK
}

/// Prompt of an induction task: the shown (input, output) pairs and the message.
pub fn solve_induction<'a>(shown: impl IntoIterator<Item = (&'a str, &'a str)>, message: &str) -> String {
    let mut text = String::from("Write the program.\n");
    for (input, output) in shown {
        block(&mut text, "input", input);
        block(&mut text, "output", output);
    }
    block(&mut text, "message", message);
    text + THINK
}

/// Prompt for a new deduction task, given references (program, input, output).
pub fn propose_deduction<'a>(references: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    propose("Propose a deduction task.\n", references)
}

/// Prompt for a new abduction task, given references (program, input, output).
pub fn propose_abduction<'a>(references: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    propose("Propose an abduction task.\n", references)
}

/// Prompt for a new induction task on a given program.
pub fn propose_induction(program: &str) -> String {
    let mut text = String::from("Propose inputs and a message.\n");
    block(&mut text, "python", program);
    text + THINK
}

/// A prompt of any other wording in the form of this profile.
pub fn ask(user: &str) -> String {
    format!("{user}{THINK}")
}

/// What an error task asks of the solver, before [`ask`].
pub fn solve_error(program: &str, input: &str) -> String {
    let mut text = String::from("Name the error.\n");
    block(&mut text, "python", program);
    block(&mut text, "input", input);
    text
}

/// What asks for a new error task, before [`ask`].
pub fn propose_error(references: &[Triplet]) -> String {
    let mut text = String::from("Propose an error task.\n");
    for reference in references {
        block(&mut text, "python", &reference.program);
        block(&mut text, "input", &reference.input);
        block(&mut text, "error", &reference.output);
    }
    text
}

/// Functions that a proposal must call, after the references.
pub fn composite(functions: &[Triplet]) -> String {
    let mut text = String::from("Call these.\n");
    for function in functions {
        block(&mut text, "python", &function.program);
    }
    text
}

/// Response to [`solve_deduction`].
pub fn answer_deduction(thought: &str, output: &str) -> String {
    response(thought, [("output", output)])
}

/// Response to [`solve_abduction`].
pub fn answer_abduction(thought: &str, input: &str) -> String {
    response(thought, [("input", input)])
}

/// Response to [`solve_induction`].
pub fn answer_induction(thought: &str, program: &str) -> String {
    response(thought, [("python", program)])
}

/// Response to [`propose_deduction`] and [`propose_abduction`].
pub fn proposal(thought: &str, program: &str, input: &str) -> String {
    response(thought, [("python", program), ("input", input)])
}

/// Response to [`propose_induction`].
pub fn induction_proposal<'a>(
    thought: &str,
    inputs: impl IntoIterator<Item = &'a str>,
    message: &'a str,
) -> String {
    response(thought, inputs.into_iter().map(|input| ("input", input)).chain([("message", message)]))
}

fn propose<'a>(head: &str, references: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut text = String::from(head);
    for (program, input, output) in references {
        block(&mut text, "python", program);
        block(&mut text, "input", input);
        block(&mut text, "output", output);
    }
    text + THINK
}

fn response<'a>(thought: &str, blocks: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = format!("{thought}</think><answer>");
    for (tag, body) in blocks {
        block(&mut text, tag, body);
    }
    text + "</answer>"
}

fn block(text: &mut String, tag: &str, body: &str) {
    write!(text, "```{tag}\n{body}\n```\n").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "def f(x):\n    return x + 1";

    #[test]
    fn solver_prompts_and_answers_have_the_agreed_text() {
        assert_eq!(
            solve_deduction(PROGRAM, "1"),
            "Deduce the output.\n```python\ndef f(x):\n    return x + 1\n```\n```input\n1\n```\n<think>"
        );
        assert_eq!(
            solve_abduction(PROGRAM, "2"),
            "Find an input.\n```python\ndef f(x):\n    return x + 1\n```\n```output\n2\n```\n<think>"
        );
        assert_eq!(
            solve_induction([("1", "2"), ("2", "3")], "adds one"),
            "Write the program.\n```input\n1\n```\n```output\n2\n```\n```input\n2\n```\n```output\n3\n```\n\
             ```message\nadds one\n```\n<think>"
        );
        assert_eq!(answer_deduction("", "2"), "</think><answer>```output\n2\n```\n</answer>");
        assert_eq!(answer_abduction("x = 1", "1"), "x = 1</think><answer>```input\n1\n```\n</answer>");
        assert_eq!(
            answer_induction("", PROGRAM),
            "</think><answer>```python\ndef f(x):\n    return x + 1\n```\n</answer>"
        );
    }

    #[test]
    fn proposer_prompts_and_answers_have_the_agreed_text() {
        assert_eq!(
            propose_deduction([(PROGRAM, "1", "2")]),
            "Propose a deduction task.\n```python\ndef f(x):\n    return x + 1\n```\n```input\n1\n```\n\
             ```output\n2\n```\n<think>"
        );
        assert_eq!(propose_abduction([]), "Propose an abduction task.\n<think>");
        assert_eq!(
            propose_induction(PROGRAM),
            "Propose inputs and a message.\n```python\ndef f(x):\n    return x + 1\n```\n<think>"
        );
        assert_eq!(
            proposal("", PROGRAM, "1"),
            "</think><answer>```python\ndef f(x):\n    return x + 1\n```\n```input\n1\n```\n</answer>"
        );
        assert_eq!(
            induction_proposal("", ["1", "2"], "adds one"),
            "</think><answer>```input\n1\n```\n```input\n2\n```\n```message\nadds one\n```\n</answer>"
        );
    }
}
