//! The page: one self-contained file, no request to anywhere, light and dark.
//!
//! Everything that comes from the run is escaped by the template engine; only the plots, which this crate
//! draws itself, go in as they are.

use crate::curves::{self, Panel};
use crate::examples::{self, Moment};
use crate::tables::{self, Change, GainTable};
use crate::{Comparison, Error, Run, plot, terminal};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, context};
use serde::Serialize;
use std::path::{Path, PathBuf};

const REPORT: &str = include_str!("templates/report.html");
const COMPARISON: &str = include_str!("templates/comparison.html");
const PARTS: &str = include_str!("templates/parts.html");
const STYLE: &str = include_str!("templates/style.css");

/// Text for a page that no template makes.
pub fn escaped(text: &str) -> String {
    HtmlEscape(text).to_string()
}

/// A drawn panel.
#[derive(Serialize)]
struct Figure {
    title: String,
    caption: String,
    svg: String,
}

/// A table of gains with its remark.
#[derive(Serialize)]
struct Gains {
    #[serde(flatten)]
    table: GainTable,
    remark: Option<String>,
}

/// One line of the provenance table.
#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

/// A headline number.
#[derive(Serialize)]
struct Tile {
    name: String,
    value: String,
    note: String,
}

/// Writes `report/index.html` and, if the run was scored on the way, `report/learning-curve.svg`. Returns the page.
pub fn write_report(run: &Run) -> Result<PathBuf, Error> {
    let folder = run.folder.join("report");
    let path = folder.join("index.html");
    write(&path, &page(run)?)?;
    if let Some(panel) = curves::headline(run) {
        write(&folder.join("learning-curve.svg"), &plot::svg(&panel, true)?)?;
    }
    Ok(path)
}

/// Writes a page that compares runs on a suite.
pub fn write_comparison(comparison: &Comparison, path: &Path) -> Result<(), Error> {
    write(path, &comparison_page(comparison)?)
}

/// What the template of a run's page shows.
#[derive(Serialize)]
struct ReportPage {
    name: String,
    verdict: Option<String>,
    tiles: Vec<Tile>,
    gains: Vec<Gains>,
    figures: Vec<Figure>,
    moments: Vec<Moment>,
    facts: Vec<Fact>,
    config: String,
}

/// The page of a run.
pub fn page(run: &Run) -> Result<String, Error> {
    let gains = tables::gains(run);
    let content = ReportPage {
        name: run.name.clone(),
        verdict: gains.first().map(sentence),
        tiles: tiles(run, gains.first()),
        figures: curves::panels(run).iter().map(figure).collect::<Result<_, _>>()?,
        moments: examples::moments(run)?,
        facts: facts(run),
        config: run.config.clone(),
        gains: gains
            .into_iter()
            .map(|table| Gains { remark: table.between.as_ref().map(terminal::on_a_part), table })
            .collect(),
    };
    Ok(environment()?.get_template("report.html")?.render(Serde(content))?)
}

/// The page of a comparison.
pub fn comparison_page(comparison: &Comparison) -> Result<String, Error> {
    let content = context! { comparison => Serde(comparison) };
    Ok(environment()?.get_template("comparison.html")?.render(content)?)
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("fixed", |value: f64, digits: usize| format!("{value:.digits$}"));
    environment.add_filter("signed", |value: f64| format!("{value:+.1}").replace('-', "\u{2212}"));
    environment.add_global("style", STYLE);
    environment.add_template("parts.html", PARTS)?;
    environment.add_template("report.html", REPORT)?;
    environment.add_template("comparison.html", COMPARISON)?;
    Ok(environment)
}

fn figure(panel: &Panel) -> Result<Figure, Error> {
    Ok(Figure { title: panel.title.clone(), caption: panel.caption.clone(), svg: plot::svg(panel, false)? })
}

/// What self-play changed, in one sentence without adjectives.
fn sentence(table: &GainTable) -> String {
    let row = table.mean();
    let part = |change: Option<Change>, how: &str| {
        change.map(|change| {
            let verb = if change.difference.value >= 0.0 { "rises" } else { "falls" };
            format!(
                "{how} accuracy {verb} from {:.1} % to {:.1} % ({:+.1} points, 95 % interval {:+.1} to {:+.1})",
                change.before,
                change.after,
                change.difference.value,
                change.difference.low,
                change.difference.high
            )
        })
    };
    let parts: Vec<String> =
        [part(row.greedy, "greedy"), part(row.sampled, "temperature-1")].into_iter().flatten().collect();
    let steps = table.after_step.map_or_else(String::new, |step| format!(" over {step} steps of self-play"));
    format!("On the suite {}{steps}, {}.", table.suite, parts.join("; "))
}

fn tiles(run: &Run, table: Option<&GainTable>) -> Vec<Tile> {
    let mut tiles = Vec::new();
    if let Some(table) = table {
        let row = table.mean();
        let mut gain = |name: String, change: Option<Change>| {
            if let Some(change) = change {
                tiles.push(Tile {
                    name,
                    value: format!("{:+.1}", change.difference.value).replace('-', "\u{2212}"),
                    note: format!("points: {:.1} % to {:.1} %", change.before, change.after),
                });
            }
        };
        gain("Greedy".into(), row.greedy);
        gain("Temperature 1".into(), row.sampled);
        gain(format!("pass@{}", table.samples), row.pass_at_k);
    }
    if let Some(last) = run.steps.last() {
        tiles.push(Tile {
            name: "Steps".into(),
            value: last.step.to_string(),
            note: run
                .seconds()
                .map_or_else(String::new, |seconds| format!("{:.0} minutes of self-play", seconds / 60.0)),
        });
    }
    tiles
}

/// Provenance: every entry of `run.json`, nested names joined by dots.
fn facts(run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    flatten("", &run.provenance, &mut facts);
    facts
}

fn flatten(prefix: &str, value: &serde_json::Value, facts: &mut Vec<Fact>) {
    if let serde_json::Value::Object(fields) = value {
        for (name, value) in fields {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            flatten(&name, value, facts);
        }
    } else if !value.is_null() {
        facts.push(Fact { name: prefix.replace('_', " "), value: plain(value) });
    }
}

/// A value as a person would write it: texts without quotes, lists without brackets.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let writing = |source| Error::Write { path: path.into(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(writing)?;
    }
    std::fs::write(path, text).map_err(writing)
}
