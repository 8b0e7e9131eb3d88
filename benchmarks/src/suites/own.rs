//! Suites of your own: a folder with `suite.toml` and a file of JSON lines, no Rust needed.
//!
//! ```toml
//! name = "sums"                  # a-z, 0-9, _ and -
//! grader = "math"                # exact, math, value or code
//! items = "items.jsonl"          # plain or .gz; the default
//! prompt = "What is {question}? Answer in <answer> tags.\n"
//! stop = ["</answer>"]           # optional
//! max_new_tokens = 200           # optional, 1024
//! group = "topic"                # optional: the field whose value groups the items
//! seconds = 2.0                  # optional, code: nominal limit of one test, 6
//! ```
//!
//! A line holds `item` (its name), the fields that the prompt names in braces, and by grader:
//! * `exact`: `answer`; equal after both are stripped.
//! * `math`: `answer` in LaTeX; the judge of mode `clean`.
//! * `value`: `answer`, a Python literal; equal as values in the sandbox (input/output tasks).
//! * `code`: `tests`, a list of `{"call": "f(1)", "expect": "2"}` or `{"stdin": "1\n", "expect": "2\n"}`.
//!
//! The answer is what stands in the last `<answer>` tags, else in the last fence, else the whole completion.

use crate::grade::livecode::{self, Attempt, Test};
use crate::grade::math::{extract, same_answer};
use crate::{BenchmarkError, Graded, ItemRecord, Profile, Prompt, Response, Suite, SuiteOptions, TimeRules};
use azr_executor::{Job, Limits, Sandbox};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Largest file of items, unpacked.
const BOUND: u64 = 1 << 30;

/// How answers are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Grader {
    Exact,
    Math,
    Value,
    Code,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    grader: Grader,
    #[serde(default = "default_items")]
    items: String,
    prompt: String,
    #[serde(default)]
    stop: Vec<String>,
    #[serde(default = "default_tokens")]
    max_new_tokens: usize,
    #[serde(default)]
    group: Option<String>,
    #[serde(default = "default_seconds")]
    seconds: f64,
}

fn default_items() -> String {
    "items.jsonl".into()
}

fn default_tokens() -> usize {
    1_024
}

fn default_seconds() -> f64 {
    6.0
}

/// One test of a code item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeTest {
    #[serde(default)]
    call: Option<String>,
    #[serde(default)]
    stdin: Option<String>,
    expect: String,
}

#[derive(Debug)]
struct Item {
    name: String,
    group: String,
    prompt: String,
    answer: String,
    tests: Vec<CodeTest>,
}

/// A suite that was read from a folder.
pub struct OwnSuite {
    description: Description,
    items: Vec<Item>,
    options: SuiteOptions,
}

