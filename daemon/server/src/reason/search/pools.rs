//! Values worth trying, by type: those in the wanted output and the program, and small ones.

use crate::reason::literal::Literal;
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Values of each type, likely ones first.
const POOL: usize = 48;

/// The types that the search tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::reason) enum Kind {
    Str,
    Int,
    ListOfInt,
    ListOfStr,
    Dict,
    Bool,
    Float,
    Tuple,
    Nested,
    None,
    Set,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Str,
        Self::Int,
        Self::ListOfInt,
        Self::ListOfStr,
        Self::Dict,
        Self::Bool,
        Self::Float,
        Self::Tuple,
        Self::Nested,
        Self::None,
        Self::Set,
    ];
}

/// Values of each type.
#[derive(Debug)]
pub(super) struct Pools {
    values: Vec<Vec<Literal>>,
    /// Texts to build strings from.
    pub(super) pieces: Vec<String>,
    /// Numbers to build lists from.
    pub(super) numbers: Vec<i64>,
}

static STRINGS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*""#).expect("the pattern compiles"));
static NUMBERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\w.])(-?\d{1,9})(?:[^\w.]|$)").expect("the pattern compiles"));

impl Pools {
    /// The pools for a program and the output wanted of it.
    pub(super) fn new(program: &str, output: Option<&Literal>) -> Self {
        let mut found = Parts::default();
        if let Some(output) = output {
            found.take(output, 0);
        }
        let from_program: Vec<Literal> =
            STRINGS.find_iter(program).take(60).filter_map(|text| Literal::parse(text.as_str())).collect();
        for value in &from_program {
            found.take(value, 0);
        }
        for number in NUMBERS.captures_iter(program).take(60).filter_map(|one| one[1].parse::<i64>().ok()) {
            found.number(number);
            found.number(number + 1);
        }
        for number in [0, 1, 2, 3, 5, -1, 4, 10, 7, 6, 8, 9, 12, 100, -2] {
            found.number(number);
        }
        for text in ["", "a", "abc", "hello", "A", "1", " ", "ab", "hello world", "Hello", "12", "a,b", "x"] {
            found.text(text);
        }
        let values = Kind::ALL.iter().map(|kind| found.values(*kind, output)).collect();
        Self { values, pieces: found.texts, numbers: found.numbers }
    }

    /// Values of a type, likely ones first; there is always one.
    pub(super) fn of(&self, kind: Kind) -> &[Literal] {
        &self.values[kind as usize]
    }
}

/// What the output and the program hold.
#[derive(Debug, Default)]
struct Parts {
    texts: Vec<String>,
    numbers: Vec<i64>,
    wholes: Vec<Literal>,
    seen: BTreeSet<String>,
}

impl Parts {
    fn text(&mut self, text: &str) {
        if self.seen.insert(format!("s{text}")) {
            self.texts.push(text.to_owned());
        }
    }

    fn number(&mut self, number: i64) {
        if self.seen.insert(format!("i{number}")) {
            self.numbers.push(number);
        }
    }

