//! The task buffers (spec sections 1, 3 and 12): ordered lists whose entries know the step at which they came.
//!
//! `paper` mode keeps the reference's counting: an entry is recent by its place at the end of the list, so a full
//! buffer that lost its new entries takes its last old ones for new, and the uniform rest of a draw may repeat the
//! recent part. `clean` goes by the entries' steps and draws the rest from the others.

use crate::config::{BufferConfig, Keep, Mix, Mode, ReferenceDraw};
use crate::draw;
use crate::task::{InductionTask, Task, TaskType, Triplet};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A buffered task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<T> {
    /// The task.
    pub item: T,
    /// Step at which it was added; seeds have 0.
    pub step: u64,
    /// The solver's accuracy on it when it was proposed, in thousandths; seeds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_permille: Option<u16>,
}

/// One buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffer<T> {
    entries: Vec<Entry<T>>,
    /// Entries ever added, by step; not reduced when entries are lost (the reference's counters).
    added: BTreeMap<u64, usize>,
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), added: BTreeMap::new() }
    }
}

impl<T: Clone> Buffer<T> {
    /// The entries in order.
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, item: T, step: u64) {
        self.entries.push(Entry { item, step, accuracy_permille: None });
        *self.added.entry(step).or_default() += 1;
    }

    /// Adds an entry whose difficulty is known.
    pub fn push_estimated(&mut self, item: T, step: u64, accuracy: f64) {
        self.push(item, step);
        if let Some(entry) = self.entries.last_mut() {
            entry.accuracy_permille = Some((accuracy.clamp(0.0, 1.0) * 1_000.0).round() as u16);
        }
    }

    /// Drops entries older than `max_age` steps (0 keeps all ages), but never the newest one; then cuts the buffer to its
    /// limit.
    pub fn trim(&mut self, step: u64, config: &BufferConfig, rng: &mut ChaCha8Rng) {
        if config.max_age > 0 {
            let last = self.entries.len().saturating_sub(1);
            let mut index = 0;
            self.entries.retain(|entry| {
                index += 1;
                step.saturating_sub(entry.step) <= config.max_age || index > last
            });
        }
        let excess = self.entries.len().saturating_sub(config.max_programs);
        if excess == 0 {
            return;
        }
        match config.keep {
            Keep::Oldest => self.entries.truncate(config.max_programs),
            Keep::Newest => {
                self.entries.drain(..excess);
            }
            Keep::Uniform => {
                let mut kept = draw::sample(rng, self.entries.len(), config.max_programs);
                kept.sort_unstable();
                self.entries = kept.into_iter().map(|index| self.entries[index].clone()).collect();
            }
        }
    }

    /// Draws `n` solver tasks for `step`. Fewer only where the buffer is empty.
    pub fn draw(
        &self,
        n: usize,
        step: u64,
        config: &BufferConfig,
        mode: Mode,
        rng: &mut ChaCha8Rng,
    ) -> Vec<T> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let recent = self.recent(step, config.window, mode);
        let indices = match config.mix {
            Mix::UniformTotal => self.fill(Vec::new(), n, &[], rng),
            Mix::MaxNew => self.recent_first(&recent, n, n, mode, rng),
            Mix::HalfNew => self.recent_first(&recent, n / 2, n, mode, rng),
            Mix::Step => {
                let weights: Vec<u64> = self.entries.iter().map(|entry| entry.step).collect();
                let one =
                    |_| draw::weighted(rng, &weights).unwrap_or_else(|| draw::index(rng, self.entries.len()));
                (0..n).map(one).collect()
            }
            Mix::Frontier => {
                let weights: Vec<u64> = self.entries.iter().map(|entry| frontier_weight(entry)).collect();
                (0..n).filter_map(|_| draw::weighted(rng, &weights)).collect()
            }
        };
        indices.into_iter().map(|index| self.entries[index].item.clone()).collect()
    }

    /// Draws up to `count` different references.
    pub fn references(&self, count: usize, draw: ReferenceDraw, rng: &mut ChaCha8Rng) -> Vec<T> {
        let indices = match draw {
            ReferenceDraw::Uniform => draw::sample(rng, self.entries.len(), count),
            ReferenceDraw::Step => {
                let mut weights: Vec<u64> = self.entries.iter().map(|entry| entry.step + 1).collect();
                let mut chosen = Vec::new();
                while chosen.len() < count {
                    let Some(index) = draw::weighted(rng, &weights) else { break };
                    weights[index] = 0;
                    chosen.push(index);
                }
                chosen
            }
        };
        indices.into_iter().map(|index| self.entries[index].item.clone()).collect()
    }

    /// Indices of the entries that count as recent.
    fn recent(&self, step: u64, window: u64, mode: Mode) -> Vec<usize> {
        let is_recent = |entry_step: u64| step.saturating_sub(entry_step) <= window;
        match mode {
            Mode::Clean => {
                (0..self.entries.len()).filter(|&index| is_recent(self.entries[index].step)).collect()
            }
            Mode::Paper => {
                let count: usize =
                    self.added.iter().filter(|(at, _)| is_recent(**at)).map(|(_, count)| count).sum();
                (self.entries.len().saturating_sub(count)..self.entries.len()).collect()
            }
        }
    }

    /// Up to `most` of the recent entries at random, the rest of `n` uniform.
    fn recent_first(
        &self,
        recent: &[usize],
        most: usize,
        n: usize,
        mode: Mode,
        rng: &mut ChaCha8Rng,
    ) -> Vec<usize> {
        let chosen: Vec<usize> =
            draw::sample(rng, recent.len(), most).into_iter().map(|index| recent[index]).collect();
        let excluded: &[usize] = if mode == Mode::Clean { recent } else { &[] };
        self.fill(chosen, n, excluded, rng)
    }

    /// Fills `chosen` up to `n`: without replacement from the entries outside `excluded`, then with replacement from
    /// all (where the reference would fail because the rest is larger than the buffer).
    fn fill(&self, mut chosen: Vec<usize>, n: usize, excluded: &[usize], rng: &mut ChaCha8Rng) -> Vec<usize> {
        let wanted = n.saturating_sub(chosen.len());
        if wanted > 0 {
            let others: Vec<usize> =
                (0..self.entries.len()).filter(|index| excluded.binary_search(index).is_err()).collect();
            let drawn = draw::sample(rng, others.len(), wanted);
            chosen.extend(drawn.into_iter().map(|index| others[index]));
        }
        while chosen.len() < n {
            chosen.push(draw::index(rng, self.entries.len()));
        }
        chosen
    }
}

