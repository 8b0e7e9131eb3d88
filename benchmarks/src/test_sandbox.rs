//! One sandbox for all tests of this crate, its compiled guest kept in the workspace's target folder.

use azr_executor::{Sandbox, SandboxConfig};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Opens it once.
pub fn open() -> Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX
        .get_or_init(|| {
            let config = SandboxConfig { cache_dir: Some(cache()), ..SandboxConfig::default() };
            Sandbox::open(&config).unwrap()
        })
        .clone()
}

fn cache() -> PathBuf {
    // The test binary lies in <target>/<profile>/deps.
    let binary = std::env::current_exe().unwrap();
    binary.ancestors().nth(3).unwrap_or(Path::new(".")).join("azr-guest-cache")
}
