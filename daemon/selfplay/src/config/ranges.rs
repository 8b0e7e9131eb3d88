//! Which values every number of the configuration may have: one table, read by the check, by the messages and by
//! whoever looks a range up.
//!
//! The bounds are far above any real run; they are there for slips of the pen (a missing minus in an exponent, a count
//! with too many digits), which else cost hours before they show.

use super::ConfigError;
use std::fmt;

/// The allowed values of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    includes_low: bool,
    includes_high: bool,
    whole: bool,
    /// What 0 stands for where it is allowed beside the range.
    zero: Option<&'static str>,
}

impl Range {
    /// Whole numbers, both bounds included.
    pub const fn whole(low: u64, high: u64) -> Self {
        Self { whole: true, ..Self::real(low as f64, high as f64) }
    }

    /// Numbers, both bounds included.
    pub const fn real(low: f64, high: f64) -> Self {
        Self { low, high, includes_low: true, includes_high: true, whole: false, zero: None }
    }

    /// Numbers above `low`, at most `high`.
    pub const fn above(low: f64, high: f64) -> Self {
        Self { includes_low: false, ..Self::real(low, high) }
    }

    /// Numbers above `low` and below `high`.
    pub const fn between(low: f64, high: f64) -> Self {
        Self { includes_high: false, ..Self::above(low, high) }
    }

    /// The range, or 0 with a meaning of its own.
    #[must_use]
    pub const fn or_zero(self, meaning: &'static str) -> Self {
        Self { zero: Some(meaning), ..self }
    }

    /// Is the value allowed?
    pub fn contains(&self, given: &Given) -> bool {
        let value = match given {
            Given::Whole(value) => *value as f64,
            Given::Real(value) if !self.whole => *value,
            Given::Real(_) | Given::Other(_) => return false,
        };
        if value == 0.0 && self.zero.is_some() {
            return true;
        }
        // Compared as 32-bit numbers: some keys are stored so, and a bound must survive the conversion.
        let (value, low, high) = (value as f32, self.low as f32, self.high as f32);
        let above = if self.includes_low { value >= low } else { value > low };
        let below = if self.includes_high { value <= high } else { value < high };
        above && below
    }

    /// Refuses a value that is not allowed, with a sentence that names value and range.
    pub fn check(&self, given: &Given) -> Result<(), String> {
        if self.contains(given) { Ok(()) } else { Err(format!("{given} is not allowed, only {self}")) }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(meaning) = self.zero {
            write!(formatter, "0 ({meaning}) or ")?;
        }
        let kind = if self.whole { "a whole number" } else { "a number" };
        let (low, high) = (self.low, self.high);
        match (self.includes_low, self.includes_high) {
            (true, true) => write!(formatter, "{kind} from {low} to {high}"),
            (true, false) => write!(formatter, "{kind} from {low} on, below {high}"),
            (false, true) => write!(formatter, "{kind} above {low}, at most {high}"),
            (false, false) => write!(formatter, "{kind} above {low} and below {high}"),
        }
    }
}

/// What was given for a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A whole number.
    Whole(i128),
    /// Any other number, infinite ones and NaN included.
    Real(f64),
    /// Something else, as it was written.
    Other(String),
}

impl fmt::Display for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => write!(formatter, "{value}"),
            Self::Real(value) => write!(formatter, "{value:?}"),
            Self::Other(text) => write!(formatter, "{text}"),
        }
    }
}

impl From<&serde_json::Value> for Given {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Number(number) => match (number.as_i128(), number.as_f64()) {
                (Some(whole), _) => Self::Whole(whole),
                (None, Some(real)) => Self::Real(real),
                (None, None) => Self::Other(number.to_string()),
            },
            // JSON has no infinity and no NaN: serde writes null for them.
            serde_json::Value::Null => Self::Other("NaN or infinity".into()),
            other => Self::Other(other.to_string()),
        }
    }
}

const STEPS: Range = Range::whole(1, 1_000_000);
const COUNT: Range = Range::whole(1, 65_536);
const TOKENS: Range = Range::whole(1, 1_000_000);
const CHARS: Range = Range::whole(1, 1_000_000);
const TEMPERATURE: Range = Range::real(0.01, 10.0);
const REWARD: Range = Range::real(-100.0, 100.0);

