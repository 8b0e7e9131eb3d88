//! Filling the buffers before the first step (spec section 2).
//!
//! From one triplet, the identity function, the base model proposes until there are `n_proposals` x
//! `seed_batch_factor` seeds; then induction inputs for programs of the seed set. Checks are looser than in a step:
//! blocks are searched in the whole response. `paper` mode also cleans the programs as the seeding scripts do, keeps
//! duplicates within a batch and gives the induction buffer its seeds twice (spec 12); `clean` does neither.

use crate::buffers::Buffers;
use crate::config::{ConfigError, Mode, SeedSource, SelfPlayConfig};
use crate::draw::{Purpose, stream};
use crate::error::SelfPlayError;
use crate::judge::Judge;
use crate::observe::Event;
use crate::parse::{self, ProposalOptions};
use crate::policy::Policy;
use crate::propose::{PromptSource, ProposerPrompt, clean_programs, proposer_prompts, read_candidate};
use crate::step::{State, StepContext, generate, prompt_limit};
use crate::task::{InductionTask, Pair, Task, TaskType, Triplet};
use crate::validate::{Candidate, validate_seeds};
use azr_model::random::DrawKey;
use azr_model::{GenerateRequest, Sampling};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tasks to start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// For the deduction buffer, and for the abduction buffer where that has none of its own.
    pub triplets: Vec<Triplet>,
    /// For the abduction buffer alone.
    pub abduction: Option<Vec<Triplet>>,
    /// For the induction buffer.
    pub induction: Vec<InductionTask>,
    /// For the buffers of error tasks and of the caller's own type.
    pub others: BTreeMap<TaskType, Vec<Triplet>>,
}

impl Seeds {
    /// The identity function alone.
    pub fn identity(n_inputs: usize) -> Self {
        Self {
            triplets: vec![Triplet::identity()],
            induction: vec![InductionTask::identity(n_inputs)],
            ..Self::default()
        }
    }

    /// Adds the first task of every type that is none of the paper's three, where it has no seeds.
    fn add_first(&mut self, types: &[TaskType], judge: &Judge<'_>) {
        for &task_type in types {
            if let Some(kind) = judge.kind(task_type) {
                let seeds = self.others.entry(task_type).or_default();
                if seeds.is_empty() {
                    seeds.push(kind.first());
                }
            }
        }
    }

    /// The files of a run folder's `seeds/`: name and text.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![
            ("triplets.jsonl".to_owned(), triplets_to_jsonl(&self.triplets)),
            ("induction.jsonl".to_owned(), induction_to_jsonl(&self.induction)),
        ];
        let own = self.abduction.iter().map(|triplets| (TaskType::Abduction, triplets));
        for (task_type, triplets) in own.chain(self.others.iter().map(|(task_type, one)| (*task_type, one))) {
            files.push((format!("{task_type}.jsonl"), triplets_to_jsonl(triplets)));
        }
        files
    }

    /// Reads what [`Seeds::files`] gave.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let own = |task_type: TaskType| {
            let name = format!("{task_type}.jsonl");
            if !folder.join(&name).exists() {
                return Ok(None);
            }
            triplets_from_jsonl(&read(&name)?).map(Some).map_err(|error| format!("{name}: {error}"))
        };
        let mut others = BTreeMap::new();
        for task_type in [TaskType::Error, TaskType::Custom] {
            others.extend(own(task_type)?.map(|triplets| (task_type, triplets)));
        }
        Ok(Self {
            triplets: triplets_from_jsonl(&read("triplets.jsonl")?)
                .map_err(|error| format!("triplets.jsonl: {error}"))?,
            abduction: own(TaskType::Abduction)?,
            induction: induction_from_jsonl(&read("induction.jsonl")?)
                .map_err(|error| format!("induction.jsonl: {error}"))?,
            others,
        })
    }

    /// The state of a run that starts from these seeds.
    pub fn state(&self, mode: Mode) -> State {
        let mut buffers = Buffers::default();
        for triplet in &self.triplets {
            buffers.deduction.push(triplet.clone(), 0);
        }
        for triplet in self.abduction.as_ref().unwrap_or(&self.triplets) {
            buffers.abduction.push(triplet.clone(), 0);
        }
        for (task_type, triplets) in &self.others {
            for triplet in triplets {
                match task_type {
                    TaskType::Error => buffers.error.push(triplet.clone(), 0),
                    _ => buffers.custom.push(triplet.clone(), 0),
                }
            }
        }
        let times = if mode == Mode::Paper { 2 } else { 1 };
        for task in std::iter::repeat_n(&self.induction, times).flatten() {
            buffers.induction.push(task.clone(), 0);
        }
        State { buffers, ..State::default() }
    }
}

