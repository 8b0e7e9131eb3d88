//! The held-out suites `tiny` and `tiny_hard`: drawn from seeds that the corpus never uses, and their
//! programs are kept out of the corpus and out of self-play.

use super::corpus::{self, Example, N_PAIRS};
use super::program::{self, Shape};
use anyhow::{Context, Result};
use azr_executor::Sandbox;
use azr_model::random::DrawKey;
use flate2::{Compression, GzBuilder};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// Items of each task type in each suite.
const ITEMS_PER_TASK: u64 = 500;

/// Seed of the suites; the corpus takes its own from the recipe.
const SUITE_SEED: u64 = 20_250_503;

/// One line of a suite file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `task/number`.
    #[expect(clippy::struct_field_names, reason = "the key of the suite files")]
    pub item: String,
    /// `deduction`, `abduction` or `induction`.
    pub task: &'static str,
    /// The program (for induction: the one that made the pairs).
    pub program: String,
    /// Argument list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Pairs that the solver sees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(String, String)>,
    /// Pairs that decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<(String, String)>,
    /// The hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Suites by name.
pub type Suites = Vec<(&'static str, Vec<Item>)>;

/// Program sizes of a suite.
#[derive(Clone, Copy, Debug)]
pub struct SuiteShape {
    /// Name of the suite and of its file.
    pub name: &'static str,
    /// Deduction and abduction programs.
    pub program: Shape,
    /// Induction programs.
    pub induction_program: Shape,
}

/// The two suites.
pub const SUITES: [SuiteShape; 2] = [
    SuiteShape { name: "tiny", program: Shape::statements(2, 5), induction_program: Shape::induction(1, 3) },
    SuiteShape {
        name: "tiny_hard",
        program: Shape::statements(5, 8),
        induction_program: Shape::induction(3, 4),
    },
];

/// Draws a suite; no program occurs twice, and none of `taken`, to which the new ones are added.
pub fn draw(sandbox: &Sandbox, shape: &SuiteShape, taken: &mut BTreeSet<String>) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (task, program_shape) in
        [("deduction", shape.program), ("abduction", shape.program), ("induction", shape.induction_program)]
    {
        // Twice as many as needed, to have enough after duplicates are gone.
        let wanted: Vec<(u64, Shape)> = (0..2 * ITEMS_PER_TASK).map(|i| (i, program_shape)).collect();
        let stream = match (shape.name, task) {
            ("tiny", "deduction") => "suite.tiny.deduction",
            ("tiny", "abduction") => "suite.tiny.abduction",
            ("tiny", _) => "suite.tiny.induction",
            (_, "deduction") => "suite.tiny_hard.deduction",
            (_, "abduction") => "suite.tiny_hard.abduction",
            _ => "suite.tiny_hard.induction",
        };
        let key = DrawKey::new(SUITE_SEED, 0, stream, 0);
        let mut number = 0;
        for example in corpus::draw_examples(sandbox, &key, &wanted, taken)? {
            if number < ITEMS_PER_TASK && taken.insert(example.program.source.clone()) {
                items.push(item(task, number, &example));
                number += 1;
            }
        }
        anyhow::ensure!(
            number == ITEMS_PER_TASK,
            "only {number} distinct {task} programs for {}",
            shape.name
        );
    }
    Ok(items)
}

fn item(task: &'static str, number: u64, example: &Example) -> Item {
    let induction = task == "induction";
    let (input, output) = &example.pairs[0];
    let (shown, hidden) = example.pairs.split_at(N_PAIRS / 2);
    Item {
        item: format!("{task}/{number}"),
        task,
        program: example.program.source.clone(),
        input: (!induction).then(|| input.clone()),
        output: (!induction).then(|| output.clone()),
        shown: if induction { shown.to_vec() } else { Vec::new() },
        hidden: if induction { hidden.to_vec() } else { Vec::new() },
        message: induction.then(|| program::message(&example.program)),
    }
}

/// Draws both suites: their items and the set of their programs.
pub fn draw_all(sandbox: &Sandbox) -> Result<(Suites, BTreeSet<String>)> {
    let mut taken = BTreeSet::new();
    let mut suites = Vec::new();
    for shape in &SUITES {
        suites.push((shape.name, draw(sandbox, shape, &mut taken)?));
    }
    Ok((suites, taken))
}

/// The gzip'ed JSON lines of a suite: the same bytes on every machine (no time stamp).
pub fn to_bytes(items: &[Item]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    for item in items {
        serde_json::to_writer(&mut encoder, item)?;
        encoder.write_all(b"\n")?;
    }
    Ok(encoder.finish()?)
}

/// Writes both suites into a folder.
pub fn write(suites: &[(&'static str, Vec<Item>)], folder: &Path) -> Result<()> {
    for (name, items) in suites {
        let path = folder.join(format!("{name}.jsonl.gz"));
        std::fs::write(&path, to_bytes(items)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
