//! Asking the model: one greedy sample and further ones at temperature 1, in the prompts that it was trained on.

use super::protocol::ElapsedMs;
use super::{Caller, Reasoner, ms};
use crate::actor::{ActorError, Ask, Ticket};
use azr_model::random::DrawKey;
use azr_model::{GenerateRequest, Sampling};
use azr_selfplay::config::{Mode, PromptProfile};
use azr_selfplay::prompt::Prompts;
use azr_selfplay::solve::read_answer;
use azr_selfplay::{SelfPlayConfig, Task, TaskType, parse};
use std::time::Instant;

/// What the model may spend on a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spend {
    pub(super) samples: usize,
    pub(super) tokens: usize,
    pub(super) deadline: Instant,
    pub(super) seed: u64,
}

/// Samples on their way.
pub(super) struct Asked {
    task_type: TaskType,
    prompt: String,
    tickets: Vec<Ticket>,
    failed: Option<ActorError>,
}

/// One answer of the model.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) answer: String,
    pub(super) thought: Option<String>,
}

/// What the model said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Samples with an answer, in order; one that a budget cut short has none.
    pub(super) samples: Vec<Sample>,
    pub(super) version: Option<u64>,
    pub(super) failed: Option<ActorError>,
    pub(super) queue_ms: f64,
    pub(super) model_ms: f64,
}

impl Said {
    /// Times with those of the sandbox.
    pub(super) fn elapsed(&self, execute_ms: f64) -> ElapsedMs {
        ElapsedMs { model: self.model_ms, execute: execute_ms, queue: self.queue_ms }
    }
}

impl Reasoner {
    /// Sends a task to the model, and does not wait.
    pub(super) fn ask(&self, task: &Task, spend: Spend, caller: &Caller) -> Asked {
        let mut asked =
            Asked { task_type: task.task_type(), prompt: String::new(), tickets: Vec::new(), failed: None };
        let Some(actor) = self.model.as_ref().filter(|_| spend.samples > 0) else { return asked };
        let model = match actor.model() {
            Ok(model) => model,
            Err(error) => {
                asked.failed = Some(error);
                return asked;
            }
        };
        let mut config = SelfPlayConfig { mode: Mode::Clean, ..SelfPlayConfig::default() };
        config.run.prompts = if model.compact { PromptProfile::Compact } else { PromptProfile::Paper };
        let Ok(prompts) = Prompts::new(&config, None) else { return asked };
        asked.prompt = prompts.solve(task);
        let stream = match task.task_type() {
            TaskType::Deduction => "reason.deduce",
            TaskType::Abduction => "reason.abduce",
            TaskType::Induction => "reason.induce",
            TaskType::Error => "reason.error",
            TaskType::Custom => "reason.custom",
        };
        for sample in 0..spend.samples {
            let request = GenerateRequest {
                prompt: asked.prompt.clone(),
                max_new_tokens: spend.tokens,
                stop: vec!["</answer>".to_owned()],
                sampling: if sample == 0 { Sampling::GREEDY } else { Sampling::TEMPERATURE_1 },
                key: DrawKey::new(spend.seed, 0, stream, sample as u64),
            };
            let ask = Ask {
                priority: caller.priority,
                deadline: Some(spend.deadline),
                cancel: Some(caller.cancel.clone()),
                ..Ask::new(request)
            };
            match actor.submit(ask) {
                Ok(ticket) => asked.tickets.push(ticket),
                Err(error) => {
                    asked.failed = Some(error);
                    break;
                }
            }
        }
        asked
    }
}

impl Asked {
    /// Waits for the samples.
    pub(super) fn wait(self) -> Said {
        let mut said = Said { failed: self.failed, ..Said::default() };
        for ticket in self.tickets {
            let answer = match ticket.wait() {
                Ok(answer) => answer,
                Err(error) => {
                    said.failed = Some(error);
                    continue;
                }
            };
            said.version = Some(answer.version);
            said.queue_ms = said.queue_ms.max(ms(answer.queued));
            said.model_ms = said.model_ms.max(ms(answer.worked));
            let text = parse::response_text(&self.prompt, &answer.completion.text, false);
            if !text.contains("<answer>") {
                continue;
            }
            let read = read_answer(self.task_type, &text);
            // What is left with a fence is an answer of another form than was asked for.
            let answer = read
                .text
                .map(|answer| answer.trim().to_owned())
                .filter(|answer| !answer.is_empty() && !answer.contains("```"));
            let thought = Some(parse::thought(&text).trim().to_owned()).filter(|thought| !thought.is_empty());
            said.samples.extend(answer.map(|answer| Sample { answer, thought }));
        }
        said
    }
}
