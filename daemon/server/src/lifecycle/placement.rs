//! Where socket, lock, token, state and logs lie, and that nobody else can write there.
//!
//! | what | where |
//! |---|---|
//! | socket, lock, token | `$AZR_HOME/run`, else `$XDG_RUNTIME_DIR/azr`, else `$TMPDIR/azr-UID`: mode 0700, owned by us |
//! | logs, runs | `$AZR_HOME/state`, else `$XDG_STATE_HOME/azr`, else `~/.local/state/azr` |

use crate::protocol::VERSION;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest path of a Unix socket that all systems take, in bytes.
const MAX_SOCKET_PATH: usize = 103;

/// What of the environment decides; read at the edge.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `$AZR_HOME`: everything lies below it.
    pub azr_home: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `$XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `$TMPDIR`, else `/tmp`.
    pub temporary: PathBuf,
    /// `$HOME`.
    pub home: Option<PathBuf>,
}

/// The folders of one user's daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Socket, lock and token.
    pub runtime: PathBuf,
    /// Logs and runs.
    pub state: PathBuf,
}

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A folder could not be made or looked at.
    #[error("cannot use the folder {path}: {source}; set AZR_HOME to a folder of your own")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else could write into the folder.
    #[error("the folder {path} is not safe: {reason}; remove it, or set AZR_HOME to a folder of your own")]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A socket there could not be bound.
    #[error(
        "the path of the socket is too long ({length} bytes, {MAX_SOCKET_PATH} at most): {path}; set AZR_HOME to a shorter folder"
    )]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        length: usize,
    },
    /// The environment names no folder.
    #[error("no place for the daemon's state: set HOME or AZR_HOME")]
    NoHome,
}

impl Places {
    /// The places of this environment; nothing is made yet.
    pub fn new(environment: &Environment) -> Result<Self, PlaceError> {
        let user = rustix::process::getuid().as_raw();
        let places = if let Some(home) = &environment.azr_home {
            Self { runtime: home.join("run"), state: home.join("state") }
        } else {
            let runtime = match environment.runtime_dir.as_deref().filter(|path| path.is_dir()) {
                Some(folder) => folder.join("azr"),
                None => environment.temporary.join(format!("azr-{user}")),
            };
            let state = environment.state_home.clone();
            let state = state.or_else(|| Some(environment.home.as_ref()?.join(".local/state")));
            Self { runtime, state: state.ok_or(PlaceError::NoHome)?.join("azr") }
        };
        let length = places.socket().as_os_str().len();
        if length > MAX_SOCKET_PATH {
            return Err(PlaceError::TooLong { path: places.socket(), length });
        }
        Ok(places)
    }

    fn named(&self, end: &str) -> PathBuf {
        self.runtime.join(format!("daemon-v{VERSION}.{end}"))
    }

    /// The socket that editors' bridges connect to.
    pub fn socket(&self) -> PathBuf {
        self.named("sock")
    }

    /// The lock that the daemon holds for its life: the lock is the truth, not a number in a file.
    pub fn lock(&self) -> PathBuf {
        self.named("lock")
    }

    /// The lock of whoever is starting a daemon.
    pub fn start_lock(&self) -> PathBuf {
        self.named("start.lock")
    }

    /// The token of TCP and HTTP, mode 0600.
    pub fn token(&self) -> PathBuf {
        self.named("token")
    }

    /// Addresses of TCP and HTTP, a line each (`tcp ADDR`, `http ADDR`).
    pub fn addresses(&self) -> PathBuf {
        self.named("addresses")
    }

    /// The daemon's log.
    pub fn log(&self) -> PathBuf {
        self.state.join("daemon.log")
    }

    /// Runs started in the daemon.
    pub fn runs(&self) -> PathBuf {
        self.state.join("runs")
    }

    /// Functions of the user's files that self-play may start from.
    pub fn pool(&self) -> PathBuf {
        self.state.join("pool.jsonl")
    }

    /// Makes the folders, and refuses a runtime folder that is not ours alone.
    pub fn make(&self) -> Result<(), PlaceError> {
        make_private(&self.runtime)?;
        std::fs::create_dir_all(&self.state)
            .map_err(|source| PlaceError::Folder { path: self.state.clone(), source })
    }
}

/// Makes a folder of mode 0700, or checks the one that is there.
fn make_private(path: &Path) -> Result<(), PlaceError> {
    let fail = |source| PlaceError::Folder { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(fail(error)),
    }
    // Not through a link: in a shared folder somebody else could have put one there.
    let data = std::fs::symlink_metadata(path).map_err(fail)?;
    let refuse = |reason: String| Err(PlaceError::Unsafe { path: path.to_owned(), reason });
    if !data.is_dir() {
        return refuse("it is not a folder".to_owned());
    }
    let user = rustix::process::getuid().as_raw();
    if data.uid() != user {
        return refuse(format!("it belongs to user {}, not to user {user}", data.uid()));
    }
    if data.mode() & 0o077 != 0 {
        return refuse(format!("others may enter it (mode {:o})", data.mode() & 0o777));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn azr_home_overrides_everything() {
        let environment = Environment {
            azr_home: Some("/x".into()),
            runtime_dir: Some("/run/user/0".into()),
            state_home: Some("/state".into()),
            ..Environment::default()
        };
        let places = Places::new(&environment).unwrap();
        assert_eq!(places.socket(), Path::new("/x/run/daemon-v1.sock"));
        assert_eq!(places.log(), Path::new("/x/state/daemon.log"));
    }

    #[test]
    fn without_a_runtime_folder_it_is_one_of_our_own() {
        let environment = Environment {
            runtime_dir: Some("/nowhere/at/all".into()),
            temporary: "/tmp".into(),
            home: Some("/home/a".into()),
            ..Environment::default()
        };
        let places = Places::new(&environment).unwrap();
        let user = rustix::process::getuid().as_raw();
        assert_eq!(places.runtime, PathBuf::from(format!("/tmp/azr-{user}")));
        assert_eq!(places.state, Path::new("/home/a/.local/state/azr"));
        assert!(matches!(Places::new(&Environment::default()), Err(PlaceError::NoHome)));
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_refused_with_advice() {
        let environment = Environment { azr_home: Some("/x".repeat(80).into()), ..Environment::default() };
        assert!(Places::new(&environment).unwrap_err().to_string().contains("AZR_HOME"));
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let places =
            Places::new(&Environment { azr_home: Some(folder.path().into()), ..Environment::default() })
                .unwrap();
        places.make().unwrap();
        places.make().unwrap();
        std::fs::set_permissions(&places.runtime, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(places.make(), Err(PlaceError::Unsafe { .. })));
        std::fs::remove_dir(&places.runtime).unwrap();
        std::os::unix::fs::symlink(folder.path(), &places.runtime).unwrap();
        assert!(matches!(places.make(), Err(PlaceError::Unsafe { .. })));
    }
}
