//! Calls whose arguments are no literals, and that the file alone determines nevertheless: `f(LIMIT + 1)` on the top level,
//! where every name is bound once, before the call, and its object is changed nowhere.

use super::claims::{claimed, is_short};
use super::module::{Item, item};
use super::{Slice, SourceClaim, SourceFile, effects, names, walk};
use crate::reason::literal::parse_arguments;
use std::collections::BTreeSet;
use tree_sitter::Node;

/// Calls of one file that are looked at.
const MAX_CALLS: usize = 500;
/// Statements of the top level that a value can be read off.
const PLAIN: [&str; 2] = ["expression_statement", "assert_statement"];

/// A call with the program that it can be run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeterminedCall {
    /// The call, and what the text claims for it.
    pub claim: SourceClaim,
    /// The function with everything that it and the arguments need.
    pub slice: Slice,
}

impl SourceFile<'_> {
    /// The calls of the file's functions that are not literal and that the file determines, in the order of the text.
    pub fn determined_calls(&self) -> Vec<DeterminedCall> {
        let functions: BTreeSet<String> =
            self.functions().into_iter().map(|function| function.name).collect();
        let mut found = Vec::new();
        for statement in super::named_children(self.root()) {
            if !PLAIN.contains(&statement.kind()) || statement.has_error() {
                continue;
            }
            walk(statement, &mut |node| {
                if found.len() < MAX_CALLS && node.kind() == "call" {
                    found.extend(self.determined(node, &functions));
                }
                // Names of an inner scope are not the module's.
                !matches!(node.kind(), "lambda" | "generator_expression")
                    && !node.kind().ends_with("comprehension")
            });
        }
        found
    }

    fn determined(&self, node: Node<'_>, functions: &BTreeSet<String>) -> Option<DeterminedCall> {
        let text = self.text();
        let function = text.get(node.child_by_field_name("function")?.byte_range())?;
        let arguments = text.get(node.child_by_field_name("arguments")?.byte_range())?;
        let input = arguments.strip_prefix('(')?.strip_suffix(')')?.trim().trim_end_matches(',');
        if !functions.contains(function) || !is_short(input) || parse_arguments(input).is_some() {
            return None;
        }
        let call = item(node, text, 0);
        // A call that binds a name (`f(x := 1)`) is part of the course of the module.
        if call.has_error
            || !call.binds.is_empty()
            || !call.changes.is_empty()
            || effects::of(&call).is_some()
        {
            return None;
        }
        let once = call.uses.iter().all(|name| self.is_bound_once(name, node.start_byte()));
        let slice = once.then(|| self.slice_with(function, &call.uses).ok()).flatten()?;
        Some(DeterminedCall { claim: claimed(node, function, input, text), slice })
    }

    /// Has the name one value for the whole of the file, from a place before `byte` on? Its object must not change either:
    /// it is imported, defined, or a literal, and a literal of a list and the like is handed to nobody before.
    fn is_bound_once(&self, name: &str, byte: usize) -> bool {
        let binds: Vec<&Item> = self.items.iter().filter(|item| item.binds.contains(name)).collect();
        let [only] = binds.as_slice() else { return binds.is_empty() && names::is_builtin(name) };
        let changed = self.items.iter().any(|item| item.changes.contains(name)) || self.is_global(name);
        if changed || only.range.end > byte {
            return false;
        }
        let text = self.text().get(only.range.clone()).unwrap_or_default();
        if only.import || only.function.is_some() || text.starts_with("class ") {
            return true;
        }
        let Some((_, value)) =
            text.split_once('=').filter(|(_, value)| parse_arguments(value.trim()).is_some())
        else {
            return false;
        };
        let is_used = |item: &Item| {
            !item.binds.contains(name)
                && item.function.is_none()
                && item.range.start < byte
                && item.range.end <= byte
                && item.uses.contains(name)
        };
        !value.contains(['[', '{']) || !self.items.iter().any(is_used)
    }

    /// Is there a function that may bind the module's name anew?
    fn is_global(&self, name: &str) -> bool {
        self.text().lines().filter_map(|line| line.trim_start().strip_prefix("global ")).any(|names| {
            names.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).any(|word| word == name)
        })
    }
}
