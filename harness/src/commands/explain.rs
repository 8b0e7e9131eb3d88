//! `azr explain`: one item of an evaluation, from prompt to verdict.

use crate::failure::{Failure, Outcome};
use crate::files::read_json_lines;
use crate::{data, output};
use azr_benchmarks::{
    ItemRecord, Mode, Profile, PromptSource, ReferencePrompts, Suite, SuiteOptions, TimeRules, open_suite,
    suite_names,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `azr explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// SUITE/ITEM, e.g. humaneval_plus/HumanEval/3, tiny/deduction/17, math500/4, or FOLDER/ITEM of a suite of your own.
    #[arg(value_name = "SUITE/ITEM")]
    item: String,
    /// Run folder that holds the evaluation (eval/SUITE).
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Folder with the data sets [default: $AZR_DATA, else a download].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (suite_name, item) = split(&args.item)?;
    let (folder, suite) = evaluation(&args.run, suite_name, args)?;
    let records: Vec<ItemRecord> = read_json_lines(&folder.join("items.jsonl"))?;
    let found: Vec<&ItemRecord> = records.iter().filter(|record| record.item == item).collect();
    if found.is_empty() {
        let what = format!("{} has no answer to the item {item:?}", folder.display());
        let some: Vec<&str> = records.iter().map(|record| record.item.as_str()).take(5).collect();
        return Err(Failure::new(what, format!("its items are named like: {}", some.join(", "))).into());
    }
    let index = (0..suite.len()).find(|index| suite.item(*index) == item);
    let prompt = index.map(|index| suite.prompt(index).text);
    if args.json {
        let shown: Vec<serde_json::Value> = found
            .iter()
            .map(|record| {
                let mut value = serde_json::to_value(record)?;
                for (label, text) in index.map_or_else(Vec::new, |index| suite.evidence(index, record)) {
                    value["evidence"][label] = serde_json::json!(text);
                }
                value["prompt"] = serde_json::json!(matching(prompt.as_deref(), record));
                Ok(value)
            })
            .collect::<anyhow::Result<_>>()?;
        output::say_json(&shown)?;
        return Ok(Outcome::Done);
    }
    for record in found {
        output::say(format!("{} {item}, {} sample {}", suite.name(), record.decoding, record.sample))?;
        match matching(prompt.as_deref(), record) {
            Some(prompt) => section("prompt", prompt)?,
            None => section("prompt", "(made with other settings or another wording than this program's)")?,
        }
        section("output", &record.output)?;
        section("extracted", &record.extracted)?;
        let reason = if record.reason.is_empty() { String::new() } else { format!(": {}", record.reason) };
        let mut details = String::new();
        for (key, value) in &record.details {
            details.extend(["\n", key.as_str(), ": ", value.as_str()]);
        }
        section("verdict", &format!("{}{reason}{details}", record.verdict))?;
        for (label, text) in index.map_or_else(Vec::new, |index| suite.evidence(index, record)) {
            section(label, &text)?;
        }
    }
    Ok(Outcome::Done)
}

fn section(label: &str, text: &str) -> anyhow::Result<()> {
    output::say(format!("\n--- {label}"))?;
    Ok(output::say(text.trim_end_matches('\n'))?)
}

/// The prompt, if it is the one that was answered.
fn matching<'a>(prompt: Option<&'a str>, record: &ItemRecord) -> Option<&'a str> {
    prompt.filter(|prompt| crate::provenance::sha256(prompt.as_bytes()).starts_with(&record.prompt_hash))
}

/// The suite and the item: the longest beginning that names a suite or a folder with one.
fn split(text: &str) -> anyhow::Result<(&str, &str)> {
    let slashes: Vec<usize> = text.match_indices('/').map(|(place, _)| place).collect();
    for place in slashes.into_iter().rev() {
        let (suite, item) = (&text[..place], &text[place + 1..]);
        if suite_names().contains(&suite) || Path::new(suite).join("suite.toml").is_file() {
            return Ok((suite, item));
        }
    }
    Err(Failure::new(
        format!("'{text}' names no item"),
        format!("write SUITE/ITEM; the suites are: {}", suite_names().join(", ")),
    )
    .into())
}

/// The last evaluation of the suite in a run, and the suite under the options it was made with.
fn evaluation(run: &Path, suite_name: &str, args: &Args) -> anyhow::Result<(PathBuf, Box<dyn Suite>)> {
    let data = data::folder(args.data.clone());
    let open = |settings: &str| -> anyhow::Result<Box<dyn Suite>> {
        let has = |text: &str| settings.split_whitespace().any(|part| part == text);
        let prompts = if has("prompts=paper") {
            PromptSource::Paper(Arc::new(ReferencePrompts::read(&data)?))
        } else {
            PromptSource::Own
        };
        let options = SuiteOptions {
            mode: if has("mode=paper") { Mode::Paper } else { Mode::Clean },
            limits: if has("limits=paper") { TimeRules::Paper } else { TimeRules::Evalplus },
            prompts,
            profile: match () {
                () if has("profile=compact") => Profile::Compact,
                // The template of the model is not in the record: the user's turn stands for it.
                () if has("profile=chat") => Profile::Chat(Arc::new(|user: &str, _: &str| user.to_owned())),
                () => Profile::Base,
            },
            thought: has("thought=true"),
            boxed: has("boxed=true"),
            expected_cache: None,
        };
        open_suite(suite_name, &data, options).map_err(|error| data::suite_failure(suite_name, error))
    };
    // The records of a suite of one's own lie under its name, not under its folder's.
    let mut folders = vec![run.join("eval").join(open("")?.name())];
    if let Ok(entries) = std::fs::read_dir(&folders[0]) {
        let mut steps: Vec<(u64, PathBuf)> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let step = path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()?;
                Some((step, path))
            })
            .collect();
        steps.sort();
        folders.extend(steps.into_iter().rev().map(|(_, path)| path));
    }
    let folder =
        folders.into_iter().find(|folder| folder.join("items.jsonl").is_file()).ok_or_else(|| {
            Failure::new(
                format!("{} holds no evaluation of {suite_name}", run.display()),
                format!("make one with: azr eval {suite_name} --model MODEL --run-dir {}", run.display()),
            )
        })?;
    let settings = std::fs::read_to_string(folder.join("settings.json")).unwrap_or_default();
    let settings: serde_json::Value = serde_json::from_str(&settings).unwrap_or_default();
    let suite = open(settings["options"].as_str().unwrap_or_default())?;
    Ok((folder, suite))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_suite_is_the_part_that_names_one() {
        assert_eq!(split("humaneval_plus/HumanEval/3").unwrap(), ("humaneval_plus", "HumanEval/3"));
        assert_eq!(split("math500/4").unwrap(), ("math500", "4"));
        assert!(split("nothing/4").is_err() && split("tiny").is_err());
    }
}
