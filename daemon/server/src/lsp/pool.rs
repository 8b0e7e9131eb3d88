//! Functions of open documents for the task pool, where the user has switched that on.

use super::documents::Document;
use super::facts::{Stated, analysis, check};
use super::session::{Execution, Inner, Session, error};
use crate::pool::Offer;
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::pool::{ListResult, RemoveParams, RemoveResult};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::Url;

/// Calls of one document that are looked at.
const MAX_OFFERS: usize = 100;

/// A pool that cannot be read or written.
fn failed(reason: &std::io::Error) -> Error {
    let hint = "`azr daemon pool --path` names the file";
    error(&Failure::new(FailureKind::Refused, format!("the task pool: {reason}"), hint))
}

impl Inner {
    /// Offers the calls of a document whose values are known by execution. Nothing happens unless it is switched on.
    pub(crate) async fn offer(&self, document: &Document, uri: &Url) {
        let options = self.options();
        // Where nothing shall be run, there is no value to keep either.
        if !options.task_pool || options.execution == Execution::Off {
            return;
        }
        let analysis = analysis(document).await;
        let stated = analysis.stated.iter().filter(|stated| stated.runnable.is_ok());
        let stated: Vec<&Stated> = stated.take(MAX_OFFERS).collect();
        let Ok(facts) = check(&self.host, &stated).await else { return };
        let offer = |(stated, fact): (&&Stated, &super::facts::Fact)| {
            let output = fact.outcome.as_ref().ok()?.verdict.value()?.to_owned();
            Some(Offer {
                program: stated.runnable.as_ref().ok()?.program.to_string(),
                function: stated.claim.function.clone(),
                input: stated.claim.input.clone(),
                output,
                uri: uri.to_string(),
            })
        };
        let offers: Vec<Offer> = stated.iter().zip(&facts).filter_map(offer).collect();
        let pool = self.host.pool().clone();
        let kept = tokio::task::spawn_blocking(move || pool.add(&offers)).await;
        if let Ok(Err(reason)) = kept {
            tracing::warn!(%reason, "functions could not be added to the task pool");
        }
    }
}

impl Session {
    pub(crate) async fn on_pool_list(&self, _params: serde_json::Value) -> Result<ListResult> {
        let pool = self.host.pool().clone();
        let path = pool.path().display().to_string();
        let listed = tokio::task::spawn_blocking(move || pool.list()).await;
        let entries = listed.map_err(|_| Error::internal_error())?.map_err(|reason| failed(&reason))?;
        Ok(ListResult { path, entries })
    }

    pub(crate) async fn on_pool_remove(&self, params: RemoveParams) -> Result<RemoveResult> {
        let pool = self.host.pool().clone();
        let done = tokio::task::spawn_blocking(move || pool.remove(&params)).await;
        let (removed, left) = done.map_err(|_| Error::internal_error())?.map_err(|reason| failed(&reason))?;
        Ok(RemoveResult { removed, left })
    }
}
