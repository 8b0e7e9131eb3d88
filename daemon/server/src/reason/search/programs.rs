//! A search for small expressions that give the outputs of the shown examples: one step, two steps, one step after
//! joining two arguments, constants read off the first example. The expressions are ours, so they are tried together.

use crate::actor::{CancelFlag, now};
use crate::reason::literal::{Literal, parse_arguments};
use crate::reason::protocol::Example;
use azr_executor::{Job, Limits, Sandbox};
use std::collections::BTreeSet;
use std::time::Instant;

/// Expressions that are tried in one instance.
const GROUP: usize = 600;
/// Nominal seconds of a group.
const GROUP_SECONDS: f64 = 1.0;
/// Programs that are given back.
const MAX_FOUND: usize = 3;

/// Steps over one value `{}`.
const STEPS: &[&str] = &[
    "{}",
    "len({})",
    "sum({})",
    "max({})",
    "min({})",
    "sorted({})",
    "sorted({}, reverse=True)",
    "{}[::-1]",
    "{}[0]",
    "{}[-1]",
    "{}[1:]",
    "{}[:-1]",
    "{}[::2]",
    "{}[1::2]",
    "abs({})",
    "-{}",
    "{} * {}",
    "{} ** 3",
    "not {}",
    "str({})",
    "int({})",
    "float({})",
    "list({})",
    "tuple({})",
    "set({})",
    "sorted(set({}))",
    "len(set({}))",
    "bool({})",
    "{}.upper()",
    "{}.lower()",
    "{}.title()",
    "{}.capitalize()",
    "{}.swapcase()",
    "{}.strip()",
    "{}.split()",
    "{}.split(',')",
    "''.join({})",
    "' '.join({})",
    "','.join({})",
    "' '.join({}.split()[::-1])",
    "{}.isdigit()",
    "{}.isalpha()",
    "{}.isupper()",
    "{}.islower()",
    "list({}.keys())",
    "list({}.values())",
    "list({}.items())",
    "sorted({}.keys())",
    "{{v: k for k, v in {}.items()}}",
    "{} % 2 == 0",
    "{} % 2 == 1",
    "{} + 1",
    "{} - 1",
    "{} * 2",
    "{} // 2",
    "{} / 2",
    "{} > 0",
    "{} == {}[::-1]",
    "[y * y for y in {}]",
    "[y * 2 for y in {}]",
    "[y + 1 for y in {}]",
    "[str(y) for y in {}]",
    "[int(y) for y in {}]",
    "[len(y) for y in {}]",
    "[abs(y) for y in {}]",
    "[y.upper() for y in {}]",
    "[y[::-1] for y in {}]",
    "[y for y in {} if y % 2 == 0]",
    "[y for y in {} if y % 2 == 1]",
    "[y for y in {} if y > 0]",
    "[y for y in {} if y]",
    "[y for x in {} for y in x]",
    "list(enumerate({}))",
    "list(dict.fromkeys({}))",
    "sum(1 for y in {} if y > 0)",
    "sum(y for y in {} if y % 2 == 0)",
    "max({}) - min({})",
    "sum({}) / len({})",
    "{{y: {}.count(y) for y in {}}}",
    "sum(int(y) for y in str({}))",
    "list(range({}))",
    "sum(y in 'aeiouAEIOU' for y in {})",
    "''.join(y for y in {} if y not in 'aeiouAEIOU')",
    "''.join(sorted({}))",
    "''.join(y for y in {} if y.isalpha())",
    "sorted({}, key=len)",
    "bin({})[2:]",
    "all({})",
    "any({})",
    "ord({})",
    "chr({})",
    "__import__('math').factorial({})",
    "__import__('math').prod({})",
];

/// Steps that join two values.
const JOINS: &[&str] = &[
    "{a} + {b}",
    "{a} - {b}",
    "{b} - {a}",
    "{a} * {b}",
    "{a} // {b}",
    "{a} / {b}",
    "{a} % {b}",
    "{a} ** {b}",
    "max({a}, {b})",
    "min({a}, {b})",
    "{a} == {b}",
    "{a} < {b}",
    "{a} > {b}",
    "{a} in {b}",
    "{b} in {a}",
    "{a}[{b}]",
    "{a}.get({b})",
    "{a}.count({b})",
    "{a}.index({b})",
    "{a}.split({b})",
    "{b}.join({a})",
    "{a}.startswith({b})",
    "{a}.endswith({b})",
    "{a}[:{b}]",
    "{a}[{b}:]",
    "{a}[::{b}]",
    "[y * {b} for y in {a}]",
    "[y + {b} for y in {a}]",
    "[y for y in {a} if y != {b}]",
    "[y for y in {a} if y > {b}]",
    "[y for y in {a} if y < {b}]",
    "list(zip({a}, {b}))",
    "dict(zip({a}, {b}))",
    "{a}.replace({b}, '')",
    "[x + y for x, y in zip({a}, {b})]",
    "[x * y for x, y in zip({a}, {b})]",
    "sum(x * y for x, y in zip({a}, {b}))",
    "sorted({a} + {b})",
    "[y for y in {a} if y in {b}]",
    "[y for y in {a} if y not in {b}]",
    "{{**{a}, **{b}}}",
    "{a} and {b}",
    "{a} or {b}",
    "abs({a} - {b})",
    "({a}, {b})",
    "[{a}, {b}]",
    "[{a}] * {b}",
    "__import__('math').gcd({a}, {b})",
];

