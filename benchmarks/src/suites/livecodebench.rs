//! LiveCodeBench, code generation (spec section 4), in the published format of `release_v5`.
//!
//! The file is the user's: `livecodebench/release_v5.jsonl` in the data folder, or the same with `.gz`. It has
//! gigabytes of tests, so a plain file is indexed and a problem's tests are read when its answers are judged; a packed
//! file is kept in memory line by line. Its bytes are not checked against a hash: releases are re-published.

use crate::grade::livecode::{self, Attempt, Problem, Test};
use crate::{
    BenchmarkError, DataFolder, Graded, ItemRecord, Profile, Prompt, PromptSource, Response, Suite,
    SuiteOptions,
};
use azr_executor::Sandbox;
use azr_selfplay::parse;
use azr_selfplay::prompt::compact;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The paper's bound on new tokens.
const MAX_NEW_TOKENS: usize = 8_096;
/// Longest line of the file.
const LINE_BOUND: u64 = 1 << 30;

/// Where the line of a problem is.
enum Place {
    /// In the plain file: offset and length.
    File(u64, usize),
    /// In memory, as packed files cannot be read from the middle.
    Memory(String),
}

/// The set.
pub struct LiveCodeSuite {
    path: PathBuf,
    problems: Vec<(Problem, Place)>,
    options: SuiteOptions,
    with_code: String,
    without_code: String,
}

impl LiveCodeSuite {
    /// Reads the set from the data folder.
    pub fn open(data: &DataFolder, options: SuiteOptions) -> Result<Self, BenchmarkError> {
        let path = data
            .local("livecodebench/release_v5.jsonl")
            .or_else(|_| data.local("livecodebench/release_v5.jsonl.gz"))?;
        let (with_code, without_code) = match &options.prompts {
            PromptSource::Paper(texts) => (
                texts.get("azr.livecodebench.with_starter_code")?.to_owned(),
                texts.get("azr.livecodebench.without_starter_code")?.to_owned(),
            ),
            PromptSource::Own => (own(OWN_WITH_CODE), own(OWN_WITHOUT_CODE)),
        };
        let problems = index(&path)?;
        Ok(Self { path, problems, options, with_code, without_code })
    }

    /// Index of a problem.
    pub fn index_of(&self, question_id: &str) -> Option<usize> {
        self.problems.iter().position(|(problem, _)| problem.question_id == question_id)
    }

    fn tests(&self, index: usize) -> Result<Vec<Test>, BenchmarkError> {
        let (problem, place) = &self.problems[index];
        match place {
            Place::Memory(line) => livecode::tests(line, &problem.question_id),
            Place::File(offset, length) => {
                let read = || -> std::io::Result<Vec<u8>> {
                    let mut file = File::open(&self.path)?;
                    file.seek(SeekFrom::Start(*offset))?;
                    let mut line = vec![0; *length];
                    file.read_exact(&mut line)?;
                    Ok(line)
                };
                let line = read().map_err(BenchmarkError::io("cannot read", &self.path))?;
                livecode::tests(&String::from_utf8_lossy(&line), &problem.question_id)
            }
        }
    }

    fn program(&self, completion: &str) -> String {
        match self.options.profile {
            Profile::Compact => parse::parse_program(parse::answer_block(completion)).unwrap_or_default(),
            _ => livecode::extract(completion),
        }
    }
}

fn index(path: &Path) -> Result<Vec<(Problem, Place)>, BenchmarkError> {
    let file = File::open(path).map_err(BenchmarkError::io("cannot open", path))?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut reader: Box<dyn BufRead> = if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let mut problems = Vec::new();
    let mut offset = 0;
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let length = reader
            .by_ref()
            .take(LINE_BOUND)
            .read_line(&mut line)
            .map_err(BenchmarkError::io("cannot read", path))?;
        if length == 0 {
            break;
        }
        if !line.trim().is_empty() {
            let problem: Problem = serde_json::from_str(&line).map_err(|error| BenchmarkError::BadLine {
                file: path.display().to_string(),
                line: number,
                message: error.to_string(),
            })?;
            let place = if packed { Place::Memory(line.clone()) } else { Place::File(offset, length) };
            problems.push((problem, place));
        }
        offset += length as u64;
    }
    Ok(problems)
}

