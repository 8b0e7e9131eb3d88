//! Reports of made-up runs: texts as snapshots, and what must never be in a page.
#![expect(clippy::unwrap_used, reason = "in a test and its fixtures a panic is the failure")]

mod common;

use azr_reports::{Comparison, Run, html, tables, terminal};

fn run(gain: f64) -> (tempfile::TempDir, Run) {
    let place = tempfile::tempdir().unwrap();
    let folder = common::write_run(place.path(), "fixture", 1, gain);
    let run = Run::load(&folder).unwrap();
    (place, run)
}

#[test]
fn the_terminal_shows_the_main_table() {
    let (_place, run) = run(0.2);
    insta::assert_snapshot!(terminal::report(&run));
}

#[test]
fn a_run_that_was_not_scored_twice_has_no_table() {
    let (place, _run) = run(0.2);
    let folder = place.path().join("fixture");
    std::fs::remove_dir_all(folder.join("eval")).unwrap();
    let run = Run::load(&folder).unwrap();
    assert_eq!(terminal::report(&run), "");
    assert!(html::page(&run).unwrap().contains("Solver reward"));
}

#[test]
fn no_gain_is_not_shown_as_one() {
    let (_place, run) = run(0.0);
    let table = &tables::gains(&run)[0];
    let greedy = table.mean().greedy.unwrap();
    assert!((greedy.before - greedy.after).abs() < 1e-12);
    assert!(!greedy.difference.excludes_zero());
}

#[test]
fn the_mean_of_task_types_and_its_interval_are_the_textbook_ones() {
    let (_place, run) = run(0.2);
    let table = &tables::gains(&run)[0];
    let types = &table.rows[..3];
    let mean = |value: fn(&tables::Change) -> f64| {
        types.iter().map(|row| value(row.sampled.as_ref().unwrap())).sum::<f64>() / 3.0
    };
    let change = table.mean().sampled.unwrap();
    assert!((change.before - mean(|change| change.before)).abs() < 1e-9);
    assert!((change.difference.value - (change.after - change.before)).abs() < 1e-9);
    let squared: f64 = types
        .iter()
        .map(|row| {
            let interval = row.sampled.unwrap().difference;
            ((interval.high - interval.value) / 3.0).powi(2)
        })
        .sum();
    assert!((change.difference.high - change.difference.value - squared.sqrt()).abs() < 1e-9);
}

/// The outline: headings, labels and captions, not the coordinates of the plots.
#[test]
fn the_page_has_all_its_parts() {
    let (_place, run) = run(0.2);
    let page = html::page(&run).unwrap();
    insta::assert_snapshot!(outline(&page));
}

#[test]
fn text_of_the_model_is_never_markup() {
    let (_place, run) = run(0.2);
    let page = html::page(&run).unwrap();
    assert!(!page.contains("<script"), "text of the model became markup");
    assert!(!page.contains("<img"), "text of the model became markup");
    assert!(page.contains("&lt;script&gt;"), "text of the model is shown");
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let (_place, run) = run(0.2);
    // Escaped text of the model mentions a source; that is text, not an attribute.
    let page = html::page(&run).unwrap().replace("src=&quot;", "");
    for sign in ["http://", "https://", "url(", "@import", "src=", "<link", "<iframe"] {
        let found =
            page.replace("http://www.w3.org/2000/svg", "").find(sign).map(|place| place.saturating_sub(40));
        assert_eq!(found, None, "the page contains {sign}");
    }
}

#[test]
fn a_report_lies_in_the_run_folder_and_is_the_same_each_time() {
    let (_place, run) = run(0.2);
    let path = html::write_report(&run).unwrap();
    let first = std::fs::read(&path).unwrap();
    assert!(path.ends_with("fixture/report/index.html"));
    let curve = std::fs::read_to_string(run.folder.join("report/learning-curve.svg")).unwrap();
    assert!(curve.starts_with("<svg") && curve.contains("deduction"));
    html::write_report(&Run::load(&run.folder).unwrap()).unwrap();
    assert_eq!(first, std::fs::read(&path).unwrap());
}

#[test]
fn an_unwritable_folder_is_named() {
    let (_place, run) = run(0.2);
    std::fs::write(run.folder.join("report"), "a file where the folder should be").unwrap();
    let error = html::write_report(&run).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("report"), "{error}");
}

#[test]
fn runs_are_compared_over_seeds() {
    let place = tempfile::tempdir().unwrap();
    let runs: Vec<Run> = [(1, 0.25), (2, 0.2), (3, 0.15)]
        .into_iter()
        .map(|(seed, gain)| {
            let name = format!("seed-{seed}");
            Run::load(&common::write_run(place.path(), &name, seed, gain)).unwrap()
        })
        .collect();
    let comparison = Comparison::of(&runs, "tiny");
    assert_eq!(comparison.runs.len(), 3);
    let greedy = comparison.greedy.unwrap();
    assert!(greedy.smallest < greedy.mean && greedy.mean < greedy.largest && greedy.all_above_zero);
    insta::assert_snapshot!(terminal::comparison(&comparison));
    insta::assert_snapshot!(outline(&html::comparison_page(&comparison).unwrap()));
}

/// Leaves pages to look at in the target folder.
#[test]
fn pages_to_look_at_are_left_in_the_target_folder() {
    let place = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let runs: Vec<Run> = [(1, 0.25), (2, 0.2), (3, 0.15)]
        .into_iter()
        .map(|(seed, gain)| {
            Run::load(&common::write_run(place, &format!("reports-seed-{seed}"), seed, gain)).unwrap()
        })
        .collect();
    let page = html::write_report(&runs[0]).unwrap();
    let comparison = place.join("reports-comparison.html");
    html::write_comparison(&Comparison::of(&runs, "tiny"), &comparison).unwrap();
    assert!(page.is_file() && comparison.is_file());
}

/// The text of a page without style, plots and tags, one piece a line.
fn outline(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        push(&mut text, &rest[..start]);
        rest = &rest[start..];
        let end = ["style", "svg"]
            .iter()
            .find(|tag| rest[1..].starts_with(**tag))
            .map_or_else(|| ">".into(), |tag| format!("</{tag}>"));
        let Some(place) = rest.find(&end) else { break };
        rest = &rest[place + end.len()..];
    }
    push(&mut text, rest);
    text
}

fn push(text: &mut String, piece: &str) {
    let piece = piece.split_whitespace().collect::<Vec<_>>().join(" ");
    if !piece.is_empty() {
        text.push_str(&piece);
        text.push('\n');
    }
}
