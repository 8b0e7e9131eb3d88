//! A model whose answers are a function of the prompt and the sample: exact expectations without weights.

use azr_model::{Completion, FinishReason, Generate, GenerateRequest};
use std::convert::Infallible;

/// Answers by a function of (prompt, sample).
pub struct Scripted<F> {
    answer: F,
    /// Requests answered so far.
    pub requests: usize,
}

impl<F: FnMut(&str, u64) -> String> Scripted<F> {
    /// A scripted model.
    pub fn new(answer: F) -> Self {
        Self { answer, requests: 0 }
    }
}

impl<F: FnMut(&str, u64) -> String> Generate for Scripted<F> {
    type Error = Infallible;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, Infallible> {
        self.requests += requests.len();
        let complete = |request: &GenerateRequest| {
            let text = (self.answer)(&request.prompt, request.key.item & 0xf_ffff);
            let tokens = vec![0; text.len().min(request.max_new_tokens)];
            Completion {
                logprobs: vec![0.0; tokens.len()],
                text,
                prompt_tokens: Vec::new(),
                tokens,
                finish: FinishReason::Stop,
            }
        };
        Ok(requests.iter().map(complete).collect())
    }

    fn version(&self) -> u64 {
        0
    }
}
