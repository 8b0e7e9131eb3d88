//! Models from the Hugging Face hub, in the cache that its other tools use too.
//!
//! `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN` mean what they mean there. A broken download goes on where it stopped;
//! what arrives is checked against the size and, for weights, the SHA-256 that the hub gives; what is complete is
//! found without a network.

#![expect(clippy::disallowed_methods, reason = "the environment is read here, at the edge, and passed on")]

use crate::failure::Failure;
use crate::output;
use crate::progress::Counter;
use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files of a model that are fetched where it has them; weights are named by [`is_weights`].
const FILES: &[&str] = &[
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "model.safetensors.index.json",
];
/// Without these it is no model folder.
const NEEDED: &[&str] = &["config.json", "tokenizer.json"];
/// Times that a broken connection is taken up again.
const RETRIES: usize = 5;

/// A model on the hub.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `owner/name`.
    pub name: &'a str,
    /// Branch, tag or commit.
    pub revision: &'a str,
}

/// Why a model did not come.
#[derive(Debug)]
pub enum Problem {
    /// The hub cannot be reached; another source may serve.
    Unreachable(String),
    /// Anything else.
    Failed(anyhow::Error),
}

impl From<Problem> for anyhow::Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Unreachable(reason) => Failure::new(
                format!("cannot reach the hub: {reason}"),
                "check the network, the proxy and HF_ENDPOINT, or put the model's files into a folder by hand",
            )
            .into(),
            Problem::Failed(error) => error,
        }
    }
}

fn repo(wanted: Wanted<'_>) -> Repo {
    Repo::with_revision(wanted.name.to_owned(), RepoType::Model, wanted.revision.to_owned())
}

/// The cache, where there is a place for one.
fn cache() -> Option<Cache> {
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    // The crate has no cache without a home folder, and says so by a panic.
    (has("HF_HOME") || has("HOME") || cfg!(windows)).then(Cache::from_env)
}

/// The folder of a model that was fetched before, if it is complete.
pub fn cached(wanted: Wanted<'_>) -> Option<PathBuf> {
    let cache = cache()?.repo(repo(wanted));
    let folder = cache.get("config.json")?.parent()?.to_owned();
    let weights = folder.join("model.safetensors").is_file() || shards_are_there(&folder);
    (NEEDED.iter().all(|name| folder.join(name).is_file()) && weights).then_some(folder)
}

fn shards_are_there(folder: &Path) -> bool {
    let index = std::fs::read(folder.join("model.safetensors.index.json")).ok();
    let index: Option<serde_json::Value> = index.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    index.as_ref().and_then(|index| index.get("weight_map")?.as_object()).is_some_and(|map| {
        map.values().all(|file| file.as_str().is_some_and(|file| folder.join(file).is_file()))
    })
}

/// Fetches a model and returns its folder.
pub fn fetch(wanted: Wanted<'_>) -> Result<PathBuf, Problem> {
    let cache = cache().ok_or_else(|| {
        let what = "no home folder for the downloads";
        Problem::Failed(Failure::new(what, "set HF_HOME to a folder that you may write to").into())
    })?;
    let token = std::env::var("HF_TOKEN").ok().filter(|token| !token.trim().is_empty());
    let token = token.map(|token| token.trim().to_owned()).or_else(|| cache.token());
    let api = ApiBuilder::from_env()
        .with_progress(false)
        .with_retries(RETRIES)
        .with_token(token)
        .with_user_agent("azr", env!("CARGO_PKG_VERSION"))
        .build()
        .map_err(|error| problem(wanted, error))?;
    let remote = api.repo(repo(wanted));
    let info = remote.info().map_err(|error| problem(wanted, error))?;
    let names: Vec<&str> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
    let files = choose(&names).map_err(|reason| {
        let advice = "name a model with config.json, tokenizer.json and weights in safetensors; a GGUF file is read with `azr model import`";
        Problem::Failed(Failure::new(format!("{} on the hub {reason}", wanted.name), advice).into())
    })?;
    let folder = cache.repo(repo(wanted)).pointer_path(&info.sha);
    for name in files {
        one(&api, wanted, name, &folder)?;
    }
    cache.repo(repo(wanted)).create_ref(&info.sha).map_err(|error| Problem::Failed(error.into()))?;
    Ok(folder)
}

/// The files to fetch, small ones first.
fn choose<'n>(names: &[&'n str]) -> Result<Vec<&'n str>, String> {
    let has = |name: &str| names.contains(&name);
    if let Some(missing) = NEEDED.iter().find(|name| !has(name)) {
        return Err(format!("has no {missing}"));
    }
    let single = has("model.safetensors");
    let mut files: Vec<&str> = names.iter().copied().filter(|name| FILES.contains(name)).collect();
    let weights = names.iter().copied().filter(|name| is_weights(name, single));
    files.extend(weights);
    if !files.iter().any(|name| name.ends_with(".safetensors")) {
        return Err("has no weights in safetensors".to_owned());
    }
    Ok(files)
}

/// `model.safetensors`, or the files `model-00001-of-00003.safetensors` where there is no such one.
fn is_weights(name: &str, single: bool) -> bool {
    let middle = name.strip_prefix("model").and_then(|name| name.strip_suffix(".safetensors"));
    match middle {
        Some("") => true,
        Some(middle) => {
            !single
                && middle.starts_with('-')
                && middle.chars().all(|c| c.is_ascii_digit() || "-of".contains(c))
        }
        None => false,
    }
}

