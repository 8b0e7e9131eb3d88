//! CRUXEval-I and CRUXEval-O (spec section 5): predict an input or the output of a program.
//!
//! The paper uses the set as a probe near its own training tasks. A model of the compact profile is asked with the
//! method's own abduction and deduction prompts; other models complete an assertion between tags.

use crate::grade::crux::{self, CruxRow, Direction};
use crate::{
    BenchmarkError, DataFolder, Graded, ItemRecord, Profile, Prompt, PromptSource, Response, Suite,
    SuiteOptions,
};
use azr_executor::Sandbox;
use azr_selfplay::parse::{self, Wanted};
use azr_selfplay::prompt::compact;

const FILE: &str = "cruxeval/cruxeval.jsonl.gz";
/// The published bound on the completion.
const MAX_NEW_TOKENS: usize = 1_024;

/// One half of CRUXEval.
pub struct CruxSuite {
    direction: Direction,
    rows: Vec<CruxRow>,
    options: SuiteOptions,
    /// Prompt with `{code}` and `{input}` or `{output}`.
    template: String,
}

impl CruxSuite {
    /// Reads the set.
    pub fn open(
        direction: Direction,
        data: &DataFolder,
        options: SuiteOptions,
    ) -> Result<Self, BenchmarkError> {
        let rows = super::rows(FILE, &data.text(FILE)?)?;
        let template = match &options.prompts {
            PromptSource::Paper(texts) => {
                let side = if direction == Direction::Input { "input" } else { "output" };
                let kind = if options.thought { "cot" } else { "direct" };
                texts.get(&format!("cruxeval.{side}.{kind}"))?.to_owned()
            }
            PromptSource::Own => own_template(direction, options.thought),
        };
        Ok(Self { direction, rows, options, template })
    }

    /// The rows.
    pub fn rows(&self) -> &[CruxRow] {
        &self.rows
    }

    fn generation(&self, completion: &str) -> String {
        if !matches!(self.options.profile, Profile::Compact) {
            return crux::extract(completion, self.direction, self.options.thought);
        }
        let block = parse::answer_block(completion);
        match self.direction {
            Direction::Output => parse::solver_answer(block, Wanted::Output).trim().to_owned(),
            Direction::Input if block.is_empty() => String::new(),
            Direction::Input => format!("f({})", parse::solver_answer(block, Wanted::Input)),
        }
    }
}

fn own_template(direction: Direction, thought: bool) -> String {
    let (task, asked) = match direction {
        Direction::Input => (
            "Give an argument list for which the function returns the value on the right.",
            "assert f(??) == {output}",
        ),
        Direction::Output => {
            ("Give the value that the function returns, as a literal.", "assert f({input}) == ??")
        }
    };
    let example = |code: &str, question: &str, steps: &str, answer: &str| {
        let thought = if thought { format!("[THOUGHT]\n{steps}\n[/THOUGHT]\n") } else { String::new() };
        format!("[PYTHON]\n{code}\n{question}\n[/PYTHON]\n{thought}[ANSWER]\n{answer}\n[/ANSWER]\n\n")
    };
    let (first, second) = match direction {
        Direction::Input => ("assert f(??) == [2, 4]", "assert f(??) == 'ab-'"),
        Direction::Output => ("assert f([1, 2]) == ??", "assert f('ab', '-') == ??"),
    };
    let examples = [
        example(
            "def f(numbers):\n    return [2 * n for n in numbers]",
            first,
            "Every number is doubled: 1 becomes 2 and 2 becomes 4.",
            "assert f([1, 2]) == [2, 4]",
        ),
        example(
            "def f(text, mark):\n    return text + mark",
            second,
            "The mark is appended to the text: 'ab' and '-' give 'ab-'.",
            "assert f('ab', '-') == 'ab-'",
        ),
    ];
    let begun = if thought { "[THOUGHT]\n" } else { "[ANSWER]\n" };
    format!(
        "{task} Complete the assertion and put it between [ANSWER] and [/ANSWER].\n\n{}[PYTHON]\n{{code}}\n{asked}\n\
         [/PYTHON]\n{begun}",
        examples.concat()
    )
}

impl Suite for CruxSuite {
    fn name(&self) -> &str {
        match self.direction {
            Direction::Input => "cruxeval_i",
            Direction::Output => "cruxeval_o",
        }
    }

