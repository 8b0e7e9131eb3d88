//! The arrows and invariants of ARCHITECTURE.md, read from the manifests and the document itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which crates of the workspace each crate may use, in any kind of dependency but those for tests.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("azr-executor", &[]),
    ("azr-model", &[]),
    ("azr-selfplay", &["azr-executor", "azr-model"]),
    ("azr-daemon", &["azr-executor", "azr-model", "azr-selfplay"]),
    ("azr-benchmarks", &["azr-executor", "azr-model", "azr-selfplay"]),
    ("azr-reports", &[]),
    ("azr", &["azr-benchmarks", "azr-daemon", "azr-executor", "azr-model", "azr-reports", "azr-selfplay"]),
    ("azr-tests", &[]),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

fn manifest(path: &Path) -> toml::Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Folder of every crate of the workspace.
fn members() -> Vec<String> {
    let root = manifest(&workspace().join("Cargo.toml"));
    let members = root["workspace"]["members"].as_array().expect("members is a list");
    members.iter().map(|member| member.as_str().expect("a member is a path").to_owned()).collect()
}

/// Name of every crate of the workspace, with the crates of the workspace it uses.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    members()
        .into_iter()
        .map(|folder| {
            let manifest = manifest(&workspace().join(folder).join("Cargo.toml"));
            let name = manifest["package"]["name"].as_str().expect("a package has a name");
            let used = ["dependencies", "build-dependencies"]
                .into_iter()
                .filter_map(|kind| manifest.get(kind)?.as_table())
                .flat_map(toml::Table::keys)
                .filter(|dependency| *dependency == "azr" || dependency.starts_with("azr-"))
                .cloned()
                .collect();
            (name.to_owned(), used)
        })
        .collect()
}

/// Every Rust file of the workspace.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = ["benchmarks", "daemon", "harness", "reports", "tests"]
        .iter()
        .map(|folder| workspace().join(folder))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn arrows_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    for (name, used) in crates() {
        let may_use = allowed.get(name.as_str()).unwrap_or_else(|| {
            panic!("{name} is a new crate: give it a row in ARCHITECTURE.md and in this test")
        });
        for other in &used {
            assert!(may_use.contains(&other.as_str()), "{name} must not use {other} (ARCHITECTURE.md)");
        }
    }
}

#[test]
fn reports_never_depend_on_another_crate() {
    assert!(crates()["azr-reports"].is_empty(), "reports read run folders, not the code that writes them");
}

#[test]
fn no_crate_is_called_utils_common_or_core() {
    for name in crates().keys() {
        let last = name.rsplit('-').next().unwrap_or(name);
        assert!(
            !["utils", "util", "common", "core", "misc", "helpers"].contains(&last),
            "{name} says nothing"
        );
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for folder in members() {
        let manifest = manifest(&workspace().join(&folder).join("Cargo.toml"));
        assert_eq!(
            manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool),
            Some(true),
            "{folder} must take the lints of the workspace"
        );
    }
}

/// A file over 600 lines is split, or its module documentation says why it is one.
#[test]
fn no_file_is_long_without_a_reason() {
    const LIMIT: usize = 600;
    let too_long: Vec<String> = sources()
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            let lines = text.lines().count();
            let reason =
                text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains("one file"));
            (lines > LIMIT && !reason).then(|| format!("{} has {lines} lines", path.display()))
        })
        .collect();
    assert!(
        too_long.is_empty(),
        "split, or say in the module documentation why it is \"one file\": {too_long:#?}"
    );
}

/// ARCHITECTURE.md names a test for each invariant that can be tested: all of them exist.
#[test]
fn every_invariant_names_a_test_that_exists() {
    let text =
        std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let named: Vec<&str> = text
        .split("(test `")
        .skip(1)
        .map(|rest| rest.split('`').next().expect("split gives one part at least"))
        .collect();
    assert!(named.len() >= 5, "the invariants name their tests as (test `name`)");
    let code: String =
        sources().iter().map(|path| std::fs::read_to_string(path).expect("a source is text")).collect();
    for name in named {
        assert!(
            code.contains(&format!("fn {name}(")),
            "ARCHITECTURE.md names the test {name}, which is nowhere"
        );
    }
}

/// Links between the documents lead somewhere.
#[test]
fn links_between_documents_lead_somewhere() {
    let root = workspace();
    let mut documents =
        vec![root.join("README.md"), root.join("ARCHITECTURE.md"), root.join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/adr"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("the folder of documents is there") {
            let path = entry.expect("an entry can be read").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("a document is text");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or(link);
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let target = document.parent().expect("a document lies in a folder").join(path);
            assert!(target.exists(), "{} links to {link}, which is not there", document.display());
        }
    }
}
