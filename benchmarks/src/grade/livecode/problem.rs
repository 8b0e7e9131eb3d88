//! Problems of LiveCodeBench as published: rows of JSON whose private tests may be packed (base64, zlib, pickle).
//!
//! A pickle is never executed: only the few operations that hold one text are read.

use crate::BenchmarkError;
use base64::Engine;
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use std::io::Read;

/// Longest unpacked list of tests, in bytes.
const TESTS_BOUND: u64 = 512 << 20;

/// A problem without its private tests.
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// Name, e.g. `1873_A`.
    pub question_id: String,
    /// The text.
    pub question_content: String,
    /// Code to begin with, empty for programs that read standard input.
    #[serde(default)]
    pub starter_code: String,
    /// `easy`, `medium`, `hard`.
    #[serde(default)]
    pub difficulty: String,
    #[serde(default)]
    metadata: String,
}

/// The tests of a row.
#[derive(Deserialize)]
struct PackedTests {
    #[serde(default)]
    public_test_cases: String,
    #[serde(default)]
    private_test_cases: String,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Test {
    /// Standard input, or one JSON value a line for each argument.
    pub input: String,
    /// What is printed, or the JSON value that is returned.
    pub output: String,
    /// `stdin` or `functional`.
    #[serde(default)]
    pub testtype: String,
}

impl Problem {
    /// Name of the function that is called; `None` for programs that read standard input.
    pub fn function_name(&self) -> Option<String> {
        let metadata: serde_json::Value = serde_json::from_str(&self.metadata).ok()?;
        metadata.get("func_name")?.as_str().map(str::to_owned)
    }
}

/// Public tests, then private ones, of a line of the file.
pub fn tests(line: &str, question_id: &str) -> Result<Vec<Test>, BenchmarkError> {
    let bad = |message: String| BenchmarkError::BadLine {
        file: format!("livecodebench, problem {question_id}"),
        line: 0,
        message,
    };
    let packed: PackedTests = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
    let mut all: Vec<Test> = if packed.public_test_cases.is_empty() {
        Vec::new()
    } else {
        serde_json::from_str(&packed.public_test_cases)
            .map_err(|error| bad(format!("public_test_cases: {error}")))?
    };
    let private = packed.private_test_cases.trim();
    if !private.is_empty() {
        let more: Vec<Test> = if let Ok(tests) = serde_json::from_str(private) {
            tests
        } else {
            let text = unpacked(private).map_err(|error| bad(format!("private_test_cases: {error}")))?;
            serde_json::from_str(&text).map_err(|error| bad(format!("private_test_cases: {error}")))?
        };
        all.extend(more);
    }
    if all.is_empty() {
        return Err(bad("it has no tests".into()));
    }
    Ok(all)
}

/// base64 -> zlib -> a pickle of one text.
fn unpacked(text: &str) -> Result<String, String> {
    let packed = base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|error| format!("neither JSON nor base64: {error}"))?;
    let mut pickle = Vec::new();
    ZlibDecoder::new(&packed[..])
        .take(TESTS_BOUND + 1)
        .read_to_end(&mut pickle)
        .map_err(|error| format!("cannot be unpacked: {error}"))?;
    if pickle.len() as u64 > TESTS_BOUND {
        return Err(format!("more than {TESTS_BOUND} bytes"));
    }
    pickled_text(&pickle).ok_or_else(|| "not a pickle of one text".to_owned())
}

/// The text of a pickle that holds one text and nothing else.
fn pickled_text(pickle: &[u8]) -> Option<String> {
    let mut rest = pickle;
    let mut text = None;
    while let Some((operation, after)) = rest.split_first() {
        let sized = |size: usize| {
            let (length, after) = after.split_at_checked(size)?;
            let length = length.iter().rev().fold(0_u64, |total, byte| (total << 8) | u64::from(*byte));
            after.split_at_checked(usize::try_from(length).ok()?)
        };
        rest = match operation {
            // Protocol; frame; memo entries.
            0x80 | b'q' => after.get(1..)?,
            0x95 => after.get(8..)?,
            b'r' => after.get(4..)?,
            0x94 => after,
            // Texts by the width of their length.
            0x8c | b'X' | 0x8d if text.is_none() => {
                let (content, after) = sized(match operation {
                    0x8c => 1,
                    b'X' => 4,
                    _ => 8,
                })?;
                text = Some(String::from_utf8(content.to_vec()).ok()?);
                after
            }
            b'.' if after.is_empty() => return text,
            _ => return None,
        };
    }
    None
}

#[cfg(test)]
mod unit {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packed_tests_are_read() {
        // base64.b64encode(zlib.compress(pickle.dumps(json.dumps([{"input": "1\n2", "output": "3", "testtype": "stdin"}])))).
        let packed = include_str!("packed_tests.txt").trim();
        let row = serde_json::json!({
            "public_test_cases": r#"[{"input": "0", "output": "0", "testtype": "stdin"}]"#,
            "private_test_cases": packed,
        });
        let all = tests(&row.to_string(), "x").unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[1].input.as_str(), all[1].output.as_str()), ("1\n2", "3"));
        let none = serde_json::json!({"public_test_cases": "[]", "private_test_cases": ""});
        assert!(tests(&none.to_string(), "x").unwrap_err().to_string().contains("no tests"));
    }

    #[test]
    fn a_pickle_that_would_run_something_is_refused() {
        // cos\nsystem\n(S'true'\ntR.
        assert_eq!(pickled_text(b"cos\nsystem\n(S'true'\ntR."), None);
        assert_eq!(pickled_text(b"\x80\x04\x8c\x02ok\x94."), Some("ok".into()));
        assert_eq!(pickled_text(b"\x80\x04\x8c\xffok\x94."), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9+/=]{0,80}") {
            let _ = pickled_text(&bytes);
            let _ = unpacked(&text);
        }
    }
}
