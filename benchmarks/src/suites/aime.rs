//! AIME'24, AIME'25 and AMC'23 (spec section 3): one problem, an integer.

use crate::grade::math::{MathGrader, Units};
use crate::{
    BenchmarkError, DataFolder, Graded, Mode, Profile, Prompt, PromptSource, Response, Suite, SuiteOptions,
};
use azr_executor::Sandbox;
use azr_selfplay::parse::{self, Wanted};
use azr_selfplay::prompt::compact;
use serde::Deserialize;

/// The paper's bound on new tokens.
const MAX_NEW_TOKENS: usize = 16_000;

#[derive(Deserialize)]
struct Row {
    id: serde_json::Value,
    #[serde(default)]
    question: String,
    #[serde(default)]
    problem: String,
    answer: serde_json::Value,
}

/// A problem and its gold.
#[derive(Clone, Debug)]
struct Item {
    name: String,
    question: String,
    gold: String,
}

/// A set of problems with integer answers.
pub struct MathSuite {
    name: &'static str,
    items: Vec<Item>,
    grader: MathGrader,
    options: SuiteOptions,
    /// Prompt with `{input}` for the problem.
    template: String,
}

impl MathSuite {
    /// Reads the set of that name.
    pub fn open(name: &str, data: &DataFolder, options: SuiteOptions) -> Result<Self, BenchmarkError> {
        let name = match name {
            "aime24" => "aime24",
            "aime25" => "aime25",
            _ => "amc23",
        };
        let file = format!("{name}/test.jsonl.gz");
        let rows: Vec<Row> = super::rows(&file, &data.text(&file)?)?;
        let units = if options.mode == Mode::Paper { Units::read(data)? } else { Units::default() };
        let grader = MathGrader::new(options.mode, units);
        let template = match &options.prompts {
            PromptSource::Paper(texts) => {
                let text = texts.get(if options.boxed { "azr.math.azr_boxed" } else { "azr.math.azr" })?;
                text.replace("{{", "{").replace("}}", "}")
            }
            PromptSource::Own => OWN.to_owned(),
        };
        let items = rows.into_iter().map(|row| item(row, &grader)).collect();
        Ok(Self { name, items, grader, options, template })
    }
}

const OWN: &str = "Solve the problem. Think first, between <think> and </think>; then give the result alone, one \
                   integer, between <answer> and </answer>.\n\nProblem: {input}\n\nSolution:";

fn item(row: Row, grader: &MathGrader) -> Item {
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Item {
        name: text(row.id),
        question: if row.question.is_empty() { row.problem } else { row.question },
        gold: grader.gold(&text(row.answer)),
    }
}

impl Suite for MathSuite {
    fn name(&self) -> &'static str {
        self.name
    }

    fn settings(&self) -> String {
        self.options.describe()
    }

    fn len(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> &str {
        &self.items[index].name
    }

    fn prompt(&self, index: usize) -> Prompt {
        let question = self.items[index].question.trim();
        let filled = || self.template.replacen("{input}", question, 1).trim().to_owned();
        let text = match (&self.options.profile, &self.options.prompts) {
            (Profile::Compact, _) => compact::solve_induction([], question),
            (Profile::Chat(template), PromptSource::Own) => template(&filled(), ""),
            // The reference never applies a chat template here.
            _ => filled(),
        };
        let stop = ["</s>", "<|im_end|>", "<|endoftext|>"].map(str::to_owned).to_vec();
        Prompt { text, stop, max_new_tokens: MAX_NEW_TOKENS }
    }

    fn grade(&self, _sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded> {
        responses.iter().map(|response| self.grade_one(response)).collect()
    }
}

impl MathSuite {
    /// The gold of an item as it is compared.
    pub fn gold(&self, index: usize) -> &str {
        &self.items[index].gold
    }

    fn grade_one(&self, response: &Response) -> Graded {
        let gold = &self.items[response.index].gold;
        let grade = match self.options.profile {
            // A compact answer is a fenced block inside the tags.
            Profile::Compact if response.completion.contains("```") => {
                let block = parse::answer_block(&response.completion);
                let answer = parse::solver_answer(block, Wanted::Output);
                self.grader.grade(&format!("<answer>{answer}</answer>"), gold)
            }
            _ => self.grader.grade(&response.completion, gold),
        };
        if grade.pass {
            Graded::passed(grade.extracted, 0)
        } else if grade.extracted.is_empty() {
            Graded::failed("", "no_answer", "no answer found", 0)
        } else {
            Graded::failed(grade.extracted, "fail", format!("the answer is {gold}"), 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReferencePrompts;
    use std::sync::Arc;

    #[test]
    fn golden_every_gold_is_right_with_itself() {
        let Some(data) = crate::test_data::shared() else { return };
        for (name, n) in [("aime24", 30), ("aime25", 30), ("amc23", 40)] {
            for mode in [Mode::Paper, Mode::Clean] {
                let options = SuiteOptions { mode, ..SuiteOptions::default() };
                let suite = MathSuite::open(name, &data, options).unwrap();
                assert_eq!(suite.len(), n);
                for index in 0..n {
                    let gold = &suite.items[index].gold;
                    for completion in [
                        format!("so</think><answer>{gold}</answer>"),
                        format!("<answer>\\boxed{{{gold}}}</answer>"),
                    ] {
                        assert!(
                            suite.grade_one(&Response { index, completion }).pass,
                            "{name} {index} {mode:?}"
                        );
                    }
                    let wrong = Response { index, completion: format!("<answer>{gold}1</answer>") };
                    assert!(!suite.grade_one(&wrong).pass);
                }
            }
        }
    }

    #[test]
    fn golden_reference_prompts_are_filled() {
        let Some(data) = crate::test_data::shared() else { return };
        let texts = Arc::new(ReferencePrompts::read(&data).unwrap());
        let options =
            SuiteOptions { prompts: PromptSource::Paper(texts), boxed: true, ..SuiteOptions::default() };
        let prompt = MathSuite::open("aime25", &data, options).unwrap().prompt(0).text;
        assert!(
            prompt.contains("automatically by the \\boxed{} tag. User: Find the sum of all integer bases")
        );
        assert!(prompt.ends_with("\nAssistant:"), "{prompt}");
    }

    #[test]
    fn compact_answers_are_read_from_their_fence() {
        let Some(data) = crate::test_data::shared() else { return };
        let options = SuiteOptions { profile: Profile::Compact, ..SuiteOptions::default() };
        let suite = MathSuite::open("aime24", &data, options).unwrap();
        let gold = suite.items[0].gold.clone();
        let completion = compact::answer_deduction("", &gold);
        assert!(suite.grade_one(&Response { index: 0, completion }).pass);
        let empty = suite.grade_one(&Response { index: 0, completion: String::new() });
        assert_eq!(empty.verdict, "no_answer");
    }
}
