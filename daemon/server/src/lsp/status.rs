//! `azr/statusChanged`: how the daemon stands, when it changes, at most twice a second.

use super::session::Inner;
use crate::protocol::status::StatusResult;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tower_lsp::lsp_types::notification::Notification;

/// Shortest time between two notifications.
const PAUSE: Duration = Duration::from_millis(500);

enum Changed {}

impl Notification for Changed {
    type Params = StatusResult;
    const METHOD: &'static str = "azr/statusChanged";
}

/// The task that tells the client; dropping it ends it.
#[derive(Debug)]
pub struct StatusChanged(JoinHandle<()>);

impl Drop for StatusChanged {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl StatusChanged {
    /// Tells the client from now on.
    pub fn begin(session: &Arc<Inner>) -> Self {
        let mut changes = session.host.changes();
        let weak = Arc::downgrade(session);
        Self(tokio::spawn(async move {
            let mut last = None;
            while changes.changed().await.is_ok() {
                let Some(session) = weak.upgrade() else { return };
                let status = session.host.status();
                // Time alone is no change.
                let daemon = (status.daemon.clients, status.daemon.sandbox);
                let shown = (daemon, status.model.clone(), status.queue, status.training.clone());
                if last.as_ref() != Some(&shown) {
                    session.client.send_notification::<Changed>(status).await;
                    last = Some(shown);
                }
                drop(session);
                tokio::time::sleep(PAUSE).await;
            }
        }))
    }
}
