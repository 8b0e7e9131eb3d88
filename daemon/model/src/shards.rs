//! Which weights file has which tensor: one `model.safetensors`, or several with an index.
//!
//! Everything is checked on the headers, before memory is taken: a false configuration cannot ask for a huge
//! block, and each tensor that is missing, doubled or surplus is named at once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorInfo};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::error::{ModelError, Result, TensorProblem};
use crate::file;
use crate::layout::Layout;

pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";
const INDEX_FILE: &str = "model.safetensors.index.json";
/// As the safetensors crate has it.
const LONGEST_HEADER: u64 = 100_000_000;
/// The output head, which some folders have although it is the embedding.
pub(crate) const HEAD: &str = "lm_head.weight";

/// The weights files of a model.
pub(crate) struct Shards<'b> {
    /// The file that errors about the whole name.
    path: PathBuf,
    files: Vec<Shard<'b>>,
    /// Where the index says that tensors are.
    index: Option<Vec<(String, String)>>,
}

/// One weights file.
pub(crate) struct Shard<'b> {
    pub(crate) path: PathBuf,
    bytes: Option<Cow<'b, [u8]>>,
    tensors: Vec<(String, TensorInfo)>,
    size: u64,
}

impl Shard<'_> {
    /// The whole file.
    pub(crate) fn read(&self) -> Result<Cow<'_, [u8]>> {
        match &self.bytes {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => Ok(Cow::Owned(file::read(&self.path)?)),
        }
    }

    pub(crate) fn has(&self, tensor: &str) -> bool {
        self.tensors.iter().any(|(name, _)| name == tensor)
    }
}

impl<'b> Shards<'b> {
    /// One file from memory.
    pub(crate) fn of_bytes(path: PathBuf, bytes: Cow<'b, [u8]>) -> Result<Self> {
        let size = bytes.len() as u64;
        let tensors = header(&path, &bytes[..bytes.len().min(8)], size, |len| {
            Ok(bytes.get(8..8 + len).unwrap_or_default().to_vec())
        })?;
        let shard = Shard { path: path.clone(), bytes: Some(bytes), tensors, size };
        Ok(Self { path, files: vec![shard], index: None })
    }

    /// The files of a folder. A single file goes before an index, as in transformers.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self> {
        let (single, path) = (folder.join(WEIGHTS_FILE), folder.join(INDEX_FILE));
        if single.exists() || !path.exists() {
            return Ok(Self { path: single.clone(), files: vec![shard(single)?], index: None });
        }
        let size = std::fs::metadata(&path).map_err(file::failure(&path, "reading"))?.len();
        if size > LONGEST_HEADER {
            let reason = format!("an index of {size} bytes is not one");
            return Err(ModelError::Format { path, reason });
        }
        let index: Index = serde_json::from_slice(&file::read(&path)?)
            .map_err(|error| ModelError::Format { path: path.clone(), reason: error.to_string() })?;
        let index = index.weight_map.0;
        let names: BTreeSet<&str> = index.iter().map(|(_, name)| name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !is_plain(name)) {
            let reason = format!("`{name}` is not a plain file name; nothing outside the folder is read");
            return Err(ModelError::Format { path, reason });
        }
        let files = names.into_iter().map(|name| shard(folder.join(name))).collect::<Result<_>>()?;
        Ok(Self { path, files, index: Some(index) })
    }

    /// The files, after a check that they have the tensors of the layout and no others, in shape and type.
    pub(crate) fn checked(&self, layout: &Layout) -> Result<&[Shard<'b>]> {
        let problems = self.problems(layout);
        if !problems.is_empty() {
            return Err(ModelError::Tensors { path: self.path.clone(), problems });
        }
        let mut places = BTreeMap::new();
        for shard in &self.files {
            places.extend(shard.tensors.iter().map(|(name, info)| (name.as_str(), (shard, info))));
        }
        for parameter in &layout.parameters {
            let Some((shard, info)) = places.get(parameter.name.as_str()) else { continue };
            if info.shape != parameter.shape {
                return Err(ModelError::TensorShape {
                    path: shard.path.clone(),
                    tensor: parameter.name.clone(),
                    expected: parameter.shape.clone(),
                    found: info.shape.clone(),
                });
            }
            if !matches!(info.dtype, Dtype::F32 | Dtype::BF16 | Dtype::F16) {
                let reason =
                    format!("tensor `{}` is of type {:?}, not F32, BF16 or F16", parameter.name, info.dtype);
                return Err(ModelError::Format { path: shard.path.clone(), reason });
            }
        }
        let size: u64 = self.files.iter().map(|shard| shard.size).sum();
        if size / 2 < layout.len as u64 {
            let reason = format!("{size} bytes are too few for {} parameters", layout.len);
            return Err(ModelError::Format { path: self.path.clone(), reason });
        }
        Ok(&self.files)
    }

    fn problems(&self, layout: &Layout) -> Vec<TensorProblem> {
        let mut places: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
        for shard in &self.files {
            for (name, _) in &shard.tensors {
                places.entry(name).or_default().push(&shard.path);
            }
        }
        let mut listed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, file) in self.index.iter().flatten() {
            listed.entry(name).or_default().push(file);
        }
        let wanted: BTreeMap<&str, &[usize]> = layout
            .parameters
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter.shape.as_slice()))
            .collect();
        let mut problems = Vec::new();
        for parameter in &layout.parameters {
            if !places.contains_key(parameter.name.as_str()) {
                let (tensor, expected) = (parameter.name.clone(), parameter.shape.clone());
                problems.push(TensorProblem::Missing { tensor, expected });
            }
        }
        let names: BTreeSet<&str> = places.keys().chain(listed.keys()).copied().collect();
        let head_is_wanted = wanted.contains_key(HEAD);
        for name in names {
            let (files, entries) = (places.get(name), listed.get(name));
            let tensor = || name.to_owned();
            if files.is_some_and(|files| files.len() > 1) || entries.is_some_and(|entries| entries.len() > 1)
            {
                problems.push(TensorProblem::Doubled { tensor: tensor() });
            } else if !wanted.contains_key(name) {
                // Old files keep the rotary frequencies, which follow from the configuration.
                let harmless = name.ends_with(".rotary_emb.inv_freq") || (name == HEAD && !head_is_wanted);
                if !harmless {
                    problems.push(TensorProblem::Surplus { tensor: tensor() });
                }
            } else if let (Some(files), true) = (files, self.index.is_some()) {
                let in_file = files.first().and_then(|path| path.file_name());
                let in_index = entries.and_then(|entries| entries.first()).map(std::ffi::OsStr::new);
                if in_file != in_index {
                    problems.push(TensorProblem::Misplaced { tensor: tensor() });
                }
            }
        }
        problems
    }
}