/// Makes the seeds that the configuration asks for.
pub fn make_seeds<P: Policy>(context: &mut StepContext<'_, P>) -> Result<Seeds, SelfPlayError> {
    let config = context.config;
    let n_inputs = config.proposer.n_inputs;
    let types = &config.run.task_types;
    let mut seeds = Seeds::identity(n_inputs);
    seeds.add_first(types, context.judge);
    match config.seeding.source {
        SeedSource::Identity => return Ok(seeds),
        SeedSource::Files => {
            return Err(SelfPlayError::Config(ConfigError {
                key: "seeding.source",
                reason: "the seeds of the files were not read".into(),
            }));
        }
        SeedSource::Propose => {}
    }
    let triplet_types: Vec<TaskType> = types
        .iter()
        .copied()
        .filter(|task_type| matches!(task_type, TaskType::Deduction | TaskType::Abduction))
        .collect();
    seed_kind(context, &mut seeds, "triplet", &triplet_types)?;
    for &task_type in types.iter().filter(|task_type| !triplet_types.contains(task_type)) {
        seed_kind(context, &mut seeds, task_type.name(), &[task_type])?;
    }
    Ok(seeds)
}

/// Seeds from elsewhere, cut to what the buffers hold, with first tasks for the types that have none.
pub fn complete_seeds(mut seeds: Seeds, config: &SelfPlayConfig, judge: &Judge<'_>) -> Seeds {
    let most = config.buffers.max_programs;
    seeds.triplets.truncate(most);
    seeds.abduction.iter_mut().for_each(|abduction| abduction.truncate(most));
    seeds.induction.truncate(most);
    seeds.others.values_mut().for_each(|others| others.truncate(most));
    if seeds.induction.is_empty() {
        seeds.induction.push(InductionTask::identity(config.proposer.n_inputs));
    }
    seeds.add_first(&config.run.task_types, judge);
    seeds
}

/// The seeds of a run: those given, or the ones that the configuration asks for.
pub(crate) fn seeds<P: Policy>(
    given: Option<Seeds>,
    context: &mut StepContext<'_, P>,
) -> Result<Seeds, SelfPlayError> {
    match given {
        Some(seeds) => Ok(complete_seeds(seeds, context.config, context.judge)),
        None => make_seeds(context),
    }
}

/// One kind of seed, one batch after the other, the types in turn.
fn seed_kind<P: Policy>(
    context: &mut StepContext<'_, P>,
    seeds: &mut Seeds,
    kind: &'static str,
    types: &[TaskType],
) -> Result<(), SelfPlayError> {
    let want = context.config.rollout.n_proposals * context.config.seeding.seed_batch_factor;
    for (batch, &task_type) in (0..context.config.seeding.max_batches as u64).zip(types.iter().cycle()) {
        let have = match kind {
            "triplet" => seeds.triplets.len(),
            "induction" => seeds.induction.len(),
            _ => seeds.others.get(&task_type).map_or(0, Vec::len),
        };
        context.observer.event(Event::Seeding { kind, have: have.min(want), want });
        if have >= want {
            break;
        }
        for task in propose_batch(context, seeds, task_type, batch)? {
            match task {
                Task::Deduction(triplet) | Task::Abduction(triplet) => seeds.triplets.push(triplet),
                Task::Induction(task) => seeds.induction.push(task),
                Task::Error(triplet) | Task::Custom(triplet) => {
                    seeds.others.entry(task_type).or_default().push(triplet);
                }
            }
        }
    }
    seeds.triplets.truncate(want.max(1));
    seeds.induction.truncate(want.max(1));
    seeds.others.values_mut().for_each(|others| others.truncate(want.max(1)));
    Ok(())
}

