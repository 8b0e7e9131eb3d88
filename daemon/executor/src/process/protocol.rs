//! What goes through the pipes: frames to and from the warm interpreter, and the lines that a child wrote.
//!
//! A child's lines are the program's claim. Every length is bounded before anything is allocated for it,
//! bytes that are not what an honest child writes are a `crashed` call, and no text decides more than the
//! verdict of its own call.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

use crate::instance::{self, Outcome};
use crate::{CallReport, FUEL_PER_SECOND, Limits, Verdict};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Longest header of a frame.
const MAX_HEADER_BYTES: u32 = 64 << 10;
/// Most bytes that a child may write, whatever the limits of its job say.
const MAX_SAID_BYTES: u64 = 256 << 20;
/// More address space than there is; Python takes no larger limit.
const MAX_ADDRESS_SPACE: u64 = i64::MAX as u64;
/// How long a call may take by the clock, as a multiple of its processor time, and at least.
const WALL_FACTOR: f64 = 5.0;
const WALL_FLOOR_SECONDS: f64 = 2.0;

/// Limits of one child, as the warm interpreter enforces them.
#[derive(Debug, Serialize)]
pub(super) struct ChildLimits {
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    /// The kernel's own limit for the whole child: a second line behind `cpu_seconds`.
    pub cpu_seconds_in_all: u64,
    pub address_space: u64,
    /// A child that has written so many lines has answered.
    pub lines: usize,
    pub bytes: u64,
}

impl ChildLimits {
    pub(super) fn new(limits: &Limits, calls: usize, warm_address_space: u64) -> Self {
        let cpu_seconds = limits.fuel as f64 / FUEL_PER_SECOND as f64;
        // Text and output of a call, each character six bytes when escaped, and the message of an exception.
        let line = 12 * u64::from(limits.output_chars) + (16 << 10);
        Self {
            cpu_seconds,
            wall_seconds: (WALL_FACTOR * cpu_seconds).max(WALL_FLOOR_SECONDS),
            cpu_seconds_in_all: (cpu_seconds * calls as f64).ceil().min(1e9) as u64 + 2,
            address_space: warm_address_space.saturating_add(limits.memory_bytes).min(MAX_ADDRESS_SPACE),
            lines: calls + 1,
            bytes: line.saturating_mul(calls as u64 + 1).min(MAX_SAID_BYTES),
        }
    }
}

/// How a child ended.
#[derive(Debug, Deserialize)]
pub(super) struct Ending {
    why: Why,
    code: i32,
    signal: i32,
    cpu_nanoseconds: u64,
    memory_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Why {
    /// It wrote all its lines.
    Done,
    /// It ended by itself.
    Ended,
    Timeout,
    /// It wrote more than it may.
    Flood,
}

impl Ending {
    /// The verdict of the call that did not return.
    fn verdict(&self, limits: &ChildLimits) -> Verdict {
        let out_of_time = self.signal == libc::SIGXCPU
            || self.signal == libc::SIGKILL
                && self.cpu_nanoseconds / 1_000_000_000 >= limits.cpu_seconds_in_all;
        match self.why {
            Why::Timeout => Verdict::Timeout,
            Why::Ended if out_of_time => Verdict::Timeout,
            Why::Ended if self.signal == 0 => Verdict::Exited { code: self.code },
            Why::Done | Why::Ended | Why::Flood => Verdict::Crashed,
        }
    }
}

/// A line that a child wrote.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    kind: String,
    text: String,
    exception: String,
    number: i64,
    stdout: String,
    nanoseconds: u64,
}

impl Line {
    /// Anything but a complete line of an honest child is a line without a kind, which is a crash.
    fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    fn verdict(self, limits: &Limits) -> (Verdict, String) {
        let Self { kind, text, exception, number, stdout, nanoseconds: _ } = self;
        instance::verdict(Outcome { kind, text, exception, number, stdout }, limits)
    }
}