fn shard(path: PathBuf) -> Result<Shard<'static>> {
    let mut file = std::fs::File::open(&path).map_err(file::failure(&path, "opening"))?;
    let size = file.metadata().map_err(file::failure(&path, "reading"))?.len();
    let mut read = |len: usize| {
        let mut bytes = Vec::new();
        (&mut file).take(len as u64).read_to_end(&mut bytes).map_err(file::failure(&path, "reading"))?;
        Ok(bytes)
    };
    let start = read(8)?;
    let tensors = header(&path, &start, size, read)?;
    Ok(Shard { path, bytes: None, tensors, size })
}

/// What the header of a file lists: `start` has its first 8 bytes, `read` gives so many more.
fn header(
    path: &Path,
    start: &[u8],
    size: u64,
    read: impl FnOnce(usize) -> Result<Vec<u8>>,
) -> Result<Vec<(String, TensorInfo)>> {
    let bad = |reason: &dyn fmt::Display| ModelError::Format {
        path: path.to_owned(),
        reason: format!("not a complete safetensors file of {size} bytes: {reason}"),
    };
    let len = <[u8; 8]>::try_from(start).map(u64::from_le_bytes).map_err(|_| bad(&"no header"))?;
    if len > LONGEST_HEADER || 8 + len > size {
        return Err(bad(&format!("a header of {len} bytes")));
    }
    let pairs: Pairs<serde_json::Value> =
        serde_json::from_slice(&read(len as usize)?).map_err(|error| bad(&error))?;
    let tensors = pairs
        .0
        .into_iter()
        .filter(|(name, _)| name != "__metadata__")
        .map(|(name, value)| Ok((name, serde_json::from_value(value).map_err(|error| bad(&error))?)))
        .collect::<Result<Vec<(String, TensorInfo)>>>()?;
    let end = tensors.iter().map(|(_, info)| info.data_offsets.1 as u64).max().unwrap_or(0);
    if end != size - 8 - len {
        return Err(bad(&format!("{} bytes of numbers, the header says {end}", size - 8 - len)));
    }
    Ok(tensors)
}

/// Whether a name is that of a file in the folder itself, on every system. Links are followed: the caches of
/// download tools consist of them.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':', '\0'])
}

/// `model.safetensors.index.json`.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: Pairs<String>,
}

/// A JSON object with its keys as they stand, doubled ones included.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Pairs<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Pairs<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}
