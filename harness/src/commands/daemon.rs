//! `azr daemon`: starts, stops and looks at the process that serves the user's editors.

use super::lsp::tokio_runtime;
use crate::daemon_places::{OwnSupplies, build_id, caller, log, places, starter};
use crate::failure::{Failure, Outcome};
use crate::{models, output};
use anyhow::Context;
use azr_daemon::lifecycle::connect::{self, ConnectError, Connection};
use azr_daemon::lifecycle::lock::Lock;
use azr_daemon::lifecycle::log as daemon_log;
use azr_daemon::lifecycle::serve::{ServeConfig, ServeError, serve};
use azr_daemon::pool::TaskPool;
use azr_daemon::protocol::hello::Role;
use azr_daemon::protocol::pool::RemoveParams;
use azr_daemon::protocol::status::{SandboxStatus, StatusResult};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Seconds without editors and training after which a daemon ends.
const IDLE_SECONDS: u64 = 1_800;

/// Arguments of `azr daemon`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Start the daemon, unless it runs already.
    Start(Start),
    /// Show how the daemon stands; exit code 1 when none runs.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop the daemon: requests in flight end, training writes a checkpoint.
    Stop {
        /// Cancel the requests in flight instead of waiting for them.
        #[arg(long)]
        now: bool,
    },
    /// Print the end of the daemon's log.
    Logs {
        /// Number of lines.
        #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
        lines: usize,
        /// Print where the log lies instead.
        #[arg(long)]
        path: bool,
    },
    /// Show or remove the functions of your files that self-play may start from.
    Pool(Pool),
    /// Start the daemon where none runs, and print the path of its socket.
    Sockname,
}

/// Arguments of `azr daemon pool`.
#[derive(Debug, clap::Args)]
struct Pool {
    /// Remove entries, by the names that are shown.
    #[arg(long, value_name = "ID", num_args = 1..)]
    remove: Vec<String>,
    /// Remove what comes from a document, by its address (file:///...).
    #[arg(long, value_name = "URI")]
    remove_document: Option<String>,
    /// Remove everything.
    #[arg(long)]
    clear: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print where the file lies instead.
    #[arg(long)]
    path: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, clap::Args)]
struct Start {
    /// Stay in this terminal.
    #[arg(long)]
    foreground: bool,
    /// Leave the terminal: given by those that start a daemon in the background.
    #[arg(long, hide = true, requires = "foreground")]
    detached: bool,
    /// Serve HTTP at this address too, e.g. 127.0.0.1:8080 (port 0: any); clients need the token.
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Serve editors at this address too, e.g. 127.0.0.1:0; clients need the token.
    #[arg(long, value_name = "ADDR")]
    tcp: Option<SocketAddr>,
    /// Allow addresses that other machines can reach.
    #[arg(long)]
    allow_remote: bool,
    /// Run on when nobody needs the daemon.
    #[arg(long, conflicts_with = "idle")]
    keep: bool,
    /// End after so many seconds without editors and training [default: 1800].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    idle: Option<u64>,
    /// The model: azr-tiny (unless one is named), a folder, a GGUF file, a run, or owner/name. A daemon that runs loads it.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    match &args.action {
        Action::Start(start) if start.foreground => foreground(start),
        Action::Start(start) => background(start),
        Action::Status { json } => status(*json),
        Action::Stop { now } => stop(*now),
        Action::Logs { lines, path } => logs(*lines, *path),
        Action::Pool(pool) => task_pool(pool),
        Action::Sockname => sockname(),
    }
}

impl Start {
    /// What was asked for that only a start can do.
    fn late_options(&self) -> Vec<&'static str> {
        let named = [
            (self.http.is_some(), "--http"),
            (self.tcp.is_some(), "--tcp"),
            (self.allow_remote, "--allow-remote"),
            (self.keep, "--keep"),
            (self.idle.is_some(), "--idle"),
        ];
        named.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect()
    }

    /// The same options, for a daemon in the background.
    fn arguments(&self) -> Vec<String> {
        let mut out = model_arguments(self.model.as_deref());
        let mut option = |name: &str, value: Option<SocketAddr>| {
            out.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.to_string()]));
        };
        option("--http", self.http);
        option("--tcp", self.tcp);
        if self.allow_remote {
            out.push("--allow-remote".to_owned());
        }
        if self.keep {
            out.push("--keep".to_owned());
        } else if let Some(idle) = self.idle {
            out.extend(["--idle".to_owned(), idle.to_string()]);
        }
        out
    }
}

