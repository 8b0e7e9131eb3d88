//! The grammar of the small programs that `azr-tiny` learns from: what can be written, how often, on
//! which kinds of value.
//!
//! No outside data: every program is drawn from this table by a seeded generator, and every value in a
//! document comes from running the program in the sandbox. A row is one operation; its template is the
//! expression (or the in-place statement) on the variable `x`.
//!
//! Placeholders: `{k}` 1-5, `{d}` 0-9, `{m}` 2-9, `{t}` 2-15, `{s}` 2-3, `{c}` a letter of [`LETTERS`],
//! `{z}` a letter of [`OTHER_LETTERS`]. `y` stands for a second argument.

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Letters of string inputs.
pub const LETTERS: &[char] = &['a', 'b', 'c', 'd', 'e'];
/// Letters that only operations bring in.
pub const OTHER_LETTERS: &[char] = &['x', 'y', 'z'];

/// Kinds of value a program handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A small integer.
    Int,
    /// A list of digits.
    List,
    /// A short string.
    Str,
    /// A list of one-letter strings.
    Words,
    /// A tuple of digits.
    Tuple,
    /// A dictionary from letters to digits.
    Dict,
    /// True or False (only ever returned).
    Bool,
}

impl Kind {
    /// Name used in induction messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::List | Self::Words => "list",
            Self::Str => "str",
            Self::Tuple => "tuple",
            Self::Dict => "dict",
            Self::Bool => "bool",
        }
    }
}

/// How an operation changes `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `x = <template>`, or `return <template>`.
    Expression,
    /// The template itself is a statement that changes `x` in place.
    InPlace,
}

/// One row of the grammar.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Kind of `x` before.
    pub from: Kind,
    /// Kind of `x` after.
    pub to: Kind,
    /// Relative frequency among the operations of `from`.
    pub weight: u32,
    /// Kind that `y` must have, when the template uses it.
    pub second: Option<Kind>,
    /// Expression or statement.
    pub form: Form,
    /// Python text with placeholders.
    pub template: &'static str,
}

const fn op(from: Kind, to: Kind, weight: u32, template: &'static str) -> Operation {
    Operation { from, to, weight, second: None, form: Form::Expression, template }
}

const fn with(second: Kind, from: Kind, to: Kind, weight: u32, template: &'static str) -> Operation {
    Operation { from, to, weight, second: Some(second), form: Form::Expression, template }
}

const fn in_place(from: Kind, weight: u32, template: &'static str) -> Operation {
    Operation { from, to: from, weight, second: None, form: Form::InPlace, template }
}

use Kind::{Bool, Dict, Int, List, Str, Tuple, Words};

