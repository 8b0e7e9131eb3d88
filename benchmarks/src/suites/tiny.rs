//! `tiny` and `tiny_hard`: held-out tasks of the embedded model's own kind, graded by the method itself.
//!
//! Not in the paper: the paper scores on public sets, on which a model of a few million parameters scores nothing.
//! The items were drawn by the program generator from seeds that the corpus never used. They are asked with the
//! compact profile and judged as the solver is judged in training, in mode `clean` and under the preset's limit.

use crate::grade::solver::{SolverGrader, verdict_of};
use crate::{BenchmarkError, Graded, ItemRecord, Mode, Prompt, Response, Suite, SuiteOptions};
use azr_executor::Sandbox;
use azr_selfplay::prompt::Prompts;
use azr_selfplay::{InductionTask, Pair, Task, TaskType, Triplet};
use serde::Deserialize;

/// New tokens at most, as in the preset `tiny`.
const MAX_NEW_TOKENS: usize = 160;
/// Largest embedded file once unpacked.
const BOUND: u64 = 64 << 20;

/// One line of a suite file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TinyItem {
    /// `deduction/17`.
    pub item: String,
    /// Task type.
    pub task: TaskType,
    /// The program (of induction: the one that made the pairs).
    pub program: String,
    /// Argument list (deduction, abduction).
    #[serde(default)]
    pub input: String,
    /// Its output (deduction, abduction).
    #[serde(default)]
    pub output: String,
    /// Pairs in the prompt (induction).
    #[serde(default)]
    pub shown: Vec<Pair>,
    /// Pairs that decide (induction).
    #[serde(default)]
    pub hidden: Vec<Pair>,
    /// Message to the solver (induction).
    #[serde(default)]
    pub message: String,
}

impl TinyItem {
    /// The task as the solver meets it.
    pub fn to_task(&self) -> Task {
        let triplet = || Triplet {
            program: self.program.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
            imports: Vec::new(),
        };
        match self.task {
            TaskType::Induction => Task::Induction(InductionTask {
                program: self.program.clone(),
                imports: Vec::new(),
                shown: self.shown.clone(),
                hidden: self.hidden.clone(),
                message: self.message.clone(),
            }),
            task_type => Task::on_triplet(task_type, triplet()),
        }
    }
}

/// A suite of self-play tasks.
pub struct TinySuite {
    name: &'static str,
    items: Vec<(String, Task)>,
    prompts: Prompts,
    grader: SolverGrader,
}

impl TinySuite {
    /// The embedded suite of that name.
    pub fn embedded(name: &str, options: &SuiteOptions) -> Result<Self, BenchmarkError> {
        let (name, packed) = match name {
            "tiny" => ("tiny", include_bytes!("../../data/tiny.jsonl.gz").as_slice()),
            _ => ("tiny_hard", include_bytes!("../../data/tiny_hard.jsonl.gz").as_slice()),
        };
        let file = format!("{name}.jsonl.gz");
        let plain = crate::data::unpack(packed, std::path::Path::new(&file), BOUND)?;
        let text = String::from_utf8(plain).map_err(|error| BenchmarkError::BadLine {
            file: file.clone(),
            line: 0,
            message: error.to_string(),
        })?;
        Self::parse(name, &file, &text, options)
    }

    /// A suite from JSON lines.
    pub fn parse(
        name: &'static str,
        file: &str,
        text: &str,
        options: &SuiteOptions,
    ) -> Result<Self, BenchmarkError> {
        let items: Vec<TinyItem> = super::rows(file, text)?;
        Ok(Self {
            name,
            items: items.into_iter().map(|item| (item.item.clone(), item.to_task())).collect(),
            prompts: Prompts::compact(),
            grader: SolverGrader::tiny(options.mode),
        })
    }

