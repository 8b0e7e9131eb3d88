//! Judges recorded pairs of answers: our side of the comparison in `benchmarks/speed/math`.
//!
//!     time cargo run --release -p azr-benchmarks --example judge_pairs -- DATA/math-verdicts/pairs.jsonl.gz

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use azr_benchmarks::data::read_plain;
use azr_benchmarks::grade::math::same_answer;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("give the file with the pairs")?;
    let text = String::from_utf8(read_plain(Path::new(&file), 64 << 20)?)?;
    let (mut pairs, mut different) = (0, 0);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let prediction = text("pred_norm");
        let right = !prediction.is_empty() && same_answer(text("gold_norm"), prediction, false);
        pairs += 1;
        different += usize::from(Some(right) != row["verdict"].as_bool());
    }
    println!("{{\"pairs\": {pairs}, \"different\": {different}}}");
    Ok(())
}