/// The grammar. Frequent rows first within a kind; weights put about four fifths on the common ones.
pub const OPERATIONS: &[Operation] = &[
    op(Int, Int, 12, "x + {k}"),
    op(Int, Int, 10, "x - {k}"),
    op(Int, Int, 6, "max(x, {t})"),
    op(Int, Int, 6, "min(x, {t})"),
    op(Int, Int, 5, "x * {s}"),
    op(Int, Int, 3, "x % {m}"),
    op(Int, Int, 3, "x // {s}"),
    op(Int, Int, 3, "abs(x - {t})"),
    op(Int, Int, 2, "{t} - x"),
    op(Int, List, 2, "[x, x + {k}]"),
    op(Int, List, 1, "list(range(x))[:4]"),
    op(Int, Str, 2, "str(x)"),
    op(Int, Bool, 2, "x > {t}"),
    op(Int, Bool, 1, "x % 2 == 0"),
    with(Int, Int, Int, 20, "x + y"),
    with(Int, Int, Int, 14, "x - y"),
    with(Int, Int, Int, 8, "max(x, y)"),
    with(Int, Int, Int, 8, "min(x, y)"),
    with(Int, Int, List, 6, "[x, y]"),
    op(List, List, 12, "sorted(x)"),
    op(List, List, 12, "x[::-1]"),
    op(List, List, 10, "x[1:]"),
    op(List, List, 8, "x[:-1]"),
    op(List, List, 7, "x[:2]"),
    op(List, List, 4, "x[2:]"),
    op(List, List, 10, "x + [{d}]"),
    op(List, List, 9, "[{d}] + x"),
    op(List, List, 10, "[i + {k} for i in x]"),
    op(List, List, 9, "[i for i in x if i > {k}]"),
    op(List, List, 5, "[i for i in x if i < {m}]"),
    op(List, List, 4, "[i * 2 for i in x]"),
    op(List, List, 3, "[i for i in x if i % 2 == 0]"),
    op(List, List, 3, "sorted(x, reverse=True)"),
    op(List, List, 3, "sorted(set(x))"),
    op(List, List, 3, "x[1:] + x[:1]"),
    op(List, List, 2, "x[::2]"),
    op(List, Tuple, 2, "tuple(x)"),
    in_place(List, 5, "x.append({d})"),
    in_place(List, 3, "x.sort()"),
    in_place(List, 3, "x.reverse()"),
    in_place(List, 3, "x.insert(0, {d})"),
    op(List, Int, 6, "sum(x)"),
    op(List, Int, 6, "len(x)"),
    op(List, Int, 6, "max(x)"),
    op(List, Int, 5, "min(x)"),
    op(List, Int, 5, "x[0]"),
    op(List, Int, 5, "x[-1]"),
    op(List, Int, 2, "x.count({d})"),
    op(List, Bool, 2, "{d} in x"),
    with(Int, List, List, 18, "x + [y]"),
    with(Int, List, List, 14, "[i + y for i in x]"),
    with(Int, List, List, 14, "[i for i in x if i > y]"),
    with(Int, List, List, 10, "[y] + x"),
    with(List, List, List, 30, "x + y"),
    with(List, List, List, 10, "[i for i in x if i in y]"),
    op(Str, Str, 12, "x[::-1]"),
    op(Str, Str, 10, "x.upper()"),
    op(Str, Str, 10, "x[1:]"),
    op(Str, Str, 8, "x[:-1]"),
    op(Str, Str, 5, "x[:2]"),
    op(Str, Str, 12, "x + '{z}'"),
    op(Str, Str, 12, "'{z}' + x"),
    op(Str, Str, 12, "x.replace('{c}', '{z}')"),
    op(Str, Str, 3, "x.lower()"),
    op(Str, Str, 3, "x.strip('{c}')"),
    op(Str, Str, 3, "x.capitalize()"),
    op(Str, Str, 3, "x[1:] + x[:1]"),
    op(Str, Str, 3, "x * 2"),
    op(Str, Str, 3, "''.join(sorted(x))"),
    op(Str, Str, 3, "x[0]"),
    op(Str, Str, 3, "x[-1]"),
    op(Str, Words, 3, "list(x)"),
    op(Str, Int, 5, "len(x)"),
    op(Str, Int, 4, "x.count('{c}')"),
    op(Str, Int, 2, "x.find('{c}')"),
    op(Str, Bool, 2, "'{c}' in x"),
    op(Str, Bool, 1, "x == x[::-1]"),
    with(Str, Str, Str, 30, "x + y"),
    with(Str, Str, Str, 20, "y + x"),
    with(Str, Str, Str, 10, "x.replace('{c}', y)"),
    with(Int, Str, Str, 20, "x[:y]"),
    with(Int, Str, Str, 15, "x[y:]"),
    op(Words, Words, 10, "sorted(x)"),
    op(Words, Words, 10, "x[::-1]"),
    op(Words, Words, 8, "x + ['{z}']"),
    op(Words, Words, 6, "x[1:]"),
    op(Words, Words, 5, "[i.upper() for i in x]"),
    op(Words, Str, 12, "''.join(x)"),
    op(Words, Str, 6, "'-'.join(x)"),
    op(Words, Int, 4, "len(x)"),
    op(Tuple, Tuple, 12, "x[::-1]"),
    op(Tuple, Tuple, 10, "x + ({d},)"),
    op(Tuple, Tuple, 8, "x[1:]"),
    op(Tuple, Tuple, 6, "x[:2]"),
    op(Tuple, List, 8, "list(x)"),
    op(Tuple, List, 8, "sorted(x)"),
    op(Tuple, Int, 5, "sum(x)"),
    op(Tuple, Int, 5, "max(x)"),
    op(Tuple, Int, 4, "x[0]"),
    op(Tuple, Int, 3, "len(x)"),
    op(Dict, List, 10, "list(x.values())"),
    op(Dict, Words, 8, "sorted(x)"),
    op(Dict, Dict, 10, "{i: x[i] + {k} for i in x}"),
    op(Dict, Int, 8, "x.get('{c}', 0)"),
    op(Dict, Int, 6, "sum(x.values())"),
    op(Dict, Int, 4, "max(x.values())"),
    op(Dict, Int, 4, "len(x)"),
    op(Dict, Str, 4, "''.join(x)"),
    Operation {
        from: Dict,
        to: Dict,
        weight: 10,
        second: None,
        form: Form::InPlace,
        template: "x['{c}'] = {d}",
    },
];

