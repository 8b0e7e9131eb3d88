//! One editor's session: what it said of itself, its documents, and which file answers which request.
//!
//! Every handler begins with what has to be in order (a document changed, a snapshot taken) and only then waits: the
//! transport polls each message once before it reads the next.

use super::commands::COMMANDS;
use super::diagnostics::Scheduled;
use super::documents::{Change, Document, Documents};
use super::position::{Encoding, Place};
use super::status::StatusChanged;
use super::transport::{self, AtEof, End};
use crate::host::Host;
use crate::protocol::failure::{Failure, REQUEST_FAILED};
use crate::protocol::{METHODS, VERSION};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use tokio::io::{AsyncBufRead, AsyncWrite};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability, CodeActionResponse,
    CodeLens, CodeLensOptions, CodeLensParams, DidChangeConfigurationParams, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, ExecuteCommandOptions,
    ExecuteCommandParams, Hover, HoverParams, HoverProviderCapability, InitializeParams, InitializeResult,
    InitializedParams, InlayHint, InlayHintParams, MarkupKind, OneOf, Position, PositionEncodingKind, Range,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind, Url,
    WorkDoneProgressOptions,
};
use tower_lsp::{Client, LanguageServer, LspService};

/// Told the editor's process when the client names it.
type OnParent = Box<dyn Fn(u32) + Send + Sync>;

/// Which code of the user is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Execution {
    /// None: hover, hints and diagnostics say nothing, and questions are refused. What an editor sends for a workspace that
    /// the user does not trust.
    Off,
    /// Calls with literal arguments.
    #[default]
    Literals,
    /// Also calls whose arguments are made of names that the file alone determines.
    All,
}

/// What the client can do and wants.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent abilities of a client, named one by one in the protocol"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which code is run.
    pub execution: Execution,
    /// Inlay hints are wanted.
    pub hints: bool,
    /// Milliseconds of a question that says nothing else.
    pub budget_ms: Option<u64>,
    /// Hovers may be Markdown.
    pub markdown: bool,
    /// The client asks for hints again when told.
    pub hint_refresh: bool,
    /// Diagnostics may point at other places.
    pub related_information: bool,
    /// Functions of the documents are kept for self-play.
    pub task_pool: bool,
    /// The client knows `azr/statusChanged`: it gave options of ours.
    pub status: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            execution: Execution::Literals,
            hints: true,
            budget_ms: None,
            markdown: false,
            hint_refresh: false,
            related_information: false,
            task_pool: false,
            status: false,
        }
    }
}

impl Options {
    /// Takes the settings `execution`, `hints.enabled`, `budgetMs`, `taskPool.enabled` (for `model` see `model.rs`); what is not understood changes nothing.
    fn take(&mut self, settings: &Value) {
        if let Some(execution) =
            settings.get("execution").and_then(|value| Execution::deserialize(value).ok())
        {
            self.execution = execution;
        }
        if let Some(hints) = settings.pointer("/hints/enabled").and_then(Value::as_bool) {
            self.hints = hints;
        }
        if let Some(wanted) = settings.pointer("/taskPool/enabled").and_then(Value::as_bool) {
            self.task_pool = wanted;
        }
        if let Some(budget) = settings.get("budgetMs").and_then(Value::as_u64) {
            self.budget_ms = Some(budget);
        }
    }
}

/// The state of one session, shared with the work that it began.
pub struct Inner {
    pub(crate) host: Arc<Host>,
    pub(crate) client: Client,
    encoding: OnceLock<Encoding>,
    documents: Mutex<Documents>,
    options: Mutex<Options>,
    wanted_model: Mutex<String>,
    scheduled: Mutex<BTreeMap<String, Scheduled>>,
    pub(crate) running: super::requests::Running,
    pub(crate) background: Mutex<Vec<StatusChanged>>,
    pub(crate) subscriptions: Mutex<BTreeMap<String, super::training::Subscription>>,
    on_parent: OnParent,
    pub(crate) cwd: Option<String>,
}

/// The session as the LSP crate sees it.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Inner>);

