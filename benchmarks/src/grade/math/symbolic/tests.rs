use super::*;
use proptest::prelude::*;

/// Verdicts of math-verify 0.7.0 over `SymPy` 1.14 on pairs of our own.
const REFERENCE: &[(&str, &str, bool)] = &[
    ("70", "\\frac{140}{2}", true),
    ("70", "35\\cdot2", true),
    ("70", "\\sqrt{4900}", true),
    ("70", "70.0", true),
    ("70", "070", true),
    ("70", "70.0000001", false),
    ("70", "5.", false),
    ("5", "abc=5?!", true),
    ("5", "2(3)", true),
    ("\\frac{1}{2}", "0.5000001", true),
    ("\\frac{1}{2}", "0.500001", false),
    ("\\frac{1}{3}", "0.333333", true),
    ("\\frac{1}{3}", "0.33333", false),
    ("\\sqrt{2}", "1.4142135623730951", false),
    ("3.3e12", "3.3\\times10^{12}", false),
    ("1250", "1.25\\times10^{3}", true),
    ("(8,-2)", "[8,-2]", true),
    ("[1,2]", "(1,2)", false),
    ("(1,2)", "1,2", true),
    ("(3,2)", "\\{3,2\\}", true),
    ("(3,2)", "2,3", false),
    ("2,3", "\\{3,2\\}", true),
    ("5", "5,5", true),
    ("\\pm2", "-2,2", true),
    ("7", "x+y=7", true),
    ("abc=5", "5", true),
    ("2x+1=5", "5", false),
    ("2x+4y=6", "x+2y=3", true),
    ("x>2", "(2,\\infty)", true),
    ("(2,\\infty)", "x>2", false),
    ("x>2", "2<x", true),
    ("(1,2)\\cup(2,3)", "(2,3)\\cup(1,2)", true),
    ("Evelyn", "\\text{Evelyn}", true),
    ("Evelyn", "evelyn", false),
    ("Evelyn", "nylevE", true),
    ("ellipse", "ELLIPSE", false),
    ("11_5", "11_6", true),
    ("1", "\\sin^2x+\\cos^2x", true),
    ("(x+1)^2", "x^2+2x+1", true),
    ("(x+1)^2", "x^2+2x+2", false),
    ("\\alpha", "\\frac{2\\alpha}{2}", false),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2.0\\end{pmatrix}", true),
    ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}2\\\\1\\end{pmatrix}", false),
    ("1/0", "1/0", true),
    ("\\log_28", "3", true),
    ("\\frac{\\pi}{6}", "\\arcsin\\frac{1}{2}", true),
    ("2^{100}", "1267650600228229401496703205376", true),
    ("2^{100}", "1267650600228229401496703205377", false),
    ("10", "\\binom{5}{2}", true),
    ("55", "\\sum_{i=1}^{10}i", true),
];

#[test]
fn verdicts_are_those_of_the_reference() {
    let wrong: Vec<_> =
        REFERENCE.iter().filter(|(gold, pred, want)| same_answer(gold, pred, false) != *want).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn hostile_answers_end_soon() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let many =
        |all: std::ops::Range<u32>, one: &dyn Fn(u32) -> String| all.map(one).collect::<Vec<_>>().concat();
    let hostile = [
        deep("(", ")", 1_500),
        deep("x(", ")", 900),
        deep("\\frac{1}{", "}", 300),
        deep("{", "}", 1_900),
        deep("f(", ",1)", 400),
        deep("[", "]", 1_900),
        deep("|", "|", 1_900),
        "9^".repeat(1_000) + "9",
        "9^{9^{9^{9^{9}}}}".into(),
        "9999999999!".into(),
        "1500!!!!!".into(),
        "\\sum_{i=1}^{100000000}i".into(),
        "\\sum_{i=1}^{900}\\sum_{j=1}^{900}\\sum_{k=1}^{900}i".into(),
        "1E999999999".into(),
        "\\binom{4000000000}{2000000000}".into(),
        "1,".repeat(1_900),
        "\\boxed{".repeat(500),
        "$1".repeat(1_900),
        "answer".repeat(600),
        "1 ".repeat(1_900),
        "-".repeat(3_900),
        "\\sqrt[1000000]{2}^{1000000}".into(),
        r"\begin{pmatrix}1&1\\1&1\end{pmatrix}".repeat(30),
        deep(r"\begin{vmatrix}", r"&2&3\\4&5&6\\7&8&9\end{vmatrix}", 40),
        format!(r"\{{{}7\}}", many(1_000..1_490, &|n| format!("{n}!,"))),
        format!(r"\{{{}7\}}", many(1..120, &|n| format!(r"\sum_{{k=1}}^{{1000}}k^{{-5}}+{n},"))),
        format!(r"\lcm({}7)", many(2..390, &|n| format!("{n}^{{1500}},"))),
        "\u{1d7d9}\u{0301}\\d\u{2212}".repeat(100),
    ];
    for answer in &hostile {
        for sound in [false, true] {
            assert!(!same_answer("7", answer, sound), "{answer}");
            let _ = same_answer(answer, answer, sound);
        }
    }
}

proptest! {
    #[test]
    fn never_panics(
        text in any::<String>(),
        latex in "(\\\\frac|\\\\sqrt|\\\\cdot|\\\\cup|\\\\text\\{|\\\\begin\\{pmatrix\\}|\\\\end\\{pmatrix\\}|\\\\\\\\|&|\\{|\\}|\\(|\\)|\\[|\\]|\\^|_|d|e|E|x|[0-9]{1,40}|[-+*/!,.=|<>;%$ ]|é){0,40}",
    ) {
        for sound in [false, true] {
            let _ = same_answer(&text, "7", sound);
            let _ = same_answer(&latex, "7", sound);
            let _ = same_answer("x+1", &latex, sound);
        }
    }

    #[test]
    fn integers_are_themselves_and_no_others(value in any::<i64>(), other in any::<i64>()) {
        prop_assert!(same_answer(&value.to_string(), &value.to_string(), false));
        prop_assert_eq!(same_answer(&value.to_string(), &other.to_string(), false), value == other);
    }

    #[test]
    fn fractions_in_lowest_terms_are_the_same(above in -999_i64..999, below in 1_i64..999, factor in 1_i64..99) {
        let lowest = format!("\\frac{{{above}}}{{{below}}}");
        let scaled = format!("\\frac{{{}}}{{{}}}", above * factor, below * factor);
        prop_assert!(same_answer(&lowest, &scaled, false));
        let more = format!("\\frac{{{}}}{{{below}}}", above + 1);
        prop_assert!(!same_answer(&lowest, &more, false));
    }
}
