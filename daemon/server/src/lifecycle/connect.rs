//! Finding the daemon, or starting it: the first bridge wins the race, the others wait for its daemon.

use super::lock::Lock;
use super::log;
use super::placement::{PlaceError, Places};
use crate::protocol::failure::FailureData;
use crate::protocol::hello::{HelloParams, HelloResult, Role};
use crate::protocol::{VERSION, frame};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// Longest wait for a daemon to answer.
const START_LIMIT: Duration = Duration::from_secs(10);
/// First and longest pause between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

/// How to start the daemon: this program, with these arguments.
#[derive(Clone, Debug)]
pub struct Starter {
    /// The program.
    pub program: PathBuf,
    /// Its arguments: those of a detached daemon in the foreground.
    pub arguments: Vec<String>,
}

/// Who connects.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Build of this program.
    pub build_id: String,
    /// The present folder.
    pub cwd: Option<String>,
    /// What for.
    pub role: Role,
}

/// A connection after `azr/hello`.
#[derive(Debug)]
pub struct Connection {
    /// From the daemon.
    pub reader: BufReader<OwnedReadHalf>,
    /// To the daemon.
    pub writer: OwnedWriteHalf,
    /// What the daemon said of itself.
    pub hello: HelloResult,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No daemon runs.
    #[error("no daemon is running; start one with `azr daemon start`")]
    NotRunning,
    /// The place is not usable.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The daemon is of another kind.
    #[error("the daemon refused the connection: {message}; {hint}")]
    Refused {
        /// What it said.
        message: String,
        /// What it advised.
        hint: String,
    },
    /// The daemon could not be started.
    #[error("cannot start the daemon with {program}: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The daemon ended before it answered.
    #[error("the daemon ended at once ({status}); its log is {log}\n{tail}", log = log.display())]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The daemon did not answer.
    #[error("the daemon did not answer within {} s ({last}); its log is {log}", START_LIMIT.as_secs(), log = log.display())]
    Silent {
        /// The last failure.
        last: String,
        /// Its log.
        log: PathBuf,
    },
}

/// Connects to the daemon that runs.
pub async fn find(places: &Places, caller: &Caller) -> Result<Connection, ConnectError> {
    match attempt(places, caller).await {
        Ok(connection) => Ok(connection),
        Err(Attempt::Refused { message, hint }) => Err(ConnectError::Refused { message, hint }),
        Err(Attempt::Again(last)) if Lock::is_held(&places.lock()) => {
            // It is starting or stopping: give it a moment.
            wait(places, caller, None).await.map_err(|error| match error {
                ConnectError::Silent { log, .. } => ConnectError::Silent { last, log },
                other => other,
            })
        }
        Err(Attempt::Again(_)) => Err(ConnectError::NotRunning),
    }
}

/// Connects to the daemon, and starts it where none runs.
pub async fn find_or_start(
    places: &Places,
    caller: &Caller,
    starter: &Starter,
) -> Result<Connection, ConnectError> {
    places.make()?;
    match attempt(places, caller).await {
        Ok(connection) => Ok(connection),
        Err(Attempt::Refused { message, hint }) => Err(ConnectError::Refused { message, hint }),
        Err(Attempt::Again(_)) => wait(places, caller, Some(starter)).await,
    }
}

/// Tries until the limit; with a starter, whoever gets the start lock starts the daemon.
async fn wait(
    places: &Places,
    caller: &Caller,
    starter: Option<&Starter>,
) -> Result<Connection, ConnectError> {
    let deadline = tokio::time::Instant::now() + START_LIMIT;
    let (mut pause, longest) = PAUSES;
    let mut started: Option<(Lock, Started)> = None;
    loop {
        if let (Some(starter), None) = (starter, &started) {
            let lock = Lock::try_take(&places.start_lock())
                .map_err(|source| PlaceError::Folder { path: places.start_lock(), source })?;
            if let Some(lock) = lock {
                // The daemon may have come up between the last attempt and the lock.
                match attempt(places, caller).await {
                    Ok(connection) => return Ok(connection),
                    Err(Attempt::Refused { message, hint }) => {
                        return Err(ConnectError::Refused { message, hint });
                    }
                    Err(Attempt::Again(_)) => started = Some((lock, start(places, starter)?)),
                }
            }
        }
        if let Some((_, child)) = &mut started
            && let Some(status) = child.failed()
        {
            let tail = log::tail(&places.log(), 5).unwrap_or_default();
            return Err(ConnectError::Ended { status, log: places.log(), tail });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
        let last = match attempt(places, caller).await {
            Ok(connection) => return Ok(connection),
            Err(Attempt::Refused { message, hint }) => return Err(ConnectError::Refused { message, hint }),
            Err(Attempt::Again(reason)) => reason,
        };
        if tokio::time::Instant::now() > deadline {
            return Err(ConnectError::Silent { last, log: places.log() });
        }
    }
}

/// A daemon that we started. Dropping it leaves the daemon alone, and still collects its end.
struct Started(Option<Child>);

impl Started {
    /// The status of a daemon that ended and did not end well.
    fn failed(&mut self) -> Option<ExitStatus> {
        let status = self.0.as_mut()?.try_wait().ok().flatten()?;
        self.0 = None;
        (!status.success()).then_some(status)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // A bridge lives for hours: a daemon that ends before it must not stay behind as a zombie.
            let _ = std::thread::Builder::new().name("reaper".to_owned()).spawn(move || child.wait());
        }
    }
}

