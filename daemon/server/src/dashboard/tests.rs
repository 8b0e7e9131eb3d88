use super::*;
use azr_selfplay::record::{RolloutRecord, StepRecord, write_rollouts};
use serde_json::{Value, json};
use std::io::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TOKEN: &str = "secret";

/// Writes a run whose record follows from `start`; gives the hash of its last step.
fn write_run(folder: &Path, steps: std::ops::RangeInclusive<u64>, start: &str) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let mut file =
        std::fs::File::options().create(true).append(true).open(folder.join("steps.jsonl")).unwrap();
    let mut hash = start.to_owned();
    for step in steps {
        let mut record = StepRecord { step, loss: 0.5, ..StepRecord::default() };
        record.seal(&hash);
        hash.clone_from(&record.hash);
        writeln!(file, "{}", serde_json::to_string(&record).unwrap()).unwrap();
    }
    hash
}

/// Status and body of a request to a page over `folder`.
async fn get(routes: &Router, path: &str, token: &str) -> (u16, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(crate::http::serve(listener, routes.clone(), async { drop(stopped.await) }));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).await.unwrap();
    drop(stop);
    server.await.unwrap().unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply)
}

async fn json_of(routes: &Router, path: &str) -> Value {
    let (status, reply) = get(routes, path, TOKEN).await;
    assert_eq!(status, 200, "{reply}");
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn routes(folder: &Path) -> Router {
    router(Arc::new(Dashboard::new(folder.to_owned(), TOKEN)))
}

#[tokio::test]
async fn data_want_the_token_and_the_page_has_none() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("one"), 1..=2, "start");
    let routes = routes(folder.path());
    for path in ["/dashboard/api/runs", "/dashboard/api/run?id=one", "/dashboard/api/rollouts?id=one&step=1"]
    {
        for token in ["", "secre", "secret2"] {
            let (status, reply) = get(&routes, path, token).await;
            assert_eq!(status, 401, "{path} {token}: {reply}");
            assert!(!reply.contains("one"), "{reply}");
        }
    }
    let (status, page) = get(&routes, "/dashboard", "").await;
    assert_eq!(status, 200);
    let policy = page.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.contains(&format!("<script nonce=\"{nonce}\">")) && nonce.len() == 64);
    let (_, again) = get(&routes, "/dashboard", "").await;
    assert!(!again.contains(nonce), "a number is used once");
    assert!(!PAGE.contains("https://") && !PAGE.contains("innerHTML") && !PAGE.contains("src="));
}

#[tokio::test]
async fn a_page_gets_what_was_appended_and_everything_when_the_record_began_anew() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("one");
    let hash = write_run(&run, 1..=2, "start");
    let routes = routes(folder.path());
    let first = json_of(&routes, "/dashboard/api/run?id=one").await;
    let steps = |look: &Value| -> Vec<u64> {
        look["steps"].as_array().unwrap().iter().map(|step| step["step"].as_u64().unwrap()).collect()
    };
    assert_eq!((steps(&first), &first["from"], &first["damage"]), (vec![1, 2], &json!(0), &Value::Null));
    std::fs::write(
        run.join("telemetry.jsonl"),
        r#"{"step":2,"seconds":{"total":3.0,"evaluate":1.0},"memory_bytes":7,"warnings":[]}"#.to_owned()
            + "\n",
    )
    .unwrap();
    write_run(&run, 3..=3, &hash);
    let path = format!("/dashboard/api/run?id=one&reading={}&have=2", first["reading"]);
    let second = json_of(&routes, &path).await;
    assert_eq!((steps(&second), &second["from"]), (vec![3], &json!(2)));
    assert_eq!(second["costs"]["2"], json!({ "seconds": 2.0, "memory": 7 }));
    // Resuming from a checkpoint takes steps back.
    std::fs::remove_file(run.join("steps.jsonl")).unwrap();
    write_run(&run, 1..=1, "start");
    let third = json_of(&routes, &path).await;
    assert_eq!((steps(&third), &third["from"]), (vec![1], &json!(0)));
    assert_ne!(third["reading"], first["reading"]);
}