impl Deref for Session {
    type Target = Arc<Inner>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Serves a session over a connection of the daemon.
pub async fn run<R, W>(host: Arc<Host>, reader: R, writer: W, at_eof: AtEof, cwd: Option<String>) -> End
where
    R: AsyncBufRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    // The bridge watches the editor's process: it is on the editor's side.
    run_watching(host, reader, writer, at_eof, cwd, |_| {}).await
}

/// Serves a session, and tells `on_parent` which process the editor is.
pub async fn run_watching<R, W>(
    host: Arc<Host>,
    reader: R,
    writer: W,
    at_eof: AtEof,
    cwd: Option<String>,
    on_parent: impl Fn(u32) + Send + Sync + 'static,
) -> End
where
    R: AsyncBufRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let stop = host.stop_signal();
    let kept = Arc::new(OnceLock::new());
    let keep = Arc::clone(&kept);
    let (service, socket) = LspService::build(|client| {
        let inner = Arc::new(Inner {
            host,
            client,
            encoding: OnceLock::new(),
            documents: Mutex::default(),
            options: Mutex::default(),
            wanted_model: Mutex::default(),
            scheduled: Mutex::default(),
            running: super::requests::Running::default(),
            background: Mutex::default(),
            subscriptions: Mutex::default(),
            on_parent: Box::new(on_parent),
            cwd,
        });
        let _ = keep.set(Arc::downgrade(&inner));
        Session(inner)
    })
    .custom_method("azr/abduce", Session::on_abduce)
    .custom_method("azr/dashboard", Session::on_dashboard)
    .custom_method("azr/deduce", Session::on_deduce)
    .custom_method("azr/execute", Session::on_execute)
    .custom_method("azr/induce", Session::on_induce)
    .custom_method("azr/model/load", Session::on_load)
    .custom_method("azr/pool/list", Session::on_pool_list)
    .custom_method("azr/pool/remove", Session::on_pool_remove)
    .custom_method("azr/status", Session::on_status)
    .custom_method("azr/train/start", Session::on_train_start)
    .custom_method("azr/train/stop", Session::on_train_stop)
    .custom_method("azr/train/subscribe", Session::on_subscribe)
    .custom_method("azr/train/unsubscribe", Session::on_unsubscribe)
    .finish();
    let end = transport::run(reader, writer, service, socket, at_eof, stop).await;
    // What still runs holds the session, and would go on for nobody.
    if let Some(inner) = kept.get().and_then(Weak::<Inner>::upgrade) {
        inner.end_work();
    }
    end
}

/// A failure as the LSP crate sends it.
pub(crate) fn error(failure: &Failure) -> Error {
    let data = failure.to_json().get("data").cloned();
    Error { code: ErrorCode::ServerError(REQUEST_FAILED), message: failure.message.clone().into(), data }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// What columns count in this session.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding.get().copied().unwrap_or_default()
    }

    /// What the client can do and wants.
    pub(crate) fn options(&self) -> Options {
        *lock(&self.options)
    }

    pub(crate) fn wanted_model(&self) -> MutexGuard<'_, String> {
        lock(&self.wanted_model)
    }

    pub(crate) fn documents(&self) -> MutexGuard<'_, Documents> {
        lock(&self.documents)
    }

    pub(crate) fn scheduled(&self) -> MutexGuard<'_, BTreeMap<String, Scheduled>> {
        lock(&self.scheduled)
    }

    /// Ends everything that this session has begun.
    fn end_work(&self) {
        std::mem::take(&mut *self.scheduled());
        self.cancel_all();
    }

    /// The document as it is now.
    pub(crate) fn document(&self, uri: &Url) -> Option<Document> {
        self.documents().get(uri.as_str())
    }

    /// A range of offsets as the client counts.
    pub(crate) fn range(&self, document: &Document, range: &std::ops::Range<usize>) -> Range {
        let position = |offset| {
            let place = document.place(offset, self.encoding());
            Position { line: place.line, character: place.column }
        };
        Range { start: position(range.start), end: position(range.end) }
    }

    fn take_client(&self, params: &InitializeParams) {
        let mut options = lock(&self.options);
        let text = params.capabilities.text_document.as_ref();
        let formats = text.and_then(|text| text.hover.as_ref()?.content_format.as_ref());
        options.markdown = formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown));
        options.related_information =
            text.and_then(|text| text.publish_diagnostics.as_ref()?.related_information).unwrap_or_default();
        let workspace = params.capabilities.workspace.as_ref();
        options.hint_refresh = workspace
            .and_then(|workspace| workspace.inlay_hint.as_ref()?.refresh_support)
            .unwrap_or_default();
        if let Some(settings) = &params.initialization_options {
            options.status = settings.get("execution").is_some() || settings.get("hints").is_some();
            options.take(settings);
        }
    }
}

