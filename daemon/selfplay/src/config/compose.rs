//! Composite functions: proposals that must build on stored programs (spec 5; off in the published runs).

use super::{ConfigError, Mode, SelfPlayConfig};
use serde::{Deserialize, Serialize};

/// When and how many stored programs a deduction or abduction proposal must call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComposeConfig {
    /// First step with composite functions; 0 = never (the published runs).
    pub start_step: u64,
    /// Probability that a prompt has them (reference: 0.5).
    pub chance: f64,
    /// Fewest functions of such a prompt.
    pub n_min: usize,
    /// Most functions. In `paper` mode the count excludes it, unless it equals `n_min` (spec 12). The prompt needs more
    /// references than this.
    pub n_max: usize,
    /// Every so many steps after `grow_from`, `n_max` grows by one and `chance` by `chance_growth`; 0 = never (reference: a
    /// scheduler that is off, with 50).
    pub grow_every: u64,
    /// Step from which they grow (reference: 101).
    pub grow_from: u64,
    /// Bound of the growing `n_max` (reference: 3).
    pub n_max_limit: usize,
    /// Growth of `chance` (reference: 0.01).
    pub chance_growth: f64,
    /// Bound of the growing `chance` (reference: 0.8).
    pub chance_limit: f64,
}

impl Default for ComposeConfig {
    fn default() -> Self {
        Self {
            start_step: 0,
            chance: 0.5,
            n_min: 1,
            n_max: 2,
            grow_every: 0,
            grow_from: 101,
            n_max_limit: 3,
            chance_growth: 0.01,
            chance_limit: 0.8,
        }
    }
}

/// The rule of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Composition {
    /// Probability that a prompt has composite functions.
    pub chance: f64,
    /// Fewest functions.
    pub n_min: usize,
    /// Most functions, included.
    pub n_max: usize,
    /// References that a prompt must have more of.
    pub references: usize,
}

impl ComposeConfig {
    /// The rule of `step`; `None` where there are no composite functions.
    pub fn at(&self, step: u64, mode: Mode) -> Option<Composition> {
        if self.start_step == 0 || step < self.start_step {
            return None;
        }
        let growths = if self.grow_every > 0 && step >= self.grow_from {
            (step - self.grow_from) / self.grow_every
        } else {
            0
        };
        let grown = |start: usize, limit: usize| {
            if growths == 0 { start } else { start.saturating_add(growths as usize).min(limit).max(start) }
        };
        let most = grown(self.n_max, self.n_max_limit);
        let excluded = mode == Mode::Paper && most > self.n_min;
        Some(Composition {
            chance: if growths == 0 {
                self.chance
            } else {
                (self.chance + growths as f64 * self.chance_growth).min(self.chance_limit)
            },
            n_min: self.n_min,
            n_max: if excluded { most - 1 } else { most },
            references: most,
        })
    }
}

impl SelfPlayConfig {
    /// Composite functions need references to build on, and one function to be the entry.
    pub(super) fn check_composition(&self) -> Result<(), ConfigError> {
        let compose = &self.compose;
        let refuse = |key, reason: &str| Err(ConfigError { key, reason: reason.into() });
        if compose.n_max < compose.n_min {
            return refuse("compose.n_max", "it must be at least compose.n_min");
        }
        if compose.start_step > 0 && self.proposer.n_references <= compose.n_max {
            return refuse(
                "compose.n_max",
                "a prompt needs more references than this: raise proposer.n_references",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_excludes_the_maximum_in_paper_mode_only() {
        let config = ComposeConfig { start_step: 5, n_min: 1, n_max: 3, ..ComposeConfig::default() };
        assert_eq!(config.at(4, Mode::Paper), None);
        assert_eq!(config.at(5, Mode::Paper).unwrap().n_max, 2);
        assert_eq!(config.at(5, Mode::Clean).unwrap().n_max, 3);
        let fixed = ComposeConfig { n_max: 1, ..config };
        assert_eq!(fixed.at(5, Mode::Paper).unwrap().n_max, 1);
        assert_eq!(ComposeConfig::default().at(400, Mode::Paper), None, "off by default");
    }

    #[test]
    fn number_and_chance_grow_to_their_bounds() {
        let config = ComposeConfig {
            start_step: 1,
            n_max: 1,
            grow_every: 50,
            grow_from: 101,
            ..ComposeConfig::default()
        };
        let at = |step| config.at(step, Mode::Clean).unwrap();
        assert_eq!((at(150).n_max, at(151).n_max, at(1_000).n_max), (1, 2, 3));
        assert!((at(151).chance - 0.51).abs() < 1e-12 && (at(10_000).chance - 0.8).abs() < 1e-12);
    }
}
