//! Reading the chain of step records: the one judge of what `steps.jsonl` still holds, for resume and for everything
//! that shows a run.

use crate::record::StepRecord;

/// The leading lines that are as the run wrote them.
#[derive(Debug, Default)]
pub struct Chain {
    /// The records.
    pub records: Vec<StepRecord>,
    /// Bytes of the text up to the end of the last record; what comes after is damage, or a line that a killed run cut.
    pub end: usize,
    /// Why the next line is no part of the chain. Lines number from 1.
    pub damage: Option<String>,
}

/// Reads the lines from the start of the chain (`None` where it is not known). A last line without its end is a record if
/// it is whole, and dropped if it is cut: what a killed run leaves behind.
pub fn read(bytes: &[u8], start: Option<&str>) -> Chain {
    let mut chain = Chain::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let record = match std::str::from_utf8(line) {
            Ok(text) => serde_json::from_str::<StepRecord>(text).map_err(|error| error.to_string()),
            Err(_) => Err("not text in UTF-8".to_owned()),
        };
        let fault = match record {
            Ok(record) => match breaks(&record, chain.records.last(), start) {
                None => {
                    chain.end += line.len();
                    chain.records.push(record);
                    continue;
                }
                Some(fault) => fault,
            },
            Err(reason) if line.ends_with(b"\n") => format!("no record of a step ({reason})"),
            Err(_) => break,
        };
        chain.damage = Some(format!("line {}: {fault}", chain.records.len() + 1));
        break;
    }
    chain
}

/// Why `record` cannot stand after `last` (or at the start of the chain).
fn breaks(record: &StepRecord, last: Option<&StepRecord>, start: Option<&str>) -> Option<String> {
    let step = record.step;
    if record.hash != record.computed_hash() {
        return Some(format!("the record of step {step} was altered: its content does not fit its hash"));
    }
    let expected = last.map_or(1, |last| last.step + 1);
    if step > expected {
        return Some(format!("{} missing before the record of step {step}", records_of(expected, step - 1)));
    }
    if step < expected {
        return Some(format!("the record of step {step} stands where that of step {expected} belongs"));
    }
    let follows = last.map_or(start, |last| Some(last.hash.as_str())).is_none_or(|hash| record.prev == hash);
    if follows {
        return None;
    }
    Some(match last {
        Some(last) => format!(
            "the record of step {step} does not follow the one of step {} that stands before it: one of the two was \
             replaced",
            last.step
        ),
        None => "the record of step 1 does not begin where run.json says: it is of another run".to_owned(),
    })
}

/// Names a range of records, with its verb.
pub fn records_of(first: u64, last: u64) -> String {
    if first == last {
        format!("the record of step {first} is")
    } else {
        format!("the records of steps {first} to {last} are")
    }
}
