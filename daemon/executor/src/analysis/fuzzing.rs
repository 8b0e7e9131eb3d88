//! What is asserted of any text in the parts of the analysis that run on the host (fuzz target `analysis`): the
//! word search, the similarity, the reading of the guest's answers, the counting of answers.

use super::request::read_answer;
use super::{
    AnalysisError, BannedNames, FunctionInfo, Operation, ProgramMetrics, SyntaxFault, TypeCounters,
    similarity, word_search,
};

/// Longest text that is compared: the work grows with the square.
const COMPARED_CHARS: usize = 1_000;

/// Texts between lines `#---`: banned names, one a line; a source; a source to compare it with; a guest's answer.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut texts = text.split("\n#---\n");
    let mut next = || texts.next().unwrap_or_default();
    let (names, source, other, answer) = (next(), next(), next(), next());
    check_words(names, source);
    check_ratio(source, other);
    check_ratio(source, source);
    for operation in Operation::ALL {
        check_answer(operation, answer);
    }
    check_counters(source, other);
}

fn check_words(names: &str, source: &str) {
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    let banned = BannedNames { imports: names.clone(), error_keywords: Vec::new() };
    let found = word_search(source, &banned);
    let errors = BannedNames { imports: Vec::new(), error_keywords: names.clone() };
    assert_eq!(word_search(source, &errors), None, "words of error handling are looked for in trees only");
    if let Some(name) = found {
        assert!(names.contains(&name) && source.contains(&name), "{name:?} is not in the source");
    }
    let word = |name: &&String| name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty();
    for name in names.iter().filter(word).take(10) {
        let alone = BannedNames { imports: vec![name.clone()], error_keywords: Vec::new() };
        assert!(word_search(&format!("{source}\n{name}"), &alone).is_some(), "{name:?} stands alone");
        assert!(word_search(&format!("b{name}b"), &alone).is_none(), "{name:?} is a part of a word");
    }
}

fn check_ratio(one: &str, other: &str) {
    let cut = |text: &str| text.chars().take(COMPARED_CHARS).collect::<String>();
    let (one, other) = (cut(one), cut(other));
    let ratio = similarity::ratio(&one, &other).expect("short texts are within the work limit");
    let (a, b) = (one.chars().count(), other.chars().count());
    let most = if a + b == 0 { 1.0 } else { 2.0 * a.min(b) as f64 / (a + b) as f64 };
    assert!((0.0..=most).contains(&ratio), "{ratio} of {most} between {one:?} and {other:?}");
    // Without popular characters a text is wholly like itself.
    assert!(one != other || b >= 200 || ratio == 1.0, "{ratio} between {one:?} and itself");
}

/// The guest's answer is the program's claim no less than its report is.
fn check_answer(operation: Operation, answer: &str) {
    let value = match read_answer(operation, Ok(answer.to_owned())) {
        Ok(value) => value,
        Err(AnalysisError::Raised { operation: of, .. } | AnalysisError::Malformed { operation: of, .. }) => {
            assert_eq!(of, operation);
            return;
        }
        Err(error @ AnalysisError::GuestEnded { .. }) => panic!("the guest answered: {error}"),
    };
    // Each of the types that answers are decoded to.
    let _ = serde_json::from_value::<Option<SyntaxFault>>(value.clone());
    let _ = serde_json::from_value::<Vec<FunctionInfo>>(value.clone());
    let _ = serde_json::from_value::<Vec<String>>(value.clone());
    let _ = serde_json::from_value::<String>(value.clone());
    let _ = serde_json::from_value::<bool>(value.clone());
    if let Ok(metrics) = serde_json::from_value::<ProgramMetrics>(value) {
        let written = serde_json::to_value(&metrics).expect("metrics can be written");
        let read: ProgramMetrics = serde_json::from_value(written).expect("what was written can be read");
        assert_eq!(read, metrics);
    }
}

fn check_counters(answers: &str, other: &str) {
    let mut counters = TypeCounters::default();
    for (index, answer) in (0..).zip(answers.lines().take(50)) {
        counters.add(["int", "str", "list"][index % 3], answer, index as u64);
    }
    for answer in answers.lines().chain(other.lines()).take(50) {
        for reward in [counters.flat_reward(answer), counters.hierarchical_reward(answer, "int")] {
            assert!((0.0..=1.0).contains(&reward), "{reward} for {answer:?}");
        }
    }
}
