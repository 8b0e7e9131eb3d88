//! The top level of a file: each statement with the names that it binds and needs.

use super::names::{Scope, collect};
use super::{Function, Parameter, name_of, named_children, walk};
use std::collections::BTreeSet;
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// A statement of the top level.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one statement")]
pub(super) struct Item {
    pub(super) range: Range<usize>,
    /// Names that it binds in the module.
    pub(super) binds: BTreeSet<String>,
    /// Names of the module that it needs, functions' bodies included.
    pub(super) uses: BTreeSet<String>,
    /// Names whose objects it changes.
    pub(super) changes: BTreeSet<String>,
    /// It is an import.
    pub(super) import: bool,
    /// It is `from x import *`.
    pub(super) wildcard: bool,
    /// It is `from __future__ import ...`.
    pub(super) future: bool,
    /// Modules that it, or a function in it, imports.
    pub(super) modules: Vec<String>,
    /// The function that it defines.
    pub(super) function: Option<Function>,
    /// Why that function cannot be called for its value.
    pub(super) refusal: Option<String>,
    pub(super) has_error: bool,
}

impl Item {
    pub(super) fn is_function(&self, name: &str) -> bool {
        self.function.as_ref().is_some_and(|function| function.name == name)
    }
}

/// The statements of a tree's top level. What the parser could not read is looked into for whole statements.
pub(super) fn items(text: &str, tree: &Tree) -> Vec<Item> {
    let mut found = Vec::new();
    add(tree.root_node(), text, 0, &mut found);
    found
}

fn add(parent: Node<'_>, text: &str, offset: usize, found: &mut Vec<Item>) {
    for node in named_children(parent) {
        match node.kind() {
            "ERROR" => add(node, text, offset, found),
            "comment" => {}
            "if_statement" if is_main_guard(node, text) => {}
            _ if node.start_position().column > 0 && starts_block(node) => {}
            _ => found.push(item(node, text, offset)),
        }
    }
}

/// Is an indented definition inside an error: a method whose class could not be read, say?
fn starts_block(node: Node<'_>) -> bool {
    matches!(node.kind(), "function_definition" | "class_definition" | "decorated_definition" | "block")
}

/// `if __name__ == "__main__":` is never part of what a function needs.
fn is_main_guard(node: Node<'_>, text: &str) -> bool {
    node.child_by_field_name("condition")
        .and_then(|condition| text.get(condition.byte_range()))
        .is_some_and(|condition| condition.contains("__name__"))
}

/// A statement; `offset` is where `text` begins in the file.
pub(super) fn item(node: Node<'_>, text: &str, offset: usize) -> Item {
    let mut scope = Scope::default();
    collect(node, text, &mut scope, 0);
    let (modules, wildcard) = modules(node, text);
    let import =
        matches!(node.kind(), "import_statement" | "import_from_statement" | "future_import_statement");
    let definition = match node.kind() {
        "function_definition" => Some(node),
        "decorated_definition" => node.child_by_field_name("definition"),
        _ => None,
    };
    let definition = definition.filter(|node| node.kind() == "function_definition");
    let function = definition.and_then(|definition| function(definition, node, text, offset));
    Item {
        range: node.start_byte() + offset..node.end_byte() + offset,
        binds: scope.binds,
        uses: scope.uses,
        changes: scope.changes,
        import,
        wildcard: wildcard && import,
        future: node.kind() == "future_import_statement",
        modules,
        refusal: definition.and_then(refusal),
        function,
        has_error: node.has_error() || node.is_missing(),
    }
}

fn function(definition: Node<'_>, whole: Node<'_>, text: &str, offset: usize) -> Option<Function> {
    let name = definition.child_by_field_name("name")?;
    Some(Function {
        name: name_of(definition, text)?.to_owned(),
        name_range: name.start_byte() + offset..name.end_byte() + offset,
        range: whole.start_byte() + offset..whole.end_byte() + offset,
        parameters: parameters(definition, text),
    })
}

fn parameters(definition: Node<'_>, text: &str) -> Vec<Parameter> {
    let word = |node: Option<Node<'_>>| node.and_then(|node| text.get(node.byte_range())).map(str::to_owned);
    let mut keyword_only = false;
    let mut found = Vec::new();
    for node in definition.child_by_field_name("parameters").map(named_children).unwrap_or_default() {
        let name = match node.kind() {
            "keyword_separator" => {
                keyword_only = true;
                continue;
            }
            "positional_separator" | "comment" | "ERROR" => continue,
            "typed_parameter" => word(node.named_child(0)),
            "default_parameter" | "typed_default_parameter" => word(node.child_by_field_name("name")),
            _ => word(Some(node)),
        };
        let Some(name) = name else { continue };
        let variadic = name.starts_with('*');
        found.push(Parameter {
            name,
            annotation: word(node.child_by_field_name("type")),
            default: word(node.child_by_field_name("value")),
            keyword_only,
        });
        keyword_only |= variadic;
    }
    found
}

/// Why a function cannot be called for its value.
fn refusal(definition: Node<'_>) -> Option<String> {
    if definition.child(0).is_some_and(|first| first.kind() == "async") {
        return Some("is asynchronous: a call gives no value".to_owned());
    }
    let body = definition.child_by_field_name("body")?;
    let mut yields = false;
    walk(body, &mut |node| {
        yields |= node.kind() == "yield";
        !matches!(node.kind(), "function_definition" | "lambda" | "class_definition")
    });
    yields.then(|| "is a generator: a call gives no value that can be compared".to_owned())
}

/// Modules that are imported anywhere in a node, and whether everything of one is.
fn modules(node: Node<'_>, text: &str) -> (Vec<String>, bool) {
    let (mut found, mut wildcard) = (Vec::new(), false);
    let word = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default().to_owned();
    walk(node, &mut |node| match node.kind() {
        "import_statement" => {
            for child in named_children(node) {
                let name = if child.kind() == "aliased_import" {
                    child.child_by_field_name("name")
                } else {
                    Some(child)
                };
                found.extend(name.map(word));
            }
            false
        }
        "import_from_statement" => {
            if let Some(module) = node.child_by_field_name("module_name") {
                let module_name = word(module);
                for child in named_children(node).into_iter().filter(|child| child.id() != module.id()) {
                    wildcard |= child.kind() == "wildcard_import";
                    let name = child.child_by_field_name("name").unwrap_or(child);
                    found.push(format!("{module_name}.{}", word(name)));
                }
            }
            false
        }
        _ => true,
    });
    (found, wildcard)
}
