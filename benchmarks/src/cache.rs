//! Completions kept between evaluations, by what decides them: model, prompt, parameters.
//!
//! A file of JSON lines that only grows. A line that does not read (a crash cut it) is passed over and its
//! completion made again. Greedy requests share an entry whatever their key; sampled ones have their draws in it.

use crate::BenchmarkError;
use crate::data::hash;
use azr_model::{Completion, FinishReason, Generate, GenerateRequest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// A model whose completions are looked up first.
pub struct Cached<'a, G> {
    model: &'a mut G,
    identity: String,
    path: PathBuf,
    file: File,
    known: BTreeMap<String, Entry>,
    /// Requests answered from the file.
    pub hits: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    key: String,
    text: String,
    tokens: usize,
    finished: bool,
}

/// Why a cached model gave no completion.
#[derive(Debug, thiserror::Error)]
pub enum CachedError<E: std::error::Error + Send + Sync + 'static> {
    /// The model failed.
    #[error(transparent)]
    Model(E),
    /// The file cannot be written.
    #[error(transparent)]
    Cache(#[from] BenchmarkError),
}

impl<'a, G: Generate> Cached<'a, G> {
    /// Opens the file; `identity` names the weights (a hash) and whatever else of the model decides completions.
    pub fn open(model: &'a mut G, identity: impl Into<String>, path: &Path) -> Result<Self, BenchmarkError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(BenchmarkError::io("cannot create", folder))?;
        }
        let mut known = BTreeMap::new();
        let mut ends = true;
        let found = match File::open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(BenchmarkError::io("cannot read", path)(error)),
        };
        if let Some(file) = found {
            let mut reader = BufReader::new(file);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).map_err(BenchmarkError::io("cannot read", path))? > 0 {
                ends = line.last() == Some(&b'\n');
                if let Ok(entry) = serde_json::from_slice::<Entry>(&line) {
                    known.insert(entry.key.clone(), entry);
                }
                line.clear();
            }
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(BenchmarkError::io("cannot open", path))?;
        if !ends {
            file.write_all(b"\n").map_err(BenchmarkError::io("cannot write", path))?;
        }
        Ok(Self { model, identity: identity.into(), path: path.to_owned(), file, known, hits: 0 })
    }

    fn key(&self, request: &GenerateRequest) -> String {
        let sampling = request.sampling;
        let draws = if sampling.temperature == 0.0 { String::new() } else { format!("{:?}", request.key) };
        let text = serde_json::json!([
            self.identity,
            self.model.version(),
            request.prompt,
            request.max_new_tokens,
            request.stop,
            format!("{sampling:?}"),
            draws,
        ]);
        hash(text.to_string().as_bytes())
    }
}

impl<G: Generate> Generate for Cached<'_, G> {
    type Error = CachedError<G::Error>;

    fn generate(&mut self, requests: &[GenerateRequest]) -> Result<Vec<Completion>, Self::Error> {
        let keys: Vec<String> = requests.iter().map(|request| self.key(request)).collect();
        let missing: Vec<usize> =
            (0..requests.len()).filter(|index| !self.known.contains_key(&keys[*index])).collect();
        self.hits += requests.len() - missing.len();
        let asked: Vec<GenerateRequest> = missing.iter().map(|index| requests[*index].clone()).collect();
        if !asked.is_empty() {
            let made = self.model.generate(&asked).map_err(CachedError::Model)?;
            let mut lines = String::new();
            for (index, completion) in missing.iter().zip(made) {
                let entry = Entry {
                    key: keys[*index].clone(),
                    text: completion.text,
                    tokens: completion.tokens.len(),
                    finished: completion.finish == FinishReason::Stop,
                };
                lines.push_str(&serde_json::to_string(&entry).expect("plain data serialises"));
                lines.push('\n');
                self.known.insert(entry.key.clone(), entry);
            }
            self.file
                .write_all(lines.as_bytes())
                .and_then(|()| self.file.sync_data())
                .map_err(BenchmarkError::io("cannot write", &self.path))?;
        }
        Ok(keys
            .iter()
            .zip(requests)
            .map(|(key, request)| {
                let entry = &self.known[key];
                Completion {
                    text: entry.text.clone(),
                    prompt_tokens: Vec::new(),
                    // The file is whoever's: no count of it is taken at its word.
                    tokens: vec![0; entry.tokens.min(request.max_new_tokens)],
                    logprobs: Vec::new(),
                    finish: if entry.finished { FinishReason::Stop } else { FinishReason::Length },
                }
            })
            .collect())
    }

    fn version(&self) -> u64 {
        self.model.version()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model::Scripted;
    use azr_model::Sampling;
    use azr_model::random::DrawKey;

    fn request(prompt: &str, sampling: Sampling, item: u64) -> GenerateRequest {
        GenerateRequest {
            prompt: prompt.into(),
            max_new_tokens: 8,
            stop: Vec::new(),
            sampling,
            key: DrawKey::new(0, 0, "test", item),
        }
    }

    #[test]
    fn what_was_made_is_not_made_again_and_a_cut_line_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/cache.jsonl");
        let requests = [
            request("a", Sampling::GREEDY, 1),
            request("b", Sampling::TEMPERATURE_1, 1),
            request("b", Sampling::TEMPERATURE_1, 2),
        ];
        let run = |identity: &str| {
            let mut model = Scripted::new(|prompt, sample| format!("{prompt}{sample}"));
            let texts: Vec<String> = {
                let mut cached = Cached::open(&mut model, identity, &path).unwrap();
                cached.generate(&requests).unwrap().into_iter().map(|completion| completion.text).collect()
            };
            (texts, model.requests)
        };
        let texts = vec!["a1".to_owned(), "b1".to_owned(), "b2".to_owned()];
        assert_eq!(run("w"), (texts.clone(), 3));
        assert_eq!(run("w"), (texts.clone(), 0));
        assert_eq!(run("other weights"), (texts.clone(), 3));
        let kept = std::fs::read(&path).unwrap();
        let first_end = kept.iter().position(|byte| *byte == b'\n').unwrap();
        std::fs::write(&path, &kept[..first_end + 20]).unwrap();
        assert_eq!(run("w"), (texts.clone(), 2));
        assert_eq!(run("w"), (texts, 0));
    }
}
