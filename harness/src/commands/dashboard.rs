//! `azr dashboard`: a page in the browser that shows runs as they go, from their folders alone.

use super::lsp::tokio_runtime;
use crate::failure::{Failure, Outcome};
use crate::output;
use anyhow::Context;
use azr_daemon::dashboard::{self, Dashboard};
use azr_daemon::http;
use azr_daemon::lifecycle::token::Token;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `azr dashboard`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder of runs, or the folder of one run; it may still be empty.
    #[arg(value_name = "DIR", default_value = "runs")]
    folder: PathBuf,
    /// Port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if !args.folder.is_dir() {
        return Err(Failure::new(
            format!("there is no folder {}", args.folder.display()),
            "name a folder of runs, or of one run: `azr train tiny` makes runs/tiny-seed1",
        )
        .into());
    }
    let folder = std::fs::canonicalize(&args.folder).context("cannot find the folder")?;
    let token = Token::random().context("cannot draw a token")?;
    tokio_runtime(true)?.block_on(async {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(|error| {
                let what = format!("cannot listen at 127.0.0.1:{}: {error}", args.port);
                Failure::new(what, "choose another --port, or leave it out")
            })?;
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        output::say(dashboard::address(listener.local_addr()?, &token))?;
        output::note("open this address in a browser of this machine (Ctrl-C stops)");
        let routes = dashboard::router(Arc::new(Dashboard::new(folder, token.text())));
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        http::serve(listener, routes, stop).await.context("cannot serve the page")
    })?;
    Ok(Outcome::Done)
}