    /// Takes a value apart.
    fn take(&mut self, value: &Literal, depth: usize) {
        if depth > 4 || self.wholes.len() > 200 {
            return;
        }
        match value {
            Literal::Int(number) => {
                for number in [*number, number.saturating_sub(1), number.saturating_add(1), number / 2] {
                    self.number(number);
                }
            }
            Literal::Str(text) => {
                self.text(text);
                if text.chars().count() <= 200 {
                    let reversed: String = text.chars().rev().collect();
                    for other in [
                        text.to_lowercase(),
                        text.to_uppercase(),
                        reversed,
                        text.trim().to_owned(),
                        text.replace(' ', ""),
                    ] {
                        self.text(&other);
                    }
                    for word in text.split_whitespace().take(8) {
                        self.text(word);
                    }
                    let letters: BTreeSet<char> = text.chars().collect();
                    for letter in letters.into_iter().take(12) {
                        self.text(&letter.to_string());
                    }
                    if let Some(inner) = Literal::parse(text).filter(|_| depth == 0) {
                        self.take(&inner, depth + 1);
                    }
                }
            }
            Literal::List(items) | Literal::Tuple(items) | Literal::Set(items) => {
                self.wholes.push(value.clone());
                for item in items.iter().take(40) {
                    self.take(item, depth + 1);
                }
                if items.iter().all(|item| matches!(item, Literal::Str(_))) {
                    let texts = items.iter().filter_map(|item| match item {
                        Literal::Str(text) => Some(text.as_str()),
                        _ => None,
                    });
                    let texts: Vec<&str> = texts.collect();
                    for between in ["", " ", ",", "\n"] {
                        self.text(&texts.join(between));
                    }
                }
            }
            Literal::Dict(pairs) => {
                self.wholes.push(value.clone());
                for (key, value) in pairs.iter().take(40) {
                    self.take(key, depth + 1);
                    self.take(value, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn values(&self, kind: Kind, output: Option<&Literal>) -> Vec<Literal> {
        let texts = || self.texts.iter().map(|text| Literal::Str(text.clone()));
        let numbers = || self.numbers.iter().map(|number| Literal::Int(*number));
        let of_type =
            |name: &'static str| self.wholes.iter().filter(move |whole| whole.type_name() == name).cloned();
        let mut values: Vec<Literal> = match kind {
            Kind::Str => texts().collect(),
            Kind::Int => numbers().collect(),
            Kind::Bool => vec![Literal::Bool(true), Literal::Bool(false)],
            Kind::None => vec![Literal::None],
            Kind::Float => {
                let wanted = output.filter(|output| matches!(output, Literal::Float(_))).cloned();
                let whole = self.numbers.iter().take(12).flat_map(|one| [*one as f64, *one as f64 + 0.5]);
                wanted.into_iter().chain(whole.map(Literal::Float)).collect()
            }
            Kind::ListOfInt | Kind::ListOfStr => {
                let is_ours = |list: &Literal| match list {
                    Literal::List(items) => items.iter().all(|item| match kind {
                        Kind::ListOfInt => {
                            matches!(item, Literal::Int(_) | Literal::Bool(_) | Literal::Float(_))
                        }
                        _ => matches!(item, Literal::Str(_)),
                    }),
                    _ => false,
                };
                let lists: Vec<Literal> = of_type("list").filter(is_ours).collect();
                let items: Vec<Literal> =
                    if kind == Kind::ListOfInt { numbers().collect() } else { texts().collect() };
                lists.into_iter().flat_map(turned).chain(small_lists(&items)).collect()
            }
            Kind::Nested => {
                let pair = |key: Literal, value: Literal| Literal::Tuple(vec![key, value]);
                let pairs = texts().zip(numbers()).take(2).map(|(text, number)| pair(text, number)).collect();
                let rows = vec![
                    Literal::List(numbers().take(2).collect()),
                    Literal::List(numbers().skip(2).take(2).collect()),
                ];
                let mixed = of_type("list").flat_map(turned);
                let texts = Literal::List(texts().take(2).map(|text| Literal::List(vec![text])).collect());
                mixed.chain([Literal::List(rows), Literal::List(pairs), texts]).collect()
            }
            Kind::Dict => {
                let simple = |pairs: Vec<(Literal, Literal)>| Literal::Dict(pairs);
                let text_number = texts().zip(numbers()).take(3).collect();
                let text_text = texts().zip(texts().skip(1)).take(2).collect();
                let number_number = numbers().zip(numbers().skip(1)).take(2).collect();
                let text_list =
                    texts().take(2).zip([Literal::List(numbers().take(2).collect()), Literal::List(vec![])]);
                of_type("dict")
                    .chain([
                        simple(Vec::new()),
                        simple(text_number),
                        simple(text_text),
                        simple(number_number),
                    ])
                    .chain([simple(text_list.collect())])
                    .collect()
            }
            Kind::Tuple => {
                let from_lists = of_type("list").filter_map(|list| match list {
                    Literal::List(items) => Some(Literal::Tuple(items)),
                    _ => None,
                });
                let small = [
                    Literal::Tuple(numbers().take(2).collect()),
                    Literal::Tuple(texts().take(2).collect()),
                    Literal::Tuple(Vec::new()),
                ];
                of_type("tuple").chain(from_lists).chain(small).collect()
            }
            Kind::Set => {
                let small =
                    [Literal::Set(numbers().take(3).collect()), Literal::Set(texts().take(2).collect())];
                of_type("set").chain(small).collect()
            }
        };
        let mut seen = BTreeSet::new();
        values.retain(|value| seen.insert(value.to_string()));
        values.truncate(POOL);
        values
    }
}

/// A list as it is, reversed and sorted.
fn turned(list: Literal) -> Vec<Literal> {
    let Literal::List(items) = &list else { return vec![list] };
    let mut reversed = items.clone();
    reversed.reverse();
    let mut sorted = items.clone();
    sorted.sort_by_key(|item| match item {
        Literal::Int(value) => (*value, String::new()),
        other => (0, other.to_string()),
    });
    vec![list.clone(), Literal::List(reversed), Literal::List(sorted)]
}

fn small_lists(items: &[Literal]) -> Vec<Literal> {
    let mut lists = vec![Literal::List(Vec::new())];
    for length in [1, 2, 3, 5] {
        lists.push(Literal::List(items.iter().take(length).cloned().collect()));
    }
    lists.extend(items.iter().take(12).map(|item| Literal::List(vec![item.clone()])));
    if let Some(first) = items.first() {
        lists.push(Literal::List(vec![first.clone(), first.clone()]));
    }
    lists
}
