//! HumanEval, HumanEval+, MBPP and MBPP+ (spec section 2): write a function, pass its tests.
//!
//! A base model continues the task's text; a chat model is asked for a fenced program that is begun for it. A model of
//! the compact profile gets the text as the message of an induction task without pairs; such programs are named `f`,
//! so `f` stands for the entry point where the program has none.

use crate::grade::code::{CodeGrade, CodeGrader, CodeTask, Dataset, Status, sanitize};
use crate::{
    BenchmarkError, DataFolder, Graded, ItemRecord, Profile, Prompt, PromptSource, Response, Suite,
    SuiteOptions,
};
use azr_executor::Sandbox;
use azr_selfplay::parse;
use azr_selfplay::prompt::compact;
use std::collections::BTreeMap;

/// The paper's bound on new tokens.
const MAX_NEW_TOKENS: usize = 768;

/// One of the four sets.
pub struct CodeSuite {
    dataset: Dataset,
    plus: bool,
    grader: CodeGrader,
    options: SuiteOptions,
    wording: Wording,
}

/// The texts around a task for chat models.
struct Wording {
    instruction: String,
    response: String,
}

impl CodeSuite {
    /// Reads the set.
    pub fn open(
        dataset: Dataset,
        plus: bool,
        data: &DataFolder,
        options: SuiteOptions,
    ) -> Result<Self, BenchmarkError> {
        let file = match dataset {
            Dataset::HumanEval => "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz",
            Dataset::Mbpp => "mbpp_plus/MbppPlus-v0.2.0.jsonl.gz",
        };
        let tasks = CodeTask::read_all(dataset, file, &data.text(file)?)?;
        let wording = match &options.prompts {
            PromptSource::Paper(texts) => Wording {
                instruction: texts.get("evalplus.instruction_prefix")?.to_owned(),
                response: texts.get("evalplus.response_prefix")?.to_owned(),
            },
            PromptSource::Own => Wording {
                instruction:
                    "Write one self-contained Python program that solves this task, in a fenced block:".into(),
                response: "The following program defines the function and passes its tests:".into(),
            },
        };
        let grader =
            CodeGrader::new(tasks, options.mode, options.limits).keeping_in(options.expected_cache.clone());
        Ok(Self { dataset, plus, grader, options, wording })
    }

    /// The grader, for scoring other tools' samples.
    pub fn grader(&self) -> &CodeGrader {
        &self.grader
    }

    /// Model text from which the program is extracted.
    fn text(&self, response: &Response) -> String {
        let task = &self.grader.tasks()[response.index];
        match self.options.profile {
            Profile::Base => format!("{}\n{}", task.prompt.trim(), tabs_to_spaces(&response.completion)),
            Profile::Chat(_) => tabs_to_spaces(&response.completion),
            Profile::Compact => {
                let block = parse::answer_block(&response.completion);
                parse::parse_program(block).unwrap_or_default()
            }
        }
    }
}

fn tabs_to_spaces(completion: &str) -> String {
    completion.replace('\t', "    ")
}

fn stops(dataset: Dataset, profile: &Profile) -> Vec<String> {
    let always = ["<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint("];
    let more: &[&str] = match (profile, dataset) {
        (Profile::Chat(_), _) => &["\n```\n"],
        (Profile::Base, Dataset::HumanEval) => &["\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "],
        (Profile::Base, Dataset::Mbpp) => &["\n\"\"\"", "\nassert"],
        (Profile::Compact, _) => return Vec::new(),
    };
    always.iter().chain(more).map(|stop| (*stop).to_owned()).collect()
}

impl Suite for CodeSuite {
    fn name(&self) -> &str {
        match (self.dataset, self.plus) {
            (Dataset::HumanEval, false) => "humaneval",
            (Dataset::HumanEval, true) => "humaneval_plus",
            (Dataset::Mbpp, false) => "mbpp",
            (Dataset::Mbpp, true) => "mbpp_plus",
        }
    }

    fn settings(&self) -> String {
        self.options.describe()
    }

    fn len(&self) -> usize {
        self.grader.tasks().len()
    }

    fn item(&self, index: usize) -> &str {
        &self.grader.tasks()[index].task_id
    }

    fn prompt(&self, index: usize) -> Prompt {
        let task = self.grader.tasks()[index].prompt.trim();
        let text = match &self.options.profile {
            Profile::Base => format!("{task}\n"),
            Profile::Chat(template) => template(
                &format!("{}\n```\n{task}\n```\n", self.wording.instruction),
                &format!("{}\n```python\n", self.wording.response),
            ),
            Profile::Compact => compact::solve_induction([], task),
        };
        Prompt { text, stop: stops(self.dataset, &self.options.profile), max_new_tokens: MAX_NEW_TOKENS }
    }

