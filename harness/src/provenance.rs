//! What `run.json` says about where a run was made: code, command, machine, model, data.

use crate::models::Model;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// The part of `run.json` called `info`; seed, hashes of configuration, weights and guest stand beside it.
#[derive(Debug, Serialize)]
pub struct Provenance {
    /// Version and commit of the program.
    pub code: String,
    /// The command line.
    pub command: Vec<String>,
    /// Name of the model at the start.
    pub model: String,
    /// Suites and the hash of their items and prompts.
    pub data: BTreeMap<String, String>,
    /// The computer.
    pub machine: Machine,
}

/// The computer.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Vector extensions of the processor: they decide the last bits of sums.
    pub cpu_flags: Vec<String>,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Operating system and architecture.
    pub system: String,
}

/// Version and commit.
pub fn code_version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match env!("AZR_COMMIT") {
        "" => version.to_owned(),
        commit => format!("{version} ({commit})"),
    }
}

impl Provenance {
    /// Collects it.
    pub fn collect(model: &Model, data: BTreeMap<String, String>) -> Self {
        Self {
            code: code_version(),
            command: std::env::args().collect(),
            model: model.name.clone(),
            data,
            machine: Machine::detect(),
        }
    }
}

impl Machine {
    /// Reads what the system tells; what it does not tell stays empty.
    pub fn detect() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let vector = |flag: &&str| {
            ["avx", "fma", "sse4", "amx", "f16c", "asimd", "sve", "neon"]
                .iter()
                .any(|start| flag.starts_with(start))
        };
        let flags = field(&cpuinfo, "flags").or_else(|| field(&cpuinfo, "Features")).unwrap_or_default();
        let mut cpu_flags: Vec<String> = flags.split_whitespace().filter(vector).map(str::to_owned).collect();
        cpu_flags.sort_unstable();
        let kib =
            field(&meminfo, "MemTotal").and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        Self {
            cpu: field(&cpuinfo, "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cpu_flags,
            memory_mib: kib.unwrap_or(0) / 1024,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// The first `name : value` line of a /proc file.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// sha256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes a file so that a reader sees all of it or nothing: a temporary name first, then a rename.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let temporary = path.with_extension("part");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_files() {
        let text = "processor\t: 0\nmodel name\t: Fast CPU @ 2 GHz\nflags\t\t: fpu avx2 fma\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Fast CPU @ 2 GHz"));
        assert_eq!(field(text, "missing"), None);
        assert!(Machine::detect().cores >= 1);
    }

    #[test]
    fn atomic_writes_replace_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        write_atomically(&path, b"first").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
