//! Code lenses and code actions: the three questions over functions and calls, and the correction of what execution
//! refuted. Many clients hide lenses, so the actions offer the same.

use super::documents::Document;
use super::facts::{Analysis, Stated, analysis, outcome_text};
use super::session::{Execution, Inner, place};
use crate::claim::Claim;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, CodeLens, Command,
    TextEdit, Url, WorkspaceEdit,
};

/// Examples given to an induction.
const MAX_EXAMPLES: usize = 16;
/// Corrections of what takes longer are offered when the actions are asked for again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest value that is written into a document.
const MAX_VALUE: usize = 4_096;

/// Question about one call: what does it return?
fn deduce(call: &Stated) -> Option<Command> {
    let runnable = call.runnable.as_ref().ok()?;
    let claim = &call.claim;
    let shown = outcome_text(&azr_executor::Verdict::Value { text: claim.input.clone() }, 30);
    let arguments =
        json!({ "program": &*runnable.program, "function": claim.function, "input": claim.input });
    Some(command(format!("AZR: deduce {}({shown})", claim.function), "azr.deduce", arguments))
}

/// Question about a value: which input gives it?
fn abduce(analysis: &Analysis, stated: &Stated) -> Option<Command> {
    let (runnable, expected) = (stated.runnable.as_ref().ok()?, stated.claim.expected.as_ref()?);
    let function = &stated.claim.function;
    let known: Vec<&str> = analysis
        .stated
        .iter()
        .filter(|other| other.claim.function == *function)
        .map(|other| other.claim.input.as_str())
        .take(MAX_EXAMPLES)
        .collect();
    let shown = outcome_text(&azr_executor::Verdict::Value { text: expected.clone() }, 30);
    let arguments = json!({ "program": &*runnable.program, "function": function, "output": expected, "knownInputs": known });
    Some(command(format!("AZR: find an input of {function} for {shown}"), "azr.abduce", arguments))
}

/// Question about examples: which function does this?
fn induce(analysis: &Analysis, function: &str) -> Option<Command> {
    let examples: Vec<Value> = analysis
        .examples_of(function)
        .take(MAX_EXAMPLES)
        .map(|(input, output)| json!({ "input": input, "output": output }))
        .collect();
    (!examples.is_empty()).then(|| {
        command(
            format!("AZR: write {function} from its examples"),
            "azr.induce",
            json!({ "examples": examples }),
        )
    })
}

fn command(title: String, name: &str, arguments: Value) -> Command {
    Command { title, command: name.to_owned(), arguments: Some(vec![arguments]) }
}

/// The questions about one function, asked above its definition.
fn questions(analysis: &Analysis, function: &str) -> Vec<Command> {
    let mut own = analysis.stated.iter().filter(|stated| stated.claim.function == function);
    let first = own.clone().find(|stated| stated.runnable.is_ok());
    let claimed = own.find(|stated| stated.claim.expected.is_some() && stated.runnable.is_ok());
    let all = [
        first.and_then(deduce),
        claimed.and_then(|stated| abduce(analysis, stated)),
        induce(analysis, function),
    ];
    all.into_iter().flatten().collect()
}

impl Inner {
    /// `textDocument/codeLens`: places only; what stands there is found when a lens comes into sight.
    pub(crate) async fn lenses_in(
        &self,
        document: Option<Document>,
        uri: &Url,
    ) -> Result<Option<Vec<CodeLens>>> {
        let Some(document) = document else { return Ok(None) };
        let analysis = analysis(&document).await;
        let mut lenses = Vec::new();
        for function in &analysis.functions {
            let range = self.range(&document, &function.name_range);
            lenses.extend((0..questions(&analysis, &function.name).len()).map(|index| CodeLens {
                range,
                command: None,
                data: Some(json!({ "uri": uri, "function": function.name, "index": index })),
            }));
        }
        Ok(Some(lenses))
    }

    /// `codeLens/resolve`.
    pub(crate) async fn resolve_lens(&self, mut lens: CodeLens) -> Result<CodeLens> {
        let data = lens.data.clone().unwrap_or_default();
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        let index = data.get("index").and_then(Value::as_u64).unwrap_or_default() as usize;
        let uri = Url::parse(text("uri")).map_err(|_| {
            tower_lsp::jsonrpc::Error::invalid_params("a lens of this server has its document in `data`")
        })?;
        let Some(document) = self.document(&uri) else { return Ok(lens) };
        let analysis = analysis(&document).await;
        lens.command = questions(&analysis, text("function")).into_iter().nth(index);
        Ok(lens)
    }