/// Valid proposals of one batch that are not seeds yet.
fn propose_batch<P: Policy>(
    context: &mut StepContext<'_, P>,
    seeds: &Seeds,
    task_type: TaskType,
    batch: u64,
) -> Result<Vec<Task>, SelfPlayError> {
    let config = context.config;
    let limit = prompt_limit(config, context.policy);
    let state = seeds.state(Mode::Clean);
    let key = DrawKey::new(config.run.seed, batch, stream(Purpose::SeedReferences, task_type), 0);
    let fits = |text: &str| context.policy.count_tokens(text) <= limit;
    let n = config.rollout.n_proposals;
    // Composite functions come later; the scripts of the reference also say that what follows the return is stripped.
    let wording = match config.mode {
        Mode::Paper => context.prompts.for_seeding_scripts(),
        Mode::Clean => context.prompts.clone(),
    };
    let source = PromptSource {
        config,
        prompts: &wording,
        buffers: &state.buffers,
        judge: context.judge,
        composition: None,
    };
    let prompts = proposer_prompts(&source, task_type, n, &key, fits);
    let requests: Vec<GenerateRequest> = prompts
        .iter()
        .enumerate()
        .map(|(item, prompt)| GenerateRequest {
            prompt: prompt.text.clone(),
            max_new_tokens: config.rollout.max_response_tokens,
            stop: Vec::new(),
            sampling: Sampling {
                temperature: config.rollout.temperature,
                top_p: config.rollout.top_p,
                ..Sampling::GREEDY
            },
            key: DrawKey::new(config.run.seed, batch, stream(Purpose::SeedPropose, task_type), item as u64),
        })
        .collect();
    let completions = generate(context.policy, &requests)?;
    let texts: Vec<String> = prompts
        .iter()
        .zip(&completions)
        .map(|(prompt, completion)| {
            parse::response_text(&prompt.text, &completion.text, config.mode == Mode::Paper)
        })
        .collect();
    let candidates = read_loosely(context, &prompts, &texts);
    let valid = validate_seeds(context.judge, config, &candidates).into_iter().flatten();

    let mut known: BTreeSet<String> = seeds.triplets.iter().map(triplet_key).collect();
    known.extend(seeds.induction.iter().map(induction_key));
    known.extend(seeds.others.iter().flat_map(|(task_type, others)| {
        others.iter().map(move |one| format!("{task_type}\u{0}{}", triplet_key(one)))
    }));
    let mut fresh = Vec::new();
    for task in valid {
        let key = match &task {
            Task::Deduction(triplet) | Task::Abduction(triplet) => triplet_key(triplet),
            Task::Induction(task) => induction_key(task),
            Task::Error(triplet) | Task::Custom(triplet) => {
                format!("{task_type}\u{0}{}", triplet_key(triplet))
            }
        };
        let is_new = if config.mode == Mode::Paper { !known.contains(&key) } else { known.insert(key) };
        if is_new {
            fresh.push(task);
        }
    }
    Ok(fresh)
}

/// Candidates from whole responses, cleaned in `paper` mode.
fn read_loosely<P: Policy>(
    context: &StepContext<'_, P>,
    prompts: &[ProposerPrompt],
    texts: &[String],
) -> Vec<Candidate> {
    let config = context.config;
    let options = ProposalOptions::from(&config.proposer);
    let mut candidates: Vec<Candidate> = prompts
        .iter()
        .zip(texts)
        .filter_map(|(prompt, text)| read_candidate(prompt, text, options, config.proposer.n_inputs))
        .collect();
    if config.mode == Mode::Paper {
        let mut cleaning = config.proposer.clone();
        (cleaning.remove_comments, cleaning.remove_after_return) = (true, true);
        let sources: Vec<String> = candidates
            .iter()
            .filter_map(|one| match one {
                Candidate::Triplet { program, .. } => Some(program.clone()),
                Candidate::Induction { .. } => None,
            })
            .collect();
        let mut cleaned =
            if sources.is_empty() { Vec::new() } else { clean_programs(context.judge, &cleaning, sources) }
                .into_iter();
        candidates.retain_mut(|one| match one {
            Candidate::Triplet { program, .. } => match cleaned.next().flatten() {
                Some(source) => {
                    *program = source;
                    true
                }
                None => false,
            },
            Candidate::Induction { .. } => true,
        });
    }
    candidates
}

fn triplet_key(triplet: &Triplet) -> String {
    format!("{}\u{0}{}", triplet.program, triplet.input)
}

