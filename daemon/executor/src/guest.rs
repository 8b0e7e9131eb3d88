//! The embedded guest: CPython with the standard library, compiled to a WebAssembly component, and what turns it
//! into the second start state. `guest/guest.json` records how both were made and what they must hash to.

use crate::{SandboxError, StartState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Read;

/// The first start state, compressed.
pub(crate) const FIRST: &[u8] = include_bytes!("../guest/first.wasm.zst");
/// The second, compressed with the first as its dictionary.
pub(crate) const SECOND: &[u8] = include_bytes!("../guest/second.wasm.zst");
/// The recipe and the hashes.
pub(crate) const MANIFEST: &str = include_str!("../guest/guest.json");
/// 2^27 bytes: every part of the first start state is within reach of every part of the second.
pub(crate) const WINDOW_LOG: u32 = 27;
/// Larger than either component; a damaged file cannot ask for more.
const MAX_BYTES: u64 = 1 << 27;

/// The committed record of the guest: recipe and result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Package and version that carries CPython.
    pub componentize_py: String,
    /// Version of CPython.
    pub python: String,
    /// SHA-256 of each source file of the guest, by name.
    pub sources: std::collections::BTreeMap<String, String>,
    /// Seeds of the pinned entropy of the two builds.
    pub entropy: [u64; 2],
    /// SHA-256 of the first component: the name of the guest in every result.
    pub first: String,
    /// SHA-256 of the second component.
    pub second: String,
    /// Bytes of the two compressed files.
    pub compressed_bytes: [u64; 2],
}

/// The committed record.
pub fn manifest() -> Result<Manifest, SandboxError> {
    serde_json::from_str(MANIFEST).map_err(|error| SandboxError::Guest(format!("guest.json: {error}")))
}

/// Lower-case hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The bytes of a start state's component, checked against the manifest.
pub(crate) fn component(start: StartState) -> Result<Vec<u8>, SandboxError> {
    let manifest = manifest()?;
    let (bytes, want) = match start {
        StartState::First => (decompress(FIRST, &[])?, manifest.first),
        StartState::Second => (decompress(SECOND, &component(StartState::First)?)?, manifest.second),
    };
    if sha256(&bytes) != want {
        return Err(SandboxError::Guest("the embedded guest does not match its recorded hash".into()));
    }
    Ok(bytes)
}

fn decompress(compressed: &[u8], dictionary: &[u8]) -> Result<Vec<u8>, SandboxError> {
    let damaged = |error: std::io::Error| SandboxError::Guest(format!("the embedded guest is damaged: {error}"));
    let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(compressed, dictionary).map_err(damaged)?;
    decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut bytes = Vec::new();
    decoder.take(MAX_BYTES).read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}
