//! The daemon: takes the lock, listens, serves sessions, and ends when it is told to or nobody needs it.

use super::control;
use super::lock::Lock;
use super::placement::{PlaceError, Places};
use super::token::Token;
use crate::dashboard;
use crate::host::{Host, Supplies};
use crate::http::{self, Endpoint};
use crate::lsp::session;
use crate::lsp::transport::{AtEof, stopping};
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::hello::{HelloParams, HelloResult, Role};
use crate::protocol::{VERSION, frame};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncWrite, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// Longest wait for a lock that another daemon, which is ending, still holds.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// Pause between attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// A connection that says nothing is closed.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// Sessions and training have this long to end, beyond their own limits.
const END_LIMIT: Duration = Duration::from_mins(1);

/// How to run the daemon.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Its folders.
    pub places: Places,
    /// Build of this program.
    pub build_id: String,
    /// Ends after this time without clients and training; `None` = never.
    pub idle: Option<Duration>,
    /// Listens here too; needs the token.
    pub tcp: Option<SocketAddr>,
    /// Serves HTTP here; needs the token.
    pub http: Option<SocketAddr>,
    /// Addresses other than loopback are allowed.
    pub allow_remote: bool,
}

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A folder is not usable.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Another daemon runs.
    #[error("a daemon is running already (process {pid}); `azr daemon stop` ends it")]
    Running {
        /// Its process.
        pid: String,
    },
    /// An address could not be listened at.
    #[error("cannot listen at {address}: {source}; choose another address")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// An address that other machines reach.
    #[error("{0} can be reached from other machines; use 127.0.0.1, or give --allow-remote if that is meant")]
    Remote(SocketAddr),
    /// The system refused something else.
    #[error("cannot {what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// Runs the daemon to its end. `ready` is called when it listens.
