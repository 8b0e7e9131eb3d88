//! Inlay hints: what the calls in sight return, by execution alone. They never wait for the model.

use super::documents::Document;
use super::facts::{Fact, Stated, analysis, badge, outcome_text, word};
use super::session::{Execution, Inner, place};
use crate::slice::ClaimKind;
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip, Position};

/// Hints of one request.
const MAX_HINTS: usize = 200;
/// Longest value in a hint, in characters.
const MAX_CHARS: usize = 40;
/// Slower programs show their hints when they are done, where the client can be told.
const PATIENCE: Duration = Duration::from_millis(250);
/// Where the client cannot be told, slower programs show theirs when it asks the next time.
const PATIENCE_UNTOLD: Duration = Duration::from_secs(2);

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
        let refresh = self.options().hint_refresh;
        let patience = if refresh { PATIENCE } else { PATIENCE_UNTOLD };
        let work = format!("hints of {}", params.text_document.uri);
        let facts = self.facts_within(work, stated, patience, refresh).await?;
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
