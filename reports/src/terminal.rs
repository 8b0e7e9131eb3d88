//! The main table as plain text, for the end of `azr reproduce`.

use crate::Run;
use crate::tables::{self, Change, GainTable};
use std::fmt::Write as _;

/// One table a suite, with a line on what self-play changed besides accuracy. Empty if no suite was
/// scored twice.
pub fn report(run: &Run) -> String {
    let mut text = String::new();
    for table in tables::gains(run) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&gain_table(&table));
    }
    text
}

/// One suite as aligned columns. No line is wider than 100 characters.
pub fn gain_table(table: &GainTable) -> String {
    let after = table.after_step.map_or_else(|| "at the end".into(), |step| format!("after step {step}"));
    let mut text = format!(
        "Suite {}: base model (step {}) and {after}, % right, paired 95 % intervals\n\n",
        table.suite, table.before_step
    );
    let mut header = format!("{:<10} {:>6}", "", "items");
    let with_samples = table.samples > 0;
    let _ = write!(header, "  {:<30}", "greedy");
    if with_samples {
        let _ = write!(header, "  {:<30}", "temperature 1");
    }
    if table.samples > 1 {
        let _ = write!(header, "  {}", pass_title(table));
    }
    text.push_str(header.trim_end());
    text.push('\n');
    for row in &table.rows {
        let mut line = format!("{:<10} {:>6}", row.label, row.n_items);
        let _ = write!(line, "  {:<30}", figure(row.greedy));
        if with_samples {
            let _ = write!(line, "  {:<30}", figure(row.sampled));
        }
        if let Some(change) = row.pass_at_k {
            let _ = write!(line, "  {:.1} -> {:.1}", change.before, change.after);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Heading of the column of pass@k.
fn pass_title(table: &GainTable) -> String {
    format!("pass@{}", table.samples)
}

fn figure(change: Option<Change>) -> String {
    change.map_or_else(
        || "-".into(),
        |change| {
            format!(
                "{:.1} -> {:.1} {:+.1} [{:+.1}, {:+.1}]",
                change.before,
                change.after,
                change.difference.value,
                change.difference.low,
                change.difference.high
            )
        },
    )
}
