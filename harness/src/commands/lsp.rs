//! `azr lsp`: what editors start. A bridge to the daemon, which it starts where none runs.

use super::daemon::{model_arguments, serve_model};
use crate::daemon_places::{OwnSupplies, build_id, caller, log, places, starter};
use crate::failure::Outcome;
use crate::{models, output};
use anyhow::Context;
use azr_daemon::lifecycle::connect::{self, ConnectError};
use azr_daemon::lifecycle::placement::Places;
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
    /// The model: azr-tiny (unless one is named), a folder, a GGUF file, a run, or owner/name. A daemon that runs loads it.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
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
    let model = args.model.clone().unwrap_or_else(|| models::EMBEDDED.to_owned());
    let supplies = Arc::new(OwnSupplies { model, runs: places.runs(), pool: places.pool() });
    let cwd = caller(Role::Editor).cwd;
    let end = runtime.block_on(standalone::run(build_id(), supplies, cwd));
    // A thread that reads standard input cannot be stopped: it ends with the process.
    runtime.shutdown_background();
    end.context("cannot serve the session")
}

fn bridged(args: &Args) -> anyhow::Result<End> {
    let places = places()?;
    let starter = starter(&model_arguments(args.model.as_deref()))?;
    let runtime = tokio_runtime(false)?;
    let end = runtime.block_on(async {
        if let Some(model) = &args.model {
            // Beside the session, which need not wait for it.
            tokio::spawn(serve(places.clone(), model.clone()));
        }
        let end = bridge::run(&places, &caller(Role::Editor), &starter).await;
        if let Err(error) = &end {
            bridge::refuse(error).await;
        }
        end
    });
    runtime.shutdown_background();
    Ok(end?)
}

/// Makes a daemon that runs serve the model; one that is started begins with it.
async fn serve(places: Places, model: String) {
    let asked = async {
        let mut connection = connect::find(&places, &caller(Role::Control)).await?;
        serve_model(&mut connection, &model).await
    };
    match asked.await {
        Ok(()) | Err(ConnectError::NotRunning) => {}
        Err(error) => output::note(format!("the model {model} is not served: {error}")),
    }
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
