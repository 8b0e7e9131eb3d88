//! What changes over the steps of a run, as panels of lines.

use crate::Run;
use crate::evaluation::{Decoding, Evaluation};
use crate::run::{GroupRecord, StepRecord};
use crate::tables::{TASK_TYPES, rank};
use std::collections::BTreeMap;

/// One plot.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Heading.
    pub title: String,
    /// One or two sentences on what is shown and how to read it.
    pub caption: String,
    /// Unit after the numbers of the vertical axis.
    pub unit: &'static str,
    /// Bounds that the vertical axis never leaves.
    pub bounds: (f64, f64),
    /// How much of the bounds the vertical axis shows.
    pub axis: Axis,
    /// The lines.
    pub series: Vec<Series>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its label; empty where the heading says it all.
    pub name: String,
    /// Red, green, blue in the light theme.
    pub color: (u8, u8, u8),
    /// How it is drawn.
    pub style: Style,
    /// Step and value.
    pub points: Vec<(f64, f64)>,
}

/// What a vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// The data with a little air.
    Data,
    /// The same and zero.
    FromZero,
    /// The whole of the bounds: a share that stays at 100 % is a line at the top, not a magnified rounding.
    Whole,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A value every step, with the noise of a small batch: faint, under its trailing mean.
    Noisy,
    /// A measurement every so many steps: dots joined by lines.
    Measured,
}

/// Colours of the task types, then of further groups.
const COLORS: [(u8, u8, u8); 4] =
    [(0x1F, 0x6F, 0xEB), (0xC2, 0x57, 0x0C), (0x0F, 0x8A, 0x5F), (0x8B, 0x45, 0xC4)];
/// Colour of means over all groups.
const MEAN: (u8, u8, u8) = (0x24, 0x29, 0x33);
/// Colour of what is unwanted.
const UNWANTED: (u8, u8, u8) = (0xB4, 0x23, 0x4A);

/// All panels for which the run has data.
pub fn panels(run: &Run) -> Vec<Panel> {
    let mut panels = Vec::new();
    for suite in suites(run) {
        for decoding in [Decoding::Greedy, Decoding::Sampled] {
            panels.push(accuracy(run, &suite, decoding));
        }
        panels.push(thinking_in_suite(run, &suite));
    }
    panels.extend([
        by_type(run, &SOLVER_REWARD),
        by_type(run, &PROPOSER_REWARD),
        by_type(run, &VALID),
        learnability(run),
        by_type(run, &DISTINCT),
        by_type(run, &TRACED),
        response_length(run),
        single(run, "Entropy", "Nats a token, mean over the sampled tokens.", |step| step.entropy),
        single(run, "Loss", "Policy-gradient loss, mean over the step's updates.", |step| step.loss),
        single(run, "Gradient norm", "Before clipping.", |step| step.grad_norm),
    ]);
    panels.retain(|panel| panel.series.iter().any(|series| series.points.len() > 1));
    panels
}

/// The panel that sums a run up: accuracy on the suite that decides.
pub fn headline(run: &Run) -> Option<Panel> {
    let suite = suites(run).into_iter().next()?;
    let mut panel = accuracy(run, &suite, Decoding::Sampled);
    if panel.series.is_empty() {
        panel = accuracy(run, &suite, Decoding::Greedy);
    }
    panel.title = format!("Held-out accuracy over steps of self-play ({})", panel.title);
    panel.series.iter().any(|series| series.points.len() > 1).then_some(panel)
}

/// Suites scored at two steps or more, `tiny` first.
fn suites(run: &Run) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for evaluation in &run.evaluations {
        *counts.entry(&evaluation.suite).or_default() += 1;
    }
    let mut suites: Vec<String> =
        counts.into_iter().filter(|(_, n)| *n > 1).map(|(suite, _)| suite.to_owned()).collect();
    suites.sort_by_key(|suite| (suite != "tiny", suite.clone()));
    suites
}

/// Evaluations of a suite with the step at which they were made; one without a step stands at the end.
fn states<'a>(run: &'a Run, suite: &'a str) -> impl Iterator<Item = (f64, &'a Evaluation)> {
    let last = run.steps.last().map_or(0, |step| step.step);
    run.evaluations
        .iter()
        .filter(move |evaluation| evaluation.suite == suite)
        .map(move |evaluation| (evaluation.step.unwrap_or(last) as f64, evaluation))
}