fn start(places: &Places, starter: &Starter) -> Result<Started, ConnectError> {
    let errors = log::open(&places.log());
    let child = Command::new(&starter.program)
        .args(&starter.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.map_or_else(|_| Stdio::null(), Stdio::from))
        // A daemon must not keep the folder of whoever came first.
        .current_dir("/")
        .spawn()
        .map_err(|source| ConnectError::Spawn { program: starter.program.clone(), source })?;
    Ok(Started(Some(child)))
}

/// How one attempt failed.
enum Attempt {
    /// Worth trying again.
    Again(String),
    /// The daemon is there and does not want us.
    Refused { message: String, hint: String },
}

async fn attempt(places: &Places, caller: &Caller) -> Result<Connection, Attempt> {
    let again = |error: std::io::Error| Attempt::Again(error.to_string());
    let stream = UnixStream::connect(places.socket()).await.map_err(again)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let params = HelloParams {
        protocol: VERSION,
        build_id: caller.build_id.clone(),
        client_pid: Some(std::process::id()),
        cwd: caller.cwd.clone(),
        token: None,
        role: caller.role,
    };
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "azr/hello", "params": params });
    frame::send(&mut writer, &hello).await.map_err(again)?;
    let reply = frame::read(&mut reader).await.map_err(|error| Attempt::Again(error.to_string()))?;
    // A daemon that is ending closes without an answer.
    let reply = reply.ok_or_else(|| Attempt::Again("the daemon closed the connection".to_owned()))?;
    let reply: Value = serde_json::from_slice(&reply).map_err(|error| Attempt::Again(error.to_string()))?;
    if let Some(error) = reply.get("error") {
        let (message, hint) = refusal(error);
        return Err(Attempt::Refused { message, hint });
    }
    let hello = reply.get("result").cloned().unwrap_or_default();
    let hello = serde_json::from_value(hello).map_err(|error| Attempt::Again(error.to_string()))?;
    Ok(Connection { reader, writer, hello })
}

/// Message and advice of an error.
fn refusal(error: &Value) -> (String, String) {
    let data: Option<FailureData> =
        error.get("data").and_then(|data| serde_json::from_value(data.clone()).ok());
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
    (message, data.map(|data| data.hint).unwrap_or_default())
}

/// Asks one thing on a connection of the command line.
pub async fn ask(connection: &mut Connection, method: &str, params: &Value) -> Result<Value, ConnectError> {
    let lost = |last: String| ConnectError::Silent { last, log: PathBuf::new() };
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    frame::send(&mut connection.writer, &request).await.map_err(|error| lost(error.to_string()))?;
    let reply = frame::read(&mut connection.reader).await.map_err(|error| lost(error.to_string()))?;
    let reply = reply.ok_or_else(|| lost("the daemon closed the connection".to_owned()))?;
    let reply: Value = serde_json::from_slice(&reply).map_err(|error| lost(error.to_string()))?;
    match reply.get("error") {
        Some(error) => {
            let (message, hint) = refusal(error);
            Err(ConnectError::Refused { message, hint })
        }
        None => Ok(reply.get("result").cloned().unwrap_or_default()),
    }
}

/// Waits until the daemon closes the connection and lets go of its lock. An editor that is open may have started the next
/// one by then.
pub async fn wait_until_gone(places: &Places, mut connection: Connection) {
    while let Ok(Some(_)) = frame::read(&mut connection.reader).await {}
    while Lock::is_held_by(&places.lock(), connection.hello.daemon_pid) {
        tokio::time::sleep(PAUSES.1 / 5).await;
    }
}
