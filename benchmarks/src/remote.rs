//! A model behind an `OpenAI`-compatible server (`vLLM`, `SGLang`, `llama.cpp`, `ollama`), for evaluation.
//!
//! Requests run side by side, their answers come back in order. A busy or failing server is asked again with growing
//! pauses, or after the pause it names. What a server answers is untrusted: bodies are bounded, and stop texts are cut
//! here too, since servers take at most four. Draws are the server's; it is given a seed that follows from the key of
//! the request.

use azr_model::{Completion, FinishReason, Generate, GenerateRequest};
use serde_json::{Value, json};
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Longest body that is read.
const BODY_BOUND: u64 = 64 << 20;
/// Stop texts that servers take.
const STOPS_BOUND: usize = 4;
/// Longest pause before another try.
const PAUSE_BOUND: Duration = Duration::from_mins(2);

/// Which of the two interfaces is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// `/completions`: the prompt is continued.
    Completions,
    /// `/chat/completions`: the prompt is the user's turn.
    Chat,
}

/// How a server is asked.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// Address up to the version, e.g. `http://127.0.0.1:8000/v1`.
    pub url: String,
    /// Name of the model; `None` takes the first that the server lists.
    pub model: Option<String>,
    /// Key for the header `Authorization`.
    pub key: Option<String>,
    /// Interface.
    pub interface: Interface,
    /// Requests at once.
    pub concurrency: usize,
    /// Tries of one request.
    pub tries: u32,
    /// Limit of one request.
    pub timeout: Duration,
    /// First pause before another try; it doubles.
    pub pause: Duration,
    /// Requests a minute at most.
    pub requests_per_minute: Option<u32>,
}

impl RemoteConfig {
    /// The usual settings for an address.
    pub fn new(url: impl Into<String>, interface: Interface) -> Self {
        Self {
            url: url.into().trim_end_matches('/').to_owned(),
            model: None,
            key: None,
            interface,
            concurrency: 8,
            tries: 6,
            timeout: Duration::from_mins(10),
            pause: Duration::from_secs(1),
            requests_per_minute: None,
        }
    }
}

/// Why a server gave no completion.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It did not answer, or not with success.
    #[error("{url} failed after {tries} tries: {reason}")]
    Failed {
        /// The address.
        url: String,
        /// Tries.
        tries: u32,
        /// The last failure.
        reason: String,
    },
    /// It refused the request.
    #[error("{url} refused the request with status {status}: {body}")]
    Refused {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// Its answer is not what the interface says.
    #[error("{url} answered something else than the interface says: {message}")]
    Malformed {
        /// The address.
        url: String,
        /// What is missing.
        message: String,
    },
}

/// A model behind a server.
pub struct RemoteModel {
    config: RemoteConfig,
    model: String,
    agent: ureq::Agent,
    gate: Mutex<()>,
}