#[tokio::test]
async fn a_record_that_the_run_did_not_write_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("one");
    write_run(&run, 1..=2, "start");
    let text = std::fs::read_to_string(run.join("steps.jsonl")).unwrap();
    let routes = routes(folder.path());
    for (changed, kept) in [
        (text.replacen("\"step\":2,", "\"step\":3,", 1), 1),
        (format!("{text}nonsense\n"), 2),
        (format!("{text}{{}}\n"), 2),
    ] {
        std::fs::write(run.join("new"), changed).unwrap();
        std::fs::rename(run.join("new"), run.join("steps.jsonl")).unwrap();
        let look = json_of(&routes, "/dashboard/api/run?id=one").await;
        assert_eq!(look["steps"].as_array().unwrap().len(), kept);
        assert!(look["damage"].as_str().unwrap().contains("steps.jsonl"), "{look}");
    }
    // Another beginning than the run's.
    std::fs::write(run.join("steps.jsonl"), text).unwrap();
    std::fs::write(run.join("run.json"), r#"{"chain_start":"other"}"#).unwrap();
    let look = json_of(&routes, "/dashboard/api/run?id=one").await;
    assert!(look["damage"].as_str().unwrap().contains("line 1"), "{look}");
}

#[tokio::test]
async fn no_folder_beside_the_runs_is_ever_opened() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    write_run(&runs.join("one"), 1..=1, "start");
    write_run(&folder.path().join("secret"), 1..=1, "start");
    let elsewhere = folder.path().join("elsewhere");
    write_run(&elsewhere, 1..=1, "start");
    let extra = elsewhere.clone();
    let dashboard = Dashboard::new(runs, TOKEN).with(move || Some(extra.clone()));
    let routes = router(Arc::new(dashboard));
    let listed = json_of(&routes, "/dashboard/api/runs").await;
    let mut names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, [elsewhere.to_str().unwrap(), "one"]);
    for id in ["../secret", "..%2Fsecret", "secret", ".", "..", "", "one%2F..%2F..%2Fsecret"] {
        let (status, reply) = get(&routes, &format!("/dashboard/api/run?id={id}"), TOKEN).await;
        assert_eq!(status, 404, "{id}: {reply}");
    }
    for query in ["", "?id=one&step=-1", "?id=one&step=..%2F..%2Fx", "?step=1"] {
        assert_eq!(get(&routes, &format!("/dashboard/api/rollouts{query}"), TOKEN).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn rollouts_are_shown_and_a_damaged_file_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    write_run(folder.path(), 1..=2, "start");
    std::fs::create_dir(folder.path().join("rollouts")).unwrap();
    let rollout = |role: &str| RolloutRecord {
        step: 1,
        role: role.to_owned(),
        response: "<b>".repeat(3_000),
        verdict: "right".to_owned(),
        ..RolloutRecord::default()
    };
    write_rollouts(&folder.path().join("rollouts/step-1.parquet"), &[rollout("estimate"), rollout("solve")])
        .unwrap();
    std::fs::write(folder.path().join("rollouts/step-2.parquet"), "PAR1 nonsense PAR1").unwrap();
    let routes = routes(folder.path());
    let id = name_of(folder.path());
    let shown = json_of(&routes, &format!("/dashboard/api/rollouts?id={id}&step=1")).await;
    assert_eq!((&shown["all"], shown["rollouts"].as_array().unwrap().len()), (&json!(2), 1));
    assert!(shown["rollouts"][0]["response"].as_str().unwrap().contains("[… 5000 characters …]"));
    for step in [2, 3] {
        let (status, reply) =
            get(&routes, &format!("/dashboard/api/rollouts?id={id}&step={step}"), TOKEN).await;
        assert_eq!(status, 404, "{reply}");
    }
}
