//! The tasks of HumanEval+ and MBPP+ as the data files have them.

use super::convert::convert;
use crate::BenchmarkError;
use crate::python_data::{PythonData, parse_json};

/// Which set of rules a task follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// HumanEval and HumanEval+.
    HumanEval,
    /// MBPP and MBPP+.
    Mbpp,
}

impl Dataset {
    /// The word of the checker.
    pub fn name(self) -> &'static str {
        match self {
            Self::HumanEval => "humaneval",
            Self::Mbpp => "mbpp",
        }
    }
}

/// One task.
#[derive(Clone, Debug)]
pub struct CodeTask {
    /// `HumanEval/0`, `Mbpp/2`.
    pub task_id: String,
    /// Rules.
    pub dataset: Dataset,
    /// Name of the function that is called.
    pub entry_point: String,
    /// The text a model is given.
    pub prompt: String,
    /// The reference program: prompt and canonical solution.
    pub reference: String,
    /// Absolute tolerance, as a Python number.
    pub atol: String,
    /// Python source of the argument lists: base, plus.
    pub inputs: [Vec<String>; 2],
}

impl CodeTask {
    /// Reads a data file: one JSON object a line.
    pub fn read_all(dataset: Dataset, file: &str, text: &str) -> Result<Vec<Self>, BenchmarkError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(index, line)| {
                Self::read(dataset, line).map_err(|message| BenchmarkError::BadLine {
                    file: file.into(),
                    line: index + 1,
                    message,
                })
            })
            .collect()
    }

    fn read(dataset: Dataset, line: &str) -> Result<Self, String> {
        let row = parse_json(line).map_err(|error| error.to_string())?;
        let text = |key: &str| {
            row.get(key)
                .and_then(PythonData::as_str)
                .map(str::to_owned)
                .ok_or_else(|| format!("no text {key:?}"))
        };
        let task_id = text("task_id")?;
        let number = task_id.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let atol = match row.get("atol") {
            Some(PythonData::Int(number) | PythonData::Float(number)) => number.clone(),
            _ => return Err("no number \"atol\"".into()),
        };
        let inputs = |key: &str| -> Result<Vec<String>, String> {
            let list = match row.get(key) {
                // One task of MBPP+ has an empty object in place of its plus inputs.
                Some(PythonData::Dict(entries)) if entries.is_empty() => &[],
                Some(value) => value.as_list().ok_or_else(|| format!("{key:?} is no list"))?,
                None => return Err(format!("no list {key:?}")),
            };
            let one = |input: &PythonData| match (dataset, input) {
                (Dataset::Mbpp, PythonData::List(arguments)) => {
                    Ok(convert(number, arguments.clone()).literal())
                }
                (Dataset::HumanEval, PythonData::List(_)) => Ok(input.literal()),
                _ => Err(format!("an input of {key:?} is no list")),
            };
            list.iter().map(one).collect()
        };
        let prompt = text("prompt")?;
        Ok(Self {
            reference: format!("{prompt}{}", text("canonical_solution")?),
            entry_point: text("entry_point")?,
            inputs: [inputs("base_input")?, inputs("plus_input")?],
            task_id,
            dataset,
            prompt,
            atol,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_files_have_the_published_counts() {
        let Some(data) = crate::test_data::shared() else { return };
        for (dataset, file, tasks, base, plus) in [
            (Dataset::HumanEval, "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz", 164, 1_570, 122_683),
            (Dataset::Mbpp, "mbpp_plus/MbppPlus-v0.2.0.jsonl.gz", 378, 1_174, 39_841),
        ] {
            let read = CodeTask::read_all(dataset, file, &data.text(file).unwrap()).unwrap();
            let count = |part: usize| read.iter().map(|task| task.inputs[part].len()).sum::<usize>();
            assert_eq!((read.len(), count(0), count(1)), (tasks, base, plus), "{file}");
        }
    }

    #[test]
    fn a_bad_row_says_where_and_what() {
        let row = r#"{"task_id": "Mbpp/2", "prompt": "p", "canonical_solution": "c", "entry_point": "f", "atol": 0, "base_input": [1], "plus_input": []}"#;
        let error = CodeTask::read_all(Dataset::Mbpp, "mbpp.jsonl", &format!("\n{row}")).unwrap_err();
        assert_eq!(error.to_string(), "mbpp.jsonl, line 2: an input of \"base_input\" is no list");
        assert!(CodeTask::read_all(Dataset::Mbpp, "mbpp.jsonl", "{").is_err());
    }
}
