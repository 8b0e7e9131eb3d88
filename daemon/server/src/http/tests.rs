use super::*;
use crate::actor::{ActorConfig, LoadModel, ServedModel};
use azr_model::random::DrawKey;
use azr_model::{EngineConfig, GenerationConfig, ModelConfig, ModelFolder, Qwen2Shape, Tokenizer, Weights};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A model of one character a token, with random weights.
fn model() -> ServedModel {
    let letter = |token: u32| char::from_u32('a' as u32 + token).unwrap();
    let vocabulary: serde_json::Map<String, Value> =
        (0..26).map(|token| (letter(token).to_string(), token.into())).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocabulary, "merges": []}
    });
    let mut config = ModelConfig::from(Qwen2Shape {
        vocab_size: 26,
        hidden_size: 16,
        intermediate_size: 32,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        num_key_value_heads: 2,
        max_position_embeddings: 64,
        tie_word_embeddings: true,
    });
    config.initializer_range = 0.3;
    let folder = ModelFolder {
        weights: Weights::init(config, &DrawKey::new(1, 0, "test", 0)).unwrap(),
        tokenizer: Arc::new(Tokenizer::from_bytes(tokenizer.to_string().as_bytes(), &[]).unwrap()),
        generation: GenerationConfig::default(),
        chat: None,
    };
    ServedModel { name: "letters".to_owned(), folder, compact: true }
}

/// Status and body of a request to a fresh endpoint.
fn request(method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let model = model();
        let load: LoadModel = Arc::new(move || Ok(model.clone()));
        let engine = EngineConfig { slots: 4, max_context: 64 };
        let actor =
            ModelActor::start(load, ActorConfig { engine, threads: Some(1), ..ActorConfig::default() });
        let endpoint = Arc::new(Endpoint::new(actor, "secret", 7));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, router(endpoint), async { drop(stopped.await) }));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        (status, if chunked { unchunked(body) } else { body.to_owned() })
    })
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        text.push_str(&rest[..length]);
        body = rest[length..].trim_start_matches("\r\n");
        if length == 0 {
            break;
        }
    }
    text
}

fn posted(path: &str, body: &Value) -> Value {
    let (status, text) = request("POST", path, "secret", &body.to_string());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_token_is_asked_for_everywhere_but_at_healthz() {
    assert_eq!(request("GET", "/healthz", "", "").1, "ok\n");
    let metrics = request("GET", "/metrics", "secret", "").1;
    assert!(metrics.contains("azr_requests_open{priority=\"interactive\"} 0\n"));
    for token in ["", "wrong", "secrets"] {
        assert_eq!(request("GET", "/v1/models", token, "").0, 401);
        assert_eq!(request("GET", "/metrics", token, "").0, 401);
        assert_eq!(request("POST", "/v1/completions", token, "{}").0, 401);
    }
    let (status, models) = request("GET", "/v1/models", "secret", "");
    assert_eq!((status, models.contains("\"id\":\"letters\"")), (200, true));
    assert_eq!(request("GET", "/other", "secret", "").0, 404);
}

#[test]
fn completions_have_choices_usage_and_log_probabilities() {
    let body = json!({"model": "letters", "prompt": ["abc", "de"], "n": 2, "max_tokens": 5, "seed": 3, "logprobs": 2});
    let answer = posted("/v1/completions", &body);
    let choices = answer["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 4);
    for (index, choice) in choices.iter().enumerate() {
        assert_eq!(
            (choice["index"].as_u64().unwrap() as usize, &choice["finish_reason"]),
            (index, &json!("length"))
        );
        assert_eq!(choice["text"].as_str().unwrap().len(), 5);
        assert_eq!(choice["logprobs"]["top_logprobs"][0].as_object().unwrap().len(), 2);
        assert_eq!(choice["logprobs"]["text_offset"], json!([0, 1, 2, 3, 4]));
    }
    assert_eq!(answer["usage"], json!({"prompt_tokens": 5, "completion_tokens": 20, "total_tokens": 25}));
    assert_eq!(
        posted("/v1/completions", &body)["choices"],
        answer["choices"],
        "the same seed gives the same"
    );
    let stop = choices[0]["text"].as_str().unwrap()[2..3].to_owned();
    let first = choices[0]["text"].as_str().unwrap().split(&stop).next().unwrap().to_owned();
    let stopped = posted(
        "/v1/completions",
        &json!({"model": "letters", "prompt": ["abc", "de"], "n": 2, "max_tokens": 5, "seed": 3, "stop": [stop]}),
    );
    assert_eq!(stopped["choices"][0]["text"], first);
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
}

#[test]
fn streamed_tokens_say_where_they_begin() {
    let body = json!({"model": "letters", "prompt": "abc", "max_tokens": 4, "seed": 3, "logprobs": 0, "stream": true});
    let (status, text) = request("POST", "/v1/completions", "secret", &body.to_string());
    assert_eq!(status, 200, "{text}");
    let chunks: Vec<Value> = text
        .split("\n\n")
        .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
        .collect();
    let offsets: Vec<&Value> = chunks
        .iter()
        .flat_map(|chunk| chunk["choices"][0]["logprobs"]["text_offset"].as_array().unwrap())
        .collect();
    assert_eq!(offsets, [0, 1, 2, 3]);
}

#[test]
fn a_stream_gives_the_text_of_the_whole_answer() {
    let mut body = json!({"model": "letters", "messages": [{"role": "user", "content": "abc"}], "max_tokens": 6, "seed": 1});
    let whole = posted("/v1/chat/completions", &body);
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    let (status, text) = request("POST", "/v1/chat/completions", "secret", &body.to_string());
    assert_eq!(status, 200);
    let events: Vec<&str> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let joined: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(joined, whole["choices"][0]["message"]["content"].as_str().unwrap());
    assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
}

#[test]
fn what_cannot_be_done_is_refused() {
    for (body, part) in [
        (json!({"model": "letters", "prompt": "a", "echo": true}), "echo"),
        (json!({"model": "letters", "prompt": [1, 2]}), "prompt"),
        (json!({"model": "letters", "prompt": "a", "n": 0}), "completions"),
        (json!({"model": "letters", "prompt": "a", "temperature": 3}), "temperature"),
        (json!({"model": "letters", "prompt": "a", "stop": ""}), "stop"),
        (json!({"model": "letters", "prompt": "a", "frequency_penalty": 1}), "frequency_penalty"),
        (json!({"prompt": "a"}), "model"),
        (json!([]), "object"),
    ] {
        let (status, text) = request("POST", "/v1/completions", "secret", &body.to_string());
        assert_eq!(status, 400, "{body} {text}");
        assert!(text.contains(part) && text.contains("invalid_request_error"), "{body} {text}");
    }
    let (status, text) =
        request("POST", "/v1/completions", "secret", &json!({"model": "other", "prompt": "a"}).to_string());
    assert_eq!((status, text.contains("letters")), (404, true));
    assert_eq!(request("POST", "/v1/completions", "secret", "{").0, 400);
}
