use super::*;
use proptest::prelude::*;

const MODULE: &str = r#"from __future__ import annotations
import math
import os
from typing import List
import numpy as np

SCALE = 3
TABLE = {"a": 1}
TABLE["b"] = 2
UNUSED = open("x").read()

@decorate
def decorated(x):
    return x

def decorate(function):
    return function

def helper(x):
    return x * SCALE

def area(r: Radius, k=SCALE) -> float:
    """Area.

    >>> area(2)
    12.5
    >>> helper(2)
    6
    """
    return math.pi * helper(r) + TABLE["b"]

class Point:
    def norm(self):
        return 1

async def later():
    return 1

def numbers():
    yield 1

def reads(path):
    return os.path.join(path, "x") + open(path).read()

def lost(x):
    return unknown_name(x) + other

def add(a, b=1):
    return a + b

def vector(x):
    return np.array(x)

assert add(1, 2) == 3
assert 4 == add(1)
print(add(2, 2))  # -> 4
add(5)  # 6
# add(7) == 8
add([1], b=[2])
add(UNUSED)

if __name__ == "__main__":
    add(9)
"#;

fn slice(function: &str) -> Result<Slice, SliceError> {
    SourceFile::parse(MODULE).unwrap().slice(function)
}

#[test]
fn a_slice_has_what_the_function_needs_and_no_more() {
    let slice = slice("area").unwrap();
    insta::assert_snapshot!(slice.program, @r#"
    from __future__ import annotations
    import math
    SCALE = 3
    TABLE = {"a": 1}
    TABLE["b"] = 2
    def helper(x):
        return x * SCALE
    def area(r: Radius, k=SCALE) -> float:
        """Area.

        >>> area(2)
        12.5
        >>> helper(2)
        6
        """
        return math.pi * helper(r) + TABLE["b"]
    "#);
    assert_eq!(slice.imports, ["from __future__ import annotations", "import math"]);
    assert_eq!(slice.lines[..4], [0, 1, 6, 7]);
    let names: Vec<&str> = slice.parameters.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["r", "k"]);
    assert_eq!(slice.parameters[0].annotation.as_deref(), Some("Radius"));
    assert!(self::slice("decorated").unwrap().program.contains("def decorate(function)"));
    assert!(self::slice("vector").unwrap().program.contains("import numpy as np"));
}

#[test]
fn what_cannot_run_alone_is_refused_with_the_reason() {
    for (function, part) in [
        ("lost", "does not define other, unknown_name"),
        ("reads", "touches what lies outside the program: the module `os`"),
        ("norm", "is a method"),
        ("later", "is asynchronous"),
        ("numbers", "is a generator"),
        ("nothing", "no function `nothing`"),
    ] {
        let error = slice(function).unwrap_err();
        assert!(error.to_string().contains(part), "{function}: {error}");
        assert!(!error.hint().is_empty());
    }
    let relative = SourceFile::parse("from . import other\ndef f(x):\n    return other.g(x)\n").unwrap();
    assert!(matches!(relative.slice("f"), Err(SliceError::Effect { .. })));
    let opened = SourceFile::parse("def f(x):\n    return open(x).read()\n").unwrap();
    assert!(matches!(opened.slice("f"), Err(SliceError::Effect { .. })));
}

#[test]
fn errors_elsewhere_do_no_harm() {
    let good = "K = 2\n\ndef f(x):\n    return x * K\n";
    for broken in [
        "def g(:\n    return (\n",
        "class A(\n    def m(self:\n",
        "x = [1, 2\n",
        ")\n",
        "if True\n    y = 1\n",
    ] {
        for text in [format!("{broken}\n{good}"), format!("{good}\n{broken}")] {
            let file = SourceFile::parse(&text).unwrap();
            let slice = file.slice("f").unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(slice.program.contains("def f(x):") && slice.program.contains("K = 2"), "{text}");
        }
    }
    let own = SourceFile::parse("def f(x):\n    return x +\n").unwrap();
    assert!(own.slice("f").is_err());
}

