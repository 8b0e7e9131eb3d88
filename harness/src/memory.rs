//! How much memory a model takes for what, and what fits on this machine.

use crate::failure::Failure;
use azr_model::ModelConfig;

/// Bytes of a 32-bit number.
const NUMBER: u64 = 4;
/// Share of the free memory that a cache of keys and values may take.
const CACHE_SHARE: u64 = 2;

/// What a model takes, in bytes, all in 32-bit numbers as on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Number of parameters.
    pub parameters: u64,
    /// Number of those that multiply every token: the rows of the embedding do not, the output head does.
    pub active: u64,
    /// Parameters.
    pub weights: u64,
    /// Gradient and the optimizer's two moments, on top of the weights.
    pub training: u64,
    /// Keys and values of one token.
    pub cache_per_token: u64,
    /// Activations of one token in a training step.
    pub activations_per_token: u64,
}

impl Needs {
    /// Of a model.
    pub fn of(config: &ModelConfig) -> Self {
        let (hidden, inner) = (config.hidden_size as u64, config.intermediate_size as u64);
        let qkv = config.qkv_width() as u64;
        let attended = (config.num_attention_heads * config.head_dim) as u64;
        let layers = config.num_hidden_layers as u64;
        let bias = if config.qkv_bias { qkv } else { 0 };
        let head_norms = if config.query_key_norm { 2 * config.head_dim as u64 } else { 0 };
        let layer = hidden * qkv + bias + head_norms + attended * hidden + 3 * hidden * inner + 2 * hidden;
        let embedding = config.vocab_size as u64 * hidden;
        let active = layers * layer + embedding + hidden;
        let parameters = active + if config.tie_word_embeddings { 0 } else { embedding };
        Self {
            parameters,
            active,
            weights: NUMBER * parameters,
            // The chunk in work has a gradient of its own.
            training: NUMBER * parameters * 4,
            cache_per_token: NUMBER * layers * 2 * (config.num_key_value_heads * config.head_dim) as u64,
            activations_per_token: NUMBER * layers * (2 * hidden + qkv + attended + 2 * inner),
        }
    }

    /// Tokens whose keys and values fit beside the weights.
    pub fn cached_tokens(&self, memory: u64) -> u64 {
        memory.saturating_sub(self.weights) / self.cache_per_token.max(1)
    }

    /// Tokens of a training step's chunk that fit; `None` where training does not fit at all.
    pub fn trained_tokens(&self, memory: u64) -> Option<u64> {
        let left = memory.checked_sub(self.weights + self.training)?;
        Some(left / self.activations_per_token.max(1))
    }
}

/// Bytes of memory that are free for use, by what the system says.
pub fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = free.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    Some(limit_of_group().map_or(free, |limit| limit.min(free)))
}

/// What a control group leaves (a container's limit), where there is one.
fn limit_of_group() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max")?;
    Some(limit.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)))
}

/// Completions at the same time, at most `wanted`, whose caches fit in the memory that is free now.
pub fn slots(config: &ModelConfig, longest: usize, wanted: usize) -> anyhow::Result<usize> {
    let Some(free) = available() else { return Ok(wanted) };
    let one = Needs::of(config).cache_per_token * longest as u64;
    let fitting = free / CACHE_SHARE / one.max(1);
    if fitting == 0 {
        let what = format!(
            "not enough memory: keys and values of {longest} tokens take {} MiB, {} MiB are free",
            one >> 20,
            free >> 20
        );
        return Err(Failure::new(what, "ask for fewer new tokens, or shorten the prompts").into());
    }
    Ok(wanted.min(usize::try_from(fitting).unwrap_or(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_of_a_published_model() {
        let config = ModelConfig::from_json(
            r#"{"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
            "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
            "max_position_embeddings": 8192, "tie_word_embeddings": true}"#,
        )
        .unwrap();
        let needs = Needs::of(&config);
        assert_eq!((needs.parameters, needs.active), (134_515_008, 134_515_008));
        assert_eq!(needs.cache_per_token, 46_080);
        assert_eq!(needs.trained_tokens(needs.weights), None);
        assert!(needs.cached_tokens(8 << 30) > 100_000);
    }

    #[test]
    fn a_batch_shrinks_to_the_memory() {
        let config = crate::models::load(crate::models::EMBEDDED).unwrap();
        let config = config.folder.weights.config();
        assert_eq!(slots(config, 100, 3).unwrap(), 3);
        if available().is_some() {
            assert!(slots(config, usize::MAX >> 24, 3).is_err());
        }
    }
}