/// Fetches a file unless it is there already, and checks it.
fn one(api: &Api, wanted: Wanted<'_>, name: &str, folder: &Path) -> Result<(), Problem> {
    let remote = api.repo(repo(wanted));
    let place = folder.join(name);
    let facts = api.metadata(&remote.url(name)).map_err(|error| problem(wanted, error))?;
    if place.is_file() && matches(&place, facts.size() as u64, None) {
        return Ok(());
    }
    let path = remote
        .download_with_progress(name, Bytes { counter: None, done: 0, total: 0 })
        .map_err(|error| problem(wanted, error))?;
    if matches(&path, facts.size() as u64, Some(facts.etag())) {
        output::note(format!("{name}: {} bytes, checked", facts.size()));
        return Ok(());
    }
    // Both the link and what it points at, so that the next attempt begins anew.
    let _ = std::fs::canonicalize(&path).map(std::fs::remove_file);
    let _ = std::fs::remove_file(&path);
    let what = format!(
        "{name} of {} arrived damaged: it has not the size or the hash that the hub gives",
        wanted.name
    );
    Err(Problem::Failed(Failure::new(what, "nothing of it was kept: run the same command again").into()))
}

/// Whether a file has this size and, where the tag is a SHA-256 (large files), this hash.
fn matches(path: &Path, size: u64, etag: Option<&str>) -> bool {
    if std::fs::metadata(path).map_or(0, |data| data.len()) != size {
        return false;
    }
    match etag.filter(|etag| etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(etag) => sha256_of(path).is_ok_and(|hash| hash.eq_ignore_ascii_case(etag)),
        None => true,
    }
}

/// SHA-256 of a file of any size, in hexadecimal.
pub fn sha256_of(path: &Path) -> std::io::Result<String> {
    use std::fmt::Write;
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => break,
            len => hash.update(&block[..len]),
        }
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn problem(wanted: Wanted<'_>, error: ApiError) -> Problem {
    let failed = |what: String, advice: &str| Problem::Failed(Failure::new(what, advice).into());
    let Wanted { name, revision } = wanted;
    match error {
        ApiError::TooManyRetries(error) => problem(wanted, *error),
        ApiError::RequestError(error) => match *error {
            ureq::Error::StatusCode(401 | 403) => failed(
                format!("the hub does not give out {name}"),
                "a private or gated model needs a token: set HF_TOKEN, and accept the model's terms on its page",
            ),
            ureq::Error::StatusCode(404) => failed(
                format!("the hub has no model {name} with a revision {revision}"),
                "check the name (owner/name) and --revision",
            ),
            ureq::Error::StatusCode(status) if status < 500 => {
                failed(format!("the hub answers {status} for {name}"), "try again later")
            }
            error => Problem::Unreachable(error.to_string()),
        },
        // The body of an answer that stops early.
        ApiError::IoError(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            failed(format!("cannot keep {name}: {error}"), "free some space, or set HF_HOME to another disk")
        }
        ApiError::IoError(error) => failed(
            format!("the download of {name} broke off: {error}"),
            "run the same command again: it goes on where it stopped",
        ),
        ApiError::InvalidResume => failed(
            format!("a broken download of {name} cannot go on"),
            "delete the files ending in .part below its folder in HF_HOME and run the same command again",
        ),
        ApiError::LockAcquisition(path) => failed(
            format!("another program is fetching {}", path.display()),
            "wait for it, then run the same command again",
        ),
        error => {
            failed(format!("the hub's answer about {name} is not understood: {error}"), "check HF_ENDPOINT")
        }
    }
}

/// Shows a download in bytes.
struct Bytes {
    counter: Option<Counter>,
    done: u64,
    total: u64,
}

impl Progress for Bytes {
    fn init(&mut self, size: usize, filename: &str) {
        (self.done, self.total) = (0, size as u64);
        self.counter = Some(Counter::new(filename, self.total));
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        if let Some(counter) = &mut self.counter {
            let rate = self.done as f64 / 1e6 / counter.seconds().max(1e-9);
            counter.update(self.done, self.total, &format!("{rate:.1} MB/s"));
        }
    }

    fn finish(&mut self) {
        if let Some(counter) = self.counter.take() {
            counter.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_chosen_by_name() {
        let names = [
            "README.md",
            "config.json",
            "model-00001-of-00002.safetensors",
            "tokenizer.json",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "consolidated.safetensors",
            "../evil.safetensors",
            "model-../../x.safetensors",
            "onnx/model.safetensors",
        ];
        assert_eq!(
            choose(&names).unwrap(),
            [
                "config.json",
                "tokenizer.json",
                "model.safetensors.index.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors"
            ]
        );
        let single = [&names[..], &["model.safetensors"]].concat();
        assert_eq!(choose(&single).unwrap().last(), Some(&"model.safetensors"));
        assert!(choose(&["config.json", "model.safetensors"]).unwrap_err().contains("tokenizer.json"));
        assert!(choose(&["config.json", "tokenizer.json", "x.gguf"]).unwrap_err().contains("safetensors"));
    }
}
