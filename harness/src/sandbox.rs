//! Opening the sandbox at the edge: where its cache lies and how a slow first start is shown.

use crate::output;
use anyhow::Context;
use azr_executor::{Sandbox, SandboxConfig};
use std::env;
use std::path::PathBuf;
use std::sync::Arc;

/// The folder for things that can be made again: `$AZR_CACHE`, else the user's cache folder.
pub fn cache_dir() -> Option<PathBuf> {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("AZR_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|path| path.join("azr")))
        .or_else(|| from("HOME").map(|path| path.join(".cache").join("azr")))
}

/// Opens the sandbox; the first start on a machine compiles the guest and says so.
pub fn open() -> anyhow::Result<Sandbox> {
    let config =
        SandboxConfig { cache_dir: cache_dir(), progress: Some(Arc::new(|line: &str| output::note(line))) };
    Sandbox::open(&config).context("cannot open the sandbox")
}
