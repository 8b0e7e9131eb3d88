//! A run folder as training writes it, small and made up, with hostile text in it.
//!
//! Numbers come from formulas, not from draws, so that the snapshots never change by themselves.

use polars::prelude::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Steps of the run.
pub const STEPS: u64 = 40;
/// Items of each task type.
const ITEMS: u64 = 60;
/// Samples an item at temperature 1.
const SAMPLES: u64 = 8;
/// Text that must not become markup.
pub const HOSTILE: &str = "<script>alert(\"x\")</script> & <img src=\"http://example.org/a.png\">";

/// A number in 0..1 that looks like noise and is a function of its arguments.
fn noise(a: u64, b: u64, c: u64) -> f64 {
    let mut x = a.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ b.wrapping_mul(0xBF58_476D_1CE4_E5B9)
        ^ c.wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 31;
    x = x.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x ^= x >> 29;
    x = x.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x ^= x >> 32;
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// Writes the run into `parent/name`; `gain` is what the accuracy rises by from first to last step.
pub fn write_run(parent: &Path, name: &str, seed: u64, gain: f64) -> PathBuf {
    let folder = parent.join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("rollouts")).unwrap();
    std::fs::write(
        folder.join("config.toml"),
        format!("mode = \"clean\"\n\n[run]\nseed = {seed}\nsteps = {STEPS}\n"),
    )
    .unwrap();
    std::fs::write(
        folder.join("run.json"),
        format!(
            "{{\"seed\": {seed}, \"code_version\": \"0.1.0\", \"guest\": \"3f1c{:060}\", \"machine\": {{\"cpus\": 2}}, \
             \"weights\": {{\"before\": \"aa11\", \"after\": \"bb22\"}}, \"note\": {}}}",
            seed,
            serde_json::to_string(HOSTILE).unwrap()
        ),
    )
    .unwrap();
    std::fs::write(folder.join("steps.jsonl"), steps(seed)).unwrap();
    std::fs::write(
        folder.join("timings.jsonl"),
        (1..=STEPS).fold(String::new(), |mut text, step| {
            writeln!(text, "{{\"step\": {step}, \"seconds\": {{\"propose\": 2.5, \"update\": 5.0}}}}")
                .unwrap();
            text
        }),
    )
    .unwrap();
    for suite in ["tiny", "tiny_hard"] {
        for step in [0, 10, 20, 30, STEPS] {
            write_evaluation(&folder, suite, step, seed, gain);
        }
    }
    for step in [1, STEPS] {
        write_rollouts(&folder.join(format!("rollouts/step-{step}.parquet")), step);
    }
    folder
}

fn steps(seed: u64) -> String {
    let mut text = String::new();
    for step in 1..=STEPS {
        let progress = step as f64 / STEPS as f64;
        let mut groups = Vec::new();
        let mut learnability = Vec::new();
        for (index, task_type) in ["deduction", "abduction", "induction"].into_iter().enumerate() {
            let wobble = |what: u64| noise(seed + what, step, index as u64) - 0.5;
            groups.push(format!(
                "\"{task_type}_propose\": {{\"n\": 24, \"valid\": {:.3}, \"reward_mean\": {:.3}, \"format\": 0.98, \
                 \"response_tokens_mean\": {:.1}, \"traced\": 0.0, \"distinct\": {}, \"verdicts\": {{\"valid\": 22}}}}",
                0.92 + 0.04 * progress + 0.06 * wobble(1),
                0.1 - 0.2 * progress + 0.3 * wobble(2),
                40.0 + 4.0 * wobble(3),
                22 - (6.0 * progress) as u64,
            ));
            groups.push(format!(
                "\"{task_type}_solve\": {{\"n\": 48, \"valid\": {:.3}, \"reward_mean\": {:.3}, \"format\": 0.99, \
                 \"response_tokens_mean\": {:.1}, \"traced\": {:.3}, \"verdicts\": {{\"right\": 20, \"wrong\": 28}}}}",
                0.5,
                -0.1 * index as f64 + 0.5 * progress + 0.3 * wobble(4),
                20.0 + 25.0 * progress + 3.0 * wobble(5),
                0.2 + 0.6 * progress + 0.1 * wobble(6),
            ));
            let easy = (8.0 * progress + 3.0 * wobble(7)).max(0.0) as u64;
            let unsolved = (9.0 - 6.0 * progress + 3.0 * wobble(8)).max(0.0) as u64;
            learnability.push(format!(
                "{{\"task_type\": \"{task_type}\", \"histogram\": [{unsolved}, 2, 2, 2, 2, 1, {easy}], \"too_easy\": 0.1, \
                 \"unsolved\": 0.4, \"accuracy_mean\": 0.4}}"
            ));
        }
        writeln!(
            text,
            "{{\"step\": {step}, \"version\": {step}, \"prev\": \"p\", \"hash\": \"h\", \"groups\": {{{}}}, \"learnability\": [{}], \
             \"buffers\": {{\"deduction\": 100}}, \"loss\": {:.4}, \"grad_norm\": {:.4}, \"entropy\": {:.4}, \"tokens\": 30000}}",
            groups.join(", "),
            learnability.join(", "),
            0.02 * (noise(seed + 9, step, 0) - 0.5),
            0.4 + 0.2 * noise(seed + 10, step, 0),
            0.9 - 0.5 * progress + 0.05 * noise(seed + 11, step, 0),
        )
        .unwrap();
    }
    text
}

