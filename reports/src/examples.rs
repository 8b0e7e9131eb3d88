//! Rollouts to read: what the model proposes and answers at the start and at the end of a run.
//!
//! The choice is the same for both moments and takes the first fitting row of the step's table, so that no
//! taste enters: for each task type a proposal with a positive reward (else the first one), a right solution
//! and a wrong one.

use crate::{Error, Run};
use polars::prelude::{Column, DataFrame, DataType};
use serde::Serialize;

/// Longer texts are cut in the page.
pub const MAX_SHOWN_CHARS: usize = 1200;

/// The examples of one step.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// Step of the run.
    pub step: u64,
    /// At most three a task type.
    pub examples: Vec<Example>,
}

/// One rollout, ready to be shown. The texts are the model's: they must be escaped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// What it is: `deduction proposal`, `deduction, right`, ...
    pub kind: String,
    /// Whether it is a proposal; a solution is read together with its prompt.
    pub is_proposal: bool,
    /// What the grader said.
    pub verdict: String,
    /// Its reward.
    pub reward: f64,
    /// The prompt, cut.
    pub prompt: String,
    /// The thought, empty if the answer came at once.
    pub thought: String,
    /// The answer, or the whole response if it has none.
    pub answer: String,
}

/// The columns of a table of rollouts that are needed here.
struct Rows {
    task_type: Vec<String>,
    role: Vec<String>,
    prompt: Vec<String>,
    response: Vec<String>,
    verdict: Vec<String>,
    reward: Vec<f64>,
}

/// Examples of the first and the last step whose rollouts were kept; one moment if they are the same step.
pub fn moments(run: &Run) -> Result<Vec<Moment>, Error> {
    let (Some(first), Some(last)) = (run.rollout_steps.first(), run.rollout_steps.last()) else {
        return Ok(Vec::new());
    };
    let mut steps = vec![*first, *last];
    steps.dedup();
    let mut moments = Vec::new();
    for step in steps {
        if let Some(frame) = run.rollouts(step)? {
            let rows = Rows::of(&frame).map_err(|error| Error::Rollouts {
                path: run.folder.join(format!("rollouts/step-{step}.parquet")),
                message: error.to_string(),
            })?;
            moments.push(Moment { step, examples: rows.choose() });
        }
    }
    Ok(moments)
}

impl Rows {
    fn of(frame: &DataFrame) -> polars::prelude::PolarsResult<Self> {
        let texts = |name: &str| -> polars::prelude::PolarsResult<Vec<String>> {
            let column: Column = frame.column(name)?.cast(&DataType::String)?;
            Ok(column.str()?.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
        };
        let reward = frame.column("reward")?.cast(&DataType::Float64)?;
        Ok(Self {
            task_type: texts("task_type")?,
            role: texts("role")?,
            prompt: texts("prompt")?,
            response: texts("response")?,
            verdict: texts("verdict")?,
            reward: reward.f64()?.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        })
    }

    fn choose(&self) -> Vec<Example> {
        let mut examples = Vec::new();
        for task_type in crate::tables::TASK_TYPES {
            let rows = |role: &'static str| {
                (0..self.reward.len())
                    .filter(move |row| self.task_type[*row] == task_type && self.role[*row] == role)
            };
            let proposal =
                rows("propose").find(|row| self.reward[*row] > 0.0).or_else(|| rows("propose").next());
            let right = rows("solve").find(|row| self.reward[*row] > 0.0);
            let wrong = rows("solve").find(|row| self.reward[*row] <= 0.0);
            let named = [(proposal, " proposal"), (right, ", right"), (wrong, ", wrong")];
            for (row, name) in named {
                if let Some(row) = row {
                    examples.push(self.example(row, format!("{task_type}{name}")));
                }
            }
        }
        examples
    }

    fn example(&self, row: usize, kind: String) -> Example {
        let (thought, answer) = split(&self.response[row]);
        Example {
            kind,
            is_proposal: self.role[row] == "propose",
            verdict: cut(&self.verdict[row]),
            reward: self.reward[row],
            prompt: cut(&self.prompt[row]),
            thought: cut(thought),
            answer: cut(answer),
        }
    }
}

/// Thought and answer of a response; a badly formed one is all answer.
fn split(response: &str) -> (&str, &str) {
    let Some((thought, rest)) = response.split_once("</think>") else {
        return ("", response.trim());
    };
    let answer = rest.split_once("<answer>").map_or(rest, |(_, answer)| answer);
    let answer = answer.split_once("</answer>").map_or(answer, |(answer, _)| answer);
    (thought.trim(), answer.trim())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{} [...]", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_response_is_split_at_its_tags() {
        assert_eq!(
            split("x = 1</think><answer>```output\n1\n```\n</answer>"),
            ("x = 1", "```output\n1\n```")
        );
        assert_eq!(split("</think><answer>1"), ("", "1"));
        assert_eq!(split("no tags"), ("", "no tags"));
    }

    proptest! {
        #[test]
        fn any_text_is_cut_at_a_character(text in any::<String>(), repeat in 1_usize..200) {
            let text = text.repeat(repeat);
            prop_assert!(cut(&text).chars().count() <= MAX_SHOWN_CHARS + 6);
            let (thought, answer) = split(&text);
            prop_assert!(thought.len() + answer.len() <= text.len());
        }
    }
}