/// `--model` for a daemon in the background.
pub fn model_arguments(model: Option<&str>) -> Vec<String> {
    model.into_iter().flat_map(|name| ["--model".to_owned(), models::absolute(name)]).collect()
}

fn foreground(start: &Start) -> anyhow::Result<Outcome> {
    let places = places()?;
    places.make()?;
    if start.detached {
        // Signals of the terminal that the first editor runs in are not ours; a leader of a group stays one.
        let _ = rustix::process::setsid();
    }
    let file = start.detached.then(|| places.log());
    daemon_log::begin(&log(file)).context("cannot begin to log")?;
    let config = ServeConfig {
        places: places.clone(),
        build_id: build_id(),
        idle: (!start.keep).then(|| Duration::from_secs(start.idle.unwrap_or(IDLE_SECONDS))),
        tcp: start.tcp,
        http: start.http,
        allow_remote: start.allow_remote,
    };
    let model = start.model.as_deref().map_or_else(|| models::EMBEDDED.to_owned(), models::absolute);
    let supplies = Arc::new(OwnSupplies { model, runs: places.runs(), pool: places.pool() });
    let runtime = tokio_runtime(true)?;
    let socket = places.socket();
    let quiet = start.detached;
    let served = runtime.block_on(serve(config, supplies, || {
        if !quiet {
            output::note(format!("listening at {} (Ctrl-C stops)", socket.display()));
        }
    }));
    runtime.shutdown_background();
    match served {
        // Another one was faster: whoever started us finds that one.
        Err(ServeError::Running { .. }) if start.detached => Ok(Outcome::Done),
        served => Ok(served.map(|()| Outcome::Done)?),
    }
}

fn background(start: &Start) -> anyhow::Result<Outcome> {
    let places = places()?;
    let runs = Lock::is_held(&places.lock());
    let starter = starter(&start.arguments())?;
    let connection = tokio_runtime(false)?.block_on(async {
        let mut connection = connect::find_or_start(&places, &caller(Role::Control), &starter).await?;
        if let (true, Some(model)) = (runs, &start.model) {
            serve_model(&mut connection, model).await?;
        }
        Ok::<_, ConnectError>(connection)
    })?;
    let word = if runs { "is running already" } else { "started" };
    output::say(format!(
        "the daemon {word}: process {}, socket {}",
        connection.hello.daemon_pid,
        places.socket().display()
    ))?;
    say_addresses(&places)?;
    for option in start.late_options().into_iter().filter(|_| runs) {
        output::note(format!(
            "{option} changes nothing for a daemon that runs; `azr daemon stop` first, then start it anew"
        ));
    }
    Ok(Outcome::Done)
}

/// Makes a daemon that runs serve this model.
pub async fn serve_model(connection: &mut Connection, name: &str) -> Result<(), ConnectError> {
    let params = json!({ "source": models::absolute(name) });
    connect::ask(connection, "azr/model/load", &params).await.map(drop)
}

fn say_addresses(places: &azr_daemon::lifecycle::placement::Places) -> anyhow::Result<()> {
    let addresses = std::fs::read_to_string(places.addresses()).unwrap_or_default();
    for line in addresses.lines() {
        output::say(line)?;
    }
    if !addresses.is_empty() {
        output::say(format!("token {}", places.token().display()))?;
    }
    Ok(())
}

fn sockname() -> anyhow::Result<Outcome> {
    let places = places()?;
    let starter = starter(&[])?;
    tokio_runtime(false)?.block_on(connect::find_or_start(&places, &caller(Role::Control), &starter))?;
    output::say(places.socket().display().to_string())?;
    Ok(Outcome::Done)
}

