use super::*;
use proptest::prelude::*;

const OPTIONS: ProposalOptions = ProposalOptions {
    location: ProgramLocation::First,
    reject_multiple_functions: true,
    entry_name: EntryName::NotFirst,
};

#[test]
fn a_compact_proposal_is_read() {
    let response = crate::prompt::compact::proposal("", "def g(x):\n    return g(x - 1) if x else 0", "3");
    let text = response_text("Propose a deduction task.\n<think>", &response, true);
    assert!(well_formed(&text));
    assert_eq!(thought(&text), "");
    let parsed = parse_proposal(answer_block(&text), OPTIONS).unwrap();
    assert_eq!(parsed.program, "def f(x):\n    return f(x - 1) if x else 0");
    assert_eq!(parsed.input, "3");
}

#[test]
fn a_compact_induction_proposal_is_read() {
    let response = crate::prompt::compact::induction_proposal("t", ["1", "2", "3"], "adds one");
    let answer = answer_block(&response).to_owned();
    assert_eq!(parse_induction_proposal(&answer, 4), None);
    let (inputs, message) = parse_induction_proposal(&answer, 2).unwrap();
    assert_eq!((inputs, message.as_str()), (vec!["2".to_owned(), "3".to_owned()], "adds one"));
}

#[test]
fn the_first_block_of_any_tag_is_the_program() {
    let answer = "```input\n1\n```\n```python\ndef f(x):\n    return x\n```";
    assert_eq!(parse_proposal(answer, OPTIONS), None);
    let last = ProposalOptions { location: ProgramLocation::Last, ..OPTIONS };
    assert_eq!(parse_proposal(answer, last).unwrap().program, "def f(x):\n    return x");
}

#[test]
fn a_second_assistant_cuts_the_response_in_paper_mode() {
    let prompt = "User: x\nAssistant: <think>";
    let response = "a</think><answer>1 Assistant: 2</answer>";
    assert_eq!(response_text(prompt, response, true), "<think>a</think><answer>1");
    assert_eq!(response_text(prompt, response, false), format!("<think>{response}"));
    assert_eq!(response_text(prompt, "a</think> '\"", true), "<think>a</think> ");
}

#[test]
fn argument_lists_are_told_from_escapes() {
    for good in
        ["", "1", "'a', {'b': [1, 2]}", "a=1, *[2]", "\"#)\"", "'''a\n)'''", "'\\''", "x for x in (1, 2)"]
    {
        assert!(is_argument_list(good), "{good}");
    }
    for bad in ["1) or (True", "1 # x", "(1", "1]", "'a", "'a\n'", "f'{1}'", "rF\"x\"", "1)(2", "\\", "{)}"] {
        assert!(!is_argument_list(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn parsers_never_panic(text in any::<String>(), n_inputs in 0_usize..12) {
        check_total(&text, n_inputs);
    }

    #[test]
    fn parsers_never_panic_on_texts_like_responses(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "```", "```python\n", "```input\n", "```output", "```message\n", "\n", "# Input:", "# Message: ", "<answer>",
                "</answer>", "<think>", "</think>", "def f(x):", "def g (", " return f(x)", "'", "\"", "input(", ")", "é", "\\boxed{",
                "}", "\\boxed ", "$", "the output is ", ".", "<input>", "</input>", "\u{1c}", "Assistant:",
            ]),
            0..40,
        ),
        n_inputs in 0_usize..4,
    ) {
        check_total(&parts.concat(), n_inputs);
    }

    #[test]
    fn a_written_proposal_reads_back(input in "[a-z0-9\\[\\], ']{0,20}", thought_text in "[a-z =;]{0,20}") {
        let program = "def f(x):\n    return x";
        let response = crate::prompt::compact::proposal(&thought_text, program, &input);
        let text = response_text("<think>", &response, false);
        prop_assert!(well_formed(&text));
        prop_assert_eq!(thought(&text), thought_text.as_str());
        let parsed = parse_proposal(answer_block(&text), OPTIONS).unwrap();
        prop_assert_eq!(parsed.program.as_str(), program);
        prop_assert_eq!(parsed.input.as_str(), input.trim());
    }
}

fn check_total(text: &str, n_inputs: usize) {
    for location in [ProgramLocation::First, ProgramLocation::Last] {
        for entry_name in [EntryName::NotFirst, EntryName::NotLast, EntryName::AnyFirst, EntryName::AnyLast] {
            for reject_multiple_functions in [false, true] {
                let options = ProposalOptions { location, reject_multiple_functions, entry_name };
                if let Some(parsed) = parse_proposal(text, options) {
                    assert!(!function_names(&parsed.program).is_empty());
                }
            }
        }
    }
    if let Some((inputs, _)) = parse_induction_proposal(text, n_inputs) {
        assert!(n_inputs == 0 || inputs.len() == n_inputs);
    }
    let _ = parse_program(text);
    for wanted in [Wanted::Input, Wanted::Output] {
        let _ = solver_answer(text, wanted);
    }
    for extraction in [Extraction::AnswerTag, Extraction::AnswerTagOrBoxed, Extraction::Boxed] {
        let _ = (extract_answer(text, extraction), well_formed_for(text, extraction));
    }
    let _ = (
        thought(text),
        is_argument_list(text),
        response_text(text, text, true),
        response_text(text, text, false),
    );
    let _ = rename_function(text, "g", "f");
}
