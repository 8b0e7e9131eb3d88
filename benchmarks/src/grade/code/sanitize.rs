//! EvalPlus' extraction of a program from model text (spec section 2.3).
//!
//! Step 1, the longest run of lines that parses, asks CPython's own parser, in the sandbox. The parser there is
//! newer than the reference's: a few forms that older ones refuse (nested quotes in f-strings, `except A, B:`)
//! parse. Steps 2 to 4 work on tree-sitter's tree, as the reference does: imports are kept, then the definitions
//! that the entry point reaches; the first definition of a name wins, decorated ones vanish.

use crate::python_data::string_literal;
use azr_executor::{Job, Limits, Sandbox};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tree_sitter::{Node, Parser};

const LONGEST_BLOCK: &str = include_str!("longest_block.py");

/// Longest text that is searched, in lines and bytes; of longer ones the beginning is.
const LINES_BOUND: usize = 1_000;
const BYTES_BOUND: usize = 200_000;

/// Extracts the programs for (text, entry point) pairs, in order.
pub fn sanitize(sandbox: &Sandbox, texts: &[(&str, &str)]) -> Vec<String> {
    let plain: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    longest_blocks(sandbox, &plain)
        .into_iter()
        .zip(texts)
        .map(|(block, (_, entry_point))| reachable_definitions(&block, entry_point))
        .collect()
}

/// Step 1 for several texts: the longest run of lines that parses, else the first line.
pub fn longest_blocks(sandbox: &Sandbox, texts: &[&str]) -> Vec<String> {
    let texts: Vec<String> = texts.iter().map(|text| bounded(text)).collect();
    let jobs: Vec<Job> = texts
        .iter()
        .map(|text| {
            let call = format!("longest_block({})", string_literal(text));
            Job::new(LONGEST_BLOCK, vec![call], Limits::seconds(20.0))
        })
        .collect();
    sandbox
        .run_all(&jobs)
        .iter()
        .zip(&texts)
        .map(|(report, text)| {
            let run = report.calls.first().and_then(|call| parse_run(call.verdict.value()?));
            let (first, last) = run.unwrap_or((0, 0));
            let lines: Vec<&str> = text.split('\n').collect();
            lines.get(first..=last).unwrap_or_default().join("\n")
        })
        .collect()
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(BYTES_BOUND);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    match text.match_indices('\n').nth(LINES_BOUND - 1) {
        Some((position, _)) => text[..position].to_owned(),
        None => text.to_owned(),
    }
}

