//! `azr lsp --standalone`: one session on standard input and output, without a daemon.

use super::parent;
use crate::host::{Host, Supplies};
use crate::lsp::session;
use crate::lsp::transport::{AtEof, End};
use std::sync::Arc;
use tokio::io::BufReader;

/// Serves the session; says how it ended.
pub async fn run(build_id: String, supplies: Arc<dyn Supplies>, cwd: Option<String>) -> std::io::Result<End> {
    let host = Host::open(build_id, supplies)?;
    let _client = host.client();
    let reader = BufReader::with_capacity(64 << 10, tokio::io::stdin());
    let watched = Arc::clone(&host);
    let end = session::run_watching(
        Arc::clone(&host),
        reader,
        tokio::io::stdout(),
        AtEof::Answer,
        cwd,
        move |parent| {
            let watched = Arc::clone(&watched);
            tokio::spawn(async move {
                parent::ended(parent).await;
                tracing::info!("the editor has gone");
                watched.stop(true);
            });
        },
    )
    .await;
    host.training().stop_all().await;
    host.actor().shut_down();
    Ok(end)
}
