//! What the command line asks of a daemon: `azr/status`, `azr/model/load` and `azr/stop`. Editors do not have the last.

use crate::host::Host;
use crate::lsp::transport::stopping;
use crate::protocol::frame;
use crate::protocol::model::LoadParams;
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
            Some("azr/model/load") => (load(host, id, params).await, None),
            Some("azr/stop") => {
                let params: StopParams = serde_json::from_value(params).unwrap_or_default();
                let result = StopResult { daemon_pid: std::process::id() };
                (json!({ "jsonrpc": "2.0", "id": id, "result": result }), Some(params))
            }
            _ => {
                let message = "no such method; there are azr/status, azr/model/load and azr/stop";
                let error = json!({ "code": -32601, "message": message });
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

/// Serves a model, and answers with how the daemon stands then.
async fn load(host: &Arc<Host>, id: Value, params: Value) -> Value {
    let served = match serde_json::from_value::<LoadParams>(params) {
        Ok(params) => host.serve_model(&params.source).await.map_err(|failure| failure.to_json()),
        Err(error) => Err(json!({ "code": -32602, "message": error.to_string() })),
    };
    match served {
        Ok(()) => json!({ "jsonrpc": "2.0", "id": id, "result": host.status() }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
    }
}
