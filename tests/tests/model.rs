//! `azr model`: completions from a file, conversion, what is refused.

use azr_tests::Fixture;
use serde_json::{Value, json};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn prompts(fixture: &Fixture, count: usize) {
    let lines: Vec<String> = (0..count)
        .map(|item| json!({"id": item, "prompt": format!("def f(a):\n    return a + {item}\n")}).to_string())
        .collect();
    fixture.write("in.jsonl", lines.join("\n\n"));
}

fn generate(fixture: &Fixture, out: &str, more: &[&str]) -> Vec<Value> {
    let fixed = ["model", "generate", "--model", "azr-tiny", "--prompts", "in.jsonl", "--out", out];
    fixture.azr(&[&fixed[..], more].concat()).expect_code(0);
    lines(&fixture.read(out))
}

#[test]
fn completions_come_in_order_with_all_that_was_given() {
    let fixture = Fixture::new();
    prompts(&fixture, 7);
    let rows = generate(&fixture, "out.jsonl", &["--max-tokens", "9", "--greedy"]);
    assert_eq!(rows.len(), 7);
    for (item, row) in rows.iter().enumerate() {
        assert_eq!((&row["id"], row["text"].is_string()), (&json!(item), true));
        let tokens = row["tokens"].as_array().expect("tokens");
        let logprobs = row["logprobs"].as_array().expect("logprobs");
        assert!(!tokens.is_empty() && tokens.len() <= 9 && tokens.len() == logprobs.len());
        assert!(logprobs.iter().all(|logprob| logprob.as_f64().is_some_and(|value| value <= 0.0)));
        assert!(row["finish"] == "stop" || tokens.len() == 9);
    }
    // Greedy is temperature 0, and no text depends on how many are made at the same time.
    let same = generate(&fixture, "same.jsonl", &["--max-tokens", "9", "--temperature", "0", "--batch", "2"]);
    assert_eq!(rows, same);
}

#[test]
fn draws_depend_on_the_seed_alone() {
    let fixture = Fixture::new();
    prompts(&fixture, 5);
    let draw = |out: &str, seed: &str, batch: &str| {
        let flags = ["--max-tokens", "12", "--temperature", "1.5", "--seed", seed, "--batch", batch];
        generate(&fixture, out, &flags)
    };
    let first = draw("a.jsonl", "3", "64");
    assert_eq!(first, draw("b.jsonl", "3", "1"));
    assert_ne!(first, draw("c.jsonl", "4", "64"));
    // The likeliest token alone is left by each of these.
    let greedy = generate(&fixture, "d.jsonl", &["--max-tokens", "12", "--greedy"]);
    for flags in [["--top-k", "1"], ["--top-p", "0"], ["--min-p", "1"]] {
        let flags = [&["--max-tokens", "12", "--temperature", "1"][..], &flags].concat();
        assert_eq!(greedy, generate(&fixture, "e.jsonl", &flags));
    }
}

#[test]
fn stop_texts_end_a_completion() {
    let fixture = Fixture::new();
    prompts(&fixture, 2);
    let plain = generate(&fixture, "plain.jsonl", &["--max-tokens", "30", "--greedy"]);
    let text = plain[0]["text"].as_str().expect("text");
    let stop: String = text.chars().skip(2).take(2).collect();
    let stopped = generate(&fixture, "stop.jsonl", &["--max-tokens", "30", "--greedy", "--stop", &stop]);
    assert_eq!(stopped[0]["text"].as_str(), text.split(&stop).next());
    assert_eq!(stopped[0]["finish"], "stop");
}

#[test]
fn what_cannot_be_completed_is_named() {
    let fixture = Fixture::new();
    let azr = |more: &[&str], parts: &[&str]| {
        let fixed =
            ["model", "generate", "--model", "azr-tiny", "--prompts", "in.jsonl", "--out", "out.jsonl"];
        fixture.azr(&[&fixed[..], more].concat()).expect_refusal(parts);
        assert!(!fixture.path().join("out.jsonl").exists());
    };
    fixture.write("in.jsonl", "{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n");
    azr(&[], &["prompt 2 of in.jsonl", "\"prompt\""]);
    fixture.write("in.jsonl", "{\"prompt\": \"a\"}\n[1]\n");
    azr(&[], &["in.jsonl:2"]);
    fixture.write("in.jsonl", "{\"prompt\": \"a\"}\n");
    azr(&["--max-tokens", "0"], &["--max-tokens 0"]);
    azr(&["--top-p", "1.5"], &["--top-p 1.5"]);
    azr(&["--temperature", "nan"], &["--temperature NaN"]);
    azr(&["--chat"], &["no chat template"]);
}

#[test]
fn a_converted_model_is_the_model() {
    let fixture = Fixture::new();
    let weights = |arguments: &[&str]| fixture.azr(arguments).expect_code(0).json()["weights"].clone();
    let embedded = weights(&["model", "info", "azr-tiny", "--json"]);
    assert_eq!(embedded, weights(&["model", "convert", "azr-tiny", "--out", "copy", "--json"]));
    assert_eq!(embedded, weights(&["model", "info", "copy", "--json"]));
    let rounded = weights(&["model", "convert", "copy", "--out", "half", "--format", "bf16", "--json"]);
    assert_eq!(rounded, weights(&["model", "info", "half", "--json"]));
    fixture.write("mine/notes.txt", "not a model");
    fixture
        .azr(&["model", "convert", "azr-tiny", "--out", "mine"])
        .expect_refusal(&["mine is not empty", "--out"]);
}

#[test]
fn files_that_are_no_gguf_are_refused() {
    let fixture = Fixture::new();
    fixture.write("noise.gguf", [b"GGUF".as_slice(), &3u32.to_le_bytes(), &[255; 64]].concat());
    fixture.write("empty.gguf", "");
    for file in ["noise.gguf", "empty.gguf", "missing.gguf"] {
        fixture.azr(&["model", "import", file, "--out", "model"]).expect_refusal(&[file, "GGUF"]);
        assert!(!fixture.path().join("model").exists());
    }
}

#[test]
fn a_bench_tells_rates_and_memory() {
    let fixture = Fixture::new();
    let flags =
        ["--batch", "1,3", "--prompt-tokens", "16", "--new-tokens", "4", "--repeat", "1", "--sequences", "2"];
    let value = fixture.azr(&[&["model", "bench", "--json"][..], &flags].concat()).expect_code(0).json();
    let rows = value["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["tokens_per_second"].as_f64().is_some_and(|rate| rate > 0.0)));
    assert!(value["peak_memory_mib"].as_u64().is_some_and(|peak| peak > 1));
}
