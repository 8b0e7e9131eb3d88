//! The presets: TOML files of this repository, embedded in the program.

use super::Config;
use super::layers::Layers;
use crate::failure::{Failure, nearest};
use crate::files;
use std::path::Path;

/// Name and text of every preset.
const PRESETS: [(&str, &str); 9] = [
    ("tiny", include_str!("../../presets/tiny.toml")),
    ("smollm2-135m", include_str!("../../presets/smollm2-135m.toml")),
    ("qwen2.5-3b-coder", include_str!("../../presets/qwen2.5-3b-coder.toml")),
    ("qwen2.5-7b", include_str!("../../presets/qwen2.5-7b.toml")),
    ("qwen2.5-7b-coder", include_str!("../../presets/qwen2.5-7b-coder.toml")),
    ("qwen2.5-14b", include_str!("../../presets/qwen2.5-14b.toml")),
    ("qwen2.5-14b-coder", include_str!("../../presets/qwen2.5-14b-coder.toml")),
    ("llama3.1-8b", include_str!("../../presets/llama3.1-8b.toml")),
    ("qwen3-4b", include_str!("../../presets/qwen3-4b.toml")),
];

/// Names of the presets, in the order of the documentation.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// Merges presets and files left to right, then the assignments, and resolves the result.
pub fn load(sources: &[String], assignments: &[String]) -> anyhow::Result<Config> {
    let mut layers = Layers::default();
    for source in sources {
        add_source(&mut layers, source)?;
    }
    for assignment in assignments {
        layers.add_assignment(assignment)?;
    }
    Config::resolve(&layers)
}

fn add_source(layers: &mut Layers, source: &str) -> anyhow::Result<()> {
    if let Some((name, text)) = PRESETS.iter().find(|(name, _)| *name == source) {
        return layers.add_toml(&format!("preset {name}"), text);
    }
    let path = Path::new(source);
    if path.is_file() {
        return layers.add_toml(source, &files::read_text(path)?);
    }
    let looks_like_file =
        source.contains('/') || path.extension().is_some_and(|extension| extension == "toml");
    Err(if looks_like_file {
        Failure::new(
            format!("no configuration file {source}"),
            "pass an existing TOML file or the name of a preset",
        )
    } else {
        let advice = match nearest(source, names()) {
            Some(name) => {
                format!("did you mean '{name}'? The presets are: {}", names().collect::<Vec<_>>().join(", "))
            }
            None => format!("the presets are: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Failure::new(format!("unknown preset '{source}'"), advice)
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_selfplay::config::{EntryName, Mode, PromptProfile, SelfPlayConfig};

    fn preset(name: &str) -> Config {
        load(&[name.to_owned()], &[]).unwrap()
    }

    #[test]
    fn every_preset_resolves() {
        for name in names() {
            let config = preset(name);
            assert_eq!(
                config.selfplay.mode,
                if ["tiny", "smollm2-135m"].contains(&name) { Mode::Clean } else { Mode::Paper },
                "{name}"
            );
        }
    }

    #[test]
    fn published_presets_differ_from_the_7b_coder_run_only_where_the_scripts_do() {
        let published = SelfPlayConfig::default();
        for name in ["qwen2.5-3b-coder", "qwen2.5-7b", "qwen2.5-7b-coder", "qwen2.5-14b", "qwen2.5-14b-coder"]
        {
            let config = preset(name).selfplay;
            let expected = SelfPlayConfig {
                run: azr_selfplay::config::RunConfig {
                    prompts: PromptProfile::Reference,
                    ..published.run.clone()
                },
                ..published.clone()
            };
            assert_eq!(config, expected, "{name}");
        }
        for (name, factor, loss_group) in [("llama3.1-8b", 1, 16), ("qwen3-4b", 4, 8)] {
            let config = preset(name).selfplay;
            assert!(!config.proposer.reject_multiple_functions, "{name}");
            assert_eq!(config.proposer.entry_name, EntryName::AnyLast, "{name}");
            assert_eq!(
                (config.seeding.seed_batch_factor, config.update.loss_group),
                (factor, loss_group),
                "{name}"
            );
        }
    }

    #[test]
    fn the_tiny_preset_fits_the_embedded_model() {
        let config = preset("tiny");
        assert_eq!(config.model.path, "azr-tiny");
        assert_eq!(config.selfplay.run.prompts, PromptProfile::Compact);
        assert_eq!((config.selfplay.proposer.n_references, config.selfplay.proposer.n_inputs), (1, 6));
        assert_eq!(config.selfplay.learnability.n_samples, 6);
        assert!((config.selfplay.execution.seconds - 0.1).abs() < 1e-12);
    }

    #[test]
    fn unknown_presets_name_the_nearest() {
        let text = crate::failure::describe(&load(&["tinyy".to_owned()], &[]).unwrap_err());
        assert!(text.contains("unknown preset 'tinyy'") && text.contains("did you mean 'tiny'?"), "{text}");
        assert!(load(&["nowhere/config.toml".to_owned()], &[]).is_err());
    }
}
