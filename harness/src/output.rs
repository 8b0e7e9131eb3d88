//! The one place that writes to the terminal. Results go to standard output and may fail (a closed
//! pipe ends the program quietly); notes go to standard error and never fail.

use std::io::{self, Write};

/// Writes one line of result.
pub fn say(text: impl AsRef<str>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_ref().as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Writes a value as indented JSON.
pub fn say_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    Ok(say(serde_json::to_string_pretty(value)?)?)
}

/// Writes one line of progress or advice to standard error.
pub fn note(text: impl AsRef<str>) {
    // A closed standard error must not stop a run.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}
