//! `azr ablate`: the rows of the paper's ablation table, and some of our own, each with several seeds.
//!
//! A row is a few settings over a preset. Every row and seed is a run of its own in its own folder, with evaluations before
//! and after; a finished run is not done again, an interrupted one goes on. The table comes from the folders.

use crate::config::presets;
use crate::failure::{Failure, Outcome, nearest};
use crate::output;
use crate::session::{Plan, RunArgs, execute, write_report};
use azr_reports::tables;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `azr ablate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `paper` (the rows of the paper's table), `ours` (further ones), `all`, or these and names of rows joined by commas.
    #[arg(value_name = "GRID")]
    grid: String,
    /// Preset or configuration file that every row starts from.
    #[arg(long, value_name = "PRESET", default_value = "tiny")]
    preset: String,
    /// Runs of each row, with seeds 1, 2, ...
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// Training steps of each run.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Sets one key in every row, e.g. rollout.n_solves=32; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR", default_value = "runs/ablation")]
    out: PathBuf,
    /// Print the rows with their settings, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

/// A row of a grid: what it is called and what it changes.
#[derive(Clone, Copy, Debug)]
struct Row {
    name: &'static str,
    settings: &'static [&'static str],
}

/// The rows of the paper's ablation table.
const PAPER: [Row; 5] = [
    Row { name: "full", settings: &[] },
    Row { name: "deduction-only", settings: &["run.task_types=[\"deduction\"]"] },
    Row { name: "without-induction", settings: &["run.task_types=[\"abduction\", \"deduction\"]"] },
    Row { name: "without-references", settings: &["proposer.include_references=false"] },
    Row { name: "solver-only", settings: &["proposer.train=false"] },
];

/// Rows of our own.
const OURS: [Row; 6] = [
    Row { name: "no-learnability", settings: &["learnability.conversion=valid_only"] },
    Row { name: "one-baseline", settings: &["advantage.baseline=global"] },
    Row {
        name: "grpo",
        settings: &[
            "advantage.baseline=per_prompt",
            "rollout.responses_per_prompt=4",
            "rollout.shares={ deduction = { propose = 0.25, solve = 0.25 }, abduction = { propose = 0.25, solve = 0.25 }, induction = { propose = 0.25, solve = 0.25 } }",
        ],
    },
    Row { name: "no-determinism", settings: &["execution.determinism=false"] },
    Row { name: "no-baseline", settings: &["advantage.baseline=none"] },
    Row { name: "frontier", settings: &["buffers.mix=frontier"] },
];

/// A row of the table.
#[derive(Debug, Serialize)]
struct Line {
    row: &'static str,
    settings: &'static [&'static str],
    seeds: usize,
    suite: String,
    /// Greedy accuracy before, in percent.
    before: f64,
    /// After, mean over seeds.
    after: f64,
    /// Standard deviation of the gain over seeds.
    deviation: f64,
    gains: Vec<f64>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let rows = rows_of(&args.grid)?;
    if args.dry_run {
        for row in &rows {
            presets::load(std::slice::from_ref(&args.preset), &assignments(args, row))?;
            output::say(format!("{}: {}", row.name, join_or(row.settings, "as the preset has it")))?;
        }
        return Ok(Outcome::Done);
    }
    let mut lines = Vec::new();
    for row in &rows {
        let mut of_row = Vec::new();
        for seed in 1..=args.seeds {
            let folder = args.out.join(format!("{}-seed{seed}", row.name));
            output::note(format!("{}, seed {seed} of {}: {}", row.name, args.seeds, folder.display()));
            if !is_finished(&folder) {
                let outcome = one_run(args, row, seed, &folder)?;
                if outcome != Outcome::Done {
                    return Ok(outcome);
                }
            }
            of_row.push(gain_of(&folder)?);
        }
        lines.push(line_of(row, &of_row));
    }
    if args.json {
        output::say_json(&lines)?;
    } else {
        output::say(table(&lines).trim_end())?;
    }
    Ok(Outcome::Done)
}

fn rows_of(grid: &str) -> anyhow::Result<Vec<Row>> {
    let all = || PAPER.iter().chain(&OURS).copied();
    let mut rows: Vec<Row> = Vec::new();
    for name in grid.split(',').map(str::trim) {
        let named: Vec<Row> = match name {
            "paper" => PAPER.to_vec(),
            "ours" => std::iter::once(PAPER[0]).chain(OURS).collect(),
            "all" => all().collect(),
            name => vec![all().find(|row| row.name == name).ok_or_else(|| -> anyhow::Error {
                let names: Vec<&str> =
                    ["paper", "ours", "all"].into_iter().chain(all().map(|row| row.name)).collect();
                let advice = match nearest(name, names.iter().copied()) {
                    Some(near) => format!("did you mean '{near}'? There are: {}", names.join(", ")),
                    None => format!("there are: {}", names.join(", ")),
                };
                Failure::new(format!("no ablation '{name}'"), advice).into()
            })?],
        };
        for row in named {
            if rows.iter().all(|other| other.name != row.name) {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn assignments(args: &Args, row: &Row) -> Vec<String> {
    args.assignments.iter().cloned().chain(row.settings.iter().map(ToString::to_string)).collect()
}

fn one_run(args: &Args, row: &Row, seed: u64, folder: &Path) -> anyhow::Result<Outcome> {
    let resume = folder.join("config.toml").is_file();
    let run = RunArgs {
        seed: Some(seed),
        steps: args.steps,
        assignments: assignments(args, row),
        run_dir: Some(folder.to_owned()),
        resume,
    };
    let plan = Plan::new(&run, std::slice::from_ref(&args.preset), row.name)?;
    let outcome = execute(&plan, true)?;
    if outcome == Outcome::Stopped {
        output::note("of the ablation: the same command once more goes on with this run and does the others");
    }
    if outcome == Outcome::Done {
        write_report(&plan.folder)?;
    }
    Ok(outcome)
}

/// The report is the last thing that a run gets.
fn is_finished(folder: &Path) -> bool {
    folder.join("report/index.html").is_file()
}

/// Suite, greedy accuracy before and after, in percent.
fn gain_of(folder: &Path) -> anyhow::Result<(String, f64, f64)> {
    let run = crate::run_record::load(folder)?;
    let table = tables::gains(&run).into_iter().next().ok_or_else(|| {
        Failure::new(
            format!("{} has no evaluations before and after", folder.display()),
            "remove that folder, so that the run is done again",
        )
    })?;
    let greedy = table.mean().greedy.ok_or_else(|| {
        Failure::new(
            format!("the evaluations of {} have no greedy answers", folder.display()),
            "remove that folder, so that the run is done again",
        )
    })?;
    Ok((table.suite.clone(), greedy.before, greedy.after))
}

fn line_of(row: &Row, runs: &[(String, f64, f64)]) -> Line {
    let count = runs.len().max(1) as f64;
    let gains: Vec<f64> = runs.iter().map(|(_, before, after)| after - before).collect();
    let mean = gains.iter().sum::<f64>() / count;
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    Line {
        row: row.name,
        settings: row.settings,
        seeds: runs.len(),
        suite: runs.first().map(|(suite, ..)| suite.clone()).unwrap_or_default(),
        before: runs.iter().map(|(_, before, _)| before).sum::<f64>() / count,
        after: runs.iter().map(|(_, _, after)| after).sum::<f64>() / count,
        deviation: if runs.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 },
        gains,
    }
}

fn table(lines: &[Line]) -> String {
    let suite = lines.first().map_or("", |line| line.suite.as_str());
    let mut text = format!(
        "{:<20} {:>5}  {:>8} {:>8} {:>16}   greedy, {suite}, %\n",
        "row", "seeds", "before", "after", "gain"
    );
    for line in lines {
        text += &format!(
            "{:<20} {:>5}  {:>8.1} {:>8.1} {:>+8.1} +- {:>4.1}\n",
            line.row,
            line.seeds,
            line.before,
            line.after,
            line.after - line.before,
            line.deviation
        );
    }
    text
}

fn join_or(settings: &[&str], otherwise: &str) -> String {
    if settings.is_empty() { otherwise.to_owned() } else { settings.join("  ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_selfplay::TaskType;

    fn config(row: &Row, preset: &str) -> crate::config::Config {
        let settings: Vec<String> = row.settings.iter().map(ToString::to_string).collect();
        presets::load(&[preset.to_owned()], &settings).unwrap()
    }

    #[test]
    fn every_row_resolves_over_every_preset_and_changes_something() {
        for preset in presets::names() {
            let full = config(&PAPER[0], preset);
            for row in PAPER[1..].iter().chain(&OURS) {
                assert_ne!(config(row, preset).selfplay, full.selfplay, "{} over {preset}", row.name);
            }
        }
    }

    #[test]
    fn the_rows_are_those_of_the_paper() {
        assert_eq!(config(&PAPER[1], "tiny").selfplay.run.task_types, [TaskType::Deduction]);
        assert!(!config(&PAPER[2], "tiny").selfplay.run.task_types.contains(&TaskType::Induction));
        assert!(!config(&PAPER[3], "tiny").selfplay.proposer.include_references);
        assert!(!config(&PAPER[4], "tiny").selfplay.proposer.train);
        assert_eq!(rows_of("paper").unwrap().len(), 5);
        assert_eq!(rows_of("solver-only, grpo").unwrap().len(), 2);
        let text = crate::failure::describe(&rows_of("solver_only").unwrap_err());
        assert!(text.contains("did you mean 'solver-only'?"), "{text}");
    }

    #[test]
    fn a_table_has_means_and_deviations() {
        let runs = [("tiny".to_owned(), 30.0, 40.0), ("tiny".to_owned(), 30.0, 44.0)];
        let line = line_of(&PAPER[0], &runs);
        assert_eq!((line.before, line.after), (30.0, 42.0));
        assert!((line.deviation - 8.0_f64.sqrt()).abs() < 1e-12);
        assert!(table(&[line]).contains("+12.0 +-  2.8"));
    }
}
