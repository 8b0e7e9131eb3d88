//! The daemon's log: one file and the one before it. At the default level it holds no text of documents and nothing
//! for each keystroke.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Length at which the file becomes the one before.
const MAX_BYTES: u64 = 4 << 20;

/// What is logged, where and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The file; `None` = standard error.
    pub file: Option<PathBuf>,
    /// Filter in the syntax of `tracing` (`$AZR_LOG`), e.g. `debug` or `azr_daemon=trace`.
    pub filter: Option<String>,
    /// A JSON object a line.
    pub json: bool,
}

/// Begins logging for the whole process; a second call changes nothing.
pub fn begin(config: &LogConfig) -> std::io::Result<()> {
    let filter = config.filter.as_deref().unwrap_or("warn,azr_daemon=info");
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| std::io::Error::other(format!("AZR_LOG is not a filter of logs: {error}")))?;
    let writer = match &config.file {
        Some(path) => Writer(Some(Arc::new(Mutex::new(Rotating::open(path)?)))),
        None => Writer(None),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    let _ = if config.json { builder.json().try_init() } else { builder.try_init() };
    Ok(())
}

/// Opens the log to append to it; it names documents, so it is the user's alone.
pub fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create(true).append(true).mode(0o600).open(path)
}

/// The last `count` lines of the log.
pub fn tail(path: &Path, count: usize) -> std::io::Result<String> {
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(count)..].join("\n"))
}

/// A file that is put aside when it is long.
struct Rotating {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Rotating {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes })
    }

    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.bytes > MAX_BYTES {
            std::fs::rename(&self.path, self.path.with_extension("log.old"))?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

#[derive(Clone)]
struct Writer(Option<Arc<Mutex<Rotating>>>);

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        match &self.0 {
            Some(file) => file.lock().unwrap_or_else(PoisonError::into_inner).write(line)?,
            None => std::io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_becomes_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        let mut log = Rotating::open(&path).unwrap();
        log.write(&vec![b'a'; MAX_BYTES as usize + 1]).unwrap();
        log.write(b"new\n").unwrap();
        assert_eq!(tail(&path, 5).unwrap(), "new");
        assert!(path.with_extension("log.old").is_file());
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        std::fs::write(&path, "a\nb\nc\n").unwrap();
        assert_eq!(tail(&path, 2).unwrap(), "b\nc");
        assert_eq!(tail(&path, 20).unwrap(), "a\nb\nc");
    }
}
