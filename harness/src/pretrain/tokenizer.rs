//! The tokenizer of `azr-tiny`: byte-level, no learned merges, and the fixed fragments of the grammar and
//! of the compact prompt profile as whole tokens.
//!
//! Letters and digits of values always stay single tokens: a model of this size learns to copy, reverse
//! and slice only when the pieces of a string do not change with their neighbours, which learned merges
//! break (docs/adr/0004). The file is an ordinary `tokenizer.json` and loads in any HF tool.

use super::world::OPERATIONS;
use anyhow::{Result, anyhow};
use std::collections::BTreeSet;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};

/// Ends every document.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// The vocabulary is padded to a multiple of this with reserved tokens.
const VOCABULARY_MULTIPLE: usize = 16;

/// Text of the prompts, the response and the statements around operations.
const SCAFFOLD: &[&str] = &[
    "Deduce the output.\n```python\n",
    "Find an input.\n```python\n",
    "Write the program.\n```input\n",
    "Propose a deduction task.\n",
    "Propose an abduction task.\n",
    "Propose inputs and a message.\n```python\n",
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "```python\n",
    "```input\n",
    "```output\n",
    "```message\n",
    "</think><answer>```output\n",
    "</think><answer>```input\n",
    "</think><answer>```python\n",
    "\n```\n",
    "\n```\n```input\n",
    "\n```\n```output\n",
    "\n```\n```message\n",
    "\n```\n<think>",
    "\n```\n</answer>",
    "def f(x):",
    "def f(x, y):",
    "def g(x):",
    "\n    return ",
    "\n    x = ",
    "\n        x = ",
    "\n    ",
    "\n        ",
    "\n    x = g(x)",
    "\n    if x > ",
    "\n    if x < ",
    "\n    if len(x) > ",
    "\n    else:",
    "\n    for i in range(",
    "\n    t = 0\n    for i in x:\n        t = ",
    "\n    x = t",
    "len(x) > ",
    "x < ",
    "t + i",
    "max(t, i)",
    "):",
    ", ",
    "', '",
    "': ",
    " -> ",
    " <- ",
    " -> True",
    " -> False",
    " no\n",
    " yes",
    "y = ",
    "True",
    "False",
    "int",
    "list",
    "str",
    "tuple",
    "dict",
    "bool",
    " and ",
    " to ",
    " step",
    " steps",
];

/// Every fragment that becomes one token, in a fixed order: scaffold first, then the grammar's.
pub fn fragments() -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let grammar = OPERATIONS.iter().flat_map(|row| template_pieces(row.template));
    for text in SCAFFOLD.iter().map(ToString::to_string).chain(grammar) {
        if text.chars().count() > 1 && seen.insert(text.clone()) {
            all.push(text);
        }
    }
    all
}

/// The parts of a template between its placeholders.
fn template_pieces(template: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        let placeholder = rest
            .get(..3)
            .is_some_and(|hole| ["{k}", "{d}", "{m}", "{t}", "{s}", "{c}", "{z}"].contains(&hole));
        if placeholder {
            pieces.push(String::new());
            rest = &rest[3..];
        } else {
            pieces.last_mut().expect("never empty").push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    pieces
}

/// Builds the tokenizer.
pub fn build() -> Result<Tokenizer> {
    let mut alphabet: Vec<char> = ByteLevel::alphabet().into_iter().collect();
    alphabet.sort_unstable();
    let vocabulary = alphabet.into_iter().zip(0_u32..).map(|(c, id)| (c.to_string(), id));
    let model = BPE::builder()
        .vocab_and_merges(vocabulary.collect::<Vocab>(), Vec::new())
        .build()
        .map_err(|error| anyhow!("cannot build the byte vocabulary: {error}"))?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, false, false)));
    tokenizer.with_decoder(Some(ByteLevel::new(false, false, false)));
    let added = |error| anyhow!("cannot add tokens: {error}");
    tokenizer.add_special_tokens(vec![AddedToken::from(END_OF_TEXT, true)]).map_err(added)?;
    let fragments = fragments().into_iter().map(|text| AddedToken::from(text, false).normalized(false));
    tokenizer.add_tokens(fragments.collect::<Vec<_>>()).map_err(added)?;
    let size = tokenizer.get_vocab_size(true);
    let reserved: Vec<AddedToken> = (size..size.next_multiple_of(VOCABULARY_MULTIPLE))
        .map(|id| AddedToken::from(format!("<|reserved_{id}|>"), true))
        .collect();
    tokenizer.add_special_tokens(reserved).map_err(added)?;
    Ok(tokenizer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_single_characters_and_text_round_trips() {
        let tokenizer = build().expect("builds");
        let text = "def f(x):\n    x = sorted(x)\n    return x.replace('a', 'x') + [12, -3]\n```\n<think>é";
        let encoded = tokenizer.encode(text, false).expect("encodes");
        assert_eq!(tokenizer.decode(encoded.get_ids(), false).expect("decodes"), text);
        let tokens = encoded.get_tokens();
        for single in ["a", "1", "2", "3"] {
            assert!(tokens.iter().any(|token| token == single), "{single} in {tokens:?}");
        }
        assert!(tokens.iter().any(|token| token == "sorted(x)"), "{tokens:?}");
        assert_eq!(tokenizer.get_vocab_size(true) % VOCABULARY_MULTIPLE, 0);
    }

    #[test]
    fn template_pieces_are_what_stands_between_placeholders() {
        assert_eq!(template_pieces("x.replace('{c}', '{z}')"), ["x.replace('", "', '", "')"]);
        assert_eq!(template_pieces("{i: x[i] + {k} for i in x}"), ["{i: x[i] + ", " for i in x}"]);
    }
}
