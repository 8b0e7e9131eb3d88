//! The sandbox under attack: hostile programs with the verdicts that a user would want, one file a category
//! (`attacks/*.py`).
//!
//! A verdict is only half of what is checked. Whatever a program does, its report stays within the limits, a second
//! run gives the same report to the unit of fuel, and a canary that runs right after it gives exactly the report that
//! it gives in a sandbox where nothing has run. What a program claims about itself is its own affair: a forged value
//! is no escape, though the guest makes it hard.
//!
//! A program begins with a line `#: NAME -> VERDICT`, where the verdict is `value TEXT`, `raised EXCEPTION`,
//! `syntax_error LINE`, `timeout`, `out_of_memory`, `stack_exhausted`, `output_too_large LENGTH`, `exited CODE`,
//! `crashed`, `missing_module NAME`, or `anything`: a program that writes or reads memory blindly has no verdict that
//! outlives a rebuild of the guest. Lines `#: call EXPRESSION` may follow (one call `f(1)` without); the verdict is that
//! of the last call.

use crate::{Job, Limits, Report, Sandbox, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The embedded categories.
const CATEGORIES: [(&str, &str); 19] = [
    ("files", include_str!("../attacks/files.py")),
    ("environment", include_str!("../attacks/environment.py")),
    ("network", include_str!("../attacks/network.py")),
    ("processes", include_str!("../attacks/processes.py")),
    ("ctypes", include_str!("../attacks/ctypes.py")),
    ("frames", include_str!("../attacks/frames.py")),
    ("importer", include_str!("../attacks/importer.py")),
    ("bytecode", include_str!("../attacks/bytecode.py")),
    ("parser", include_str!("../attacks/parser.py")),
    ("memory", include_str!("../attacks/memory.py")),
    ("recursion", include_str!("../attacks/recursion.py")),
    ("integers", include_str!("../attacks/integers.py")),
    ("output", include_str!("../attacks/output.py")),
    ("timeout", include_str!("../attacks/timeout.py")),
    ("exits", include_str!("../attacks/exits.py")),
    ("threads", include_str!("../attacks/threads.py")),
    ("hashing", include_str!("../attacks/hashing.py")),
    ("state", include_str!("../attacks/state.py")),
    ("lies", include_str!("../attacks/lies.py")),
];
/// What runs after every attack, and what it is asked.
const CANARY: &str = include_str!("../attacks/canary.py");
const CANARY_CALLS: [&str; 2] = ["facts()", "everything()"];
/// The verdict of programs that have none that lasts.
pub(crate) const ANYTHING: &str = "anything";
/// Nominal time of a call, and of one that is to use it up: nothing is learnt from burning more.
const SECONDS: f64 = 0.2;
const TIMEOUT_SECONDS: f64 = 0.05;
/// Most memory of a program.
const MEMORY_BYTES: u64 = 256 << 20;
/// Longest message of an exception, and longest `got` that is reported, in characters.
const MESSAGE_CHARS: usize = 1_000;

/// A hostile program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attack {
    /// The file it comes from.
    pub category: String,
    /// Its name, unique in the category.
    pub name: String,
    /// The verdict of the last call, in the words of the header.
    pub want: String,
    /// Expressions to evaluate after the program.
    pub calls: Vec<String>,
    /// The source.
    pub program: String,
}

/// What came of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryReport {
    /// The category.
    pub category: String,
    /// Programs.
    pub programs: usize,
    /// Programs without a failure.
    pub as_expected: usize,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackFailure {
    /// The category.
    pub category: String,
    /// The program.
    pub name: String,
    /// What should have come out.
    pub want: String,
    /// What came out.
    pub got: String,
}

/// What came of all attacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackReport {
    /// Hash of the guest that was attacked.
    pub guest: String,
    /// Programs.
    pub total: usize,
    /// Programs without a failure.
    pub as_expected: usize,
    /// The categories, in their order.
    pub categories: Vec<CategoryReport>,
    /// Everything that is not as it should be.
    pub failures: Vec<AttackFailure>,
}