/// Every number of [`super::SelfPlayConfig`] by its dotted key.
pub const RANGES: &[(&str, Range)] = &[
    ("run.seed", Range::whole(0, 1_000_000_000_000_000_000)),
    ("run.steps", STEPS),
    ("run.checkpoint_every", STEPS),
    ("run.checkpoints_kept", STEPS.or_zero("all")),
    ("run.evaluate_every", STEPS.or_zero("no evaluation")),
    ("rollout.n_proposals", COUNT),
    ("rollout.n_solves", COUNT),
    ("rollout.responses_per_prompt", Range::whole(1, 1_024)),
    ("rollout.temperature", TEMPERATURE),
    ("rollout.top_p", Range::above(0.0, 1.0)),
    ("rollout.content_max_tokens", TOKENS),
    ("rollout.max_response_tokens", TOKENS),
    ("buffers.window", STEPS.or_zero("the step itself")),
    ("buffers.max_programs", Range::whole(1, 10_000_000)),
    ("buffers.max_age", STEPS.or_zero("never dropped for age")),
    ("seeding.seed_batch_factor", Range::whole(1, 4_096)),
    ("seeding.max_batches", STEPS),
    ("proposer.n_references", Range::whole(1, 1_024).or_zero("none")),
    // One shown, one hidden.
    ("proposer.n_inputs", Range::whole(2, 1_024)),
    ("proposer.duplicate_reward", REWARD),
    ("proposer.max_program_chars", CHARS.or_zero("no bound")),
    ("proposer.max_input_chars", CHARS.or_zero("no bound")),
    ("compose.start_step", STEPS.or_zero("never")),
    ("compose.chance", Range::real(0.0, 1.0)),
    ("compose.n_min", Range::whole(1, 64)),
    ("compose.n_max", Range::whole(1, 64)),
    ("compose.grow_every", STEPS.or_zero("never")),
    ("compose.grow_from", STEPS),
    ("compose.n_max_limit", Range::whole(1, 64)),
    ("compose.chance_growth", Range::real(0.0, 1.0)),
    ("compose.chance_limit", Range::real(0.0, 1.0)),
    ("learnability.n_samples", Range::whole(1, 4_096)),
    ("learnability.temperature", TEMPERATURE),
    ("learnability.extreme_reward", REWARD),
    ("intrinsic.complexity.coefficient", REWARD),
    ("intrinsic.complexity.maximum", REWARD),
    ("intrinsic.edit_distance.coefficient", REWARD),
    ("intrinsic.edit_distance.maximum", REWARD),
    ("intrinsic.halstead.coefficient", REWARD),
    ("intrinsic.halstead.maximum", REWARD),
    ("intrinsic.answer_diversity.coefficient", REWARD),
    ("intrinsic.answer_diversity.maximum", REWARD),
    ("intrinsic.input_diversity.coefficient", REWARD),
    ("intrinsic.input_diversity.maximum", REWARD),
    ("intrinsic.output_diversity.coefficient", REWARD),
    ("intrinsic.output_diversity.maximum", REWARD),
    ("solver.right_reward", REWARD),
    ("solver.wrong_reward", REWARD),
    ("solver.format_reward", REWARD),
    ("execution.seconds", Range::above(0.0, 3_600.0)),
    ("execution.memory_mib", Range::whole(16, 3_072)),
    ("execution.max_output_chars", CHARS),
    ("advantage.gamma", Range::above(0.0, 1.0)),
    ("update.updates_per_step", COUNT),
    ("update.epochs", Range::whole(1, 1_024)),
    ("update.learning_rate", Range::above(0.0, 1.0)),
    ("update.schedule.hold_steps", STEPS.or_zero("falls from the start")),
    ("update.schedule.floor", Range::real(0.0, 1.0)),
    ("update.schedule.end_step", STEPS),
    ("update.weight_decay", Range::real(0.0, 1.0)),
    ("update.beta1", Range::between(0.0, 1.0)),
    ("update.beta2", Range::between(0.0, 1.0)),
    ("update.gradient_clip", Range::above(0.0, 1_000_000.0)),
    ("update.clip_low", Range::between(0.0, 1.0)),
    ("update.clip_high", Range::between(0.0, 1.0)),
    ("update.dual_clip", Range::above(1.0, 1_000.0).or_zero("off")),
    ("update.entropy_coefficient", Range::real(0.0, 1.0)),
    ("update.kl_coefficient", Range::real(0.0, 100.0)),
    ("update.loss_group", COUNT),
    ("update.chunk_sequences", COUNT),
];

