//! Whole lines as they are appended to a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Bytes of one look: the rest comes with the next one.
const MAX_READ: u64 = 64 << 20;
/// A line that is longer is not one of ours.
const MAX_LINE: usize = 8 << 20;

/// A file that grows.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    /// Which file it was, and how much of it has been given.
    file: (u64, u64),
    offset: u64,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Appended {
    /// The file is another one, or was cut: what was given before is void.
    pub(super) anew: bool,
    /// New lines, without their ends.
    pub(super) lines: Vec<String>,
}

impl Tail {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: (0, 0), offset: 0 }
    }

    /// The lines since the last look. A last line without its end is left for later; a file that is not there has none.
    pub(super) fn look(&mut self) -> Appended {
        self.try_look().unwrap_or_default()
    }

    fn try_look(&mut self) -> std::io::Result<Appended> {
        // A pipe in place of the file would be waited for.
        let metadata = self.path.metadata()?;
        let mut appended = Appended::default();
        if !metadata.is_file() {
            return Ok(appended);
        }
        let file = (metadata.dev(), metadata.ino());
        if file != self.file || metadata.len() < self.offset {
            appended.anew = self.offset > 0;
            (self.file, self.offset) = (file, 0);
        }
        if metadata.len() == self.offset {
            return Ok(appended);
        }
        let mut open = File::open(&self.path)?;
        open.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        open.take(MAX_READ).read_to_end(&mut bytes)?;
        let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            // Nothing of ours is that long without an end.
            if bytes.len() > MAX_LINE {
                self.offset += bytes.len() as u64;
                appended.lines.push(String::new());
            }
            return Ok(appended);
        };
        self.offset += last as u64 + 1;
        let lines = bytes[..last].split(|byte| *byte == b'\n');
        appended.lines.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
        Ok(appended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_come_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut tail = Tail::new(path.clone());
        assert_eq!(tail.look(), Appended::default(), "a file that is not there");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntwo\nthr").unwrap();
        assert_eq!(tail.look().lines, ["one", "two"]);
        assert_eq!(tail.look(), Appended::default());
        file.write_all(b"ee\n\xff\n").unwrap();
        assert_eq!(tail.look(), Appended { anew: false, lines: vec!["three".into(), "\u{fffd}".into()] });
        // Resuming replaces the file by a shorter one.
        std::fs::write(folder.path().join("new"), "one\n").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(tail.look(), Appended { anew: true, lines: vec!["one".into()] });
        std::fs::write(&path, "").unwrap();
        assert_eq!(tail.look(), Appended { anew: true, lines: vec![] });
    }
}
