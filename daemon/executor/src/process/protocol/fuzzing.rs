//! What is asserted of any bytes from a child or a warm interpreter (fuzz target `protocol`).

use super::{ChildLimits, Ending, Line, read_frame, reports, setup_failure, write_frame};
use crate::{CallReport, FUEL_PER_SECOND, Limits, Verdict};

#[path = "../../../fuzz/entries/limits.rs"]
mod limits;

/// Most bytes of a body that the input may choose.
const MAX_BODY_BYTES: u64 = 4_096;

/// Bytes of two settings (characters of output; calls), then a frame of the warm interpreter whose body is what
/// a child wrote. The rest is also taken as a child's words as it stands, under endings of every kind.
pub fn check(data: &[u8]) {
    let Some((&[output_chars, calls], rest)) = data.split_first_chunk() else { return };
    let limits = Limits { output_chars: u32::from(output_chars), ..Limits::seconds(1.0) };
    let calls: Vec<String> = (0..=calls % 4).map(|number| format!("f({number})")).collect();
    let child = ChildLimits::new(&limits, calls.len(), 0);
    let judge = |ending: &Ending, said: &[u8]| {
        let reports = reports(&calls, ending, said, &limits, &child);
        check_reports(&reports, &calls, ending, &limits);
    };
    if let Ok((ending, said)) = read_frame::<Ending>(&mut &rest[..], MAX_BODY_BYTES) {
        assert!(said.len() as u64 <= MAX_BODY_BYTES, "a body of {} bytes", said.len());
        judge(&ending, &said);
    }
    if let Ok((header, body)) = read_frame::<serde_json::Value>(&mut &rest[..], MAX_BODY_BYTES) {
        let mut frame = Vec::new();
        write_frame(&mut frame, &header, &body).expect("what was read can be written");
        let again = read_frame::<serde_json::Value>(&mut frame.as_slice(), MAX_BODY_BYTES);
        assert_eq!(again.expect("what was written can be read"), (header, body));
    }
    for ending in ENDINGS {
        let ending = serde_json::from_str(ending).expect("an ending as the warm interpreter writes it");
        judge(&ending, rest);
    }
    check_outcome(rest, &limits);
    let failed = setup_failure(rest).is_some();
    assert!(!failed || rest.contains(&b'\n'), "half a line was taken for a whole one");
}

const ENDINGS: [&str; 5] = [
    r#"{"why":"done","code":0,"signal":9,"cpu_nanoseconds":1000,"memory_bytes":1}"#,
    r#"{"why":"ended","code":-2147483648,"signal":0,"cpu_nanoseconds":0,"memory_bytes":0}"#,
    r#"{"why":"ended","code":0,"signal":9,"cpu_nanoseconds":18446744073709551615,"memory_bytes":1}"#,
    r#"{"why":"timeout","code":0,"signal":9,"cpu_nanoseconds":1000,"memory_bytes":1}"#,
    r#"{"why":"flood","code":0,"signal":9,"cpu_nanoseconds":1000,"memory_bytes":1}"#,
];

fn check_reports(reports: &[CallReport], calls: &[String], ending: &Ending, limits: &Limits) {
    assert!((1..=calls.len()).contains(&reports.len()), "{} reports of {} calls", reports.len(), calls.len());
    // The kernel's figures are the truth: the claims add up to no more, and memory is not claimed at all.
    let most = ending.cpu_nanoseconds.saturating_mul(FUEL_PER_SECOND / 1_000_000_000);
    let fuel = reports.iter().fold(0_u64, |sum, report| sum.saturating_add(report.fuel));
    assert!(fuel <= most, "{fuel} units of {most}");
    for (report, call) in reports.iter().zip(calls) {
        assert_eq!(&report.call, call);
        assert_eq!(report.memory_bytes, ending.memory_bytes);
        limits::check(report, limits);
    }
}

/// One line with the rules by which a guest's report is mapped too: both are the program's claim.
fn check_outcome(line: &[u8], limits: &Limits) {
    let (verdict, stdout) = Line::parse(line).verdict(limits);
    let report = CallReport { call: String::new(), verdict, stdout, fuel: 0, memory_bytes: 0 };
    limits::check(&report, limits);
}
