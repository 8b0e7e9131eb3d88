//! Which names a piece of Python uses without defining them.
//!
//! Scopes are those of Python: functions, lambdas and comprehensions hide their own names, a class body hides them from
//! nobody but itself. Annotations are left out: the sandbox's Python evaluates them only when they are asked for.

use super::{MAX_DEPTH, named_children};
use std::collections::BTreeSet;
use tree_sitter::Node;

/// Names of a scope.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Names that it binds.
    pub(super) binds: BTreeSet<String>,
    /// Names that it, or a scope within it, looks up here or further out.
    pub(super) uses: BTreeSet<String>,
    /// Names whose object it changes: `TABLE["a"] = 1`, `TABLE.x = 1`.
    pub(super) changes: BTreeSet<String>,
    /// Names that `global` and `nonlocal` take from further out.
    outer: BTreeSet<String>,
}

impl Scope {
    /// What the scope needs from further out.
    fn free(self) -> BTreeSet<String> {
        let Self { binds, uses, outer, .. } = self;
        uses.into_iter()
            .filter(|name| outer.contains(name) || !binds.contains(name))
            .chain(outer.clone())
            .collect()
    }
}

/// Adds what a node binds and uses to its scope.
pub(super) fn collect(node: Node<'_>, text: &str, scope: &mut Scope, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let below = depth + 1;
    changed(node, text, scope, below);
    let visit = |node: Option<Node<'_>>, scope: &mut Scope| {
        if let Some(node) = node {
            collect(node, text, scope, below);
        }
    };
    match node.kind() {
        "identifier" => {
            scope.uses.insert(word(node, text));
        }
        "function_definition" => {
            bind_field(node, "name", text, scope);
            let mut inner = Scope::default();
            parameters(node.child_by_field_name("parameters"), text, scope, &mut inner, below);
            visit(node.child_by_field_name("body"), &mut inner);
            scope.uses.extend(inner.free());
        }
        "lambda" => {
            let mut inner = Scope::default();
            parameters(node.child_by_field_name("parameters"), text, scope, &mut inner, below);
            visit(node.child_by_field_name("body"), &mut inner);
            scope.uses.extend(inner.free());
        }
        "list_comprehension" | "set_comprehension" | "dictionary_comprehension" | "generator_expression" => {
            let mut inner = Scope::default();
            for child in named_children(node) {
                collect(child, text, &mut inner, below);
            }
            scope.uses.extend(inner.free());
        }
        "class_definition" => {
            bind_field(node, "name", text, scope);
            visit(node.child_by_field_name("superclasses"), scope);
            let mut inner = Scope::default();
            visit(node.child_by_field_name("body"), &mut inner);
            // Methods do not see the class's names: what they use is looked up further out.
            scope.uses.extend(inner.uses);
        }
        "assignment" => {
            target(node.child_by_field_name("left"), text, scope, below);
            visit(node.child_by_field_name("right"), scope);
        }
        "augmented_assignment" => {
            visit(node.child_by_field_name("left"), scope);
            target(node.child_by_field_name("left"), text, scope, below);
            visit(node.child_by_field_name("right"), scope);
        }
        "for_statement" | "for_in_clause" => {
            target(node.child_by_field_name("left"), text, scope, below);
            let left = node.child_by_field_name("left").map(|left| left.id());
            for child in named_children(node).into_iter().filter(|child| Some(child.id()) != left) {
                collect(child, text, scope, below);
            }
        }
        "named_expression" => {
            bind_field(node, "name", text, scope);
            visit(node.child_by_field_name("value"), scope);
        }
        "as_pattern" => {
            for child in named_children(node) {
                if child.kind() == "as_pattern_target" {
                    for name in named_children(child) {
                        target(Some(name), text, scope, below);
                    }
                } else {
                    collect(child, text, scope, below);
                }
            }
        }
        "import_statement" | "import_from_statement" | "future_import_statement" => {
            imported(node, text, scope);
        }
        "global_statement" | "nonlocal_statement" => {
            scope.outer.extend(named_children(node).into_iter().map(|name| word(name, text)));
        }
        "attribute" => visit(node.child_by_field_name("object"), scope),
        "keyword_argument" => visit(node.child_by_field_name("value"), scope),
        "case_pattern" => pattern(node, text, scope, below),
        "type" => {}
        _ => {
            for child in named_children(node) {
                collect(child, text, scope, below);
            }
        }
    }
}

