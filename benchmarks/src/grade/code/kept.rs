//! Expected results kept between programs: a file a part of a task, named by what decides its content.
//!
//! The name is a hash of guest, checker, reference program and inputs, so a change of any of them is another file. A file
//! that does not read, or does not fit its part, is as good as none: the results are computed again and written over it.

use super::CodeTask;
use super::checker::{CHECKER, Expected};
use crate::data::{hash, read_plain};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest file, unpacked: inputs and results are bounded at 8 MiB each.
const BOUND: u64 = 64 << 20;

/// Where the results of one part lie.
pub fn path(folder: &Path, guest: &str, task: &CodeTask, part: usize) -> PathBuf {
    let CodeTask { dataset, entry_point, atol, reference, inputs, .. } = task;
    let content = serde_json::json!([
        guest,
        CHECKER,
        dataset.name(),
        entry_point,
        atol.clone(),
        reference,
        inputs[part],
    ]);
    folder.join(format!("{}.json.gz", hash(content.to_string().as_bytes())))
}

/// The results, if they are there and have one value an input.
pub fn read(path: &Path, n_inputs: usize) -> Option<Expected> {
    let expected: Expected = serde_json::from_slice(&read_plain(path, BOUND).ok()?).ok()?;
    expected.fits(n_inputs).then_some(expected)
}

/// Writes the results beside the name first. A folder that cannot be written costs time at the next run and nothing else.
pub fn write(path: &Path, expected: &Expected) {
    let Some(folder) = path.parent() else { return };
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut encoder = GzEncoder::new(std::fs::File::create(&partial)?, Compression::fast());
        encoder.write_all(&serde_json::to_vec(expected)?)?;
        encoder.finish()?;
        std::fs::rename(&partial, path)
    };
    if write().is_err() {
        let _ = std::fs::remove_file(&partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_back_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("a.json.gz");
        let known = Expected::Known {
            inputs: Some("WwA= WwB= ".into()),
            results: Some("Tg== Rg== ".into()),
            fuel: vec![3, 4],
        };
        assert!(read(&path, 2).is_none());
        write(&path, &known);
        assert_eq!(read(&path, 2), Some(known));
        assert!(read(&path, 3).is_none(), "of another number of inputs");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(read(&path, 2).is_none(), "cut short");
        let long = Expected::Known { inputs: None, results: None, fuel: vec![1] };
        write(&path, &long);
        assert_eq!(read(&path, 1), Some(long));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing half is left");
    }
}
