//! `azr/train/*` in an editor session.

use super::session::{Inner, Session, error};
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::train::{
    StartParams, StartResult, StopParams, StopResult, SubscribeParams, SubscribeResult, TrainEvent,
};
use std::sync::{Arc, PoisonError};
use tokio::task::JoinHandle;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::notification::Notification;

enum Happened {}

impl Notification for Happened {
    type Params = TrainEvent;
    const METHOD: &'static str = "azr/train/event";
}

/// The task that passes a run's events on; dropping it ends it.
#[derive(Debug)]
pub struct Subscription(JoinHandle<()>);

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Inner {
    fn subscribe(self: &Arc<Self>, params: SubscribeParams) -> std::result::Result<SubscribeResult, Failure> {
        let log = self.host.training().log(&params.run_id)?;
        let mut reader = log.reader(params.from_step);
        let mut count = log.count();
        count.mark_changed();
        let (client, step) = (self.client.clone(), log.step());
        let task = tokio::spawn(async move {
            while count.changed().await.is_ok() {
                // A client that reads slowly makes this wait, and steps that pile up meanwhile are sent as one.
                while let Some(event) = reader.take() {
                    client.send_notification::<Happened>(event).await;
                }
            }
        });
        let mut subscriptions = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        subscriptions.insert(params.run_id, Subscription(task));
        Ok(SubscribeResult { step })
    }
}

impl Session {
    pub(crate) async fn on_train_start(&self, params: StartParams) -> Result<StartResult> {
        let (host, cwd) = (Arc::clone(&self.host), self.cwd.clone());
        let started = tokio::task::spawn_blocking(move || host.start_training(&params, cwd.as_deref()));
        started.await.map_err(|_| Error::internal_error())?.map_err(|failure| error(&failure))
    }

    pub(crate) async fn on_train_stop(&self, params: StopParams) -> Result<StopResult> {
        if !params.checkpoint {
            let hint = "leave `checkpoint` out: it costs a moment, and the run can be resumed";
            let failure = Failure::new(FailureKind::Refused, "a run always stops with a checkpoint", hint);
            return Err(error(&failure));
        }
        self.host.training().stop(&params.run_id).await.map_err(|failure| error(&failure))
    }

    #[expect(clippy::unused_async, reason = "the LSP crate takes async methods")]
    pub(crate) async fn on_subscribe(&self, params: SubscribeParams) -> Result<SubscribeResult> {
        self.subscribe(params).map_err(|failure| error(&failure))
    }

    #[expect(clippy::unused_async, reason = "the LSP crate takes async methods")]
    pub(crate) async fn on_unsubscribe(&self, params: SubscribeParams) -> Result<SubscribeResult> {
        let log = self.host.training().log(&params.run_id).map_err(|failure| error(&failure))?;
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner).remove(&params.run_id);
        Ok(SubscribeResult { step: log.step() })
    }
}
