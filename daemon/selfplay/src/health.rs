//! Health of self-play (ours): figures of a step about what is known to go wrong, and warnings with advice over several steps.
//!
//! The authors report rising step time and memory, shrinking diversity and little gain after some hundred steps (spec
//! 11.9). The figures are a function of the step's texts and numbers alone, and cost no run of the sandbox: programs are
//! compared by their tokens, names and literals left out. Times and memory come from the caller and enter no record.

use crate::record::StepRecord;
use crate::rollout::Rollout;
use crate::task::Role;
use azr_model::FinishReason;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Figures of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Share of valid proposals (induction aside) whose program has a structure that no other of the step has.
    pub structures_distinct: f64,
    /// Share of valid proposals that repeat a buffer entry (where repeats are looked for) or another of the step.
    pub duplicates: f64,
    /// Entropy of the token trigrams of valid proposals, in nats.
    pub trigram_entropy: f64,
    /// Entropy of the types of their recorded answers, in nats.
    pub answer_type_entropy: f64,
    /// Mean number of branches and loops of a proposed program.
    pub branches_mean: f64,
    /// Responses that ended at the token limit, as a share of all.
    pub cut_responses: f64,
    /// Longest response in tokens.
    pub longest_response: u64,
    /// Mean distance between the sampler's and the trainer's log-probability of a token; absent where the trainer's are not
    /// recomputed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprob_gap: Option<f64>,
}

impl Health {
    /// Measures the rollouts of a step.
    pub(crate) fn of(rollouts: &[Rollout], logprob_gap: Option<f64>) -> Self {
        let proposals = || rollouts.iter().filter(|one| one.group.role == Role::Propose && one.success);
        let programs: Vec<Vec<Token<'_>>> =
            proposals().filter_map(|one| one.program.as_deref()).map(tokens).collect();
        let mut structures: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
        let mut trigrams: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
        let mut branches = 0;
        for program in &programs {
            *structures.entry(program.iter().map(Token::structure).collect()).or_default() += 1;
            let words: Vec<&str> = program.iter().map(|token| token.text).collect();
            for three in words.windows(3) {
                *trigrams.entry(three.to_vec()).or_default() += 1;
            }
            branches += words.iter().filter(|word| BRANCHES.contains(word)).count();
        }
        let mut types: BTreeMap<&str, usize> = BTreeMap::new();
        for answer in proposals().filter_map(|one| one.answer.as_deref()) {
            *types.entry(answer_type(answer)).or_default() += 1;
        }
        let valid = proposals().count();
        let identities: BTreeSet<&String> = proposals()
            .filter(|one| one.verdict != "duplicate")
            .filter_map(|one| one.identity.as_ref())
            .collect();
        let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        let cut = rollouts.iter().filter(|one| one.completion.finish == FinishReason::Length).count();
        Self {
            structures_distinct: share(
                structures.values().filter(|count| **count == 1).count(),
                programs.len(),
            ),
            duplicates: share(valid - identities.len().min(valid), valid),
            trigram_entropy: entropy(trigrams.values()),
            answer_type_entropy: entropy(types.values()),
            branches_mean: branches as f64 / programs.len().max(1) as f64,
            cut_responses: share(cut, rollouts.len()),
            longest_response: rollouts
                .iter()
                .map(|one| one.completion.tokens.len() as u64)
                .max()
                .unwrap_or(0),
            logprob_gap,
        }
    }
}

const BRANCHES: [&str; 8] = ["if", "elif", "for", "while", "and", "or", "except", "else"];

const KEYWORDS: [&str; 27] = [
    "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally",
    "for", "from", "if", "import", "in", "is", "lambda", "not", "or", "pass", "raise", "return", "try",
    "while", "yield",
];

/// A token of a program, roughly: enough to compare programs.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Name,
    Number,
    Text,
    Sign,
}

impl<'a> Token<'a> {
    fn structure(&self) -> &'a str {
        match self.kind {
            Kind::Name if KEYWORDS.contains(&self.text) => self.text,
            Kind::Name => "name",
            Kind::Number => "0",
            Kind::Text => "''",
            Kind::Sign => self.text,
        }
    }
}

