//! Diagnostics: assertions, doctests and example comments that execution refutes.

use super::documents::Document;
use super::facts::{Fact, Stated, analysis, check, outcome_text};
use super::session::{Execution, Inner};
use crate::claim::Claim;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tower_lsp::lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Url,
};

/// Wait after the last change.
const QUIET: Duration = Duration::from_millis(300);
/// Claims of one document that are checked.
const MAX_CHECKED: usize = 500;

/// Work on a document that waits or runs; dropping this ends it.
#[derive(Debug)]
pub struct Scheduled(JoinHandle<()>);

impl Scheduled {
    /// Ends with this value.
    pub fn new(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Inner {
    /// Checks a document when it has been quiet for a moment; an older check of it ends.
    pub(crate) fn check_soon(self: &Arc<Self>, uri: Url) {
        let weak = Arc::downgrade(self);
        let key = uri.to_string();
        let task = tokio::spawn(async move {
            tokio::time::sleep(QUIET).await;
            // The session may be gone.
            let Some(session) = weak.upgrade() else { return };
            let Some(document) = session.document(&uri) else { return };
            let diagnostics = session.diagnostics_of(&document, &uri).await;
            let current = session.document(&uri).is_some_and(|now| now.version == document.version);
            if current {
                let version = Some(document.version);
                session.client.publish_diagnostics(uri.clone(), diagnostics, version).await;
                session.offer(&document, &uri).await;
            }
        });
        self.scheduled().insert(key, Scheduled::new(task));
    }

    /// Ends the check of a document and takes its diagnostics away.
    pub(crate) async fn forget(&self, uri: Url) {
        self.scheduled().remove(uri.as_str());
        for work in ["hints", "hover", "actions"] {
            self.scheduled().remove(&format!("{work} of {uri}"));
        }
        self.client.publish_diagnostics(uri, Vec::new(), None).await;
    }

    async fn diagnostics_of(&self, document: &Document, uri: &Url) -> Vec<Diagnostic> {
        if self.options().execution == Execution::Off {
            return Vec::new();
        }
        let analysis = analysis(document).await;
        let claimed: Vec<&Stated> = analysis
            .allowed(self.options().execution)
            .filter(|stated| stated.claim.expected.is_some() && stated.runnable.is_ok())
            .take(MAX_CHECKED)
            .collect();
        match check(&self.host, &claimed).await {
            Ok(facts) => facts.iter().filter_map(|fact| self.diagnostic(document, uri, fact)).collect(),
            Err(failure) => {
                tracing::warn!(reason = failure.message, "a document could not be checked");
                Vec::new()
            }
        }
    }

    fn diagnostic(&self, document: &Document, uri: &Url, fact: &Fact) -> Option<Diagnostic> {
        let report = fact.outcome.as_ref().ok()?;
        let (call, expected) =
            (format!("{}({})", fact.claim.function, fact.claim.input), fact.claim.expected.as_ref()?);
        let actual = outcome_text(&report.verdict, 300);
        let (code, severity, message) = match fact.verdict {
            Claim::Refuted => {
                ("refuted", DiagnosticSeverity::WARNING, format!("{call} is {actual}, not {expected}"))
            }
            Claim::Error => {
                ("error", DiagnosticSeverity::WARNING, format!("{call} does not return {expected}: {actual}"))
            }
            Claim::Nondeterministic => (
                "nondeterministic",
                DiagnosticSeverity::INFORMATION,
                format!("{call} does not give the same value twice"),
            ),
            // Out of the limits is no refutation.
            Claim::Verified | Claim::Unverified | Claim::Timeout => return None,
        };
        let range = fact.claim.expected_range.clone().unwrap_or_else(|| fact.claim.range.clone());
        let related = DiagnosticRelatedInformation {
            location: Location { uri: uri.clone(), range: self.range(document, &fact.claim.range) },
            message: format!("by execution: {actual}"),
        };
        Some(Diagnostic {
            range: self.range(document, &range),
            severity: Some(severity),
            code: Some(NumberOrString::String(code.to_owned())),
            source: Some("azr".to_owned()),
            message,
            related_information: self.options().related_information.then(|| vec![related]),
            ..Diagnostic::default()
        })
    }
}