    fn grade(&self, sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded> {
        let texts: Vec<String> = responses.iter().map(|response| self.text(response)).collect();
        let compact = matches!(self.options.profile, Profile::Compact);
        let entry_point = |response: &Response| self.grader.tasks()[response.index].entry_point.as_str();
        let asked: Vec<(&str, &str)> = responses
            .iter()
            .zip(&texts)
            .map(|(response, text)| (text.as_str(), if compact { "f" } else { entry_point(response) }))
            .collect();
        let mut programs = sanitize(sandbox, &asked);
        if compact {
            for (program, response) in programs.iter_mut().zip(responses) {
                program.push_str(&format!("\n\n{} = f\n", entry_point(response)));
            }
        }
        let samples: Vec<(usize, &str)> = responses
            .iter()
            .zip(&programs)
            .map(|(response, program)| (response.index, program.as_str()))
            .collect();
        let grades = self.grader.grade(sandbox, &samples, self.plus);
        grades
            .into_iter()
            .zip(programs.iter().zip(&texts))
            .map(|(grade, (program, text))| graded(grade, program, self.plus, text.trim().is_empty()))
            .collect()
    }

    fn sample(&self, record: &ItemRecord) -> serde_json::Value {
        serde_json::json!({"task_id": record.item, "solution": record.extracted})
    }

    fn evidence(&self, index: usize, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let task = &self.grader.tasks()[index];
        let base_passed = record.details.get("base_status").is_some_and(|status| status == "pass");
        let inputs = &task.inputs[usize::from(self.plus && base_passed)];
        let mut shown = vec![("reference program", task.reference.clone())];
        if let Some(input) = failing_input(&record.reason).and_then(|place| inputs.get(place)) {
            shown.insert(0, ("first failing input (list of arguments)", input.clone()));
        }
        shown
    }
}

/// The number in `input 3: wrong result`.
fn failing_input(reason: &str) -> Option<usize> {
    reason.strip_prefix("input ")?.split(':').next()?.parse().ok()
}

/// One verdict of both parts: the first that is not a pass.
fn graded(grade: CodeGrade, program: &str, plus: bool, empty: bool) -> Graded {
    let CodeGrade { base, plus: plus_grade } = grade;
    let mut details = BTreeMap::from([("base_status".to_owned(), base.status.name().to_owned())]);
    let mut fuel = base.fuel;
    if plus {
        details.insert("plus_status".into(), plus_grade.status.name().into());
        fuel += plus_grade.fuel;
    }
    let decisive = if plus && base.status == Status::Pass { plus_grade } else { base };
    let mut graded = match decisive.status {
        Status::Pass => Graded::passed(program, fuel),
        _ if empty => Graded::failed("", "no_answer", "no program", fuel),
        status => Graded::failed(program, status.name(), decisive.reason, fuel),
    };
    graded.details = details;
    graded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChatTemplate, Mode};
    use std::sync::Arc;

    fn suite(dataset: Dataset, profile: Profile) -> Option<CodeSuite> {
        let data = crate::test_data::shared()?;
        let options = SuiteOptions { profile, mode: Mode::Clean, ..SuiteOptions::default() };
        Some(CodeSuite::open(dataset, true, &data, options).unwrap())
    }

    #[test]
    fn golden_canonical_solutions_pass_in_every_profile() {
        let chat: ChatTemplate = Arc::new(|user, begun| format!("<{user}>{begun}"));
        for profile in [Profile::Base, Profile::Chat(chat), Profile::Compact] {
            let Some(suite) = suite(Dataset::HumanEval, profile.clone()) else { return };
            let index = 3;
            let task = &suite.grader().tasks()[index];
            let solution = task.reference.strip_prefix(&task.prompt).unwrap();
            let completion = match profile {
                Profile::Base => solution.to_owned(),
                Profile::Chat(_) => format!("{}\n```\nThis works.", task.reference),
                Profile::Compact => {
                    let renamed = task.reference.replace(&task.entry_point, "f");
                    compact::answer_induction("", &renamed)
                }
            };
            let responses = [completion, String::new(), "    return None".into()]
                .map(|completion| Response { index, completion });
            let graded = suite.grade(&crate::test_sandbox::open(), &responses);
            assert!(graded[0].pass, "{:?}", graded[0]);
            assert_eq!(graded[0].details["plus_status"], "pass");
            assert!(!graded[1].pass && !graded[2].pass, "{graded:?}");
        }
    }

    #[test]
    fn prompts_by_profile() {
        let chat: ChatTemplate = Arc::new(|user, begun| format!("<user>{user}</user>{begun}"));
        let mut shown = String::new();
        for profile in [Profile::Base, Profile::Chat(chat), Profile::Compact] {
            let Some(suite) = suite(Dataset::Mbpp, profile) else { return };
            let prompt = suite.prompt(0);
            shown.push_str(&format!("{}\n-- stops {:?}\n=====\n", prompt.text, prompt.stop));
        }
        assert!(
            shown.contains("<user>Write one self-contained") && shown.contains("```python\n\n-- stops"),
            "{shown}"
        );
        assert!(shown.contains("Write the program.\n```message\n\"\"\""), "{shown}");
    }
}
