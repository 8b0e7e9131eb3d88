//! Choosing a run folder: a new one is never an old one, and a run goes on only where that was asked for.

use crate::failure::Failure;
use anyhow::Context;
use azr_selfplay::checkpoint;
use std::path::{Path, PathBuf};

/// Folder of the runs, below the current folder.
const RUNS: &str = "runs";

/// A chosen folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// The folder.
    pub path: PathBuf,
    /// Why it is not the one the name suggests, for the user.
    pub remark: Option<String>,
}

/// The folder for a run called `name`: `given` if the user named one, else `runs/<name>`.
///
/// A new run gets a fresh number where `runs/<name>` is taken; `resume` takes the newest of them.
pub fn choose(given: Option<&Path>, name: &str, resume: bool) -> anyhow::Result<Choice> {
    choose_below(Path::new(RUNS), given, name, resume)
}

/// The same below another folder than `runs`.
pub fn choose_below(runs: &Path, given: Option<&Path>, name: &str, resume: bool) -> anyhow::Result<Choice> {
    if let Some(path) = given {
        return match (is_taken(path)?, resume) {
            (true, false) => Err(Failure::new(
                format!("the run folder {} exists already", path.display()),
                "add --resume to go on with that run, or choose another --run-dir",
            )
            .into()),
            (false, true) => Err(nothing_to_resume(path)),
            _ => Ok(Choice { path: path.to_owned(), remark: None }),
        };
    }
    let numbered =
        |number: u32| runs.join(if number == 1 { name.to_owned() } else { format!("{name}-{number}") });
    let mut free = 1;
    while is_taken(&numbered(free))? {
        free += 1;
    }
    match (free, resume) {
        (1, true) => Err(nothing_to_resume(&numbered(1))),
        (_, true) => Ok(Choice { path: numbered(free - 1), remark: None }),
        (1, false) => Ok(Choice { path: numbered(1), remark: None }),
        (_, false) => {
            let taken = numbered(free - 1);
            let remark = format!(
                "{} exists: this run goes into {} (use --resume to go on with the earlier one)",
                taken.display(),
                numbered(free).display()
            );
            Ok(Choice { path: numbered(free), remark: Some(remark) })
        }
    }
}

fn nothing_to_resume(path: &Path) -> anyhow::Error {
    Failure::new(
        format!("nothing to resume: there is no run in {}", path.display()),
        "leave out --resume, or name the run with --run-dir",
    )
    .into()
}

/// Does something lie there?
fn is_taken(path: &Path) -> anyhow::Result<bool> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => {
            let what = format!("cannot use {} as a run folder: {error}", path.display());
            Err(Failure::new(what, "give a new folder, or the folder of a run, with --run-dir").into())
        }
    }
}

/// Files of a checkpoint that make a model folder; the rest belongs to training.
pub const MODEL_FILES: [&str; 4] =
    ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];

/// [`last_model`], with the files of the model checked against the list that the checkpoint keeps of them.
pub fn last_sound_model(run: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(model) = last_model(run)? else { return Ok(None) };
    // A folder that somebody put there by hand has no list.
    if model.join("checkpoint.json").is_file() {
        checkpoint::check(&model, |name| MODEL_FILES.contains(&name)).map_err(|error| {
            Failure::new(
                error.to_string(),
                "restore the file from a copy, or pass an earlier checkpoint's folder",
            )
        })?;
    }
    Ok(Some(model))
}

/// The model folder of a run's last complete checkpoint.
pub fn last_model(run: &Path) -> anyhow::Result<Option<PathBuf>> {
    let folder = run.join("checkpoints");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
    };
    let mut last: Option<(u64, PathBuf)> = None;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        let name = entry.file_name();
        let step =
            name.to_str().and_then(|name| name.strip_prefix("step-")).and_then(|text| text.parse().ok());
        let model = entry.path();
        if let Some(step) = step.filter(|step| last.as_ref().is_none_or(|(highest, _)| step > highest))
            && model.join("config.json").is_file()
        {
            last = Some((step, model));
        }
    }
    Ok(last.map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_run_never_lands_in_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path();
        let choose = |resume| choose_below(runs, None, "tiny-seed1", resume);
        assert!(choose(true).is_err(), "there is nothing to resume");
        assert_eq!(choose(false).unwrap(), Choice { path: runs.join("tiny-seed1"), remark: None });
        std::fs::create_dir_all(runs.join("tiny-seed1/eval")).unwrap();
        let second = choose(false).unwrap();
        assert_eq!(second.path, runs.join("tiny-seed1-2"));
        assert!(second.remark.unwrap().contains("--resume"));
        assert_eq!(choose(true).unwrap().path, runs.join("tiny-seed1"));
        std::fs::create_dir_all(runs.join("tiny-seed1-2/eval")).unwrap();
        assert_eq!(choose(true).unwrap().path, runs.join("tiny-seed1-2"));
    }

    #[test]
    fn a_named_folder_is_taken_literally() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("mine");
        assert!(choose(Some(&given), "x", true).is_err());
        assert_eq!(choose(Some(&given), "x", false).unwrap().path, given);
        std::fs::create_dir_all(given.join("eval")).unwrap();
        let text = crate::failure::describe(&choose(Some(&given), "x", false).unwrap_err());
        assert!(text.contains("exists already") && text.contains("--resume"), "{text}");
        assert_eq!(choose(Some(&given), "x", true).unwrap().path, given);
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(choose(Some(&folder.path().join("file")), "x", false).is_err());
    }

    #[test]
    fn the_last_checkpoint_is_the_highest_complete_one() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        assert_eq!(last_model(run).unwrap(), None);
        for name in ["step-9", "step-10", "step-20", "step-30.part"] {
            std::fs::create_dir_all(run.join("checkpoints").join(name)).unwrap();
        }
        for name in ["step-9", "step-10", "step-30.part"] {
            std::fs::write(run.join("checkpoints").join(name).join("config.json"), "{}").unwrap();
        }
        assert_eq!(last_model(run).unwrap(), Some(run.join("checkpoints/step-10")));
    }
}
