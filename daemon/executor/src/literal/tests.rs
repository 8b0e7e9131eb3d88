//! Equality by Python's rules, what is refused, and any text at all.

use super::*;
use proptest::prelude::*;

fn equal(left: &str, right: &str) -> Option<bool> {
    Some(Value::parse(left)?.equals(&Value::parse(right)?))
}

#[test]
fn equality_is_pythons() {
    for (left, right) in [
        ("1", "1.0"),
        ("True", "1"),
        ("0", "-0.0"),
        ("False", "-0"),
        ("1_000", "0x3e8"),
        ("1e3", "1000"),
        ("100000000000000000000", "1e20"),
        ("(1+0j)", "1"),
        ("1+2j", "(1+2j)"),
        ("[1, (2,), {3: 'a'}]", "[1.0,(2,),{3.0:\"a\"},]"),
        ("{1, 2, 3}", "{3, 2, 1, 1.0}"),
        ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
        ("{1: 'a', 1.0: 'b'}", "{True: 'b'}"),
        ("set()", "set( )"),
        ("1, 2", "(1, 2)"),
        ("((1))", "1"),
        ("()", "( )"),
        ("(1,\n\n2)", "(1, 2)"),
        ("\n[1,\n2]\n", "[\n1, 2]"),
        ("set(\n)", "set()"),
        ("{1: nan, 1: 2}", "{1: 2}"),
        ("{(1, ('a', None))}", "{(1.0, ('a', None))}"),
        ("'a' \"b\"", "'ab'"),
        (r"'\x41\101\u0041\U00000041\n'", r"'AAAA\012'"),
        (r"r'\n'", r"'\\n'"),
        (r"b'\xff\n'", r"b'\377\x0a'"),
        (r"'\ud83d'", r"'\uD83D'"),
        ("'''a\n'b'''", r#""a\n'b""#),
        ("inf", "inf"),
        ("- 5", "-5"),
        ("--5", "5"),
    ] {
        assert_eq!(equal(left, right), Some(true), "{left} == {right}");
        assert_eq!(equal(right, left), Some(true), "{right} == {left}");
    }
    for (left, right) in [
        ("1", "2"),
        ("1", "'1'"),
        ("'a'", "b'a'"),
        ("[1]", "(1,)"),
        ("{}", "set()"),
        ("[]", "()"),
        ("nan", "nan"),
        ("[nan]", "[nan]"),
        ("9007199254740993", "9007199254740992.0"),
        ("0.1", "0.10000000000000002"),
        ("1", "-1"),
        ("None", "0"),
        ("['ab', 'c']", "['a', 'bc']"),
        ("{1: 2}", "{1, 2}"),
        ("1+2j", "1-2j"),
    ] {
        assert_eq!(equal(left, right), Some(false), "{left} != {right}");
    }
}

#[test]
fn what_is_no_literal_is_left_to_the_sandbox() {
    for text in [
        "",
        " ",
        "x",
        "f(1)",
        "1 + 2",
        "[1",
        "1]",
        "(1,",
        "{1: }",
        "{[]: 1}",
        "{[1]}",
        "{{1}}",
        "007",
        "1__0",
        "0x",
        "1e",
        "'a",
        "'a\nb'",
        "b'é'",
        "'a' b'a'",
        "[1,,2]",
        "(,)",
        "f'{x}'",
        r"'\N{DASH}'",
        "lambda: 1",
        "-True",
        "1 2",
        "{**{}}",
        "[*a]",
        "1_",
        "-",
        ".",
        "Counter({'a': 1})",
        "<class 'int'>",
        "1if 1else 2",
        r"'\ud8'",
        "[i for i in x]",
        // A line ends outside of brackets.
        "1,\n2",
        "'a'\n'b'",
        "-\n1",
        "[1]\n, 2",
        "0_x1",
        "0_b1",
        "1e+_0",
        "'\0'",
        "{([1],)}",
        "{(1, ({},)): 2}",
    ] {
        assert_eq!(Value::parse(text), None, "{text}");
    }
    let huge = format!("{}+1j", "9".repeat(400));
    assert_eq!(Value::parse(&huge), None, "an integer that is no float");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(Value::parse(&deep), None);
}

#[test]
fn reprs_of_containers_are_values() {
    assert!(same_result("Counter({'a': 1, 'b': 1})", "Counter({'b': 1, 'a': 1})"));
    assert!(same_result("defaultdict(<class 'int'>, {'a': 1})", "{'a': 1}"));
    assert!(same_result("OrderedDict({'a': 1})", "{'a': 1}"));
    assert!(same_result("frozenset({1, 2})", "{2, 1}"));
    assert!(same_result("[Point(x=1, y={1, 2})]", "[Point(x=1, y={2, 1})]"));
    assert!(same_result("nan", "nan"), "the same text is the same result");
    assert!(!same_result("deque([1, 2])", "deque([2, 1])"));
    assert!(!same_result("deque([1])", "[1]"));
    assert!(!same_result("<object object at 0x1>", "<object object at 0x2>"));
}

/// A Python value written in two ways.
fn written_twice() -> impl Strategy<Value = (String, String)> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| (number.to_string(), format!(" {number} "))),
        any::<i32>().prop_map(|number| (number.to_string(), format!("{number}.0"))),
        "[a-z\u{e9}\u{1f600}]{0,6}".prop_map(|text| (format!("'{text}'"), format!("\"{text}\""))),
        Just(("True".to_owned(), "1".to_owned())),
        Just(("None".to_owned(), "(None)".to_owned())),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop::collection::vec(inner, 0..5).prop_map(|items| {
            let (left, right): (Vec<String>, Vec<String>) = items.into_iter().unzip();
            (format!("[{}]", left.join(", ")), format!("[ {} ]", right.join(" ,")))
        })
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = Value::parse(&text);
        let _ = Value::parse_repr(&text);
    }

    #[test]
    fn any_python_like_text_is_read_or_refused(text in r#"[\[\]{}():,'"\\ 0-9a-fxjnrbue_.+-]{0,60}"#) {
        if let Some(value) = Value::parse(&text) {
            prop_assert!(value.has_nan || value.equals(&value));
        }
        let _ = Value::parse_repr(&text);
    }

    #[test]
    fn two_ways_to_write_a_value_are_equal((left, right) in written_twice()) {
        prop_assert_eq!(equal(&left, &right), Some(true));
    }
}
