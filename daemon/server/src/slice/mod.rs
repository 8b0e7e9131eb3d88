//! Context slicing: a function of a real Python file as a program that runs alone.
//!
//! [`SourceFile::slice`] takes the function and the definitions, constants and imports of the module that it needs, and
//! refuses, with the reason, what is not self-contained or touches files, processes or the network.
//! [`SourceFile::claims`] finds what the file says about its own functions: calls with literal arguments, assertions,
//! doctests and example comments. [`SourceFile::determined_calls`] finds calls that take more than literals. The parser is tree-sitter: a file with errors elsewhere is read as far as it can be.
//!
//! Nothing is executed and nothing is resolved beyond the file: what cannot be seen in it is not known.

mod calls;
mod chunks;
mod claims;
mod effects;
mod error;
mod module;
mod names;

pub use calls::DeterminedCall;
pub use claims::{ClaimKind, SourceClaim};
pub use error::SliceError;

use module::Item;
use std::collections::BTreeSet;
use std::ops::Range;
use tree_sitter::{Node, Parser, Tree};

/// Longest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 4 << 20;
/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 300;

/// A Python file, parsed.
#[derive(Debug)]
pub struct SourceFile<'t> {
    text: &'t str,
    tree: Tree,
    items: Vec<Item>,
}

/// A top-level function of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name.
    pub name: String,
    /// Bytes of the name.
    pub name_range: Range<usize>,
    /// Bytes of the definition, decorators included.
    pub range: Range<usize>,
    /// Parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name, with `*` or `**` in front of the variadic ones.
    pub name: String,
    /// Text of the annotation.
    pub annotation: Option<String>,
    /// Text of the default.
    pub default: Option<String>,
    /// Can only be given by name.
    pub keyword_only: bool,
}

/// A program that holds a function and all it needs of its module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Name of the function.
    pub function: String,
    /// The program.
    pub program: String,
    /// The function's own text.
    pub definition: String,
    /// Parameters of the function.
    pub parameters: Vec<Parameter>,
    /// Import statements in the program.
    pub imports: Vec<String>,
    /// For every line of the program, its 0-based line in the file.
    pub lines: Vec<usize>,
}

