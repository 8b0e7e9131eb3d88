use super::*;
use crate::test_data;
use proptest::prelude::*;

#[test]
fn golden_extraction_and_normaliser_give_the_recorded_strings() {
    let Some(rows) = test_data::json_lines("math-verdicts/pairs.jsonl.gz") else { return };
    let units = Units::read(&test_data::shared().unwrap()).unwrap();
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
fn golden_verdicts_of_aime_and_amc() {
    let Some(rows) = test_data::json_lines("math-verdicts/pairs.jsonl.gz") else { return };
    let grader = MathGrader::new(Mode::Paper, Units::read(&test_data::shared().unwrap()).unwrap());
    let mut n = 0;
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        if ["aime24", "aime25", "amc23"].contains(&text("set")) {
            n += 1;
            let gold = grader.gold(text("gold"));
            assert_eq!(gold, text("gold_norm"));
            let grade = grader.grade(text("completion"), &gold);
            assert_eq!(grade.pass, row["verdict"].as_bool().unwrap(), "{row}");
        }
    }
    assert_eq!(n, 124);
}

#[test]
fn clean_mode_keeps_text_answers() {
    let grader = MathGrader::new(Mode::Clean, Units::default());
    assert_eq!(grader.gold("27.0"), "27");
    for (completion, pass) in [
        ("<answer>\\boxed{\\text{540}}</answer>", true),
        ("<answer>540</answer>", true),
        ("\\boxed{540^\\circ}", true),
        ("<answer>540\\text{ cm}</answer>", true),
        ("<answer>541</answer>", false),
        ("540", false),
        ("", false),
    ] {
        assert_eq!(grader.grade(completion, "540").pass, pass, "{completion}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>(), latex in "(<answer>|</answer>|\\\\boxed|\\\\text|\\\\frac|\\\\sqrt|\\\\\\[|\\{|\\}|[a-z0-9 .=/]{1,5}){0,20}") {
        for mode in [Mode::Paper, Mode::Clean] {
            let grader = MathGrader::new(mode, Units::new(&["cm", "a ."]).unwrap());
            for text in [&text, &latex] {
                let _ = grader.grade(text, "7");
                let _ = grader.grade(text, "");
                let _ = grader.gold(text);
            }
        }
    }
}
