//! Makes the guest anew from its sources and the registry's `componentize-py`: what `azr sandbox build` does.
//!
//! Needs Python 3.10 or later with `venv`, a C compiler and the package registry; nobody who only runs programs needs
//! any of it. The random bytes of the build are pinned, so two builds agree in hash seed, set order and random state. A few
//! hundred bytes of dead memory still hold times and file numbers of the building machine, so two builds differ in
//! them: `verify` counts them, and a new build has a new hash. What counts is that programs get the same verdicts in
//! both: `open` runs the new guest beside the embedded one.

use crate::guest::{Archive, SOURCES, sha256};
use crate::{Manifest, Sandbox, SandboxConfig, SandboxError, StartState, guest, manifest};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version of the package that carries CPython.
const COMPONENTIZE_PY: &str = "0.25.1";
/// Any two odd numbers; they choose the hash seeds.
const ENTROPY: [u64; 2] = [88_172_645_463_325_253, 1_181_783_497_276_652_981];
/// Threads of the tool that builds, whatever the machine has.
const THREADS: &str = "2";
/// Builds of the same sources differ in fewer bytes than this (about 400 were seen).
const MAX_DIFFERING_BYTES: u64 = 4_096;

/// How to build.
#[derive(Clone)]
pub struct BuildOptions {
    /// Folder for the virtual environment and intermediate files; created where missing.
    pub work_dir: PathBuf,
    /// Python interpreter, e.g. `python3`.
    pub python: PathBuf,
    /// C compiler, e.g. `cc`.
    pub compiler: PathBuf,
    /// Called with a line of text when a step begins.
    pub progress: Option<crate::Progress>,
}

/// A guest that was just built.
pub struct BuiltGuest {
    /// Its record.
    pub manifest: Manifest,
    archive: Vec<u8>,
    components: [Vec<u8>; 2],
}

/// A new build beside the committed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Same bytes.
    pub identical: bool,
    /// Same program: same sources and sizes, and differences only in dead memory.
    pub equivalent: bool,
    /// Bytes that differ, for each start state; `None` where the sizes differ.
    pub differing_bytes: [Option<u64>; 2],
    /// Hash of the committed guest.
    pub committed: String,
    /// Hash of the new one.
    pub built: String,
}

/// Builds both start states.
pub fn build(options: &BuildOptions) -> Result<BuiltGuest, SandboxError> {
    let say = |line: &str| options.progress.iter().for_each(|progress| progress(line));
    let work = &options.work_dir;
    let environment = work.join("venv");
    let tool = environment.join("bin/componentize-py");
    fs::create_dir_all(work).map_err(|error| failed(format!("{}: {error}", work.display())))?;
    if !tool.exists() {
        say("creating a virtual environment with componentize-py from the package registry");
        run(
            Command::new(&options.python).args(["-m", "venv"]).arg(&environment),
            "Python 3.10 or later with venv is needed",
        )?;
        let package = format!("componentize-py=={COMPONENTIZE_PY}");
        run(
            Command::new(environment.join("bin/pip")).args(["install", "--quiet", &package]),
            "the package registry is needed",
        )?;
    }
    let entropy = work.join("entropy.so");
    write(&work.join("entropy.c"), SOURCES[1].1)?;
    let mut compile = Command::new(&options.compiler);
    compile.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&entropy).arg(work.join("entropy.c"));
    run(&mut compile, "a C compiler is needed")?;

    let mut paths = Vec::new();
    for (name, seed) in ["first", "second"].into_iter().zip(ENTROPY) {
        say(&format!("building the {name} start state"));
        // A folder of the same name each time: paths are part of the snapshot.
        let sources = work.join("sources");
        let _ = fs::remove_dir_all(&sources);
        fs::create_dir_all(&sources).map_err(|error| failed(format!("{}: {error}", sources.display())))?;
        for (file, text) in
            SOURCES.iter().filter(|(file, _)| matches!(*file, "analysis.py" | "guest.py" | "world.wit"))
        {
            write(&sources.join(file), text)?;
        }
        let out = work.join(format!("{name}.wasm"));
        let mut componentize = Command::new(&tool);
        componentize
            .current_dir(&sources)
            .env("LD_PRELOAD", &entropy)
            .env("AZR_ENTROPY", seed.to_string())
            // Every thread draws, so their number is part of what the guest's own draws are.
            .envs(["TOKIO_WORKER_THREADS", "RAYON_NUM_THREADS"].map(|name| (name, THREADS)))
            .args(["-q", "-d", "world.wit", "-w", "exec", "componentize", "guest", "-p", ".", "-o"])
            .arg(&out);
        run(&mut componentize, "componentize-py could not build the guest")?;
        paths.push(out);
    }
    say("packing (about two minutes)");
    let (archive, pack) = (work.join("guest.lzma"), work.join("pack.py"));
    write(&pack, SOURCES[3].1)?;
    run(
        Command::new(environment.join("bin/python")).arg(&pack).args(&paths).arg(&archive),
        "packing failed",
    )?;
    let components = [read(&paths[0])?, read(&paths[1])?];
    let archive = read(&archive)?;
    let manifest = Manifest {
        componentize_py: COMPONENTIZE_PY.into(),
        entropy: ENTROPY,
        sources: SOURCES.iter().map(|(name, text)| ((*name).to_owned(), sha256(text.as_bytes()))).collect(),
        bytes: components.each_ref().map(|component| component.len() as u64),
        sha256: components.each_ref().map(|component| sha256(component)),
        archive_bytes: archive.len() as u64,
    };
    Ok(BuiltGuest { manifest, archive, components })
}

