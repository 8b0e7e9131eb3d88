//! The table as text for the terminal, Markdown, LaTeX (booktabs), CSV, Parquet and a page of its own.

use super::{AVERAGES, COLUMNS, Finding, PaperTable, SIZES};
use crate::Error;
use crate::html::escaped;
use polars::prelude::{Column, DataFrame, ParquetWriter};
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

/// One line of the table as texts: name, data, nine columns, three averages.
struct Line {
    name: String,
    data: String,
    columns: Vec<String>,
    averages: Vec<String>,
}

impl Line {
    fn cells(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str(), self.data.as_str()]
            .into_iter()
            .chain(self.columns.iter().chain(&self.averages).map(String::as_str))
    }
}

/// Headings, published lines, measured lines and lines of differences.
struct Lines {
    headings: Vec<String>,
    published: Vec<Line>,
    measured: Vec<(Line, Line)>,
}

fn percent(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "-".into(), |value| format!("{value:.1}"))
}

fn lines(table: &PaperTable) -> Lines {
    let headings = ["Model", "Data"]
        .into_iter()
        .chain(COLUMNS.iter().map(|(_, heading)| *heading))
        .chain(AVERAGES)
        .map(str::to_owned)
        .collect();
    let published = table
        .published
        .iter()
        .map(|row| Line {
            name: row.name(),
            data: if row.curated_data.is_empty() { "-".into() } else { row.curated_data.clone() },
            columns: row.scores.iter().map(|score| percent(Some(*score))).collect(),
            averages: row.averages.iter().map(|average| percent(*average)).collect(),
        })
        .collect();
    let against = &table.published[table.against];
    let measured = table
        .measured
        .iter()
        .map(|row| {
            let seeds = row.cells.iter().flatten().map(|cell| cell.n_seeds).max().unwrap_or(0);
            let values = Line {
                name: row.name.clone(),
                data: if seeds > 1 { format!("{seeds} seeds") } else { "measured".into() },
                columns: row.cells.iter().map(|cell| percent(cell.as_ref().map(|cell| cell.value))).collect(),
                averages: row.averages.iter().map(|average| percent(*average)).collect(),
            };
            let difference = |ours: Option<f64>, theirs: Option<f64>| match ours.zip(theirs) {
                Some((ours, theirs)) => format!("{:+.1}", ours - theirs),
                None => "-".into(),
            };
            let differences = Line {
                name: format!("  - {}", against.name()),
                data: "delta".into(),
                columns: row
                    .cells
                    .iter()
                    .zip(against.scores)
                    .map(|(cell, score)| difference(cell.as_ref().map(|cell| cell.value), Some(score)))
                    .collect(),
                averages: row
                    .averages
                    .iter()
                    .zip(against.averages)
                    .map(|(ours, theirs)| difference(*ours, theirs))
                    .collect(),
            };
            (values, differences)
        })
        .collect();
    Lines { headings, published, measured }
}

/// One line a measured cell: value, interval, items, finding; of a missing one the command that fills it.
fn findings(table: &PaperTable) -> Vec<String> {
    let mut all = Vec::new();
    for (place, row) in table.measured.iter().enumerate() {
        for (column, (suite, _)) in COLUMNS.iter().enumerate() {
            let published = table.published[table.against].scores[column];
            let finding = table.finding(place, column);
            all.push(match &row.cells[column] {
                Some(cell) => format!(
                    "{} {suite}: {} ({:.1}, 95 % interval {:.1} to {:.1}, {} of {} items; published {published:.1})",
                    row.name,
                    finding.name(),
                    cell.value,
                    cell.interval.0,
                    cell.interval.1,
                    cell.n_items,
                    SIZES[column]
                ),
                None => format!("{} {suite}: missing; fill it with: {}", row.name, table.command(place, column)),
            });
        }
    }
    all
}

