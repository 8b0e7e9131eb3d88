//! Shapes of the published models that presets name, to tell what fits before anything is fetched.

use azr_model::ModelConfig;

/// Preset, family, hidden, inner, layers, query heads, key-value heads, head width, vocabulary, tied head.
type Row = (&'static str, &'static str, usize, usize, usize, usize, usize, usize, usize, bool);

const ROWS: &[Row] = &[
    ("smollm2-135m", "llama", 576, 1_536, 30, 9, 3, 64, 49_152, true),
    ("qwen2.5-3b-coder", "qwen2", 2_048, 11_008, 36, 16, 2, 128, 151_936, true),
    ("qwen3-4b", "qwen3", 2_560, 9_728, 36, 32, 8, 128, 151_936, true),
    ("qwen2.5-7b", "qwen2", 3_584, 18_944, 28, 28, 4, 128, 152_064, false),
    ("qwen2.5-7b-coder", "qwen2", 3_584, 18_944, 28, 28, 4, 128, 152_064, false),
    ("llama3.1-8b", "llama", 4_096, 14_336, 32, 32, 8, 128, 128_256, false),
    ("qwen2.5-14b", "qwen2", 5_120, 13_824, 48, 40, 8, 128, 152_064, false),
    ("qwen2.5-14b-coder", "qwen2", 5_120, 13_824, 48, 40, 8, 128, 152_064, false),
];

/// Presets and the shapes of their models, small ones first.
pub fn shapes() -> Vec<(&'static str, ModelConfig)> {
    ROWS.iter()
        .filter_map(|&(preset, family, hidden, inner, layers, heads, key_value, width, vocabulary, tied)| {
            let file = serde_json::json!({
                "model_type": family, "vocab_size": vocabulary, "hidden_size": hidden, "intermediate_size": inner,
                "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": key_value,
                "head_dim": width, "max_position_embeddings": 8192, "tie_word_embeddings": tied,
            });
            Some((preset, ModelConfig::from_json(&file.to_string()).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Needs;

    #[test]
    fn shapes_have_the_published_number_of_parameters() {
        let found: Vec<(&str, u64)> =
            shapes().iter().map(|(name, config)| (*name, Needs::of(config).weights / 4)).collect();
        // Without the biases, which are thousands among billions.
        for (name, published) in [
            ("smollm2-135m", 134_515_008u64),
            ("qwen2.5-3b-coder", 3_085_938_688),
            ("qwen3-4b", 4_022_468_096),
            ("qwen2.5-7b", 7_615_616_512),
            ("llama3.1-8b", 8_030_261_248),
            ("qwen2.5-14b", 14_770_033_664),
        ] {
            let (_, count) = found.iter().find(|(found, _)| *found == name).expect(name);
            assert!(count.abs_diff(published) < published / 10_000 + 1, "{name}: {count} {published}");
        }
    }

    #[test]
    fn every_preset_has_a_shape() {
        let presets = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/presets")).unwrap();
        let presets =
            presets.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
        for preset in presets.filter(|preset| preset != "tiny") {
            assert!(ROWS.iter().any(|row| row.0 == preset), "{preset}");
        }
    }
}
