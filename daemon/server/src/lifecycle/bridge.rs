//! `azr lsp`: standard input and output of an editor, joined to the daemon.
//!
//! The bridge passes frames on as they are. It ends with its editor, finds or starts the daemon, and when the daemon
//! dies it finds the next one once, replays the session there, and answers what the old one took with it.

use super::connect::{Caller, ConnectError, Connection, Starter, find_or_start};
use super::mirror::Mirror;
use super::parent;
use super::placement::Places;
use crate::lsp::transport::End;
use crate::protocol::frame;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Frames that wait for standard output.
const QUEUED: usize = 256;
/// A daemon that dies again within this time is not looked for a third time.
const STEADY: Duration = Duration::from_secs(10);
/// Wait for answers after the editor's output has ended.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Joins the editor to a daemon until one of them ends.
pub async fn run(places: &Places, caller: &Caller, starter: &Starter) -> Result<End, ConnectError> {
    let connection = find_or_start(places, caller, starter).await?;
    if connection.hello.build_id != caller.build_id {
        tracing::warn!(
            daemon = connection.hello.build_id,
            bridge = caller.build_id,
            "the daemon is of another build; `azr daemon stop` makes the next session start this one"
        );
    }
    let (to_editor, queue) = mpsc::channel(QUEUED);
    let writing = tokio::spawn(write_out(queue));
    let (frames_in, frames) = mpsc::channel(4);
    tokio::spawn(read_in(frames_in));
    let bridge = Bridge { mirror: Arc::default(), to_editor, frames };
    let end = bridge.join(places, caller, starter, connection, &writing).await;
    let _ = tokio::time::timeout(Duration::from_secs(1), writing).await;
    end
}

struct Bridge {
    mirror: Arc<Mutex<Mirror>>,
    to_editor: mpsc::Sender<Vec<u8>>,
    /// From the editor; ends with its output.
    frames: mpsc::Receiver<Vec<u8>>,
}

/// The daemon's side of the bridge.
struct Side {
    writer: OwnedWriteHalf,
    down: JoinHandle<()>,
}

impl Bridge {
    async fn join(
        mut self,
        places: &Places,
        caller: &Caller,
        starter: &Starter,
        connection: Connection,
        writing: &JoinHandle<()>,
    ) -> Result<End, ConnectError> {
        let mut side = self.side(connection);
        let mut since = tokio::time::Instant::now();
        let mut editor: std::pin::Pin<Box<dyn Future<Output = ()>>> = Box::pin(std::future::pending());
        loop {
            // Is the daemon lost, and has all that it said been passed on?
            let (lost, ended) = tokio::select! {
                frame = self.frames.recv() => match frame {
                    Some(body) => {
                        let process = self.mirror().client_says(&body);
                        if let Some(process) = process {
                            editor = Box::pin(parent::ended(process));
                        }
                        (pass_on(&mut side.writer, &body).await.is_err(), false)
                    }
                    None => return Ok(self.drain(&mut side).await),
                },
                _ = &mut side.down => (true, true),
                () = &mut editor => return Ok(End::Closed),
            };
            if !lost {
                continue;
            }
            if !ended && tokio::time::timeout(STEADY, &mut side.down).await.is_err() {
                // What the old daemon still had to say must not come after the errors for it.
                side.down.abort();
            }
            if self.mirror().exited || writing.is_finished() {
                return Ok(self.end());
            }
            if since.elapsed() < STEADY && self.mirror().replayed() {
                self.report(
                    "The azr daemon ended again; start the language server anew, and see `azr daemon logs`.",
                )
                .await;
                return Ok(End::Broken);
            }
            since = tokio::time::Instant::now();
            let connection = match find_or_start(places, caller, starter).await {
                Ok(connection) => connection,
                Err(error) => {
                    self.report(&format!("The azr daemon ended, and no other can be reached: {error}")).await;
                    return Ok(End::Broken);
                }
            };
            side = self.side(connection);
            let (errors, replay) = {
                let mut mirror = self.mirror();
                (mirror.give_up("the azr daemon ended before it answered; ask again"), mirror.begin_replay())
            };
            for error in errors {
                let _ = self.to_editor.send(error.to_string().into_bytes()).await;
            }
            for message in replay {
                // A failure shows again at once, as the end of the other direction.
                let _ = pass_on(&mut side.writer, message.to_string().as_bytes()).await;
            }
            tracing::warn!("the daemon ended; another one has taken the session over");
        }
    }

