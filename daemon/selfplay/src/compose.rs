//! Composite functions (spec 5; off in the published runs): stored programs that a proposal must call.
//!
//! They are drawn from the buffer's entries that are not composite themselves, renamed to `g_0`, `g_1`, ... by Python's own
//! syntax tree, and put before the proposal's source. A proposal that defines one of the names again, or does not call every
//! one of them with arguments in scope, is no proposal. An entry counts as composite when it defines `g_0`.

use crate::buffers::Buffer;
use crate::config::{Composition, ReferenceDraw};
use crate::draw;
use crate::judge::{Judge, verdict};
use crate::python_literal::{literal, unhex};
use crate::task::Triplet;
use azr_executor::{Limits, analysis};
use rand_chacha::ChaCha8Rng;

/// Draws the functions of one prompt; none where chance, references or the buffer do not allow them.
pub(crate) fn draw_functions(
    judge: &Judge<'_>,
    rule: &Composition,
    buffer: &Buffer<Triplet>,
    weights: ReferenceDraw,
    n_references: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Triplet> {
    let chance = draw::unit(rng);
    if chance > rule.chance || n_references <= rule.references {
        return Vec::new();
    }
    let simple: Vec<(&Triplet, u64)> = buffer
        .entries()
        .iter()
        .filter(|entry| !is_composite(&entry.item.program))
        .map(|entry| (&entry.item, if weights == ReferenceDraw::Step { entry.step + 1 } else { 1 }))
        .collect();
    let count = rule.n_min + draw::index(rng, rule.n_max.saturating_sub(rule.n_min) + 1);
    if simple.len() < count {
        return Vec::new();
    }
    let mut weights: Vec<u64> = simple.iter().map(|(_, weight)| *weight).collect();
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let Some(index) = draw::weighted(rng, &weights) else { return Vec::new() };
        weights[index] = 0;
        chosen.push(simple[index].0);
    }
    let renamed: Option<Vec<Triplet>> = chosen
        .into_iter()
        .enumerate()
        .map(|(number, function)| {
            let program = rename_entry(judge, &function.program, "f", &format!("g_{number}"))?;
            Some(Triplet { program, ..function.clone() })
        })
        .collect();
    renamed.unwrap_or_default()
}

fn is_composite(program: &str) -> bool {
    program.lines().any(|line| line.starts_with("def g_0("))
}

/// Renames a function where it is defined and where its plain name is called, and prints the program anew from its tree;
/// `None` where it does not parse (the reference raises there).
pub fn rename_entry(judge: &Judge<'_>, program: &str, from: &str, to: &str) -> Option<String> {
    const RENAME: &str = "import ast\n\
        def rename(source, old, new):\n    \
            tree = ast.parse(source)\n    \
            for node in ast.walk(tree):\n        \
                if isinstance(node, ast.FunctionDef) and node.name == old:\n            \
                    node.name = new\n        \
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == old:\n            \
                    node.func.id = new\n    \
            return ast.unparse(tree).encode('utf-8', 'surrogatepass').hex()\n";
    let mut job =
        judge.job(RENAME, vec![format!("rename({}, {}, {})", literal(program), literal(from), literal(to))]);
    // The program is read, not run: the limits of programs have nothing to do with it.
    job.limits = Limits { output_chars: 1 << 24, ..Limits::seconds(10.0) };
    let reports = judge.run(std::slice::from_ref(&job));
    let text = verdict(reports.first()?, 0).value()?.trim_matches('\'').to_owned();
    String::from_utf8(unhex(&text)?).ok()
}

/// The sources of proposals with their functions put before them; `None` where a function is defined again or not called.
pub(crate) fn compose(judge: &Judge<'_>, proposals: &[(String, &[Triplet])]) -> Vec<Option<String>> {
    let names = |count: usize| -> Vec<String> { (0..count).map(|number| format!("g_{number}")).collect() };
    let own: Vec<(String, Vec<String>)> =
        proposals.iter().map(|(program, functions)| (program.clone(), names(functions.len()))).collect();
    let composed: Vec<(String, Vec<String>)> = proposals
        .iter()
        .map(|(program, functions)| {
            let imports: Vec<String> = functions.iter().map(|one| one.imports.join("\n")).collect();
            let sources: Vec<&str> = functions.iter().map(|one| one.program.as_str()).collect();
            let text =
                format!("{}\n\n{}\n\n{program}", imports.join("\n").trim(), sources.join("\n\n").trim());
            (text.trim().to_owned(), sources.iter().map(ToString::to_string).collect())
        })
        .collect();
    let undefined = analysis::check_no_definitions(judge.sandbox(), &own);
    let called = analysis::check_composite_function(judge.sandbox(), &composed);
    composed
        .into_iter()
        .zip(undefined.into_iter().zip(called))
        .map(|((text, _), (undefined, called))| (undefined && called).then_some(text))
        .collect()
}
