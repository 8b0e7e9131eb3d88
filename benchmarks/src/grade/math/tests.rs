use super::*;
use crate::test_data;
use proptest::prelude::*;

fn units() -> Units {
    Units::read(&test_data::shared().unwrap()).unwrap()
}

#[test]
fn golden_extraction_and_normaliser_give_the_recorded_strings() {
    let Some(rows) = test_data::json_lines("math-verdicts/pairs.jsonl.gz") else { return };
    let units = units();
    let mut wrong = Vec::new();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let units = (text("set") != "minerva").then_some(&units);
        let got = extract::fit_to_choices(
            normalise(&extract(text("completion")), units),
            text("completion"),
            text("gold_norm"),
        );
        if got != text("pred_norm") {
            wrong.push(format!(
                "{} {:?}: {got:?}, recorded {:?}",
                text("set"),
                text("completion"),
                text("pred_norm")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn golden_verdicts_of_every_recorded_pair() {
    let Some(rows) = test_data::json_lines("math-verdicts/pairs.jsonl.gz") else { return };
    let units = units();
    let mut wrong = Vec::new();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let grader = MathGrader::new(Mode::Paper, (text("set") != "minerva").then(|| units.clone()));
        let gold = grader.gold(text("gold"));
        let grade = grader.grade(text("completion"), &gold);
        if gold != text("gold_norm") || Some(grade.pass) != row["verdict"].as_bool() {
            wrong.push(format!("gold {gold:?}, {grade:?}: {row}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn clean_mode_repairs_what_the_reference_damages() {
    let grader = MathGrader::new(Mode::Clean, None);
    assert_eq!(grader.gold("27.0"), "27.0");
    for (gold, completion, pass) in [
        ("540", "<answer>\\boxed{\\text{540}}</answer>", true),
        ("540", "<answer>540</answer>", true),
        ("540", "\\boxed{540^\\circ}", true),
        ("540", "<answer>540\\text{ cm}</answer>", true),
        ("540", "<answer>541</answer>", false),
        ("540", "540", false),
        ("540", "", false),
        ("\\text{Evelyn}", "\\boxed{\\text{Evelyn}}", true),
        ("a+b", "\\boxed{c+b}", false),
        ("6", "\\boxed{2(3)}", true),
        ("\\frac{5}{2}", "\\boxed{2\\frac{1}{2}}", true),
        ("3.3e12", "\\boxed{3.3\\times10^{12}}", true),
        ("11_5", "\\boxed{11_6}", false),
        ("\\sqrt{2}", "\\boxed{1.414214}", true),
        ("\\sqrt{2}", "\\boxed{1.4143}", false),
        ("-1", "\\boxed{i^2}", true),
        ("7711", "\\boxed{7\\,711}", true),
    ] {
        assert_eq!(grader.grade(completion, &grader.gold(gold)).pass, pass, "{gold} {completion}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>(), latex in "(<answer>|</answer>|\\\\boxed|\\\\text|\\\\frac|\\\\sqrt|\\\\\\[|\\{|\\}|[a-z0-9 .=/]{1,5}){0,20}") {
        for mode in [Mode::Paper, Mode::Clean] {
            let grader = MathGrader::new(mode, Some(Units::new(&["cm", "a ."]).unwrap()));
            for text in [&text, &latex] {
                let _ = grader.grade(text, "7");
                let _ = grader.grade(text, "");
                let _ = grader.gold(text);
                let _ = boxed_gold(text, None);
            }
        }
    }
}
