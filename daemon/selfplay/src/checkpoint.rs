//! Checkpoints: weights, tokenizer, optimizer, buffers and the place in the chain, complete or not there at all.
//!
//! `checkpoints/step-N/` is written under another name, every file flushed and listed with its length and hash, and
//! renamed last. Random state needs no file: every draw is a function of seed, step and item.

use crate::error::SelfPlayError;
use crate::files::{cannot_read, cannot_write, make_folder, replace, sync, sync_parent};
use crate::policy::Policy;
use crate::record::hex;
use crate::step::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "checkpoint.json";
const STATE: &str = "buffers.json";

/// The list of a checkpoint's files, and where in the run it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Step after which it was taken; 0 = after seeding.
    pub step: u64,
    /// Hash of the last line of `steps.jsonl`, or the start of the chain.
    pub chain: String,
    /// Hash of the weights.
    pub weights_hash: String,
    /// SHA-256 of every other file.
    pub files: BTreeMap<String, String>,
}

/// Writes the checkpoint of `step` and returns its folder. An existing one is kept: it is the same.
pub fn save<P: Policy>(
    checkpoints: &Path,
    step: u64,
    chain: &str,
    policy: &P,
    state: &State,
) -> Result<PathBuf, SelfPlayError> {
    let folder = checkpoints.join(format!("step-{step}"));
    if folder.join(MANIFEST).is_file() {
        return Ok(folder);
    }
    let aside = checkpoints.join(format!(".step-{step}.tmp"));
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(cannot_write(&aside))?;
    }
    make_folder(&aside)?;
    policy.save(&aside).map_err(|error| SelfPlayError::policy("save its weights", &error))?;
    let text = serde_json::to_vec(state).expect("buffers are plain data");
    replace(&aside.join(STATE), &text)?;
    let weights_hash =
        policy.weights_hash().map_err(|error| SelfPlayError::policy("hash its weights", &error))?;
    let manifest = Manifest { step, chain: chain.to_owned(), weights_hash, files: hashes(&aside)? };
    let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
    replace(&aside.join(MANIFEST), &text)?;
    sync(&aside)?;
    fs::rename(&aside, &folder).map_err(cannot_write(&folder))?;
    sync_parent(&folder)?;
    Ok(folder)
}

/// The newest complete checkpoint, if any.
pub fn newest(checkpoints: &Path) -> Result<Option<PathBuf>, SelfPlayError> {
    Ok(steps(checkpoints)?.last().map(|step| checkpoints.join(format!("step-{step}"))))
}

/// Checks that files of a checkpoint are what was written: those with a name that is `wanted`.
pub fn check(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Manifest, SelfPlayError> {
    let bad = |path: &Path, reason: String| SelfPlayError::Read { path: path.to_owned(), reason };
    let path = folder.join(MANIFEST);
    let manifest = manifest(folder)?;
    for (name, hash) in manifest.files.iter().filter(|(name, _)| wanted(name)) {
        // The list may come from a stranger: it names files of this folder and nothing else.
        let damage =
            |what: &str| bad(&folder.join(name), format!("the checkpoint is damaged: this file {what}"));
        if Path::new(name).components().count() != 1
            || !name.starts_with(|first: char| first.is_alphanumeric())
        {
            return Err(bad(&path, format!("the checkpoint is damaged: {name:?} is no file of it")));
        }
        let file = folder.join(name);
        if !file.is_file() {
            return Err(damage("is missing"));
        }
        if hash_of(&file)? != *hash {
            return Err(damage("is not what was written"));
        }
    }
    Ok(manifest)
}

/// The list of a checkpoint's files, as it stands there.
pub(crate) fn manifest(folder: &Path) -> Result<Manifest, SelfPlayError> {
    read_json(&folder.join(MANIFEST))
}

/// The state of a checkpoint without its weights.
pub(crate) fn state(folder: &Path) -> Result<State, SelfPlayError> {
    read_json(&folder.join(STATE))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, SelfPlayError> {
    let text = fs::read(path).map_err(cannot_read(path))?;
    serde_json::from_slice(&text)
        .map_err(|error| SelfPlayError::Read { path: path.to_owned(), reason: error.to_string() })
}

/// Reads a checkpoint into the policy and returns the rest. Every file is checked first.
pub fn load<P: Policy>(folder: &Path, policy: &mut P) -> Result<(Manifest, State), SelfPlayError> {
    let manifest = check(folder, |_| true)?;
    let state = state(folder)?;
    policy.load(folder).map_err(|error| SelfPlayError::policy("load a checkpoint", &error))?;
    Ok((manifest, state))
}

/// Removes the oldest checkpoints beyond `kept`, the one after seeding excepted; 0 keeps all.
pub fn prune(checkpoints: &Path, kept: usize) -> Result<(), SelfPlayError> {
    let steps = steps(checkpoints)?;
    let excess = if kept == 0 { 0 } else { steps.len().saturating_sub(kept) };
    for step in steps.iter().take(excess).filter(|step| **step > 0) {
        let folder = checkpoints.join(format!("step-{step}"));
        fs::remove_dir_all(&folder).map_err(cannot_write(&folder))?;
    }
    Ok(())
}

/// Steps of the complete checkpoints, ascending.
pub(crate) fn steps(checkpoints: &Path) -> Result<Vec<u64>, SelfPlayError> {
    if !checkpoints.exists() {
        return Ok(Vec::new());
    }
    let mut steps = Vec::new();
    for entry in fs::read_dir(checkpoints).map_err(cannot_read(checkpoints))? {
        let entry = entry.map_err(cannot_read(checkpoints))?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix("step-")?.parse().ok());
        if let Some(step) = step.filter(|_| entry.path().join(MANIFEST).is_file()) {
            steps.push(step);
        }
    }
    steps.sort_unstable();
    Ok(steps)
}

/// Hash of a file, read in pieces: weights may be larger than what memory is left.
fn hash_of(path: &Path) -> Result<String, SelfPlayError> {
    let mut file = fs::File::open(path).map_err(cannot_read(path))?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let length = file.read(&mut piece).map_err(cannot_read(path))?;
        if length == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&piece[..length]);
    }
}

