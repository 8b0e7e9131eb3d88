//! Files made here are read as what they are made from; damaged and hostile ones are refused.

use super::*;
use crate::random::DrawKey;
use crate::{ModelFolder, Rope, RopeScaling};
use proptest::prelude::*;
use std::io::Cursor;

/// A small file, put together as the format says.
#[derive(Clone)]
struct Draft {
    pairs: Vec<(String, Vec<u8>)>,
    tensors: Vec<(String, Vec<usize>, u32, Vec<u8>)>,
}

fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes()[..], value.as_bytes()].concat()
}

fn typed(kind: u32, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], bytes].concat()
}

fn texts<'t>(values: impl IntoIterator<Item = &'t str>) -> Vec<u8> {
    let values: Vec<Vec<u8>> = values.into_iter().map(text).collect();
    typed(9, &[&8u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &values.concat()].concat())
}

fn ints(values: &[i32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    typed(9, &[&5u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &bytes].concat())
}

const TOKENS: &[&str] = &["<end>", "a", "b", "c", "ab", "abc", "1", "2", "Ġ", "<|tool|>", "[PAD]"];

impl Draft {
    /// A model of this family with the weights of `model`.
    fn of(model: &Weights, rope_factors: Option<Vec<f32>>) -> Self {
        let config = model.config();
        let family = config.model_type;
        let number = |value: usize| typed(4, &(value as u32).to_le_bytes());
        let real = |value: f32| typed(6, &value.to_le_bytes());
        let mut pairs = vec![
            ("general.architecture".to_owned(), typed(8, &text(family))),
            (
                "general.unused".to_owned(),
                typed(9, &[&6u32.to_le_bytes()[..], &2u64.to_le_bytes(), &[0; 8]].concat()),
            ),
            ("tokenizer.ggml.model".to_owned(), typed(8, &text("gpt2"))),
            ("tokenizer.ggml.pre".to_owned(), typed(8, &text("smollm"))),
            ("tokenizer.ggml.tokens".to_owned(), texts(TOKENS.iter().copied())),
            ("tokenizer.ggml.token_type".to_owned(), ints(&[3, 1, 1, 1, 1, 1, 1, 1, 1, 4, 5])),
            ("tokenizer.ggml.merges".to_owned(), texts(["a b", "ab c"])),
            ("tokenizer.ggml.eos_token_id".to_owned(), number(0)),
            (
                "tokenizer.chat_template".to_owned(),
                typed(8, &text("{{ messages[0].content }}{{ eos_token }}")),
            ),
        ];
        for (key, value) in [
            ("block_count", number(config.num_hidden_layers)),
            ("context_length", number(config.max_position_embeddings)),
            ("embedding_length", number(config.hidden_size)),
            ("feed_forward_length", number(config.intermediate_size)),
            ("attention.head_count", number(config.num_attention_heads)),
            ("attention.head_count_kv", number(config.num_key_value_heads)),
            ("attention.key_length", number(config.head_dim)),
            ("attention.layer_norm_rms_epsilon", real(config.rms_norm_eps as f32)),
            ("rope.freq_base", real(config.rope.theta as f32)),
        ] {
            pairs.push((format!("{family}.{key}"), value));
        }
        let mut tensors: Vec<(String, Vec<usize>, u32, Vec<u8>)> = model.snapshot().read(|flat| {
            model
                .layout()
                .parameters
                .iter()
                .map(|parameter| {
                    let mut values = flat[parameter.range.clone()].to_vec();
                    let heads = match parameter.name.rsplit('.').nth(1) {
                        Some("q_proj") => config.num_attention_heads,
                        Some("k_proj") => config.num_key_value_heads,
                        _ => 0,
                    };
                    if family == "llama" && heads > 0 {
                        halves_to_pairs(&mut values, heads, config.head_dim);
                    }
                    (gguf_name(&parameter.name), parameter.shape.clone(), 0, crate::file::to_bytes(&values))
                })
                .collect()
        });
        if let Some(factors) = rope_factors {
            tensors.push((ROPE_FACTORS.to_owned(), vec![factors.len()], 0, crate::file::to_bytes(&factors)));
        }
        Self { pairs, tensors }
    }

    fn set(&mut self, key: &str, value: Vec<u8>) {
        self.pairs.retain(|(name, _)| name != key);
        self.pairs.push((key.to_owned(), value));
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            bytes.extend(text(key));
            bytes.extend(value);
        }
        let mut data = Vec::new();
        for (name, shape, kind, packed) in &self.tensors {
            bytes.extend(text(name));
            bytes.extend((shape.len() as u32).to_le_bytes());
            for &dimension in shape.iter().rev() {
                bytes.extend((dimension as u64).to_le_bytes());
            }
            bytes.extend(kind.to_le_bytes());
            bytes.extend((data.len() as u64).to_le_bytes());
            data.extend(packed);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(data);
        bytes
    }
}

fn halves_to_pairs(values: &mut [f32], heads: usize, width: usize) {
    let row = values.len() / (heads * width);
    for head in values.chunks_exact_mut(width * row) {
        let source = head.to_vec();
        for i in 0..width {
            let from = (i % 2) * width / 2 + i / 2;
            head[i * row..(i + 1) * row].copy_from_slice(&source[from * row..(from + 1) * row]);
        }
    }
}

fn parse(bytes: &[u8]) -> Result<ModelFolder> {
    read(Path::new("test.gguf"), &mut Cursor::new(bytes), bytes.len() as u64, Keep::Packed)
}

fn weights(family: &str, tied: bool) -> Arc<Weights> {
    let config = json!({
        "model_type": family, "vocab_size": 11, "hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2,
        "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 4, "max_position_embeddings": 64,
        "tie_word_embeddings": tied, "rms_norm_eps": 1e-5, "rope_theta": 500_000_000.0, "eos_token_id": 0,
    });
    let config = ModelConfig::from_json(&config.to_string()).unwrap();
    Weights::init(config, &DrawKey::new(5, 0, "test", 0)).unwrap()
}

#[test]
fn every_family_is_read_as_it_was_written() {
    for (family, tied) in [("llama", true), ("llama", false), ("qwen2", true), ("qwen3", false)] {
        let model = weights(family, tied);
        let read = parse(&Draft::of(&model, None).bytes()).unwrap();
        assert_eq!(read.weights.config(), model.config(), "{family}");
        assert_eq!(read.weights.hash(), model.hash(), "{family}");
        // Digits stand apart, control tokens are known, a word is one token where merges lead there.
        assert_eq!(read.tokenizer.encode("abc12 b<|tool|><end>").unwrap(), [5, 6, 7, 8, 2, 9, 0]);
        assert!(read.tokenizer.is_eos(0) && read.tokenizer.token_id("[PAD]").is_none());
        let chat = read.chat.as_ref().unwrap();
        let messages = [crate::ChatMessage { role: "user".to_owned(), content: "hi".to_owned() }];
        assert_eq!(chat.render(&messages, true, None).unwrap(), "hi<end>");
        let folder = tempfile::tempdir().unwrap();
        read.save(folder.path(), crate::WeightFormat::F32).unwrap();
        let again = ModelFolder::load(folder.path()).unwrap();
        assert_eq!((again.weights.hash(), &again.chat), (model.hash(), &read.chat));
        assert_eq!(again.tokenizer.encode("abc a").unwrap(), read.tokenizer.encode("abc a").unwrap());
    }
}

#[test]
fn the_scaling_of_llama_3_is_found_from_its_factors() {
    let model = weights("llama", true);
    let scaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_context: 8192,
    };
    let frequencies = |scaling| Rope { theta: 500_000_000.0, scaling }.frequencies(4);
    let plain = frequencies(RopeScaling::None);
    let factors: Vec<f32> = plain.iter().zip(frequencies(scaling)).map(|(a, b)| a / b).collect();
    let read = parse(&Draft::of(&model, Some(factors)).bytes()).unwrap();
    assert_eq!(read.weights.config().rope.scaling, scaling);
    let error = parse(&Draft::of(&model, Some(vec![2.0, 3.0])).bytes()).unwrap_err();
    assert!(error.to_string().contains("other factors"), "{error}");
}

