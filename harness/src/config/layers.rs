//! Configuration as layers: TOML files merged left to right, then `--set a.b=value`.
//!
//! Every value remembers where it was written, so that an unknown key or a wrong type is reported with
//! its file and line. The known keys come from the configuration types themselves (serde's field names, and
//! the serialised default for suggestions from other tables), so there is one definition of each option.

use crate::failure::{Failure, nearest};
use crate::numbers;
use azr_selfplay::config::ConfigError;
use azr_selfplay::config::ranges::{self, Range};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::Table;
use toml::de::{DeTable, DeValue};

/// Longest configuration text that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

/// The merged layers and where each value came from.
#[derive(Debug, Default)]
pub struct Layers {
    table: Table,
    /// Dotted path -> `file:line` or the `--set` argument.
    origins: BTreeMap<String, String>,
}

impl Layers {
    /// Adds a TOML text on top; `name` is the file (or preset) it came from.
    pub fn add_toml(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        if text.len() > MAX_CONFIG_BYTES {
            return Err(Failure::new(
                format!("{name} is too long for a configuration"),
                "pass a TOML file of keys and values",
            )
            .into());
        }
        let spanned = DeTable::parse(text).map_err(|error| syntax_failure(name, text, &error))?;
        let table: Table = toml::from_str(text).map_err(|error| syntax_failure(name, text, &error))?;
        record_lines(spanned.get_ref(), "", name, text, &mut self.origins);
        merge(&mut self.table, table);
        Ok(())
    }

