//! Checks that keep nobody waiting for longer than an editor may stand still.

use super::diagnostics::Scheduled;
use super::facts::{Fact, Stated, check};
use super::session::{Inner, error};
use crate::claim::Claim;
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::Result;

/// What stands for the outcome of a call that still runs.
const STILL_RUNS: &str = "it still runs; ask again in a moment";

impl Inner {
    /// What execution says to each of `stated` within `patience`. What takes longer goes on, under the name `work`, until the
    /// document or the session ends or the same work begins anew: whoever asks again finds it. The client is told then, where
    /// `refresh` says that it can be.
    pub(crate) async fn facts_within(
        self: &Arc<Self>,
        work: String,
        stated: Vec<Stated>,
        patience: Duration,
        refresh: bool,
    ) -> Result<Vec<Fact>> {
        let all: Vec<&Stated> = stated.iter().collect();
        let known = |one: &&Stated| {
            one.runnable.as_ref().map_or(true, |runnable| self.host.verdicts().known(runnable).is_some())
        };
        if all.iter().all(known) {
            return check(&self.host, &all).await.map_err(|failure| error(&failure));
        }
        let session = Arc::clone(self);
        let wanted = stated.clone();
        let (done, ready) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let all: Vec<&Stated> = wanted.iter().collect();
            if let Err(Ok(_)) = done.send(check(&session.host, &all).await)
                && refresh
            {
                let _ = session.client.inlay_hint_refresh().await;
            }
        });
        self.scheduled().insert(work, Scheduled::new(task));
        if let Ok(Ok(facts)) = tokio::time::timeout(patience, ready).await {
            return facts.map_err(|failure| error(&failure));
        }
        let found: Vec<&Stated> = all.iter().copied().filter(known).collect();
        let mut found = check(&self.host, &found).await.map_err(|failure| error(&failure))?.into_iter();
        let late = |one: &Stated| Fact {
            claim: one.claim.clone(),
            outcome: Err(STILL_RUNS.to_owned()),
            verdict: Claim::Unverified,
        };
        let mut next = found.next();
        let mut fact_of = |one: &&Stated| match next.take_if(|fact| fact.claim == one.claim) {
            Some(fact) => {
                next = found.next();
                fact
            }
            None => late(one),
        };
        Ok(all.iter().map(&mut fact_of).collect())
    }
}
