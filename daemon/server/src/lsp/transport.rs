//! The guard between a byte stream and the LSP crate: what tower-lsp 0.20 gets wrong is put right here.
//!
//! | plain tower-lsp 0.20 | here |
//! |---|---|
//! | four slow requests stall the connection, and no cancel is read meanwhile | every request is a task of its own |
//! | handlers that wait before they record an edit record it out of order | each message is polled once, in order of arrival, before the next is read |
//! | `"params": null` is refused | it means no parameters |
//! | the process lives on after `exit` while its input is open | the session ends at `exit` |
//! | a handler that panics ends the connection | it costs one reply, an internal error |
//! | a frame of any claimed length is waited for | frames are bounded ([`crate::protocol::frame`]) |
//!
//! So the rule for handlers is mechanical: whatever has to see or change the documents in order comes before the first
//! `.await`.

use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::frame::{self, FrameError};
use futures_util::{FutureExt, Sink, SinkExt, StreamExt};
use serde_json::{Value, json};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};
use tower_lsp::{ClientSocket, LanguageServer, LspService};
use tower_service::Service;

/// Requests of one connection that may be in flight; the next one is answered `Overloaded`.
pub const MAX_IN_FLIGHT: usize = 512;
/// Messages that wait to be written; a client that reads none is not read from either.
const QUEUED_MESSAGES: usize = 1024;
/// Frames read ahead.
const FRAMES_AHEAD: usize = 4;
/// Wait for the requests in flight when the input ends but the output is still read.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Wait for the requests in flight when the daemon stops.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Whether the daemon goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It does.
    No,
    /// New requests are refused, those in flight are waited for.
    Gently,
    /// Requests in flight are cancelled.
    Now,
}

/// Waits until the daemon stops.
pub async fn stopping(stop: &mut watch::Receiver<Stop>) {
    drop(stop.wait_for(|stop| *stop != Stop::No).await);
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client sent `exit`.
    Exit {
        /// Whether `shutdown` came before it, as it should.
        after_shutdown: bool,
    },
    /// The input ended.
    Closed,
    /// The client does not read any more, or sent what cannot be read.
    Broken,
    /// The daemon stops.
    Stopped,
}

/// What the end of the input means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEof {
    /// The client may still read (a pipe): requests in flight are answered first.
    Answer,
    /// The client is gone (a socket): requests in flight are cancelled.
    Cancel,
}

/// Serves one session until it ends.
pub async fn run<R, W, S>(
    reader: R,
    writer: W,
    service: LspService<S>,
    socket: ClientSocket,
    at_eof: AtEof,
    mut stop: watch::Receiver<Stop>,
) -> End
where
    R: AsyncBufRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
    S: LanguageServer,
{
    let (out, queue) = mpsc::channel(QUEUED_MESSAGES);
    let mut writing = tokio::spawn(write_all(writer, queue));
    let (mut requests, responses) = socket.split();
    let to_client = out.clone();
    // Requests and notifications of the server: they wait when the client reads slowly.
    let pump = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let Ok(body) = serde_json::to_vec(&request) else { continue };
            if to_client.send(body).await.is_err() {
                return;
            }
        }
    });
    let (frames_in, mut frames) = mpsc::channel(FRAMES_AHEAD);
    let reading = tokio::spawn(read_all(reader, frames_in));
    let mut session = Session { service, responses, out, tasks: JoinSet::new(), shut_down: false };
    let end = loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                None => break End::Closed,
                Some(Ok(body)) => if let Some(end) = session.receive(&body).await { break end },
                Some(Err(error)) => {
                    session.refuse_frame(&error).await;
                    if !error.is_recoverable() {
                        break End::Broken;
                    }
                }
            },
            Some(done) = session.tasks.join_next() => session.reap(done).await,
            () = stopping(&mut stop) => break End::Stopped,
            _ = &mut writing => break End::Broken,
        }
    };
    reading.abort();
    let limit = match end {
        End::Closed if at_eof == AtEof::Answer => DRAIN_LIMIT,
        // After `exit` everything is cancelled already: only the replies have to be written.
        End::Stopped if *stop.borrow() == Stop::Gently => STOP_LIMIT,
        End::Exit { .. } | End::Stopped => Duration::from_millis(500),
        _ => Duration::ZERO,
    };
    if !limit.is_zero() {
        session.drain(limit, &mut writing).await;
    }
    pump.abort();
    drop(session);
    // What is queued is still written, unless nobody reads.
    if !writing.is_finished() && tokio::time::timeout(STOP_LIMIT, &mut writing).await.is_err() {
        writing.abort();
    }
    end
}

/// Clients write "no parameters" in three ways; the LSP crate takes one of them, and for each method another.
fn normalise_params(message: &mut serde_json::Map<String, Value>) {
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
    if matches!(method, "shutdown" | "exit") || message.get("params").is_some_and(Value::is_null) {
        message.remove("params");
    }
    let ours = message.get("method").and_then(Value::as_str).is_some_and(|method| method.starts_with("azr/"));
    if ours && !message.contains_key("params") {
        message.insert("params".to_owned(), json!({}));
    }
}

/// Reads frames until the end or an error that cannot be recovered from.
async fn read_all<R: AsyncBufRead + Unpin>(mut reader: R, frames: mpsc::Sender<Result<Vec<u8>, FrameError>>) {
    loop {
        let frame = match frame::read(&mut reader).await {
            Ok(None) => return,
            Ok(Some(body)) => Ok(body),
            Err(error) => Err(error),
        };
        let last = frame.as_ref().is_err_and(|error| !error.is_recoverable());
        if frames.send(frame).await.is_err() || last {
            return;
        }
    }
}