#[test]
fn claims_are_found_where_they_stand() {
    let file = SourceFile::parse(MODULE).unwrap();
    let shown: Vec<String> = file
        .claims()
        .into_iter()
        .map(|claim| {
            if let (Some(range), Some(expected)) = (&claim.expected_range, &claim.expected) {
                assert_eq!(&MODULE[range.clone()], expected);
            }
            assert!(MODULE[claim.range.clone()].starts_with(&claim.function));
            format!(
                "{:?} {}({}) {}",
                claim.kind,
                claim.function,
                claim.input,
                claim.expected.unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    Doctest area(2) 12.5
    Doctest helper(2) 6
    Assert add(1, 2) 3
    Assert add(1) 4
    Comment add(2, 2) 4
    Call add(5) 
    Comment add(7) 8
    Call add([1], b=[2]) 
    Call add(9) 
    ");
}

/// Cuts, doubles and swaps pieces of a text.
fn mutated() -> impl Strategy<Value = String> {
    prop::collection::vec((0..MODULE.len(), 0..MODULE.len(), 0..4_u8), 1..6).prop_map(|changes| {
        let mut text = MODULE.to_owned();
        for (from, to, how) in changes {
            let place = |text: &str, at: usize| {
                (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
            };
            let (from, to) = (place(&text, from.min(to)), place(&text, from.max(to)));
            match how {
                0 => text.replace_range(from..place(&text, to.min(from + 20)).max(from), ""),
                1 => text.insert_str(from, "(\n"),
                2 => text.insert_str(from, "𝒳\"\"\""),
                _ => {
                    let piece = text[from..to].to_owned();
                    text.push_str(&piece);
                }
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_file_makes_the_slicer_panic(text in prop_oneof![mutated(), any::<String>(), "[def f():\\n\\t @\"'#>x=1,\\[\\]]{0,200}"]) {
        let file = SourceFile::parse(&text).unwrap();
        for function in file.functions() {
            prop_assert!(text.get(function.range.clone()).is_some());
            prop_assert_eq!(text.get(function.name_range.clone()), Some(function.name.as_str()));
            if let Ok(slice) = file.slice(&function.name) {
                prop_assert!(slice.program.contains(&function.name));
                prop_assert_eq!(slice.program.lines().count().max(1), slice.lines.len());
            }
        }
        for claim in file.claims() {
            prop_assert!(text.get(claim.range).is_some());
        }
    }
}

#[test]
fn calls_that_take_names_are_found_where_the_file_determines_them() {
    let text = "\
import math
LIMIT = 3
LATER = f
TABLE = {}
TABLE['a'] = 1
twice = 1
twice = 2


def f(a, b=0):
    return a + b


f(1)
f(LIMIT + 1)
assert f(LIMIT, b=len('ab')) == 5
x = f(math.floor(2.5))  # -> 3
f(twice)
f(TABLE)
f(after)
after = 1
f(open('x'))
f(unknown)
f([y for y in (1, 2)])
f(z := 4)
[f(y) for y in (1, LIMIT)]
for i in (1, 2):
    f(i + LIMIT)
def g(): return f(LIMIT)
";
    let file = SourceFile::parse(text).unwrap();
    let found = file.determined_calls();
    let inputs: Vec<(&str, Option<&str>)> =
        found.iter().map(|call| (call.claim.input.as_str(), call.claim.expected.as_deref())).collect();
    assert_eq!(
        inputs,
        [
            ("LIMIT + 1", None),
            ("LIMIT, b=len('ab')", Some("5")),
            ("math.floor(2.5)", Some("3")),
            ("[y for y in (1, 2)]", None)
        ]
    );
    assert!(found[0].slice.program.contains("LIMIT = 3") && !found[0].slice.program.contains("math"));
    assert!(found[2].slice.program.starts_with("import math\n"));
}

#[test]
fn a_call_is_not_determined_by_an_object_that_may_have_changed() {
    let f = "def f(x):\n    return len(x)\n";
    for (before, determined) in [
        ("T = [1]\n", true),
        ("T = (1, 2)\nprint(T)\n", true),
        ("T = [1]\nT.append(2)\n", false),
        ("T = [1]\ndel T[0]\n", false),
        ("T = [1]\ndef fill(t):\n    t.append(2)\nfill(T)\n", false),
        ("A = [1]\nT = A\nA.append(2)\n", false),
        ("T = 'a'\ndef s():\n    global T\n    T = 'ab'\ns()\n", false),
        ("T = {'a': [1]}\nT['a'].append(2)\n", false),
    ] {
        let text = format!("{f}{before}print(f(T))\n");
        let file = SourceFile::parse(&text).unwrap();
        let calls = file.determined_calls();
        assert_eq!(calls.iter().any(|call| call.claim.function == "f"), determined, "{before}");
    }
}

#[test]
fn what_changes_a_table_is_part_of_what_a_function_needs() {
    let text =
        "T = []\nfor i in range(3):\n    T.append(i)\nU = [1]\nU.append(2)\ndef f(x):\n    return x in T\n";
    let slice = SourceFile::parse(text).unwrap().slice("f").unwrap();
    assert!(slice.program.contains("T.append(i)") && !slice.program.contains('U'), "{}", slice.program);
}