/// How often `frontier` draws an entry: a (1 - a) of its accuracy a, plus a little, so that every entry can come; entries
/// without an accuracy count as a = 1/2.
fn frontier_weight<T>(entry: &Entry<T>) -> u64 {
    let accuracy = u64::from(entry.accuracy_permille.unwrap_or(500).min(1_000));
    accuracy * (1_000 - accuracy) + 10_000
}

/// The buffers by task type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buffers {
    /// Deduction (the reference's `output`).
    pub deduction: Buffer<Triplet>,
    /// Abduction (the reference's `input`).
    pub abduction: Buffer<Triplet>,
    /// Induction (the reference's `problem`).
    pub induction: Buffer<InductionTask>,
    /// Error prediction (the reference's `error`), empty where the type is not trained.
    #[serde(default, skip_serializing_if = "Buffer::is_empty")]
    pub error: Buffer<Triplet>,
    /// The caller's own type.
    #[serde(default, skip_serializing_if = "Buffer::is_empty")]
    pub custom: Buffer<Triplet>,
}

impl Buffers {
    /// Entries of a type's buffer.
    pub fn len_of(&self, task_type: TaskType) -> usize {
        match task_type {
            TaskType::Deduction => self.deduction.len(),
            TaskType::Abduction => self.abduction.len(),
            TaskType::Induction => self.induction.len(),
            TaskType::Error => self.error.len(),
            TaskType::Custom => self.custom.len(),
        }
    }