/// Writes messages as they come; returns when there are no more, or nobody reads.
async fn write_all<W: AsyncWrite + Unpin>(writer: W, mut queue: mpsc::Receiver<Vec<u8>>) {
    let mut writer = BufWriter::new(writer);
    while let Some(body) = queue.recv().await {
        if frame::write(&mut writer, &body).await.is_err() {
            return;
        }
        if queue.is_empty() && writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

struct Session<S, R> {
    service: LspService<S>,
    /// Answers of the client to requests of the server.
    responses: R,
    out: mpsc::Sender<Vec<u8>>,
    /// Requests and notifications in flight; one gives its id when its handler panicked.
    tasks: JoinSet<Option<Id>>,
    shut_down: bool,
}

impl<S: LanguageServer, R: Sink<Response> + Unpin> Session<S, R> {
    /// Takes one message in; says how the session ended where it did.
    async fn receive(&mut self, body: &[u8]) -> Option<End> {
        let message: Value = match serde_json::from_slice(body) {
            Ok(message) => message,
            Err(error) => {
                self.refuse(Id::Null, ErrorCode::ParseError, format!("the message is not JSON: {error}"))
                    .await;
                return None;
            }
        };
        let Value::Object(mut message) = message else {
            self.refuse(Id::Null, ErrorCode::InvalidRequest, "the message is not an object".to_owned()).await;
            return None;
        };
        let id = message.get("id").map(|id| serde_json::from_value::<Id>(id.clone()));
        if id.as_ref().is_some_and(|id| matches!(id, Ok(Id::Null) | Err(_))) && message.contains_key("method")
        {
            let text = "the id of a request is a whole number or a text".to_owned();
            self.refuse(Id::Null, ErrorCode::InvalidRequest, text).await;
            return None;
        }
        if !message.contains_key("method") {
            if message.contains_key("result") || message.contains_key("error") {
                if let Ok(response) = serde_json::from_value::<Response>(Value::Object(message)) {
                    let _ = self.responses.send(response).await;
                }
                return None;
            }
            let id = id.and_then(Result::ok).unwrap_or(Id::Null);
            self.refuse(id, ErrorCode::InvalidRequest, "the message has no method".to_owned()).await;
            return None;
        }
        normalise_params(&mut message);
        match serde_json::from_value::<Request>(Value::Object(message)) {
            Ok(request) => self.dispatch(request).await,
            Err(error) => {
                let id = id.and_then(Result::ok).unwrap_or(Id::Null);
                self.refuse(id, ErrorCode::InvalidRequest, format!("not a message of JSON-RPC 2.0: {error}"))
                    .await;
                None
            }
        }
    }

    async fn dispatch(&mut self, request: Request) -> Option<End> {
        let (id, method) = (request.id().cloned(), request.method().to_owned());
        if let Some(id) = id.clone().filter(|_| self.tasks.len() >= MAX_IN_FLIGHT) {
            let failure = Failure::new(
                FailureKind::Overloaded,
                format!("{MAX_IN_FLIGHT} requests of this session wait already"),
                "cancel some of them, or ask again later",
            );
            self.reply(&json!({ "jsonrpc": "2.0", "id": id, "error": failure.to_json() })).await;
            return None;
        }
        if poll_fn(|context| self.service.poll_ready(context)).await.is_err() {
            return Some(End::Exit { after_shutdown: self.shut_down });
        }
        let future = AssertUnwindSafe(self.service.call(request)).catch_unwind();
        let out = self.out.clone();
        let owner = id.clone();
        let mut task = Box::pin(async move {
            match future.await {
                Ok(Ok(Some(response))) => {
                    let body = serde_json::to_vec(&response).unwrap_or_default();
                    let _ = out.send(body).await;
                    None
                }
                Ok(_) => None,
                Err(_) => {
                    tracing::error!("a handler panicked");
                    if let Some(id) = &owner {
                        let error = Error {
                            message: "the handler failed; the log says more".into(),
                            ..Error::internal_error()
                        };
                        let body =
                            serde_json::to_vec(&Response::from_error(id.clone(), error)).unwrap_or_default();
                        let _ = out.send(body).await;
                    }
                    owner
                }
            }
        });
        // The state of the session changes with these three, so nothing overtakes them.
        if matches!(method.as_str(), "initialize" | "shutdown" | "exit") {
            task.await;
            self.shut_down |= method == "shutdown";
            return (method == "exit").then_some(End::Exit { after_shutdown: self.shut_down });
        }
        match (&mut task).now_or_never() {
            Some(panicked) => self.forget(panicked).await,
            None => {
                self.tasks.spawn(task);
            }
        }
        None
    }

    async fn reap(&mut self, done: Result<Option<Id>, tokio::task::JoinError>) {
        self.forget(done.unwrap_or(None)).await;
    }

    /// The LSP crate remembers a request whose handler panicked as running; a cancel makes it forget.
    async fn forget(&mut self, panicked: Option<Id>) {
        let Some(id) = panicked else { return };
        let cancel = Request::build("$/cancelRequest").params(json!({ "id": id })).finish();
        let _ = self.service.call(cancel).await;
    }

    async fn drain(&mut self, limit: Duration, writing: &mut JoinHandle<()>) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        tokio::select! {
            _ = tokio::time::timeout(limit, all) => {}
            _ = writing => {}
        }
    }

    async fn refuse_frame(&mut self, error: &FrameError) {
        self.refuse(Id::Null, ErrorCode::ParseError, error.to_string()).await;
    }

    async fn refuse(&mut self, id: Id, code: ErrorCode, message: String) {
        let error = Error { code, message: message.into(), data: None };
        self.reply(&json!(Response::from_error(id, error))).await;
    }

    async fn reply(&mut self, message: &Value) {
        let _ = self.out.send(message.to_string().into_bytes()).await;
    }
}
