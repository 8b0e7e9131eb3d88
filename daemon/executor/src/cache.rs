//! The compiled guest on disk. Compiling takes seconds and depends on the machine, so it happens once: the result is
//! written beside its final name, renamed into place, and memory-mapped by every later process.
//!
//! Loading a compiled file runs its code, so only a folder that is the user's own and closed to others is trusted, and a
//! checksum beside the file finds what a disk or another program has damaged (it is no proof against forgery).
//! A folder that cannot be used costs time, never the sandbox: the guest is then compiled in memory.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

/// A folder that passed the checks.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Creates the folder where it is missing, and refuses one that others could write into.
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        check_private(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("guest-{key}.cwasm"))
    }

    fn checksum_path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("guest-{key}.crc32"))
    }

    /// The compiled component kept under `key`; `None` when there is none or it cannot be used.
    pub(crate) fn load(&self, engine: &Engine, key: &str) -> Option<Component> {
        let path = self.path(key);
        check_private(&path).ok()?;
        if fs::read_to_string(self.checksum_path(key)).ok()?
            != checksum(&mut fs::File::open(&path).ok()?).ok()?
        {
            return None;
        }
        // SAFETY: the file was written by this program from `Engine::precompile_component` (the folder and the file
        // belong to the user and are closed to others), was renamed into place when complete, has the checksum of what
        // was written, and wasmtime checks its version and settings; nothing rewrites it in place.
        unsafe { Component::deserialize_file(engine, &path) }.ok()
    }

    /// Keeps `compiled` under `key`.
    pub(crate) fn store(&self, key: &str, compiled: &[u8]) -> std::io::Result<()> {
        replace(&self.path(key), compiled)?;
        // A stop between the two leaves a file without its checksum, which is compiled again.
        replace(&self.checksum_path(key), checksum(&mut &*compiled)?.as_bytes())
    }
}

/// Writes a whole file beside its name, flushes it, and renames it into place.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let written = (|| {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// CRC-32 of a whole file, as text.
fn checksum(bytes: &mut impl Read) -> std::io::Result<String> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match bytes.read(&mut buffer)? {
            0 => return Ok(format!("{:08x}", hasher.finalize())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Refuses a file or folder of another user, or one that others may write.
fn check_private(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path)?;
        if metadata.mode() & 0o022 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                format!("{} belongs to another user or is writable by others", path.display()),
            ));
        }
    }
    #[cfg(not(unix))]
    fs::metadata(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component: a header and nothing else.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn what_is_damaged_or_missing_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let engine = Engine::default();
        let compiled = engine.precompile_component(EMPTY).unwrap();
        assert!(cache.load(&engine, "key").is_none());
        cache.store("key", &compiled).unwrap();
        assert!(cache.load(&engine, "key").is_some());
        for damaged in [&compiled[..compiled.len() / 2], b"not a component", b""] {
            cache.store("key", damaged).unwrap();
            assert!(cache.load(&engine, "key").is_none(), "{} bytes", damaged.len());
        }
        cache.store("key", &compiled).unwrap();
        let mut changed = compiled.clone();
        changed[compiled.len() / 2] ^= 1;
        fs::write(cache.path("key"), changed).unwrap();
        assert!(cache.load(&engine, "key").is_none(), "one changed bit");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_write_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(folder.path()).is_err());
    }
}