    /// The buffer of a type whose tasks are triplets; `None` for induction.
    pub fn triplets(&self, task_type: TaskType) -> Option<&Buffer<Triplet>> {
        match task_type {
            TaskType::Deduction => Some(&self.deduction),
            TaskType::Abduction => Some(&self.abduction),
            TaskType::Induction => None,
            TaskType::Error => Some(&self.error),
            TaskType::Custom => Some(&self.custom),
        }
    }

    /// Adds a task to the buffer of its type; `accuracy` is the solver's on it.
    pub fn add(&mut self, task: Task, step: u64, accuracy: f64) {
        match task {
            Task::Deduction(triplet) => self.deduction.push_estimated(triplet, step, accuracy),
            Task::Abduction(triplet) => self.abduction.push_estimated(triplet, step, accuracy),
            Task::Induction(task) => self.induction.push_estimated(task, step, accuracy),
            Task::Error(triplet) => self.error.push_estimated(triplet, step, accuracy),
            Task::Custom(triplet) => self.custom.push_estimated(triplet, step, accuracy),
        }
    }

    /// Draws solver tasks of a type.
    pub fn draw_tasks(
        &self,
        task_type: TaskType,
        n: usize,
        step: u64,
        config: &BufferConfig,
        mode: Mode,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Task> {
        match self.triplets(task_type) {
            Some(buffer) => {
                let drawn = buffer.draw(n, step, config, mode, rng);
                drawn.into_iter().map(|triplet| Task::on_triplet(task_type, triplet)).collect()
            }
            None => {
                self.induction.draw(n, step, config, mode, rng).into_iter().map(Task::Induction).collect()
            }
        }
    }

    /// All tasks, type after type.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + '_ {
        let triplets = [TaskType::Deduction, TaskType::Abduction, TaskType::Error, TaskType::Custom];
        let of_type = |task_type: TaskType| {
            let entries = self.triplets(task_type).map_or(&[][..], Buffer::entries);
            entries.iter().map(move |entry| Task::on_triplet(task_type, entry.item.clone()))
        };
        let induction = self.induction.entries().iter().map(|entry| Task::Induction(entry.item.clone()));
        triplets.into_iter().flat_map(of_type).chain(induction)
    }