/// The embedded attacks, category by category.
pub fn attacks() -> Vec<Attack> {
    let parsed = CATEGORIES.iter().flat_map(|(category, text)| {
        parse(category, text).expect("the embedded attacks are well-formed: a test reads them")
    });
    parsed.collect()
}

/// Runs every attack twice in a sandbox that `open` opens, each run followed by the canary, whose report must be
/// that of a sandbox in which nothing else has run. With one thread the canary gets the attack's own instance, if that
/// was put back.
pub fn run<E>(open: impl Fn() -> Result<Sandbox, E>) -> Result<AttackReport, E> {
    let canary = Job::new(CANARY, CANARY_CALLS.map(str::to_owned).to_vec(), Limits::seconds(1.0));
    let untouched = open()?.run(&canary);
    let sandbox = open()?;
    let mut report = AttackReport {
        guest: untouched.guest.clone(),
        total: 0,
        as_expected: 0,
        categories: Vec::new(),
        failures: Vec::new(),
    };
    if let Some(call) = untouched.calls.iter().find(|call| call.verdict.value().is_none()) {
        report.failures.push(AttackFailure {
            category: "canary".into(),
            name: call.call.clone(),
            want: "value".into(),
            got: described(&call.verdict),
        });
    }
    let attacks = attacks();
    for attacks in attacks.chunk_by(|left, right| left.category == right.category) {
        let jobs: Vec<Job> = attacks
            .iter()
            .flat_map(|attack| [job(attack), canary.clone(), job(attack), canary.clone()])
            .collect();
        let reports = sandbox.run_all(&jobs);
        let mut as_expected = 0;
        for (attack, reports) in attacks.iter().zip(reports.chunks(4)) {
            let failures = failures(attack, reports, &untouched);
            as_expected += usize::from(failures.is_empty());
            report.failures.extend(failures);
        }
        report.total += attacks.len();
        report.as_expected += as_expected;
        let category = attacks[0].category.clone();
        report.categories.push(CategoryReport { category, programs: attacks.len(), as_expected });
    }
    Ok(report)
}

fn job(attack: &Attack) -> Job {
    let seconds = if words(&Verdict::Timeout) == attack.want { TIMEOUT_SECONDS } else { SECONDS };
    let limits = Limits { memory_bytes: MEMORY_BYTES, ..Limits::seconds(seconds) };
    Job::new(attack.program.as_str(), attack.calls.clone(), limits)
}

/// What is wrong with `reports`: the attack, the canary, the attack again, the canary again.
fn failures(attack: &Attack, reports: &[Report], untouched: &Report) -> Vec<AttackFailure> {
    let mut found = Vec::new();
    let mut fail = |want: &str, got: String| {
        found.push(AttackFailure {
            category: attack.category.clone(),
            name: attack.name.clone(),
            want: want.to_owned(),
            got: got.chars().take(MESSAGE_CHARS).collect(),
        });
    };
    let [first, canary, second, canary_again] = reports else {
        fail("four reports", reports.len().to_string());
        return found;
    };
    match first.calls.last() {
        Some(call) if call.verdict == Verdict::WallGuard => fail(&attack.want, described(&call.verdict)),
        Some(call) if attack.want == ANYTHING || words(&call.verdict) == attack.want => {}
        Some(call) => fail(&attack.want, described(&call.verdict)),
        None => fail(&attack.want, "no report".into()),
    }
    if let Some(excess) = excess(first, &job(attack).limits) {
        fail("a report within the limits", excess);
    }
    if first != second {
        fail(&format!("the same report twice: {}", last(first)), last(second));
    }
    for canary in [canary, canary_again] {
        if canary != untouched {
            fail(&format!("an untouched canary: {}", last(untouched)), difference(untouched, canary));
        }
    }
    found
}