/// Methods of the built-in containers that change them.
const CHANGING: [&str; 20] = [
    "add",
    "append",
    "appendleft",
    "clear",
    "difference_update",
    "discard",
    "extend",
    "extendleft",
    "insert",
    "intersection_update",
    "pop",
    "popitem",
    "popleft",
    "remove",
    "reverse",
    "rotate",
    "setdefault",
    "sort",
    "symmetric_difference_update",
    "update",
];

/// What a call of a method or a deletion changes.
fn changed(node: Node<'_>, text: &str, scope: &mut Scope, depth: usize) {
    match node.kind() {
        "call" => scope.changes.extend(changed_by_method(node, text)),
        // `del TABLE["a"]` changes the object, `del TABLE` the name.
        "delete_statement" => {
            for child in named_children(node) {
                target(Some(child), text, scope, depth);
            }
        }
        _ => {}
    }
}

/// The name whose object a call such as `TABLE.append(1)` changes.
fn changed_by_method(call: Node<'_>, text: &str) -> Option<String> {
    let function = call.child_by_field_name("function").filter(|function| function.kind() == "attribute")?;
    let method = word(function.child_by_field_name("attribute")?, text);
    let mut object = function.child_by_field_name("object")?;
    while matches!(object.kind(), "attribute" | "subscript") {
        object = object.named_child(0)?;
    }
    (object.kind() == "identifier" && CHANGING.contains(&method.as_str())).then(|| word(object, text))
}

fn word(node: Node<'_>, text: &str) -> String {
    text.get(node.byte_range()).unwrap_or_default().to_owned()
}

fn bind_field(node: Node<'_>, field: &str, text: &str, scope: &mut Scope) {
    if let Some(name) = node.child_by_field_name(field) {
        scope.binds.insert(word(name, text));
    }
}

/// Defaults belong to the scope around the function, names to the function's own.
fn parameters(list: Option<Node<'_>>, text: &str, outside: &mut Scope, inside: &mut Scope, depth: usize) {
    for parameter in list.map(named_children).unwrap_or_default() {
        match parameter.kind() {
            "default_parameter" | "typed_default_parameter" => {
                target(parameter.child_by_field_name("name"), text, inside, depth);
                if let Some(value) = parameter.child_by_field_name("value") {
                    collect(value, text, outside, depth);
                }
            }
            "typed_parameter" => {
                if let Some(name) = named_children(parameter).into_iter().find(|child| child.kind() != "type")
                {
                    target(Some(name), text, inside, depth);
                }
            }
            _ => target(Some(parameter), text, inside, depth),
        }
    }
}

/// The names that an assignment to a target binds, and the objects that it changes.
fn target(node: Option<Node<'_>>, text: &str, scope: &mut Scope, depth: usize) {
    let Some(node) = node else { return };
    if depth > MAX_DEPTH {
        return;
    }
    match node.kind() {
        "identifier" => {
            scope.binds.insert(word(node, text));
        }
        "attribute" | "subscript" => {
            if let Some(name) = root_name(node) {
                scope.changes.insert(word(name, text));
            }
            collect(node, text, scope, depth + 1);
        }
        _ => {
            for child in named_children(node) {
                target(Some(child), text, scope, depth + 1);
            }
        }
    }
}

