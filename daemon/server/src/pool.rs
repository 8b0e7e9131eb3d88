//! Functions met in the editor that the user gives to self-play: kept on this machine, each with where it comes from,
//! until they are removed. Nothing is kept unless the user has switched it on (`taskPool.enabled`).
//!
//! The file has a JSON line an entry, in the form that self-play reads seeds in (`snippet`, `input`, `output`), with `origin`
//! and `id` beside it. Its outputs are what execution gave. A lock file keeps the daemon and the command line apart; every
//! change replaces the file as a whole.

use crate::protocol::pool::{Origin, PoolEntry, RemoveParams};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Entries that are kept; when there are as many, nothing is added until some are removed.
pub const MAX_ENTRIES: usize = 2_000;
/// Longest line of an entry, in bytes.
const MAX_ENTRY_BYTES: usize = 24 << 10;
/// Longest file that is read.
const MAX_FILE_BYTES: u64 = (MAX_ENTRIES * MAX_ENTRY_BYTES) as u64;

/// A function with a call of it and the value that execution gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Program that defines the function and all it needs.
    pub program: String,
    /// The function.
    pub function: String,
    /// Arguments of the call.
    pub input: String,
    /// The value.
    pub output: String,
    /// Document that it was met in.
    pub uri: String,
}

/// The file of the pool.
#[derive(Clone, Debug)]
pub struct TaskPool {
    path: PathBuf,
}

impl TaskPool {
    /// The pool in a file, which need not be there.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is kept, in the order in which it came.
    pub fn list(&self) -> Result<Vec<PoolEntry>> {
        let _lock = self.lock()?;
        self.read()
    }

    /// Keeps what is new and fits; says how many that are. A function that was edited since takes the place of its
    /// earlier text: what was half typed does not stay.
    pub fn add(&self, offers: &[Offer]) -> Result<usize> {
        let _lock = self.lock()?;
        let mut entries = self.read()?;
        let mut known: BTreeSet<String> = entries.iter().map(|entry| entry.id.clone()).collect();
        let before = entries.len();
        let new: Vec<PoolEntry> = offers.iter().map(entry).collect();
        let texts: BTreeMap<&Origin, BTreeSet<&str>> =
            new.iter().fold(BTreeMap::new(), |mut texts, entry| {
                texts.entry(&entry.origin).or_default().insert(&entry.snippet);
                texts
            });
        entries.retain(|entry| {
            texts.get(&entry.origin).is_none_or(|texts| texts.contains(entry.snippet.as_str()))
        });
        let replaced = before - entries.len();
        let before = entries.len();
        for entry in &new {
            // As it is written: the file as a whole has a bound, too.
            let fits = serde_json::to_string(entry).is_ok_and(|line| line.len() < MAX_ENTRY_BYTES);
            if fits && entries.len() < MAX_ENTRIES && known.insert(entry.id.clone()) {
                entries.push(entry.clone());
            }
        }
        let added = entries.len() - before;
        if added + replaced > 0 {
            self.write(&entries)?;
        }
        Ok(added)
    }

    /// Removes entries; says how many are gone and how many are left.
    pub fn remove(&self, which: &RemoveParams) -> Result<(usize, usize)> {
        let _lock = self.lock()?;
        if which.all {
            // Whatever the file holds: it may be damaged.
            let entries = self.read().map_or(0, |entries| entries.len());
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok((entries, 0)),
            };
        }
        let entries = self.read()?;
        let goes = |entry: &PoolEntry| {
            which.ids.contains(&entry.id) || which.uri.as_ref() == Some(&entry.origin.uri)
        };
        let kept: Vec<PoolEntry> = entries.iter().filter(|entry| !goes(entry)).cloned().collect();
        let removed = entries.len() - kept.len();
        if kept.is_empty() && removed > 0 {
            std::fs::remove_file(&self.path)?;
        } else if removed > 0 {
            self.write(&kept)?;
        }
        Ok((removed, kept.len()))
    }

    /// Held while the file is read and written, by any process of the user.
    fn lock(&self) -> Result<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let path = self.path.with_extension("lock");
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        file.lock()?;
        Ok(file)
    }

    fn read(&self) -> Result<Vec<PoolEntry>> {
        let mut text = String::new();
        match File::open(&self.path) {
            Ok(file) => file.take(MAX_FILE_BYTES).read_to_string(&mut text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let line = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| {
                let what = format!("line {} of {} is no entry: {error}", number + 1, self.path.display());
                Error::new(ErrorKind::InvalidData, what)
            })
        };
        text.lines().enumerate().map(line).collect()
    }

    fn write(&self, entries: &[PoolEntry]) -> Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        for entry in entries {
            serde_json::to_writer(&mut file, entry)?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)
    }
}

