//! The HTTP side of the model: an endpoint that clients of the OpenAI interface can use, `/metrics` and `/healthz`.
//!
//! Requests go through the same queue and engine as everybody else's. Everything wants the bearer token but `/healthz`, which
//! says nothing but that the daemon lives. What a field asks for and this model cannot do is refused,
//! never ignored. The caller binds the listener: to loopback, unless told otherwise.

mod answer;
mod bearer;
mod error;
mod metrics;
mod question;

pub use bearer::Bearer;
pub use error::HttpError;

use crate::actor::{Ended, Event, ModelActor, Ticket};
use answer::{Kind, Writer};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use question::Question;
use std::sync::Arc;

/// Longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 4 << 20;

/// What the endpoint serves.
pub struct Endpoint {
    actor: ModelActor,
    bearer: Bearer,
    created: u64,
}

impl Endpoint {
    /// An endpoint over a model; `token` is what clients must send, `created` the time of opening in seconds since 1970,
    /// which every answer names.
    pub fn new(actor: ModelActor, token: impl Into<String>, created: u64) -> Self {
        Self { actor, bearer: Bearer::new(token), created }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), HttpError> {
        self.bearer.check(headers)
    }
}

/// The routes.
pub fn router(endpoint: Arc<Endpoint>) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat))
        .route("/metrics", get(metrics_page))
        .route("/healthz", get(health))
        .fallback(nothing)
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(endpoint)
}

/// Serves the routes until `until` is done; answers in work are finished.
pub async fn serve(
    listener: tokio::net::TcpListener,
    routes: Router,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, routes).with_graceful_shutdown(until).await
}

async fn nothing() -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

async fn health() -> &'static str {
    "ok\n"
}

async fn metrics_page(
    State(endpoint): State<Arc<Endpoint>>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    endpoint.check(&headers)?;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, metrics::page(&endpoint.actor.status())).into_response())
}

/// The model, loaded where it is not yet.
async fn model_of(endpoint: &Endpoint) -> Result<crate::actor::ServedModel, HttpError> {
    let actor = endpoint.actor.clone();
    let loaded = tokio::task::spawn_blocking(move || actor.model()).await;
    loaded.map_err(|error| HttpError::internal(error.to_string()))?.map_err(HttpError::from)
}

async fn models(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap) -> Result<Response, HttpError> {
    endpoint.check(&headers)?;
    let model = model_of(&endpoint).await?;
    let one = serde_json::json!({
        "id": model.name, "object": "model", "created": endpoint.created, "owned_by": "azr",
    });
    Ok(Json(serde_json::json!({ "object": "list", "data": [one] })).into_response())
}

