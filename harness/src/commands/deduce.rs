//! `azr deduce`: what a function returns, by execution, and what the model thinks.

use crate::failure::Outcome;
use crate::output;
use crate::reasoning::{ReasonArgs, badge, failure, footer, function_of};
use azr_daemon::reason::Caller;
use azr_daemon::reason::protocol::DeduceQuestion;

/// Arguments of `azr deduce`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A function of a Python file, e.g. src/text.py:slug; what it needs of the file comes with it.
    #[arg(value_name = "FILE:FUNCTION")]
    function: String,
    /// Arguments of the call, as they stand between its brackets, e.g. "3, [1, 2]".
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    input: String,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let budget = args.reason.budget()?;
    let (slice, _) = function_of(&args.function)?;
    let reasoner = args.reason.open()?;
    let call = format!("{}({})", slice.function, args.input);
    let question = DeduceQuestion {
        program: slice.program,
        input: args.input.clone(),
        function: Some(slice.function),
        budget: Some(budget),
        seed: Some(args.reason.seed),
    };
    let answer = reasoner.deduce(&question, &Caller::default(), &mut |_| {}).map_err(failure)?;
    if args.reason.json {
        output::say_json(&answer)?;
        return Ok(Outcome::Done);
    }
    match (&answer.actual, &answer.error) {
        (Some(actual), _) => output::say(format!("{call} = {actual}   (executed)"))?,
        (None, Some(error)) => {
            output::say(format!("{call}: {}: {}   (executed)", error.kind, error.message))?;
        }
        (None, None) => {}
    }
    for candidate in &answer.candidates {
        let votes =
            if candidate.count == 1 { "1 sample".to_owned() } else { format!("{} samples", candidate.count) };
        output::say(format!(
            "  the model says {}   {} ({votes})",
            candidate.value,
            badge(candidate.verdict)
        ))?;
    }
    if let Some(rationale) = &answer.rationale {
        output::say(format!("  because: {}", rationale.replace('\n', "\n    ")))?;
    }
    output::say(footer(answer.model_version, &answer.elapsed_ms))?;
    Ok(Outcome::Done)
}
