//! `azr abduce`: an input for which a function returns a given value. Exit code 1 when none is found.

use crate::failure::Outcome;
use crate::output;
use crate::reasoning::{ReasonArgs, badge, failure, footer, function_of};
use azr_daemon::Claim;
use azr_daemon::reason::protocol::AbduceQuestion;
use azr_daemon::reason::{Caller, Source};

/// Arguments of `azr abduce`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A function of a Python file, e.g. src/text.py:slug; what it needs of the file comes with it.
    #[arg(value_name = "FILE:FUNCTION")]
    function: String,
    /// The value wanted, as Python prints it, e.g. "[1, 2]".
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    output: String,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let budget = args.reason.budget()?;
    let (slice, known_inputs) = function_of(&args.function)?;
    let reasoner = args.reason.open()?;
    let function = slice.function.clone();
    let question = AbduceQuestion {
        program: slice.program,
        output: args.output.clone(),
        function: Some(slice.function),
        known_inputs,
        budget: Some(budget),
        seed: Some(args.reason.seed),
    };
    let answer = reasoner.abduce(&question, &Caller::default(), &mut |_| {}).map_err(failure)?;
    let outcome = if answer.verdict == Claim::Verified { Outcome::Done } else { Outcome::Negative };
    if args.reason.json {
        output::say_json(&answer)?;
        return Ok(outcome);
    }
    for found in &answer.inputs {
        let source = match found.source {
            Source::Executor => "executor",
            Source::Search => "search",
            Source::Model => "model",
        };
        let value =
            if found.verdict == Claim::Verified { format!(" = {}", args.output) } else { String::new() };
        output::say(format!("{function}({}){value}   {} (by {source})", found.input, badge(found.verdict)))?;
    }
    if outcome == Outcome::Negative {
        output::say(format!("no input found among {} tried", answer.tried))?;
    }
    if let Some(rationale) = &answer.rationale {
        output::say(format!("  the model: {}", rationale.replace('\n', "\n    ")))?;
    }
    output::say(footer(answer.model_version, &answer.elapsed_ms))?;
    Ok(outcome)
}