fn accuracy(run: &Run, suite: &str, decoding: Decoding) -> Panel {
    let mut lines: BTreeMap<(usize, String), Vec<(f64, f64)>> = BTreeMap::new();
    for (step, evaluation) in states(run, suite) {
        for (group, accuracy) in evaluation.accuracy(decoding) {
            lines.entry((rank(&group), group)).or_default().push((step, accuracy));
        }
    }
    let mut series: Vec<Series> = lines
        .into_iter()
        .map(|((rank, name), points)| measured(&name, COLORS[rank.min(3)], points))
        .collect();
    if series.len() > 1 {
        let points = states(run, suite)
            .filter_map(|(step, evaluation)| Some((step, evaluation.mean_accuracy(decoding)?)))
            .collect();
        series.push(measured("mean", MEAN, points));
    }
    Panel {
        title: format!("{suite}, {}", decoding.title()),
        caption: format!("Right answers to held-out items, in percent. {}", items_shown(run, suite)),
        unit: "%",
        bounds: (0.0, 100.0),
        axis: Axis::FromZero,
        series,
    }
}

/// On how many items the measurements of a suite rest: those of a run are often made on a part.
fn items_shown(run: &Run, suite: &str) -> String {
    let counts: Vec<usize> = states(run, suite).map(|(_, evaluation)| evaluation.n_items()).collect();
    let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
    match (least, most) {
        (Some(least), Some(most)) if least < most => {
            let full: Vec<String> = states(run, suite)
                .filter(|(_, evaluation)| evaluation.n_items() == most)
                .map(|(step, _)| format!("{step:.0}"))
                .collect();
            let word = if full.len() == 1 { "step" } else { "steps" };
            format!("{most} items at {word} {}, {least} of {most} elsewhere.", full.join(" and "))
        }
        (_, Some(most)) => format!("{most} items at every step shown."),
        _ => String::new(),
    }
}

fn thinking_in_suite(run: &Run, suite: &str) -> Panel {
    let line = |decoding: Decoding, color| {
        let points = states(run, suite)
            .filter_map(|(step, evaluation)| Some((step, evaluation.thinking_share(decoding)?)))
            .collect();
        measured(decoding.title(), color, points)
    };
    Panel {
        title: format!("{suite}, answers that think"),
        caption: format!(
            "Share of answers to held-out items that reason before they answer. {}",
            items_shown(run, suite)
        ),
        unit: "%",
        bounds: (0.0, 100.0),
        axis: Axis::Whole,
        series: without_empty(vec![line(Decoding::Greedy, MEAN), line(Decoding::Sampled, COLORS[3])]),
    }
}

/// A figure of one role's groups, one line a task type.
struct GroupFigure {
    title: &'static str,
    caption: &'static str,
    role: &'static str,
    unit: &'static str,
    bounds: (f64, f64),
    axis: Axis,
    scale: f64,
    value: fn(&GroupRecord) -> Option<f64>,
}

const SOLVER_REWARD: GroupFigure = GroupFigure {
    title: "Solver reward",
    caption: "Mean reward on tasks from the buffers: 1 right, -0.5 wrong, -1 badly formed.",
    role: "solve",
    unit: "",
    bounds: (-1.0, 1.0),
    axis: Axis::Data,
    scale: 1.0,
    value: |group| group.reward_mean,
};

const PROPOSER_REWARD: GroupFigure = GroupFigure {
    title: "Proposer reward",
    caption: "Mean reward of proposals: high for tasks that the solver sometimes gets right.",
    role: "propose",
    ..SOLVER_REWARD
};

const VALID: GroupFigure = GroupFigure {
    title: "Valid proposals",
    caption: "Share of proposals that parse, run and give the same result twice.",
    role: "propose",
    unit: "%",
    bounds: (0.0, 100.0),
    axis: Axis::Whole,
    scale: 100.0,
    value: |group| group.valid,
};

const DISTINCT: GroupFigure = GroupFigure {
    title: "Distinct proposals",
    caption: "Different proposals in percent of the valid ones of a step. A fall means that the proposer repeats itself.",
    value: |group| {
        let valid = (group.valid? * group.n).round();
        (valid > 0.0).then_some(group.distinct? / valid)
    },
    ..VALID
};

