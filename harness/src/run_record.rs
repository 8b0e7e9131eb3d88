//! Reading the record of a run that may have been damaged: nothing is shown, compared or continued that is not what
//! the run wrote down.
//!
//! `steps.jsonl` is a chain of hashes from `run.json` on, and every checkpoint names the record that it continues. A
//! record that was altered, removed or moved therefore shows, and the message says which one and what is still good.
//! What nothing tells apart from a killed run is a cut last line: it is dropped, as on resume.

use crate::config::Config;
use crate::config::layers::Layers;
use crate::failure::Failure;
use crate::files;
use anyhow::Context;
use azr_reports::{Error as ReportError, Run};
use azr_selfplay::chain;
use azr_selfplay::checkpoint::Manifest;
use std::fs;
use std::path::Path;

/// Loads a run folder for a report or a comparison, its configuration and its chain of steps checked.
pub fn load(folder: &Path) -> anyhow::Result<Run> {
    check_config(folder)?;
    check_steps(folder)?;
    Run::load(folder).map_err(|error| report_failure(folder, error))
}

/// An error of a report with what to do about it.
pub fn report_failure(folder: &Path, error: ReportError) -> anyhow::Error {
    let advice = match &error {
        ReportError::NotARun { .. } => "pass the folder of a run, such as runs/tiny-seed1".to_owned(),
        ReportError::Read { path, .. }
        | ReportError::TooLarge { path, .. }
        | ReportError::Malformed { path, .. }
        | ReportError::ChangedAnswers { path, .. }
        | ReportError::Rollouts { path, .. } => format!(
            "restore {} from a copy, or put it aside under another name: the report then leaves out what it held",
            path.display()
        ),
        ReportError::Plot { .. } | ReportError::Page(_) | ReportError::Write { .. } => {
            return anyhow::Error::new(error).context("cannot write the report");
        }
    };
    Failure::new(format!("cannot read the run {}: {error}", folder.display()), advice).into()
}

/// The configuration must be one: keys and types as the program knows them.
fn check_config(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("config.toml");
    if !path.is_file() {
        return Ok(());
    }
    let broken = || format!("the configuration of the run {} is broken", folder.display());
    let mut layers = Layers::default();
    layers.add_toml(&path.display().to_string(), &files::read_text(&path)?).with_context(broken)?;
    Config::read(&layers).with_context(broken)?;
    Ok(())
}

/// What is wrong with `steps.jsonl`.
#[derive(Debug, PartialEq, Eq)]
struct Damage {
    /// What and where.
    what: String,
    /// Leading records that are as the run wrote them.
    intact: u64,
}

/// The steps must be the records that the run wrote, all of them, in their order.
pub fn check_steps(folder: &Path) -> anyhow::Result<()> {
    // Before the steps: a run that is going on adds a record first, then the checkpoint that continues it.
    let checkpoints = checkpoints(folder);
    let path = folder.join("steps.jsonl");
    let bytes = if path.is_file() { files::read_bytes(&path)? } else { Vec::new() };
    let start = chain_start(folder);
    let Some(damage) = find_damage(&bytes, start.as_deref(), &checkpoints) else { return Ok(()) };
    let what = format!("{}: {}", path.display(), damage.what);
    Err(Failure::new(what, advice(folder, &damage, &checkpoints)).into())
}

/// The first fault of the chain of records, if any.
fn find_damage(bytes: &[u8], start: Option<&str>, checkpoints: &[Manifest]) -> Option<Damage> {
    let chain = chain::read(bytes, start);
    let (records, intact) = (&chain.records, chain.records.len() as u64);
    if let Some(what) = chain.damage {
        return Some(Damage { what, intact });
    }
    if let Some(Manifest { step, .. }) = checkpoints.last().filter(|newest| newest.step > intact) {
        let missing = chain::records_of(intact + 1, *step);
        let what = format!("{missing} missing at the end: the checkpoint step-{step} was written after that");
        return Some(Damage { what, intact });
    }
    let foreign = checkpoints.iter().filter(|checkpoint| checkpoint.step > 0).find(|checkpoint| {
        !records.iter().any(|record| record.step == checkpoint.step && record.hash == checkpoint.chain)
    })?;
    let step = foreign.step;
    let what = format!("the record of step {step} is not the one that the checkpoint step-{step} continues");
    Some(Damage { what, intact: 0 })
}

/// How to go on, as far as what is intact allows.
fn advice(folder: &Path, damage: &Damage, checkpoints: &[Manifest]) -> String {
    let run = folder.display();
    let intact = damage.intact;
    let mut text = match intact {
        0 => "restore the file from a copy".to_owned(),
        1 => "the first record is intact; restore the file from a copy".to_owned(),
        _ => format!("the first {intact} records are intact; restore the file from a copy"),
    };
    let usable = checkpoints.iter().map(|checkpoint| checkpoint.step).filter(|step| *step <= intact).max();
    let later = checkpoints.iter().any(|checkpoint| checkpoint.step > intact);
    match usable {
        Some(step) => {
            text += ", or put it aside";
            if intact > 0 {
                text += &format!(", make it anew from its first {intact} lines");
            }
            if later {
                text += &format!(", put the checkpoints after step-{step} aside");
            }
            text += &format!(
                " and go on with --resume --run-dir {run}: the steps after the checkpoint step-{step} are done again and \
                 come out the same"
            );
        }
        None => {
            text += &format!(
                ", or do the run again in another folder (azr train {run}/config.toml --run-dir NEW): it gives the same \
                 records"
            );
        }
    }
    text
}

/// The beginning of the chain, where the folder says it.
fn chain_start(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("run.json")).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value["chain_start"].as_str().map(str::to_owned)
}