/// Programs whose `f` gives the outputs of all examples, as far as comparing in the guest can tell.
pub(in crate::reason) fn search(
    sandbox: &Sandbox,
    examples: &[Example],
    deadline: Instant,
    cancel: &CancelFlag,
) -> Vec<String> {
    let Some(count) = arguments_of(examples) else { return Vec::new() };
    let names: Vec<&str> = ["a", "b", "c", "d"].into_iter().take(count).collect();
    let mut found = Vec::new();
    let expressions = expressions(&names, examples);
    for part in expressions.chunks(GROUP * 4) {
        if !found.is_empty() || cancel.is_set() || now() >= deadline {
            break;
        }
        let groups: Vec<&[String]> = part.chunks(GROUP).collect();
        let jobs: Vec<Job> = groups.iter().map(|group| job(&names, group, examples)).collect();
        for (group, report) in groups.iter().zip(sandbox.run_all(&jobs)) {
            let value = report.calls.first().and_then(|call| call.verdict.value()).and_then(Literal::parse);
            let Some(Literal::List(indices)) = value else { continue };
            found.extend(indices.iter().filter_map(|index| match index {
                Literal::Int(index) => group.get(usize::try_from(*index).ok()?).cloned(),
                _ => None,
            }));
        }
    }
    found.truncate(MAX_FOUND);
    found.into_iter().map(|body| format!("def f({}):\n    return {body}", names.join(", "))).collect()
}

/// How many arguments every example has; `None` where they differ or are given by name.
fn arguments_of(examples: &[Example]) -> Option<usize> {
    let mut count = None;
    for example in examples {
        let arguments = parse_arguments(&example.input)?;
        if arguments.iter().any(|argument| argument.name.is_some())
            || *count.get_or_insert(arguments.len()) != arguments.len()
        {
            return None;
        }
    }
    count.filter(|count| (1..=4).contains(count))
}

/// The program that tries a group: the call gives the indices of the expressions that fit all examples.
fn job(names: &[&str], group: &[String], examples: &[Example]) -> Job {
    let mut program = String::from("_examples = [\n");
    for example in examples {
        // A trailing comma makes one argument a tuple too.
        program.push_str(&format!(
            "    (({},), {}),\n",
            example.input.trim().trim_end_matches(','),
            example.output
        ));
    }
    program.push_str("]\n_candidates = [\n");
    for body in group {
        program.push_str(&format!("    lambda {}: {body},\n", names.join(", ")));
    }
    program.push_str(
        "]\n\ndef _same(x, y):\n    return type(x) is type(y) and x == y\n\n\
         def _fits(candidate):\n    import copy\n    try:\n        \
         return all(_same(candidate(*copy.deepcopy(x)), y) for x, y in _examples)\n    \
         except Exception:\n        return False\n\n\
         def _search():\n    return [i for i, c in enumerate(_candidates) if _fits(c)][:8]\n",
    );
    let limits = Limits { memory_bytes: 256 << 20, ..Limits::seconds(GROUP_SECONDS) };
    Job::new(program, vec!["_search()".to_owned()], limits)
}

