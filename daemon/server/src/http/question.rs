//! The body of a request, checked: every field of the interface is read, refused, or harmless at its value.

use super::HttpError;
use crate::actor::Ask;
use azr_model::random::DrawKey;
use azr_model::{ChatFormat, ChatMessage, GenerateRequest, Sampling};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Completions of one request at most, prompts times `n`.
const MAX_CHOICES: usize = 128;
/// New tokens where nothing is asked for, as the interface says for texts.
const DEFAULT_TOKENS: usize = 16;
/// The same for chats, where the interface sets no bound but the context.
const DEFAULT_CHAT_TOKENS: usize = 1_024;
const MAX_TOKENS: usize = 1 << 20;
const MAX_STOPS: usize = 16;
/// Most alternatives of a token.
const MAX_TOP: u64 = 20;
/// Fields that are read.
const READ: [&str; 14] = [
    "model",
    "n",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "temperature",
    "top_p",
    "seed",
    "logprobs",
    "top_logprobs",
    "prompt",
    "messages",
];

/// A question to the model.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) model: String,
    pub(super) n: usize,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// So many alternatives at each token; `None` = no log-probabilities.
    pub(super) top_logprobs: Option<usize>,
    prompts: Vec<String>,
    /// Messages of a chat, whose prompt is the only one.
    messages: Vec<ChatMessage>,
    max_tokens: usize,
    stop: Vec<String>,
    sampling: Sampling,
    seed: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Fields {
    model: String,
    n: Option<usize>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    stop: Option<OneOrMany>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    seed: Option<i64>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Value,
}

/// Fields that change nothing here: labels of the client, and settings at the value that means "off".
fn is_harmless(name: &str, value: &Value) -> bool {
    match name {
        "user" | "metadata" | "store" | "service_tier" | "parallel_tool_calls" => true,
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "echo" => value == false,
        "best_of" => value == 1,
        "suffix" => value == "",
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "response_format" => value.get("type").is_some_and(|kind| kind == "text"),
        "tool_choice" => value == "none",
        "tools" => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    }
}

impl Question {
    /// Body of `/v1/completions`.
    pub(super) fn completions(body: &[u8]) -> Result<Self, HttpError> {
        let fields = object(body)?;
        let prompts = match fields.get("prompt").cloned().map(serde_json::from_value) {
            Some(Ok(OneOrMany::One(prompt))) => vec![prompt],
            Some(Ok(OneOrMany::Many(prompts))) => prompts,
            Some(Err(_)) => {
                return Err(HttpError::bad("prompt: a text or a list of texts; token ids are not read"));
            }
            None => return Err(HttpError::bad("prompt is missing")),
        };
        let top = top(&fields, "logprobs")?;
        Self::new(fields, prompts, top, DEFAULT_TOKENS)
    }

    /// Body of `/v1/chat/completions`.
    pub(super) fn chat(body: &[u8]) -> Result<Self, HttpError> {
        let fields = object(body)?;
        let messages =
            fields.get("messages").cloned().ok_or_else(|| HttpError::bad("messages is missing"))?;
        let messages: Vec<Message> =
            serde_json::from_value(messages).map_err(|error| HttpError::bad(format!("messages: {error}")))?;
        let messages = checked(&messages)?;
        let prompt = plain_prompt(&messages);
        let wanted = match fields.get("logprobs") {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => return Err(HttpError::bad("logprobs: true or false")),
        };
        let top = top(&fields, "top_logprobs")?.unwrap_or(0);
        let question = Self::new(fields, vec![prompt], wanted.then_some(top), DEFAULT_CHAT_TOKENS)?;
        Ok(Self { messages, ..question })
    }

    /// Writes the prompt of a chat in the model's own template, where it has one.
    pub(super) fn for_model(mut self, chat: Option<&ChatFormat>) -> Result<Self, HttpError> {
        if let Some(chat) = chat.filter(|chat| chat.template().is_some() && !self.messages.is_empty()) {
            let prompt = chat.render(&self.messages, true, None);
            self.prompts = vec![prompt.map_err(|error| HttpError::bad(format!("messages: {error}")))?];
        }
        Ok(self)
    }

