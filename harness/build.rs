//! Tells the program which commit it was built from, for the records of its runs.

use std::path::Path;
use std::process::Command;

fn main() {
    // A source archive has no git folder: then the version alone identifies the code.
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|text| text.trim().to_owned())
        .unwrap_or_default();
    println!("cargo::rustc-env=AZR_COMMIT={commit}");
    println!("cargo::rerun-if-changed=build.rs");
    for file in ["../.git/HEAD", "../.git/logs/HEAD"] {
        if Path::new(file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
}