/// Checks what `given` finds for the keys of a table of ranges; keys that it does not find are left out.
pub fn check(
    ranges: &[(&'static str, Range)],
    given: impl Fn(&str) -> Option<Given>,
) -> Result<(), ConfigError> {
    for (key, range) in ranges {
        if let Some(given) = given(key) {
            range.check(&given).map_err(|reason| ConfigError { key, reason })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Schedule, SelfPlayConfig};
    use std::collections::BTreeSet;

    fn numbers(value: &serde_json::Value, path: &str, found: &mut BTreeSet<String>) {
        if value.is_number() {
            found.insert(path.to_owned());
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            numbers(inner, &path, found);
        }
    }

    #[test]
    fn every_number_of_the_configuration_has_a_range() {
        let mut config = SelfPlayConfig::default();
        config.proposer.duplicate_reward = Some(0.0);
        config.update.schedule = Schedule::HoldThenLinear { hold_steps: 1, floor: 0.5, end_step: Some(9) };
        let mut found = BTreeSet::new();
        numbers(&serde_json::to_value(&config).unwrap(), "", &mut found);
        let ranged: BTreeSet<String> = RANGES.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(found, ranged);
        assert_eq!(ranged.len(), RANGES.len(), "no key stands twice");
    }

    #[test]
    fn absurd_numbers_are_outside_of_every_range() {
        let absurd =
            [Given::Real(f64::NAN), Given::Real(f64::INFINITY), Given::Real(1e30), Given::Real(-1e30)];
        for (key, range) in RANGES {
            for given in &absurd {
                assert!(!range.contains(given), "{key} = {given}");
            }
        }
        let range = |key: &str| RANGES.iter().find(|(name, _)| *name == key).unwrap().1;
        for (key, value) in [
            ("update.learning_rate", 0.0),
            ("update.learning_rate", -1e-4),
            ("update.beta1", 1.0),
            ("update.beta2", 1.5),
            ("update.clip_low", 0.0),
            ("update.clip_high", 1.0),
            ("rollout.temperature", 0.0),
            ("rollout.temperature", 100.0),
            ("learnability.temperature", -1.0),
            ("rollout.top_p", 0.0),
        ] {
            assert!(!range(key).contains(&Given::Real(value)), "{key} = {value}");
        }
        for key in
            ["seeding.seed_batch_factor", "rollout.max_response_tokens", "run.steps", "rollout.n_solves"]
        {
            assert!(!range(key).contains(&Given::Whole(0)), "{key} = 0");
            assert!(!range(key).contains(&Given::Real(1.5)), "{key} is whole");
        }
        assert!(range("run.checkpoints_kept").contains(&Given::Whole(0)), "0 has a meaning there");
    }

    #[test]
    fn bounds_hold_for_numbers_of_32_bits() {
        assert!(TEMPERATURE.contains(&Given::Real(f64::from(0.01_f32))));
        assert!(Range::whole(1, 65_536).contains(&Given::Whole(65_536)));
        assert!(!Range::whole(1, 65_536).contains(&Given::Whole(65_537)));
    }

    #[test]
    fn a_refusal_names_value_and_range() {
        let text = |range: Range, given| range.check(&given).unwrap_err();
        assert_eq!(text(COUNT, Given::Whole(0)), "0 is not allowed, only a whole number from 1 to 65536");
        assert_eq!(
            text(Range::above(0.0, 1.0), Given::Real(1e30)),
            "1e30 is not allowed, only a number above 0, at most 1"
        );
        assert_eq!(
            text(Range::between(0.0, 1.0), Given::Real(f64::NAN)),
            "NaN is not allowed, only a number above 0 and below 1"
        );
        assert_eq!(
            text(STEPS.or_zero("all"), Given::Whole(-1)),
            "-1 is not allowed, only 0 (all) or a whole number from 1 to 1000000"
        );
    }
}