impl OwnSuite {
    /// Reads the suite of a folder.
    pub fn open(folder: &Path, options: SuiteOptions) -> Result<Self, BenchmarkError> {
        let path = folder.join("suite.toml");
        let bytes = crate::data::read_bounded(&path, 1 << 20)?;
        let wrong = |message: String| BenchmarkError::Options(format!("{}: {message}", path.display()));
        let text = String::from_utf8(bytes).map_err(|_| wrong("not text in UTF-8".into()))?;
        let description: Description =
            toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        let fits =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter);
        if description.name.is_empty() || !description.name.chars().all(fits) {
            return Err(wrong(format!("name {:?}: use a-z, 0-9, _ and -", description.name)));
        }
        if crate::suite_names().contains(&description.name.as_str()) {
            return Err(wrong(format!(
                "name {:?} is a suite of the program: choose another",
                description.name
            )));
        }
        if description.max_new_tokens == 0 || !(description.seconds > 0.0 && description.seconds <= 600.0) {
            return Err(wrong("max_new_tokens must be at least 1, seconds above 0 and at most 600".into()));
        }
        if Path::new(&description.items).components().count() != 1 {
            return Err(wrong("items must be a file of the same folder".into()));
        }
        let items_path = folder.join(&description.items);
        let plain = crate::data::read_plain(&items_path, BOUND)?;
        let file = items_path.display().to_string();
        let bad =
            |line: usize, message: String| BenchmarkError::BadLine { file: file.clone(), line, message };
        let text = String::from_utf8(plain).map_err(|_| bad(1, "not text in UTF-8".into()))?;
        let mut items = Vec::new();
        let mut names = BTreeSet::new();
        for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let item = read_item(&description, line).map_err(|message| bad(place + 1, message))?;
            if !names.insert(item.name.clone()) {
                return Err(bad(place + 1, format!("a second item {:?}", item.name)));
            }
            items.push(item);
        }
        if items.is_empty() {
            return Err(bad(1, "no items".into()));
        }
        Ok(Self { description, items, options })
    }

    /// Index of an item.
    pub fn index_of(&self, item: &str) -> Option<usize> {
        self.items.iter().position(|known| known.name == item)
    }

    fn answer(completion: &str) -> String {
        if let Some((_, after)) = completion.rsplit_once("<answer>") {
            let inner = after.split("</answer>").next().unwrap_or(after).trim();
            return last_fence(inner).unwrap_or_else(|| inner.to_owned());
        }
        last_fence(completion).unwrap_or_else(|| completion.trim().to_owned())
    }

    fn grade_math(item: &Item, completion: &str) -> Graded {
        let marked = completion.contains("<answer>") || completion.contains("boxed");
        let found = if marked { extract(completion) } else { Self::answer(completion) };
        let grader = crate::grade::math::MathGrader::new(crate::Mode::Clean, None);
        let answer = grader.gold(&found);
        match () {
            () if answer.is_empty() => Graded::failed("", "no_answer", "no answer found", 0),
            () if same_answer(&grader.gold(&item.answer), &answer, true) => Graded::passed(answer, 0),
            () => Graded::failed(answer, "fail", format!("the answer is {}", item.answer), 0),
        }
    }

    fn grade_code(&self, sandbox: &Sandbox, item: &Item, program: &str) -> Graded {
        let of_stdin: Vec<Test> = item
            .tests
            .iter()
            .filter_map(|test| {
                let input = test.stdin.clone()?;
                Some(Test { input, output: test.expect.clone(), testtype: "stdin".into() })
            })
            .collect();
        if !of_stdin.is_empty() {
            let attempt = Attempt { program, function: None, tests: &of_stdin };
            return livecode::judge(sandbox, &attempt, TimeRules::Evalplus);
        }
        let calls: Vec<String> = item.tests.iter().filter_map(|test| test.call.clone()).collect();
        let limits = Limits::seconds(self.description.seconds);
        let report = sandbox.run(&Job::new(program, calls, limits));
        let fuel = report.calls.iter().map(|call| call.fuel).sum();
        let pairs: Vec<(String, String)> = report
            .calls
            .iter()
            .zip(&item.tests)
            .map(|(call, test)| (call.verdict.value().unwrap_or("...").to_owned(), test.expect.clone()))
            .collect();
        let equal = sandbox.equal_all(&pairs, "");
        let failed =
            report.calls.iter().zip(equal).position(|(call, equal)| !equal || call.verdict.value().is_none());
        let Some(place) = failed else { return Graded::passed(program, fuel) };
        let (verdict, reason) = match &report.calls[place].verdict {
            azr_executor::Verdict::Value { text } => ("fail", format!("returned {}", shortened(text))),
            azr_executor::Verdict::Timeout | azr_executor::Verdict::WallGuard => {
                ("timeout", "over the limit".into())
            }
            azr_executor::Verdict::MissingModule { name } => ("unsupported", format!("no module {name}")),
            azr_executor::Verdict::Raised { exception, message } => {
                ("fail", format!("{exception}: {message}"))
            }
            other => ("fail", other.name().to_owned()),
        };
        let mut graded = Graded::failed(program, verdict, reason, fuel);
        graded.details.insert("failed_test".into(), place.to_string());
        graded
    }
}

fn shortened(text: &str) -> String {
    let cut: String = text.chars().take(200).collect();
    if cut.len() < text.len() { cut + "..." } else { cut }
}

/// The content of the last fence, without its word of language.
fn last_fence(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split("```").collect();
    // Inside of fences are the parts at odd places that another fence closes.
    let place = (1..parts.len().saturating_sub(1)).rev().find(|place| place % 2 == 1)?;
    let block = parts[place];
    let (first, rest) = block.split_once('\n').unwrap_or(("", block));
    let is_word = first.trim().chars().all(|letter| letter.is_ascii_alphanumeric());
    Some(if is_word { rest.trim_end().to_owned() } else { block.trim().to_owned() })
}

