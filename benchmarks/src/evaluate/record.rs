//! The files of one evaluation: `settings.json`, `items.jsonl`, written so that a crash leaves whole lines.

use crate::{BenchmarkError, ItemRecord};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Longest line that is read back.
const LINE_BOUND: usize = 16 << 20;

/// An open `items.jsonl`.
pub struct RecordFile {
    path: PathBuf,
    file: File,
    kept: Vec<ItemRecord>,
}

impl RecordFile {
    /// Opens the record of `folder`; lines made under other settings are dropped.
    pub fn open(folder: &Path, settings: &str) -> Result<Self, BenchmarkError> {
        fs::create_dir_all(folder).map_err(BenchmarkError::io("cannot create", folder))?;
        let settings_path = folder.join("settings.json");
        let path = folder.join("items.jsonl");
        let same = fs::read_to_string(&settings_path).is_ok_and(|old| old == settings);
        let kept = if same { read_lines(&path) } else { Vec::new() };
        if !same {
            // The old lines go before the new settings come: a crash between the two leaves no wrong pair.
            for stale in [&path, &folder.join("metrics.json")] {
                match fs::remove_file(stale) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(BenchmarkError::io("cannot remove", stale)(error));
                    }
                    _ => {}
                }
            }
            write_whole(&settings_path, settings)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(BenchmarkError::io("cannot open", &path))?;
        Ok(Self { path, file, kept })
    }

    /// The whole lines that were found.
    pub fn take_kept(&mut self) -> Vec<ItemRecord> {
        std::mem::take(&mut self.kept)
    }

    /// Cuts the file behind `records`, which are its beginning.
    pub fn truncate_to(&mut self, records: &[ItemRecord]) -> Result<(), BenchmarkError> {
        let length = lines(records).len() as u64;
        self.file
            .set_len(length)
            .and_then(|()| self.file.seek(SeekFrom::Start(length)).map(|_| ()))
            .map_err(BenchmarkError::io("cannot cut", &self.path))
    }

    /// Appends and waits until the lines are on the disk.
    pub fn append(&mut self, records: &[ItemRecord]) -> Result<(), BenchmarkError> {
        self.file
            .write_all(lines(records).as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(BenchmarkError::io("cannot write", &self.path))
    }
}

fn lines(records: &[ItemRecord]) -> String {
    records
        .iter()
        .map(|record| serde_json::to_string(record).expect("plain data serialises") + "\n")
        .collect()
}

/// The leading lines that are whole and are exactly what would be written for what they say.
fn read_lines(path: &Path) -> Vec<ItemRecord> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut reader = BufReader::new(file);
    let mut records = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 0 && length <= LINE_BOUND) {
        match serde_json::from_str::<ItemRecord>(&line) {
            Ok(record) if lines(std::slice::from_ref(&record)) == line => records.push(record),
            _ => break,
        }
        line.clear();
    }
    records
}

/// Replaces a file as a whole: written beside it, flushed to the disk, renamed.
pub fn write_whole(path: &Path, text: &str) -> Result<(), BenchmarkError> {
    let partial = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(BenchmarkError::io("cannot write", path))
}
