//! `azr induce`: a function that turns the inputs of examples into their outputs. Exit code 1 when none is found.

use crate::failure::{Failure, Outcome};
use crate::output;
use crate::reasoning::{ReasonArgs, badge, failure, footer};
use anyhow::Context;
use azr_daemon::Claim;
use azr_daemon::reason::Caller;
use azr_daemon::reason::protocol::{Example, InduceQuestion};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest file of examples, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Arguments of `azr induce`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with one example a line, {"input": "3, [1, 2]", "output": "[1, 2, 3]"} or 3, [1, 2] -> [1, 2, 3];
    /// - for standard input.
    #[arg(long, value_name = "FILE")]
    examples: PathBuf,
    /// What the function does, in words.
    #[arg(long)]
    message: Option<String>,
    /// How many of the last examples only test the result [default: a third of three or more].
    #[arg(long, value_name = "N")]
    holdout: Option<usize>,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let budget = args.reason.budget()?;
    let examples = read_examples(&args.examples)?;
    let reasoner = args.reason.open()?;
    let question = InduceQuestion {
        examples,
        message: args.message.clone(),
        holdout: args.holdout,
        budget: Some(budget),
        seed: Some(args.reason.seed),
    };
    let answer = reasoner.induce(&question, &Caller::default(), &mut |_| {}).map_err(failure)?;
    let outcome = if answer.verdict == Claim::Verified { Outcome::Done } else { Outcome::Negative };
    if args.reason.json {
        output::say_json(&answer)?;
        return Ok(outcome);
    }
    match &answer.program {
        Some(program) => {
            output::say(program)?;
            let source = answer.source.map_or("", |source| match source {
                azr_daemon::reason::Source::Model => ", by the model",
                azr_daemon::reason::Source::Search => ", by search",
                azr_daemon::reason::Source::Executor => "",
            });
            output::say(format!(
                "{}: {} of {} shown examples, {} of {} held out{source}",
                badge(answer.verdict),
                answer.passed,
                answer.total,
                answer.held_out.passed,
                answer.held_out.total
            ))?;
        }
        None => output::say("no program found")?,
    }
    output::say(footer(answer.model_version, &answer.elapsed_ms))?;
    Ok(outcome)
}

fn read_examples(path: &Path) -> anyhow::Result<Vec<Example>> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin()
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .context("cannot read the examples from standard input")?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .with_context(|| format!("cannot read the examples {}", path.display()))?;
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::new("the examples are longer than 4 MiB", "pass fewer").into());
    }
    parse_examples(&text).map_err(|line| {
        Failure::new(
            format!("line {line} of {} is no example", path.display()),
            r#"write {"input": "3, [1, 2]", "output": "[1, 2, 3]"}, or 3, [1, 2] -> [1, 2, 3]"#,
        )
        .into()
    })
}

/// One example a line, as JSON or with an arrow; the number of the first line that is neither.
fn parse_examples(text: &str) -> Result<Vec<Example>, usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let arrow = || {
                let (input, output) = line.rsplit_once("->")?;
                Some(Example { input: input.trim().to_owned(), output: output.trim().to_owned() })
            };
            serde_json::from_str(line).ok().or_else(arrow).ok_or(index + 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_json_or_arrows() {
        let examples = parse_examples("{\"input\": \"1\", \"output\": \"2\"}\n\n'a->b', 2 -> [3]\n").unwrap();
        assert_eq!(examples[0], Example { input: "1".into(), output: "2".into() });
        assert_eq!(examples[1], Example { input: "'a->b', 2".into(), output: "[3]".into() });
        assert_eq!(parse_examples("1 -> 2\nnonsense"), Err(2));
    }
}