fn read_item(description: &Description, line: &str) -> Result<Item, String> {
    let fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |key: &str| match fields.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(format!("no field {key:?}")),
    };
    let name = text("item")?;
    if name.is_empty() || name.contains(['\n', '\t']) {
        return Err("\"item\" must be a name on one line".into());
    }
    let (mut answer, mut tests) = (String::new(), Vec::new());
    if description.grader == Grader::Code {
        let value = fields.get("tests").cloned().ok_or("no field \"tests\"")?;
        tests = serde_json::from_value::<Vec<CodeTest>>(value).map_err(|error| format!("tests: {error}"))?;
        let calls = tests.iter().filter(|test| test.call.is_some() && test.stdin.is_none()).count();
        let scripts = tests.iter().filter(|test| test.stdin.is_some() && test.call.is_none()).count();
        if tests.is_empty() || (calls != tests.len() && scripts != tests.len()) {
            return Err("tests must all have \"call\", or all \"stdin\"".into());
        }
    } else {
        answer = text("answer")?;
    }
    let group = description.group.as_deref().map_or(Ok(String::new()), text)?;
    Ok(Item { name, group, prompt: filled(&description.prompt, &fields)?, answer, tests })
}

/// The template with `{field}` replaced; `{{` and `}}` are braces.
fn filled(template: &str, fields: &Map<String, Value>) -> Result<String, String> {
    let mut result = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(place) = rest.find(['{', '}']) {
        result.push_str(&rest[..place]);
        let found = &rest[place..];
        if found.starts_with("{{") || found.starts_with("}}") {
            result.push_str(&found[..1]);
            rest = &found[2..];
        } else if let Some(inner) = found.strip_prefix('{') {
            let (name, after) = inner.split_once('}').ok_or("the prompt has a { without }")?;
            match fields.get(name) {
                Some(Value::String(text)) => result.push_str(text),
                Some(other) => result.push_str(&other.to_string()),
                None => return Err(format!("no field {name:?}, which the prompt names")),
            }
            rest = after;
        } else {
            return Err("the prompt has a } without {; write }} for a brace".into());
        }
    }
    Ok(result + rest)
}

impl Suite for OwnSuite {
    fn name(&self) -> &str {
        &self.description.name
    }

