//! `workspace/executeCommand`: everything that has a method of its own under `azr/`, for clients that know only the
//! standard. Each command takes the parameters of its method as its one argument.

use super::session::Inner;
use crate::reason::protocol::{AbduceQuestion, DeduceQuestion, ExecuteQuestion, InduceQuestion};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::notification::Progress;
use tower_lsp::lsp_types::{
    ExecuteCommandParams, ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress,
    WorkDoneProgressBegin, WorkDoneProgressEnd,
};

/// The commands of the server.
pub const COMMANDS: [&str; 8] = [
    "azr.abduce",
    "azr.cancelAll",
    "azr.dashboard",
    "azr.deduce",
    "azr.execute",
    "azr.induce",
    "azr.restartModel",
    "azr.status",
];

impl Inner {
    /// `workspace/executeCommand`.
    pub(crate) async fn command(self: &Arc<Self>, params: ExecuteCommandParams) -> Result<Option<Value>> {
        let argument = params.arguments.into_iter().next().unwrap_or_else(|| json!({}));
        let token = params.work_done_progress_params.work_done_token;
        let title = match params.command.as_str() {
            "azr.deduce" => "Deducing the output",
            "azr.abduce" => "Searching an input",
            "azr.induce" => "Writing the function",
            "azr.execute" => "Running",
            _ => "",
        };
        let _shown = match token.filter(|_| !title.is_empty()) {
            Some(token) => Some(Shown::begin(Arc::clone(self), token, title).await),
            None => None,
        };
        let value = match params.command.as_str() {
            "azr.deduce" => self.deduce(read::<DeduceQuestion>(argument)?, None).await?,
            "azr.abduce" => self.abduce(read::<AbduceQuestion>(argument)?, None).await?,
            "azr.induce" => self.induce(read::<InduceQuestion>(argument)?, None).await?,
            "azr.execute" => self.execute(read::<ExecuteQuestion>(argument)?).await?,
            "azr.dashboard" => self.dashboard().await?,
            "azr.status" => json!(self.host.status()),
            "azr.cancelAll" => json!({ "cancelled": self.cancel_all() }),
            "azr.restartModel" => self.restart_model().await?,
            other => {
                return Err(Error::invalid_params(format!(
                    "no command '{other}'; there are {}",
                    COMMANDS.join(", ")
                )));
            }
        };
        Ok(Some(value))
    }
}

fn read<T: DeserializeOwned>(argument: Value) -> Result<T> {
    serde_json::from_value(argument).map_err(|error| Error::invalid_params(error.to_string()))
}

/// Progress in the client's window, from its beginning until this is dropped: also when the request is cancelled.
struct Shown {
    session: Arc<Inner>,
    token: ProgressToken,
}

impl Shown {
    async fn begin(session: Arc<Inner>, token: ProgressToken, title: &str) -> Self {
        let begin = WorkDoneProgressBegin {
            title: title.to_owned(),
            cancellable: Some(true),
            ..WorkDoneProgressBegin::default()
        };
        let shown = Self { session, token };
        shown.session.client.send_notification::<Progress>(shown.part(WorkDoneProgress::Begin(begin))).await;
        shown
    }

    fn part(&self, part: WorkDoneProgress) -> ProgressParams {
        ProgressParams { token: self.token.clone(), value: ProgressParamsValue::WorkDone(part) }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let (client, end) =
            (self.session.client.clone(), self.part(WorkDoneProgress::End(WorkDoneProgressEnd::default())));
        tokio::spawn(async move { client.send_notification::<Progress>(end).await });
    }
}
