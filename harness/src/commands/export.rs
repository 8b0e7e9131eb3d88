//! `azr export`: a run for other tools: TensorBoard, JSON lines, a model folder with its card.

use crate::failure::{Failure, Outcome};
use crate::tensorboard::EventFile;
use crate::{files, output, run_folder, run_record};
use anyhow::Context;
use azr_selfplay::record::{StepRecord, read_rollouts};
use serde_json::Value;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Arguments of `azr export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run folder.
    run: PathBuf,
    /// What to make.
    #[arg(long, value_enum)]
    to: Format,
    /// Where it goes [default: export/FORMAT in the run folder].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// An event file of TensorBoard with every figure of every step.
    Tensorboard,
    /// Rollouts as JSON lines, one file a step.
    Jsonl,
    /// Rollouts as Parquet, one file a step, as the run folder holds them.
    Parquet,
    /// The last checkpoint as a model folder that transformers loads, with a model card.
    Model,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Tensorboard => "tensorboard",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Model => "model",
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    run_record::check_steps(&args.run)?;
    let steps_file = args.run.join("steps.jsonl");
    if !steps_file.is_file() {
        return Err(Failure::new(
            format!("{} is not the folder of a run with recorded steps", args.run.display()),
            "pass the folder of a run, such as runs/tiny-seed1",
        )
        .into());
    }
    let out = args.out.clone().unwrap_or_else(|| args.run.join("export").join(args.to.name()));
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let records: Vec<StepRecord> = files::read_json_lines(&steps_file)?;
    match args.to {
        Format::Tensorboard => tensorboard(&args.run, &records, &out)?,
        Format::Jsonl => json_lines(&args.run, &records, &out)?,
        Format::Parquet => parquet(&args.run, &records, &out)?,
        Format::Model => model(&args.run, &records, &out)?,
    }
    output::say(format!("written: {}", out.display()))?;
    Ok(Outcome::Done)
}

fn tensorboard(run: &Path, records: &[StepRecord], out: &Path) -> anyhow::Result<()> {
    let path = out.join("events.out.tfevents.0.azr");
    let mut events = EventFile::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    for record in records {
        let mut scalars = Vec::new();
        numbers(&serde_json::to_value(record)?, "", &mut scalars);
        events.scalars(record.step, &scalars)?;
    }
    let timings = run.join("timings.jsonl");
    if timings.is_file() {
        for line in files::read_json_lines::<Value>(&timings)? {
            let mut scalars = Vec::new();
            numbers(&line["seconds"], "seconds", &mut scalars);
            events.scalars(line["step"].as_u64().unwrap_or(0), &scalars)?;
        }
    }
    events.finish().with_context(|| format!("cannot write {}", path.display()))
}

/// All numbers of a value by their path, as TensorBoard groups them: `deduction_propose/reward_mean`.
fn numbers(value: &Value, path: &str, found: &mut Vec<(String, f64)>) {
    let join = |key: &str| match path {
        "" | "groups" => key.to_owned(),
        path => format!("{path}/{key}"),
    };
    match value {
        Value::Number(number) => {
            if !["step", "version"].contains(&path) {
                found.extend(number.as_f64().map(|number| (path.to_owned(), number)));
            }
        }
        Value::Object(fields) => fields.iter().for_each(|(key, field)| numbers(field, &join(key), found)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = item["task_type"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                numbers(item, &join(&name), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn parquet(run: &Path, records: &[StepRecord], out: &Path) -> anyhow::Result<()> {
    for record in records {
        let name = format!("step-{}.parquet", record.step);
        let from = run.join("rollouts").join(&name);
        // A file that cannot be read is no export.
        read_rollouts(&from)?;
        std::fs::copy(&from, out.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

fn json_lines(run: &Path, records: &[StepRecord], out: &Path) -> anyhow::Result<()> {
    for record in records {
        let rows = read_rollouts(&run.join("rollouts").join(format!("step-{}.parquet", record.step)))?;
        let path = out.join(format!("step-{}.jsonl", record.step));
        let file =
            std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::new(file);
        for row in rows {
            serde_json::to_writer(&mut file, &row)?;
            file.write_all(b"\n")?;
        }
        file.flush().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn model(run: &Path, records: &[StepRecord], out: &Path) -> anyhow::Result<()> {
    let checkpoint = run_folder::last_sound_model(run)?.ok_or_else(|| {
        Failure::new(
            format!("{} has no checkpoint", run.display()),
            "let the run get to its first checkpoint, or go on with it: --resume",
        )
    })?;
    for name in run_folder::MODEL_FILES {
        let from = checkpoint.join(name);
        std::fs::copy(&from, out.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let card = model_card(run, records)?;
    std::fs::write(out.join("README.md"), card).context("cannot write the model card")
}

fn model_card(run: &Path, records: &[StepRecord]) -> anyhow::Result<String> {
    let info: Value = serde_json::from_str(&files::read_text(&run.join("run.json"))?)?;
    let config: toml::Table = files::read_text(&run.join("config.toml"))?.parse()?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let method = |table: &str, key: &str| {
        config.get(table).and_then(|table| table.get(key)).map_or_else(String::new, ToString::to_string)
    };
    let last = records.last();
    let mut card = format!(
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\ntags: [absolute-zero-reasoner, self-play]\n---\n\n\
         # {name}\n\n\
         Trained by self-play with the Absolute Zero Reasoner's method (arXiv 2505.03335): the model proposed Python tasks, \
         solved them, and learned from both; a sandbox judged. {data}\n\n\
         | | |\n|---|---|\n\
         | start | {start} (weights {weights}) |\n\
         | steps | {steps} |\n| seed | {seed} |\n| task types | {types} |\n| mode | {mode} |\n| prompts | {prompts} |\n\
         | learning rate | {rate} |\n| program | {code} |\n| end of the record | {hash} |\n",
        data = seeds_sentence(&info["info"]["data"]),
        name = run.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned()),
        start = text(&info["info"]["model"]),
        weights = text(&info["weights_hash"]),
        steps = last.map_or(0, |record| record.step),
        seed = info["seed"],
        types = method("run", "task_types"),
        mode = config.get("mode").map_or_else(String::new, ToString::to_string),
        prompts = text(&info["prompts"]),
        rate = method("update", "learning_rate"),
        code = text(&info["info"]["code"]),
        hash = last.map_or("", |record| record.hash.as_str()),
    );
    let evaluated: Vec<&StepRecord> = records.iter().filter(|record| record.eval.is_some()).collect();
    if let (Some(first), Some(final_one)) = (evaluated.first(), evaluated.last()) {
        // A run that was evaluated once has one column.
        let columns: Vec<&StepRecord> =
            if first.step == final_one.step { vec![first] } else { vec![first, final_one] };
        let row = |name: &str, cells: &dyn Fn(&StepRecord) -> String| {
            let cells: Vec<String> = columns.iter().map(|record| cells(record)).collect();
            format!("| {name} | {} |\n", cells.join(" | "))
        };
        card += "\n## Held-out accuracy during training (%)\n\n";
        card += &row("metric", &|record| format!("step {}", record.step));
        card += &row("---", &|_| "---".to_owned());
        for name in final_one.eval.iter().flatten().map(|(name, _)| name) {
            let value = |record: &StepRecord| record.eval.as_ref().and_then(|eval| eval.get(name)).copied();
            card +=
                &row(name, &|record| value(record).map_or_else(String::new, |value| format!("{value:.1}")));
        }
    }
    card += "\n## Use\n\n```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
             model = AutoModelForCausalLM.from_pretrained(\".\")\ntokenizer = AutoTokenizer.from_pretrained(\".\")\n```\n\n\
             What it writes may be wrong and is not safe to run outside a sandbox.\n";
    Ok(card)
}

/// What the run was started from beside the model.
fn seeds_sentence(data: &Value) -> String {
    let files: Vec<String> = data
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, hash)| Some((name.strip_prefix("seeds: ")?, hash.as_str()?)))
        .map(|(name, hash)| format!("`{name}` (sha256 {hash})"))
        .collect();
    if files.is_empty() {
        return "No data set of tasks or answers was used.".to_owned();
    }
    format!("It started from the tasks of these files: {}.", files.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_grouped_names() {
        let value = serde_json::json!({
            "step": 3, "loss": 0.5, "prev": "x",
            "groups": { "deduction_solve": { "n": 4, "verdicts": { "right": 2 } } },
            "learnability": [{ "task_type": "deduction", "histogram": [1, 2] }],
        });
        let mut found = Vec::new();
        numbers(&value, "", &mut found);
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = [
            ("deduction_solve/n", 4.0),
            ("deduction_solve/verdicts/right", 2.0),
            ("learnability/deduction/histogram/0", 1.0),
            ("learnability/deduction/histogram/1", 2.0),
            ("loss", 0.5),
        ];
        assert_eq!(found, expected.map(|(name, number)| (name.to_owned(), number)));
    }
}