impl RemoteModel {
    /// Reaches the server, and asks it for its model where none is named.
    pub fn open(config: RemoteConfig) -> Result<Self, RemoteError> {
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .timeout_connect(Some(Duration::from_secs(30)))
                .timeout_global(Some(config.timeout))
                .http_status_as_error(false)
                .build(),
        );
        let mut remote = Self { model: String::new(), config, agent, gate: Mutex::new(()) };
        remote.model = if let Some(model) = remote.config.model.clone() {
            model
        } else {
            let url = format!("{}/models", remote.config.url);
            let body = remote.ask(&url, None)?;
            body["data"][0]["id"].as_str().map(str::to_owned).ok_or_else(|| RemoteError::Malformed {
                url,
                message: "no data[0].id: name the model".into(),
            })?
        };
        Ok(remote)
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.model
    }

    fn complete(&self, request: &GenerateRequest) -> Result<Completion, RemoteError> {
        let sampling = request.sampling;
        let mut body = json!({
            "model": self.model,
            "max_tokens": request.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "n": 1,
            "seed": seed(request),
        });
        if !request.stop.is_empty() {
            body["stop"] = json!(request.stop.iter().take(STOPS_BOUND).collect::<Vec<_>>());
        }
        let path = match self.config.interface {
            Interface::Completions => {
                body["prompt"] = json!(request.prompt);
                "completions"
            }
            Interface::Chat => {
                body["messages"] = json!([{"role": "user", "content": request.prompt}]);
                "chat/completions"
            }
        };
        let url = format!("{}/{path}", self.config.url);
        let answer = self.ask(&url, Some(&body.to_string()))?;
        let choice = &answer["choices"][0];
        let text = match self.config.interface {
            Interface::Completions => &choice["text"],
            // A model that only thought has no content.
            Interface::Chat if choice["message"]["content"].is_null() && choice["message"].is_object() => {
                &Value::String(String::new())
            }
            Interface::Chat => &choice["message"]["content"],
        };
        let Some(text) = text.as_str() else {
            return Err(RemoteError::Malformed { url, message: "no text in choices[0]".into() });
        };
        let end = request
            .stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| text.find(stop.as_str()))
            .min();
        let text = &text[..end.unwrap_or(text.len())];
        let length = choice["finish_reason"].as_str() == Some("length") && end.is_none();
        let tokens = answer["usage"]["completion_tokens"].as_u64().unwrap_or(0);
        let tokens = vec![0; usize::try_from(tokens).unwrap_or(0).min(request.max_new_tokens)];
        Ok(Completion {
            text: text.to_owned(),
            prompt_tokens: Vec::new(),
            logprobs: Vec::new(),
            tokens,
            finish: if length { FinishReason::Length } else { FinishReason::Stop },
        })
    }

    /// One exchange, with as many tries as it may take.
    fn ask(&self, url: &str, body: Option<&str>) -> Result<Value, RemoteError> {
        let (mut pause, mut asked) = (self.config.pause, Duration::ZERO);
        let mut reason = String::new();
        for attempt in 1..=self.config.tries.max(1) {
            if attempt > 1 {
                // A server may ask for more patience than ours, not for less.
                std::thread::sleep(pause.max(asked).min(PAUSE_BOUND));
                pause = pause.saturating_mul(2);
            }
            self.wait_for_turn();
            match self.exchange(url, body) {
                Ok((200..=299, _, text)) => {
                    return serde_json::from_str(&text).map_err(|error| RemoteError::Malformed {
                        url: url.into(),
                        message: error.to_string(),
                    });
                }
                Ok((status @ (408 | 409 | 425 | 429 | 500..=599), wait, text)) => {
                    reason = format!("status {status}: {}", beginning(&text));
                    asked = wait.unwrap_or_default();
                }
                Ok((status, _, text)) => {
                    return Err(RemoteError::Refused { url: url.into(), status, body: beginning(&text) });
                }
                Err(error) => reason = error,
            }
        }
        Err(RemoteError::Failed { url: url.into(), tries: self.config.tries.max(1), reason })
    }

    /// Spaces the starts of requests; the pause is taken while the gate is held, so that no clock is read.
    fn wait_for_turn(&self) {
        if let Some(rate) = self.config.requests_per_minute.filter(|rate| *rate > 0) {
            let _turn = self.gate.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::thread::sleep(Duration::from_mins(1) / rate);
        }
    }

    /// Status, the pause that the server asks for, body.
    fn exchange(&self, url: &str, body: Option<&str>) -> Result<(u16, Option<Duration>, String), String> {
        let key = self.config.key.as_ref().map(|key| format!("Bearer {key}"));
        let response = if let Some(body) = body {
            let mut request = self.agent.post(url).header("Content-Type", "application/json");
            if let Some(key) = &key {
                request = request.header("Authorization", key);
            }
            request.send(body)
        } else {
            let mut request = self.agent.get(url);
            if let Some(key) = &key {
                request = request.header("Authorization", key);
            }
            request.call()
        };
        let mut response = response.map_err(|error| error.to_string())?;
        let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        response
            .body_mut()
            .as_reader()
            .take(BODY_BOUND)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok((status, wait.map(Duration::from_secs), String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(300).collect::<String>().replace('\n', " ")
}

/// A seed that follows from the key of the request.
fn seed(request: &GenerateRequest) -> u32 {
    let key = format!("{:?}", request.key);
    let hash = crate::data::hash(key.as_bytes());
    u32::from_str_radix(&hash[..7], 16).unwrap_or(0)
}

impl Generate for RemoteModel {
    type Error = RemoteError;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, RemoteError> {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Result<Completion, RemoteError>>>> =
            Mutex::new((0..requests.len()).map(|_| None).collect());
        let remote = &*self;
        std::thread::scope(|scope| {
            for _ in 0..remote.config.concurrency.clamp(1, 256).min(requests.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(request) = requests.get(index) else { break };
                        let result = remote.complete(request);
                        let failed = result.is_err();
                        let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        results[index] = Some(result);
                        if failed {
                            // What was asked for already is finished; nothing new is begun.
                            next.store(requests.len(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut completions = Vec::with_capacity(requests.len());
        let mut missing = false;
        for result in results {
            match result {
                Some(Ok(completion)) => completions.push(completion),
                Some(Err(error)) => return Err(error),
                None => missing = true,
            }
        }
        if missing {
            return Err(RemoteError::Failed {
                url: self.config.url.clone(),
                tries: 0,
                reason: "stopped".into(),
            });
        }
        Ok(completions)
    }

    fn version(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