/// Aligned columns for the terminal.
pub fn terminal(table: &PaperTable) -> String {
    let lines = lines(table);
    let all: Vec<Vec<String>> = std::iter::once(lines.headings.clone())
        .chain(lines.published.iter().map(|line| line.cells().map(str::to_owned).collect()))
        .chain(
            lines
                .measured
                .iter()
                .flat_map(|(values, differences)| [values, differences])
                .map(|line| line.cells().map(str::to_owned).collect()),
        )
        .collect();
    let widths: Vec<usize> = (0..all[0].len())
        .map(|column| all.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (place, line) in all.iter().enumerate() {
        let shown: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, width))| {
                    if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        let _ = writeln!(text, "{}", shown.join("  ").trim_end());
        if place == 0 || place == lines.published.len() {
            let _ = writeln!(text, "{}", "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1)));
        }
    }
    text.push('\n');
    for finding in findings(table) {
        let _ = writeln!(text, "{finding}");
    }
    text
}

/// A Markdown table and a list of findings.
pub fn markdown(table: &PaperTable) -> String {
    let lines = lines(table);
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    let mut text = row(&mut lines.headings.iter().map(String::as_str));
    text.push_str(&row(&mut lines
        .headings
        .iter()
        .enumerate()
        .map(|(column, _)| if column < 2 { "---" } else { "---:" })));
    for line in &lines.published {
        text.push_str(&row(&mut line.cells()));
    }
    for (values, differences) in &lines.measured {
        text.push_str(&row(&mut values.cells()));
        text.push_str(&row(&mut differences.cells()));
    }
    text.push('\n');
    for finding in findings(table) {
        let _ = writeln!(text, "* {finding}");
    }
    text
}

/// A `tabular` with the rules of booktabs.
pub fn latex(table: &PaperTable) -> String {
    let lines = lines(table);
    let escaped = |cell: &str| {
        cell.chars()
            .map(|letter| match letter {
                '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{letter}"),
                '\\' => "\\textbackslash{}".into(),
                '~' => "\\textasciitilde{}".into(),
                '^' => "\\textasciicircum{}".into(),
                other => other.to_string(),
            })
            .collect::<String>()
    };
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        format!("{} \\\\\n", cells.map(escaped).collect::<Vec<_>>().join(" & "))
    };
    let mut text = format!("\\begin{{tabular}}{{ll{}}}\n\\toprule\n", "r".repeat(12));
    text.push_str(&row(&mut lines.headings.iter().map(String::as_str)));
    text.push_str("\\midrule\n");
    for line in &lines.published {
        text.push_str(&row(&mut line.cells()));
    }
    text.push_str("\\midrule\n");
    for (values, differences) in &lines.measured {
        text.push_str(&row(&mut values.cells()));
        text.push_str(&row(&mut differences.cells()));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    text
}

/// One cell of the long form.
struct Cell {
    row: String,
    kind: &'static str,
    column: String,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    n_items: Option<u32>,
    n_seeds: Option<u32>,
    published: Option<f64>,
    finding: String,
    command: String,
}

fn cells(table: &PaperTable) -> Vec<Cell> {
    let cell = |row: String, kind, column: String, value| Cell {
        row,
        kind,
        column,
        value,
        low: None,
        high: None,
        n_items: None,
        n_seeds: None,
        published: None,
        finding: String::new(),
        command: String::new(),
    };
    let averages = AVERAGES.map(str::to_lowercase);
    let mut all = Vec::new();
    for row in &table.published {
        for ((suite, _), score) in COLUMNS.iter().zip(row.scores) {
            all.push(cell(row.name(), "published", (*suite).into(), Some(score)));
        }
        for (name, average) in averages.iter().zip(row.averages) {
            all.push(cell(row.name(), "published", name.clone(), average));
        }
    }
    let against = &table.published[table.against];
    for (place, row) in table.measured.iter().enumerate() {
        for (column, (suite, _)) in COLUMNS.iter().enumerate() {
            let measured = row.cells[column].as_ref();
            let finding = table.finding(place, column);
            all.push(Cell {
                low: measured.map(|measured| measured.interval.0),
                high: measured.map(|measured| measured.interval.1),
                n_items: measured.map(|measured| measured.n_items as u32),
                n_seeds: measured.map(|measured| measured.n_seeds as u32),
                published: Some(against.scores[column]),
                finding: finding.name().into(),
                command: if matches!(finding, Finding::Missing | Finding::Partial) {
                    table.command(place, column)
                } else {
                    String::new()
                },
                ..cell(row.name.clone(), "measured", (*suite).into(), measured.map(|measured| measured.value))
            });
        }
        for ((name, average), published) in averages.iter().zip(row.averages).zip(against.averages) {
            all.push(Cell { published, ..cell(row.name.clone(), "measured", name.clone(), average) });
        }
    }
    all
}

/// The long form: a line a cell.
pub fn csv(table: &PaperTable) -> String {
    let quoted = |text: &str| {
        if text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let count = |value: Option<u32>| value.map_or_else(String::new, |value| value.to_string());
    let mut text = String::from("row,kind,column,value,low,high,n_items,n_seeds,published,finding,command\n");
    for cell in cells(table) {
        let fields = [
            quoted(&cell.row),
            cell.kind.to_owned(),
            cell.column.clone(),
            number(cell.value),
            number(cell.low),
            number(cell.high),
            count(cell.n_items),
            count(cell.n_seeds),
            number(cell.published),
            quoted(&cell.finding),
            quoted(&cell.command),
        ];
        let _ = writeln!(text, "{}", fields.join(","));
    }
    text
}

/// The long form as a Parquet file.
pub fn parquet(table: &PaperTable, path: &Path) -> Result<(), Error> {
    let cells = cells(table);
    let texts = |of: &dyn Fn(&Cell) -> String| cells.iter().map(of).collect::<Vec<String>>();
    let numbers = |of: &dyn Fn(&Cell) -> Option<f64>| cells.iter().map(of).collect::<Vec<Option<f64>>>();
    let counts = |of: &dyn Fn(&Cell) -> Option<u32>| cells.iter().map(of).collect::<Vec<Option<u32>>>();
    let columns = vec![
        Column::new("row".into(), texts(&|cell| cell.row.clone())),
        Column::new("kind".into(), texts(&|cell| cell.kind.to_owned())),
        Column::new("column".into(), texts(&|cell| cell.column.clone())),
        Column::new("value".into(), numbers(&|cell| cell.value)),
        Column::new("low".into(), numbers(&|cell| cell.low)),
        Column::new("high".into(), numbers(&|cell| cell.high)),
        Column::new("n_items".into(), counts(&|cell| cell.n_items)),
        Column::new("n_seeds".into(), counts(&|cell| cell.n_seeds)),
        Column::new("published".into(), numbers(&|cell| cell.published)),
        Column::new("finding".into(), texts(&|cell| cell.finding.clone())),
        Column::new("command".into(), texts(&|cell| cell.command.clone())),
    ];
    let failed = |message: String| Error::Rollouts { path: path.into(), message };
    let mut frame = DataFrame::new(cells.len(), columns).map_err(|error| failed(error.to_string()))?;
    let file = File::create(path).map_err(|source| Error::Write { path: path.into(), source })?;
    ParquetWriter::new(file).finish(&mut frame).map(|_| ()).map_err(|error| failed(error.to_string()))
}

/// A page of its own: no request to anywhere, texts escaped.
pub fn html(table: &PaperTable) -> String {
    let lines = lines(table);
    let row = |tag: &str, class: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        format!("<tr class=\"{class}\">{}</tr>\n", cells.concat())
    };
    let mut body = row("th", "", &mut lines.headings.iter().map(String::as_str));
    for line in &lines.published {
        body.push_str(&row("td", "", &mut line.cells()));
    }
    for (values, differences) in &lines.measured {
        body.push_str(&row("td", "measured", &mut values.cells()));
        body.push_str(&row("td", "delta", &mut differences.cells()));
    }
    let findings: Vec<String> =
        findings(table).iter().map(|finding| format!("<li>{}</li>\n", escaped(finding))).collect();
    let findings = findings.concat();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>The paper's table</title>\n<style>{STYLE}</style></head>\n\
         <body><h1>The paper's main table, published and measured</h1>\n<table>\n{body}</table>\n<h2>Cells</h2>\n<ul>\n{findings}</ul></body></html>\n"
    )
}

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2rem;color-scheme:light dark}\
table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884}\
td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.measured{font-weight:600}.delta{opacity:.75}";
