use super::*;
use crate::SuiteOptions;
use crate::suites::TinySuite;
use crate::test_model::Scripted;
use azr_selfplay::prompt::compact;
use std::fs;

fn suite(n: usize) -> TinySuite {
    let line = |index: usize| {
        format!(
            "{{\"item\": \"deduction/{index}\", \"task\": \"deduction\", \"program\": \"def f(x):\\n    return x + \
             {index}\", \"input\": \"1\", \"output\": \"{}\"}}\n",
            index + 1
        )
    };
    let text: String = (0..n).map(line).collect();
    TinySuite::parse("tiny", "fixture", &text, &SuiteOptions::default()).unwrap()
}

/// Right for even outputs and every third sample.
fn model() -> Scripted<impl FnMut(&str, u64) -> String> {
    Scripted::new(|prompt: &str, sample| {
        let added: u64 = prompt.split("x + ").nth(1).unwrap().split('\n').next().unwrap().parse().unwrap();
        let right = added % 2 == 1 || sample % 3 == 2;
        compact::answer_deduction("", &(added + 1 + u64::from(!right)).to_string())
    })
}

fn config() -> EvaluateConfig {
    EvaluateConfig {
        model: Some("scripted".into()),
        decodings: vec![Decoding::GREEDY, Decoding::sampled(3)],
        batch: 4,
        ..EvaluateConfig::default()
    }
}

fn run(folder: &Path, config: &EvaluateConfig, stop_after: usize) -> (Option<Evaluation>, usize) {
    let sandbox = crate::test_sandbox::open();
    let (mut model, mut calls) = (model(), 0);
    let evaluation = evaluate(&suite(5), &mut model, &sandbox, config, Some(folder), &mut |_| {
        calls += 1;
        calls <= stop_after
    });
    (evaluation.unwrap(), model.requests)
}

#[test]
fn an_interrupted_evaluation_ends_in_the_same_files() {
    let whole = tempfile::tempdir().unwrap();
    let (evaluation, asked) = run(whole.path(), &config(), usize::MAX);
    let evaluation = evaluation.unwrap();
    assert_eq!((asked, evaluation.records.len()), (20, 20));
    assert_eq!(evaluation.metrics.pass_at_1, 40.0);
    assert!((evaluation.metrics.decodings["sampled"].metrics["pass@1"] - 60.0).abs() < 1e-9);

    let cut = tempfile::tempdir().unwrap();
    assert!(run(cut.path(), &config(), 2).0.is_none());
    let path = cut.path().join("items.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 8);
    // A crash in the middle of a write leaves half a line.
    fs::write(&path, &text[..text.len() - 10]).unwrap();
    let (_, asked) = run(cut.path(), &config(), usize::MAX);
    assert_eq!(asked, 20 - 7);
    for file in ["items.jsonl", "metrics.json", "settings.json"] {
        assert_eq!(
            fs::read(cut.path().join(file)).unwrap(),
            fs::read(whole.path().join(file)).unwrap(),
            "{file}"
        );
    }
    // Everything is there: nothing is asked again.
    assert_eq!(run(cut.path(), &config(), usize::MAX).1, 0);
}

#[test]
fn records_under_other_settings_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(), usize::MAX);
    let other = EvaluateConfig { weights: Some("other".into()), ..config() };
    assert_eq!(run(folder.path(), &other, usize::MAX).1, 20);
    assert_eq!(run(folder.path(), &EvaluateConfig { seed: 1, ..other }, usize::MAX).1, 20);
}

#[test]
fn a_damaged_record_is_kept_up_to_the_damage() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(), usize::MAX);
    let path = folder.path().join("items.jsonl");
    let text = fs::read_to_string(&path).unwrap().replacen("deduction/2", "deduction/9", 1);
    fs::write(&path, text).unwrap();
    assert_eq!(run(folder.path(), &config(), usize::MAX).1, 18);
}

#[test]
fn a_limit_takes_items_evenly() {
    let slots = |limit| {
        let config = EvaluateConfig { limit: Some(limit), ..EvaluateConfig::default() };
        slots(&suite(9), &config).iter().map(|slot| slot.index).collect::<Vec<_>>()
    };
    assert_eq!(slots(3), [0, 3, 6]);
    assert_eq!(slots(4), [0, 2, 4, 6]);
    assert_eq!(slots(100).len(), 9);
    assert!(slots(0).is_empty());
}

#[test]
fn draws_are_keyed_by_item_and_sample() {
    let config = config();
    let prompt = Prompt { text: "p".into(), stop: Vec::new(), max_new_tokens: 10 };
    let key = |index, sample| request(&config, Slot { decoding: 1, index, sample }, &prompt).key;
    assert_ne!(key(1, 0), key(0, 1));
    assert_eq!(key(1, 2), key(1, 2));
    let limited = EvaluateConfig { max_new_tokens: Some(3), ..config };
    assert_eq!(request(&limited, Slot { decoding: 0, index: 0, sample: 0 }, &prompt).max_new_tokens, 3);
}