pub async fn serve(
    config: ServeConfig,
    supplies: Arc<dyn Supplies>,
    ready: impl FnOnce(),
) -> Result<(), ServeError> {
    for address in config.tcp.iter().chain(&config.http) {
        if !address.ip().is_loopback() && !config.allow_remote {
            return Err(ServeError::Remote(*address));
        }
    }
    let places = &config.places;
    places.make()?;
    let system = |what| move |source| ServeError::System { what, source };
    let lock = take_lock(places).await?;
    // Whoever holds the lock owns the socket: one that is left over from a killed daemon goes.
    let _ = std::fs::remove_file(places.socket());
    let token = Token::random().map_err(system("draw a token"))?;
    token.write(&places.token()).map_err(system("write the token"))?;
    let host = Host::open(config.build_id.clone(), supplies).map_err(system("start a thread"))?;
    let unix = UnixListener::bind(places.socket())
        .map_err(|source| ServeError::Listen { address: places.socket().display().to_string(), source })?;
    let mut addresses = String::new();
    let tcp = match config.tcp {
        Some(address) => Some(listen(address, "tcp", &mut addresses).await?),
        None => None,
    };
    let http = match config.http {
        Some(address) => Some(listen(address, "http", &mut addresses).await?),
        None => None,
    };
    std::fs::write(places.addresses(), &addresses).map_err(system("write the addresses"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(system("wait for signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system("wait for signals"))?;
    tracing::info!(socket = %places.socket().display(), build = config.build_id, "the daemon listens");
    ready();

    let mut sessions = JoinSet::new();
    if let Some(listener) = http {
        let address = addresses.lines().find_map(|line| line.strip_prefix("http ")).unwrap_or_default();
        host.set_http(format!("http://{address}"));
        let endpoint = Arc::new(Endpoint::new(host.actor().clone(), token.text(), seconds_since_1970()));
        let routes = http::router(endpoint).merge(dashboard::router(host.dashboard(token.text())));
        let mut until = host.stop_signal();
        sessions.spawn(async move {
            let served = http::serve(listener, routes, async move { stopping(&mut until).await }).await;
            if let Err(error) = served {
                tracing::error!(%error, "HTTP is served no longer");
            }
        });
    }
    let mut stop = host.stop_signal();
    let idle = idle(Arc::clone(&host), config.idle);
    tokio::pin!(idle);
    loop {
        tokio::select! {
            accepted = unix.accept() => match accepted {
                Ok((stream, _)) => { sessions.spawn(unix_session(Arc::clone(&host), stream)); }
                Err(error) => pause_accepting(&error).await,
            },
            accepted = accept(tcp.as_ref()) => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let (reader, writer) = stream.into_split();
                    sessions.spawn(connection(Arc::clone(&host), BufReader::with_capacity(64 << 10, reader), writer, Some(token.clone())));
                }
                Err(error) => pause_accepting(&error).await,
            },
            Some(_) = sessions.join_next() => {}
            _ = terminate.recv() => host.stop(false),
            _ = interrupt.recv() => host.stop(false),
            () = &mut idle => {}
            () = stopping(&mut stop) => break,
        }
    }
    // New bridges find no socket, and start the next daemon, which waits for our lock.
    drop((unix, tcp));
    let _ = std::fs::remove_file(places.socket());
    tracing::info!("the daemon ends");
    // The run's checkpoint and the last replies are made side by side.
    let end = async {
        let sessions = async { while sessions.join_next().await.is_some() {} };
        tokio::join!(sessions, host.training().stop_all());
        host.actor().shut_down();
    };
    tokio::select! {
        _ = tokio::time::timeout(END_LIMIT, end) => {}
        // A second signal does not wait.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    for path in [places.token(), places.addresses()] {
        let _ = std::fs::remove_file(path);
    }
    drop(lock);
    Ok(())
}

/// The time that answers of the OpenAI interface name.
fn seconds_since_1970() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a time for people; no result depends on it")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

async fn take_lock(places: &Places) -> Result<Lock, ServeError> {
    let deadline = tokio::time::Instant::now() + LOCK_LIMIT;
    loop {
        let lock = Lock::try_take(&places.lock())
            .map_err(|source| PlaceError::Folder { path: places.lock(), source })?;
        if let Some(lock) = lock {
            return Ok(lock);
        }
        // The holder may be ending; one that answers is not.
        if tokio::time::Instant::now() > deadline || UnixStream::connect(places.socket()).await.is_ok() {
            let pid = std::fs::read_to_string(places.lock()).unwrap_or_default().trim().to_owned();
            return Err(ServeError::Running { pid });
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

async fn listen(address: SocketAddr, kind: &str, addresses: &mut String) -> Result<TcpListener, ServeError> {
    let fail = |source| ServeError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    addresses.push_str(&format!("{kind} {bound}\n"));
    Ok(listener)
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Too many open files, say: it may pass, and must not become a busy loop.
async fn pause_accepting(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Stops the daemon when no editor and no training run has needed it for `limit`; never returns.
async fn idle(host: Arc<Host>, limit: Option<Duration>) {
    let Some(limit) = limit else { return std::future::pending().await };
    let (mut clients, mut training) = (host.clients(), host.training().active());
    loop {
        let gone = clients.wait_for(|clients| *clients == 0).await.is_err();
        if gone || training.wait_for(|active| !active).await.is_err() {
            return std::future::pending().await;
        }
        if *clients.borrow_and_update() > 0 {
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(limit) => {
                tracing::info!("nobody needs the daemon");
                host.stop(false);
                return std::future::pending().await;
            }
            _ = clients.changed() => {}
            _ = training.changed() => {}
        }
    }
}

/// The kernel names the user at the other end: only ours may talk to our daemon.
async fn unix_session(host: Arc<Host>, stream: UnixStream) {
    let user = rustix::process::getuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == user => {}
        Ok(peer) => {
            tracing::warn!(user = peer.uid(), "a connection of another user was closed");
            return;
        }
        Err(error) => {
            tracing::warn!(%error, "a connection without a user was closed");
            return;
        }
    }
    let (reader, writer) = stream.into_split();
    connection(host, BufReader::with_capacity(64 << 10, reader), writer, None).await;
}

/// One connection: `azr/hello`, then what its role says. `token` is what it must bring.
async fn connection<R, W>(host: Arc<Host>, mut reader: R, mut writer: W, token: Option<Token>)
where
    R: AsyncBufRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let Ok(Ok(Some(first))) = tokio::time::timeout(HELLO_LIMIT, frame::read(&mut reader)).await else {
        return;
    };
    let (id, params) = match hello(&first, token.as_ref()) {
        Ok(hello) => hello,
        Err((id, failure)) => {
            tracing::warn!(reason = failure.message, "a connection was refused");
            let reply = json!({ "jsonrpc": "2.0", "id": id, "error": failure.to_json() });
            let _ = frame::send(&mut writer, &reply).await;
            return;
        }
    };
    let result = HelloResult {
        protocol: VERSION,
        build_id: host.build_id().to_owned(),
        daemon_pid: std::process::id(),
    };
    let reply = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    if frame::send(&mut writer, &reply).await.is_err() {
        return;
    }
    match params.role {
        Role::Control => control::run(&host, reader, writer).await,
        Role::Editor => {
            let _client = host.client();
            tracing::info!(pid = params.client_pid, build = params.build_id, "a session begins");
            let end = session::run(Arc::clone(&host), reader, writer, AtEof::Cancel, params.cwd).await;
            tracing::info!(pid = params.client_pid, ?end, "a session ended");
        }
    }
}

/// Reads the first frame of a connection.
fn hello(frame: &[u8], token: Option<&Token>) -> Result<(Value, HelloParams), (Value, Failure)> {
    let refuse = |message: &str, hint: &str| Failure::new(FailureKind::Refused, message, hint);
    let message: Value = serde_json::from_slice(frame)
        .map_err(|_| (Value::Null, refuse("the first frame is not JSON", "begin with azr/hello")))?;
    let id = message.get("id").cloned().unwrap_or_default();
    let fail = |failure| (id.clone(), failure);
    if message.get("method").and_then(Value::as_str) != Some("azr/hello") {
        return Err(fail(refuse("the first message is not azr/hello", "start editors with `azr lsp`")));
    }
    let params = message.get("params").cloned().unwrap_or_default();
    let params: HelloParams = serde_json::from_value(params).map_err(|error| {
        fail(refuse(&format!("azr/hello cannot be read: {error}"), "start editors with `azr lsp`"))
    })?;
    if let Some(token) = token
        && !params.token.as_deref().is_some_and(|given| token.matches(given))
    {
        return Err(fail(refuse(
            "the token is missing or wrong",
            "it is in the file daemon-v1.token beside the socket",
        )));
    }
    if params.protocol != VERSION {
        let text = format!("the daemon speaks protocol {VERSION}, the caller {}", params.protocol);
        return Err(fail(refuse(
            &text,
            "use the same version of azr on both sides: `azr daemon stop`, then try again",
        )));
    }
    Ok((id, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(frame: &str, token: Option<&Token>) -> String {
        hello(frame.as_bytes(), token).unwrap_err().1.message
    }

    #[test]
    fn hello_is_asked_for_version_and_token() {
        let good = r#"{"jsonrpc":"2.0","id":7,"method":"azr/hello","params":{"protocol":1}}"#;
        let (id, params) = hello(good.as_bytes(), None).unwrap();
        assert_eq!((id, params.role), (json!(7), Role::Editor));
        let token = Token::random().unwrap();
        assert!(failure(good, Some(&token)).contains("token"));
        let with_token =
            good.replace("\"protocol\":1", &format!("\"protocol\":1,\"token\":\"{}\"", token.text()));
        assert!(hello(with_token.as_bytes(), Some(&token)).is_ok());
        assert!(
            failure(&with_token.replace("\"token\":\"", "\"token\":\"0"), Some(&token)).contains("token")
        );
        assert!(failure(&good.replace(":1}", ":2}"), None).contains("protocol 1, the caller 2"));
    }

    #[test]
    fn other_first_frames_are_refused() {
        for frame in [
            "",
            "{",
            "[]",
            "null",
            r#"{"method":"initialize","id":1}"#,
            r#"{"method":"azr/hello","id":1,"params":[]}"#,
        ] {
            assert!(hello(frame.as_bytes(), None).is_err(), "{frame}");
        }
    }
}
