//! The allowed values of the numbers that are not the method's: flags of the command line, the table `evaluation`,
//! the recipe of `azr pretrain`. The method's own stand in `azr_selfplay::config::ranges`, which also does the check.

use crate::failure::Failure;
use azr_selfplay::config::ranges::{Given, Range};

/// Items of a suite.
pub const ITEMS: Range = Range::whole(1, 1_000_000);
/// Samples of an item.
pub const SAMPLES: Range = Range::whole(1, 1_000);
const STEPS: Range = Range::whole(1, 10_000_000);
const MANY: Range = Range::whole(0, 10_000_000);
const SIZE: Range = Range::whole(1, 65_536);
const PERCENT: Range = Range::whole(0, 100);
const WEIGHT: Range = Range::real(0.0, 1.0);

/// The table `evaluation`.
pub const EVALUATION: &[(&str, Range)] =
    &[("evaluation.limit", ITEMS), ("evaluation.n_samples", SAMPLES), ("evaluation.subset", ITEMS)];

/// The recipe of `azr pretrain`.
pub const RECIPE: &[(&str, Range)] = &[
    ("seed", Range::whole(0, 1_000_000_000_000_000_000)),
    ("steps", STEPS),
    ("documents_per_step", SIZE),
    ("hidden_size", SIZE),
    ("intermediate_size", Range::whole(1, 262_144)),
    ("layers", Range::whole(1, 1_024)),
    ("heads", Range::whole(1, 1_024)),
    ("kv_heads", Range::whole(1, 1_024)),
    ("context", Range::whole(16, 1_000_000)),
    ("learning_rate", Range::above(0.0, 1.0)),
    ("muon_factor", Range::above(0.0, 1_000.0)),
    ("warmup_steps", MANY),
    ("decay_steps", STEPS),
    ("cooldown_from", MANY),
    ("cooldown_factor", Range::above(0.0, 10.0)),
    ("final_share", WEIGHT),
    ("short_program_steps", MANY),
    ("think_early", PERCENT),
    ("think", PERCENT),
    ("prompt_weight", WEIGHT),
    ("proposal_weight", WEIGHT),
];

/// Flags of `azr eval`: items and samples (also in the table `evaluation`), temperature, tokens of a response.
pub const TEMPERATURE: Range = Range::real(0.01, 10.0).or_zero("greedy");
/// See [`TEMPERATURE`].
pub const NEW_TOKENS: Range = Range::whole(1, 1_000_000);
/// Nominal or real seconds of a flag of `azr sandbox`.
pub const SECONDS: Range = Range::above(0.0, 3_600.0);
/// Seconds after which an evaluation stops.
pub const EVALUATION_SECONDS: Range = Range::above(0.0, 10_000_000.0);
/// Memory of a program in MiB.
pub const MEBIBYTES: Range = Range::whole(32, 4_096);
/// Programs of a long series.
pub const PROGRAMS: Range = MANY;

/// Refuses a number given on the command line that is out of its range.
pub fn check_flag(name: &str, range: &Range, given: &Given) -> anyhow::Result<()> {
    range.check(given).map_err(|reason| {
        Failure::new(format!("{name} {given}: {reason}"), "change the number, or leave the flag out").into()
    })
}

/// What to do about a value of a configuration that is refused.
pub fn advice(key: &str) -> &'static str {
    match key {
        "evaluation.limit" => "change the value, or leave the key out to evaluate all items",
        "evaluation.subset" => {
            "change the value, or switch these evaluations off with run.evaluate_every = 0"
        }
        _ => "change the value named, in the file or with --set",
    }
}

/// A value of a configuration as the check sees it; `None` for a table.
pub fn given(value: &toml::Value) -> Option<Given> {
    match value {
        toml::Value::Integer(value) => Some(Given::Whole(i128::from(*value))),
        toml::Value::Float(value) => Some(Given::Real(*value)),
        toml::Value::Table(_) => None,
        other => Some(Given::Other(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::pretrain::recipe::Recipe;
    use std::collections::BTreeSet;

    fn keys(ranges: &[(&'static str, Range)]) -> BTreeSet<String> {
        ranges.iter().map(|(key, _)| (*key).to_owned()).collect()
    }

    fn numbers(value: &serde_json::Value, prefix: &str) -> BTreeSet<String> {
        let fields = value.as_object().unwrap();
        fields
            .iter()
            .filter(|(_, value)| value.is_number())
            .map(|(key, _)| format!("{prefix}{key}"))
            .collect()
    }

    #[test]
    fn every_number_of_the_harness_has_a_range() {
        let mut evaluation = Config::default().evaluation;
        evaluation.limit = Some(1);
        assert_eq!(numbers(&serde_json::to_value(&evaluation).unwrap(), "evaluation."), keys(EVALUATION));
        assert_eq!(numbers(&serde_json::to_value(Recipe::default()).unwrap(), ""), keys(RECIPE));
    }

    #[test]
    fn the_embedded_recipe_lies_within_the_ranges() {
        let recipe = serde_json::to_value(Recipe::default()).unwrap();
        for (key, range) in RECIPE {
            assert_eq!(range.check(&Given::from(&recipe[*key])), Ok(()), "{key}");
        }
    }

    #[test]
    fn flags_name_themselves_the_value_and_the_range() {
        let text =
            |name, range, given| crate::failure::describe(&check_flag(name, range, &given).unwrap_err());
        insta::assert_snapshot!(text("--max-new-tokens", &NEW_TOKENS, Given::Whole(0)), @r"
        azr: --max-new-tokens 0: 0 is not allowed, only a whole number from 1 to 1000000
          help: change the number, or leave the flag out
        ");
        for range in [ITEMS, SAMPLES, TEMPERATURE, NEW_TOKENS, SECONDS, MEBIBYTES, PROGRAMS] {
            assert!(!range.contains(&Given::Real(f64::NAN)) && !range.contains(&Given::Whole(-1)), "{range}");
        }
        assert!(
            TEMPERATURE.contains(&Given::Real(0.0)) && !TEMPERATURE.contains(&Given::Real(1e-50)),
            "0 is greedy"
        );
    }
}
