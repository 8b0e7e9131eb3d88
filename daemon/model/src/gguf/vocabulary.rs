//! The tokenizer in the metadata of a GGUF file as a `tokenizer.json`.
//!
//! The file has tokens, their kinds and merges; how texts are cut before that is only named (`tokenizer.ggml.pre`).
//! The patterns for the names are those of the original tokenizers.

use serde_json::{Map, Value as Json, json};

use super::description::Metadata;
use super::header::{Result, Value};

/// Kinds of tokens.
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// How the original tokenizer cuts a text.
struct Cutting {
    /// Names in `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// Normalizes to NFC.
    nfc: bool,
    /// Each digit apart, before the byte-level pattern of GPT-2.
    digits: bool,
    /// A pattern instead of that of GPT-2.
    pattern: Option<&'static str>,
    /// A word that is a token is not built by merges.
    ignore_merges: bool,
}

const CUTTINGS: &[Cutting] = &[
    Cutting { names: &["default", "gpt-2"], nfc: false, digits: false, pattern: None, ignore_merges: false },
    Cutting {
        names: &["smollm", "starcoder", "refact", "codeshell"],
        nfc: false,
        digits: true,
        pattern: None,
        ignore_merges: false,
    },
    Cutting {
        names: &["qwen2", "deepseek-r1-qwen"],
        nfc: true,
        digits: false,
        pattern: Some(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ),
        ignore_merges: false,
    },
    Cutting {
        names: &["llama-bpe", "llama3", "llama-v3"],
        nfc: false,
        digits: false,
        pattern: Some(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ),
        ignore_merges: true,
    },
];

/// A tokenizer.
pub(super) struct Vocabulary {
    /// The text of its `tokenizer.json`.
    pub(super) tokenizer: String,
    /// What a `tokenizer_config.json` says.
    pub(super) settings: Map<String, Json>,
}

/// Makes it from the metadata.
pub(super) fn read(metadata: &Metadata<'_>) -> Result<Vocabulary> {
    match metadata.text("tokenizer.ggml.model") {
        Some("gpt2") => {}
        Some(other) => {
            return Err(format!(
                "a tokenizer of kind `{other}` is not supported, only `gpt2` (byte-level merges)"
            ));
        }
        None => return Err("tokenizer.ggml.model is missing: the file has no tokenizer".to_owned()),
    }
    let pre = metadata.text("tokenizer.ggml.pre").unwrap_or("default");
    let cutting = CUTTINGS.iter().find(|cutting| cutting.names.contains(&pre)).ok_or_else(|| {
        let known: Vec<&str> = CUTTINGS.iter().flat_map(|cutting| cutting.names).copied().collect();
        format!("tokenizer.ggml.pre `{pre}` is not supported, only {}", known.join(", "))
    })?;
    let Some(Value::Texts(tokens)) = metadata.get("tokenizer.ggml.tokens") else {
        return Err("tokenizer.ggml.tokens is missing".to_owned());
    };
    let kinds = match metadata.get("tokenizer.ggml.token_type") {
        Some(Value::Numbers(kinds)) if kinds.len() == tokens.len() => kinds.as_slice(),
        None => &[],
        Some(_) => return Err("tokenizer.ggml.token_type has not one kind a token".to_owned()),
    };
    let kind = |index: usize| kinds.get(index).copied().unwrap_or(1);
    let mut vocabulary = Map::new();
    let mut added = Vec::new();
    for (index, token) in tokens.iter().enumerate().filter(|(index, _)| kind(*index) != UNUSED) {
        if vocabulary.insert(token.to_string(), json!(index)).is_some() {
            return Err(format!("the token {token:?} is there twice"));
        }
        if matches!(kind(index), CONTROL | USER_DEFINED) {
            added.push(json!({
                "id": index, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": kind(index) == CONTROL,
            }));
        }
    }
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": cutting.pattern.is_none(),
    });
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": if cutting.nfc { json!({"type": "NFC"}) } else { Json::Null },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps(cutting, byte_level)},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": cutting.ignore_merges, "vocab": vocabulary, "merges": merges(metadata)?,
        },
    });
    Ok(Vocabulary { tokenizer: tokenizer.to_string(), settings: settings(metadata, tokens) })
}

fn steps(cutting: &Cutting, byte_level: Json) -> Vec<Json> {
    let mut steps = Vec::new();
    if cutting.digits {
        steps.push(json!({"type": "Digits", "individual_digits": true}));
    }
    if let Some(pattern) = cutting.pattern {
        steps.push(
            json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false}),
        );
    }
    steps.push(byte_level);
    steps
}

fn merges(metadata: &Metadata<'_>) -> Result<Vec<Json>> {
    let Some(Value::Texts(merges)) = metadata.get("tokenizer.ggml.merges") else {
        return Err("tokenizer.ggml.merges is missing".to_owned());
    };
    let pair = |merge: &str| match merge.split_once(' ') {
        Some((first, second)) if !first.is_empty() && !second.is_empty() => Ok(json!([first, second])),
        _ => Err(format!("the merge {merge:?} is no pair of tokens")),
    };
    merges.iter().map(|merge| pair(merge)).collect()
}

fn settings(metadata: &Metadata<'_>, tokens: &[Box<str>]) -> Map<String, Json> {
    let mut settings = Map::new();
    settings.insert("tokenizer_class".to_owned(), json!("PreTrainedTokenizerFast"));
    settings.insert("clean_up_tokenization_spaces".to_owned(), json!(false));
    for (name, key) in
        [("bos", "bos_token"), ("eos", "eos_token"), ("padding", "pad_token"), ("unknown", "unk_token")]
    {
        if let Some(token) = metadata.token(name).and_then(|id| tokens.get(id as usize)) {
            settings.insert(key.to_owned(), json!(token));
        }
    }
    settings
}
