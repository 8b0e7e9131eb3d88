//! What is known about the interpreter before anything untrusted runs: its version and the files that jobs
//! may read.

use super::{ProcessConfig, ProcessError};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const PROBE: &str = include_str!("probe.py");
/// Importing everything that links to a library takes a second or two on a cold disk.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longest answer that is read: some hundred paths.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// The answer of `probe.py`.
#[derive(Debug, Deserialize)]
pub(super) struct Interpreter {
    /// The interpreter itself, without links.
    pub executable: PathBuf,
    pub version: String,
    supported: bool,
    missing: Vec<String>,
    /// The packages asked for that it has, with their versions.
    pub packages: BTreeMap<String, String>,
    /// Files and folders that programs may read, under every name by which they are looked for.
    pub files: Vec<PathBuf>,
    /// Folders, and links to folders, through which they are looked for; what else is in them stays outside.
    pub folders: Vec<PathBuf>,
    /// Folders that hold the packages.
    pub sites: Vec<PathBuf>,
}

impl Interpreter {
    pub(super) fn probe(config: &ProcessConfig) -> Result<Self, ProcessError> {
        let failed = |reason: String| ProcessError::Interpreter { python: config.python.clone(), reason };
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let mut child = Command::new(&config.python)
            .args(["-I", "-B", "-c", PROBE])
            .args(&config.packages)
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(format!("it does not start: {error}")))?;
        let mut answer = Vec::new();
        let read = ours.take(MAX_ANSWER_BYTES).read_to_end(&mut answer);
        if read.is_err() {
            child.kill()?;
        }
        let status = child.wait()?;
        if read.is_err() {
            return Err(failed(format!("it gave no answer in {} seconds", PATIENCE.as_secs())));
        }
        if !status.success() {
            return Err(failed(format!("it ended with {status} when asked for its version")));
        }
        let found: Self = serde_json::from_slice(&answer)
            .map_err(|error| failed(format!("it did not answer as a Python does: {error}")))?;
        if !found.supported {
            return Err(failed(format!("version {} is not CPython 3.9 or later", found.version)));
        }
        if !found.missing.is_empty() {
            return Err(failed(format!("it was built without {}", found.missing.join(", "))));
        }
        Ok(found)
    }

    /// `process:3.11.7 numpy:2.4.6`.
    pub(super) fn identity(&self) -> String {
        let packages = self.packages.iter().map(|(name, version)| format!(" {name}:{version}"));
        format!("process:{}{}", self.version, packages.collect::<String>())
    }
}