/// What of the report exceeds the limits.
fn excess(report: &Report, limits: &Limits) -> Option<String> {
    let longest = limits.output_chars as usize;
    report.calls.iter().find_map(|call| {
        let text = match &call.verdict {
            Verdict::Value { text } => text.chars().count().saturating_sub(longest),
            Verdict::Raised { exception, message } => {
                exception.chars().count().max(message.chars().count()).saturating_sub(MESSAGE_CHARS)
            }
            Verdict::SyntaxError { message: text, .. } | Verdict::MissingModule { name: text } => {
                text.chars().count().saturating_sub(MESSAGE_CHARS)
            }
            _ => 0,
        };
        let stdout = call.stdout.chars().count();
        if call.fuel > limits.fuel {
            Some(format!("{} units of fuel", call.fuel))
        } else if call.memory_bytes > limits.memory_bytes {
            Some(format!("{} bytes of memory", call.memory_bytes))
        } else if stdout > longest {
            Some(format!("{stdout} characters of output"))
        } else {
            (text > 0).then(|| format!("a verdict {text} characters too long"))
        }
    })
}

/// The verdict and the costs of the last call.
fn last(report: &Report) -> String {
    report.calls.last().map_or_else(String::new, |call| {
        format!("{} ({} fuel, {} bytes)", described(&call.verdict), call.fuel, call.memory_bytes)
    })
}

/// Where two reports of the canary differ: the facts say more than the digest.
fn difference(untouched: &Report, canary: &Report) -> String {
    let pairs = untouched.calls.iter().zip(&canary.calls);
    let differing = pairs.filter(|(want, got)| want != got).map(|(want, got)| {
        let (want_text, got_text) = (described(&want.verdict), described(&got.verdict));
        let same = want_text.chars().zip(got_text.chars()).take_while(|(want, got)| want == got).count();
        let excerpt: String = got_text.chars().skip(same.saturating_sub(60)).take(160).collect();
        format!("{}: {} fuel instead of {}, ...{excerpt}", got.call, got.fuel, want.fuel)
    });
    differing.collect::<Vec<_>>().join("; ")
}

/// A verdict in the words of the headers.
fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Value { text } => format!("value {text}"),
        Verdict::Raised { exception, .. } => format!("raised {exception}"),
        Verdict::SyntaxError { line, .. } => format!("syntax_error {line}"),
        Verdict::OutputTooLarge { length } => format!("output_too_large {length}"),
        Verdict::Exited { code } => format!("exited {code}"),
        Verdict::MissingModule { name } => format!("missing_module {name}"),
        other => other.name().to_owned(),
    }
}

/// A verdict in words, with its message.
fn described(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Raised { message, .. } | Verdict::SyntaxError { message, .. } => {
            format!("{}: {message}", words(verdict))
        }
        other => words(other),
    }
}

/// Reads a file of attacks; the error names the line.
pub fn parse(category: &str, text: &str) -> Result<Vec<Attack>, String> {
    let mut attacks: Vec<Attack> = Vec::new();
    let mut names = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        let fail = |what: &str| Err(format!("{category}, line {number}: {what}"));
        let Some(header) = line.strip_prefix("#:") else {
            match attacks.last_mut() {
                Some(attack) => {
                    attack.program.push_str(line);
                    attack.program.push('\n');
                }
                None if line.trim().is_empty() => {}
                None => return fail("a program without a header"),
            }
            continue;
        };
        if let Some(call) = header.strip_prefix(" call ") {
            match attacks.last_mut().filter(|attack| attack.program.is_empty()) {
                Some(attack) => attack.calls.push(call.trim().to_owned()),
                None => return fail("a call that does not follow a header"),
            }
            continue;
        }
        let Some((name, want)) = header.split_once(" -> ") else { return fail("no ' -> ' in the header") };
        let (name, want) = (name.trim(), want.trim());
        if name.is_empty() || name.contains(char::is_whitespace) || !names.insert(name) {
            return fail("a name that is empty, has spaces or is used already");
        }
        if !is_verdict(want) {
            return fail("an unknown verdict");
        }
        attacks.push(Attack {
            category: category.to_owned(),
            name: name.to_owned(),
            want: want.to_owned(),
            calls: Vec::new(),
            program: String::new(),
        });
    }
    for attack in &mut attacks {
        if attack.calls.is_empty() {
            attack.calls.push("f(1)".into());
        }
        attack.program.truncate(attack.program.trim_end().len());
        attack.program.push('\n');
        if attack.program.trim().is_empty() {
            return Err(format!("{category}: {} has no program", attack.name));
        }
    }
    Ok(attacks)
}

