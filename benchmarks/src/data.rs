//! Where the data sets come from: a folder of the user's, else a download that is checked and kept.
//!
//! A file is the published one or it is refused: the sha256 of the plain content is fixed here, and of the
//! compressed bytes where those are what is published. Sizes are bounded before anything is unpacked.
//! Nothing here reads the environment: the caller passes `--data`, the value of `AZR_DATA` and its cache folder.

mod catalogue;

pub use catalogue::{CATALOGUE, DataFile};

use crate::BenchmarkError;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest file that is unpacked, compressed or plain (the largest published one has 8 MB).
const BOUND: u64 = 64 << 20;

/// The host of the repositories named in the catalogue.
pub const SOURCE_HOST: &str = "https://raw.githubusercontent.com";

/// Where to look, in this order: `folder`, `cache`, the sources.
#[derive(Clone, Debug, Default)]
pub struct DataLocation {
    /// The user's data folder (`--data`, else `AZR_DATA`).
    pub folder: Option<PathBuf>,
    /// Folder in which downloads are kept; `None` forbids downloads.
    pub cache: Option<PathBuf>,
    /// Scheme and host of the sources, [`SOURCE_HOST`] if `None`; tests name a local server.
    pub source: Option<String>,
}

/// The data folder: opens files by their path inside it.
#[derive(Clone, Debug, Default)]
pub struct DataFolder {
    location: DataLocation,
}

impl DataFolder {
    /// A data folder; nothing is opened yet.
    pub fn new(location: DataLocation) -> Self {
        Self { location }
    }

    /// A data folder on disk, without downloads.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self::new(DataLocation { folder: Some(folder.into()), ..DataLocation::default() })
    }

    /// Path of a file that exists in the user's folder.
    pub fn local(&self, file: &str) -> Result<PathBuf, BenchmarkError> {
        let Some(folder) = &self.location.folder else {
            return Err(no_data(file, "no data folder was given"));
        };
        let path = folder.join(file);
        if path.is_file() { Ok(path) } else { Err(no_data(file, format!("{} is missing", path.display()))) }
    }

    /// The checked plain text of a published file, e.g. `aime24/test.jsonl.gz`.
    pub fn text(&self, file: &str) -> Result<String, BenchmarkError> {
        let entry = CATALOGUE
            .iter()
            .find(|entry| entry.file == file)
            .ok_or_else(|| no_data(file, "not a file of the catalogue"))?;
        let bytes = self.bytes(entry)?;
        String::from_utf8(bytes).map_err(|error| no_data(file, format!("not UTF-8: {error}")))
    }

    fn bytes(&self, entry: &'static DataFile) -> Result<Vec<u8>, BenchmarkError> {
        if let Some(folder) = &self.location.folder {
            for path in [folder.join(entry.file), folder.join(entry.file.trim_end_matches(".gz"))] {
                if path.is_file() {
                    return checked(&path, read_plain(&path, BOUND)?, entry);
                }
            }
            // A folder that was named is meant: a file missing there is not silently fetched elsewhere
            // unless downloads are allowed.
            if self.location.cache.is_none() {
                let reason = if folder.is_file() {
                    format!("{} is a file, not a folder", folder.display())
                } else {
                    format!("it is not in {}", folder.display())
                };
                return Err(no_data(entry.file, reason));
            }
        }
        let Some(cache) = &self.location.cache else {
            return Err(no_data(entry.file, "no data folder was given and downloads are off"));
        };
        let kept = cache.join(entry.file);
        // The cache is ours: a damaged file in it is fetched anew.
        if let Some(plain) = read_plain(&kept, BOUND).ok().filter(|plain| hash(plain) == entry.sha256_plain) {
            return Ok(plain);
        }
        let plain = self.download(entry)?;
        keep(&kept, &plain)?;
        Ok(plain)
    }

    /// A named source is reached directly, the public one through the proxy of the user's settings.
    fn agent(&self) -> ureq::Agent {
        let mut config = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_global(Some(Duration::from_mins(10)));
        if self.location.source.is_some() {
            config = config.proxy(None);
        }
        ureq::Agent::new_with_config(config.build())
    }

    fn download(&self, entry: &'static DataFile) -> Result<Vec<u8>, BenchmarkError> {
        let host = self.location.source.as_deref().unwrap_or(SOURCE_HOST);
        let url = format!("{host}/{}/{}/{}", entry.repository, entry.commit, entry.source);
        let failed = |reason: String| no_data(entry.file, format!("download of {url} failed: {reason}"));
        let mut response = self.agent().get(&url).call().map_err(|error| failed(error.to_string()))?;
        let mut body = Vec::new();
        response
            .body_mut()
            .as_reader()
            .take(BOUND + 1)
            .read_to_end(&mut body)
            .map_err(|error| failed(error.to_string()))?;
        if body.len() as u64 > BOUND {
            return Err(failed(format!("more than {BOUND} bytes")));
        }
        let shown = PathBuf::from(&url);
        if Path::new(entry.source).extension().is_some_and(|extension| extension == "gz") {
            let got = hash(&body);
            if got != entry.sha256_gz {
                return Err(BenchmarkError::WrongHash { path: shown, got, want: entry.sha256_gz });
            }
            body = unpack(&body[..], &shown, BOUND)?;
        }
        checked(&shown, body, entry)
    }
}

