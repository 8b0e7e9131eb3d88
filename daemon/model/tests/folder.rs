//! Model folders: what is written is read again, and what is wrong is named.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use azr_model::{ModelError, ModelFolder, TensorProblem, WeightFormat};
use common::{letters_tokenizer, tokenizer, weights};

fn folder(tied: bool) -> (tempfile::TempDir, ModelFolder) {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFolder {
        weights: weights(tied, 21),
        tokenizer: tokenizer(80),
        generation: serde_json::from_str(r#"{"eos_token_id": [0, 3]}"#).unwrap(),
        chat: None,
    };
    model.save(folder.path(), WeightFormat::F32).unwrap();
    (folder, model)
}

#[test]
fn a_saved_model_loads_bit_for_bit() {
    for tied in [true, false] {
        let (folder, model) = folder(tied);
        let loaded = ModelFolder::load(folder.path()).unwrap();
        assert_eq!(loaded.weights.hash(), model.weights.hash());
        assert_eq!(loaded.generation, model.generation);
        assert!(loaded.tokenizer.is_eos(3) && !loaded.tokenizer.is_eos(1));
        assert_eq!(loaded.weights.config().tie_word_embeddings, tied);
    }
}

#[test]
fn bf16_is_half_the_size_and_near() {
    let (folder, model) = folder(true);
    let size = || std::fs::metadata(folder.path().join("model.safetensors")).unwrap().len();
    let full = size();
    model.save(folder.path(), WeightFormat::Bf16).unwrap();
    assert!(size() < full * 55 / 100);
    let rounded = ModelFolder::load(folder.path()).unwrap();
    let (found, expected) = (rounded.weights.tensors().unwrap(), model.weights.tensors().unwrap());
    for (name, tensor) in expected {
        let pairs = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let near = found[&name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(pairs.iter().zip(&near).all(|(a, b)| (a - b).abs() <= a.abs() / 256.0), "{name}");
    }
    rounded.save(folder.path(), WeightFormat::Bf16).unwrap();
    assert_eq!(ModelFolder::load(folder.path()).unwrap().weights.hash(), rounded.weights.hash());
}

#[test]
fn missing_and_truncated_files_are_named() {
    for file in ["config.json", "model.safetensors", "tokenizer.json", "generation_config.json"] {
        let (folder, _) = folder(true);
        let path = folder.path().join(file);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = ModelFolder::load(folder.path()).unwrap_err();
        assert!(matches!(&error, ModelError::Format { path: named, .. } if *named == path), "{error}");
        std::fs::remove_file(&path).unwrap();
        match ModelFolder::load(folder.path()) {
            Ok(_) => assert_eq!(file, "generation_config.json"),
            Err(error) => {
                assert!(matches!(&error, ModelError::File { path: named, .. } if *named == path), "{error}");
            }
        }
    }
}

#[test]
fn other_shapes_are_named() {
    let (folder, _) = folder(true);
    let path = folder.path().join("config.json");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config.replace("\"intermediate_size\": 96", "\"intermediate_size\": 95")).unwrap();
    match ModelFolder::load(folder.path()).unwrap_err() {
        ModelError::TensorShape { tensor, expected, found, .. } => {
            assert_eq!(tensor, "model.layers.0.mlp.gate_proj.weight");
            assert_eq!((expected, found), (vec![95, 48], vec![96, 48]));
        }
        error => panic!("{error}"),
    }
    std::fs::write(&path, config.replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"))
        .unwrap();
    let error = ModelFolder::load(folder.path()).unwrap_err();
    let missing = TensorProblem::Missing { tensor: "lm_head.weight".to_owned(), expected: vec![80, 48] };
    assert!(matches!(&error, ModelError::Tensors { problems, .. } if *problems == [missing]), "{error}");
    for (from, to, reason) in [
        ("\"qwen2\"", "\"gpt2\"", "model_type `gpt2` is not supported, only `llama`, `qwen2`, `qwen3`"),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 5", "not a multiple"),
        ("\"vocab_size\": 80", "\"vocab_size\": 0", "vocab_size is 0"),
        ("\"vocab_size\": 80", "\"vocab_size\": 9999999999", "vocab_size is 9999999999"),
    ] {
        assert!(config.contains(from));
        std::fs::write(&path, config.replace(from, to)).unwrap();
        let error = ModelFolder::load(folder.path()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn an_unwritable_folder_is_named() {
    let (folder, model) = folder(true);
    let blocked = folder.path().join("config.json").join("model");
    let error = model.save(&blocked, WeightFormat::F32).unwrap_err();
    assert!(error.to_string().contains("config.json"), "{error}");
}

#[test]
fn any_tokenizer_text_is_bounded() {
    let tokenizer = tokenizer(80);
    assert!(tokenizer.encode(&"x".repeat(azr_model::Tokenizer::MAX_TEXT_LEN + 1)).is_err());
    assert_eq!(tokenizer.decode(&[1, 999_999]).unwrap(), common::text(&[1]));
    assert!(azr_model::Tokenizer::from_bytes(&letters_tokenizer(9).as_bytes()[..40], &[]).is_err());
}