/// Is this a verdict in the words of the headers?
fn is_verdict(text: &str) -> bool {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "value" => !rest.is_empty(),
        "raised" | "missing_module" => !rest.is_empty() && !rest.contains(' '),
        "syntax_error" => rest.parse::<u32>().is_ok(),
        "output_too_large" => rest.parse::<u64>().is_ok(),
        "exited" => rest.parse::<i32>().is_ok(),
        "timeout" | "out_of_memory" | "stack_exhausted" | "crashed" | ANYTHING => rest.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_attacks_are_well_formed() {
        for (category, text) in CATEGORIES {
            let attacks = parse(category, text).unwrap();
            assert!(attacks.len() >= 10, "{category} has {} programs", attacks.len());
        }
        let all = attacks();
        assert!(all.len() >= 220, "{} programs", all.len());
        let programs: BTreeSet<&str> = all.iter().map(|attack| attack.program.as_str()).collect();
        assert_eq!(programs.len(), all.len(), "a program occurs twice");
        let vague = all.iter().filter(|attack| attack.want == ANYTHING).count();
        assert!(vague <= 10, "{vague} programs may do anything");
    }

    #[test]
    fn programs_keep_their_lines_and_calls() {
        let text = "\n#: a -> raised E\n#: call g(1)\n#: call g(2)\n# comment\ndef g(x): raise E\n\n#: b -> timeout\nf = 1\n";
        let attacks = parse("c", text).unwrap();
        assert_eq!(attacks[0].program, "# comment\ndef g(x): raise E\n");
        assert_eq!(attacks[0].calls, ["g(1)", "g(2)"]);
        assert_eq!((attacks[1].calls[0].as_str(), attacks[1].want.as_str()), ("f(1)", "timeout"));
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        for (text, line) in [
            ("x = 1\n", "line 1"),
            ("#: a timeout\nx", "line 1"),
            ("#: a -> sometimes\nx", "line 1"),
            ("#: a -> exited soon\nx", "line 1"),
            ("#: a -> value\nx", "line 1"),
            ("#: a -> timeout\nx\n#: call f(2)\n", "line 3"),
            ("#: a -> timeout\nx\n#: a -> crashed\ny\n", "line 3"),
            ("#: a -> timeout\n\n", "no program"),
        ] {
            let error = parse("c", text).unwrap_err();
            assert!(error.contains(line), "{text}: {error}");
        }
    }

    #[test]
    fn verdicts_have_the_words_of_the_headers() {
        for (verdict, text) in [
            (Verdict::Value { text: "[1, 'a b']".into() }, "value [1, 'a b']"),
            (Verdict::Raised { exception: "E".into(), message: "m".into() }, "raised E"),
            (Verdict::SyntaxError { message: "m".into(), line: 3 }, "syntax_error 3"),
            (Verdict::Exited { code: -1 }, "exited -1"),
            (Verdict::OutOfMemory, "out_of_memory"),
        ] {
            assert_eq!(words(&verdict), text);
            assert!(is_verdict(text), "{text}");
        }
        assert!(!is_verdict(Verdict::WallGuard.name()));
    }
}
