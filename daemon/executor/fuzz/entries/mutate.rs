//! The short form of fuzzing, in the ordinary tests: every committed seed and some thousand mutations of them, the
//! same ones each time.

#[path = "draws.rs"]
mod draws;

use draws::Draws;
use std::panic::catch_unwind;
use std::path::PathBuf;

/// The committed seeds of a target, in the order of their names.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.expect("a seed can be listed").path();
            let content = std::fs::read(&path).expect("a seed can be read");
            (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), content)
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds of {target}");
    seeds
}

/// Applies `check` to every seed and to `count` mutations; a panic is repeated with the input that it came from.
pub fn for_each(target: &str, count: usize, check: fn(&[u8])) {
    let attempt = |what: &str, data: &[u8]| {
        let failed = catch_unwind(|| check(data)).is_err();
        assert!(!failed, "{target}, {what}: {:?}", String::from_utf8_lossy(data));
    };
    let seeds = seeds(target);
    for (name, data) in &seeds {
        attempt(name, data);
    }
    let mut draws = Draws(1);
    for number in 0..count {
        let data = mutated(&seeds, &mut draws);
        attempt(&format!("mutation {number}"), &data);
    }
}

/// What a parser is likely to get wrong.
const TOKENS: [&[u8]; 28] = [
    b"\n",
    b"\0",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"-0.0",
    b"nan",
    b"18446744073709551616",
    b"-9223372036854775808",
    b"\xff\xff\xff\xff",
    b"\xf0\x9f\x98\x80",
    b"\x80",
    b"\xe2\x80\xa8",
    b"null",
    b"\r\n",
    b"\t",
    b"\n#---\n",
];

/// A few changes of a seed: bits, tokens, cuts, repetitions, pieces of another seed.
pub fn mutated(seeds: &[(String, Vec<u8>)], draws: &mut Draws) -> Vec<u8> {
    let mut data = seeds[draws.below(seeds.len())].1.clone();
    for _ in 0..=draws.below(5) {
        let at = draws.below(data.len() + 1);
        let end = at + draws.below((data.len() - at).min(40) + 1);
        match draws.below(6) {
            0 if at < data.len() => data[at] ^= 1 << draws.below(8),
            1 => drop(data.splice(at..end, draws.of(&TOKENS).iter().copied())),
            2 => drop(data.drain(at..end)),
            3 => data.truncate(at.max(8)),
            4 => {
                let piece = data[at..end].repeat(1 + draws.below(8));
                drop(data.splice(at..at, piece));
            }
            _ => {
                let other = &seeds[draws.below(seeds.len())].1;
                let from = draws.below(other.len() + 1);
                let to = from + draws.below(other.len() - from + 1);
                drop(data.splice(at..end, other[from..to].iter().copied()));
            }
        }
    }
    data
}