    fn new(
        fields: Map<String, Value>,
        prompts: Vec<String>,
        top_logprobs: Option<usize>,
        default_tokens: usize,
    ) -> Result<Self, HttpError> {
        for (name, value) in &fields {
            if !READ.contains(&name.as_str()) && !value.is_null() && !is_harmless(name, value) {
                let message = format!("{name} is not supported with this value: leave it out");
                return Err(HttpError::bad(message));
            }
        }
        let read: Fields = serde_json::from_value(Value::Object(fields))
            .map_err(|error| HttpError::bad(error.to_string()))?;
        let n = read.n.unwrap_or(1);
        if n == 0 || prompts.is_empty() || n.saturating_mul(prompts.len()) > MAX_CHOICES {
            return Err(HttpError::bad(format!("between 1 and {MAX_CHOICES} completions, prompts times n")));
        }
        let temperature = read.temperature.unwrap_or(1.0);
        let top_p = read.top_p.unwrap_or(1.0);
        if !(0.0..=2.0).contains(&temperature) || !(0.0..=1.0).contains(&top_p) {
            return Err(HttpError::bad("temperature: 0 to 2; top_p: 0 to 1"));
        }
        let max_tokens = read.max_completion_tokens.or(read.max_tokens).unwrap_or(default_tokens);
        if max_tokens == 0 || max_tokens > MAX_TOKENS {
            return Err(HttpError::bad(format!("max_tokens: 1 to {MAX_TOKENS}")));
        }
        let stop = match read.stop {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop],
            Some(OneOrMany::Many(stop)) => stop,
        };
        if stop.len() > MAX_STOPS || stop.iter().any(|stop| stop.is_empty() || stop.len() > 1_000) {
            return Err(HttpError::bad(format!("stop: at most {MAX_STOPS} texts, none of them empty")));
        }
        Ok(Self {
            model: read.model,
            n,
            stream: read.stream.unwrap_or(false),
            include_usage: read.stream_options.is_some_and(|options| options.include_usage),
            top_logprobs,
            prompts,
            messages: Vec::new(),
            max_tokens,
            stop,
            sampling: Sampling { temperature, top_p, ..Sampling::TEMPERATURE_1 },
            seed: read.seed.unwrap_or(0) as u64,
        })
    }

    /// The requests of the actor: all completions of the first prompt, then of the next.
    pub(super) fn asks(&self) -> Vec<Ask> {
        let all = self.prompts.iter().flat_map(|prompt| std::iter::repeat_n(prompt, self.n));
        all.enumerate()
            .map(|(index, prompt)| Ask {
                top_logprobs: self.top_logprobs.unwrap_or(0),
                stream: self.stream,
                ..Ask::new(GenerateRequest {
                    prompt: prompt.clone(),
                    max_new_tokens: self.max_tokens,
                    stop: self.stop.clone(),
                    sampling: self.sampling,
                    key: DrawKey::new(self.seed, 0, "http", index as u64),
                })
            })
            .collect()
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, HttpError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(HttpError::bad("the body is not an object")),
        Err(error) => Err(HttpError::bad(format!("the body is not JSON: {error}"))),
    }
}

fn top(fields: &Map<String, Value>, name: &str) -> Result<Option<usize>, HttpError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|count| *count <= MAX_TOP) {
            Some(count) => Ok(Some(count as usize)),
            None => Err(HttpError::bad(format!("{name}: a whole number from 0 to {MAX_TOP}"))),
        },
    }
}

/// Messages whose roles and contents are known here.
fn checked(messages: &[Message]) -> Result<Vec<ChatMessage>, HttpError> {
    if messages.is_empty() {
        return Err(HttpError::bad("messages is empty"));
    }
    let known = |role: &str| ["system", "developer", "user", "assistant"].contains(&role);
    let one = |message: &Message| {
        if !known(&message.role) {
            return Err(HttpError::bad(format!("messages: no role '{}' here", message.role)));
        }
        Ok(ChatMessage { role: message.role.clone(), content: content(&message.content)? })
    };
    messages.iter().map(one).collect()
}

/// The prompt for a model without a template. A single message of a user is the prompt as it stands, which is what the
/// prompt profiles need; several are a conversation in the words of the paper's template for base models.
fn plain_prompt(messages: &[ChatMessage]) -> String {
    if let [only] = messages
        && only.role == "user"
    {
        return only.content.clone();
    }
    let line = |message: &ChatMessage| {
        let speaker = match message.role.as_str() {
            "user" => "User",
            "assistant" => "Assistant",
            _ => "System",
        };
        format!("{speaker}: {}\n", message.content)
    };
    messages.iter().map(line).collect::<String>() + "Assistant:"
}

/// A text, or parts that are all texts.
fn content(content: &Value) -> Result<String, HttpError> {
    let bad = || HttpError::bad("messages: content is a text, or a list of parts of type text");
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
            parts.iter().map(|part| text(part).ok_or_else(bad)).collect()
        }
        _ => Err(bad()),
    }
}
