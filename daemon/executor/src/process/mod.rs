//! The optional second backend: jobs in child processes of the machine's own CPython, for programs that need
//! numpy or long native loops. Linux only, off unless asked for.
//!
//! A warm interpreter (`zygote.py`) forks a supervisor for every job before it reads the job, and that forks the child that
//! runs it: nothing of one job is ever in the memory of another. Before the child sees the program it has:
//! * no files: its root is a file system in memory that holds the interpreter's standard library, the shared libraries
//!   that this maps and the packages asked for, mounted read-only, and nothing else; other files do not exist for it. Landlock
//!   allows reading there and refuses everything else. Its working folder is empty;
//! * no dangerous system calls: seccomp allows what an interpreter needs to compute and answers `EPERM` to
//!   everything else: sockets, processes, threads, `exec`, signals to any process, `ptrace` and the memory of
//!   other processes, mounts, name spaces, `io_uring`, `bpf`, changes of limits, identity or priority;
//! * no network: besides seccomp, an empty network name space, and landlock's rules for TCP and abstract sockets where the
//!   kernel has them;
//! * limits: address space ([`crate::Limits::memory_bytes`] beyond what the warm interpreter has mapped),
//!   processor time, no file growth, 32 descriptors, no core dumps, no locked memory;
//! * no capabilities, no environment, empty input, a fixed hash seed and a session of its own.
//!
//! Since a child cannot make processes or threads, ending it ends everything that it started. It also ends
//! when the supervisor does, that when the warm interpreter does, and that when this process does.
//!
//! What it does not cover:
//! * The kernel. A fault in one of the allowed system calls, or in a processor, is within a program's reach;
//!   WebAssembly puts another wall there. So this is a backend for programs that need it, not the default.
//! * Names. The interpreter's files keep the names they have outside, so the folders that lead to them can be learned; so
//!   can the user's number, the kernel's version and the processor count.
//! * Time and entropy. Clocks are the machine's; `random` and `numpy.random` start from a seed that depends
//!   on the start state alone, but `os.urandom` and `numpy.random.default_rng()` are real entropy.
//! * Determinism. A limit is processor time: a call may use `fuel / FUEL_PER_SECOND` seconds of it, and five
//!   times as long (at least two seconds) by the clock. Whether a program near its limit is a `timeout`
//!   depends on the machine and its load; `fuel` and `memory_bytes` of a report are measured (peak resident
//!   memory of the child) and differ from run to run.
//! * A program's report about itself: as in the sandbox, text is the program's claim. It is bounded in length
//!   and parsed on the host, and nothing of it is trusted.
//!
//! Differences that programs see: this is the machine's Python, with its version and 64-bit hashes, so
//! expected outputs from the sandbox do not always agree. Exhausting the native stack is `crashed`.

#[cfg(target_os = "linux")]
mod interpreter;
#[cfg(target_os = "linux")]
mod lockdown;
#[cfg(target_os = "linux")]
mod protocol;
#[cfg(target_os = "linux")]
mod workers;
#[cfg(target_os = "linux")]
mod zygote;

#[cfg(all(target_os = "linux", any(test, fuzzing)))]
pub(crate) use protocol::fuzzing;

use crate::{Backend, Job, Report};
use std::path::PathBuf;
#[cfg(target_os = "linux")]
use workers::Workers;

/// How to open the process backend.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// The interpreter: a path, or a name that is looked up in `PATH`. CPython 3.9 or later.
    pub python: PathBuf,
    /// Packages that programs may import beside the standard library, where the interpreter has them.
    pub packages: Vec<String>,
    /// Jobs that run at the same time; `None` = one a core.
    pub threads: Option<usize>,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self { python: "python3".into(), packages: vec!["numpy".into()], threads: None }
    }
}

/// Why the process backend cannot be opened. A program's misbehaviour is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The machine cannot contain a process.
    #[error("the process backend needs Linux with landlock, seccomp and user name spaces: {0}")]
    Unsupported(String),
    /// A program that tried what it must not be able to do was let through, or ended in another way than
    /// refused.
    #[error("the filters around the interpreter do not hold: {0}")]
    Open(String),
    /// The interpreter does not start or lacks what the backend needs.
    #[error("the interpreter {} cannot run programs: {reason}", python.display())]
    Interpreter {
        /// The interpreter that was asked for.
        python: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The host lacks something small, such as a folder for temporary files.
    #[error("the process backend cannot be set up: {0}")]
    Setup(#[from] std::io::Error),
}

/// Runs jobs in locked-down child processes of a native CPython.
#[derive(Debug)]
pub struct ProcessBackend {
    workers: Workers,
}

impl ProcessBackend {
    /// Asks the interpreter where it lives, starts it behind the filters, and checks that they hold.
    pub fn open(config: &ProcessConfig) -> Result<Self, ProcessError> {
        Workers::open(config).map(|workers| Self { workers })
    }
}

impl Backend for ProcessBackend {
    fn identity(&self) -> &str {
        self.workers.identity()
    }

    fn run_all(&self, jobs: &[Job]) -> Vec<Report> {
        self.workers.run_all(jobs)
    }
}

/// Elsewhere there are none.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
enum Workers {}

#[cfg(not(target_os = "linux"))]
impl Workers {
    fn open(_config: &ProcessConfig) -> Result<Self, ProcessError> {
        Err(ProcessError::Unsupported("this system is not Linux".into()))
    }

    fn identity(&self) -> &str {
        match *self {}
    }

    fn run_all(&self, _jobs: &[Job]) -> Vec<Report> {
        match *self {}
    }
}