async fn completions(
    State(endpoint): State<Arc<Endpoint>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, HttpError> {
    endpoint.check(&headers)?;
    answer(&endpoint, Question::completions(&body)?, Kind::Text).await
}

async fn chat(
    State(endpoint): State<Arc<Endpoint>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, HttpError> {
    endpoint.check(&headers)?;
    answer(&endpoint, Question::chat(&body)?, Kind::Chat).await
}

async fn answer(endpoint: &Endpoint, question: Question, kind: Kind) -> Result<Response, HttpError> {
    let model = model_of(endpoint).await?;
    if question.model != model.name {
        return Err(HttpError::new(
            StatusCode::NOT_FOUND,
            "model_not_found",
            format!("the model here is {}, not {}", model.name, question.model),
        ));
    }
    let question = question.for_model(model.folder.chat.as_ref())?;
    let mut tickets = Vec::new();
    for ask in question.asks() {
        tickets.push(endpoint.actor.submit(ask)?);
    }
    let writer = Writer::new(kind, model, endpoint.created, question.top_logprobs);
    if question.stream {
        return Ok(streamed(writer, tickets, question.n, question.include_usage));
    }
    let mut choices = Vec::new();
    let (mut prompt_tokens, mut new_tokens) = (0, 0);
    for (index, ticket) in tickets.into_iter().enumerate() {
        let answer = ticket.answer().await?;
        if index % question.n == 0 {
            prompt_tokens += answer.completion.prompt_tokens.len();
        }
        new_tokens += answer.completion.tokens.len();
        choices.push(writer.choice(index, &answer));
    }
    Ok(Json(writer.whole(&choices, prompt_tokens, new_tokens)).into_response())
}

/// What is left of a streamed answer.
struct Streaming {
    writer: Writer,
    /// Choices that have not ended: index, ticket, bytes of text told.
    open: Vec<(usize, Ticket, usize)>,
    next: usize,
    n: usize,
    prompt_tokens: usize,
    new_tokens: usize,
    include_usage: bool,
    ended: bool,
}

/// Server-sent events, the choices in turn. A client that goes away drops the tickets, which cancels them.
fn streamed(writer: Writer, tickets: Vec<Ticket>, n: usize, include_usage: bool) -> Response {
    let open = tickets.into_iter().enumerate().map(|(index, ticket)| (index, ticket, 0)).collect();
    let (prompt_tokens, new_tokens) = (0, 0);
    let state =
        Streaming { writer, open, next: 0, n, prompt_tokens, new_tokens, include_usage, ended: false };
    let events = stream::unfold(state, |mut state| async move {
        let chunk = next_chunk(&mut state).await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(chunk)), state))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (kind, Body::from_stream(events)).into_response()
}

fn event(value: &serde_json::Value) -> String {
    format!("data: {value}\n\n")
}

async fn next_chunk(state: &mut Streaming) -> Option<String> {
    loop {
        if state.ended {
            return None;
        }
        if state.open.is_empty() {
            state.ended = true;
            let usage = || event(&state.writer.usage_chunk(state.prompt_tokens, state.new_tokens));
            let usage = if state.include_usage { usage() } else { String::new() };
            return Some(usage + "data: [DONE]\n\n");
        }
        state.next %= state.open.len();
        let (index, ticket, told) = &mut state.open[state.next];
        let index = *index;
        match ticket.next().await {
            Some(Event::Token { text, token, logprob, top }) => {
                let more = text.get(*told..).unwrap_or_default().to_owned();
                let offset = characters(&text, *told);
                *told = text.len().max(*told);
                state.next += 1;
                return Some(event(&state.writer.chunk(
                    index,
                    offset,
                    &more,
                    &[(token, logprob, top)],
                    None,
                )));
            }
            Some(Event::Done(answer)) => {
                let completion = &answer.completion;
                let more = completion.text.get(*told..).unwrap_or_default().to_owned();
                let offset = characters(&completion.text, *told);
                if index % state.n == 0 {
                    state.prompt_tokens += completion.prompt_tokens.len();
                }
                state.new_tokens += completion.tokens.len();
                let last = completion.tokens.last().zip(completion.logprobs.last());
                let last = last.map(|(token, logprob)| {
                    (*token, *logprob, answer.top.last().cloned().unwrap_or_default())
                });
                let last: Vec<_> = last.into_iter().collect();
                state.open.remove(state.next);
                return Some(event(&state.writer.chunk(index, offset, &more, &last, Some(answer.ended))));
            }
            Some(Event::Failed(error)) => {
                state.ended = true;
                return Some(event(&HttpError::from(error).to_json()));
            }
            None => {
                state.open.remove(state.next);
            }
        }
    }
}

/// Characters of the first `bytes` bytes.
fn characters(text: &str, bytes: usize) -> usize {
    text.get(..bytes).unwrap_or(text).chars().count()
}

/// The word of the interface for why a completion ended.
fn finish_reason(ended: Ended) -> &'static str {
    match ended {
        Ended::Stop => "stop",
        Ended::Length | Ended::Deadline => "length",
    }
}

#[cfg(test)]
mod tests;
