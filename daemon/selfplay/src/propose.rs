//! The proposer's prompts and responses (spec sections 3.2, 4 and 5).

use crate::buffers::Buffers;
use crate::compose::{compose, draw_functions};
use crate::config::{Composition, ProposerConfig, SelfPlayConfig};
use crate::judge::Judge;
use crate::parse::{self, ProposalOptions};
use crate::prompt::{Prompts, ProposeContext};
use crate::task::{TaskType, Triplet};
use crate::validate::Candidate;
use azr_executor::analysis;
use azr_model::random::DrawKey;

/// Draws of references for one prompt that is too long, before fewer references are tried.
const REDRAWS: usize = 8;

/// A proposer prompt and what it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposerPrompt {
    /// Task type.
    pub task_type: TaskType,
    /// Text.
    pub text: String,
    /// The references shown (for induction: the program alone).
    pub references: Vec<Triplet>,
    /// Stored programs that the proposal must call, named `g_0`, `g_1`, ...
    pub functions: Vec<Triplet>,
}

/// What proposer prompts are made from.
#[derive(Clone, Copy)]
pub struct PromptSource<'a> {
    /// The configuration.
    pub config: &'a SelfPlayConfig,
    /// The wording.
    pub prompts: &'a Prompts,
    /// Where references and programs come from.
    pub buffers: &'a Buffers,
    /// Renames stored programs.
    pub judge: &'a Judge<'a>,
    /// The step's rule of composite functions; none while seeding.
    pub composition: Option<Composition>,
}

/// Makes `n` proposer prompts of a type. A prompt above the limit is drawn anew (spec 3.2), then with fewer
/// references; `key` names the draws but for the item. Fewer than `n` come back only where the buffers are empty or nothing fits.
pub fn proposer_prompts(
    source: &PromptSource<'_>,
    task_type: TaskType,
    n: usize,
    key: &DrawKey,
    fits: impl Fn(&str) -> bool,
) -> Vec<ProposerPrompt> {
    let PromptSource { config, prompts, buffers, judge, composition } = source;
    (0..n as u64)
        .filter_map(|item| {
            let mut rng = DrawKey { item, ..key.clone() }.rng();
            for attempt in 0..REDRAWS + config.proposer.n_references {
                let count = config.proposer.n_references - (attempt + 1).saturating_sub(REDRAWS);
                let weights = config.proposer.reference_draw;
                let (references, functions) = match buffers.triplets(task_type) {
                    None => (vec![buffers.draw_program(&mut rng)?], Vec::new()),
                    Some(buffer) => {
                        let wanted = if config.proposer.include_references { count } else { 0 };
                        let references = if wanted == 0 {
                            Vec::new()
                        } else {
                            buffer.references(wanted, weights, &mut rng)
                        };
                        let functions = composition.as_ref().map_or_else(Vec::new, |rule| {
                            draw_functions(judge, rule, buffer, weights, references.len(), &mut rng)
                        });
                        (references, functions)
                    }
                };
                let context = match (task_type, references.first()) {
                    (TaskType::Induction, Some(base)) => ProposeContext::Program(&base.program),
                    _ => ProposeContext::Composite(&references, &functions),
                };
                let text = prompts.propose(task_type, context);
                if fits(&text) {
                    return Some(ProposerPrompt { task_type, text, references, functions });
                }
            }
            None
        })
        .collect()
}

/// A proposer's response, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Thought and answer stand where they should.
    pub well_formed: bool,
    /// The thought is not empty.
    pub traced: bool,
    /// What it proposes, where it could be parsed.
    pub candidate: Option<Candidate>,
}

/// Takes responses apart. `texts` are what [`parse::response_text`] gives.
pub fn read_proposals(
    judge: &Judge<'_>,
    config: &ProposerConfig,
    responses: &[(&ProposerPrompt, String)],
) -> Vec<Proposal> {
    let options = ProposalOptions::from(config);
    let mut proposals: Vec<Proposal> = responses
        .iter()
        .map(|(prompt, text)| {
            let answer = parse::answer_block(text);
            Proposal {
                well_formed: parse::well_formed(text),
                traced: !parse::thought(text).trim().is_empty(),
                candidate: read_candidate(prompt, answer, options, config.n_inputs),
            }
        })
        .collect();
    if config.reject_test_inputs {
        reject_test_inputs(options, responses, &mut proposals);
    }
    clean_candidates(judge, config, &mut proposals);
    put_functions_before(judge, responses, &mut proposals);
    proposals
}

