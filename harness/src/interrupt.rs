//! Ctrl-C: the first asks the run to stop after a checkpoint, the second ends the program at once.

use crate::output;
use anyhow::Context;
use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// What a shell reports for a program ended by Ctrl-C.
const KILLED: i32 = 130;

/// Installs the handler, once for the program, and returns the flag that it sets.
pub fn install() -> anyhow::Result<&'static AtomicBool> {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return Ok(&STOP);
    }
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            #[expect(clippy::exit, reason = "the second signal asks for exactly this")]
            std::process::exit(KILLED);
        }
        output::note("stopping at the next safe point (press Ctrl-C again to stop at once)");
    })
    .context("cannot install the Ctrl-C handler")?;
    Ok(&STOP)
}