fn write_evaluation(folder: &Path, suite: &str, step: u64, seed: u64, gain: f64) {
    let place = folder.join(format!("eval/{suite}/step-{step}"));
    std::fs::create_dir_all(&place).unwrap();
    let progress = step as f64 / STEPS as f64;
    let mut text = String::new();
    for (index, (task_type, base)) in
        [("deduction", 0.42), ("abduction", 0.50), ("induction", 0.20)].into_iter().enumerate()
    {
        let harder = if suite == "tiny" { 1.0 } else { 0.5 };
        let chance = harder * (base + gain * progress);
        for item in 0..ITEMS {
            // An item's difficulty does not change with the step: that is what pairing is for.
            let difficulty = noise(index as u64, item, 0);
            for sample in 0..=SAMPLES {
                let greedy = sample == SAMPLES;
                let luck = if greedy { 0.5 } else { noise(seed + sample, item, step + 100 * index as u64) };
                let pass = 0.7 * difficulty + 0.3 * luck < chance;
                let thought = noise(seed + 50 + sample, item, step) < 0.2 + 0.6 * progress;
                writeln!(
                    text,
                    "{{\"item\": \"{task_type}/{item}\", \"group\": \"{task_type}\", \"decoding\": \"{}\", \"sample\": {}, \
                     \"prompt_hash\": \"0\", \"output\": \"x\", \"extracted\": \"x\", \"verdict\": \"{}\", \"pass\": {pass}, \
                     \"tokens\": 20, \"finished\": true, \"fuel\": 1, \"thought\": {thought}}}",
                    if greedy { "greedy" } else { "sampled" },
                    if greedy { 0 } else { sample },
                    if pass { "pass" } else { "fail" },
                )
                .unwrap();
            }
        }
    }
    std::fs::write(place.join("items.jsonl"), text).unwrap();
}

/// Three rollouts a task type: a proposal, a right and a wrong solution.
pub fn write_rollouts(path: &Path, step: u64) {
    let mut columns: [Vec<String>; 5] = Default::default();
    let mut rewards = Vec::new();
    for task_type in ["deduction", "abduction", "induction"] {
        let rows = [
            (
                "propose",
                "learnable",
                0.67,
                "</think><answer>```python\ndef f(x):\n    x = sorted(x)\n    return x[1:]\n```\n```input\n[3, 1, 2]\n```\n</answer>",
            ),
            (
                "solve",
                "right",
                1.0,
                "sorted(x) -> [1, 2, 3]; x[1:] -> [2, 3]</think><answer>```output\n[2, 3]\n```\n</answer>",
            ),
            ("solve", "wrong", -0.5, HOSTILE),
        ];
        for (role, verdict, reward, response) in rows {
            let prompt = format!("Deduce the output. {HOSTILE}\n<think>");
            let texts = [task_type, role, &prompt, response, verdict];
            for (column, text) in columns.iter_mut().zip(texts) {
                column.push(text.to_owned());
            }
            rewards.push(reward);
        }
    }
    let names = ["task_type", "role", "prompt", "response", "verdict"];
    let mut all: Vec<Column> = names
        .into_iter()
        .zip(&columns)
        .map(|(name, texts)| Column::new(name.into(), texts.clone()))
        .collect();
    all.push(Column::new("step".into(), vec![step; rewards.len()]));
    all.push(Column::new("reward".into(), rewards));
    let height = all[0].len();
    let mut frame = DataFrame::new(height, all).unwrap();
    ParquetWriter::new(std::fs::File::create(path).unwrap()).finish(&mut frame).unwrap();
}
