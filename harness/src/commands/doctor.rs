//! `azr doctor`: does this machine have what azr needs?

use crate::failure::Outcome;
use crate::provenance::{Machine, code_version};
use crate::{data, models, output, sandbox};
use azr_executor::{Job, Limits};

/// Arguments of `azr doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args) -> anyhow::Result<Outcome> {
    let machine = Machine::detect();
    line(true, "program", &format!("azr {}", code_version()))?;
    line(
        true,
        "machine",
        &format!(
            "{}, {} cores, {} MiB, {}",
            or_unknown(&machine.cpu),
            machine.cores,
            machine.memory_mib,
            machine.system
        ),
    )?;
    line(true, "vector units", &or_unknown(&machine.cpu_flags.join(" ")))?;
    let mut healthy = true;
    healthy &= check("cache folder", cache_state())?;
    healthy &= check(
        "embedded model",
        models::load(models::EMBEDDED)
            .map(|model| format!("{} parameters", model.folder.weights.parameter_count())),
    )?;
    healthy &= check("sandbox", sandbox_state())?;
    // A data folder is only needed for the suites that are not embedded.
    let data = data::given_folder().map_or_else(
        || "none given ($AZR_DATA): only the suites tiny and tiny_hard run without a download".to_owned(),
        |path| path.display().to_string(),
    );
    line(true, "data folder", &data)?;
    Ok(if healthy { Outcome::Done } else { Outcome::Negative })
}

fn check(name: &str, state: anyhow::Result<String>) -> anyhow::Result<bool> {
    match state {
        Ok(text) => line(true, name, &text).map(|()| true),
        Err(error) => line(false, name, &format!("{error:#}")).map(|()| false),
    }
}

fn line(good: bool, name: &str, text: &str) -> anyhow::Result<()> {
    let mark = if good { "ok  " } else { "FAIL" };
    Ok(output::say(format!("{mark} {name:<14} {text}"))?)
}

fn or_unknown(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { text.to_owned() }
}

fn cache_state() -> anyhow::Result<String> {
    let folder = sandbox::cache_dir().ok_or_else(|| anyhow::anyhow!("no home folder: set AZR_CACHE"))?;
    sandbox::check_cache(&folder)?;
    Ok(folder.display().to_string())
}

fn sandbox_state() -> anyhow::Result<String> {
    let sandbox = sandbox::open()?;
    let report = sandbox.run(&Job::new(
        "def f(a):\n    return sum(a)",
        vec!["f([1, 2, 3])".to_owned()],
        Limits::seconds(1.0),
    ));
    let verdict = report.calls.first().map(|call| call.verdict.clone());
    anyhow::ensure!(
        verdict.as_ref().and_then(|verdict| verdict.value()) == Some("6"),
        "a test program gave {verdict:?} instead of 6"
    );
    Ok(format!("guest {}", &sandbox.guest_hash().chars().take(16).collect::<String>()))
}
