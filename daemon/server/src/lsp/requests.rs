//! The requests under `azr/` that reason about programs, and the daemon's own.

use super::facts::analysis;
use super::session::{Execution, Inner, Session, error, place};
use crate::actor::{CancelFlag, Priority};
use crate::host::Host;
use crate::protocol::dashboard::DashboardResult;
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::status::StatusResult;
use crate::reason::protocol::{AbduceQuestion, Budget, DeduceQuestion, ExecuteQuestion, InduceQuestion};
use crate::reason::{Caller, ReasonError, Reasoner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tower_lsp::Client;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{Position, TextDocumentIdentifier};

/// Questions of a session that are being answered.
#[derive(Debug, Default)]
pub struct Running {
    flags: Arc<Mutex<(u64, BTreeMap<u64, CancelFlag>)>>,
}

/// A question that is being answered; dropping it cancels it, down to the token and the sandbox.
struct Question {
    flags: Arc<Mutex<(u64, BTreeMap<u64, CancelFlag>)>>,
    id: u64,
    flag: CancelFlag,
    host: Arc<Host>,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.flag.set();
        self.flags.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.id);
        self.host.look_at_cancels();
    }
}

impl Running {
    fn begin(&self, host: &Arc<Host>) -> Question {
        let flag = CancelFlag::default();
        let mut flags = self.flags.lock().unwrap_or_else(PoisonError::into_inner);
        flags.0 += 1;
        let id = flags.0;
        flags.1.insert(id, flag.clone());
        Question { flags: Arc::clone(&self.flags), id, flag, host: Arc::clone(host) }
    }
}

/// `{program, input, ...}`, or a place in a document.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum DeduceParams {
    /// A place: the call there.
    #[serde(rename_all = "camelCase")]
    Place {
        text_document: TextDocumentIdentifier,
        position: Position,
        #[serde(default)]
        budget: Option<Budget>,
        #[serde(default)]
        seed: Option<u64>,
    },
    /// A program and an input.
    Question(DeduceQuestion),
}

/// Where the parts of an answer go while it is made.
pub(crate) struct Partial {
    client: Client,
    token: Value,
}

impl Partial {
    /// Takes the token out of a request's parameters.
    fn of(session: &Session, params: &mut Value) -> Option<Self> {
        let token = params.as_object_mut()?.remove("partialResultToken")?;
        Some(Self { client: session.client.clone(), token })
    }

    /// Sends parts from a thread that may block; nothing where none are wanted.
    fn teller(partial: Option<Self>) -> impl Fn(Value) + Send + 'static {
        let runtime = tokio::runtime::Handle::current();
        move |value| {
            if let Some(Self { client, token }) = &partial {
                let message = json!({ "token": token, "value": value });
                runtime.block_on(client.send_notification::<PartialResult>(message));
            }
        }
    }
}

/// `$/progress` with any value: partial results are of the method's own type.
enum PartialResult {}

impl tower_lsp::lsp_types::notification::Notification for PartialResult {
    type Params = Value;
    const METHOD: &'static str = "$/progress";
}

/// Why a question has no answer, as the protocol says it.
fn reason(failure: &ReasonError) -> Error {
    use crate::actor::ActorError;
    let kind = match failure {
        ReasonError::Cancelled | ReasonError::Model(ActorError::Cancelled) => {
            return Error::request_cancelled();
        }
        ReasonError::BadProgram { .. } | ReasonError::Slice(_) => FailureKind::BadProgram,
        ReasonError::Model(ActorError::Overloaded { .. }) => FailureKind::Overloaded,
        ReasonError::Model(_) => FailureKind::ModelNotLoaded,
    };
    error(&Failure::new(kind, failure.to_string(), failure.hint()))
}

/// Parameters that are not those of the method.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn invalid(error: serde_json::Error) -> Error {
    Error::invalid_params(error.to_string())
}

/// Where the user wants nothing to be run.
fn off() -> Error {
    let hint = "set `execution` to literals or all; in an untrusted workspace, trust it first";
    error(&Failure::new(FailureKind::Refused, "running programs is switched off", hint))
}