fn induction_key(task: &InductionTask) -> String {
    let inputs: Vec<&str> = task.shown.iter().chain(&task.hidden).map(|pair| pair.input.as_str()).collect();
    format!("induction\u{0}{}\u{0}{}\u{0}{}", task.program, task.message, inputs.join("\u{0}"))
}

/// A row of the reference's seed files, as far as it is used.
#[derive(Serialize, Deserialize)]
struct TripletRow {
    snippet: String,
    input: String,
    output: String,
    #[serde(default)]
    imports: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct InductionRow {
    snippet: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
    message: String,
    #[serde(default)]
    imports: Vec<String>,
}

/// Triplets as JSON lines in the reference's form.
pub fn triplets_to_jsonl(triplets: &[Triplet]) -> String {
    lines(triplets.iter().map(|one| TripletRow {
        snippet: one.program.clone(),
        input: one.input.clone(),
        output: one.output.clone(),
        imports: one.imports.clone(),
    }))
}

/// Reads what [`triplets_to_jsonl`] or the reference wrote.
pub fn triplets_from_jsonl(text: &str) -> Result<Vec<Triplet>, String> {
    rows(text, |row: TripletRow| Triplet {
        program: row.snippet,
        input: row.input,
        output: row.output,
        imports: row.imports,
    })
}

/// Induction tasks as JSON lines in the reference's form.
pub fn induction_to_jsonl(tasks: &[InductionTask]) -> String {
    lines(tasks.iter().map(|task| {
        let pairs = || task.shown.iter().chain(&task.hidden);
        InductionRow {
            snippet: task.program.clone(),
            inputs: pairs().map(|pair| pair.input.clone()).collect(),
            outputs: pairs().map(|pair| pair.output.clone()).collect(),
            message: task.message.clone(),
            imports: task.imports.clone(),
        }
    }))
}

/// Reads what [`induction_to_jsonl`] or the reference wrote; the pairs are split in the middle.
pub fn induction_from_jsonl(text: &str) -> Result<Vec<InductionTask>, String> {
    rows(text, |row: InductionRow| {
        let pairs = row.inputs.into_iter().zip(row.outputs).map(Pair::from).collect();
        InductionTask::split(row.snippet, row.imports, pairs, row.message)
    })
}

fn lines<T: Serialize>(rows: impl Iterator<Item = T>) -> String {
    rows.map(|row| serde_json::to_string(&row).expect("a row is plain data") + "\n").collect()
}

fn rows<R: serde::de::DeserializeOwned, T>(text: &str, make: impl Fn(R) -> T) -> Result<Vec<T>, String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let row = serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))?;
            Ok(make(row))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_read_back_from_their_lines() {
        let seeds = Seeds::identity(6);
        assert_eq!(triplets_from_jsonl(&triplets_to_jsonl(&seeds.triplets)).unwrap(), seeds.triplets);
        assert_eq!(induction_from_jsonl(&induction_to_jsonl(&seeds.induction)).unwrap(), seeds.induction);
        let error = triplets_from_jsonl("\n{}").unwrap_err();
        assert!(error.starts_with("line 2"), "{error}");
    }

    #[test]
    fn the_published_seed_files_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/azr-seeds");
        let read = |name: &str| {
            let file = std::fs::File::open(format!("{folder}/{name}")).ok()?;
            let mut text = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).ok()?;
            Some(text)
        };
        let (Some(triplets), Some(induction)) =
            (read("7b_coder_seed_io.jsonl.gz"), read("7b_coder_code_f_seed_io.jsonl.gz"))
        else {
            crate::skip::skipped("no seed files at ../shared/data/azr-seeds");
            return;
        };
        assert_eq!(triplets_from_jsonl(&triplets).unwrap().len(), 256);
        let tasks = induction_from_jsonl(&induction).unwrap();
        assert_eq!((tasks.len(), tasks[1].shown.len(), tasks[1].hidden.len()), (256, 5, 5));
    }

    #[test]
    fn paper_mode_gives_the_induction_buffer_its_seeds_twice() {
        let seeds = Seeds::identity(6);
        assert_eq!(seeds.state(Mode::Paper).buffers.induction.len(), 2);
        assert_eq!(seeds.state(Mode::Clean).buffers.induction.len(), 1);
    }
}
