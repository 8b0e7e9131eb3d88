//! The setting `model`: which model an editor wants. There is one for everybody, so the last editor that asks decides.

use super::session::{Inner, Session, error};
use crate::protocol::model::{LoadParams, LoadResult};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::MessageType;

impl Inner {
    /// Takes the setting `model`; an empty one wants nothing in particular. The editor is told where it cannot be had.
    pub(crate) fn take_model(self: &Arc<Self>, settings: &Value) {
        let wanted = settings.get("model").and_then(Value::as_str).map_or("", str::trim);
        let wanted = self.named(wanted);
        {
            let mut last = self.wanted_model();
            if *last == wanted {
                return;
            }
            last.clone_from(&wanted);
        }
        if wanted.is_empty() {
            return;
        }
        let session = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(failure) = session.host.serve_model(&wanted).await {
                let text =
                    format!("The model {wanted} is not served: {} ({})", failure.message, failure.hint);
                session.client.show_message(MessageType::WARNING, text).await;
            }
        });
    }

    /// A path that is relative to the editor's folder, as the daemon finds it; any other name as it is.
    fn named(&self, name: &str) -> String {
        let path = self.cwd.as_ref().map(|cwd| Path::new(cwd).join(name));
        match path {
            Some(path) if !name.is_empty() && path.exists() => path.display().to_string(),
            _ => name.to_owned(),
        }
    }

    /// Loads the model again.
    pub(crate) async fn restart_model(&self) -> Result<Value> {
        let version = self.host.load_model(None).await.map_err(|failure| error(&failure))?;
        Ok(json!(LoadResult { model_version: version }))
    }
}

impl Session {
    pub(crate) async fn on_load(&self, params: LoadParams) -> Result<LoadResult> {
        let source = self.named(&params.source);
        let version = self.host.load_model(Some(source)).await.map_err(|failure| error(&failure))?;
        Ok(LoadResult { model_version: version })
    }
}