const TRACED: GroupFigure = GroupFigure {
    title: "Solutions that think",
    caption: "Share of the solver's responses that reason before they answer.",
    role: "solve",
    value: |group| group.traced,
    ..VALID
};

fn by_type(run: &Run, figure: &GroupFigure) -> Panel {
    let series = TASK_TYPES
        .iter()
        .zip(COLORS)
        .map(|(task_type, color)| {
            let points = values(run, |step| {
                let group = step.groups.get(&format!("{task_type}_{}", figure.role))?;
                Some(figure.scale * (figure.value)(group)?)
            });
            noisy(task_type, color, points)
        })
        .collect();
    Panel {
        title: figure.title.into(),
        caption: figure.caption.into(),
        unit: figure.unit,
        bounds: figure.bounds,
        axis: figure.axis,
        series: without_empty(series),
    }
}

/// Shares of proposals by how often the solver gets them right, over all task types.
fn learnability(run: &Run) -> Panel {
    let share = |step: &StepRecord, part: fn(&[f64]) -> f64| {
        let histograms = step.learnability.iter().map(|one| one.histogram.as_slice());
        let (mut part_sum, mut total) = (0.0, 0.0);
        for histogram in histograms.filter(|histogram| histogram.len() > 1) {
            part_sum += part(histogram);
            total += histogram.iter().sum::<f64>();
        }
        (total > 0.0).then_some(100.0 * part_sum / total)
    };
    let too_easy = |histogram: &[f64]| histogram.last().copied().unwrap_or(0.0);
    let unsolved = |histogram: &[f64]| histogram.first().copied().unwrap_or(0.0);
    let learnable = |histogram: &[f64]| histogram[1..histogram.len() - 1].iter().sum();
    Panel {
        title: "Difficulty of proposals".into(),
        caption:
            "Share of valid proposals that the solver always, sometimes or never gets right. Only the middle \
                  kind teaches."
                .into(),
        unit: "%",
        bounds: (0.0, 100.0),
        axis: Axis::Whole,
        series: without_empty(vec![
            noisy("learnable", COLORS[2], values(run, |step| share(step, learnable))),
            noisy("too easy", COLORS[1], values(run, |step| share(step, too_easy))),
            noisy("unsolved", UNWANTED, values(run, |step| share(step, unsolved))),
        ]),
    }
}

fn response_length(run: &Run) -> Panel {
    let of_role = |role: &'static str| {
        values(run, move |step| {
            let groups = step.groups.iter().filter(|(name, _)| name.ends_with(role));
            let (sum, n) = groups.fold((0.0, 0.0), |(sum, n), (_, group)| {
                (sum + group.n * group.response_tokens_mean.unwrap_or(0.0), n + group.n)
            });
            (n > 0.0).then_some(sum / n)
        })
    };
    Panel {
        title: "Response length".into(),
        caption: "Mean tokens of a response.".into(),
        unit: "",
        bounds: (0.0, f64::INFINITY),
        axis: Axis::FromZero,
        series: without_empty(vec![
            noisy("solutions", COLORS[0], of_role("_solve")),
            noisy("proposals", COLORS[3], of_role("_propose")),
        ]),
    }
}

fn single(run: &Run, title: &str, caption: &str, value: fn(&StepRecord) -> Option<f64>) -> Panel {
    Panel {
        title: title.into(),
        caption: caption.into(),
        unit: "",
        bounds: (f64::NEG_INFINITY, f64::INFINITY),
        axis: Axis::Data,
        series: without_empty(vec![noisy("", MEAN, values(run, value))]),
    }
}

fn values(run: &Run, value: impl Fn(&StepRecord) -> Option<f64>) -> Vec<(f64, f64)> {
    run.steps
        .iter()
        .filter_map(|step| Some((step.step as f64, value(step).filter(|value| value.is_finite())?)))
        .collect()
}

fn without_empty(mut series: Vec<Series>) -> Vec<Series> {
    series.retain(|line| !line.points.is_empty());
    series
}

fn measured(name: &str, color: (u8, u8, u8), points: Vec<(f64, f64)>) -> Series {
    Series { name: name.into(), color, style: Style::Measured, points }
}

fn noisy(name: &str, color: (u8, u8, u8), points: Vec<(f64, f64)>) -> Series {
    Series { name: name.into(), color, style: Style::Noisy, points }
}