/// The name at the left end of `a.b[c].d`.
fn root_name(node: Node<'_>) -> Option<Node<'_>> {
    let mut node = node;
    for _ in 0..MAX_DEPTH {
        match node.kind() {
            "identifier" => return Some(node),
            "attribute" => node = node.child_by_field_name("object")?,
            "subscript" => node = node.child_by_field_name("value")?,
            _ => return None,
        }
    }
    None
}

/// The names that an import binds.
fn imported(node: Node<'_>, text: &str, scope: &mut Scope) {
    let module = node.child_by_field_name("module_name").map(|module| module.id());
    for child in named_children(node).into_iter().filter(|child| Some(child.id()) != module) {
        match child.kind() {
            "aliased_import" => bind_field(child, "alias", text, scope),
            "dotted_name" => {
                let whole = word(child, text);
                let first = whole.split('.').next().unwrap_or_default().trim();
                scope.binds.insert(first.to_owned());
            }
            _ => {}
        }
    }
}

/// A pattern of `match`: a single name is bound, a dotted one is looked up.
fn pattern(node: Node<'_>, text: &str, scope: &mut Scope, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match node.kind() {
        "dotted_name" => {
            let names = named_children(node);
            if let [name] = names.as_slice() {
                scope.binds.insert(word(*name, text));
            } else if let Some(name) = names.first() {
                scope.uses.insert(word(*name, text));
            }
        }
        "class_pattern" => {
            for (index, child) in named_children(node).into_iter().enumerate() {
                if index == 0 {
                    let whole = word(child, text);
                    scope.uses.insert(whole.split('.').next().unwrap_or_default().trim().to_owned());
                } else {
                    pattern(child, text, scope, depth + 1);
                }
            }
        }
        "keyword_pattern" => {
            for child in named_children(node).into_iter().skip(1) {
                pattern(child, text, scope, depth + 1);
            }
        }
        "identifier" => {
            scope.binds.insert(word(node, text));
        }
        _ => {
            for child in named_children(node) {
                pattern(child, text, scope, depth + 1);
            }
        }
    }
}

/// Does Python define the name by itself?
pub(super) fn is_builtin(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("__") || BUILTINS.binary_search(&name).is_ok() || name == "_"
}

const BUILTINS: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BaseExceptionGroup",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "Ellipsis",
    "EncodingWarning",
    "EnvironmentError",
    "Exception",
    "ExceptionGroup",
    "False",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "None",
    "NotADirectoryError",
    "NotImplemented",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "PermissionError",
    "ProcessLookupError",
    "PythonFinalizationError",
    "RecursionError",
    "ReferenceError",
    "ResourceWarning",
    "RuntimeError",
    "RuntimeWarning",
    "StopAsyncIteration",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TimeoutError",
    "True",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "exit",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "license",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "quit",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn free(text: &str) -> Vec<String> {
        let tree = super::super::parse(text).unwrap();
        let mut scope = Scope::default();
        collect(tree.root_node(), text, &mut scope, 0);
        scope.uses.difference(&scope.binds).filter(|name| !is_builtin(name)).cloned().collect()
    }

    #[test]
    fn builtins_can_be_searched() {
        assert!(BUILTINS.windows(2).all(|pair| pair[0] < pair[1]), "{BUILTINS:?}");
        assert!(is_builtin("len") && is_builtin("__name__") && !is_builtin("np"));
    }

    #[test]
    fn scopes_hide_what_python_hides() {
        for (text, want) in [
            ("def f(a, b=C, *args, d: T = D, **kw):\n    return a + b + args[0] + kw['x'] + d + E", "C D E"),
            ("def f(x):\n    return [y * K for y in x if y > L]", "K L"),
            ("def f(x):\n    g = lambda y, z=M: y + z + N\n    return g(x)", "M N"),
            ("def f(x):\n    def g(y):\n        return y + x + H\n    return g(1)", "H"),
            ("def f(x):\n    global COUNT\n    COUNT = 1\n    return x.attr.other(key=V)", "COUNT V"),
            ("class A(Base):\n    z = 1\n    def m(self):\n        return z2 + self.z", "Base z2"),
            (
                "def f(x):\n    match x:\n        case [a, *b]: return a, b\n        case Point(x=y): return y\n        case Color.RED: return 1",
                "Color Point",
            ),
            ("def f(x):\n    with ctx(x) as (p, q):\n        return p + q\n", "ctx"),
            (
                "def f(x):\n    try:\n        return x\n    except Boom as error:\n        return error\n",
                "Boom",
            ),
            (
                "def f(x):\n    import math as m, os.path\n    from re import sub as s, split\n    return m, os, s, split",
                "",
            ),
            ("def f(x):\n    return f'{x!r:>{W}} {Y}'", "W Y"),
            ("def f(x):\n    if (n := g(x)) > 1:\n        return n\n", "g"),
        ] {
            assert_eq!(free(text).join(" "), want, "{text}");
        }
    }
}