fn lines(said: &[u8]) -> impl Iterator<Item = Line> {
    said.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")).map(Line::parse)
}

/// Why a child could not be locked down (then the program has not run), if it says so.
pub(super) fn setup_failure(said: &[u8]) -> Option<String> {
    lines(said).next().filter(|line| line.kind == "setup").map(|line| line.text)
}

/// The reports of `calls` as far as the child came: at least one, and the last may be of the call that ended
/// it. When the module level fails, that is the verdict of every call.
pub(super) fn reports(
    calls: &[String],
    ending: &Ending,
    said: &[u8],
    limits: &Limits,
    child: &ChildLimits,
) -> Vec<CallReport> {
    // The parts are claims, their sum is measured.
    let mut left = ending.cpu_nanoseconds;
    let mut fuel = |claimed: u64| {
        let nanoseconds = claimed.min(left);
        left -= nanoseconds;
        nanoseconds.saturating_mul(FUEL_PER_SECOND / 1_000_000_000)
    };
    let report = |call: &String, verdict: Verdict, stdout: String, fuel: u64| CallReport {
        call: call.clone(),
        verdict,
        stdout,
        fuel,
        memory_bytes: ending.memory_bytes,
    };
    let mut lines = lines(said);
    let (mut printed, mut loading) = match lines.next() {
        Some(line) if line.kind == "loaded" => (line.stdout, line.nanoseconds),
        other => {
            let (verdict, mut stdout) = match other {
                Some(line) => line.verdict(limits),
                None => (ending.verdict(child), String::new()),
            };
            let mut fuel = fuel(u64::MAX);
            let one =
                |call| report(call, verdict.clone(), std::mem::take(&mut stdout), std::mem::take(&mut fuel));
            return calls.iter().map(one).collect();
        }
    };
    let mut reports = Vec::with_capacity(calls.len());
    for call in calls {
        let Some(mut line) = lines.next() else {
            reports.push(report(call, ending.verdict(child), String::new(), fuel(u64::MAX)));
            break;
        };
        line.stdout.insert_str(0, &std::mem::take(&mut printed));
        let claimed = line.nanoseconds.saturating_add(std::mem::take(&mut loading));
        let (verdict, stdout) = line.verdict(limits);
        reports.push(report(call, verdict, stdout, fuel(claimed)));
    }
    reports
}

/// Writes lengths, header and body.
pub(super) fn write_frame(to: &mut impl Write, header: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the job is too long"))
    };
    let mut frame = Vec::with_capacity(8 + header.len() + body.len());
    frame.extend(length(&header)?.to_le_bytes());
    frame.extend(length(body)?.to_le_bytes());
    frame.extend(&header);
    frame.extend(body);
    to.write_all(&frame)
}