type Change = Box<dyn Fn(&mut Draft)>;

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let draft = Draft::of(&weights("qwen2", true), None);
    let count = |value: u64| typed(9, &[&8u32.to_le_bytes()[..], &value.to_le_bytes()].concat());
    let set = |key: &'static str, value: Vec<u8>| -> Change {
        Box::new(move |draft| draft.set(key, value.clone()))
    };
    let changes: Vec<(Change, &str)> = vec![
        (set("general.architecture", typed(8, &text("mamba"))), "model_type `mamba`"),
        (set("general.architecture", typed(4, &[0; 4])), "general.architecture is missing"),
        (set("tokenizer.ggml.model", typed(8, &text("llama"))), "kind `llama`"),
        (set("tokenizer.ggml.pre", typed(8, &text("other"))), "pre `other`"),
        (set("tokenizer.ggml.merges", texts(["ab"])), "no pair"),
        (set("tokenizer.ggml.tokens", texts(["a", "a"])), "token_type"),
        (set("tokenizer.ggml.tokens", texts([""; 11])), "there twice"),
        (set("tokenizer.ggml.tokens", count(u64::MAX)), "values in"),
        (set("tokenizer.ggml.tokens", count(1 << 40)), "values in"),
        (set("general.alignment", typed(4, &3u32.to_le_bytes())), "power of two"),
        (set("x", typed(77, &[])), "unknown type 77"),
        (set("x", typed(8, &u64::MAX.to_le_bytes())), "are allowed"),
        (set("qwen2.block_count", typed(4, &900u32.to_le_bytes())), "missing"),
        (set("qwen2.expert_count", typed(4, &4u32.to_le_bytes())), "experts"),
        (set("qwen2.rope.scaling.type", typed(8, &text("yarn"))), "yarn"),
        (set("qwen2.rope.dimension_count", typed(4, &2u32.to_le_bytes())), "dimension_count"),
        (Box::new(|draft| draft.tensors[3].1 = vec![7, 12]), "shape"),
        (Box::new(|draft| draft.tensors[3].2 = 19), "ggml type 19"),
        (Box::new(|draft| draft.tensors[3].2 = 3), "cannot be Q4_1"),
        (
            Box::new(|draft| draft.tensors[3].0 = "blk.0.else".to_owned()),
            "`blk.0.else` is none of this model",
        ),
        (Box::new(|draft| draft.tensors[3].3[..4].copy_from_slice(&f32::NAN.to_le_bytes())), "not finite"),
        (Box::new(|draft| draft.tensors[3].1 = vec![usize::MAX, 2, 2]), "cannot be F32"),
        (Box::new(|draft| draft.tensors.push(draft.tensors[0].clone())), "there twice"),
    ];
    for (change, reason) in changes {
        let mut draft = draft.clone();
        change(&mut draft);
        let error = parse(&draft.bytes()).unwrap_err().to_string();
        assert!(error.starts_with("test.gguf: ") && error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let bytes = Draft::of(&weights("qwen3", true), None).bytes();
    for len in (0..bytes.len()).step_by(61).chain(bytes.len() - 70..bytes.len() - 32) {
        assert!(parse(&bytes[..len]).is_err(), "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any answer will do but a panic or a huge allocation.
    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        head in any::<bool>(),
    ) {
        let mut bytes = Draft::of(&weights("llama", true), None).bytes();
        // Most of the file is numbers; what matters is before them.
        let end = if head { 1_500.min(bytes.len()) } else { bytes.len() };
        for (place, byte) in changes {
            let place = place.index(end);
            bytes[place] = byte;
        }
        let _ = parse(&bytes);
    }

    #[test]
    fn noise_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..400), marked in any::<bool>()) {
        if marked && bytes.len() >= 24 {
            bytes[..8].copy_from_slice(&[b'G', b'G', b'U', b'F', 3, 0, 0, 0]);
            bytes[9..16].fill(0);
            bytes[17..24].fill(0);
        }
        prop_assert!(parse(&bytes).is_err());
    }
}