/// The lists of the complete checkpoints, by step. An unreadable one says nothing here; loading it is an error.
fn checkpoints(folder: &Path) -> Vec<Manifest> {
    let entries = fs::read_dir(folder.join("checkpoints")).into_iter().flatten().flatten();
    let mut manifests: Vec<Manifest> = entries
        .filter_map(|entry| {
            let step: u64 = entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok()?;
            let text = fs::read(entry.path().join("checkpoint.json")).ok()?;
            serde_json::from_slice(&text).ok().filter(|manifest: &Manifest| manifest.step == step)
        })
        .collect();
    manifests.sort_by_key(|manifest| manifest.step);
    manifests
}

#[cfg(test)]
mod tests {
    use super::*;
    use azr_selfplay::record::StepRecord;
    use std::collections::BTreeMap;

    fn lines(n: u64) -> Vec<String> {
        let mut prev = "start".to_owned();
        (1..=n)
            .map(|step| {
                let mut record = StepRecord { step, loss: 0.5 / step as f64, ..StepRecord::default() };
                record.seal(&prev);
                prev.clone_from(&record.hash);
                serde_json::to_string(&record).unwrap() + "\n"
            })
            .collect()
    }

    fn hash(line: &str) -> String {
        serde_json::from_str::<StepRecord>(line).unwrap().hash
    }

    fn checkpoint(step: u64, chain: &str) -> Manifest {
        Manifest { step, chain: chain.into(), weights_hash: String::new(), files: BTreeMap::new() }
    }

    #[track_caller]
    fn damage(lines: &[String]) -> (String, u64) {
        let damage = find_damage(lines.concat().as_bytes(), Some("start"), &[]).expect("the chain is broken");
        (damage.what, damage.intact)
    }

    #[test]
    fn an_intact_chain_passes_with_and_without_a_cut_last_line() {
        let whole = lines(4);
        let checkpoints = [checkpoint(0, "start"), checkpoint(2, &hash(&whole[1]))];
        let text = whole.concat();
        for cut in [text.len(), text.len() - 1, text.len() - 20] {
            assert_eq!(find_damage(&text.as_bytes()[..cut], Some("start"), &checkpoints), None, "{cut}");
        }
        assert_eq!(find_damage(b"", Some("start"), &checkpoints[..1]), None);
        assert_eq!(find_damage(text.as_bytes(), None, &[]), None, "without run.json the start is not known");
    }

    #[test]
    fn an_altered_a_removed_and_a_moved_record_are_named() {
        let whole = lines(5);
        let mut altered = whole.clone();
        altered[2] = altered[2].replace("\"tokens\":0", "\"tokens\":1");
        let (what, intact) = damage(&altered);
        assert_eq!(
            (what.as_str(), intact),
            ("line 3: the record of step 3 was altered: its content does not fit its hash", 2)
        );

        let mut removed = whole.clone();
        removed.remove(1);
        let (what, intact) = damage(&removed);
        assert_eq!(
            (what.as_str(), intact),
            ("line 2: the record of step 2 is missing before the record of step 3", 1)
        );
        removed.drain(..2);
        assert!(damage(&removed).0.contains("the records of steps 1 to 3 are missing"), "{removed:?}");

        let mut moved = whole.clone();
        moved.swap(3, 4);
        assert_eq!(damage(&moved).1, 3);
        let mut twice = whole.clone();
        twice.insert(2, whole[1].clone());
        assert!(
            damage(&twice).0.contains("line 3: the record of step 2 stands where that of step 3 belongs")
        );
    }

    #[test]
    fn a_record_of_another_run_is_named() {
        let whole = lines(3);
        let mut other = StepRecord { step: 2, loss: 9.0, ..StepRecord::default() };
        other.seal(&hash(&whole[0]));
        let replaced = [whole[0].clone(), serde_json::to_string(&other).unwrap() + "\n", whole[2].clone()];
        assert!(
            damage(&replaced).0.contains("line 3: the record of step 3 does not follow the one of step 2")
        );
        let begun = find_damage(whole.concat().as_bytes(), Some("elsewhere"), &[]).unwrap();
        assert!(begun.what.contains("it is of another run"), "{begun:?}");
    }

    #[test]
    fn garbage_is_named_with_its_line() {
        let whole = lines(3);
        for garbage in [&b"\xff\xfe\x00\n"[..], b"\n", b"{\"step\": 2}\n", b"not json\n"] {
            let bytes = [whole[0].as_bytes(), garbage, whole[1].as_bytes()].concat();
            let damage = find_damage(&bytes, Some("start"), &[]).unwrap();
            assert!(damage.what.starts_with("line 2: no record of a step"), "{damage:?}");
            assert_eq!(damage.intact, 1);
        }
    }

    #[test]
    fn records_cut_off_before_a_checkpoint_are_missed() {
        let whole = lines(4);
        let checkpoints = [checkpoint(2, &hash(&whole[1])), checkpoint(4, &hash(&whole[3]))];
        let cut = find_damage(whole[..2].concat().as_bytes(), Some("start"), &checkpoints).unwrap();
        assert!(cut.what.starts_with("the records of steps 3 to 4 are missing at the end"), "{cut:?}");
        let advice = advice(Path::new("runs/x"), &cut, &checkpoints);
        for part in [
            "the first 2 records are intact",
            "put the checkpoints after step-2 aside",
            "--resume --run-dir runs/x",
        ] {
            assert!(advice.contains(part), "{advice}");
        }
        let foreign = [checkpoint(2, "another")];
        assert!(
            find_damage(whole.concat().as_bytes(), Some("start"), &foreign).unwrap().what.contains("step-2")
        );
    }
}