    fn mirror(&self) -> std::sync::MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) -> End {
        let mirror = self.mirror();
        if mirror.exited { End::Exit { after_shutdown: mirror.shut_down } } else { End::Broken }
    }

    /// Begins to pass the daemon's frames on.
    fn side(&self, connection: Connection) -> Side {
        let Connection { mut reader, writer, .. } = connection;
        let (mirror, to_editor) = (Arc::clone(&self.mirror), self.to_editor.clone());
        let down = tokio::spawn(async move {
            while let Ok(Some(body)) = frame::read(&mut reader).await {
                let passed = mirror.lock().unwrap_or_else(PoisonError::into_inner).daemon_says(&body);
                if passed && to_editor.send(body).await.is_err() {
                    return;
                }
            }
        });
        Side { writer, down }
    }

    /// The editor's output has ended: what it asked is still answered, as long as it reads.
    async fn drain(&self, side: &mut Side) -> End {
        let answered = async {
            while self.mirror().waiting() > 0 && !side.down.is_finished() && !self.to_editor.is_closed() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(DRAIN_LIMIT, answered).await;
        if self.mirror().exited { self.end() } else { End::Closed }
    }

    async fn report(&self, text: &str) {
        let errors = self.mirror().give_up(text);
        let message = json!({ "jsonrpc": "2.0", "method": "window/showMessage", "params": { "type": 1, "message": text } });
        for message in errors.iter().chain([&message]) {
            let _ = self.to_editor.send(message.to_string().into_bytes()).await;
        }
    }
}

/// Tells an editor why there is no session: answers its `initialize` with the reason.
pub async fn refuse(error: &ConnectError) {
    let mut stdin = BufReader::new(tokio::io::stdin());
    let mut stdout = tokio::io::stdout();
    let Ok(Ok(Some(body))) = tokio::time::timeout(DRAIN_LIMIT, frame::read(&mut stdin)).await else { return };
    let text = format!("azr: {error}");
    let id = serde_json::from_slice::<Value>(&body).ok().and_then(|message| message.get("id").cloned());
    let message =
        json!({ "jsonrpc": "2.0", "method": "window/showMessage", "params": { "type": 1, "message": text } });
    let _ = frame::send(&mut stdout, &message).await;
    if let Some(id) = id {
        let reply = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32803, "message": text } });
        let _ = frame::send(&mut stdout, &reply).await;
    }
}

async fn pass_on(writer: &mut OwnedWriteHalf, body: &[u8]) -> std::io::Result<()> {
    let mut framed = Vec::with_capacity(body.len() + 32);
    frame::write(&mut framed, body).await?;
    writer.write_all(&framed).await
}

async fn read_in(frames: mpsc::Sender<Vec<u8>>) {
    let mut stdin = BufReader::with_capacity(64 << 10, tokio::io::stdin());
    loop {
        match frame::read(&mut stdin).await {
            Ok(Some(body)) => {
                if frames.send(body).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            // The daemon's side would answer the same; the frame is lost either way.
            Err(error) if error.is_recoverable() => {
                tracing::warn!(%error, "a frame of the editor was skipped");
                let _ = frames.send(b"malformed".to_vec()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the editor's frames cannot be read any further");
                return;
            }
        }
    }
}

async fn write_out(mut queue: mpsc::Receiver<Vec<u8>>) {
    let mut stdout = BufWriter::new(tokio::io::stdout());
    while let Some(body) = queue.recv().await {
        if frame::write(&mut stdout, &body).await.is_err() || stdout.flush().await.is_err() {
            return;
        }
    }
}