/// The entry of an offer. Tasks call their function `f`.
fn entry(offer: &Offer) -> PoolEntry {
    let mut snippet = offer.program.trim_end().to_owned();
    if offer.function != "f" {
        snippet.push_str(&format!(
            "\n\n\ndef f(*arguments, **named):\n    return {}(*arguments, **named)",
            offer.function
        ));
    }
    let digest = Sha256::new().chain_update(&snippet).chain_update([0]).chain_update(&offer.input).finalize();
    PoolEntry {
        id: format!("{:016x}", digest.iter().take(8).fold(0_u64, |id, byte| id << 8 | u64::from(*byte))),
        snippet,
        input: offer.input.clone(),
        output: offer.output.clone(),
        imports: Vec::new(),
        origin: Origin { uri: offer.uri.clone(), function: offer.function.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn offer(function: &str, input: &str, uri: &str) -> Offer {
        Offer {
            program: format!("def {function}(a):\n    return a\n"),
            function: function.to_owned(),
            input: input.to_owned(),
            output: input.to_owned(),
            uri: uri.to_owned(),
        }
    }

    #[test]
    fn entries_come_once_and_go_by_name_by_document_or_all() {
        let folder = tempfile::tempdir().unwrap();
        let pool = TaskPool::new(folder.path().join("state/pool.jsonl"));
        assert_eq!(pool.list().unwrap(), []);
        let offers = [
            offer("f", "1", "file:///a.py"),
            offer("g", "1", "file:///a.py"),
            offer("g", "2", "file:///b.py"),
        ];
        assert_eq!(pool.add(&offers).unwrap(), 3);
        assert_eq!(pool.add(&offers).unwrap(), 0, "nothing comes twice");
        let entries = pool.list().unwrap();
        assert_eq!(entries[0].snippet, "def f(a):\n    return a");
        assert!(
            entries[1].snippet.ends_with("def f(*arguments, **named):\n    return g(*arguments, **named)")
        );
        assert_eq!(entries[2].origin, Origin { uri: "file:///b.py".into(), function: "g".into() });
        let mode = std::fs::metadata(pool.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads the user's code");

        let by = |ids: &[&str], uri: Option<&str>, all| RemoveParams {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            uri: uri.map(str::to_owned),
            all,
        };
        assert_eq!(pool.remove(&by(&["none"], None, false)).unwrap(), (0, 3));
        assert_eq!(pool.remove(&by(&[&entries[0].id], None, false)).unwrap(), (1, 2));
        assert_eq!(pool.remove(&by(&[], Some("file:///b.py"), false)).unwrap(), (1, 1));
        assert_eq!(pool.remove(&by(&[], None, true)).unwrap(), (1, 0));
        assert!(!pool.path().exists());
    }

    #[test]
    fn an_edited_function_takes_the_place_of_its_earlier_text() {
        let folder = tempfile::tempdir().unwrap();
        let pool = TaskPool::new(folder.path().join("pool.jsonl"));
        let half =
            Offer { program: "def f(a):\n    return [a".to_owned(), ..offer("f", "1", "file:///a.py") };
        let other = offer("g", "1", "file:///b.py");
        assert_eq!(pool.add(&[half, other]).unwrap(), 2);
        let whole = [offer("f", "1", "file:///a.py"), offer("f", "2", "file:///a.py")];
        assert_eq!(pool.add(&whole).unwrap(), 2);
        let left = pool.list().unwrap();
        let of_a = left.iter().filter(|entry| entry.origin.uri == "file:///a.py");
        assert!(of_a.clone().all(|entry| entry.snippet == "def f(a):\n    return a"));
        assert_eq!((of_a.count(), left.len()), (2, 3), "those of another file stay");
    }

    #[test]
    fn the_pool_has_an_end_and_damage_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let pool = TaskPool::new(folder.path().join("pool.jsonl"));
        let long = Offer { output: "\n".repeat(MAX_ENTRY_BYTES / 2), ..offer("f", "0", "u") };
        let many: Vec<Offer> = std::iter::once(long)
            .chain((0..=MAX_ENTRIES).map(|number| offer("f", &number.to_string(), "u")))
            .collect();
        assert_eq!(pool.add(&many).unwrap(), MAX_ENTRIES);
        std::fs::write(pool.path(), "{}\n").unwrap();
        let error = pool.add(&many).unwrap_err().to_string();
        assert!(error.contains("line 1 of"), "{error}");
        assert_eq!(
            std::fs::read_to_string(pool.path()).unwrap(),
            "{}\n",
            "what cannot be read is not replaced"
        );
        let all = RemoveParams { all: true, ..RemoveParams::default() };
        assert_eq!(pool.remove(&all).unwrap(), (0, 0), "and can be removed");
        assert!(!pool.path().exists());
    }

    #[test]
    fn writers_do_not_lose_each_others_entries() {
        let folder = tempfile::tempdir().unwrap();
        let pool = TaskPool::new(folder.path().join("pool.jsonl"));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for number in 0..8 {
                        pool.add(&[offer("f", &(thread * 100 + number).to_string(), "u")]).unwrap();
                    }
                });
            }
        });
        assert_eq!(pool.list().unwrap().len(), 32);
    }
}