/// Takes a program apart; comments and white space within lines are left out. Total on any text.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if first == '\n' {
            (Some(Kind::Sign), 1)
        } else if first.is_whitespace() {
            (None, first.len_utf8())
        } else if first == '#' {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if first == '_' || first.is_alphabetic() {
            (Some(Kind::Name), span(rest, |character| character == '_' || character.is_alphanumeric()))
        } else if first.is_ascii_digit() {
            (Some(Kind::Number), span(rest, |character| character == '.' || character.is_alphanumeric()))
        } else if first == '"' || first == '\'' {
            (Some(Kind::Text), text_length(rest, first))
        } else {
            (Some(Kind::Sign), first.len_utf8())
        };
        if let Some(kind) = kind {
            found.push(Token { text: &rest[..length], kind });
        }
        rest = &rest[length..];
    }
    found
}

fn span(text: &str, within: impl Fn(char) -> bool) -> usize {
    text.find(|character| !within(character)).unwrap_or(text.len())
}

/// Length of a string literal with its quotes; an unclosed one ends with its line.
fn text_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The type of a printed value, by how it begins.
fn answer_type(text: &str) -> &'static str {
    match text.as_bytes().first() {
        None => "nothing",
        Some(b'\'' | b'"') => "str",
        Some(b'[') => "list",
        Some(b'(') => "tuple",
        Some(b'{') => {
            if text.contains(':') || text == "{}" {
                "dict"
            } else {
                "set"
            }
        }
        Some(b'0'..=b'9' | b'-') => {
            if text.contains(['.', 'e', 'n']) {
                "float"
            } else {
                "int"
            }
        }
        _ if ["True", "False"].contains(&text) => "bool",
        _ if text == "None" => "None",
        _ => "other",
    }
}

fn entropy<'a>(counts: impl Iterator<Item = &'a usize> + Clone) -> f64 {
    let total: usize = counts.clone().sum();
    let shares = counts.map(|count| *count as f64 / total.max(1) as f64);
    // A sum of no terms is -0.
    shares.filter(|share| *share > 0.0).map(|share| -share * share.ln()).sum::<f64>() + 0.0
}

/// Something that goes wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Step at which it shows.
    pub step: u64,
    /// Which: `diversity`, `duplicates`, `learnability`, `format`, `length`, `entropy`, `sampler`, `time`, `memory`.
    pub kind: &'static str,
    /// What is seen.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

/// What a warning is made from.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    structures: f64,
    duplicates: f64,
    learnable: f64,
    format: f64,
    tokens_a_response: f64,
    cut: f64,
    entropy: f64,
    gap: f64,
    seconds_a_token: f64,
    memory: f64,
}

/// Steps over which means are taken.
const WINDOW: usize = 10;
/// Steps before the same warning comes again.
const SILENCE: u64 = 50;

/// Watches a run. The first [`WINDOW`] steps are the measure of the later ones.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    first: Vec<Point>,
    recent: VecDeque<Point>,
    raised: BTreeMap<&'static str, u64>,
}

impl Watch {
    /// Looks at a step. `seconds` is what it took without evaluation, `memory_bytes` what the process holds.
    pub fn observe(&mut self, record: &StepRecord, seconds: f64, memory_bytes: Option<u64>) -> Vec<Warning> {
        let point = point_of(record, seconds, memory_bytes);
        if self.first.len() < WINDOW {
            self.first.push(point);
        }
        self.recent.push_back(point);
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        if self.recent.len() < WINDOW {
            return Vec::new();
        }
        let now = mean(self.recent.make_contiguous());
        let then = mean(&self.first);
        let mut warnings = findings(&now, &then);
        warnings.retain(|(kind, ..)| self.raised.get(kind).is_none_or(|at| record.step >= at + SILENCE));
        for (kind, ..) in &warnings {
            self.raised.insert(kind, record.step);
        }
        warnings
            .into_iter()
            .map(|(kind, message, advice)| Warning { step: record.step, kind, message, advice })
            .collect()
    }
}