    /// The programs of the suite, which self-play must not meet.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|(_, task)| task.program())
    }

    /// Index of an item.
    pub fn index_of(&self, item: &str) -> Option<usize> {
        self.items.iter().position(|(name, _)| name == item)
    }
}

impl Suite for TinySuite {
    fn name(&self) -> &str {
        self.name
    }

    fn settings(&self) -> String {
        let mode = if self.grader.mode() == Mode::Paper { "paper" } else { "clean" };
        format!("mode={mode} profile=compact")
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> &str {
        &self.items[index].0
    }

    fn group(&self, index: usize) -> &str {
        self.items[index].1.task_type().name()
    }

    fn prompt(&self, index: usize) -> Prompt {
        Prompt {
            text: self.prompts.solve(&self.items[index].1),
            stop: Vec::new(),
            max_new_tokens: MAX_NEW_TOKENS,
        }
    }

    fn has_thought(&self, completion: &str) -> Option<bool> {
        Some(!azr_selfplay::parse::thought(completion).trim().is_empty())
    }

    fn evidence(&self, index: usize, _record: &ItemRecord) -> Vec<(&'static str, String)> {
        match &self.items[index].1 {
            Task::Deduction(triplet) | Task::Error(triplet) | Task::Custom(triplet) => {
                vec![("expected output", triplet.output.clone())]
            }
            Task::Abduction(triplet) => vec![("an input that is right", triplet.input.clone())],
            Task::Induction(task) => {
                let pairs: Vec<String> =
                    task.hidden.iter().map(|pair| serde_json::to_string(pair).unwrap_or_default()).collect();
                vec![("a program that is right", task.program.clone()), ("hidden pairs", pairs.join("\n"))]
            }
        }
    }

    fn grade(&self, sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded> {
        let answers: Vec<(&Task, &str)> = responses
            .iter()
            .map(|response| (&self.items[response.index].1, response.completion.as_str()))
            .collect();
        self.grader.grade(sandbox, &answers).into_iter().map(verdict_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoding, EvaluateConfig, evaluate};
    use azr_selfplay::prompt::compact;

    const ITEMS: &str = r#"{"item": "deduction/0", "task": "deduction", "program": "def f(x):\n    return x + 1", "input": "1", "output": "2"}
{"item": "abduction/0", "task": "abduction", "program": "def f(x):\n    return x + 1", "input": "1", "output": "2"}
{"item": "induction/0", "task": "induction", "program": "def f(x):\n    return x + 1", "shown": [["1", "2"]], "hidden": [["2", "3"], ["-1", "0"]], "message": "adds one"}
"#;

    fn suite() -> TinySuite {
        TinySuite::parse("tiny", "fixture", ITEMS, &SuiteOptions::default()).unwrap()
    }

    #[test]
    fn answers_are_judged_as_in_training() {
        let suite = suite();
        let program = "def f(y):\n    return 1 + y";
        let completions = [
            (0, compact::answer_deduction("", "2"), true),
            (0, compact::answer_deduction("x = 1", "2.0"), true),
            (0, compact::answer_deduction("", "3"), false),
            (1, compact::answer_abduction("", "1"), true),
            (1, compact::answer_abduction("", "1.0"), true),
            (1, compact::answer_abduction("", "1) or (1"), false),
            (2, compact::answer_induction("", program), true),
            (2, compact::answer_induction("", "def f(y):\n    return 2"), false),
            (0, String::new(), false),
            (2, "no program".into(), false),
        ];
        let responses: Vec<Response> = completions
            .iter()
            .map(|(index, completion, _)| Response { index: *index, completion: completion.clone() })
            .collect();
        let graded = suite.grade(&crate::test_sandbox::open(), &responses);
        for (graded, (index, completion, pass)) in graded.iter().zip(&completions) {
            assert_eq!(graded.pass, *pass, "{index} {completion}: {graded:?}");
        }
        assert_eq!(graded[6].extracted, program);
        assert_eq!((graded[8].verdict.as_str(), graded[9].verdict.as_str()), ("no_answer", "no_answer"));
        assert_eq!(suite.has_thought(&completions[1].1), Some(true));
        assert_eq!(suite.has_thought(&completions[0].1), Some(false));
    }

    #[test]
    fn prompts_are_those_of_training() {
        let suite = suite();
        assert_eq!(suite.prompt(0).text, compact::solve_deduction("def f(x):\n    return x + 1", "1"));
        assert_eq!(
            (suite.item(2), suite.group(2), suite.index_of("induction/0")),
            ("induction/0", "induction", Some(2))
        );
        assert_eq!(suite.programs().count(), 3);
    }

    #[test]
    fn an_evaluation_reports_each_task_type() {
        let mut model = crate::test_model::Scripted::new(|prompt, sample| {
            let right = compact::answer_deduction("t", "2");
            match prompt {
                prompt if prompt.starts_with("Deduce") && sample % 2 == 0 => right,
                prompt if prompt.starts_with("Find") => compact::answer_abduction("", "1"),
                _ => compact::answer_induction("", "def f(x):\n    return 0"),
            }
        });
        let config = EvaluateConfig {
            decodings: vec![Decoding::GREEDY, Decoding::sampled(8)],
            ..EvaluateConfig::default()
        };
        let sandbox = crate::test_sandbox::open();
        let evaluation =
            evaluate(&suite(), &mut model, &sandbox, &config, None, &mut |_| true).unwrap().unwrap();
        let metrics = &evaluation.metrics;
        assert!((metrics.pass_at_1 - 200.0 / 3.0).abs() < 1e-9);
        let sampled = &metrics.decodings["sampled"];
        assert!((sampled.metrics["pass@1"] - 50.0).abs() < 1e-9);
        assert!((sampled.metrics["pass@8"] - 200.0 / 3.0).abs() < 1e-9);
        assert_eq!(sampled.groups["deduction"].metrics["thought_share"], 50.0);
        assert_eq!(sampled.groups["deduction"].metrics["pass@1_with_thought"], 100.0);
        let json = serde_json::to_value(metrics).unwrap();
        assert_eq!(json["decodings"]["greedy"]["groups"]["induction"]["counts"]["fail"], 1);
        assert_eq!(json["pass@1"], json["metrics"]["pass@1"]);
    }

    #[test]
    fn the_embedded_suites_are_whole() {
        for name in ["tiny", "tiny_hard"] {
            let suite = TinySuite::embedded(name, &SuiteOptions::default()).unwrap();
            let mut names: Vec<&str> = (0..suite.len()).map(|index| suite.item(index)).collect();
            for task_type in TaskType::ALL {
                let n = (0..suite.len()).filter(|index| suite.group(*index) == task_type.name()).count();
                assert!(n >= 400, "{name}: {n} items of {task_type}");
            }
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), suite.len());
        }
    }

    #[test]
    fn golden_the_embedded_items_are_right_with_their_own_answers() {
        let sandbox = crate::test_sandbox::open();
        for name in ["tiny", "tiny_hard"] {
            let suite = TinySuite::embedded(name, &SuiteOptions::default()).unwrap();
            let responses: Vec<Response> = (0..suite.len())
                .step_by(7)
                .map(|index| {
                    let completion = match &suite.items[index].1 {
                        Task::Deduction(triplet) | Task::Error(triplet) | Task::Custom(triplet) => {
                            compact::answer_deduction("", &triplet.output)
                        }
                        Task::Abduction(triplet) => compact::answer_abduction("", &triplet.input),
                        Task::Induction(task) => compact::answer_induction("", &task.program),
                    };
                    Response { index, completion }
                })
                .collect();
            for (graded, response) in suite.grade(&sandbox, &responses).iter().zip(&responses) {
                assert!(graded.pass, "{name} {}: {graded:?}", suite.item(response.index));
            }
        }
    }
}
