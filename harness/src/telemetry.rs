//! Times, memory and warnings of a run: shown as they come, and written to `telemetry.jsonl` in the run folder, outside the
//! chain of hashes.

use crate::output;
use crate::progress::RunProgress;
use azr_selfplay::health::Watch;
use azr_selfplay::observe::{Event, Observer};
use azr_selfplay::record::StepRecord;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Shows a run and watches its health.
pub struct Telemetry {
    progress: RunProgress,
    watch: Watch,
    path: PathBuf,
}

impl Telemetry {
    /// For the run in `folder`.
    pub fn new(progress: RunProgress, folder: &Path) -> Self {
        Self { progress, watch: Watch::default(), path: folder.join("telemetry.jsonl") }
    }

    /// Removes the display.
    pub fn finish(self) {
        self.progress.finish();
    }

    fn step_finished(&mut self, record: &StepRecord, seconds: &BTreeMap<String, f64>) {
        let of = |name: &str| seconds.get(name).copied().unwrap_or(0.0);
        let memory = resident_bytes();
        let warnings = self.watch.observe(record, of("total") - of("evaluate"), memory);
        for warning in &warnings {
            let text =
                format!("warning after step {}: {}; {}", warning.step, warning.message, warning.advice);
            self.progress.event(Event::Note(&text));
        }
        let line = serde_json::json!({
            "step": record.step,
            "seconds": seconds,
            "memory_bytes": memory,
            "warnings": warnings,
        });
        // The record of the run is elsewhere; a full disk ends it there.
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| writeln!(file, "{line}"));
        if let Err(error) = written {
            output::note(format!("cannot write {}: {error}", self.path.display()));
        }
    }
}

impl Observer for Telemetry {
    fn event(&mut self, event: Event<'_>) {
        self.progress.event(event);
        if let Event::StepFinished { record, seconds, .. } = event {
            self.step_finished(record, seconds);
        }
    }
}

/// Memory that the process holds; `None` where the system does not tell.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_holds_memory() {
        assert!(super::resident_bytes().unwrap() > 1 << 20);
    }
}
