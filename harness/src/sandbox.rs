//! Opening the sandbox at the edge: where its cache lies and how a slow first start is shown.

#![expect(clippy::disallowed_methods, reason = "the environment is read here, at the edge, and passed on")]

use crate::failure::Failure;
use crate::output;
use anyhow::Context;
use azr_executor::{Sandbox, SandboxConfig};
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder for things that can be made again: `$AZR_CACHE`, else the user's cache folder.
pub fn cache_dir() -> Option<PathBuf> {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("AZR_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|path| path.join("azr")))
        .or_else(|| from("HOME").map(|path| path.join(".cache").join("azr")))
}

/// Where the results of the code suites' reference programs are kept.
pub fn expected_cache() -> Option<PathBuf> {
    cache_dir().map(|cache| cache.join("expected"))
}

/// Opens the sandbox; the first start on a machine compiles the guest and says so.
pub fn open() -> anyhow::Result<Sandbox> {
    open_with(|_| {})
}

/// Opens it with other settings.
pub fn open_with(set: impl FnOnce(&mut SandboxConfig)) -> anyhow::Result<Sandbox> {
    let cache_dir = cache_dir();
    if let Some(folder) = &cache_dir {
        check_cache(folder).map_err(|error| {
            let what = format!("cannot write into the cache folder {}: {error}", folder.display());
            Failure::new(what, "set AZR_CACHE to a folder that you may write to: the compiled Python guest (about 50 MB) is kept there")
        })?;
    }
    let mut config = SandboxConfig {
        cache_dir,
        progress: Some(Arc::new(|line: &str| output::note(line))),
        ..SandboxConfig::default()
    };
    set(&mut config);
    Sandbox::open(&config).context("cannot open the sandbox")
}

/// A cache that cannot be written would cost a compilation at every start, so it is refused; one that
/// holds a compiled guest already may be read-only.
pub fn check_cache(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let is_guest =
        |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "cwasm");
    if std::fs::read_dir(folder)?.flatten().any(|entry| is_guest(&entry)) {
        return Ok(());
    }
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&probe, b"probe")?;
    std::fs::remove_file(&probe)
}