    fn settings(&self) -> String {
        self.options.describe()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn item(&self, index: usize) -> &str {
        &self.rows[index].id
    }

    fn prompt(&self, index: usize) -> Prompt {
        let row = &self.rows[index];
        if matches!(self.options.profile, Profile::Compact) {
            let text = match self.direction {
                Direction::Input => compact::solve_abduction(&row.code, &row.output),
                Direction::Output => compact::solve_deduction(&row.code, &row.input),
            };
            return Prompt { text, stop: Vec::new(), max_new_tokens: MAX_NEW_TOKENS };
        }
        let filled = fill(&self.template, row);
        let text = match (&self.options.profile, &self.options.prompts) {
            (Profile::Chat(template), PromptSource::Own) => template(&filled, ""),
            _ => filled,
        };
        Prompt { text, stop: vec!["[/ANSWER]".into()], max_new_tokens: MAX_NEW_TOKENS }
    }

    fn sample(&self, record: &ItemRecord) -> serde_json::Value {
        serde_json::json!({"id": record.item, "answer": record.extracted})
    }

    fn evidence(&self, index: usize, _record: &ItemRecord) -> Vec<(&'static str, String)> {
        let row = &self.rows[index];
        let call = format!("f({})", row.input);
        vec![("program", row.code.clone()), ("recorded call", call), ("recorded output", row.output.clone())]
    }

    fn grade(&self, sandbox: &Sandbox, responses: &[Response]) -> Vec<Graded> {
        let generations: Vec<String> =
            responses.iter().map(|response| self.generation(&response.completion)).collect();
        let answers: Vec<(&CruxRow, &str)> = responses
            .iter()
            .zip(&generations)
            .map(|(response, generation)| (&self.rows[response.index], generation.as_str()))
            .collect();
        crux::judge(sandbox, self.direction, self.options.mode, &answers)
    }
}

/// Puts the row's texts in the template; placeholders inside those texts are left alone.
fn fill(template: &str, row: &CruxRow) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(position) = rest.find('{') {
        let (before, after) = rest.split_at(position);
        text.push_str(before);
        let known = [("{code}", &row.code), ("{input}", &row.input), ("{output}", &row.output)];
        if let Some((name, value)) = known.iter().find(|(name, _)| after.starts_with(name)) {
            text.push_str(value);
            rest = &after[name.len()..];
        } else {
            text.push('{');
            rest = &after[1..];
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_both_directions() {
        let row = CruxRow {
            id: "sample_0".into(),
            code: "def f(d):\n    return {**d, '{input}': 1}".into(),
            input: "{}".into(),
            output: "{'{input}': 1}".into(),
        };
        let input = fill(&own_template(Direction::Input, false), &row);
        assert!(input.ends_with(
            "[PYTHON]\ndef f(text, mark):\n    return text + mark\nassert f(??) == 'ab-'\n[/PYTHON]\n[ANSWER]\n\
             assert f('ab', '-') == 'ab-'\n[/ANSWER]\n\n[PYTHON]\ndef f(d):\n    return {**d, '{input}': 1}\n\
             assert f(??) == {'{input}': 1}\n[/PYTHON]\n[ANSWER]\n"
        ));
        let output = fill(&own_template(Direction::Output, true), &row);
        assert!(output.ends_with(
            "[THOUGHT]\nThe mark is appended to the text: 'ab' and '-' give 'ab-'.\n[/THOUGHT]\n[ANSWER]\n\
             assert f('ab', '-') == 'ab-'\n[/ANSWER]\n\n[PYTHON]\ndef f(d):\n    return {**d, '{input}': 1}\n\
             assert f({}) == ??\n[/PYTHON]\n[THOUGHT]\n"
        ));
    }

    #[test]
    fn compact_answers_become_generations() {
        let Some(data) = crate::test_data::shared() else { return };
        let sandbox = crate::test_sandbox::open();
        for direction in [Direction::Input, Direction::Output] {
            let options = SuiteOptions { profile: Profile::Compact, ..SuiteOptions::default() };
            let suite = CruxSuite::open(direction, &data, options).unwrap();
            assert_eq!(suite.len(), 800);
            let row = &suite.rows[0];
            let right = match direction {
                Direction::Input => compact::answer_abduction("", &row.input),
                Direction::Output => compact::answer_deduction("", &row.output),
            };
            let responses = [right, String::new(), "</think><answer>```input\n```</answer>".into()]
                .map(|completion| Response { index: 0, completion });
            let passes: Vec<bool> =
                suite.grade(&sandbox, &responses).iter().map(|grade| grade.pass).collect();
            assert_eq!(passes, [true, false, false]);
        }
    }

    #[test]
    fn golden_reference_prompts_are_filled() {
        let Some(data) = crate::test_data::shared() else { return };
        let texts = std::sync::Arc::new(crate::ReferencePrompts::read(&data).unwrap());
        for (direction, thought, end) in [
            (Direction::Input, false, "[/PYTHON]\n[ANSWER]\n"),
            (Direction::Output, true, "[/PYTHON]\n[THOUGHT]\n"),
        ] {
            let options = SuiteOptions {
                prompts: PromptSource::Paper(texts.clone()),
                thought,
                ..SuiteOptions::default()
            };
            let suite = CruxSuite::open(direction, &data, options).unwrap();
            let prompt = suite.prompt(3).text;
            assert!(prompt.contains(&suite.rows[3].code) && prompt.ends_with(end), "{prompt}");
        }
    }
}
