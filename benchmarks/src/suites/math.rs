//! The math sets (spec section 3): AIME'24, AIME'25, AMC'23, MATH500, Minerva and OlympiadBench.
//!
//! One prompt, one extraction and one judge for all; they differ in where the gold stands and whether units stay.

use crate::grade::math::{MathGrader, Units, boxed_gold};
use crate::{
    BenchmarkError, DataFolder, Graded, ItemRecord, Mode, Profile, Prompt, PromptSource, Response, Suite,
    SuiteOptions,
};
use azr_executor::Sandbox;
use azr_selfplay::parse::{self, Wanted};
use azr_selfplay::prompt::compact;
use serde::Deserialize;
use serde_json::Value;

/// The paper's bound on new tokens.
const MAX_NEW_TOKENS: usize = 16_000;

/// Names of the sets, in the order of the paper's table.
pub const MATH_SETS: [&str; 6] = ["aime24", "aime25", "amc23", "math500", "minerva", "olympiadbench"];

/// What a row of any of the sets may hold.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    question: String,
    #[serde(default)]
    problem: String,
    #[serde(default)]
    answer: Value,
    #[serde(default)]
    solution: Value,
    #[serde(default)]
    final_answer: Vec<String>,
}

/// A problem and its gold.
#[derive(Clone, Debug)]
struct Item {
    name: String,
    question: String,
    gold: String,
}

/// A set of problems with a short answer each.
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
        let name =
            MATH_SETS.iter().find(|known| **known == name).copied().ok_or_else(|| {
                BenchmarkError::UnknownSuite { name: name.into(), known: MATH_SETS.join(", ") }
            })?;
        let file = format!("{name}/test.jsonl.gz");
        let rows: Vec<Row> = super::rows(&file, &data.text(&file)?)?;
        let units = match options.mode {
            Mode::Paper if name != "minerva" => Some(Units::read(data)?),
            _ => None,
        };
        let grader = MathGrader::new(options.mode, units.clone());
        let template = match &options.prompts {
            PromptSource::Paper(texts) => {
                let text = texts.get(if options.boxed { "azr.math.azr_boxed" } else { "azr.math.azr" })?;
                text.replace("{{", "{").replace("}}", "}")
            }
            PromptSource::Own => OWN.to_owned(),
        };
        let items = rows
            .into_iter()
            .enumerate()
            .map(|(row, content)| item(name, row, content, &grader, units.as_ref()))
            .collect();
        Ok(Self { name, items, grader, options, template })
    }
}

const OWN: &str = "Solve the problem. Think first, between <think> and </think>; then give the result alone, between \
                   <answer> and </answer>.\n\nProblem: {input}\n\nSolution:";

fn item(name: &str, place: usize, row: Row, grader: &MathGrader, units: Option<&Units>) -> Item {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let gold = match name {
        // Its column `answer` agrees with the box of the solution, which is what the reference reads.
        "math500" => grader.gold(&boxed_gold(&text(&row.solution), units)),
        "minerva" => grader.gold(&boxed_gold(&text(&row.solution), None)),
        "olympiadbench" => {
            let answer = row.final_answer.first().map_or("", String::as_str);
            grader.gold(answer.trim_matches('$'))
        }
        _ => grader.gold(&text(&row.answer)),
    };
    let mut question = if row.question.is_empty() { row.problem } else { row.question };
    match gold.as_str() {
        "True" | "False" => question.push_str(" (True or False)"),
        "Yes" | "No" => question.push_str(" (Yes or No)"),
        _ => {}
    }
    // AIME and AMC have ids; the other sets are known by their rows.
    let named = matches!(name, "aime24" | "aime25" | "amc23") && !row.id.is_null();
    Item { name: if named { text(&row.id) } else { place.to_string() }, question, gold }
}

impl Suite for MathSuite {
    fn name(&self) -> &str {
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

    fn sample(&self, record: &ItemRecord) -> serde_json::Value {
        let row = self.items.iter().position(|item| item.name == record.item);
        let completion = match self.options.profile {
            // The fence of a compact answer is no mark to those who score without its profile.
            Profile::Compact => format!("<answer>{}</answer>", record.extracted),
            _ => record.output.clone(),
        };
        serde_json::json!({"row": row, "completion": completion})
    }

    fn evidence(&self, index: usize, _record: &ItemRecord) -> Vec<(&'static str, String)> {
        vec![("gold answer", self.items[index].gold.clone())]
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

    /// Rows whose own gold does not count in mode `paper`, by set: in a box in the tags, and plain in the tags.
    const LOST: [(&str, usize, &[usize], &[usize]); 6] = [
        ("aime24", 30, &[], &[]),
        ("aime25", 30, &[], &[]),
        ("amc23", 40, &[], &[]),
        ("math500", 500, &[4, 97, 120, 227, 255, 296, 358, 398], &[97]),
        ("minerva", 272, &[139], &[139]),
        ("olympiadbench", 675, &[76, 334], &[]),
    ];

    /// The golds as the data file has them; those of Minerva as they are compared.
    fn raw_golds(name: &str, data: &DataFolder, suite: &MathSuite) -> Vec<String> {
        let file = format!("{name}/test.jsonl.gz");
        let rows: Vec<Row> = crate::suites::rows(&file, &data.text(&file).unwrap()).unwrap();
        rows.into_iter()
            .enumerate()
            .map(|(index, row)| match name {
                "math500" => row.answer.as_str().unwrap().to_owned(),
                "olympiadbench" => row.final_answer[0].trim_matches('$').to_owned(),
                _ => suite.items[index].gold.clone(),
            })
            .collect()
    }

    #[test]
    fn golden_every_gold_but_the_known_ones_is_right_with_itself() {
        let Some(data) = crate::test_data::shared() else { return };
        for (name, n, lost_in_box, lost_plain) in LOST {
            let options = SuiteOptions { mode: Mode::Paper, ..SuiteOptions::default() };
            let suite = MathSuite::open(name, &data, options).unwrap();
            assert_eq!(suite.len(), n);
            let golds = raw_golds(name, &data, &suite);
            let lost = |completion: &dyn Fn(&str) -> String| -> Vec<usize> {
                (0..n)
                    .filter(|index| {
                        let response = Response { index: *index, completion: completion(&golds[*index]) };
                        !suite.grade_one(&response).pass
                    })
                    .collect()
            };
            assert_eq!(
                lost(&|gold| format!("<answer>\\boxed{{{gold}}}</answer>")),
                lost_in_box,
                "{name} in a box"
            );
            assert_eq!(lost(&|gold| format!("<answer>{gold}</answer>")), lost_plain, "{name} plain");
        }
    }

    #[test]
    fn golden_clean_mode_accepts_every_gold_but_wrong_ones() {
        let Some(data) = crate::test_data::shared() else { return };
        for (name, ..) in LOST {
            let suite = MathSuite::open(name, &data, SuiteOptions::default()).unwrap();
            for index in 0..suite.len() {
                let gold = &suite.items[index].gold;
                let graded = |completion: String| suite.grade_one(&Response { index, completion });
                let right = graded(format!("so</think><answer>\\boxed{{{gold}}}</answer>"));
                assert!(right.pass, "{name} {index} {gold}: {right:?}");
                // One more is nothing to a number in powers of ten, which is compared to six digits.
                let wrong = if gold.contains('E') { format!("{gold}+{gold}") } else { format!("{gold}+1") };
                let graded = graded(format!("<answer>{wrong}</answer>"));
                assert!(!graded.pass, "{name} {index} {gold}: {graded:?}");
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