    fn settings(&self) -> String {
        let Description { grader, max_new_tokens, seconds, stop, .. } = &self.description;
        format!(
            "grader={grader:?} tokens={max_new_tokens} seconds={seconds} stop={stop:?} {}",
            self.options.describe()
        )
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> &str {
        &self.items[index].name
    }

    fn group(&self, index: usize) -> &str {
        &self.items[index].group
    }

    fn prompt(&self, index: usize) -> Prompt {
        let filled = &self.items[index].prompt;
        let text = match &self.options.profile {
            Profile::Chat(template) => template(filled, ""),
            _ => filled.clone(),
        };
        Prompt { text, stop: self.description.stop.clone(), max_new_tokens: self.description.max_new_tokens }
    }

    fn grade(&self, sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded> {
        let answers: Vec<String> =
            responses.iter().map(|response| Self::answer(&response.completion)).collect();
        let equal = if self.description.grader == Grader::Value {
            let pairs: Vec<(String, String)> = responses
                .iter()
                .zip(&answers)
                .map(|(response, answer)| (answer.clone(), self.items[response.index].answer.clone()))
                .collect();
            sandbox.equal_all(&pairs, "")
        } else {
            vec![false; responses.len()]
        };
        responses
            .iter()
            .zip(answers.into_iter().zip(equal))
            .map(|(response, (answer, equal))| {
                let item = &self.items[response.index];
                let pass = match self.description.grader {
                    Grader::Math => return Self::grade_math(item, &response.completion),
                    _ if answer.trim().is_empty() => {
                        return Graded::failed("", "no_answer", "no answer found", 0);
                    }
                    Grader::Code => return self.grade_code(sandbox, item, &answer),
                    Grader::Exact => answer.trim() == item.answer.trim(),
                    Grader::Value => equal,
                };
                if pass {
                    Graded::passed(answer, 0)
                } else {
                    Graded::failed(answer, "fail", format!("the answer is {}", shortened(&item.answer)), 0)
                }
            })
            .collect()
    }

    fn evidence(&self, index: usize, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let item = &self.items[index];
        let Some(test) =
            record.details.get("failed_test").and_then(|test| item.tests.get(test.parse::<usize>().ok()?))
        else {
            return if item.answer.is_empty() { Vec::new() } else { vec![("expected", item.answer.clone())] };
        };
        let input = test.call.clone().or_else(|| test.stdin.clone()).unwrap_or_default();
        vec![("first failing input", input), ("expected", test.expect.clone())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn suite(toml: &str, items: &str) -> Result<OwnSuite, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("suite.toml"), toml).unwrap();
        std::fs::write(folder.path().join("items.jsonl"), items).unwrap();
        OwnSuite::open(folder.path(), SuiteOptions::default()).map_err(|error| error.to_string())
    }

    fn verdicts(suite: &OwnSuite, completions: &[&str]) -> Vec<String> {
        let responses: Vec<Response> =
            completions.iter().map(|text| Response { index: 0, completion: (*text).into() }).collect();
        suite
            .grade(&crate::test_sandbox::open(), &responses)
            .into_iter()
            .map(|graded| graded.verdict)
            .collect()
    }

    #[test]
    fn each_grader_judges() {
        let exact = suite(
            "name = 'words'\ngrader = 'exact'\nprompt = 'Say {word} {{twice}}.'\ngroup = 'word'",
            "{\"item\": \"a\", \"word\": \"ho\", \"answer\": \"ho ho\"}\n",
        )
        .unwrap();
        assert_eq!((exact.prompt(0).text.as_str(), exact.group(0)), ("Say ho {twice}.", "ho"));
        assert_eq!(
            verdicts(&exact, &["ho ho", "<answer> ho ho</answer>", "ho", "", "```\nho ho\n```"]),
            ["pass", "pass", "fail", "no_answer", "pass"]
        );
        let math = suite(
            "name = 'm'\ngrader = 'math'\nprompt = '{q}'",
            "{\"item\": 1, \"q\": \"?\", \"answer\": 0.5}\n",
        )
        .unwrap();
        assert_eq!(
            verdicts(&math, &["\\boxed{\\frac12}", "<answer>1/2</answer>", "0.5", "2"]),
            ["pass", "pass", "pass", "fail"]
        );
        let value = suite(
            "name = 'v'\ngrader = 'value'\nprompt = '{q}'",
            "{\"item\": \"x\", \"q\": \"?\", \"answer\": \"[1, {2}]\"}\n",
        )
        .unwrap();
        assert_eq!(verdicts(&value, &["[1.0, {2}]", "[1]", "exit()"]), ["pass", "fail", "fail"]);
        let code = suite(
            "name = 'c'\ngrader = 'code'\nprompt = '{q}'\nseconds = 0.2",
            "{\"item\": \"x\", \"q\": \"?\", \"tests\": [{\"call\": \"f(1)\", \"expect\": \"2\"}, {\"call\": \"f(0)\", \"expect\": \"0\"}]}\n",
        )
        .unwrap();
        assert_eq!(
            verdicts(
                &code,
                &[
                    "```python\ndef f(x):\n    return 2 * x\n```",
                    "def f(x): return 2",
                    "def f(x):\n    while True: pass",
                    "import numpy"
                ]
            ),
            ["pass", "fail", "timeout", "unsupported"]
        );
        let script = suite(
            "name = 's'\ngrader = 'code'\nprompt = '{q}'",
            "{\"item\": \"x\", \"q\": \"?\", \"tests\": [{\"stdin\": \"3\\n\", \"expect\": \"6\\n\"}]}\n",
        )
        .unwrap();
        assert_eq!(verdicts(&script, &["print(2 * int(input()))", "print(1)"]), ["pass", "fail"]);
    }

    #[test]
    fn mistakes_are_named() {
        let good = "name = 'a'\ngrader = 'exact'\nprompt = '{q}'";
        for (toml, items, want) in [
            ("name = 'tiny'\ngrader = 'exact'\nprompt = ''", "", "choose another"),
            ("name = 'A b'\ngrader = 'exact'\nprompt = ''", "", "use a-z"),
            ("name = 'a'\ngrader = 'guess'\nprompt = ''", "", "unknown variant"),
            ("name = 'a'\ngrader = 'exact'\nprompt = ''\nextra = 1", "", "unknown field"),
            ("name = 'a'\ngrader = 'exact'\nprompt = ''\nitems = '../x'", "", "same folder"),
            (good, "", "no items"),
            (good, "{\"item\": \"a\", \"answer\": \"1\"}", "no field \"q\""),
            (good, "\n{\"item\": \"a\", \"q\": \"\"}", "line 2"),
            (
                good,
                "{\"item\": \"a\", \"q\": \"\", \"answer\": 1}\n{\"item\": \"a\", \"q\": \"\", \"answer\": 1}",
                "second item",
            ),
            ("name = 'a'\ngrader = 'code'\nprompt = ''", "{\"item\": \"a\", \"tests\": []}", "all have"),
            (
                "name = 'a'\ngrader = 'exact'\nprompt = '{q'",
                "{\"item\": \"a\", \"q\": 1, \"answer\": 1}",
                "without }",
            ),
        ] {
            let error = suite(toml, items).err().unwrap_or_else(|| panic!("{toml}"));
            assert!(error.contains(want), "{error} lacks {want}");
        }
    }

    proptest! {
        #[test]
        fn answers_are_found_without_panic(text in "(<answer>|</answer>|```|python|\n|[a-z ]{1,4}|é){0,12}") {
            let _ = OwnSuite::answer(&text);
        }
    }
}
