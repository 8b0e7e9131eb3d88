//! The Python that has other people's clients and tools: `AZR_CLIENTS_PYTHON` names one, `.ci/run` makes one, else `python3`
//! is asked.

use crate::skip::skipped;
use std::path::PathBuf;
use std::process::Command;

/// A Python that imports `package`, or `None` with the reason shown.
pub fn python_with(package: &str) -> Option<PathBuf> {
    let made = || {
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("azr-ci/clients/bin/python")).filter(|python| python.is_file())
    };
    let named = std::env::var_os("AZR_CLIENTS_PYTHON").map(PathBuf::from);
    let python = named.or_else(made).unwrap_or_else(|| PathBuf::from("python3"));
    let asked = Command::new(&python).args(["-c", &format!("import {package}")]).output();
    if asked.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped(&format!(
        "{} does not import {package} (`.ci/run` makes a Python that does, AZR_CLIENTS_PYTHON names another)",
        python.display()
    ));
    None
}
