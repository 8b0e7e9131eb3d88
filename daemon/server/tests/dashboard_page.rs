//! The live page in a real browser: headless Chromium on a run whose texts are hostile.

#![expect(clippy::disallowed_methods, reason = "the test finds the browser and starts it")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

#[path = "../../../tests/src/skip.rs"]
mod skip;

use azr_daemon::dashboard::{self, Dashboard};
use azr_daemon::http;
use azr_selfplay::health::Health;
use azr_selfplay::record::{GroupStats, LearnabilityStats, RolloutRecord, StepRecord, write_rollouts};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const TOKEN: &str = "00ff";
/// What must never run: it would put a mark into the page.
const HOSTILE: &str =
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script></pre>";
const STEPS: u64 = 24;

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("AZR_CHROMIUM").map(PathBuf::from);
    let found = named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|path| path.is_file())
    });
    if found.is_none() {
        skip::skipped("chromium is not installed (AZR_CHROMIUM names another)");
    }
    found
}

/// A run that gets less varied with every step, so that warnings come.
fn write_run(run: &Path) {
    std::fs::create_dir_all(run.join("rollouts")).unwrap();
    std::fs::create_dir_all(run.join("eval/tiny/step-0")).unwrap();
    std::fs::write(run.join("eval/tiny/step-0/metrics.json"), r#"{"n_items":10,"pass@1":40.0}"#).unwrap();
    let about = serde_json::json!({ "info": { "model": HOSTILE } });
    std::fs::write(run.join("run.json"), about.to_string()).unwrap();
    let mut steps = std::fs::File::create(run.join("steps.jsonl")).unwrap();
    let mut before = String::new();
    for step in 1..=STEPS {
        let group = |share: f64| GroupStats {
            n: 8,
            valid: share,
            reward_mean: share - 0.5,
            format: 1.0,
            ..GroupStats::default()
        };
        let share = step as f64 / STEPS as f64;
        let groups = ["deduction", "abduction", "induction"].iter().flat_map(|kind| {
            [(format!("{kind}_solve"), group(share)), (format!("{kind}_propose"), group(1.0 - share / 2.0))]
        });
        let learnability = LearnabilityStats {
            task_type: "deduction".to_owned(),
            histogram: vec![1, 2],
            too_easy: share,
            ..LearnabilityStats::default()
        };
        let health = Health { structures_distinct: 1.0 - share, duplicates: share, ..Health::default() };
        let mut record = StepRecord {
            step,
            version: step,
            groups: groups.collect::<BTreeMap<_, _>>(),
            learnability: vec![learnability],
            entropy: 1.0 - share * 0.9,
            health: Some(health),
            ..StepRecord::default()
        };
        record.seal(&before);
        before.clone_from(&record.hash);
        writeln!(steps, "{}", serde_json::to_string(&record).unwrap()).unwrap();
    }
    let rollout = |role: &str, verdict: &str| RolloutRecord {
        step: STEPS,
        task_type: "deduction".to_owned(),
        role: role.to_owned(),
        prompt: HOSTILE.to_owned(),
        response: format!("{HOSTILE} def f(a):\n    return a"),
        verdict: verdict.to_owned(),
        reward: 0.25,
        ..RolloutRecord::default()
    };
    let rollouts = [rollout("propose", "valid"), rollout("solve", "right"), rollout("solve", HOSTILE)];
    write_rollouts(&run.join(format!("rollouts/step-{STEPS}.parquet")), &rollouts).unwrap();
}

/// The page's document after a while, as the browser has it.
async fn document(browser: &Path, profile: &Path, address: String) -> String {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=6000", "--dump-dom"])
        .arg(address);
    let output =
        tokio::task::spawn_blocking(move || command.output().expect("chromium starts")).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_a_run_and_text_of_the_model_is_never_markup_in_it() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("runs/<b>bold"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/dashboard", listener.local_addr().unwrap());
    let routes = dashboard::router(Arc::new(Dashboard::new(folder.path().join("runs"), TOKEN)));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(listener, routes, async { drop(stopped.await) }));

    let page = document(&browser, &folder.path().join("a"), format!("{address}#token={TOKEN}")).await;
    for part in [
        "Right on held-out items",
        "Answers that are right",
        "Reward of the proposer",
        "Too easy",
        "Variety",
        "step 24, weights 24",
        "&lt;b&gt;bold",
        "&lt;img src=x onerror=",
        "class=\"verdict right\"",
        "3 of 3, newest step first",
        // The warnings of the health watch, made from the record alone.
        "class=\"note\"",
    ] {
        assert!(page.contains(part), "'{part}' is missing in\n{page}");
    }
    assert!(page.matches("<path class=\"curve").count() >= 10, "curves are drawn");
    assert!(page.contains("<title>azr runs</title>"), "no text of the model ran");
    assert!(!page.contains("<img") && page.matches("<script").count() == 1 && !page.contains("<b>bold"));

    let page = document(&browser, &folder.path().join("b"), address).await;
    assert!(page.contains("a token is needed") && page.contains("<form id=\"ask\">"), "{page}");
    assert!(!page.contains("bold"), "nothing is shown without the token");
    drop(stop);
    server.await.unwrap().unwrap();
}
