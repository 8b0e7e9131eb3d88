//! Files and bytes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::error::{ModelError, Result};

/// The error of an operation on a file.
pub(crate) fn failure(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> ModelError {
    let path = path.to_owned();
    move |source| ModelError::File { path, action, source }
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(failure(path, "reading"))
}

/// Writes a file beside its place, flushes it to the disk and renames it: a crash leaves the old file or the new.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let written = (|| {
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    })();
    written.map_err(|source| {
        // The partial file is of no use; that it may stay changes nothing about the error.
        let _ = std::fs::remove_file(&partial);
        failure(path, "writing")(source)
    })
}

/// Little-endian bytes of numbers.
pub(crate) fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Numbers from their little-endian bytes.
pub(crate) fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