/// Puts the functions of a prompt before its proposal, which must call them all.
fn put_functions_before(
    judge: &Judge<'_>,
    responses: &[(&ProposerPrompt, String)],
    proposals: &mut [Proposal],
) {
    let (mut places, mut sources) = (Vec::new(), Vec::new());
    for (index, ((prompt, _), proposal)) in responses.iter().zip(proposals.iter()).enumerate() {
        if let (Some(Candidate::Triplet { program, .. }), false) =
            (&proposal.candidate, prompt.functions.is_empty())
        {
            places.push(index);
            sources.push((program.clone(), prompt.functions.as_slice()));
        }
    }
    if sources.is_empty() {
        return;
    }
    for (index, composed) in places.into_iter().zip(compose(judge, &sources)) {
        match (composed, &mut proposals[index].candidate) {
            (Some(composed), Some(Candidate::Triplet { program, .. })) => *program = composed,
            (_, candidate) => *candidate = None,
        }
    }
}

/// Drops programs that carry test inputs. They are looked for before the entry is renamed (spec 5).
fn reject_test_inputs(
    options: ProposalOptions,
    responses: &[(&ProposerPrompt, String)],
    proposals: &mut [Proposal],
) {
    for (proposal, (_, text)) in proposals.iter_mut().zip(responses) {
        let carries = || {
            parse::parse_proposal(parse::answer_block(text), options)
                .is_some_and(|one| analysis::has_test_input(&one.original))
        };
        if matches!(proposal.candidate, Some(Candidate::Triplet { .. })) && carries() {
            proposal.candidate = None;
        }
    }
}

/// Reads what an answer proposes.
pub(crate) fn read_candidate(
    prompt: &ProposerPrompt,
    answer: &str,
    options: ProposalOptions,
    n_inputs: usize,
) -> Option<Candidate> {
    if prompt.task_type == TaskType::Induction {
        let base = prompt.references.first()?;
        let (inputs, message) = parse::parse_induction_proposal(answer, n_inputs)?;
        return Some(Candidate::Induction {
            program: base.program.clone(),
            imports: base.imports.clone(),
            inputs,
            message,
        });
    }
    let parsed = parse::parse_proposal(answer, options)?;
    Some(Candidate::Triplet { task_type: prompt.task_type, program: parsed.program, input: parsed.input })
}

/// Applies the optional cleaners (all off in published runs, spec 5).
fn clean_candidates(judge: &Judge<'_>, config: &ProposerConfig, proposals: &mut [Proposal]) {
    if !(config.remove_comments || config.remove_after_return || config.remove_print) {
        return;
    }
    let mut places = Vec::new();
    let mut sources = Vec::new();
    for (index, proposal) in proposals.iter().enumerate() {
        if let Some(Candidate::Triplet { program, .. }) = &proposal.candidate {
            places.push(index);
            sources.push(program.clone());
        }
    }
    for (index, cleaned) in places.into_iter().zip(clean_programs(judge, config, sources)) {
        match (cleaned, &mut proposals[index].candidate) {
            (Some(cleaned), Some(Candidate::Triplet { program, .. })) => *program = cleaned,
            (_, candidate) => *candidate = None,
        }
    }
}

/// The cleaned programs; `None` where one is lost.
pub(crate) fn clean_programs(
    judge: &Judge<'_>,
    config: &ProposerConfig,
    mut sources: Vec<String>,
) -> Vec<Option<String>> {
    let sandbox = judge.sandbox();
    if config.remove_comments {
        sources = analysis::remove_comments_and_docstrings(sandbox, &sources);
    }
    if config.remove_after_return {
        sources = analysis::remove_any_not_definition_imports(sandbox, &sources);
    }
    if config.remove_print {
        // The reference raises where the source does not parse, which loses the proposal.
        analysis::remove_print_statements(sandbox, &sources).into_iter().map(Result::ok).collect()
    } else {
        sources.into_iter().map(Some).collect()
    }
}
