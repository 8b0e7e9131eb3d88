//! Weights in several files with an index: what is missing, doubled, surplus or elsewhere is named, and nothing
//! outside the folder is read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use azr_model::{ModelError, ModelFolder, TensorProblem, WeightFormat};
use common::{tokenizer, weights};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

const INDEX: &str = "model.safetensors.index.json";
const NORM: &str = "model.norm.weight";
const EMBEDDING: &str = "model.embed_tokens.weight";

/// Tensors by file and name.
type Files = BTreeMap<String, BTreeMap<String, (Vec<usize>, Vec<u8>)>>;

/// A model in three files.
struct Sharded {
    folder: tempfile::TempDir,
    files: Files,
    model: ModelFolder,
}

fn name(file: usize) -> String {
    format!("model-{:05}-of-00003.safetensors", file + 1)
}

impl Sharded {
    fn new(tied: bool) -> Self {
        let model = ModelFolder {
            weights: weights(tied, 21),
            tokenizer: tokenizer(80),
            generation: serde_json::from_str("{}").unwrap(),
            chat: None,
        };
        let folder = tempfile::tempdir().unwrap();
        model.save(folder.path(), WeightFormat::F32).unwrap();
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let mut files = Files::new();
        for (index, (tensor, values)) in model.weights.tensors().unwrap().into_iter().enumerate() {
            let numbers: Vec<f32> = values.flatten_all().unwrap().to_vec1().unwrap();
            let data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            files.entry(name(index % 3)).or_default().insert(tensor, (values.dims().to_vec(), data));
        }
        Self { folder, files, model }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The file that has a tensor.
    fn place(&self, tensor: &str) -> String {
        self.files.iter().find(|(_, tensors)| tensors.contains_key(tensor)).unwrap().0.clone()
    }

    fn index(&self) -> BTreeMap<String, String> {
        let pairs = |(file, tensors): (&String, &BTreeMap<String, _>)| {
            tensors.keys().map(|tensor| (tensor.clone(), file.clone())).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(pairs).collect()
    }

    fn write_files(&self) {
        for (file, tensors) in &self.files {
            let views = tensors.iter().map(|(name, (shape, data))| {
                (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
            });
            let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
            let bytes = safetensors::serialize(views, Some(metadata)).unwrap();
            std::fs::write(self.path().join(file), bytes).unwrap();
        }
    }

    fn load(&self, index: &BTreeMap<String, String>) -> Result<ModelFolder, ModelError> {
        self.write_files();
        let text = json!({"metadata": {"total_size": 1}, "weight_map": index}).to_string();
        std::fs::write(self.path().join(INDEX), text).unwrap();
        ModelFolder::load(self.path())
    }

    fn problems(&self, index: &BTreeMap<String, String>) -> Vec<TensorProblem> {
        match self.load(index).unwrap_err() {
            ModelError::Tensors { path, problems } => {
                assert_eq!(path, self.path().join(INDEX));
                problems
            }
            error => panic!("{error}"),
        }
    }
}

#[test]
fn several_files_load_like_one() {
    for tied in [true, false] {
        let sharded = Sharded::new(tied);
        let loaded = sharded.load(&sharded.index()).unwrap();
        assert_eq!(loaded.weights.hash(), sharded.model.weights.hash());
        // Files that the index does not name are not looked at; a single file goes before the index.
        std::fs::write(sharded.path().join("model-00009-of-00003.safetensors"), b"other").unwrap();
        ModelFolder::load(sharded.path()).unwrap();
        std::fs::write(sharded.path().join(INDEX), b"{").unwrap();
        assert!(ModelFolder::load(sharded.path()).unwrap_err().to_string().contains(INDEX));
        sharded.model.save(sharded.path(), WeightFormat::F32).unwrap();
        ModelFolder::load(sharded.path()).unwrap();
    }
}

#[test]
fn missing_doubled_surplus_and_misplaced_tensors_are_named() {
    let mut sharded = Sharded::new(true);
    let whole = sharded.files.clone();
    let index = sharded.index();
    let (place, other) = (sharded.place(NORM), sharded.place(EMBEDDING));
    assert_ne!(place, other);
    let norm = whole[&place][NORM].clone();
    let tensor = || NORM.to_owned();
    let missing = || TensorProblem::Missing { tensor: tensor(), expected: vec![48] };

    sharded.files.get_mut(&place).unwrap().remove(NORM);
    assert_eq!(sharded.problems(&index), [missing()]);
    assert_eq!(sharded.problems(&sharded.index()), [missing()]);

    sharded.files.get_mut(&other).unwrap().insert(tensor(), norm.clone());
    assert_eq!(sharded.problems(&index), [TensorProblem::Misplaced { tensor: tensor() }]);
    sharded.files.get_mut(&place).unwrap().insert(tensor(), norm.clone());
    assert_eq!(sharded.problems(&index), [TensorProblem::Doubled { tensor: tensor() }]);

    sharded.files = whole;
    let surplus = ["model.layers.0.self_attn.o_proj.bias", "model.layers.2.mlp.up_proj.weight"];
    for tensor in surplus {
        sharded.files.get_mut(&other).unwrap().insert(tensor.to_owned(), norm.clone());
    }
    let expected = surplus.map(|tensor| TensorProblem::Surplus { tensor: tensor.to_owned() });
    assert_eq!(sharded.problems(&index), expected);
    let message = sharded.load(&index).unwrap_err().to_string();
    assert!(surplus.iter().all(|tensor| message.contains(tensor)), "{message}");
}

#[test]
fn a_tensor_twice_in_the_index_is_named() {
    let sharded = Sharded::new(true);
    sharded.load(&sharded.index()).unwrap();
    let path = sharded.path().join(INDEX);
    let text = std::fs::read_to_string(&path).unwrap();
    let entry = format!("\"{NORM}\":");
    let doubled = text.replace(&entry, &format!("{entry}\"{}\",{entry}", name(0)));
    assert_ne!(text, doubled);
    std::fs::write(&path, doubled).unwrap();
    let error = ModelFolder::load(sharded.path()).unwrap_err().to_string();
    assert!(error.contains("`model.norm.weight` is there more than once"), "{error}");
}

#[test]
fn harmless_extras_are_left_out() {
    let mut sharded = Sharded::new(true);
    let embedding = sharded.files[&sharded.place(EMBEDDING)][EMBEDDING].clone();
    let first = sharded.files.get_mut(&name(0)).unwrap();
    first.insert("model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(), (vec![1], vec![0; 4]));
    first.insert("lm_head.weight".to_owned(), embedding);
    let loaded = sharded.load(&sharded.index()).unwrap();
    assert_eq!(loaded.weights.hash(), sharded.model.weights.hash());
    sharded.files.get_mut(&name(0)).unwrap().get_mut("lm_head.weight").unwrap().1[2] ^= 1;
    let error = sharded.load(&sharded.index()).unwrap_err().to_string();
    assert!(error.contains("`lm_head.weight` differs from the embedding"), "{error}");
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let sharded = Sharded::new(true);
    sharded.write_files();
    let outside = tempfile::tempdir().unwrap();
    let copy = outside.path().join("copy.safetensors");
    std::fs::copy(sharded.path().join(name(0)), &copy).unwrap();
    let absolute = copy.to_str().unwrap().to_owned();
    for bad in [&absolute, "../copy.safetensors", "sub/model.safetensors", "..", ".", "", "C:copy", "a\\b"] {
        let mut index = sharded.index();
        for file in index.values_mut().filter(|file| **file == name(0)) {
            bad.clone_into(file);
        }
        let error = sharded.load(&index).unwrap_err().to_string();
        assert!(error.contains("is not a plain file name"), "{bad}: {error}");
    }
}

#[test]
fn absent_and_damaged_files_are_named() {
    let sharded = Sharded::new(false);
    let index = sharded.index();
    sharded.load(&index).unwrap();
    let path = sharded.path().join(name(1));
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = ModelFolder::load(sharded.path()).unwrap_err();
        assert!(matches!(&error, ModelError::Format { path: named, .. } if *named == path), "{cut}: {error}");
    }
    let huge = [&u64::MAX.to_le_bytes(), &whole[8..]].concat();
    std::fs::write(&path, huge).unwrap();
    assert!(matches!(ModelFolder::load(sharded.path()), Err(ModelError::Format { .. })));
    std::fs::remove_file(&path).unwrap();
    let error = ModelFolder::load(sharded.path()).unwrap_err();
    assert!(matches!(&error, ModelError::File { path: named, .. } if *named == path), "{error}");
}

/// A header may claim any shape: no memory is taken for it.
#[test]
fn a_header_that_claims_more_than_the_file_has_is_refused() {
    let sharded = Sharded::new(true);
    sharded.load(&sharded.index()).unwrap();
    let config = sharded.path().join("config.json");
    let text =
        std::fs::read_to_string(&config).unwrap().replace("\"vocab_size\": 80", "\"vocab_size\": 1000000");
    std::fs::write(&config, text).unwrap();
    let path = sharded.path().join(sharded.place(EMBEDDING));
    let file = std::fs::read(&path).unwrap();
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&file[8..8 + len]).unwrap();
    header[EMBEDDING]["shape"] = json!([1_000_000, 48]);
    let header = header.to_string();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &file[8 + len..]].concat();
    std::fs::write(&path, file).unwrap();
    let error = ModelFolder::load(sharded.path()).unwrap_err().to_string();
    assert!(error.contains("too few"), "{error}");
}
