//! Files that survive a crash: written aside, flushed, renamed.

use crate::error::SelfPlayError;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// A closure that wraps a failure to write `path`.
pub(crate) fn cannot_write(path: &Path) -> impl Fn(std::io::Error) -> SelfPlayError {
    let path = path.to_owned();
    move |error| SelfPlayError::Write { path: path.clone(), reason: error.to_string() }
}

/// A closure that wraps a failure to read `path`.
pub(crate) fn cannot_read(path: &Path) -> impl Fn(std::io::Error) -> SelfPlayError {
    let path = path.to_owned();
    move |error| SelfPlayError::Read { path: path.clone(), reason: error.to_string() }
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), SelfPlayError> {
    fs::create_dir_all(path).map_err(cannot_write(path))
}

/// Replaces a file as a whole: readers see the old or the new text, never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), SelfPlayError> {
    let aside = path.with_extension("tmp");
    let mut file = File::create(&aside).map_err(cannot_write(&aside))?;
    file.write_all(bytes).map_err(cannot_write(&aside))?;
    file.sync_all().map_err(cannot_write(&aside))?;
    fs::rename(&aside, path).map_err(cannot_write(path))?;
    sync_parent(path)
}

/// Appends one line and flushes it to the disk.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<(), SelfPlayError> {
    let mut file = File::options().append(true).create(true).open(path).map_err(cannot_write(path))?;
    file.write_all(format!("{line}\n").as_bytes()).map_err(cannot_write(path))?;
    file.sync_data().map_err(cannot_write(path))
}

/// Flushes a file or folder.
pub(crate) fn sync(path: &Path) -> Result<(), SelfPlayError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(cannot_write(path))
}

/// Flushes the folder of a path, so that a rename in it lasts.
pub(crate) fn sync_parent(path: &Path) -> Result<(), SelfPlayError> {
    path.parent().map_or(Ok(()), sync)
}
