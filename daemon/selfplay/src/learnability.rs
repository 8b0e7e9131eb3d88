//! The solver's accuracy on new proposals: n answers of the current policy to each (spec section 6).

use crate::config::SelfPlayConfig;
use crate::draw::{Purpose, stream};
use crate::error::SelfPlayError;
use crate::judge::Judge;
use crate::policy::Policy;
use crate::prompt::Prompts;
use crate::reward::mean_accuracy;
use crate::solve::{Grade, grade_all};
use crate::task::Task;
use azr_model::random::DrawKey;
use azr_model::{Completion, GenerateRequest, Sampling};

/// A valid proposal whose learnability is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Estimate<'a> {
    /// The task.
    pub task: &'a Task,
    /// Index of the proposal within its type, which keys its draws.
    pub proposal: usize,
}

/// What the policy made of one proposal.
#[derive(Clone, Debug)]
pub struct Learnability {
    /// Mean verdict; 0 where the solver's prompt is too long.
    pub accuracy: f64,
    /// The solver's prompt did not fit: the proposal does not enter the buffer.
    pub too_long: bool,
    /// The prompt.
    pub prompt: String,
    /// The answers with their grades.
    pub answers: Vec<(Completion, Grade)>,
}

/// Asks the policy n times for each proposal. Only the answer is looked at, not the response's format.
pub fn estimate<P: Policy>(
    policy: &mut P,
    judge: &Judge<'_>,
    config: &SelfPlayConfig,
    prompts: &Prompts,
    step: u64,
    wanted: &[Estimate<'_>],
) -> Result<Vec<Learnability>, SelfPlayError> {
    let n = config.learnability.n_samples;
    let limit = crate::step::prompt_limit(config, policy);
    let mut results = Vec::with_capacity(wanted.len());
    let (mut requests, mut owners) = (Vec::new(), Vec::new());
    for (index, one) in wanted.iter().enumerate() {
        let prompt = prompts.solve(one.task);
        let too_long = policy.count_tokens(&prompt) > limit;
        if !too_long {
            for sample in 0..n {
                let item = (one.proposal * n + sample) as u64;
                let name = stream(Purpose::Estimate, one.task.task_type());
                requests.push(GenerateRequest {
                    prompt: prompt.clone(),
                    max_new_tokens: config.rollout.max_response_tokens,
                    stop: Vec::new(),
                    sampling: Sampling {
                        temperature: config.learnability.temperature,
                        top_p: config.rollout.top_p,
                        ..Sampling::GREEDY
                    },
                    key: DrawKey::new(config.run.seed, step, name, item),
                });
                owners.push(index);
            }
        }
        results.push(Learnability { accuracy: 0.0, too_long, prompt, answers: Vec::with_capacity(n) });
    }
    let completions = crate::step::generate(policy, &requests)?;
    // The response alone is read, whatever it says after a second "Assistant:" (the solver's own answers are cut there).
    let answers: Vec<String> = owners
        .iter()
        .zip(&completions)
        .map(|(&index, completion)| {
            judge.read_answer(wanted[index].task.task_type(), &completion.text).text.unwrap_or_default()
        })
        .collect();
    let graded: Vec<(&Task, &str)> =
        owners.iter().zip(&answers).map(|(&index, answer)| (wanted[index].task, answer.as_str())).collect();
    let grades = grade_all(judge, &graded, config.solver.induction_score);
    for ((index, completion), grade) in owners.into_iter().zip(completions).zip(grades) {
        results[index].answers.push((completion, grade));
    }
    for result in &mut results {
        let verdicts: Vec<Option<f64>> = result.answers.iter().map(|(_, grade)| grade.accuracy).collect();
        result.accuracy = mean_accuracy(&verdicts);
    }
    Ok(results)
}