    /// `textDocument/codeAction`.
    pub(crate) async fn actions_in(
        self: &Arc<Self>,
        document: Option<Document>,
        params: CodeActionParams,
    ) -> Result<Option<CodeActionResponse>> {
        let Some(document) = document else { return Ok(None) };
        let uri = params.text_document.uri;
        let start = document.offset(place(params.range.start), self.encoding());
        let end = document.offset(place(params.range.end), self.encoding()).max(start);
        let analysis = analysis(&document).await;
        let touched: Vec<&Stated> = analysis
            .stated
            .iter()
            .filter(|stated| {
                let last = stated
                    .claim
                    .expected_range
                    .as_ref()
                    .map_or(0, |range| range.end)
                    .max(stated.claim.range.end);
                stated.claim.range.start <= end && start <= last
            })
            .take(MAX_EXAMPLES)
            .collect();
        let mut actions = Vec::new();
        if self.options().execution != Execution::Off {
            let claimed: Vec<Stated> = touched
                .iter()
                .copied()
                .filter(|one| one.claim.expected_range.is_some() && one.runnable.is_ok())
                .cloned()
                .collect();
            let facts = self.facts_within(format!("actions of {uri}"), claimed, PATIENCE, false).await?;
            for fact in facts.iter().filter(|fact| fact.verdict == Claim::Refuted) {
                let (Some(range), Ok(report)) = (&fact.claim.expected_range, &fact.outcome) else { continue };
                let Some(value) = report.verdict.value().filter(|value| value.len() <= MAX_VALUE) else {
                    continue;
                };
                let edit = TextEdit { range: self.range(&document, range), new_text: value.to_owned() };
                let changes = std::collections::HashMap::from([(uri.clone(), vec![edit])]);
                let diagnostics = params
                    .context
                    .diagnostics
                    .iter()
                    .filter(|one| one.source.as_deref() == Some("azr"))
                    .cloned()
                    .collect();
                actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                    title: format!("Replace with the actual value {}", outcome_text(&report.verdict, 40)),
                    kind: Some(CodeActionKind::QUICKFIX),
                    diagnostics: Some(diagnostics),
                    edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
                    is_preferred: Some(true),
                    ..CodeAction::default()
                }));
            }
        }
        let mut commands: BTreeMap<String, Command> = BTreeMap::new();
        for stated in &touched {
            let questions =
                [deduce(stated), abduce(&analysis, stated), induce(&analysis, &stated.claim.function)];
            commands.extend(questions.into_iter().flatten().map(|command| (command.title.clone(), command)));
        }
        if let Some(function) = analysis.function_at(start) {
            commands.extend(
                questions(&analysis, &function.name)
                    .into_iter()
                    .map(|command| (command.title.clone(), command)),
            );
        }
        actions.extend(commands.into_values().map(|command| {
            CodeActionOrCommand::CodeAction(CodeAction {
                title: command.title.clone(),
                kind: Some(CodeActionKind::new("source.azr")),
                command: Some(command),
                ..CodeAction::default()
            })
        }));
        Ok(Some(actions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_with_examples_has_all_three_questions() {
        let analysis = Analysis::of("def f(a):\n    return a * 2\n\nassert f(2) == 4\nassert f(3) == 6\n");
        let commands = questions(&analysis, "f");
        let names: Vec<&str> = commands.iter().map(|command| command.command.as_str()).collect();
        assert_eq!(names, ["azr.deduce", "azr.abduce", "azr.induce"]);
        let arguments = commands[1].arguments.as_ref().unwrap();
        assert_eq!(arguments[0]["output"], "4");
        assert_eq!(arguments[0]["knownInputs"], json!(["2", "3"]));
        assert!(questions(&analysis, "g").is_empty());
    }

    #[test]
    fn a_function_that_cannot_be_run_is_not_asked_about() {
        let analysis = Analysis::of("def f(p):\n    return open(p).read()\n\nf('x')\n");
        assert!(questions(&analysis, "f").is_empty());
    }
}