impl Inner {
    /// Answers a question on a thread that may block.
    async fn answer<A: Serialize + Send + 'static>(
        &self,
        run: impl FnOnce(&Reasoner, &Caller) -> std::result::Result<A, ReasonError> + Send + 'static,
    ) -> Result<Value> {
        // Every answer is judged by running something.
        if self.options().execution == Execution::Off {
            return Err(off());
        }
        let question = self.running.begin(&self.host);
        let caller = Caller { cancel: question.flag.clone(), priority: Priority::Interactive };
        let reasoner = self.host.reasoner().await.map_err(|failure| error(&failure))?;
        let work = tokio::task::spawn_blocking(move || run(&reasoner, &caller));
        let answer = work.await.map_err(|_| Error::internal_error())?;
        drop(question);
        let answer = answer.map_err(|failure| reason(&failure))?;
        serde_json::to_value(answer).map_err(|_| Error::internal_error())
    }

    fn budget(&self, budget: Option<Budget>) -> Budget {
        let wanted = budget.unwrap_or_default();
        Budget { ms: wanted.ms.or(self.options().budget_ms), ..wanted }
    }

    /// `azr/execute`.
    pub(crate) async fn execute(&self, question: ExecuteQuestion) -> Result<Value> {
        self.answer(move |reasoner, caller| reasoner.execute(&question, caller)).await
    }

    /// `azr/deduce`; the part by execution goes out first where the client asked for parts.
    pub(crate) async fn deduce(
        &self,
        mut question: DeduceQuestion,
        partial: Option<Partial>,
    ) -> Result<Value> {
        question.budget = Some(self.budget(question.budget));
        let tell = Partial::teller(partial);
        self.answer(move |reasoner, caller| {
            reasoner.deduce(&question, caller, &mut |answer| tell(json!(answer)))
        })
        .await
    }

    /// `azr/abduce`; what the search finds goes out first where the client asked for parts.
    pub(crate) async fn abduce(
        &self,
        mut question: AbduceQuestion,
        partial: Option<Partial>,
    ) -> Result<Value> {
        question.budget = Some(self.budget(question.budget));
        let tell = Partial::teller(partial);
        self.answer(move |reasoner, caller| {
            reasoner.abduce(&question, caller, &mut |answer| tell(json!(answer)))
        })
        .await
    }

    /// `azr/induce`; what the search finds goes out first where the client asked for parts.
    pub(crate) async fn induce(
        &self,
        mut question: InduceQuestion,
        partial: Option<Partial>,
    ) -> Result<Value> {
        question.budget = Some(self.budget(question.budget));
        let tell = Partial::teller(partial);
        self.answer(move |reasoner, caller| {
            reasoner.induce(&question, caller, &mut |answer| tell(json!(answer)))
        })
        .await
    }

    /// The call at a place of a document, as a question.
    async fn question_at(&self, params: DeduceParams) -> Result<DeduceQuestion> {
        let (text_document, position, budget, seed) = match params {
            DeduceParams::Question(question) => return Ok(question),
            DeduceParams::Place { text_document, position, budget, seed } => {
                (text_document, position, budget, seed)
            }
        };
        let bad = |message: &str, hint: &str| error(&Failure::new(FailureKind::BadProgram, message, hint));
        if self.options().execution == Execution::Off {
            return Err(off());
        }
        let document = self
            .document(&text_document.uri)
            .ok_or_else(|| bad("the document is not open", "open it first"))?;
        let offset = document.offset(place(position), self.encoding());
        let execution = self.options().execution;
        let analysis = analysis(&document).await;
        let stated = analysis.stated_at(offset, execution).ok_or_else(|| {
            bad("there is no call of a function of this file with literal arguments", "put the cursor on one")
        })?;
        let runnable =
            stated.runnable.as_ref().map_err(|reason| bad(reason, "choose a function that stands alone"))?;
        Ok(DeduceQuestion {
            program: runnable.program.to_string(),
            input: stated.claim.input.clone(),
            function: Some(stated.claim.function.clone()),
            budget,
            seed,
        })
    }

    /// Cancels all questions of this session; says how many there were.
    pub(crate) fn cancel_all(&self) -> usize {
        let flags = self.running.flags.lock().unwrap_or_else(PoisonError::into_inner);
        flags.1.values().for_each(CancelFlag::set);
        let count = flags.1.len();
        drop(flags);
        self.host.look_at_cancels();
        count
    }

    /// Address of the live page.
    pub(crate) async fn dashboard(&self) -> Result<Value> {
        let url = self.host.dashboard_address().await.map_err(|failure| error(&failure))?;
        Ok(json!(DashboardResult { url }))
    }
}

impl Session {
    #[expect(clippy::unused_async, reason = "the LSP crate takes async methods")]
    pub(crate) async fn on_status(&self, _params: Value) -> Result<StatusResult> {
        Ok(self.host.status())
    }

    pub(crate) async fn on_dashboard(&self, _params: Value) -> Result<Value> {
        self.dashboard().await
    }

    pub(crate) async fn on_execute(&self, question: ExecuteQuestion) -> Result<Value> {
        self.execute(question).await
    }

    pub(crate) async fn on_deduce(&self, mut params: Value) -> Result<Value> {
        let partial = Partial::of(self, &mut params);
        let params = if params.get("textDocument").is_some() {
            serde_json::from_value::<DeduceParams>(params).map_err(invalid)?
        } else {
            DeduceParams::Question(serde_json::from_value(params).map_err(invalid)?)
        };
        let question = self.question_at(params).await?;
        self.deduce(question, partial).await
    }

    pub(crate) async fn on_abduce(&self, mut params: Value) -> Result<Value> {
        let partial = Partial::of(self, &mut params);
        self.abduce(serde_json::from_value(params).map_err(invalid)?, partial).await
    }

    pub(crate) async fn on_induce(&self, mut params: Value) -> Result<Value> {
        let partial = Partial::of(self, &mut params);
        self.induce(serde_json::from_value(params).map_err(invalid)?, partial).await
    }
}