/// Reads a whole file of at most `bound` bytes.
pub fn read_bounded(path: &Path, bound: u64) -> Result<Vec<u8>, BenchmarkError> {
    let file = File::open(path).map_err(BenchmarkError::io("cannot open", path))?;
    let mut bytes = Vec::new();
    file.take(bound + 1).read_to_end(&mut bytes).map_err(BenchmarkError::io("cannot read", path))?;
    if bytes.len() as u64 > bound {
        return Err(BenchmarkError::TooLarge { path: path.to_path_buf(), bound });
    }
    Ok(bytes)
}

/// Reads a file, unpacking it if it is gzip'ed (by its first bytes, not by its name).
pub fn read_plain(path: &Path, bound: u64) -> Result<Vec<u8>, BenchmarkError> {
    let bytes = read_bounded(path, bound)?;
    if bytes.starts_with(&[0x1f, 0x8b]) { unpack(&bytes[..], path, bound) } else { Ok(bytes) }
}

pub(crate) fn unpack(packed: &[u8], path: &Path, bound: u64) -> Result<Vec<u8>, BenchmarkError> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(packed)
        .take(bound + 1)
        .read_to_end(&mut plain)
        .map_err(BenchmarkError::io("cannot unpack", path))?;
    if plain.len() as u64 > bound {
        return Err(BenchmarkError::TooLarge { path: path.to_path_buf(), bound });
    }
    Ok(plain)
}

fn checked(path: &Path, plain: Vec<u8>, entry: &DataFile) -> Result<Vec<u8>, BenchmarkError> {
    let got = hash(&plain);
    if got == entry.sha256_plain {
        Ok(plain)
    } else {
        Err(BenchmarkError::WrongHash { path: path.to_path_buf(), got, want: entry.sha256_plain })
    }
}

/// Writes a checked download beside its final name first, so that a crash leaves no half file.
fn keep(path: &Path, plain: &[u8]) -> Result<(), BenchmarkError> {
    let folder = path.parent().expect("a cached file lies in a folder");
    fs::create_dir_all(folder).map_err(BenchmarkError::io("cannot create", folder))?;
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut encoder = GzEncoder::new(File::create(&partial)?, Compression::default());
        encoder.write_all(plain)?;
        encoder.finish()?.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(BenchmarkError::io("cannot write", path))
}

/// sha256 in hex.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

fn no_data(file: &str, reason: impl Into<String>) -> BenchmarkError {
    BenchmarkError::NoData { file: file.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