/// Reads a frame whose body has at most `max_body` bytes.
pub(super) fn read_frame<H: DeserializeOwned>(
    from: &mut impl Read,
    max_body: u64,
) -> io::Result<(H, Vec<u8>)> {
    let mut length = || {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    };
    let (header_length, body_length) = (length()?, length()?);
    if header_length > MAX_HEADER_BYTES || u64::from(body_length) > max_body {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is longer than it may be"));
    }
    let mut part = |length: u32| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        from.take(u64::from(length)).read_to_end(&mut bytes)?;
        if bytes.len() == length as usize { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    };
    let (header, body) = (part(header_length)?, part(body_length)?);
    Ok((serde_json::from_slice(&header)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls() -> Vec<String> {
        vec!["f(1)".into(), "f(2)".into()]
    }

    fn reports_of(said: &[u8], why: Why, code: i32, signal: i32) -> Vec<CallReport> {
        let ending = Ending { why, code, signal, cpu_nanoseconds: 1_000, memory_bytes: 1 };
        let limits = Limits { output_chars: 20, ..Limits::seconds(1.0) };
        let child = ChildLimits::new(&limits, 2, 0);
        reports(&calls(), &ending, said, &limits, &child)
    }

    fn verdicts(said: &str, why: Why, code: i32, signal: i32) -> Vec<Verdict> {
        reports_of(said.as_bytes(), why, code, signal).into_iter().map(|report| report.verdict).collect()
    }

    const LOADED: &str = "{\"kind\":\"loaded\"}\n";

    #[test]
    fn lines_and_endings_have_their_verdicts() {
        let value = |text: &str| Verdict::Value { text: text.into() };
        let one = format!("{LOADED}{{\"kind\":\"value\",\"text\":\"1\"}}\n");
        let two = format!("{one}{{\"kind\":\"value\",\"text\":\"2\"}}\n");
        assert_eq!(verdicts(&two, Why::Done, 0, 9), [value("1"), value("2")]);
        assert_eq!(verdicts(&one, Why::Timeout, 0, 9), [value("1"), Verdict::Timeout]);
        assert_eq!(verdicts(&one, Why::Ended, 3, 0), [value("1"), Verdict::Exited { code: 3 }]);
        assert_eq!(verdicts(&one, Why::Ended, 0, libc::SIGSEGV), [value("1"), Verdict::Crashed]);
        assert_eq!(verdicts(&one, Why::Ended, 0, libc::SIGXCPU), [value("1"), Verdict::Timeout]);
        assert_eq!(verdicts("", Why::Timeout, 0, 9), [Verdict::Timeout, Verdict::Timeout]);
        assert_eq!(verdicts("no newline", Why::Flood, 0, 9), [Verdict::Crashed, Verdict::Crashed]);
    }

    #[test]
    fn claims_are_bounded_by_what_was_measured() {
        let long = "x".repeat(50);
        let said = format!(
            "{LOADED}{{\"kind\":\"value\",\"text\":\"{long}\",\"nanoseconds\":{}}}\n{{\"kind\":\"raised\",\"stdout\":\"{long}\",\"nanoseconds\":5}}\n",
            u64::MAX
        );
        let reports = reports_of(said.as_bytes(), Why::Done, 0, 0);
        assert_eq!(reports[0].verdict, Verdict::OutputTooLarge { length: 50 });
        assert_eq!((reports[0].fuel, reports[1].fuel), (25_000, 0));
        assert_eq!(reports[1].stdout.len(), 20);
    }

    #[test]
    fn a_frame_longer_than_it_may_be_is_refused_unread() {
        let huge = [u32::MAX.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
        assert!(read_frame::<Ending>(&mut huge.as_slice(), 1 << 20).is_err());
        let mut frame = Vec::new();
        write_frame(&mut frame, &[1, 2], b"body").unwrap();
        let (header, body): (Vec<u8>, _) = read_frame(&mut frame.as_slice(), 4).unwrap();
        assert_eq!((header.as_slice(), body.as_slice()), ([1, 2].as_slice(), b"body".as_slice()));
        assert!(read_frame::<Vec<u8>>(&mut frame.as_slice(), 3).is_err());
        assert!(read_frame::<Vec<u8>>(&mut &frame[..frame.len() - 1], 4).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_at_least_one_report(
            said in prop::collection::vec(any::<u8>(), 0..400),
            lines in prop::collection::vec("(loaded|value|\\{|\"|:|kind|text|[0-9]{1,40}|\\}|,|\\[|\u{e9}){0,12}", 0..6),
            loaded in any::<bool>(),
        ) {
            let prefix = if loaded { LOADED } else { "" };
            for said in [said, format!("{prefix}{}\n", lines.join("\n")).into_bytes()] {
                let reports = reports_of(&said, Why::Ended, 0, 11);
                prop_assert!(!reports.is_empty() && reports.len() <= 2);
                let _ = setup_failure(&said);
                let _ = read_frame::<Ending>(&mut said.as_slice(), 1 << 10);
            }
        }
    }
}