fn status(as_json: bool) -> anyhow::Result<Outcome> {
    let places = places()?;
    let asked = tokio_runtime(false)?.block_on(async {
        let mut connection = connect::find(&places, &caller(Role::Control)).await?;
        connect::ask(&mut connection, "azr/status", &json!({})).await
    });
    let value = match asked {
        Err(ConnectError::NotRunning) => {
            if as_json {
                output::say_json(&json!({ "running": false }))?;
            } else {
                output::say("no daemon is running")?;
            }
            return Ok(Outcome::Negative);
        }
        asked => asked?,
    };
    if as_json {
        output::say_json(&value)?;
        return Ok(Outcome::Done);
    }
    let status: StatusResult = serde_json::from_value(value).context("the daemon's status cannot be read")?;
    let (daemon, model) = (&status.daemon, &status.model);
    output::say(format!(
        "daemon    {} (process {}), up {:.0} s, {} clients",
        daemon.version, daemon.pid, daemon.uptime, daemon.clients
    ))?;
    if daemon.sandbox != SandboxStatus::Ready {
        let failed = daemon.sandbox == SandboxStatus::Failed;
        output::say(format!(
            "sandbox   {}",
            if failed { "cannot be opened: see `azr daemon logs`" } else { "is being prepared" }
        ))?;
    }
    let state = match (&model.error, model.loaded) {
        (Some(error), _) => format!("not loaded: {error}"),
        (None, true) => format!("version {} on {}", model.version, model.device),
        (None, false) => "not loaded".to_owned(),
    };
    output::say(format!("model     {} {state}", model.name))?;
    output::say(format!(
        "queue     {} interactive, {} background",
        status.queue.interactive, status.queue.background
    ))?;
    if let Some(run) = &status.training {
        output::say(format!("training  {} step {} of {} ({})", run.run_id, run.step, run.steps, run.state))?;
    }
    output::say(format!("socket    {}", places.socket().display()))?;
    say_addresses(&places)?;
    Ok(Outcome::Done)
}

fn stop(now: bool) -> anyhow::Result<Outcome> {
    let places = places()?;
    let stopped = tokio_runtime(false)?.block_on(async {
        let mut connection = connect::find(&places, &caller(Role::Control)).await?;
        connect::ask(&mut connection, "azr/stop", &json!({ "now": now })).await?;
        connect::wait_until_gone(&places, connection).await;
        Ok(())
    });
    match stopped {
        Ok(()) => output::say("the daemon has stopped")?,
        Err(ConnectError::NotRunning) => output::say("no daemon is running")?,
        Err(error) => return Err(error.into()),
    }
    Ok(Outcome::Done)
}

fn task_pool(arguments: &Pool) -> anyhow::Result<Outcome> {
    let pool = TaskPool::new(places()?.pool());
    if arguments.path {
        output::say(pool.path().display().to_string())?;
        return Ok(Outcome::Done);
    }
    let which = RemoveParams {
        ids: arguments.remove.clone(),
        uri: arguments.remove_document.clone(),
        all: arguments.clear,
    };
    let failed = |error: std::io::Error| {
        Failure::new(
            format!("the task pool cannot be used: {error}"),
            format!("look at {}, or remove it", pool.path().display()),
        )
    };
    if which != RemoveParams::default() {
        let (removed, left) = pool.remove(&which).map_err(failed)?;
        output::say(format!("{removed} removed, {left} left"))?;
        return Ok(Outcome::Done);
    }
    let entries = pool.list().map_err(failed)?;
    if arguments.json {
        output::say_json(&entries)?;
        return Ok(Outcome::Done);
    }
    for entry in &entries {
        let (origin, call) = (&entry.origin, format!("{}({})", entry.origin.function, entry.input));
        output::say(format!("{}  {call} is {}  from {}", entry.id, entry.output, origin.uri))?;
    }
    output::note(format!("{} entries; editors add some where azr.taskPool.enabled is set", entries.len()));
    Ok(Outcome::Done)
}

fn logs(lines: usize, only_path: bool) -> anyhow::Result<Outcome> {
    let path = places()?.log();
    if only_path {
        output::say(path.display().to_string())?;
        return Ok(Outcome::Done);
    }
    match daemon_log::tail(&path, lines) {
        Ok(text) => output::say(text)?,
        Err(error) => {
            let what = format!("cannot read the log {}: {error}", path.display());
            return Err(Failure::new(
                what,
                "no daemon has run yet where there is none; `azr daemon start` starts one",
            )
            .into());
        }
    }
    Ok(Outcome::Done)
}
