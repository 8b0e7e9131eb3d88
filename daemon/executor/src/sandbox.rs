//! The engine: opens (and on first use compiles) the embedded guest and runs jobs on fresh instances.

use crate::{Job, Report};
use std::path::PathBuf;
use std::sync::Arc;

/// How to open the sandbox.
#[derive(Clone, Default)]
pub struct SandboxConfig {
    /// Folder of the compiled guest; `None` = the user's cache folder, chosen by the caller at the edge.
    pub cache_dir: Option<PathBuf>,
    /// Called with a line of text when a slow step (compiling the guest) begins and ends.
    pub progress: Option<Arc<dyn Fn(&str) + Send + Sync>>,
}

/// Why the sandbox cannot be opened. A program's misbehaviour is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// wasmtime refused.
    #[error("the sandbox engine failed: {0}")]
    Engine(String),
}

/// A handle on the engine: cheap to clone, shared by threads.
#[derive(Clone)]
pub struct Sandbox {}

impl Sandbox {
    /// Opens the embedded guest, compiling it for this machine when the cache has no current copy.
    pub fn open(config: &SandboxConfig) -> Result<Self, SandboxError> {
        let _ = config;
        Err(SandboxError::Engine("skeleton".into()))
    }

    /// Hash of the guest artefact.
    pub fn guest_hash(&self) -> &str {
        ""
    }

    /// Runs one job in a fresh instance on the calling thread's behalf.
    pub fn run(&self, job: &Job) -> Report {
        let _ = job;
        Report { guest: String::new(), calls: Vec::new() }
    }

    /// Runs jobs on all cores; results in the order of `jobs`, independent of the number of threads.
    pub fn run_all(&self, jobs: &[Job]) -> Vec<Report> {
        jobs.iter().map(|job| self.run(job)).collect()
    }

    /// Runs every job from both start states; a call whose two values differ is `nondeterministic`,
    /// else the first run's report is kept. (The `clean` determinism rule.)
    pub fn run_twice_all(&self, jobs: &[Job]) -> Vec<Report> {
        self.run_all(jobs)
    }

    /// Are two result texts equal as Python values? Literals are compared on the host as plain data
    /// (`1 == 1.0 == True`, sets and dicts without order); other expressions in a fresh instance after
    /// `imports`. Failure to evaluate counts as unequal.
    pub fn equal_all(&self, pairs: &[(String, String)], imports: &str) -> Vec<bool> {
        let _ = imports;
        pairs.iter().map(|(a, b)| a == b).collect()
    }
}
