//! What the tests that run real programs share: the sandbox, and the data folder, which is never part of the repository.

#[path = "../../../../tests/src/skip.rs"]
mod skip;

use azr_executor::collection::{FILES, Program, from_data};
use azr_executor::{Sandbox, SandboxConfig};
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;

pub fn config() -> SandboxConfig {
    let cache_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox");
    SandboxConfig { cache_dir: Some(cache_dir), ..Default::default() }
}

pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::open(&config()).unwrap())
}

/// A file of `$AZR_DATA`, else of `../shared/data` beside the workspace; `None` with the reason shown where it is missing.
pub fn text(file: &str) -> Option<String> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let given = std::env::var_os("AZR_DATA").filter(|value| !value.is_empty());
    let path = given.map_or_else(beside, PathBuf::from).join(file);
    let Ok(compressed) = std::fs::File::open(&path) else {
        skip::skipped(&format!("{} is missing", path.display()));
        return None;
    };
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(compressed).read_to_string(&mut text).unwrap();
    Some(text)
}

/// Every program of the data sets.
pub fn real_programs() -> Option<Vec<Program>> {
    let mut texts = FILES.map(|_| String::new());
    for (text, file) in texts.iter_mut().zip(FILES) {
        *text = self::text(file)?;
    }
    Some(from_data(&texts).unwrap())
}
