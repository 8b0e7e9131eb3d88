//! The editor extensions, in the editors: VS Code (through code-server and Chromium) and Neovim, against the program.
//! What drives them lies beside each extension; here it is started, and skipped where the machine lacks the editor.

#![expect(clippy::disallowed_methods, reason = "tests find programs and start them")]

use azr_tests::skip::skipped;
use azr_tests::{Fixture, binary, cache_folder, data_folder};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Series of code-server that `editor-ext/vscode/test/editor/codeServer.mjs` installs.
const CODE_SERVER: &str = "code-server-4.100.3";

fn extension(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../editor-ext").join(name)
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The extension's own packages, or `None` with the reason shown.
fn node_packages() -> Option<PathBuf> {
    let folder = extension("vscode");
    if on_path("node").is_none() || on_path("npm").is_none() {
        skipped("node and npm are not installed");
        return None;
    }
    if !folder.join("node_modules/.bin/tsc").exists() {
        skipped("editor-ext/vscode has no packages: run `npm ci --ignore-scripts` there");
        return None;
    }
    Some(folder)
}

/// A real VS Code and a browser, or `None` with the reason shown.
fn code_server_and_browser() -> Option<(PathBuf, PathBuf)> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let server = std::env::var_os("AZR_CODE_SERVER")
        .map(PathBuf::from)
        .or_else(|| Some(cache?.join("azr-ci").join(CODE_SERVER)))?;
    if !server.join("ready").is_file() {
        skipped(
            "code-server is not installed: `node editor-ext/vscode/test/editor/codeServer.mjs install FOLDER`, then AZR_CODE_SERVER=FOLDER",
        );
        return None;
    }
    let browser = std::env::var_os("AZR_CHROMIUM").map(PathBuf::from).or_else(|| on_path("chromium"));
    if browser.is_none() {
        skipped("chromium is not installed (AZR_CHROMIUM names another)");
    }
    Some((server, browser?))
}

/// Demands success, and shows all output otherwise.
#[track_caller]
fn expect_success(output: &Output) -> String {
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{shown}", output.status);
    shown
}

fn npm(folder: &Path, script: &str) -> Output {
    Command::new("npm").args(["run", "--silent", script]).current_dir(folder).output().expect("npm starts")
}

#[test]
fn the_vscode_extension_passes_its_own_checks() {
    let Some(folder) = node_packages() else { return };
    // Types, lints, unit tests.
    expect_success(&npm(&folder, "check"));
}

#[test]
fn the_vscode_extension_works_in_a_real_editor() {
    let Some(folder) = node_packages() else { return };
    let Some((server, browser)) = code_server_and_browser() else { return };
    expect_success(&npm(&folder, "package"));
    let mut command = Command::new("node");
    command
        .arg("test/editor/run.mjs")
        .current_dir(&folder)
        .env("AZR_PROGRAM", binary())
        .env("AZR_CODE_SERVER", server)
        .env("AZR_CHROMIUM", browser)
        .env("AZR_CACHE", cache_folder())
        .env_remove("AZR_SCENARIOS");
    if let Some(data) = data_folder() {
        command.env("AZR_DATA", data);
    }
    let shown = expect_success(&command.output().expect("node starts"));
    assert!(shown.contains(" 0 failures"), "{shown}");
    for line in shown.lines().filter_map(|line| line.split_once("skipped: ")) {
        skipped(line.1);
    }
}

#[test]
fn the_neovim_plugin_works_in_a_real_editor() {
    the_plugin_works_in("nvim");
}

/// The one of the distribution may be years old; `.ci/run` puts the newest beside it.
#[test]
fn the_neovim_plugin_works_in_the_newest_editor() {
    the_plugin_works_in("nvim-newest");
}

fn the_plugin_works_in(editor: &str) {
    let Some(editor) = on_path(editor) else {
        skipped(&format!("{editor} is not installed"));
        return;
    };
    let fixture = Fixture::new();
    let output = Command::new("sh")
        .arg(extension("nvim").join("test/run.sh"))
        .arg(binary())
        .arg(fixture.path().join("scratch"))
        .arg(editor)
        .env("AZR_CACHE", cache_folder())
        .output()
        .expect("sh starts");
    let shown = expect_success(&output);
    assert!(shown.contains(" 0 failures"), "{shown}");
}
