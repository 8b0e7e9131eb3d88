//! `azr lsp`: what editors start. A bridge to the daemon, which it starts where none runs.

use crate::daemon_places::{OwnSupplies, build_id, caller, log, places, starter};
use crate::failure::Outcome;
use crate::models;
use anyhow::Context;
use azr_daemon::lifecycle::{bridge, log as daemon_log, standalone};
use azr_daemon::lsp::transport::End;
use azr_daemon::protocol::hello::Role;
use std::sync::Arc;

/// Arguments of `azr lsp`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Serve this editor alone, in this process, without a daemon.
    #[arg(long)]
    standalone: bool,
    /// Model of a daemon (or of this process) that is started: azr-tiny, a folder, a run, or owner/name.
    #[arg(long, value_name = "MODEL", default_value = models::EMBEDDED)]
    model: String,
    /// Speak on standard input and output, as always: some editors add this.
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    daemon_log::begin(&log(None)).context("cannot begin to log")?;
    let end = if args.standalone { alone(args)? } else { bridged(args)? };
    Ok(match end {
        End::Closed | End::Stopped | End::Exit { after_shutdown: true } => Outcome::Done,
        // The protocol asks for 1 when `exit` comes without `shutdown`.
        End::Exit { after_shutdown: false } | End::Broken => Outcome::Negative,
    })
}

fn alone(args: &Args) -> anyhow::Result<End> {
    let runtime = tokio_runtime(true)?;
    let places = places()?;
    let supplies =
        Arc::new(OwnSupplies { model: args.model.clone(), runs: places.runs(), pool: places.pool() });
    let cwd = caller(Role::Editor).cwd;
    let end = runtime.block_on(standalone::run(build_id(), supplies, cwd));
    // A thread that reads standard input cannot be stopped: it ends with the process.
    runtime.shutdown_background();
    end.context("cannot serve the session")
}

fn bridged(args: &Args) -> anyhow::Result<End> {
    let places = places()?;
    let model = if args.model == models::EMBEDDED {
        Vec::new()
    } else {
        vec!["--model".to_owned(), args.model.clone()]
    };
    let starter = starter(&model)?;
    let runtime = tokio_runtime(false)?;
    let end = runtime.block_on(async {
        let end = bridge::run(&places, &caller(Role::Editor), &starter).await;
        if let Err(error) = &end {
            bridge::refuse(error).await;
        }
        end
    });
    runtime.shutdown_background();
    Ok(end?)
}

/// The runtime of a bridge (one thread passes frames on) or of a daemon.
pub fn tokio_runtime(many_threads: bool) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = if many_threads {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().context("cannot start the threads of the daemon")
}
