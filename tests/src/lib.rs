//! The fixture of the end-to-end tests: a temporary folder, the built program, the data folder.
//!
//! The tests run the real binary. Cargo gives its path only to tests of the binary's own package, so it is
//! found beside the test executable (`target/<profile>/azr`); `cargo test --workspace` always builds it
//! first, because `harness/tests/smoke.rs` needs it. With `cargo test -p azr-tests` alone run
//! `cargo build --release` before.

#![expect(clippy::disallowed_methods, reason = "tests wait for processes and find the program and the data")]

pub mod clients;
pub mod language_client;
pub mod skip;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longest that one run of the program may take before the test fails.
const PATIENCE: Duration = Duration::from_mins(5);

/// A temporary folder and the program.
#[derive(Debug)]
pub struct Fixture {
    folder: tempfile::TempDir,
}

/// What a finished run of the program gave.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Demands an exit code, and shows all output otherwise.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the demand itself is often all a test wants")]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Demands a refusal: exit code 2, one message with advice on standard error that has all `parts`, nothing on
    /// standard output.
    #[track_caller]
    pub fn expect_refusal(self, parts: &[&str]) {
        let finished = self.expect_code(2);
        assert!(finished.stdout.is_empty(), "{}", finished.stdout);
        for part in parts.iter().chain(&["azr: ", "help: "]) {
            assert!(finished.stderr.contains(part), "'{part}' is missing in\n{}", finished.stderr);
        }
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{error}\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
        })
    }
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// A fresh folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("the path has a parent")).expect("a folder can be made");
        std::fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Reads a text file of the folder.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.path().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command of the program, in the folder, with a clean environment and a warm cache.
    pub fn command(&self, arguments: &[&str]) -> Command {
        warm_up();
        let mut command = bare_command(self.path());
        command.args(arguments).env("AZR_CACHE", cache_folder());
        command
    }

    /// Runs the program to its end.
    pub fn azr(&self, arguments: &[&str]) -> Finished {
        finish(spawn(&mut self.command(arguments)))
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> Child {
        spawn(&mut self.command(arguments))
    }

    /// Waits until a file of the folder exists and satisfies `condition`.
    #[track_caller]
    pub fn wait_for(&self, name: &str, condition: impl Fn(&str) -> bool) {
        let path = self.path().join(name);
        let started = Instant::now();
        while !std::fs::read_to_string(&path).is_ok_and(|text| condition(&text)) {
            assert!(started.elapsed() < PATIENCE, "{} did not come", path.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Starts a command with its output captured.
pub fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Waits for the end and collects the output.
#[track_caller]
pub fn finish(child: Child) -> Finished {
    let id = child.id();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(PATIENCE) else {
        signal(id, "KILL");
        panic!("the program did not end within {} s", PATIENCE.as_secs());
    };
    let output = output.expect("the program can be waited for");
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sends a signal, e.g. `INT` or `KILL`.
pub fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name} {process}");
}

/// The folder of the data sets, or `None` with the reason shown.
pub fn data_folder() -> Option<PathBuf> {
    let given = std::env::var_os("AZR_DATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    if folder.is_dir() {
        return Some(folder.canonicalize().expect("the folder is there"));
    }
    skip::skipped(&format!("no data folder at {} (AZR_DATA names another)", folder.display()));
    None
}

/// The program, with nothing of the caller's environment that could change a result.
fn bare_command(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("the test knows its own path");
    executable.ancestors().nth(2).expect("tests lie in target/<profile>/deps").to_owned()
}

/// Path of the program, for tests that hand it to another one.
pub fn binary() -> PathBuf {
    let path = profile_folder().join(format!("azr{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: build it with `cargo build --release`", path.display());
    path
}

/// Folder of the compiled guest, shared by all tests.
pub fn cache_folder() -> PathBuf {
    profile_folder().join("azr-test-cache")
}

/// Compiles the guest once, before tests that run in parallel ask for it at the same time.
fn warm_up() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let program = folder.path().join("program.py");
        std::fs::write(&program, "def f():\n    return 1\n").expect("a file can be written");
        let mut command = bare_command(folder.path());
        command
            .args(["sandbox", "run", "program.py", "--call", "f()", "--twice"])
            .env("AZR_CACHE", cache_folder());
        finish(spawn(&mut command)).expect_code(0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_has_its_own_folder() {
        let (first, second) = (Fixture::new(), Fixture::new());
        first.write("a/b.txt", "text");
        assert_eq!(first.read("a/b.txt"), "text");
        assert!(!second.path().join("a").exists());
    }
}
