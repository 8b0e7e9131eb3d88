use super::*;
use azr_model::Sampling;
use azr_model::random::DrawKey;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

/// A server on the loopback: `answer` maps (request line, body, how many came before) to (status, headers, body).
fn serve(
    answer: impl Fn(&str, &Value, usize) -> (u16, &'static str, String) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    let count = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut received = Vec::new();
                let mut buffer = [0; 4096];
                let (head, body) = loop {
                    let n = stream.read(&mut buffer).unwrap_or(0);
                    if n == 0 {
                        return;
                    }
                    received.extend_from_slice(&buffer[..n]);
                    let text = String::from_utf8_lossy(&received).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head
                        .lines()
                        .find_map(|line| {
                            line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
                        })
                        .unwrap_or(0);
                    if body.len() >= length {
                        break (head.to_owned(), body.to_owned());
                    }
                };
                let line = head.lines().next().unwrap_or_default().to_owned();
                let body = serde_json::from_str(&body).unwrap_or(Value::Null);
                let (status, headers, text) = answer(&line, &body, count.fetch_add(1, Ordering::SeqCst));
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{text}",
                    text.len()
                );
            });
        }
    });
    format!("http://{address}/v1")
}

fn request(prompt: &str) -> GenerateRequest {
    GenerateRequest {
        prompt: prompt.into(),
        max_new_tokens: 16,
        stop: vec!["\n\n".into(), "END".into()],
        sampling: Sampling::GREEDY,
        key: DrawKey::new(0, 0, "test", 1),
    }
}

fn quick(url: String, interface: Interface) -> RemoteConfig {
    RemoteConfig {
        pause: Duration::from_millis(1),
        tries: 3,
        model: Some("m".into()),
        ..RemoteConfig::new(url, interface)
    }
}

#[test]
fn completions_come_back_in_order() {
    let url = serve(|line, body, _| {
        assert!(line.starts_with("POST /v1/completions"), "{line}");
        assert_eq!((body["model"].as_str(), body["temperature"].as_f64()), (Some("m"), Some(0.0)));
        let prompt = body["prompt"].as_str().unwrap();
        let text = json!({"choices": [{"text": format!("<{prompt}>END more"), "finish_reason": "length"}], "usage": {"completion_tokens": 3}});
        (200, "", text.to_string())
    });
    let mut model = RemoteModel::open(quick(url, Interface::Completions)).unwrap();
    let requests: Vec<GenerateRequest> = (0..40).map(|index| request(&index.to_string())).collect();
    let completions = model.generate(&requests).unwrap();
    for (index, completion) in completions.iter().enumerate() {
        assert_eq!(completion.text, format!("<{index}>"));
        assert_eq!((completion.tokens.len(), completion.finish), (3, FinishReason::Stop));
    }
}

#[test]
fn chat_and_the_name_of_the_model() {
    let url = serve(|line, body, _| {
        if line.starts_with("GET /v1/models") {
            return (200, "", json!({"data": [{"id": "listed"}]}).to_string());
        }
        assert!(line.starts_with("POST /v1/chat/completions"), "{line}");
        assert_eq!(body["model"], "listed");
        let text = body["messages"][0]["content"].as_str().unwrap().to_uppercase();
        (200, "", json!({"choices": [{"message": {"content": text}, "finish_reason": "length"}]}).to_string())
    });
    let mut model = RemoteModel::open(RemoteConfig { model: None, ..quick(url, Interface::Chat) }).unwrap();
    assert_eq!(model.name(), "listed");
    let completion = model.generate(&[request("hi")]).unwrap().remove(0);
    assert_eq!((completion.text.as_str(), completion.finish), ("HI", FinishReason::Length));
}

#[test]
fn a_busy_server_is_asked_again() {
    let url = serve(|_, _, before| match before {
        0 => (429, "Retry-After: 0\r\n", "slow down".into()),
        1 => (503, "", "starting".into()),
        _ => (200, "", json!({"choices": [{"text": "ok"}]}).to_string()),
    });
    let mut model = RemoteModel::open(quick(url, Interface::Completions)).unwrap();
    assert_eq!(model.generate(&[request("x")]).unwrap()[0].text, "ok");
}

#[test]
fn failures_say_what_the_server_said() {
    for (status, body, want) in [
        (400, "no such model", "no such model"),
        (500, "broken", "after 3 tries: status 500: broken"),
        (200, "not json", "something else"),
        (200, "{}", "no text"),
    ] {
        let url = serve(move |_, _, _| (status, "", body.to_owned()));
        let mut model = RemoteModel::open(quick(url, Interface::Completions)).unwrap();
        let error = model.generate(&[request("x"), request("y")]).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut model = RemoteModel::open(quick(format!("http://{closed}/v1"), Interface::Completions)).unwrap();
    assert!(model.generate(&[request("x")]).is_err());
}