fn point_of(record: &StepRecord, seconds: f64, memory_bytes: Option<u64>) -> Point {
    let health = record.health.clone().unwrap_or_default();
    let groups = || record.groups.values();
    let n: usize = groups().map(|group| group.n).sum();
    let over = |value: fn(&crate::record::GroupStats) -> f64| {
        groups().map(|group| value(group) * group.n as f64).sum::<f64>() / n.max(1) as f64
    };
    let estimated: usize = record.learnability.iter().flat_map(|one| &one.histogram).sum();
    let between: usize = record
        .learnability
        .iter()
        .flat_map(|one| one.histogram.iter().skip(1).take(one.histogram.len().saturating_sub(2)))
        .sum();
    Point {
        structures: health.structures_distinct,
        duplicates: health.duplicates,
        learnable: between as f64 / estimated.max(1) as f64,
        format: over(|group| group.format),
        tokens_a_response: over(|group| group.response_tokens_mean),
        cut: health.cut_responses,
        entropy: record.entropy,
        gap: health.logprob_gap.unwrap_or(0.0),
        seconds_a_token: seconds / record.tokens.max(1) as f64,
        memory: memory_bytes.unwrap_or(0) as f64,
    }
}

fn mean(points: &[Point]) -> Point {
    let count = points.len().max(1) as f64;
    let of = |value: fn(&Point) -> f64| points.iter().map(value).sum::<f64>() / count;
    Point {
        structures: of(|point| point.structures),
        duplicates: of(|point| point.duplicates),
        learnable: of(|point| point.learnable),
        format: of(|point| point.format),
        tokens_a_response: of(|point| point.tokens_a_response),
        cut: of(|point| point.cut),
        entropy: of(|point| point.entropy),
        gap: of(|point| point.gap),
        seconds_a_token: of(|point| point.seconds_a_token),
        memory: of(|point| point.memory),
    }
}

