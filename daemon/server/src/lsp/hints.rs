//! Inlay hints: what the calls in sight return, by execution alone. They never wait for the model.

use super::diagnostics::Scheduled;
use super::documents::Document;
use super::facts::{Fact, Stated, analysis, badge, check, outcome_text, word};
use super::session::{Execution, Inner, error, place};
use crate::slice::ClaimKind;
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip, Position};

/// Hints of one request.
const MAX_HINTS: usize = 200;
/// Longest value in a hint, in characters.
const MAX_CHARS: usize = 40;
/// Slower programs show their hints when they are done, where the client can be told.
const PATIENCE: Duration = Duration::from_millis(250);

impl Inner {
    /// `textDocument/inlayHint`.
    pub(crate) async fn hints_in(
        self: &Arc<Self>,
        document: Option<Document>,
        params: InlayHintParams,
    ) -> Result<Option<Vec<InlayHint>>> {
        let Some(document) = document else { return Ok(None) };
        if self.options().execution == Execution::Off || !self.options().hints {
            return Ok(None);
        }
        let start = document.offset(place(params.range.start), self.encoding());
        let end = document.offset(place(params.range.end), self.encoding());
        let analysis = analysis(&document).await;
        let in_sight = |stated: &&Stated| stated.claim.range.end >= start && stated.claim.range.start <= end;
        let stated: Vec<Stated> = analysis
            .allowed(self.options().execution)
            .filter(in_sight)
            .filter(|stated| stated.runnable.is_ok())
            .take(MAX_HINTS)
            .cloned()
            .collect();
        let known: Vec<&Stated> = stated
            .iter()
            .filter(|one| one.runnable.as_ref().is_ok_and(|run| self.host.verdicts().known(run).is_some()))
            .collect();
        if known.len() == stated.len() || !self.options().hint_refresh {
            // All are known, or the client cannot be told later.
            let all: Vec<&Stated> = stated.iter().collect();
            let facts = check(&self.host, &all).await.map_err(|failure| error(&failure))?;
            return Ok(Some(self.hints_of(&document, &facts)));
        }
        let session = Arc::clone(self);
        let wanted = stated.clone();
        let (done, ready) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let all: Vec<&Stated> = wanted.iter().collect();
            // Where nobody waits any more, the client is told to ask again.
            if let Err(Ok(_)) = done.send(check(&session.host, &all).await) {
                let _ = session.client.inlay_hint_refresh().await;
            }
        });
        // It ends with the document, and with the session.
        self.scheduled().insert(format!("hints of {}", params.text_document.uri), Scheduled::new(task));
        if let Ok(done) = tokio::time::timeout(PATIENCE, ready).await {
            let facts = done.map_err(|_| Error::request_cancelled())?.map_err(|failure| error(&failure))?;
            return Ok(Some(self.hints_of(&document, &facts)));
        }
        let facts = check(&self.host, &known).await.map_err(|failure| error(&failure))?;
        Ok(Some(self.hints_of(&document, &facts)))
    }

    fn hints_of(&self, document: &Document, facts: &[Fact]) -> Vec<InlayHint> {
        let hint = |fact: &Fact| {
            let report = fact.outcome.as_ref().ok()?;
            // What a text claims already needs no second value beside it, only the verdict.
            let label = if fact.claim.kind == ClaimKind::Call {
                format!("= {} {}", outcome_text(&report.verdict, MAX_CHARS), badge(fact.verdict))
            } else if fact.verdict == crate::Claim::Verified {
                badge(fact.verdict).to_owned()
            } else {
                format!("{} {}", badge(fact.verdict), outcome_text(&report.verdict, MAX_CHARS))
            };
            let end = fact
                .claim
                .expected_range
                .as_ref()
                .map_or(fact.claim.range.end, |range| range.end.max(fact.claim.range.end));
            let at = document.place(end, self.encoding());
            Some(InlayHint {
                position: Position { line: at.line, character: at.column },
                label: InlayHintLabel::String(label),
                kind: None,
                text_edits: None,
                tooltip: Some(InlayHintTooltip::String(format!(
                    "{}({}): {} ({})",
                    fact.claim.function,
                    outcome_text(&azr_executor::Verdict::Value { text: fact.claim.input.clone() }, 200),
                    outcome_text(&report.verdict, 500),
                    word(fact.verdict)
                ))),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            })
        };
        facts.iter().filter_map(hint).collect()
    }
}
