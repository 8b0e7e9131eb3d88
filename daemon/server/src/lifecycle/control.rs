//! What the command line asks of a daemon: `azr/status` and `azr/stop`. Editors do not have the second.

use crate::host::Host;
use crate::lsp::transport::stopping;
use crate::protocol::frame;
use crate::protocol::stop::{StopParams, StopResult};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncBufRead, AsyncWrite};

/// Answers until the caller goes, or the daemon ends.
pub async fn run<R, W>(host: &Arc<Host>, mut reader: R, mut writer: W)
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut stop = host.stop_signal();
    loop {
        // A frame cut off by the end of the daemon is nobody's loss.
        let body = tokio::select! {
            body = frame::read(&mut reader) => body,
            () = stopping(&mut stop) => return,
        };
        let Ok(Some(body)) = body else { return };
        let Ok(request) = serde_json::from_slice::<Value>(&body) else { return };
        let id = request.get("id").cloned().unwrap_or_default();
        let params = request.get("params").cloned().unwrap_or_default();
        let (reply, ends) = match request.get("method").and_then(Value::as_str) {
            Some("azr/status") => (json!({ "jsonrpc": "2.0", "id": id, "result": host.status() }), None),
            Some("azr/stop") => {
                let params: StopParams = serde_json::from_value(params).unwrap_or_default();
                let result = StopResult { daemon_pid: std::process::id() };
                (json!({ "jsonrpc": "2.0", "id": id, "result": result }), Some(params))
            }
            _ => {
                let error =
                    json!({ "code": -32601, "message": "no such method; there are azr/status and azr/stop" });
                (json!({ "jsonrpc": "2.0", "id": id, "error": error }), None)
            }
        };
        let sent = frame::send(&mut writer, &reply).await;
        if let Some(params) = ends {
            host.stop(params.now);
            return;
        }
        if sent.is_err() {
            return;
        }
    }
}