/// A position of the client as ours.
pub(crate) fn place(position: Position) -> Place {
    Place { line: position.line, column: position.character }
}

#[tower_lsp::async_trait]
impl LanguageServer for Session {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        self.take_client(&params);
        if let Some(settings) = &params.initialization_options {
            self.take_model(settings);
        }
        let offered =
            params.capabilities.general.and_then(|general| general.position_encodings).unwrap_or_default();
        let encoding = Encoding::negotiate(offered.iter().map(PositionEncodingKind::as_str));
        let _ = self.encoding.set(encoding);
        if let Some(process) = params.process_id {
            (self.on_parent)(process);
        }
        let progress = WorkDoneProgressOptions { work_done_progress: Some(true) };
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(encoding.name().to_owned().into()),
                text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::INCREMENTAL)),
                hover_provider: Some(HoverProviderCapability::Simple(true)),
                inlay_hint_provider: Some(OneOf::Left(true)),
                code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(true) }),
                code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                    code_action_kinds: Some(vec![
                        CodeActionKind::QUICKFIX,
                        CodeActionKind::new("source.azr"),
                    ]),
                    ..CodeActionOptions::default()
                })),
                execute_command_provider: Some(ExecuteCommandOptions {
                    commands: COMMANDS.map(str::to_owned).to_vec(),
                    work_done_progress_options: progress,
                }),
                experimental: Some(json!({ "azr": { "protocol": VERSION, "methods": METHODS } })),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo {
                name: "azr".to_owned(),
                version: Some(self.host.build_id().to_owned()),
            }),
        })
    }

    async fn initialized(&self, _params: InitializedParams) {
        if self.options().status {
            let task = StatusChanged::begin(&self.0);
            lock(&self.background).push(task);
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.scheduled().clear();
        lock(&self.background).clear();
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        self.documents().open(item.uri.as_str(), &item.language_id, item.version, &item.text);
        self.check_soon(item.uri);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let changes: Vec<Change> = params
            .content_changes
            .into_iter()
            .map(|change| Change {
                range: change.range.map(|range| (place(range.start), place(range.end))),
                text: change.text,
            })
            .collect();
        self.documents().change(document.uri.as_str(), document.version, &changes, self.encoding());
        self.check_soon(document.uri);
    }

    async fn did_save(&self, _params: DidSaveTextDocumentParams) {
        // What was saved was checked when it was typed.
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.documents().close(params.text_document.uri.as_str());
        self.forget(params.text_document.uri).await;
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        let settings = params.settings.get("azr").unwrap_or(&params.settings);
        lock(&self.options).take(settings);
        self.take_model(settings);
        let open: Vec<Url> = self.documents().iter().filter_map(|(uri, _)| Url::parse(uri).ok()).collect();
        for uri in open {
            self.check_soon(uri);
        }
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let document = self.document(&params.text_document_position_params.text_document.uri);
        self.hover_in(document, params).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let document = self.document(&params.text_document.uri);
        self.hints_in(document, params).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        let document = self.document(&params.text_document.uri);
        self.lenses_in(document, &params.text_document.uri).await
    }

    async fn code_lens_resolve(&self, lens: CodeLens) -> Result<CodeLens> {
        self.resolve_lens(lens).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let document = self.document(&params.text_document.uri);
        self.actions_in(document, params).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        self.command(params).await
    }
}