impl BuiltGuest {
    /// Writes the archive and the record into the folder of the guest's sources, to be compiled in and committed.
    pub fn write(&self, folder: &Path) -> Result<(), SandboxError> {
        let manifest =
            serde_json::to_string_pretty(&self.manifest).map_err(|error| failed(error.to_string()))? + "\n";
        write(&folder.join("guest.lzma"), &self.archive)?;
        write(&folder.join("guest.json"), manifest)
    }

    /// Opens a sandbox on it, as `Sandbox::open` does on the guest inside this program.
    pub fn open(&self, config: &SandboxConfig) -> Result<Sandbox, SandboxError> {
        Sandbox::with_guest(config, Archive::new(self.manifest.clone(), self.archive.clone()))
    }

    /// Compares its bytes with the guest inside this program.
    pub fn verify(&self) -> Result<Verification, SandboxError> {
        let committed = manifest()?;
        let mut differing_bytes = [None; 2];
        for (start, count) in [StartState::First, StartState::Second].into_iter().zip(&mut differing_bytes) {
            let (ours, theirs) = (&self.components[start as usize], guest::component(start)?);
            let differing = || ours.iter().zip(&theirs).filter(|(left, right)| left != right).count() as u64;
            *count = (ours.len() == theirs.len()).then(differing);
        }
        let near =
            differing_bytes.iter().all(|count| count.is_some_and(|count| count <= MAX_DIFFERING_BYTES));
        Ok(Verification {
            identical: differing_bytes == [Some(0); 2],
            equivalent: near && committed.sources == self.manifest.sources,
            differing_bytes,
            committed: committed.guest_hash(),
            built: self.manifest.guest_hash(),
        })
    }
}

fn failed(message: String) -> SandboxError {
    SandboxError::Build(message)
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), SandboxError> {
    fs::write(path, content).map_err(|error| failed(format!("{}: {error}", path.display())))
}

fn read(path: &Path) -> Result<Vec<u8>, SandboxError> {
    fs::read(path).map_err(|error| failed(format!("{}: {error}", path.display())))
}

/// Runs a command to its end; `hint` says what its failure means.
fn run(command: &mut Command, hint: &str) -> Result<(), SandboxError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| failed(format!("{hint} ({name}: {error})")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = text.lines().rev().take(8).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(failed(format!("{hint} ({name}: {}): {}", output.status, last.join("\n"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded() -> BuiltGuest {
        let components =
            [StartState::First, StartState::Second].map(|start| guest::component(start).unwrap());
        BuiltGuest { manifest: manifest().unwrap(), archive: guest::ARCHIVE.to_vec(), components }
    }

    #[test]
    fn a_built_guest_that_does_not_match_its_record_is_refused() {
        let mut built = embedded();
        assert!(built.verify().unwrap().identical);
        built.manifest.sha256[0] = built.manifest.sha256[1].clone();
        let refused = built.open(&SandboxConfig::default()).err().unwrap().to_string();
        assert!(refused.ends_with("the archive does not match its recorded hash"), "{refused}");
        built = embedded();
        built.archive.truncate(1_000);
        assert!(built.open(&SandboxConfig::default()).is_err());
    }

    #[test]
    fn a_machine_without_python_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let options = BuildOptions {
            work_dir: folder.path().to_owned(),
            python: folder.path().join("no-python"),
            compiler: "cc".into(),
            progress: None,
        };
        let error = build(&options).err().unwrap().to_string();
        assert!(error.contains("Python 3.10 or later with venv is needed"), "{error}");
    }
}