    /// Adds one `a.b=value`. A value that is not TOML (a bare word) is taken as a string.
    pub fn add_assignment(&mut self, assignment: &str) -> anyhow::Result<()> {
        let (path, text) = assignment.split_once('=').ok_or_else(|| {
            Failure::new(
                format!("--set {assignment}: no '=' in it"),
                "write it as --set key=value, e.g. --set run.steps=20",
            )
        })?;
        let (path, text) = (path.trim(), text.trim());
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(Failure::new(
                format!("--set {assignment}: the key is empty"),
                "write it as --set key=value",
            )
            .into());
        }
        let parsed: Result<Table, _> = toml::from_str(&format!("value = {text}"));
        let value = match parsed {
            Ok(mut table) if table.len() == 1 => {
                table.remove("value").unwrap_or_else(|| toml::Value::String(text.to_owned()))
            }
            _ => toml::Value::String(text.to_owned()),
        };
        let mut layer = value;
        for key in path.rsplit('.') {
            layer = toml::Value::Table(Table::from_iter([(key.to_owned(), layer)]));
        }
        self.origins.insert(path.to_owned(), format!("--set {assignment}"));
        if let toml::Value::Table(table) = layer {
            merge(&mut self.table, table);
        }
        Ok(())
    }

    /// Refuses numbers outside of `ranges`, as they were written: before a type could round or reject them.
    pub fn check_numbers(&self, ranges: &[(&'static str, Range)]) -> anyhow::Result<()> {
        let find = |key: &str| {
            let (tables, last) = key.rsplit_once('.').unwrap_or(("", key));
            let mut table = &self.table;
            for name in tables.split('.').filter(|name| !name.is_empty()) {
                table = table.get(name)?.as_table()?;
            }
            numbers::given(table.get(last)?)
        };
        ranges::check(ranges, find).map_err(|error| self.refuse(&error).into())
    }

    /// The refusal of a value, with the place where it was written.
    pub fn refuse(&self, error: &ConfigError) -> Failure {
        Failure::new(format!("{}: {error}", self.origin(error.key)), numbers::advice(error.key))
    }

    /// Reads the table `name`; absent, it is the default.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str, known: &[String]) -> anyhow::Result<T> {
        match self.table.get(name) {
            Some(value) => self.read(value.clone(), name, known),
            None => Ok(T::default()),
        }
    }

    /// Reads everything but the tables in `others`.
    pub fn rest<T: DeserializeOwned>(&self, others: &[&str], known: &[String]) -> anyhow::Result<T> {
        let table = self.table.iter().filter(|(key, _)| !others.contains(&key.as_str()));
        self.read(
            toml::Value::Table(table.map(|(key, value)| (key.clone(), value.clone())).collect()),
            "",
            known,
        )
    }

    fn read<T: DeserializeOwned>(
        &self,
        value: toml::Value,
        prefix: &str,
        known: &[String],
    ) -> anyhow::Result<T> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { prefix.to_owned() } else { join(prefix, &path) };
            let message = error.inner().to_string();
            let message = message.lines().next().unwrap_or_default().trim().to_owned();
            self.explain(&path, &message, known).into()
        })
    }

    /// Turns serde's message about the value at `path` into one with a place and advice.
    fn explain(&self, path: &str, message: &str, known: &[String]) -> Failure {
        // serde: "unknown field `x`, expected one of `a`, `b`"; the same shape for unknown variants.
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let Some((wrong, expected)) = quoted.split_first() else {
            let what = format!("{}: {path}: {message}", self.origin(path));
            return Failure::new(what, "`azr train PRESET --dry-run` prints every key with a valid value");
        };
        if !message.starts_with("unknown field") {
            let advice = nearest(wrong, expected.iter().copied()).map_or_else(
                || "use one of the values named".to_owned(),
                |near| format!("did you mean '{near}'?"),
            );
            return Failure::new(format!("{}: {path}: {message}", self.origin(path)), advice);
        }
        let parent = path.strip_suffix(wrong).unwrap_or(path).trim_end_matches('.');
        let full = join(parent, wrong);
        let siblings: Vec<String> = expected.iter().map(|name| join(parent, name)).collect();
        // A slip in the last word, or the right word in the wrong table.
        let elsewhere = known.iter().find(|name| name.rsplit('.').next() == Some(wrong));
        let near = nearest(wrong, expected.iter().copied()).map(|name| join(parent, name));
        let advice = near
            .or_else(|| elsewhere.cloned())
            .or_else(|| nearest(&full, siblings.iter().chain(known).map(String::as_str)).map(str::to_owned))
            .map_or_else(
                || "`azr train PRESET --dry-run` prints every key".to_owned(),
                |name| format!("did you mean '{name}'?"),
            );
        Failure::new(format!("{}: unknown key '{full}'", self.origin(&full)), advice)
    }

    /// Where the value at `path`, or the nearest thing around or below it, was written.
    pub fn origin(&self, path: &str) -> String {
        let mut around = path;
        loop {
            if let Some(origin) = self.origins.get(around) {
                return origin.clone();
            }
            match around.rfind(['.', '[']) {
                Some(cut) => around = &around[..cut],
                None => break,
            }
        }
        let below = format!("{path}.");
        self.origins
            .range(below.clone()..)
            .next()
            .filter(|(key, _)| key.starts_with(&below))
            .map_or_else(|| "configuration".to_owned(), |(_, origin)| origin.clone())
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(table)) => merge(inner, table),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn record_lines(
    table: &DeTable<'_>,
    prefix: &str,
    name: &str,
    text: &str,
    origins: &mut BTreeMap<String, String>,
) {
    for (key, value) in table {
        let path = join(prefix, key.get_ref());
        origins.insert(path.clone(), format!("{name}:{}", line_of(text, key.span().start)));
        if let DeValue::Table(inner) = value.get_ref() {
            record_lines(inner, &path, name, text, origins);
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}

fn syntax_failure(name: &str, text: &str, error: &toml::de::Error) -> Failure {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    Failure::new(
        format!("{name}:{line}: not valid TOML: {}", error.message()),
        "mend the line; the format is described at toml.io",
    )
}

/// All dotted keys of a serialised configuration, for suggestions.
pub fn key_paths(value: &serde_json::Value) -> Vec<String> {
    fn walk(value: &serde_json::Value, prefix: &str, paths: &mut Vec<String>) {
        if let Some(fields) = value.as_object() {
            for (key, field) in fields {
                let path = join(prefix, key);
                walk(field, &path, paths);
                paths.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(value, "", &mut paths);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize, PartialEq, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        steps: u32,
        rate: f64,
        note: Option<String>,
    }

    #[derive(Debug, Serialize, Deserialize, PartialEq, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        name: String,
        inner: Inner,
    }

    fn resolve(files: &[(&str, &str)], sets: &[&str]) -> anyhow::Result<Outer> {
        let mut layers = Layers::default();
        for (name, text) in files {
            layers.add_toml(name, text)?;
        }
        for set in sets {
            layers.add_assignment(set)?;
        }
        layers.rest(&[], &key_paths(&serde_json::to_value(Outer::default())?))
    }

    #[test]
    fn later_layers_win() {
        let outer = resolve(
            &[("a.toml", "name = 'a'\n[inner]\nsteps = 1\nrate = 0.5"), ("b.toml", "[inner]\nsteps = 2")],
            &["inner.rate=0.25", "inner.note=some words", "name=tiny"],
        )
        .unwrap();
        assert_eq!(
            outer,
            Outer {
                name: "tiny".into(),
                inner: Inner { steps: 2, rate: 0.25, note: Some("some words".into()) }
            }
        );
    }

    #[test]
    fn unknown_keys_name_the_place_and_the_nearest() {
        let text = |result: anyhow::Result<Outer>| crate::failure::describe(&result.unwrap_err());
        insta::assert_snapshot!(text(resolve(&[("a.toml", "name = 'a'\n\n[inner]\nstep = 1")], &[])), @r"
        azr: a.toml:4: unknown key 'inner.step'
          help: did you mean 'inner.steps'?
        ");
        insta::assert_snapshot!(text(resolve(&[], &["steps=3"])), @r"
        azr: --set steps=3: unknown key 'steps'
          help: did you mean 'inner.steps'?
        ");
        insta::assert_snapshot!(text(resolve(&[("a.toml", "name = 'a'\n[inner]\nsteps = 'x'")], &[])), @r#"
        azr: a.toml:3: inner.steps: invalid type: string "x", expected u32
          help: `azr train PRESET --dry-run` prints every key with a valid value
        "#);
        insta::assert_snapshot!(text(resolve(&[("a.toml", "name = 'a'\ninner = = 3")], &[])), @r"
        azr: a.toml:2: not valid TOML: extra `=`, expected nothing
          help: mend the line; the format is described at toml.io
        ");
    }

    #[test]
    fn a_set_without_a_value_is_an_error() {
        assert!(resolve(&[], &["name"]).is_err());
        assert!(resolve(&[], &["=3"]).is_err());
        assert!(resolve(&[], &["inner..steps=3"]).is_err());
    }
}
