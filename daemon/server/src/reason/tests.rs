use super::protocol::*;
use super::*;
use crate::{Claim, SANDBOX};

fn reasoner() -> Reasoner {
    Reasoner::new(SANDBOX.clone(), None)
}

fn deduce(program: &str, input: &str) -> Result<DeduceAnswer, ReasonError> {
    let question =
        DeduceQuestion { program: program.to_owned(), input: input.to_owned(), ..DeduceQuestion::default() };
    reasoner().deduce(&question, &Caller::default(), &mut |_| {})
}

#[test]
fn deduction_shows_what_execution_gives() {
    let answer = deduce("K = 2\ndef double(x):\n    return x * K\n", "[1]").unwrap();
    assert_eq!(answer.actual.as_deref(), Some("[1, 1]"));
    assert_eq!((answer.verdict, answer.source, answer.predicted), (Claim::Verified, Source::Executor, None));
    let raised = deduce("def f(x):\n    return 1 // x\n", "0").unwrap();
    assert_eq!((raised.verdict, raised.error.unwrap().kind), (Claim::Error, "ZeroDivisionError".to_owned()));
    let varies = deduce("import random\ndef f():\n    return random.random()\n", "").unwrap();
    assert_eq!((varies.verdict, varies.actual), (Claim::Nondeterministic, None));
    let endless = deduce("def f():\n    while True: pass\n", "").unwrap();
    assert_eq!(endless.verdict, Claim::Timeout);
    for (program, input) in [("x = 1", ""), ("def f(x): return x", "1) or (2"), ("def f(x): return x", "[")] {
        assert!(matches!(deduce(program, input), Err(ReasonError::BadProgram { .. })), "{program} {input}");
    }
}

fn abduce(program: &str, output: &str) -> AbduceAnswer {
    let question = AbduceQuestion {
        program: program.to_owned(),
        output: output.to_owned(),
        ..AbduceQuestion::default()
    };
    let question =
        AbduceQuestion { budget: Some(Budget { ms: Some(60_000), ..Budget::default() }), ..question };
    reasoner().abduce(&question, &Caller::default(), &mut |_| {}).unwrap()
}

#[test]
fn search_finds_inputs_and_execution_confirms_them() {
    for (program, output) in [
        ("def f(text):\n    return text.upper()[::-1]\n", "'CBA'"),
        ("def f(a, b):\n    return [x + b for x in a]\n", "[3, 5, 9]"),
        ("def f(d):\n    return sorted(d.items())\n", "[('a', 1), ('b', 2)]"),
        ("def f(n: int):\n    return n * 7 + 3\n", "80"),
        ("def f():\n    return 3\n", "3"),
    ] {
        let answer = abduce(program, output);
        assert_eq!(answer.verdict, Claim::Verified, "{program} {answer:?}");
        assert_eq!(answer.inputs[0].source, Source::Search);
        let again = abduce(program, output);
        assert_eq!(again.inputs, answer.inputs, "the same seed finds the same");
    }
    let never = abduce("def f(x: bool):\n    return True\n", "None");
    assert_ne!(never.verdict, Claim::Verified);
    assert!(never.tried > 0);
}

fn induce(examples: &[(&str, &str)]) -> InduceAnswer {
    let example =
        |(input, output): &(&str, &str)| Example { input: (*input).to_owned(), output: (*output).to_owned() };
    let question =
        InduceQuestion { examples: examples.iter().map(example).collect(), ..InduceQuestion::default() };
    let budget = Some(Budget { ms: Some(60_000), ..Budget::default() });
    reasoner().induce(&InduceQuestion { budget, ..question }, &Caller::default(), &mut |_| {}).unwrap()
}

#[test]
fn search_writes_small_programs_and_held_out_examples_judge_them() {
    for examples in [
        &[("[3, 1, 2]", "[1, 2, 3]"), ("[5, 4]", "[4, 5]"), ("[]", "[]")][..],
        &[("1", "5"), ("2", "8"), ("10", "32")],
        &[("'ab'", "'<ab>'"), ("'c'", "'<c>'"), ("''", "'<>'")],
        &[("2, 3", "6"), ("4, 5", "20"), ("0, 1", "0")],
        &[("'a b'", "['A', 'B']"), ("'x'", "['X']"), ("'x y z'", "['X', 'Y', 'Z']")],
    ] {
        let answer = induce(examples);
        assert_eq!(answer.verdict, Claim::Verified, "{examples:?} {answer:?}");
        assert_eq!(answer.held_out, Passed { passed: 1, total: 1 });
        assert_eq!(answer.source, Some(Source::Search));
    }
    let none = induce(&[("1", "'q7'"), ("2", "[[]]"), ("3", "{9: 8}")]);
    assert_eq!((none.program, none.verdict), (None, Claim::Unverified));
}

#[test]
fn results_have_the_names_of_the_protocol() {
    let mut answer = deduce("def f(x):\n    return x\n", "'a'").unwrap();
    answer.elapsed_ms = ElapsedMs::default();
    insta::assert_snapshot!(serde_json::to_string(&answer).unwrap(), @r#"{"predicted":null,"actual":"'a'","verdict":"verified","source":"executor","candidates":[],"modelVersion":null,"elapsedMs":{"model":0.0,"execute":0.0,"queue":0.0}}"#);
    let question = ExecuteQuestion {
        program: "def f(x):\n    print(x)\n    return {x}\n".into(),
        input: "1".into(),
        ..ExecuteQuestion::default()
    };
    let mut answer = reasoner().execute(&question, &Caller::default()).unwrap();
    answer.elapsed_ms = ElapsedMs::default();
    insta::assert_snapshot!(serde_json::to_string(&answer).unwrap(), @r#"{"value":"{1}","stdout":"1\n","verdict":"value","deterministic":true,"modelVersion":null,"elapsedMs":{"model":0.0,"execute":0.0,"queue":0.0}}"#);
    let parsed: InduceQuestion = serde_json::from_str(
        r#"{"examples": [{"input": "1", "output": "2"}], "holdout": 0, "budget": {"ms": 5}}"#,
    )
    .unwrap();
    assert_eq!(parsed.budget.unwrap().ms, Some(5));
}

#[test]
fn a_cancelled_question_ends() {
    let caller = Caller::default();
    caller.cancel.set();
    let question = AbduceQuestion {
        program: "def f(x):\n    return x\n".into(),
        output: "1".into(),
        ..AbduceQuestion::default()
    };
    assert_eq!(reasoner().abduce(&question, &caller, &mut |_| {}), Err(ReasonError::Cancelled));
}