const OWN_WITH_CODE: &str = "Complete the program that begins below; it is called with the arguments of each test.\n\n\
                             ```python\n{starter_code}\n```";
const OWN_WITHOUT_CODE: &str = "The program reads standard input and prints the answer.";

fn own(ending: &str) -> String {
    format!(
        "Write a correct Python program for this problem. Think first, between <think> and </think>; then give the \
         program in a ```python fence, between <answer> and </answer>.\n\nProblem: {{question_content}}\n\n{ending}\n\n\
         Solution:"
    )
}

impl Suite for LiveCodeSuite {
    #[expect(clippy::unnecessary_literal_bound, reason = "the trait's names may be a suite's own")]
    fn name(&self) -> &str {
        "livecodebench"
    }

    fn settings(&self) -> String {
        self.options.describe()
    }

    fn len(&self) -> usize {
        self.problems.len()
    }

    fn item(&self, index: usize) -> &str {
        &self.problems[index].0.question_id
    }

    fn prompt(&self, index: usize) -> Prompt {
        let problem = &self.problems[index].0;
        let template = if problem.starter_code.is_empty() { &self.without_code } else { &self.with_code };
        // The starter code first: the text of a problem may hold braces.
        let filled = || {
            template.replace("{starter_code}", &problem.starter_code).replacen(
                "{question_content}",
                &problem.question_content,
                1,
            )
        };
        let text = match (&self.options.profile, &self.options.prompts) {
            (Profile::Compact, _) => compact::solve_induction([], problem.question_content.trim()),
            (Profile::Chat(template), PromptSource::Own) => template(&filled(), ""),
            _ => filled(),
        };
        let stop = ["<|endoftext|>", "<|im_end|>", "</s>"].map(str::to_owned).to_vec();
        Prompt { text, stop, max_new_tokens: MAX_NEW_TOKENS }
    }

