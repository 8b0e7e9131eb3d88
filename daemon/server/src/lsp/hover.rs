//! Hover on a call: the executed value with its verdict, and what the model says.

use super::documents::Document;
use super::facts::{Fact, analysis, badge, outcome_text, word};
use super::session::{Inner, place};
use crate::claim::Claim;
use azr_executor::Verdict;
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

/// Longest value shown, in characters.
const MAX_CHARS: usize = 2_000;
/// A call that takes longer says so; its value is there when it is pointed at again.
const PATIENCE: Duration = Duration::from_secs(3);

impl Inner {
    /// `textDocument/hover`; `document` is the text as it was when the request came.
    pub(crate) async fn hover_in(
        self: &Arc<Self>,
        document: Option<Document>,
        params: HoverParams,
    ) -> Result<Option<Hover>> {
        let Some(document) = document else { return Ok(None) };
        let position = params.text_document_position_params.position;
        let offset = document.offset(place(position), self.encoding());
        let analysis = analysis(&document).await;
        let execution = self.options().execution;
        let Some(stated) = analysis.stated_at(offset, execution) else { return Ok(None) };
        let work = format!("hover of {}", params.text_document_position_params.text_document.uri);
        let facts = self.facts_within(work, vec![stated.clone()], PATIENCE, false).await?;
        let Some(fact) = facts.into_iter().next() else { return Ok(None) };
        let prediction = self.host.prediction(stated);
        if prediction.is_none() {
            self.host.predict_later(stated);
        }
        let text = text_of(&fact, prediction.as_ref(), self.options().markdown);
        let kind = if self.options().markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
        Ok(Some(Hover {
            contents: HoverContents::Markup(MarkupContent { kind, value: text }),
            range: Some(self.range(&document, &fact.claim.range)),
        }))
    }
}

/// What the model says a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The value; `None` where the model gave none.
    pub value: Option<String>,
    /// What execution says to it.
    pub verdict: Claim,
    /// Updates that the model had seen.
    pub version: Option<u64>,
}

/// The text of a hover: the run first, then the claim of the text, then the model.
fn text_of(fact: &Fact, prediction: Option<&Prediction>, markdown: bool) -> String {
    let call = format!("{}({})", fact.claim.function, fact.claim.input);
    let code = |text: &str| if markdown { code_span(text) } else { text.to_owned() };
    let mut lines = Vec::new();
    match &fact.outcome {
        Ok(report) => {
            let own = Claim::of(&report.verdict, true);
            let sign = if report.verdict.value().is_some() { "→" } else { "raises or ends:" };
            let sign = if matches!(report.verdict, Verdict::Nondeterministic) { "→" } else { sign };
            let shown = outcome_text(&report.verdict, MAX_CHARS);
            lines.push(format!("{} {sign} {} {} {}", code(&call), code(&shown), badge(own), word(own)));
            if !report.stdout.is_empty() {
                let printed = Verdict::Value { text: report.stdout.clone() };
                lines.push(format!("prints {}", code(&outcome_text(&printed, MAX_CHARS / 4))));
            }
        }
        Err(reason) => lines.push(format!(
            "{} {} {}: {reason}",
            code(&call),
            badge(Claim::Unverified),
            word(Claim::Unverified)
        )),
    }
    if let Some(expected) = fact.claim.expected.as_deref().filter(|_| fact.outcome.is_ok()) {
        lines.push(format!(
            "the text says {} {} {}",
            code(expected),
            badge(fact.verdict),
            word(fact.verdict)
        ));
    }
    match prediction {
        Some(Prediction { value: Some(value), verdict, version }) => {
            let version = version.map_or(String::new(), |version| format!(" (version {version})"));
            lines.push(format!(
                "the model{version} says {} {} {}",
                code(value),
                badge(*verdict),
                word(*verdict)
            ));
        }
        Some(_) => lines.push("the model says nothing".to_owned()),
        None => lines.push("the model has not answered yet".to_owned()),
    }
    lines.join(if markdown { "\n\n" } else { "\n" })
}

/// A code span around any text: its fence is longer than every run of backticks in it.
fn code_span(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_hold_any_text() {
        assert_eq!(code_span("a"), "`a`");
        assert_eq!(code_span("a``b"), "```a``b```");
        assert_eq!(code_span("`"), "`` ` ``");
    }
}
