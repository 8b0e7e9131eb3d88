//! Live progress: bars on a terminal, plain lines otherwise. Everything goes to standard error.

use crate::clock::{Stopwatch, readable};
use crate::output;
use azr_selfplay::observe::{Event, Observer};
use azr_selfplay::record::StepRecord;
use azr_selfplay::{Group, Role, TaskType};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::io::IsTerminal;

/// Steps over which rates and the time left are taken.
const WINDOW: usize = 10;
/// Seconds between two plain lines of one phase.
const LINE_SECONDS: f64 = 15.0;

/// One bar (on a terminal) or an occasional line (elsewhere) for a counted piece of work.
pub struct Counter {
    bar: Option<ProgressBar>,
    label: String,
    clock: Stopwatch,
    last_line: f64,
}

impl Counter {
    /// Starts counting to `total`, which may become known later.
    pub fn new(label: impl Into<String>, total: u64) -> Self {
        let label = label.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}  {msg}  ETA {eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(label.clone());
            bar
        });
        Self { bar, label, clock: Stopwatch::start(), last_line: 0.0 }
    }

    /// Shows how far the work is.
    pub fn update(&mut self, done: u64, total: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(message.to_owned());
            return;
        }
        let now = self.clock.seconds();
        if now - self.last_line >= LINE_SECONDS && done < total {
            self.last_line = now;
            let left = if done > 0 { now / done as f64 * (total - done) as f64 } else { f64::NAN };
            output::note(format!("{} {done}/{total}  {message}  ETA {}", self.label, readable(left)));
        }
    }

    /// Writes a line without disturbing the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None => output::note(text),
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.clock.seconds()
    }
}

/// Shows a run while it goes.
pub struct RunProgress {
    counter: Counter,
    steps: u64,
    /// Items of the evaluations, e.g. `150 of 1500`.
    held_out: Option<String>,
    /// Seconds, tokens and sandbox runs of the last steps.
    recent: VecDeque<(f64, u64, u64)>,
}

impl RunProgress {
    /// For a run of `steps` whose evaluations answer `held_out` items.
    pub fn new(steps: u64, held_out: Option<String>) -> Self {
        Self { counter: Counter::new("self-play", steps), steps, held_out, recent: VecDeque::new() }
    }

    /// Removes the bar.
    pub fn finish(self) {
        self.counter.finish();
    }

    fn step_finished(&mut self, record: &StepRecord, seconds: &BTreeMap<String, f64>) {
        self.recent.push_back((seconds.values().sum(), record.tokens, record.sandbox_runs));
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        let line = step_line(record, self.steps, self.held_out.as_deref(), self.recent.make_contiguous());
        self.counter.line(&line);
        self.counter.update(record.step, self.steps, "");
    }
}

impl Observer for RunProgress {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Seeding { kind, have, want } => {
                self.counter.line(&format!("seeding: {have} of {want} {kind} tasks"));
            }
            Event::StepStarted { step, steps } => self.counter.update(step - 1, steps, ""),
            Event::Phase { step, name } => self.counter.update(step.saturating_sub(1), self.steps, name),
            Event::StepFinished { record, seconds, .. } => self.step_finished(record, seconds),
            Event::Checkpoint { .. } => {}
            Event::Resumed { step, lines_to_verify } => {
                let verify = if lines_to_verify > 0 {
                    format!(", checking {lines_to_verify} recorded steps on the way")
                } else {
                    String::new()
                };
                self.counter.line(&format!("going on after step {step}{verify}"));
            }
            Event::Note(text) => self.counter.line(text),
        }
    }
}

/// One step in one line: rewards of the solver and the proposer by task type (deduction, abduction,
/// induction), valid proposals, held-out accuracy where measured and on how many items, rates and the time left.
fn step_line(record: &StepRecord, steps: u64, held_out: Option<&str>, recent: &[(f64, u64, u64)]) -> String {
    let rewards = |role: Role| {
        TaskType::ALL
            .iter()
            .filter_map(|task_type| {
                let group = record.groups.get(&Group::new(*task_type, role).name())?;
                let initial = task_type.name().chars().next()?.to_ascii_uppercase();
                Some(format!("{initial} {:+.2}", group.reward_mean))
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    let proposals = TaskType::ALL
        .iter()
        .filter_map(|task_type| record.groups.get(&Group::new(*task_type, Role::Propose).name()));
    let (n, valid) =
        proposals.fold((0, 0.0), |(n, valid), group| (n + group.n, valid + group.n as f64 * group.valid));
    let mut line = format!(
        "step {}/{steps}  solve {}  propose {}",
        record.step,
        rewards(Role::Solve),
        rewards(Role::Propose)
    );
    if n > 0 {
        let _ = write!(line, "  valid {:.0} %", 100.0 * valid / n as f64);
    }
    if let Some(eval) = &record.eval {
        let shown: Vec<String> = eval
            .iter()
            .filter(|(name, _)| !name.contains('.'))
            .map(|(name, value)| format!("{name} {value:.1} %"))
            .collect();
        let items = held_out.map_or_else(String::new, |items| format!("held-out ({items}): "));
        let _ = write!(line, "  [{items}{}]", shown.join(", "));
    }
    let seconds: f64 = recent.iter().map(|(seconds, _, _)| seconds).sum();
    if seconds > 0.0 {
        let tokens: u64 = recent.iter().map(|(_, tokens, _)| tokens).sum();
        let runs: u64 = recent.iter().map(|(_, _, runs)| runs).sum();
        let left = seconds / recent.len() as f64 * steps.saturating_sub(record.step) as f64;
        let _ = write!(
            line,
            "  {:.0} tokens/s  {:.0} sandbox runs/s  ETA {}",
            tokens as f64 / seconds,
            runs as f64 / seconds,
            readable(left)
        );
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_selfplay::record::GroupStats;

    #[test]
    fn a_step_fits_on_a_line() {
        let group = |reward_mean, valid| GroupStats { n: 64, reward_mean, valid, ..GroupStats::default() };
        let record = StepRecord {
            step: 12,
            groups: BTreeMap::from([
                ("deduction_solve".to_owned(), group(0.25, 0.5)),
                ("abduction_solve".to_owned(), group(-0.5, 0.25)),
                ("deduction_propose".to_owned(), group(-0.4, 0.75)),
            ]),
            eval: Some(BTreeMap::from([("tiny".to_owned(), 41.5), ("tiny.deduction".to_owned(), 50.0)])),
            ..StepRecord::default()
        };
        assert_eq!(
            step_line(&record, 100, Some("150 of 1500"), &[(2.0, 6_000, 300), (2.0, 6_400, 100)]),
            "step 12/100  solve D +0.25 A -0.50  propose D -0.40  valid 75 %  [held-out (150 of 1500): tiny 41.5 %]  3100 tokens/s  100 sandbox runs/s  ETA 3 min"
        );
    }
}
