use super::*;

fn items(right: usize, n: usize) -> String {
    (0..n)
        .map(|item| format!("{{\"item\": \"i{item}\", \"pass\": {}}}\n", item < right))
        .collect::<Vec<_>>()
        .concat()
}

fn run_folder(model: &str, suites: &[(&str, usize, usize)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (suite, right, n) in suites {
        let place = folder.path().join("eval").join(suite);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("items.jsonl"), items(*right, *n)).unwrap();
        std::fs::write(place.join("metrics.json"), format!("{{\"model\": \"{model}\"}}")).unwrap();
    }
    folder
}

fn table() -> PaperTable {
    let first =
        run_folder("azr-tiny", &[("humaneval_plus", 1, 164), ("mbpp_plus", 0, 378), ("amc23", 21, 40)]);
    let mut run = MeasuredRun::load(first.path()).unwrap();
    run.folder = "runs/first".into();
    PaperTable::new(&[run], None).unwrap()
}

#[test]
fn published_averages_follow_from_the_columns() {
    let rows = published();
    assert_eq!(rows.len(), 16);
    for row in &rows {
        let computed = averages(&row.scores.map(Some));
        for (computed, printed) in computed.iter().zip(row.averages) {
            if let Some(printed) = printed {
                let near = if row.model == "Oat-Zero" { 0.11 } else { 1e-9 };
                assert!((computed.unwrap() - printed).abs() < near, "{}: {computed:?} {printed}", row.name());
            }
        }
    }
    let exact = rows.iter().filter(|row| row.averages[0].is_some() && row.model != "Oat-Zero").count();
    assert_eq!(exact, 14);
}

#[test]
fn every_cell_has_its_finding() {
    let table = table();
    assert_eq!(table.published[table.against].name(), "AZR Coder");
    assert_eq!(table.finding(0, 0), Finding::NotReproduced);
    // 21 of 40 is 52.5, published is 57.5: within the interval of 40 items.
    assert_eq!(table.finding(0, 5), Finding::WithinNoise);
    assert_eq!(table.finding(0, 6), Finding::Missing);
    assert!(table.command(0, 6).starts_with("azr eval math500 --model azr-tiny --mode paper"));
    let against_base = PaperTable::new(
        &[MeasuredRun {
            model: "m".into(),
            folder: "r".into(),
            suites: BTreeMap::from([("amc23".into(), [vec![1.0; 21], vec![0.0; 19]].concat())]),
        }],
        Some("azr base"),
    )
    .unwrap();
    assert_eq!(against_base.finding(0, 5), Finding::Reproduced);
    let some = MeasuredRun {
        model: "m".into(),
        folder: "r".into(),
        suites: BTreeMap::from([("aime24".into(), [vec![1.0; 2], vec![0.0; 8]].concat())]),
    };
    let some = PaperTable::new(&[some], None).unwrap();
    assert_eq!(some.finding(0, 3), Finding::Partial, "20.0 is the published value, of 30 items");
    assert!(PaperTable::new(&[], Some("nobody")).unwrap_err().contains("AZR Coder"));
}

#[test]
fn seeds_of_a_model_are_one_row() {
    let run = |right: usize| MeasuredRun {
        model: "m".into(),
        folder: format!("run-{right}"),
        suites: BTreeMap::from([("aime24".into(), [vec![1.0; right], vec![0.0; 30 - right]].concat())]),
    };
    let table = PaperTable::new(&[run(3), run(6)], None).unwrap();
    let cell = table.measured[0].cells[3].clone().unwrap();
    assert_eq!((table.measured.len(), cell.n_seeds, cell.value), (1, 2, 15.0));
    assert!(cell.interval.0 < 10.0 && cell.interval.1 > 20.0);
}

#[test]
fn score_summaries_are_a_run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), r#"{"suite": "aime24", "n_items": 30, "pass@1": 10.0}"#)
        .unwrap();
    let run = MeasuredRun::load(folder.path()).unwrap();
    assert!((statistics::mean(&run.suites["aime24"]) - 0.1).abs() < 1e-12);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(MeasuredRun::load(empty.path()), Err(Error::NotARun { .. })));
}

#[test]
fn the_text_formats() {
    let table = table();
    insta::assert_snapshot!("paper_terminal", terminal(&table));
    insta::assert_snapshot!("paper_markdown", markdown(&table));
    insta::assert_snapshot!("paper_latex", latex(&table));
    insta::assert_snapshot!("paper_html", html(&table));
    let csv = csv(&table);
    assert_eq!(csv.lines().count(), 1 + 17 * 12);
    insta::assert_snapshot!(
        "paper_csv",
        csv.lines().filter(|line| !line.contains(",published,")).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn parquet_is_written_and_read_back() {
    use polars::prelude::{ParquetReader, SerReader};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    parquet(&table(), &path).unwrap();
    let frame = ParquetReader::new(std::fs::File::open(&path).unwrap()).finish().unwrap();
    assert_eq!(frame.shape(), (17 * 12, 11));
}

#[test]
fn names_are_escaped_in_every_format() {
    let run = MeasuredRun { model: "<b>a_b & c|d</b>".into(), folder: "r".into(), suites: BTreeMap::new() };
    let table = PaperTable::new(&[run], None).unwrap();
    assert!(html(&table).contains("&lt;b&gt;a_b &amp; c|d") && !html(&table).contains("<b>a"));
    assert!(latex(&table).contains("a\\_b \\& c|d"));
    assert!(markdown(&table).contains("c\\|d"));
}
