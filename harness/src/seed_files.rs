//! Seeds from files: JSON lines in the reference's form, plain or gzip'ed, by path or by their place in the data folder.

use crate::data;
use crate::failure::Failure;
use crate::provenance::sha256;
use anyhow::Context;
use azr_selfplay::config::{SeedSource, SelfPlayConfig};
use azr_selfplay::seed::{Seeds, induction_from_jsonl, triplets_from_jsonl};
use azr_selfplay::{TaskType, Triplet};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longest file of seeds that is read, unpacked, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// The seeds of a configuration; `None` where it does not ask for files.
pub fn read(config: &SelfPlayConfig) -> anyhow::Result<Option<Seeds>> {
    let seeding = &config.seeding;
    if seeding.source != SeedSource::Files {
        return Ok(None);
    }
    let triplets = |file: &Option<String>| file.as_deref().map(read_triplets).transpose();
    let (deduction, abduction) = (triplets(&seeding.deduction_file)?, triplets(&seeding.abduction_file)?);
    let induction = match &seeding.induction_file {
        Some(file) => parse(file, induction_from_jsonl)?,
        None => Vec::new(),
    };
    let error = triplets(&seeding.error_file)?;
    Ok(Some(Seeds {
        abduction: deduction.is_some().then(|| abduction.clone()).flatten(),
        triplets: deduction.or(abduction).unwrap_or_default(),
        induction,
        others: error.into_iter().map(|triplets| (TaskType::Error, triplets)).collect::<BTreeMap<_, _>>(),
    }))
}

/// The files that a configuration takes seeds from, with the hash of their bytes.
pub fn hashes(config: &SelfPlayConfig) -> anyhow::Result<BTreeMap<String, String>> {
    let seeding = &config.seeding;
    if seeding.source != SeedSource::Files {
        return Ok(BTreeMap::new());
    }
    let files =
        [&seeding.deduction_file, &seeding.abduction_file, &seeding.induction_file, &seeding.error_file];
    files
        .into_iter()
        .flatten()
        .map(|file| {
            let bytes =
                std::fs::read(locate(file)).with_context(|| format!("cannot read the seeds {file}"))?;
            Ok((format!("seeds: {file}"), sha256(&bytes)))
        })
        .collect()
}

fn read_triplets(file: &str) -> anyhow::Result<Vec<Triplet>> {
    parse(file, triplets_from_jsonl)
}

fn parse<T>(file: &str, rows: fn(&str) -> Result<Vec<T>, String>) -> anyhow::Result<Vec<T>> {
    let path = locate(file);
    let text = read_text(&path).map_err(|error| {
        Failure::new(
            format!("cannot read the seeds {file}: {error:#}"),
            "name a file of JSON lines, plain or .gz, by its path or by its place in the data folder ($AZR_DATA)",
        )
    })?;
    let rows = rows(&text).map_err(|error| {
        Failure::new(
            format!("the seeds {} are not JSON lines of tasks: {error}", path.display()),
            "a line has snippet, input and output; for induction snippet, inputs, outputs and message",
        )
    })?;
    if rows.is_empty() {
        return Err(Failure::new(
            format!("the seeds {} are empty", path.display()),
            "name a file with tasks",
        )
        .into());
    }
    Ok(rows)
}

/// The path itself, or that within the data folder.
fn locate(file: &str) -> PathBuf {
    let path = Path::new(file);
    match data::given_folder() {
        Some(folder) if !path.exists() => folder.join(path),
        _ => path.to_owned(),
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    let read = if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::MultiGzDecoder::new(file).take(MAX_BYTES + 1).read_to_string(&mut text)?
    } else {
        file.take(MAX_BYTES + 1).read_to_string(&mut text)?
    };
    anyhow::ensure!(read as u64 <= MAX_BYTES, "{} is longer than {MAX_BYTES} bytes", path.display());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(deduction: &str, induction: Option<&str>) -> SelfPlayConfig {
        let mut config = SelfPlayConfig::default();
        config.seeding.source = SeedSource::Files;
        config.seeding.deduction_file = Some(deduction.to_owned());
        config.seeding.induction_file = induction.map(str::to_owned);
        config
    }

    #[test]
    fn each_buffer_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seeds.jsonl");
        let row = r#"{"snippet": "def f(a):\n    return a", "input": "1", "output": "1", "imports": []}"#;
        std::fs::write(&path, format!("{row}\n\n{row}\n")).unwrap();
        let file = path.display().to_string();
        let seeds = read(&config(&file, None)).unwrap().unwrap();
        assert_eq!((seeds.triplets.len(), seeds.abduction, seeds.induction.len()), (2, None, 0));
        assert_eq!(read(&SelfPlayConfig::default()).unwrap(), None);
        std::fs::write(&path, "{}\n").unwrap();
        let text = crate::failure::describe(&read(&config(&file, None)).unwrap_err());
        assert!(text.contains("line 1") && text.contains("snippet"), "{text}");
        std::fs::write(&path, "\n").unwrap();
        assert!(read(&config(&file, None)).is_err(), "no seeds at all");
        assert!(read(&config("nowhere.jsonl", None)).is_err());
    }
}
