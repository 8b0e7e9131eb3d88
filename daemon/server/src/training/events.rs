//! The events of a run, in order, kept while the daemon lives: every subscriber reads them at its own pace.

use crate::protocol::train::{EventKind, TrainEvent};
use azr_selfplay::observe::{Event, Observer};
use azr_selfplay::record::RolloutRecord;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Proposals that an event of a step carries.
const MOST_PROPOSALS: usize = 6;
/// Characters of each that it carries.
const MOST_CHARS: usize = 2_000;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// What happened.
    pub kind: EventKind,
    /// The step.
    pub step: u64,
    /// Its figures.
    pub metrics: Arc<Value>,
}

/// All events of a run.
pub struct Log {
    run_id: String,
    events: Mutex<Vec<Recorded>>,
    count: watch::Sender<usize>,
}

impl Log {
    /// An empty log.
    pub fn new(run_id: String) -> Self {
        Self { run_id, events: Mutex::default(), count: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event.
    pub fn push(&self, kind: EventKind, step: u64, metrics: Value) {
        let mut events = self.lock();
        if kind == EventKind::Step
            && let Some(last) = events.iter_mut().rev().find(|event| event.kind == EventKind::Step)
            && let Some(figures) = Arc::make_mut(&mut last.metrics).as_object_mut()
        {
            // Texts are kept for the last step only: a run of thousands must not fill the memory.
            figures.remove("proposals");
        }
        events.push(Recorded { kind, step, metrics: Arc::new(metrics) });
        let count = events.len();
        drop(events);
        self.count.send_replace(count);
    }

    /// Is nothing recorded yet?
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The last step.
    pub fn step(&self) -> u64 {
        self.lock().last().map_or(0, |event| event.step)
    }

    /// Folder of the last checkpoint.
    pub fn checkpoint(&self) -> Option<String> {
        let events = self.lock();
        let last = events.iter().rev().find(|event| event.kind == EventKind::Checkpoint)?;
        Some(last.metrics.get("folder")?.as_str()?.to_owned())
    }

    /// Number of events, as it grows.
    pub fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// A reader that begins with the events after `step` (`None`: with what comes).
    pub fn reader(self: &Arc<Self>, after_step: Option<u64>) -> Reader {
        let events = self.lock();
        let next = match after_step {
            Some(step) => events.iter().position(|event| event.step > step).unwrap_or(events.len()),
            None => events.len(),
        };
        drop(events);
        Reader { log: Arc::clone(self), next, sequence: 0 }
    }
}

/// Reads a log from a place on.
pub struct Reader {
    log: Arc<Log>,
    next: usize,
    sequence: u64,
}

impl Reader {
    /// The next event, if there is one. Of steps that wait in a row only the last is given: a slow client catches up.
    pub fn take(&mut self) -> Option<TrainEvent> {
        let events = self.log.lock();
        let mut index = self.next;
        let is_step =
            |index: usize| events.get(index).is_some_and(|event: &Recorded| event.kind == EventKind::Step);
        while is_step(index) && is_step(index + 1) {
            index += 1;
        }
        let event = events.get(index)?.clone();
        drop(events);
        self.next = index + 1;
        self.sequence += 1;
        Some(TrainEvent {
            run_id: self.log.run_id.clone(),
            seq: self.sequence - 1,
            kind: event.kind,
            step: event.step,
            metrics: event.metrics.as_ref().clone(),
        })
    }
}

/// Writes what a run tells into its log.
pub(super) struct Recorder {
    log: Arc<Log>,
    folder: PathBuf,
    changed: Arc<dyn Fn() + Send + Sync>,
}

impl Recorder {
    pub(super) fn new(log: Arc<Log>, folder: &Path, changed: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { log, folder: folder.to_owned(), changed }
    }

    /// The steps that a resumed run has behind it.
    fn replay(&self, up_to: u64) {
        let text = std::fs::read_to_string(self.folder.join("steps.jsonl")).unwrap_or_default();
        for line in text.lines() {
            let Ok(record) = serde_json::from_str::<Value>(line) else { return };
            let Some(step) = record.get("step").and_then(Value::as_u64) else { return };
            if step <= up_to {
                self.log.push(EventKind::Step, step, record);
            }
        }
    }
}

impl Observer for Recorder {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Resumed { step, .. } => self.replay(step),
            Event::StepFinished { record, rollouts, seconds } => {
                let mut metrics = serde_json::to_value(record).unwrap_or_default();
                metrics["seconds"] = json!(seconds);
                metrics["proposals"] = proposals(rollouts);
                if let Some(scores) = &record.eval {
                    self.log.push(EventKind::Eval, record.step, json!(scores));
                }
                self.log.push(EventKind::Step, record.step, metrics);
            }
            Event::Checkpoint { step, folder } => {
                self.log.push(EventKind::Checkpoint, step, json!({ "folder": folder.display().to_string() }));
            }
            Event::Seeding { .. } | Event::StepStarted { .. } | Event::Phase { .. } | Event::Note(_) => {
                return;
            }
        }
        (self.changed)();
    }
}