/// Hash of every file of a folder but the manifest.
fn hashes(folder: &Path) -> Result<BTreeMap<String, String>, SelfPlayError> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(cannot_read(folder))? {
        let entry = entry.map_err(cannot_read(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != MANIFEST && entry.path().is_file() {
            let hash = hash_of(&entry.path())?;
            sync(&entry.path())?;
            files.insert(name, hash);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ScriptedPolicy;
    use crate::task::Triplet;

    fn policy() -> ScriptedPolicy {
        ScriptedPolicy::new(Box::new(|_, _| String::new()), 100)
    }

    #[test]
    fn a_checkpoint_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::default();
        state.buffers.deduction.push(Triplet::identity(), 3);
        assert_eq!(newest(folder.path()).unwrap(), None);
        for step in [9, 10] {
            save(folder.path(), step, "chain", &policy(), &state).unwrap();
        }
        let path = newest(folder.path()).unwrap().unwrap();
        assert!(path.ends_with("step-10"), "by number, not by name");
        let (manifest, read) = load(&path, &mut policy()).unwrap();
        assert_eq!((manifest.step, manifest.chain.as_str(), read), (10, "chain", state));
        prune(folder.path(), 1).unwrap();
        assert_eq!(steps(folder.path()).unwrap(), [10]);
    }

    #[test]
    fn a_damaged_or_unfinished_checkpoint_is_never_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = save(folder.path(), 1, "", &policy(), &State::default()).unwrap();
        fs::create_dir(folder.path().join("step-2")).unwrap();
        assert_eq!(newest(folder.path()).unwrap(), Some(path.clone()), "step-2 has no manifest");
        let text = fs::read(path.join(STATE)).unwrap();
        fs::write(path.join(STATE), &text[..text.len() / 2]).unwrap();
        let error = load(&path, &mut policy()).unwrap_err().to_string();
        assert!(error.contains("buffers.json") && error.contains("damaged"), "{error}");
        fs::remove_file(path.join(STATE)).unwrap();
        assert!(load(&path, &mut policy()).unwrap_err().to_string().contains("missing"));
        // A list that names what lies elsewhere, without an end, or nothing.
        for name in ["/dev/zero", "../step-1/checkpoint.json", "..", "", "a/b"] {
            let files = BTreeMap::from([(name.to_owned(), String::new())]);
            let manifest = Manifest { step: 1, chain: String::new(), weights_hash: String::new(), files };
            fs::write(path.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
            let error = check(&path, |_| true).unwrap_err().to_string();
            assert!(error.contains("is no file of it"), "{name}: {error}");
        }
    }
}
