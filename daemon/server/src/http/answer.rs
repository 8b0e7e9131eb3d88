//! Answers in the shapes of the interface: whole or in chunks, texts or chats.

use super::finish_reason;
use crate::actor::{Answer, Ended, ServedModel};
use serde_json::{Value, json};

/// A token, its log-probability and the most probable ones in its place.
type Told = (u32, f32, Vec<(u32, f32)>);

/// Which of the two interfaces is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Chat,
}

/// Writes the answers to one question.
pub(super) struct Writer {
    kind: Kind,
    model: ServedModel,
    created: u64,
    top_logprobs: Option<usize>,
}

impl Writer {
    pub(super) fn new(kind: Kind, model: ServedModel, created: u64, top_logprobs: Option<usize>) -> Self {
        Self { kind, model, created, top_logprobs }
    }

    fn envelope(&self, object: &str, choices: &[Value]) -> Value {
        let id = if self.kind == Kind::Text { "cmpl-azr" } else { "chatcmpl-azr" };
        json!({
            "id": id, "object": object, "created": self.created, "model": self.model.name, "choices": choices,
        })
    }

    fn text_of(&self, token: u32) -> String {
        self.model.folder.tokenizer.decode(&[token]).unwrap_or_default()
    }

    /// A choice of a whole answer.
    pub(super) fn choice(&self, index: usize, answer: &Answer) -> Value {
        let completion = &answer.completion;
        let tokens = completion.tokens.iter().zip(&completion.logprobs).enumerate();
        let told: Vec<Told> = tokens
            .map(|(place, (token, logprob))| {
                (*token, *logprob, answer.top.get(place).cloned().unwrap_or_default())
            })
            .collect();
        let mut choice = json!({
            "index": index, "finish_reason": finish_reason(answer.ended), "logprobs": self.logprobs(&told, 0),
        });
        match self.kind {
            Kind::Text => choice["text"] = completion.text.clone().into(),
            Kind::Chat => {
                choice["message"] =
                    json!({ "role": "assistant", "content": completion.text, "refusal": null });
            }
        }
        choice
    }

    /// A whole answer.
    pub(super) fn whole(&self, choices: &[Value], prompt_tokens: usize, new_tokens: usize) -> Value {
        let object = if self.kind == Kind::Text { "text_completion" } else { "chat.completion" };
        let mut whole = self.envelope(object, choices);
        whole["usage"] = usage(prompt_tokens, new_tokens);
        whole
    }

    /// A piece of a streamed choice, `offset` characters after its beginning; the last one says why it ended.
    pub(super) fn chunk(
        &self,
        index: usize,
        offset: usize,
        text: &str,
        told: &[Told],
        ended: Option<Ended>,
    ) -> Value {
        let mut choice = json!({
            "index": index, "finish_reason": ended.map(finish_reason), "logprobs": self.logprobs(told, offset),
        });
        match self.kind {
            Kind::Text => choice["text"] = text.into(),
            Kind::Chat => choice["delta"] = json!({ "role": "assistant", "content": text }),
        }
        self.envelope(self.chunk_object(), &[choice])
    }

    /// The last piece of a stream for clients that asked for the usage.
    pub(super) fn usage_chunk(&self, prompt_tokens: usize, new_tokens: usize) -> Value {
        let mut chunk = self.envelope(self.chunk_object(), &[]);
        chunk["usage"] = usage(prompt_tokens, new_tokens);
        chunk
    }

    fn chunk_object(&self) -> &'static str {
        if self.kind == Kind::Text { "text_completion" } else { "chat.completion.chunk" }
    }

    /// Where each token begins in the text of the choice, in characters: the prompt is not part of it, as it is not echoed.
    fn offsets(&self, told: &[Told], begin: usize) -> Vec<usize> {
        let mut offset = begin;
        // Tokens that are part of a character have the place of the character.
        let mut part = Vec::new();
        let place = |(token, ..): &Told| {
            let place = offset;
            part.push(*token);
            let text = self.model.folder.tokenizer.decode(&part).unwrap_or_default();
            if !text.ends_with(char::REPLACEMENT_CHARACTER) {
                offset += text.chars().count();
                part.clear();
            }
            place
        };
        told.iter().map(place).collect()
    }

    fn logprobs(&self, told: &[Told], offset: usize) -> Value {
        if self.top_logprobs.is_none() {
            return Value::Null;
        }
        if self.kind == Kind::Text {
            let top = |one: &Told| -> Value {
                let pairs = one.2.iter().map(|(token, logprob)| (self.text_of(*token), json!(logprob)));
                Value::Object(pairs.collect())
            };
            return json!({
                "tokens": told.iter().map(|one| self.text_of(one.0)).collect::<Vec<_>>(),
                "token_logprobs": told.iter().map(|one| one.1).collect::<Vec<_>>(),
                "top_logprobs": told.iter().map(top).collect::<Vec<_>>(),
                "text_offset": self.offsets(told, offset),
            });
        }
        let entry = |token: u32, logprob: f32| {
            let text = self.text_of(token);
            json!({ "token": text, "logprob": logprob, "bytes": text.as_bytes() })
        };
        let content: Vec<Value> = told
            .iter()
            .map(|(token, logprob, top)| {
                let mut one = entry(*token, *logprob);
                one["top_logprobs"] = top.iter().map(|(token, logprob)| entry(*token, *logprob)).collect();
                one
            })
            .collect();
        json!({ "content": content, "refusal": null })
    }
}

fn usage(prompt_tokens: usize, new_tokens: usize) -> Value {
    json!({
        "prompt_tokens": prompt_tokens, "completion_tokens": new_tokens,
        "total_tokens": prompt_tokens + new_tokens,
    })
}