    /// A program for an induction proposal: uniform over the union of the other two buffers.
    pub fn draw_program(&self, rng: &mut ChaCha8Rng) -> Option<Triplet> {
        let (first, second) = (self.abduction.entries(), self.deduction.entries());
        let total = first.len() + second.len();
        if total == 0 {
            return None;
        }
        let index = draw::index(rng, total);
        first.get(index).or_else(|| second.get(index - first.len())).map(|entry| entry.item.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_model::random::DrawKey;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn rng(item: u64) -> ChaCha8Rng {
        DrawKey::new(3, 1, "test", item).rng()
    }

    fn buffer(steps: &[(u64, usize)]) -> Buffer<u32> {
        let mut buffer = Buffer::default();
        let mut next = 0;
        for &(step, count) in steps {
            for _ in 0..count {
                buffer.push(next, step);
                next += 1;
            }
        }
        buffer
    }

    #[test]
    fn max_new_takes_the_recent_entries_first() {
        let buffer = buffer(&[(0, 10), (4, 3)]);
        for mode in [Mode::Paper, Mode::Clean] {
            let drawn = buffer.draw(5, 5, &BufferConfig::default(), mode, &mut rng(0));
            assert_eq!(drawn.len(), 5);
            assert_eq!(drawn[..3].iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([10, 11, 12]));
        }
        let clean = buffer.draw(13, 5, &BufferConfig::default(), Mode::Clean, &mut rng(1));
        assert_eq!(
            clean.iter().collect::<BTreeSet<_>>().len(),
            13,
            "the rest does not repeat the recent part"
        );
    }

    #[test]
    fn seeds_are_recent_in_the_first_step() {
        let buffer = buffer(&[(0, 4)]);
        assert_eq!(buffer.recent(1, 1, Mode::Clean).len(), 4);
        assert_eq!(buffer.recent(2, 1, Mode::Clean).len(), 0);
    }

    #[test]
    fn a_full_paper_buffer_takes_old_entries_for_new() {
        let config = BufferConfig { max_programs: 4, ..BufferConfig::default() };
        let mut buffer = buffer(&[(0, 4), (7, 2)]);
        buffer.trim(7, &config, &mut rng(0));
        assert_eq!(buffer.entries().iter().map(|entry| entry.item).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(buffer.recent(8, 1, Mode::Paper), [2, 3]);
        assert!(buffer.recent(8, 1, Mode::Clean).is_empty());
    }

    #[test]
    fn step_weights_leave_seeds_out() {
        let config = BufferConfig { mix: Mix::Step, ..BufferConfig::default() };
        let drawn = buffer(&[(0, 5), (2, 1)]).draw(20, 9, &config, Mode::Paper, &mut rng(0));
        assert!(drawn.iter().all(|&item| item == 5));
        let seeds_only = buffer(&[(0, 5)]).draw(4, 1, &config, Mode::Paper, &mut rng(0));
        assert_eq!(seeds_only.len(), 4);
    }

    #[test]
    fn the_frontier_is_where_half_of_the_answers_are_right() {
        let mut buffer: Buffer<u32> = Buffer::default();
        for (item, accuracy) in [(0, 0.0), (1, 0.5), (2, 1.0)] {
            buffer.push_estimated(item, 1, accuracy);
        }
        let config = BufferConfig { mix: Mix::Frontier, ..BufferConfig::default() };
        let drawn = buffer.draw(300, 2, &config, Mode::Clean, &mut rng(0));
        let count = |wanted: u32| drawn.iter().filter(|item| **item == wanted).count();
        assert!(count(1) > 250 && count(0) > 0 && count(2) > 0, "{} {} {}", count(0), count(1), count(2));
    }

    #[test]
    fn old_entries_leave_but_never_the_last() {
        let config = BufferConfig { max_age: 2, ..BufferConfig::default() };
        let mut buffer = buffer(&[(0, 3), (3, 2)]);
        buffer.trim(4, &config, &mut rng(0));
        assert_eq!(buffer.len(), 2);
        buffer.trim(40, &config, &mut rng(0));
        assert_eq!(buffer.len(), 1);
    }

    proptest! {
        #[test]
        fn draws_have_the_wanted_length_and_trims_keep_order(
            counts in prop::collection::vec(0_usize..6, 1..6), n in 0_usize..20, most in 1_usize..12, seed in any::<u64>(),
            mix in prop::sample::select(vec![Mix::MaxNew, Mix::UniformTotal, Mix::HalfNew, Mix::Step, Mix::Frontier]),
            keep in prop::sample::select(vec![Keep::Oldest, Keep::Newest, Keep::Uniform]),
            mode in prop::sample::select(vec![Mode::Paper, Mode::Clean]),
        ) {
            let steps: Vec<(u64, usize)> = counts.iter().enumerate().map(|(step, &count)| (step as u64, count)).collect();
            let mut buffer = buffer(&steps);
            let config = BufferConfig { mix, keep, max_programs: most, window: 1, max_age: 0 };
            let before: Vec<u32> = buffer.entries().iter().map(|entry| entry.item).collect();
            buffer.trim(counts.len() as u64, &config, &mut rng(seed));
            let after: Vec<u32> = buffer.entries().iter().map(|entry| entry.item).collect();
            prop_assert_eq!(after.len(), before.len().min(most));
            prop_assert!(after.windows(2).all(|pair| pair[0] < pair[1]), "the order stays");
            let drawn = buffer.draw(n, counts.len() as u64, &config, mode, &mut rng(seed));
            prop_assert_eq!(drawn.len(), if buffer.is_empty() { 0 } else { n });
            prop_assert!(drawn.iter().all(|item| after.contains(item)));
            let references = buffer.references(3, ReferenceDraw::Step, &mut rng(seed));
            prop_assert_eq!(references.iter().collect::<BTreeSet<_>>().len(), after.len().min(3));
        }
    }
}