/// Some of the step's proposals with what became of them, for people who watch: one of each task type in turn.
fn proposals(rollouts: &[RolloutRecord]) -> Value {
    let mut by_type: BTreeMap<&str, VecDeque<&RolloutRecord>> = BTreeMap::new();
    for rollout in rollouts.iter().filter(|rollout| rollout.role == "propose") {
        by_type.entry(&rollout.task_type).or_default().push_back(rollout);
    }
    let mut shown = Vec::new();
    while shown.len() < MOST_PROPOSALS {
        let before = shown.len();
        for one in by_type.values_mut().filter_map(VecDeque::pop_front) {
            shown.push(json!({
                "taskType": one.task_type, "verdict": one.verdict, "reward": one.reward,
                "response": one.response.chars().take(MOST_CHARS).collect::<String>(),
            }));
        }
        if shown.len() == before {
            break;
        }
    }
    shown.truncate(MOST_PROPOSALS);
    Value::Array(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_gets_the_last_of_the_steps_and_everything_else() {
        let log = Arc::new(Log::new("r".to_owned()));
        let mut reader = log.reader(Some(0));
        for step in 1..=3 {
            log.push(EventKind::Step, step, json!({}));
        }
        log.push(EventKind::Checkpoint, 3, json!({ "folder": "c" }));
        log.push(EventKind::Step, 4, json!({}));
        log.push(EventKind::Done, 4, json!({}));
        log.push(EventKind::Step, 5, json!({ "proposals": ["p"] }));
        log.push(EventKind::Step, 6, json!({ "proposals": ["q"] }));
        let texts: Vec<bool> =
            log.lock().iter().map(|event| event.metrics.get("proposals").is_some()).collect();
        assert_eq!(texts.iter().filter(|has| **has).count(), 1);
        let got: Vec<(u64, EventKind, u64)> =
            std::iter::from_fn(|| reader.take()).map(|event| (event.seq, event.kind, event.step)).collect();
        let expected = [
            (0, EventKind::Step, 3),
            (1, EventKind::Checkpoint, 3),
            (2, EventKind::Step, 4),
            (3, EventKind::Done, 4),
            (4, EventKind::Step, 6),
        ];
        assert_eq!(got, expected);
        assert_eq!((log.step(), log.checkpoint().as_deref()), (6, Some("c")));
    }

    #[test]
    fn a_reader_begins_after_its_step() {
        let log = Arc::new(Log::new("r".to_owned()));
        log.push(EventKind::Step, 1, json!({}));
        log.push(EventKind::Checkpoint, 1, json!({}));
        log.push(EventKind::Step, 2, json!({}));
        assert_eq!(log.reader(Some(1)).take().unwrap().step, 2);
        assert!(log.reader(None).take().is_none());
    }

    #[test]
    fn proposals_of_every_type_are_shown_and_bounded() {
        let rollout = |task_type: &str, role: &str, response: String| RolloutRecord {
            task_type: task_type.to_owned(),
            role: role.to_owned(),
            response,
            verdict: "valid".to_owned(),
            ..RolloutRecord::default()
        };
        let mut rollouts: Vec<RolloutRecord> =
            (0..9).map(|index| rollout("deduction", "propose", format!("d{index}"))).collect();
        rollouts.push(rollout("induction", "propose", "x".repeat(5_000)));
        rollouts.push(rollout("abduction", "solve", "an answer".to_owned()));
        let shown = proposals(&rollouts);
        let types: Vec<&str> =
            shown.as_array().unwrap().iter().map(|one| one["taskType"].as_str().unwrap()).collect();
        assert_eq!(types, ["deduction", "induction", "deduction", "deduction", "deduction", "deduction"]);
        assert_eq!(shown[1]["response"].as_str().unwrap().len(), MOST_CHARS);
        assert_eq!(proposals(&[]), json!([]));
    }
}
