//! Rewards on a response's last token (spec sections 6 and 7).

use crate::config::{
    Combine, Conversion, InductionScore, IntrinsicConfig, IntrinsicTerm, LearnabilityConfig, SolverConfig,
    ValidFilter,
};

/// Raw values of the intrinsic terms of a proposal; a term that is not measured is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IntrinsicValues {
    /// Cognitive complexity / 15.
    pub complexity: f32,
    /// Mean AST edit distance to the references.
    pub edit_distance: f32,
    /// Halstead mix.
    pub halstead: f32,
    /// Rarity of the answer.
    pub answer_diversity: f32,
    /// Induction: rarity of the inputs.
    pub input_diversity: f32,
    /// Induction: rarity of the outputs.
    pub output_diversity: f32,
}

/// Accuracy of the answers that had a verdict; `None` verdicts are left out (spec 12), none at all gives 0.
pub fn mean_accuracy(verdicts: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = verdicts.iter().flatten().copied().collect();
    if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
}

/// From the solver's accuracy on a proposal to its learnability.
pub fn learnability(accuracy: f64, conversion: Conversion) -> f64 {
    match conversion {
        Conversion::OneMinus if accuracy > 0.0 => 1.0 - accuracy,
        Conversion::OneMinus => 0.0,
        Conversion::Inverse => 1.0 - accuracy,
        Conversion::ValidOnly => 1.0,
    }
}

/// The proposer's reward. `accuracy` is that of the current policy on the proposal, `None` where the proposal was not
/// parsed or not valid.
pub fn proposer_reward(
    well_formed: bool,
    accuracy: Option<f64>,
    values: &IntrinsicValues,
    config: &LearnabilityConfig,
    intrinsic: &IntrinsicConfig,
    format_reward: f32,
) -> f32 {
    let Some(accuracy) = accuracy.filter(|_| well_formed) else { return format_reward };
    let learnability = learnability(accuracy, config.conversion) as f32;
    if learnability > 0.0 { combine(learnability, values, intrinsic) } else { config.extreme_reward }
}

/// Does a valid proposal of this accuracy enter the buffer?
pub fn enters_buffer(accuracy: f64, filter: ValidFilter) -> bool {
    match filter {
        ValidFilter::All => true,
        ValidFilter::NonOne => accuracy < 1.0,
        ValidFilter::NonExtremes => accuracy > 0.0 && accuracy < 1.0,
    }
}

/// The solver's reward; `accuracy` is `None` where there was no verdict.
pub fn solver_reward(well_formed: bool, accuracy: Option<f64>, config: &SolverConfig) -> f32 {
    let accuracy = accuracy.unwrap_or(0.0) as f32;
    if !well_formed {
        config.format_reward
    } else if accuracy > 0.0 {
        config.right_reward * accuracy
    } else {
        config.wrong_reward
    }
}

/// One accuracy of an induction answer from the verdicts of its hidden pairs.
pub fn induction_accuracy(pairs: &[Option<f64>], score: InductionScore) -> f64 {
    let share = mean_accuracy(pairs);
    match score {
        InductionScore::Accuracy => share,
        InductionScore::Binary => f64::from(u8::from(share >= 1.0)),
        InductionScore::IfOneCorrect => f64::from(u8::from(share > 0.0)),
    }
}

fn combine(learnability: f32, values: &IntrinsicValues, config: &IntrinsicConfig) -> f32 {
    let terms: Vec<f32> = [
        (config.complexity, values.complexity),
        (config.edit_distance, values.edit_distance),
        (config.halstead, values.halstead),
        (config.answer_diversity, values.answer_diversity),
        (config.input_diversity, values.input_diversity),
        (config.output_diversity, values.output_diversity),
    ]
    .into_iter()
    .filter(|(term, _)| term.enabled)
    .map(|(term, value): (IntrinsicTerm, f32)| (term.coefficient * value).min(term.maximum))
    .collect();
    if terms.is_empty() {
        return learnability;
    }
    match config.combine {
        Combine::Sum => learnability + terms.iter().sum::<f32>(),
        Combine::Multiply => learnability * terms.iter().product::<f32>(),
        Combine::SumMultiply => learnability + terms.iter().product::<f32>(),
        Combine::MultiplySum => learnability * terms.iter().sum::<f32>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn propose(well_formed: bool, accuracy: Option<f64>) -> f32 {
        proposer_reward(
            well_formed,
            accuracy,
            &IntrinsicValues::default(),
            &LearnabilityConfig::default(),
            &IntrinsicConfig::default(),
            -1.0,
        )
    }

    #[test]
    fn the_table_of_section_7() {
        assert_eq!(propose(false, Some(0.5)), -1.0);
        assert_eq!(propose(true, None), -1.0);
        assert_eq!(propose(true, Some(1.0)), -0.5);
        assert_eq!(propose(true, Some(0.0)), -0.5);
        assert_eq!(propose(true, Some(0.25)), 0.75);
        let config = SolverConfig::default();
        assert_eq!(solver_reward(false, Some(1.0), &config), -1.0);
        assert_eq!(solver_reward(true, Some(0.0), &config), -0.5);
        assert_eq!(solver_reward(true, None, &config), -0.5);
        assert_eq!(solver_reward(true, Some(1.0), &config), 1.0);
        assert_eq!(solver_reward(true, Some(0.4), &config), 0.4);
    }

    #[test]
    fn pairs_without_a_verdict_are_left_out() {
        let pairs = [Some(1.0), None, None];
        assert!((induction_accuracy(&pairs, InductionScore::Binary) - 1.0).abs() < 1e-12);
        assert!(induction_accuracy(&[None, None], InductionScore::Accuracy).abs() < 1e-12);
        let half = [Some(1.0), Some(0.0)];
        assert!(induction_accuracy(&half, InductionScore::Binary).abs() < 1e-12);
        assert!((induction_accuracy(&half, InductionScore::Accuracy) - 0.5).abs() < 1e-12);
        assert!((induction_accuracy(&half, InductionScore::IfOneCorrect) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn filters_look_at_the_extremes() {
        let kept = |filter| [0.0, 0.5, 1.0].map(|accuracy| enters_buffer(accuracy, filter));
        assert_eq!(kept(ValidFilter::All), [true, true, true]);
        assert_eq!(kept(ValidFilter::NonOne), [true, true, false]);
        assert_eq!(kept(ValidFilter::NonExtremes), [false, true, false]);
    }
}
