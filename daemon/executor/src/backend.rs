//! What users of the executor are generic over: something that runs jobs and names itself in every report.

use crate::sandbox::twice;
use crate::{Job, Report, Sandbox};

/// Runs jobs: the [`Sandbox`], or, where a program needs numpy or long native loops,
/// [`crate::ProcessBackend`].
pub trait Backend: Send + Sync {
    /// What runs the jobs, as in [`Report::guest`].
    fn identity(&self) -> &str;

    /// Runs jobs on all cores; results in the order of `jobs`.
    fn run_all(&self, jobs: &[Job]) -> Vec<Report>;

    /// Runs every job from both start states; a call whose two results differ is `nondeterministic`, else the
    /// first run's report is kept.
    fn run_twice_all(&self, jobs: &[Job]) -> Vec<Report> {
        twice(jobs, |jobs| self.run_all(&jobs))
    }
}

impl Backend for Sandbox {
    fn identity(&self) -> &str {
        self.guest_hash()
    }

    fn run_all(&self, jobs: &[Job]) -> Vec<Report> {
        Sandbox::run_all(self, jobs)
    }
}