    fn grade(&self, sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded> {
        responses
            .iter()
            .map(|response| {
                let program = self.program(&response.completion);
                if program.trim().is_empty() {
                    return Graded::failed("", "no_answer", "no program", 0);
                }
                let tests = match self.tests(response.index) {
                    Ok(tests) => tests,
                    Err(error) => return Graded::failed(program, "unsupported", error.to_string(), 0),
                };
                let function = self.problems[response.index].0.function_name();
                let attempt = Attempt { program: &program, function: function.as_deref(), tests: &tests };
                livecode::judge(sandbox, &attempt, self.options.limits)
            })
            .collect()
    }

    fn sample(&self, record: &ItemRecord) -> serde_json::Value {
        serde_json::json!({"question_id": record.item, "completion": record.output})
    }

    fn evidence(&self, index: usize, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let Some(test) = record.details.get("failed_test").and_then(|test| test.parse::<usize>().ok()) else {
            return Vec::new();
        };
        let Ok(tests) = self.tests(index) else { return Vec::new() };
        tests.get(test).map_or_else(Vec::new, |test| {
            vec![("first failing input", test.input.clone()), ("expected", test.output.clone())]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    /// Two problems of our own in the published format.
    fn file() -> String {
        let tests = |all: &[(&str, &str)], kind: &str| {
            let all: Vec<_> = all
                .iter()
                .map(
                    |(input, output)| serde_json::json!({"input": input, "output": output, "testtype": kind}),
                )
                .collect();
            serde_json::to_string(&all).unwrap()
        };
        let rows = [
            serde_json::json!({
                "question_title": "Sum", "question_content": "Read two numbers {a, b} and print their sum.",
                "platform": "own", "question_id": "own_1", "contest_id": "1", "contest_date": "2024-01-01T00:00:00",
                "starter_code": "", "difficulty": "easy", "metadata": "{}",
                "public_test_cases": tests(&[("1 2\n", "3\n")], "stdin"),
                "private_test_cases": tests(&[("2 2\n", "4\n")], "stdin"),
            }),
            serde_json::json!({
                "question_title": "Twice", "question_content": "Double a number.", "platform": "own",
                "question_id": "own_2", "contest_id": "1", "contest_date": "2024-01-01T00:00:00",
                "starter_code": "class Solution:\n    def twice(self, n: int) -> int:\n        ", "difficulty": "easy",
                "metadata": "{\"func_name\": \"twice\"}",
                "public_test_cases": tests(&[("2", "4")], "functional"),
                "private_test_cases": tests(&[("0", "0")], "functional"),
            }),
        ];
        rows.map(|row| row.to_string() + "\n").concat()
    }

    fn suites() -> Vec<(tempfile::TempDir, LiveCodeSuite)> {
        let plain = tempfile::tempdir().unwrap();
        std::fs::create_dir(plain.path().join("livecodebench")).unwrap();
        std::fs::write(plain.path().join("livecodebench/release_v5.jsonl"), file()).unwrap();
        let packed = tempfile::tempdir().unwrap();
        std::fs::create_dir(packed.path().join("livecodebench")).unwrap();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(file().as_bytes()).unwrap();
        std::fs::write(packed.path().join("livecodebench/release_v5.jsonl.gz"), encoder.finish().unwrap())
            .unwrap();
        [plain, packed]
            .into_iter()
            .map(|folder| {
                let suite =
                    LiveCodeSuite::open(&DataFolder::at(folder.path()), SuiteOptions::default()).unwrap();
                (folder, suite)
            })
            .collect()
    }

    #[test]
    fn both_kinds_of_file_are_prompted_and_judged() {
        for (_folder, suite) in suites() {
            assert_eq!((suite.len(), suite.item(1), suite.index_of("own_2")), (2, "own_2", Some(1)));
            assert!(suite.prompt(0).text.contains("Read two numbers {a, b}"));
            assert!(suite.prompt(1).text.contains("```python\nclass Solution:\n    def twice"));
            let fenced = |program: &str| format!("</think><answer>```python\n{program}\n```</answer>");
            let responses = [
                (0, fenced("print(sum(map(int, input().split())))")),
                (0, fenced("print(3)")),
                (1, fenced("class Solution:\n    def twice(self, n):\n        return 2 * n")),
                (1, String::new()),
            ]
            .map(|(index, completion)| Response { index, completion });
            let graded = suite.grade(&crate::test_sandbox::open(), &responses);
            let verdicts: Vec<&str> = graded.iter().map(|graded| graded.verdict.as_str()).collect();
            assert_eq!(verdicts, ["pass", "fail", "pass", "no_answer"]);
            let record = ItemRecord { details: graded[1].details.clone(), ..ItemRecord::default() };
            assert_eq!(suite.evidence(0, &record)[0], ("first failing input", "2 2\n".to_owned()));
        }
    }

    #[test]
    fn a_missing_file_and_a_bad_line_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let open = || LiveCodeSuite::open(&DataFolder::at(folder.path()), SuiteOptions::default());
        assert!(open().err().unwrap().to_string().contains("release_v5"));
        std::fs::create_dir(folder.path().join("livecodebench")).unwrap();
        std::fs::write(folder.path().join("livecodebench/release_v5.jsonl"), "\n{}\n").unwrap();
        assert!(open().err().unwrap().to_string().contains("line 2"));
    }

    #[test]
    fn golden_reference_prompts_are_filled() {
        let Some(data) = crate::test_data::shared() else { return };
        let texts = std::sync::Arc::new(crate::ReferencePrompts::read(&data).unwrap());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("livecodebench")).unwrap();
        std::fs::write(folder.path().join("livecodebench/release_v5.jsonl"), file()).unwrap();
        let options = SuiteOptions { prompts: PromptSource::Paper(texts), ..SuiteOptions::default() };
        let suite = LiveCodeSuite::open(&DataFolder::at(folder.path()), options).unwrap();
        assert!(suite.prompt(0).text.ends_with("# YOUR CODE HERE\n```\n\nAssistant: <think>"));
        assert!(
            suite
                .prompt(1)
                .text
                .contains("Question: Double a number.\n\nYou will use the following starter code")
        );
    }
}