/// Expressions over the names, short ones first.
fn expressions(names: &[&str], examples: &[Example]) -> Vec<String> {
    let fill = |step: &str, value: &str| {
        let value =
            if value.chars().all(char::is_alphanumeric) { value.to_owned() } else { format!("({value})") };
        step.replace("{{", "\u{1}")
            .replace("}}", "\u{2}")
            .replace("{}", &value)
            .replace('\u{1}', "{")
            .replace('\u{2}', "}")
    };
    // A number has no methods in Python's grammar unless it stands in brackets.
    let operand = |text: &str| {
        if text.starts_with(|char: char| char.is_ascii_digit() || char == '-') {
            format!("({text})")
        } else {
            text.to_owned()
        }
    };
    let join = |step: &str, a: &str, b: &str| {
        step.replace("{{", "\u{1}")
            .replace("}}", "\u{2}")
            .replace("{a}", &operand(a))
            .replace("{b}", &operand(b))
            .replace('\u{1}', "{")
            .replace('\u{2}', "}")
    };
    let mut bases: Vec<String> = Vec::new();
    let constants = constants(examples);
    for name in names {
        bases.push((*name).to_owned());
    }
    for name in names {
        for constant in &constants {
            bases.extend(JOINS.iter().map(|step| join(step, name, constant)));
        }
    }
    for left in names {
        for right in names.iter().filter(|right| *right != left) {
            bases.extend(JOINS.iter().map(|step| join(step, left, right)));
        }
    }
    if let [a, b, c, ..] = names {
        for first in ["+", "-", "*"] {
            bases.extend(["+", "-", "*"].map(|second| format!("{a} {first} {b} {second} {c}")));
        }
    }
    let mut all: Vec<String> = bases.clone();
    all.extend(affine(names, examples));
    for name in names {
        all.extend(STEPS.iter().map(|step| fill(step, name)));
    }
    for name in names {
        for inner in STEPS.iter().skip(1) {
            let inner = fill(inner, name);
            all.extend(STEPS.iter().skip(1).map(|step| fill(step, &inner)));
            all.extend(constants.iter().take(6).flat_map(|constant| {
                ["{a} + {b}", "{a} * {b}", "{a} - {b}", "{a} > {b}"]
                    .map(|step| join(step, &format!("({inner})"), constant))
            }));
        }
    }
    if names.len() > 1 {
        let joined = bases
            .iter()
            .skip(names.len())
            .filter(|base| !constants.iter().any(|one| base.contains(one.as_str())));
        let joined: Vec<&String> = joined.take(200).collect();
        all.extend(joined.iter().flat_map(|base| STEPS.iter().skip(1).map(|step| fill(step, base))));
    }
    let mut seen = BTreeSet::new();
    all.retain(|expression| seen.insert(expression.clone()));
    all
}

/// Small numbers, and texts that an output has more than its input.
fn constants(examples: &[Example]) -> Vec<String> {
    let mut found: Vec<String> = ["2", "3", "10", "0", "1"].map(str::to_owned).to_vec();
    if let Some(example) = examples.first() {
        let arguments = parse_arguments(&example.input).unwrap_or_default();
        let output = Literal::parse(&example.output);
        for argument in &arguments {
            match (&argument.value, &output) {
                (Literal::Int(input), Some(Literal::Int(output))) => {
                    found.push(Literal::Int(output.saturating_sub(*input)).to_string());
                    if *input != 0 && output.checked_rem(*input) == Some(0) {
                        found.push((output / input).to_string());
                    }
                }
                (Literal::Str(input), Some(Literal::Str(output))) if !input.is_empty() => {
                    if let Some((before, after)) = output.split_once(input.as_str()) {
                        found.extend(
                            [before, after]
                                .iter()
                                .filter(|text| !text.is_empty())
                                .map(|text| Literal::Str((*text).to_owned()).to_string()),
                        );
                    }
                }
                _ => {}
            }
        }
    }
    found.extend(["4", "5", "' '", "','"].map(str::to_owned));
    let mut seen = BTreeSet::new();
    found.retain(|constant| seen.insert(constant.clone()));
    found
}

/// `p * x + q` through two examples, and text put around the argument.
fn affine(names: &[&str], examples: &[Example]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let points: Vec<(i64, i64)> = examples
            .iter()
            .filter_map(|example| {
                let Literal::Int(input) = parse_arguments(&example.input)?.get(place)?.value else {
                    return None;
                };
                match Literal::parse(&example.output)? {
                    Literal::Int(output) => Some((input, output)),
                    _ => None,
                }
            })
            .collect();
        for pair in points.windows(2) {
            let (Some(run), Some(rise)) =
                (pair[1].0.checked_sub(pair[0].0), pair[1].1.checked_sub(pair[0].1))
            else {
                continue;
            };
            if run == 0 || rise.checked_rem(run) != Some(0) {
                continue;
            }
            let factor = rise / run;
            let Some(rest) = factor.checked_mul(pair[0].0).and_then(|part| pair[0].1.checked_sub(part))
            else {
                continue;
            };
            found.push(format!("{factor} * {name} + {rest}"));
        }
        if let Some(example) = examples.first()
            && let Some(Literal::Str(output)) = Literal::parse(&example.output)
            && let Some(arguments) = parse_arguments(&example.input)
            && let Some(argument) = arguments.get(place)
        {
            let (text, shown) = match &argument.value {
                Literal::Str(text) => (text.clone(), (*name).to_owned()),
                other => (other.to_string(), format!("str({name})")),
            };
            if let Some((before, after)) = output.split_once(text.as_str()).filter(|_| !text.is_empty()) {
                let quote = |text: &str| Literal::Str(text.to_owned()).to_string();
                found.push(format!("{} + {shown} + {}", quote(before), quote(after)));
            }
        }
    }
    found
}