fn findings(now: &Point, then: &Point) -> Vec<(&'static str, String, &'static str)> {
    let percent = |share: f64| 100.0 * share;
    let mut found = Vec::new();
    if now.structures < 0.15 || now.structures < 0.4 * then.structures {
        found.push((
            "diversity",
            format!("only {:.0} % of the proposed programs have a structure of their own", percent(now.structures)),
            "reward difference: proposer.duplicate_reward=-0.5, or intrinsic.edit_distance; or lower the learning rate",
        ));
    }
    if now.duplicates > 0.5 {
        found.push((
            "duplicates",
            format!("{:.0} % of the valid proposals are repeats", percent(now.duplicates)),
            "set proposer.duplicate_reward=-0.5, or raise proposer.n_references",
        ));
    }
    if now.learnable < 0.1 {
        found.push((
            "learnability",
            format!("only {:.0} % of the proposals are neither always nor never solved", percent(now.learnable)),
            "the proposer finds no tasks at the solver's level: try buffers.mix=frontier, more learnability.n_samples, or a \
             lower learning rate",
        ));
    }
    if now.format < 0.5 * then.format {
        found.push((
            "format",
            format!(
                "well-formed responses fell from {:.0} to {:.0} %",
                percent(then.format),
                percent(now.format)
            ),
            "the policy has left its format: go back to an earlier checkpoint with a lower learning rate",
        ));
    }
    if now.cut > 0.3 || (now.tokens_a_response > 3.0 * then.tokens_a_response && now.cut > 0.05) {
        found.push((
            "length",
            format!("{:.0} tokens a response, {:.0} % of them cut at the limit", now.tokens_a_response, percent(now.cut)),
            "raise rollout.max_response_tokens, or use update.loss_aggregation=sequence_mean so that length earns nothing",
        ));
    }
    if now.entropy > 0.0 && now.entropy < 0.1 * then.entropy {
        found.push((
            "entropy",
            format!("the policy's entropy fell from {:.3} to {:.3} nats a token", then.entropy, now.entropy),
            "set update.entropy_coefficient=0.001, or lower the learning rate",
        ));
    }
    if now.gap > 0.05 {
        found.push((
            "sampler",
            format!("sampler and trainer differ by {:.3} nats a token", now.gap),
            "keep update.recompute_logprobs=true; a gap that grows points to a fault of the engine",
        ));
    }
    if now.seconds_a_token > 1.5 * then.seconds_a_token && then.seconds_a_token > 0.0 {
        found.push((
            "time",
            format!(
                "a token costs {:.2} ms, {:.1} times what it did at first",
                1e3 * now.seconds_a_token,
                now.seconds_a_token / then.seconds_a_token
            ),
            "see which part grows in timings.jsonl; other work on the machine is the usual cause",
        ));
    }
    if then.memory > 0.0 && now.memory > 1.5 * then.memory {
        found.push((
            "memory",
            format!("the process holds {:.0} MiB, {:.1} times what it did at first", now.memory / 1_048_576.0, now.memory / then.memory),
            "bound the buffers: buffers.max_programs, buffers.max_age; stop and --resume gives the memory back",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{GroupStats, LearnabilityStats};
    use proptest::prelude::*;

    fn record(step: u64, structures: f64, histogram: Vec<usize>) -> StepRecord {
        let group = GroupStats { n: 10, format: 1.0, response_tokens_mean: 20.0, ..GroupStats::default() };
        StepRecord {
            step,
            groups: BTreeMap::from([("deduction_solve".to_owned(), group)]),
            learnability: vec![LearnabilityStats { histogram, ..LearnabilityStats::default() }],
            tokens: 1_000,
            entropy: 0.5,
            health: Some(Health { structures_distinct: structures, ..Health::default() }),
            ..StepRecord::default()
        }
    }

    #[test]
    fn a_sound_run_raises_nothing() {
        let mut watch = Watch::default();
        for step in 1..60 {
            assert_eq!(watch.observe(&record(step, 0.8, vec![2, 5, 2]), 1.0, Some(1 << 30)), []);
        }
    }

    #[test]
    fn a_collapse_is_told_once_and_with_advice() {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        for step in 1..=40 {
            let structures = if step <= 10 { 0.8 } else { 0.05 };
            told.extend(watch.observe(&record(step, structures, vec![2, 5, 2]), 1.0, None));
        }
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].kind, "diversity");
        assert!(told[0].advice.contains("duplicate_reward"));
    }

    #[test]
    fn unsolved_proposals_slow_steps_and_growing_memory_are_told() {
        let mut watch = Watch::default();
        let mut kinds = BTreeSet::new();
        for step in 1..=30 {
            let late = step > 15;
            let histogram = if late { vec![9, 0, 1] } else { vec![2, 5, 2] };
            let (seconds, memory) = if late { (3.0, 3 << 30) } else { (1.0, 1 << 30) };
            let warnings = watch.observe(&record(step, 0.8, histogram), seconds, Some(memory));
            kinds.extend(warnings.into_iter().map(|warning| warning.kind));
        }
        assert_eq!(kinds, BTreeSet::from(["learnability", "memory", "time"]));
    }

    #[test]
    fn structures_ignore_names_literals_and_comments() {
        let structure = |source: &str| -> Vec<String> {
            tokens(source).iter().map(|token| token.structure().to_owned()).collect()
        };
        assert_eq!(
            structure("def f(x):\n    return x + 1  # one"),
            structure("def g(abc):\n return abc + 23")
        );
        assert_ne!(structure("def f(x):\n    return x + 1"), structure("def f(x):\n    return x - 1"));
        assert_eq!(answer_type("{1: 2}"), "dict");
        assert_eq!(answer_type("-1.5"), "float");
        assert!((entropy([1, 1].iter()) - 2_f64.ln()).abs() < 1e-12);
        assert_eq!(entropy([].iter()).to_bits(), 0.0_f64.to_bits());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in any::<String>()) {
            let found = tokens(&text);
            prop_assert!(found.iter().all(|token| !token.text.is_empty() && text.contains(token.text)));
        }
    }
}
