//! Locks that the kernel lets go when their process ends, however it ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or `None` where another process holds it. The file says who holds it; where
    /// the disk is full it says nothing.
    pub fn try_take(path: &Path) -> std::io::Result<Option<Self>> {
        let mut file = File::options().create(true).append(true).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // A full disk must not keep a daemon from starting.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Some(Self { _file: file }))
    }

    /// Does some process hold it?
    pub fn is_held(path: &Path) -> bool {
        path.exists() && matches!(Self::probe(path), Ok(false))
    }

    /// Is it held by this process, by what the file says?
    pub fn is_held_by(path: &Path, process: u32) -> bool {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Self::is_held(path) && text.trim().parse() == Ok(process)
    }

    fn probe(path: &Path) -> std::io::Result<bool> {
        let file = File::open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!Lock::is_held(&path));
        let held = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::is_held(&path));
        assert!(Lock::is_held_by(&path, std::process::id()));
        assert!(!Lock::is_held_by(&path, 1));
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(!Lock::is_held(&path));
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
