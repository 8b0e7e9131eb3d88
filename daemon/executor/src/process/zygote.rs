//! One warm interpreter: behind the filters and in a root of its own, it forks a child for every job (`zygote.py`).

use super::ProcessError;
use super::interpreter::Interpreter;
use super::lockdown;
use super::protocol::{ChildLimits, Ending, read_frame, write_frame};
use crate::{Job, StartState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ZYGOTE: &str = include_str!("zygote.py");
/// Importing numpy takes a second or two on a cold disk.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// What the warm interpreter may need beyond the limits of a job: it ends the child, the host only ends it.
const JOB_PATIENCE: Duration = Duration::from_secs(30);
/// Begins the complaint of an interpreter that the kernel does not let into a root of its own.
const LACKING: &str = "the kernel lacks: ";
/// Most of what a failing interpreter writes that is shown.
const MAX_COMPLAINT_BYTES: u64 = 2_000;

/// Its first frame, whose body is the seccomp filter.
#[derive(Serialize)]
struct Setup<'a> {
    packages: Vec<&'a String>,
    files: &'a [std::path::PathBuf],
    folders: &'a [std::path::PathBuf],
    sites: &'a [std::path::PathBuf],
    seed: u32,
}

/// Its answer.
#[derive(Deserialize)]
struct Ready {
    packages: BTreeMap<String, String>,
}

/// The part of a job that the child reads.
#[derive(Serialize)]
struct ChildJob<'a> {
    program: &'a str,
    calls: &'a [String],
    stdin: &'a str,
    output_chars: u32,
    recursion: u32,
    fresh_namespace: bool,
}

#[derive(Debug)]
pub(super) struct Zygote {
    process: Child,
    control: UnixStream,
    /// Bytes mapped before a program runs.
    address_space: u64,
}

impl Zygote {
    /// Starts the interpreter in an empty folder, over which it mounts its root; outside, the folder is removed.
    pub(super) fn start(
        interpreter: &Interpreter,
        filter: &[u8],
        start: StartState,
    ) -> Result<Self, ProcessError> {
        let seed = match start {
            StartState::First => 1,
            StartState::Second => 2,
        };
        let (control, theirs) = UnixStream::pair()?;
        control.set_read_timeout(Some(START_PATIENCE))?;
        control.set_write_timeout(Some(START_PATIENCE))?;
        let folder = tempfile::tempdir()?;
        let process = spawn(interpreter, folder.path(), seed, theirs)?;
        let mut zygote = Self { process, control, address_space: 0 };
        let setup = Setup {
            packages: interpreter.packages.keys().collect(),
            files: &interpreter.files,
            folders: &interpreter.folders,
            sites: &interpreter.sites,
            seed,
        };
        let ready = write_frame(&mut zygote.control, &setup, filter)
            .and_then(|()| read_frame::<Ready>(&mut zygote.control, 0));
        match ready {
            Ok((ready, _)) if ready.packages == interpreter.packages => {}
            Ok(_) => return Err(refused(interpreter, "its packages are not those it named before")),
            Err(error) => {
                let complaint = zygote.complaint();
                if let Some(lacking) = complaint.strip_prefix(LACKING) {
                    return Err(ProcessError::Unsupported(lacking.to_owned()));
                }
                let reason = if complaint.is_empty() { error.to_string() } else { complaint };
                return Err(refused(interpreter, &format!("it does not start behind the filters: {reason}")));
            }
        }
        folder.close()?;
        zygote.address_space = zygote.mapped_bytes()?;
        Ok(zygote)
    }

    /// Runs the job's `calls` in a new child. `Err` means that the warm interpreter is of no more use.
    pub(super) fn run(&mut self, job: &Job, calls: &[String]) -> io::Result<(ChildLimits, Ending, Vec<u8>)> {
        let limits = ChildLimits::new(&job.limits, calls.len(), self.address_space);
        let body = serde_json::to_vec(&ChildJob {
            program: &job.program,
            calls,
            stdin: &job.stdin,
            output_chars: job.limits.output_chars,
            recursion: job.limits.recursion,
            fresh_namespace: job.fresh_namespace,
        })?;
        let longest = limits.wall_seconds * (calls.len() + 1) as f64;
        let longest =
            Duration::try_from_secs_f64(longest).unwrap_or(Duration::MAX).saturating_add(JOB_PATIENCE);
        self.control.set_read_timeout(Some(longest))?;
        write_frame(&mut self.control, &limits, &body)?;
        let (ending, said) = read_frame(&mut self.control, limits.bytes)?;
        Ok((limits, ending, said))
    }

    /// Size of the interpreter's address space.
    fn mapped_bytes(&self) -> io::Result<u64> {
        let pages = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id()))?;
        let pages: Option<u64> = pages.split(' ').next().and_then(|pages| pages.parse().ok());
        let pages = pages
            .ok_or_else(|| io::Error::other("the kernel does not say how much memory a process maps"))?;
        Ok(pages * rustix::param::page_size() as u64)
    }

    /// Ends the interpreter and gives the end of what it wrote on its standard error.
    fn complaint(&mut self) -> String {
        // It may have ended already.
        let _ = self.process.kill();
        let mut text = Vec::new();
        if let Some(stderr) = self.process.stderr.take() {
            // Without its text the reason is the error of the pipe.
            let _ = stderr.take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).lines().last().unwrap_or_default().to_owned()
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        // A child that still runs has asked the kernel to end with its parent.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn refused(interpreter: &Interpreter, reason: &str) -> ProcessError {
    ProcessError::Interpreter { python: interpreter.executable.clone(), reason: reason.to_owned() }
}

/// Starts the process. It begins with the machine's files and leaves them before it imports a package.
fn spawn(
    interpreter: &Interpreter,
    folder: &Path,
    seed: u32,
    control: UnixStream,
) -> Result<Child, ProcessError> {
    let mut command = Command::new(&interpreter.executable);
    // Not `-I`, which would ignore the hash seed; with no environment and no site it amounts to the same.
    command
        .args(["-s", "-S", "-B", "-X", "utf8", "-c", ZYGOTE])
        .env_clear()
        .env("PYTHONHASHSEED", seed.to_string())
        // The warm interpreter forks, so it must not have threads.
        .envs(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"].map(|name| (name, "1")))
        .current_dir(folder)
        .stdin(OwnedFd::from(control))
        // Not for writing: the one more descriptor that reaches a child without races with other children.
        .stdout(lockdown::files()?)
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| refused(interpreter, &format!("it does not start: {error}")))
}
