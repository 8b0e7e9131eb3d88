//! Reading untrusted files: bounded, plain or gzip'ed, with errors that name the file and line.

use crate::failure::Failure;
use anyhow::Context;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest text that is read from one file after decompression.
const MAX_TEXT_BYTES: u64 = 1 << 30;

/// Reads a text file; a name ending in `.gz` is decompressed.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read_bytes(path)?).map_err(|_| {
        Failure::new(
            format!("{} is not UTF-8 text", path.display()),
            "it must be text (JSON lines may be packed: .jsonl.gz)",
        )
        .into()
    })
}

/// Reads a file of at most 1 GiB; a name ending in `.gz` is decompressed.
pub fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut reader: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut bytes = Vec::new();
    reader
        .by_ref()
        .take(MAX_TEXT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(
            Failure::new(format!("{} is longer than 1 GiB", path.display()), "pass a smaller file").into()
        );
    }
    Ok(bytes)
}

/// A stream that does not unpack is the file's fault, anything else the system's.
fn unreadable(path: &Path, error: std::io::Error) -> anyhow::Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    let what = format!("cannot read {}", path.display());
    if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
        return Failure::new(
            format!("{what}: it is not a whole gzip file ({error})"),
            "the compressed file is cut short or damaged: copy or make it again, or pass the plain text",
        )
        .into();
    }
    anyhow::Error::new(error).context(what)
}

/// Reads JSON lines; blank lines are skipped.
pub fn read_json_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = read_text(path)?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                Failure::new(
                    format!("{}:{}: {error}", path.display(), index + 1),
                    "each line must be one JSON object of the expected kind",
                )
                .into()
            })
        })
        .collect()
}
