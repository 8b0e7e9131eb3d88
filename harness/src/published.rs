//! Shapes of the published models that presets name, to tell what fits before anything is fetched.

use crate::models;
use azr_model::ModelConfig;

/// Preset, name on the hub, family, hidden, inner, layers, query heads, key-value heads, head width, vocabulary, tied head.
type Row = (&'static str, &'static str, &'static str, usize, usize, usize, usize, usize, usize, usize, bool);

const ROWS: &[Row] = &[
    ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct", "llama", 576, 1_536, 30, 9, 3, 64, 49_152, true),
    ("qwen2.5-3b-coder", "Qwen/Qwen2.5-Coder-3B", "qwen2", 2_048, 11_008, 36, 16, 2, 128, 151_936, true),
    ("qwen3-4b", "Qwen/Qwen3-4B-Base", "qwen3", 2_560, 9_728, 36, 32, 8, 128, 151_936, true),
    ("qwen2.5-7b", "Qwen/Qwen2.5-7B", "qwen2", 3_584, 18_944, 28, 28, 4, 128, 152_064, false),
    ("qwen2.5-7b-coder", "Qwen/Qwen2.5-Coder-7B", "qwen2", 3_584, 18_944, 28, 28, 4, 128, 152_064, false),
    ("llama3.1-8b", "meta-llama/Llama-3.1-8B", "llama", 4_096, 14_336, 32, 32, 8, 128, 128_256, false),
    ("qwen2.5-14b", "Qwen/Qwen2.5-14B", "qwen2", 5_120, 13_824, 48, 40, 8, 128, 152_064, false),
    ("qwen2.5-14b-coder", "Qwen/Qwen2.5-Coder-14B", "qwen2", 5_120, 13_824, 48, 40, 8, 128, 152_064, false),
];

/// Presets and the shapes of their models, small ones first.
pub fn shapes() -> Vec<(&'static str, ModelConfig)> {
    ROWS.iter().filter_map(|row| Some((row.0, config(row)?))).collect()
}

/// The shape of a named model: published, or of a model that is here.
pub fn shape(name: &str) -> anyhow::Result<ModelConfig> {
    if let Some(config) = ROWS.iter().find(|row| row.1 == name).and_then(config) {
        return Ok(config);
    }
    Ok(models::load(name)?.folder.weights.config().clone())
}

fn config(row: &Row) -> Option<ModelConfig> {
    let &(_, _, family, hidden, inner, layers, heads, key_value, width, vocabulary, tied) = row;
    let file = serde_json::json!({
        "model_type": family, "vocab_size": vocabulary, "hidden_size": hidden, "intermediate_size": inner,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": key_value,
        "head_dim": width, "max_position_embeddings": 8192, "tie_word_embeddings": tied,
    });
    ModelConfig::from_json(&file.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Needs;

    #[test]
    fn shapes_have_the_published_number_of_parameters() {
        for (name, published) in [
            ("smollm2-135m", 134_515_008u64),
            ("qwen2.5-3b-coder", 3_085_938_688),
            ("qwen3-4b", 4_022_468_096),
            ("qwen2.5-7b", 7_615_616_512),
            ("llama3.1-8b", 8_030_261_248),
            ("qwen2.5-14b", 14_770_033_664),
        ] {
            let (_, config) = shapes().into_iter().find(|(found, _)| *found == name).expect(name);
            assert_eq!(Needs::of(&config).parameters, published, "{name}");
        }
    }

    #[test]
    fn every_preset_has_a_shape() {
        let presets = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/presets")).unwrap();
        let presets =
            presets.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
        for preset in presets.filter(|preset| preset != "tiny") {
            let config = crate::config::presets::load(std::slice::from_ref(&preset), &[]).unwrap();
            assert!(ROWS.iter().any(|row| row.0 == preset && row.1 == config.model.path), "{preset}");
        }
    }
}
