//! The edge of the daemon: its folders from the environment, this program as its starter, what it needs to open.

#![expect(clippy::disallowed_methods, reason = "the environment is read here, at the edge, and passed on")]

use crate::daemon_run::DaemonRun;
use crate::failure::{Failure, describe};
use crate::provenance::code_version;
use crate::{models, sandbox};
use azr_daemon::actor::ServedModel;
use azr_daemon::host::Supplies;
use azr_daemon::lifecycle::connect::{Caller, Starter};
use azr_daemon::lifecycle::log::LogConfig;
use azr_daemon::lifecycle::placement::{Environment, Places};
use azr_daemon::protocol::hello::Role;
use azr_daemon::protocol::train::StartParams;
use azr_daemon::training::Plan;
use azr_executor::{Sandbox, SandboxConfig};
use std::env;
use std::path::PathBuf;

fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The daemon's folders.
pub fn places() -> anyhow::Result<Places> {
    let places = Places::new(&Environment {
        azr_home: path("AZR_HOME"),
        runtime_dir: path("XDG_RUNTIME_DIR"),
        state_home: path("XDG_STATE_HOME"),
        temporary: path("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")),
        home: path("HOME"),
    })?;
    Ok(places)
}

/// Build of this program, as `azr/hello` says it.
pub fn build_id() -> String {
    code_version()
}

/// This program as a client.
pub fn caller(role: Role) -> Caller {
    let cwd = env::current_dir().ok().map(|path| path.display().to_string());
    Caller { build_id: build_id(), cwd, role }
}

/// This program as the daemon; `arguments` are added to those of a daemon that has left its terminal.
pub fn starter(arguments: &[String]) -> anyhow::Result<Starter> {
    let program = env::current_exe().map_err(|error| {
        Failure::new(format!("cannot find this program: {error}"), "start azr by its full path")
    })?;
    let own = ["daemon", "start", "--foreground", "--detached"].map(str::to_owned);
    Ok(Starter { program, arguments: own.into_iter().chain(arguments.iter().cloned()).collect() })
}

/// Logging as `$AZR_LOG` and `$AZR_LOG_FORMAT` say.
pub fn log(file: Option<PathBuf>) -> LogConfig {
    let text = |name| env::var(name).ok().filter(|value: &String| !value.is_empty());
    LogConfig { file, filter: text("AZR_LOG"), json: text("AZR_LOG_FORMAT").as_deref() == Some("json") }
}

/// What the daemon opens.
#[derive(Debug)]
pub struct OwnSupplies {
    /// The model that it begins with.
    pub model: String,
    /// Where runs without a folder go.
    pub runs: PathBuf,
    /// File of the task pool.
    pub pool: PathBuf,
}

impl Supplies for OwnSupplies {
    fn open_sandbox(&self, more_threads: usize) -> Result<Sandbox, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = |config: &mut SandboxConfig| config.threads = Some(cores + more_threads);
        sandbox::open_with(threads).map_err(|error| reason(&error))
    }

    fn model(&self) -> String {
        self.model.clone()
    }

    fn runs(&self) -> PathBuf {
        self.runs.clone()
    }

    fn pool(&self) -> PathBuf {
        self.pool.clone()
    }

    fn load_model(&self, name: &str) -> Result<ServedModel, String> {
        let model = models::load(name).map_err(|error| reason(&error))?;
        Ok(ServedModel { name: model.name, folder: model.folder, compact: model.compact })
    }

    fn plan_training(&self, params: &StartParams, cwd: Option<&str>) -> Result<Box<dyn Plan>, String> {
        let run = DaemonRun::plan(params, cwd, &self.runs, &self.pool).map_err(|error| reason(&error))?;
        Ok(Box::new(run))
    }
}

/// An error as the daemon passes it on: with its advice, without the program's name.
pub fn reason(error: &anyhow::Error) -> String {
    describe(error).trim_start_matches("azr: ").to_owned()
}
