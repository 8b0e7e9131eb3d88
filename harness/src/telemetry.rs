//! Times, memory and warnings of a run: shown as they come, and written to `telemetry.jsonl` in the run folder, outside the
//! chain of hashes.

use crate::output;
use crate::progress::RunProgress;
use azr_selfplay::chain;
use azr_selfplay::health::Watch;
use azr_selfplay::observe::{Event, Observer};
use azr_selfplay::record::StepRecord;
use azr_selfplay::run::cut_lines;
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

    /// Goes on after `step`: later lines are of steps that are played again, earlier ones are what the watch has seen.
    fn resumed(&mut self, step: u64) {
        if let Err(error) = cut_lines(&self.path, step) {
            output::note(format!("cannot cut {}: {error}", self.path.display()));
            return;
        }
        let lines = std::fs::read_to_string(&self.path).unwrap_or_default();
        let records = std::fs::read(self.path.with_file_name("steps.jsonl")).unwrap_or_default();
        let records = chain::read(&records, None).records;
        for line in lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            let Some(record) = records.iter().find(|record| Some(record.step) == line["step"].as_u64())
            else {
                continue;
            };
            let of = |name: &str| line["seconds"][name].as_f64().unwrap_or(0.0);
            // What it says now it has said.
            let _ = self.watch.observe(record, of("total") - of("evaluate"), line["memory_bytes"].as_u64());
        }
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
        if let Event::Resumed { step, .. } = event {
            self.resumed(step);
        }
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
