//! `azr doctor`: does this machine have what azr needs, and which models fit on it?

use crate::failure::Outcome;
use crate::memory::{self, Needs};
use crate::provenance::{Machine, code_version};
use crate::{data, models, output, published, sandbox};
use azr_executor::{Job, Limits};
use serde_json::{Value, json};

/// Tokens of a completion with its prompt, by which batches are counted: the paper's longest prompt and response
/// have 6,144 and 8,096; most are far shorter.
const TOKENS: u64 = 2_048;

/// Arguments of `azr doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let machine = Machine::detect();
    let free = memory::available().unwrap_or(machine.memory_mib << 20);
    // A data folder is only needed for the suites that are not embedded.
    let data = data::given_folder().map_or_else(
        || "none given ($AZR_DATA): only the suites tiny and tiny_hard run without a download".to_owned(),
        |path| path.display().to_string(),
    );
    let embedded = models::load(models::EMBEDDED)
        .map(|model| format!("{} parameters", model.folder.weights.parameter_count()));
    let parts: Vec<(&str, anyhow::Result<String>)> = vec![
        ("program", Ok(format!("azr {}", code_version()))),
        (
            "machine",
            Ok(format!(
                "{}, {} cores, {} MiB, {}",
                or_unknown(&machine.cpu),
                machine.cores,
                machine.memory_mib,
                machine.system
            )),
        ),
        ("vector units", Ok(or_unknown(&machine.cpu_flags.join(" ")))),
        ("memory", Ok(format!("{} MiB free of {}", free >> 20, machine.memory_mib))),
        ("device", Ok(device())),
        ("cache folder", cache_state()),
        ("embedded model", embedded),
        ("sandbox", sandbox_state()),
        ("data folder", Ok(data)),
    ];
    let fits: Vec<Value> =
        published::shapes().iter().map(|(preset, config)| fit(preset, &Needs::of(config), free)).collect();
    let healthy = parts.iter().all(|(_, state)| state.is_ok());
    if args.json {
        let parts = parts.iter().map(|(name, state)| {
            let text = state.as_ref().map_or_else(|error| format!("{error:#}"), Clone::clone);
            json!({"part": name, "ok": state.is_ok(), "text": text})
        });
        output::say_json(&json!({
            "ok": healthy, "parts": parts.collect::<Vec<_>>(), "cores": machine.cores,
            "cpu_flags": machine.cpu_flags, "memory_mib": machine.memory_mib, "free_mib": free >> 20,
            "presets": fits,
        }))?;
    } else {
        for (name, state) in parts {
            check(name, state)?;
        }
        output::say(format!(
            "presets in the memory that is free, in 32 bits, sequences of {TOKENS} tokens:"
        ))?;
        for fit in &fits {
            output::say(fit_line(fit))?;
        }
    }
    Ok(if healthy { Outcome::Done } else { Outcome::Negative })
}

/// What of a preset's model fits.
fn fit(preset: &str, needs: &Needs, free: u64) -> Value {
    let served = needs.cached_tokens(free) / TOKENS;
    let trained = needs.trained_tokens(free).map_or(0, |tokens| tokens / TOKENS);
    json!({
        "preset": preset,
        "weights_mib": needs.weights >> 20,
        "training_mib": (needs.weights + needs.training + needs.activations_per_token * TOKENS) >> 20,
        "generate": served > 0,
        "generate_batch": served,
        "train": trained > 0,
        "train_batch": trained,
    })
}

fn fit_line(fit: &Value) -> String {
    let gib = |key: &str| fit[key].as_f64().unwrap_or(0.0) / 1024.0;
    let generate = if fit["generate"] == true {
        format!("generates {} at once", fit["generate_batch"])
    } else {
        format!("does not fit ({:.1} GiB of weights)", gib("weights_mib"))
    };
    let train = if fit["train"] == true {
        format!("trains with {} in a chunk", fit["train_batch"])
    } else {
        format!("no training (needs {:.1} GiB)", gib("training_mib"))
    };
    format!("     {:<18} {generate}, {train}", fit["preset"].as_str().unwrap_or_default())
}

/// What computes.
fn device() -> String {
    let gpu = std::path::Path::new("/proc/driver/nvidia/version").exists();
    let more = if gpu { " (there is an NVIDIA driver, which this program does not use)" } else { "" };
    format!("CPU{more}")
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