impl<'t> SourceFile<'t> {
    /// Parses a file. Errors of syntax are no errors here; a file beyond [`MAX_FILE_BYTES`] is.
    pub fn parse(text: &'t str) -> Result<Self, SliceError> {
        if text.len() > MAX_FILE_BYTES {
            return Err(SliceError::TooLarge { bytes: text.len(), limit: MAX_FILE_BYTES });
        }
        let tree = parse(text).ok_or(SliceError::Unreadable)?;
        let mut items = module::items(text, &tree);
        if tree.root_node().has_error() {
            chunks::add_what_errors_hide(text, &mut items);
        }
        Ok(Self { text, tree, items })
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// Its top-level functions in the order of the file; of several with one name the last, which is the one that counts.
    pub fn functions(&self) -> Vec<Function> {
        let all = self.items.iter().filter_map(|item| item.function.clone());
        let mut found: Vec<Function> = Vec::new();
        for function in all {
            found.retain(|other| other.name != function.name);
            found.push(function);
        }
        found
    }

    /// The top-level function whose definition holds a place.
    pub fn function_at(&self, byte: usize) -> Option<Function> {
        self.functions().into_iter().find(|function| function.range.contains(&byte))
    }

    /// What the file says about its functions, in the order of the text.
    pub fn claims(&self) -> Vec<SourceClaim> {
        let names: BTreeSet<String> = self.functions().into_iter().map(|function| function.name).collect();
        claims::find(self, &names)
    }

    /// The program that holds `function` and what it needs.
    pub fn slice(&self, function: &str) -> Result<Slice, SliceError> {
        self.slice_with(function, &BTreeSet::new())
    }

    /// The same with what other names need, those of arguments.
    fn slice_with(&self, function: &str, more: &BTreeSet<String>) -> Result<Slice, SliceError> {
        let own = self.items.iter().rev().find(|item| item.is_function(function));
        let Some(own) = own else { return Err(self.why_not(function)) };
        let definition = &self.text[own.range.clone()];
        if let Some(reason) = own.refusal.clone() {
            return Err(SliceError::NotPlain { function: function.to_owned(), reason });
        }
        if own.has_error {
            return Err(SliceError::Syntax {
                function: function.to_owned(),
                line: self.line_of(own.range.start) + 1,
            });
        }
        let included = self.closure(own, function, more)?;
        self.check_effects(&included)?;
        let mut program = String::new();
        let (mut lines, mut imports) = (Vec::new(), Vec::new());
        for item in &included {
            // A statement that shares its first line with another one stands alone here.
            let text = self.text[item.range.clone()].trim_end();
            let first = self.line_of(item.range.start);
            lines.extend((0..text.split('\n').count()).map(|line| first + line));
            if item.import {
                imports.push(text.to_owned());
            }
            program.push_str(text);
            program.push('\n');
        }
        let parameters = own.function.as_ref().map(|one| one.parameters.clone()).unwrap_or_default();
        Ok(Slice {
            function: function.to_owned(),
            program,
            definition: definition.to_owned(),
            parameters,
            imports,
            lines,
        })
    }

    /// The items that a function needs, itself included, in the order of the file.
    fn closure(&self, own: &Item, function: &str, more: &BTreeSet<String>) -> Result<Vec<&Item>, SliceError> {
        let wildcard = self.items.iter().any(|item| item.wildcard);
        let mut wanted: Vec<&str> = own.uses.iter().chain(more).map(String::as_str).collect();
        let mut seen: BTreeSet<&str> = wanted.iter().copied().collect();
        let mut included: BTreeSet<usize> = BTreeSet::new();
        let (mut missing, mut needs_wildcard) = (BTreeSet::new(), false);
        for (index, item) in self.items.iter().enumerate() {
            if std::ptr::eq(item, own) || item.future {
                included.insert(index);
            }
        }
        while let Some(name) = wanted.pop() {
            let mut found = name == function;
            for (index, item) in self.items.iter().enumerate() {
                let defines = item.binds.contains(name);
                found |= defines;
                let overridden = item.is_function(function) && !std::ptr::eq(item, own);
                if (defines || item.changes.contains(name)) && !overridden && included.insert(index) {
                    if item.has_error {
                        return Err(SliceError::Syntax {
                            function: name.to_owned(),
                            line: self.line_of(item.range.start) + 1,
                        });
                    }
                    wanted.extend(item.uses.iter().map(String::as_str).filter(|name| seen.insert(name)));
                }
            }
            if !found && !names::is_builtin(name) {
                if wildcard {
                    needs_wildcard = true;
                } else {
                    missing.insert(name.to_owned());
                }
            }
        }
        if !missing.is_empty() {
            let names = missing.into_iter().collect();
            return Err(SliceError::Missing { function: function.to_owned(), names });
        }
        let chosen = self
            .items
            .iter()
            .enumerate()
            .filter(|(index, item)| included.contains(index) || (needs_wildcard && item.wildcard));
        Ok(chosen.map(|(_, item)| item).collect())
    }

    fn check_effects(&self, included: &[&Item]) -> Result<(), SliceError> {
        for item in included {
            if let Some(effect) = effects::of(item) {
                return Err(SliceError::Effect { what: effect, line: self.line_of(item.range.start) + 1 });
            }
        }
        Ok(())
    }

    /// Why there is no top-level function of this name.
    fn why_not(&self, function: &str) -> SliceError {
        let last = function.rsplit('.').next().unwrap_or(function);
        let mut found = None;
        walk(self.root(), &mut |node| {
            if node.kind() == "function_definition" && name_of(node, self.text) == Some(last) {
                found = found.or_else(|| Some(is_in_class(node)));
            }
            found.is_none()
        });
        let function = function.to_owned();
        match found {
            Some(true) => SliceError::NotPlain {
                function,
                reason: "is a method, and a method needs its object".to_owned(),
            },
            Some(false) => {
                SliceError::NotPlain { function, reason: "stands inside another function".to_owned() }
            }
            None => {
                let known = self.functions().into_iter().map(|function| function.name).collect();
                SliceError::NoFunction { function, known }
            }
        }
    }

    /// 0-based line of a byte.
    fn line_of(&self, byte: usize) -> usize {
        self.text.as_bytes()[..byte.min(self.text.len())].split(|byte| *byte == b'\n').count() - 1
    }
}

/// The tree of a text.
fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    parser.parse(text, None)
}

/// Whether a text is one expression of Python and nothing else.
pub fn is_expression(text: &str) -> bool {
    let Some(tree) = parse(text.trim()) else { return false };
    let root = tree.root_node();
    let Some(statement) = root.named_child(0) else { return false };
    root.named_child_count() == 1
        && !root.has_error()
        && statement.kind() == "expression_statement"
        && statement
            .named_child(0)
            .is_some_and(|it| !matches!(it.kind(), "assignment" | "augmented_assignment" | "yield"))
}

/// Visits a tree in the order of the text; where `visit` gives false, what lies below is left out.
fn walk<'n>(root: Node<'n>, visit: &mut impl FnMut(Node<'n>) -> bool) {
    let mut cursor = root.walk();
    loop {
        let deeper = (cursor.depth() as usize) < MAX_DEPTH && visit(cursor.node());
        if deeper && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// The named children of a node.
fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// Text of a node's field `name`.
fn name_of<'t>(node: Node<'_>, text: &'t str) -> Option<&'t str> {
    text.get(node.child_by_field_name("name")?.byte_range())
}

fn is_in_class(node: Node<'_>) -> bool {
    let mut above = node.parent();
    while let Some(node) = above {
        match node.kind() {
            "class_definition" => return true,
            "function_definition" => return false,
            _ => above = node.parent(),
        }
    }
    false
}

#[cfg(test)]
mod tests;