/// Reads `(first, last)`.
fn parse_run(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(", ")?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Steps 2 to 4: what the entry point needs of a block; the block itself where nothing is left.
pub fn reachable_definitions(block: &str, entry_point: &str) -> String {
    let mut parser = Parser::new();
    let language = tree_sitter_python::LANGUAGE.into();
    parser.set_language(&language).expect("the grammar and the library are built for each other");
    let Some(tree) = parser.parse(block, None) else { return block.to_owned() };
    let mut imports = Vec::new();
    let mut definitions: Vec<(Option<&str>, Node<'_>)> = Vec::new();
    let mut taken: BTreeSet<Option<&str>> = BTreeSet::new();
    let root = tree.root_node();
    for node in root.children(&mut root.walk()) {
        let definition = match node.kind() {
            "import_statement" | "import_from_statement" => {
                imports.push(node);
                continue;
            }
            "class_definition" => Some(node),
            "function_definition" => has_return(node).then_some(node),
            "expression_statement" => node.child(0).filter(|child| child.kind() == "assignment"),
            _ => None,
        };
        if let Some(definition) = definition {
            let name = name_of(definition, block);
            if taken.insert(name) {
                definitions.push((name, definition));
            }
        }
    }
    let reached = reached_from(entry_point, &definitions, block);
    let kept = definitions.iter().filter(|(name, _)| name.is_some_and(|name| reached.contains(name)));
    let parts: Vec<&str> =
        imports.iter().chain(kept.map(|(_, node)| node)).map(|node| &block[node.byte_range()]).collect();
    let program = parts.join("\n");
    if program.trim().is_empty() { block.to_owned() } else { program }
}

/// The first direct identifier of a definition or assignment.
fn name_of<'a>(node: Node<'_>, text: &'a str) -> Option<&'a str> {
    let name = node.children(&mut node.walk()).find(|child| child.kind() == "identifier");
    name.map(|name| &text[name.byte_range()])
}

/// Visits the nodes below `node`; `enter` says whether to descend. Iterative: model text nests as it likes.
fn visit<'tree>(node: Node<'tree>, mut enter: impl FnMut(Node<'tree>) -> bool) {
    let mut cursor = node.walk();
    if !cursor.goto_first_child() {
        return;
    }
    let mut depth = 1;
    loop {
        if enter(cursor.node()) && cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            cursor.goto_parent();
            depth -= 1;
            if depth == 0 {
                return;
            }
        }
    }
}

fn has_return(node: Node<'_>) -> bool {
    let mut found = false;
    visit(node, |child| {
        found |= child.kind() == "return_statement";
        !found
    });
    found
}

/// Names reached from the entry point over the identifiers of the definitions.
fn reached_from<'a>(
    entry_point: &'a str,
    definitions: &[(Option<&'a str>, Node<'_>)],
    text: &'a str,
) -> BTreeSet<&'a str> {
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, node) in definitions {
        let Some(name) = name else { continue };
        let names = uses.entry(name).or_default();
        visit(*node, |child| {
            if child.kind() == "identifier" {
                names.insert(&text[child.byte_range()]);
            }
            child.kind() != "identifier"
        });
    }
    let mut reached = BTreeSet::from([entry_point]);
    let mut queue = VecDeque::from([entry_point]);
    while let Some(name) = queue.pop_front() {
        for used in uses.get(name).into_iter().flatten() {
            if reached.insert(used) {
                queue.push_back(used);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_definition_wins_and_only_reached_ones_stay() {
        let block = "from __future__ import annotations\nimport os\nLIMIT = 3\n@cache\ndef g(x):\n    return x\n\
                     def h(x):\n    return x + LIMIT\ndef f(x):\n    return h(x)\ndef f(x):\n    return 0\n\
                     def unused():\n    return 1\nclass C:\n    pass\nprint(f(1))";
        assert_eq!(
            reachable_definitions(block, "f"),
            "import os\nLIMIT = 3\ndef h(x):\n    return x + LIMIT\ndef f(x):\n    return h(x)"
        );
        assert_eq!(reachable_definitions(block, "absent"), "import os");
        assert_eq!(reachable_definitions("x = 1", "f"), "x = 1");
        assert_eq!(reachable_definitions("def f(x):\n    print(x)", "f"), "def f(x):\n    print(x)");
    }

    #[test]
    fn golden_reachable_definitions_of_blocks_that_parse_whole() {
        let Some(rows) = crate::test_data::json_lines("evalplus-verdicts/sanitize.jsonl.gz") else { return };
        let mut n = 0;
        for row in rows {
            let text = |key: &str| row[key].as_str().unwrap();
            // Step 1 is the identity on what step 4 has made.
            let sanitized = text("sanitized");
            if sanitized.contains("def ") {
                assert_eq!(reachable_definitions(sanitized, text("entry_point")), sanitized);
                n += 1;
            }
        }
        assert!(n > 100, "{n}");
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), code in "(def |class |import |return |\\(|\\)|:|\\n| {1,4}|[a-c]|=|é){0,60}") {
            let _ = bounded(&text);
            let _ = reachable_definitions(&text, "f");
            let _ = reachable_definitions(&code, "a");
        }
    }

    #[test]
    fn deep_nesting_is_survived() {
        let deep = format!("def f(x):\n    return {}x{}", "(".repeat(50_000), ")".repeat(50_000));
        assert_eq!(reachable_definitions(&deep, "f"), deep);
        assert_eq!(bounded(&"é\n".repeat(300_000)).lines().count(), LINES_BOUND);
    }
}