/// Draws an operation on a value of kind `from`. `second` is the kind of `y`, if the program has one;
/// `expression` leaves out in-place statements.
pub fn draw_operation(
    rng: &mut ChaCha8Rng,
    from: Kind,
    second: Option<Kind>,
    expression: bool,
) -> &'static Operation {
    let fits = |row: &&Operation| {
        row.from == from
            && row.second.is_none_or(|kind| Some(kind) == second)
            && !(expression && row.form == Form::InPlace)
    };
    let total: u32 = OPERATIONS.iter().filter(fits).map(|row| row.weight).sum();
    let mut ticket = rng.random_range(0..total);
    for row in OPERATIONS.iter().filter(fits) {
        if ticket < row.weight {
            return row;
        }
        ticket -= row.weight;
    }
    unreachable!("the ticket is below the total weight")
}

/// Fills the placeholders of a template.
pub fn fill(rng: &mut ChaCha8Rng, template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let hole = rest.get(at..at + 3).unwrap_or_default();
        let text = match hole {
            "{k}" => rng.random_range(1..=5).to_string(),
            "{d}" => rng.random_range(0..=9).to_string(),
            "{m}" => rng.random_range(2..=9).to_string(),
            "{t}" => rng.random_range(2..=15).to_string(),
            "{s}" => rng.random_range(2..=3).to_string(),
            "{c}" => letter(rng, LETTERS).to_string(),
            "{z}" => letter(rng, OTHER_LETTERS).to_string(),
            _ => {
                out.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
                continue;
            }
        };
        out.push_str(&rest[..at]);
        out.push_str(&text);
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    out
}

fn letter(rng: &mut ChaCha8Rng, letters: &[char]) -> char {
    *letters.choose(rng).expect("the alphabet is not empty")
}

/// Draws the text of an input value of a kind.
pub fn draw_input(rng: &mut ChaCha8Rng, kind: Kind) -> String {
    match kind {
        Kind::Int => rng.random_range(0..=20).to_string(),
        Kind::List => format!("[{}]", digits(rng, 2..=5)),
        Kind::Tuple => format!("({})", digits(rng, 2..=4)),
        Kind::Str => {
            let len = rng.random_range(2..=6);
            let text: String = (0..len).map(|_| letter(rng, LETTERS)).collect();
            format!("'{text}'")
        }
        Kind::Words => {
            let len = rng.random_range(2..=4);
            let items: Vec<String> = (0..len).map(|_| format!("'{}'", letter(rng, LETTERS))).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Dict => {
            let len = rng.random_range(1..=3);
            let mut keys = LETTERS.to_vec();
            let (drawn, _) = keys.partial_shuffle(rng, len);
            let drawn = drawn.to_vec();
            let items: Vec<String> =
                drawn.into_iter().map(|key| format!("'{key}': {}", rng.random_range(0..=9))).collect();
            format!("{{{}}}", items.join(", "))
        }
        Kind::Bool => "True".to_string(),
    }
}

fn digits(rng: &mut ChaCha8Rng, len: std::ops::RangeInclusive<usize>) -> String {
    let len = rng.random_range(len);
    let items: Vec<String> = (0..len).map(|_| rng.random_range(0..=9).to_string()).collect();
    items.join(", ")
}

/// Draws the kind of the (first) argument of a program.
pub fn draw_kind(rng: &mut ChaCha8Rng) -> Kind {
    match rng.random_range(0..100) {
        0..24 => Kind::Int,
        24..62 => Kind::List,
        62..86 => Kind::Str,
        86..92 => Kind::Tuple,
        _ => Kind::Dict,
    }
}
