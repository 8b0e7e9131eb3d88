//! Draws one program of the small world, together with a second form of it that reports every statement
//! as it runs. The second form is where the worked traces come from: a statement, then its value, which
//! is what makes thinking step by step worth more than answering at once.

use super::world::{self, Form, Kind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A generated program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Python source of `f` (and of a helper `g`, if any).
    pub source: String,
    /// The same computation with `_e(statement, value)` around every statement that sets `x`,
    /// `_c(condition, value)` around conditions and `_r(expression, value)` around the result.
    pub traced: String,
    /// Kinds of the arguments.
    pub parameters: Vec<Kind>,
    /// Kind of the result.
    pub result: Kind,
    /// Number of statements, the return included.
    pub n_statements: usize,
    /// Templates used, for accuracy per operation.
    pub operations: Vec<&'static str>,
}

/// How large programs are and how often the rarer constructs occur (shares in percent).
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Fewest statements, the return included.
    pub min_statements: usize,
    /// Most statements.
    pub max_statements: usize,
    /// Programs with a second argument.
    pub second_argument: u32,
    /// Statements under an `if`.
    pub branch: u32,
    /// Statements in a `for ... in range`, or accumulating loops over a list.
    pub repeat: u32,
    /// Programs with a helper function.
    pub helper: u32,
}

impl Shape {
    /// Shape of the corpus' deduction, abduction and proposal programs.
    pub const fn statements(min_statements: usize, max_statements: usize) -> Self {
        Self { min_statements, max_statements, second_argument: 14, branch: 10, repeat: 5, helper: 7 }
    }

    /// Shape of induction programs: to write a program from three pairs is the hardest of the tasks, so
    /// the rarer constructs are rarer still.
    pub const fn induction(min_statements: usize, max_statements: usize) -> Self {
        Self { min_statements, max_statements, second_argument: 10, branch: 4, repeat: 3, helper: 3 }
    }
}

struct Writer {
    plain: String,
    traced: String,
    operations: Vec<&'static str>,
    kind: Kind,
    second: Option<Kind>,
}

/// Draws a program of the given shape.
pub fn draw_program(rng: &mut ChaCha8Rng, shape: &Shape) -> Program {
    let kind = world::draw_kind(rng);
    let second = percent(rng, shape.second_argument).then(|| second_kind(rng, kind)).flatten();
    draw_program_on(rng, shape, kind, second)
}

/// Draws a program of the given shape on arguments of given kinds.
pub fn draw_program_on(rng: &mut ChaCha8Rng, shape: &Shape, kind: Kind, second: Option<Kind>) -> Program {
    let n_statements = rng.random_range(shape.min_statements..=shape.max_statements);
    let mut writer =
        Writer { plain: String::new(), traced: String::new(), operations: Vec::new(), kind, second };
    let helper = (n_statements > 1 && percent(rng, shape.helper)).then(|| writer.define_helper(rng));
    writer.both(if second.is_some() { "def f(x, y):\n" } else { "def f(x):\n" });
    let mut statements_left = n_statements - 1;
    if let Some(template) = helper {
        writer.both("    x = g(x)\n");
        writer.operations.push(template);
        statements_left -= 1;
    }
    for _ in 0..statements_left {
        writer.statement(rng, shape);
    }
    let result = writer.return_statement(rng);
    let mut parameters = vec![kind];
    parameters.extend(second);
    Program {
        source: writer.plain,
        traced: writer.traced,
        parameters,
        result,
        n_statements,
        operations: writer.operations,
    }
}

fn percent(rng: &mut ChaCha8Rng, share: u32) -> bool {
    rng.random_range(0..100) < share
}

fn second_kind(rng: &mut ChaCha8Rng, first: Kind) -> Option<Kind> {
    match first {
        Kind::Int => Some(Kind::Int),
        Kind::List => Some(if percent(rng, 60) { Kind::Int } else { Kind::List }),
        Kind::Str => Some(if percent(rng, 70) { Kind::Str } else { Kind::Int }),
        _ => None,
    }
}

impl Writer {
    fn both(&mut self, text: &str) {
        self.plain.push_str(text);
        self.traced.push_str(text);
    }

    /// Writes `g`, which makes one step without changing the kind, and returns its template.
    fn define_helper(&mut self, rng: &mut ChaCha8Rng) -> &'static str {
        let row = loop {
            let row = world::draw_operation(rng, self.kind, None, true);
            if row.to == self.kind {
                break row;
            }
        };
        let expression = world::fill(rng, row.template);
        self.both("def g(x):\n");
        self.plain.push_str(&format!("    return {expression}\n"));
        self.traced.push_str(&format!("    return _e({expression:?}, {expression})\n"));
        row.template
    }

    fn statement(&mut self, rng: &mut ChaCha8Rng, shape: &Shape) {
        if percent(rng, shape.branch) && self.branch(rng) {
            return;
        }
        if percent(rng, shape.repeat) && self.repeat(rng) {
            return;
        }
        let row = loop {
            let row = world::draw_operation(rng, self.kind, self.second, false);
            if row.to != Kind::Bool {
                break row;
            }
        };
        self.step(rng, row, "    ");
    }

    /// One operation as a statement.
    fn step(&mut self, rng: &mut ChaCha8Rng, row: &'static world::Operation, indent: &str) {
        let text = world::fill(rng, row.template);
        match row.form {
            Form::Expression => {
                self.plain.push_str(&format!("{indent}x = {text}\n"));
                self.traced.push_str(&format!("{indent}x = _e({text:?}, {text})\n"));
            }
            Form::InPlace => {
                self.plain.push_str(&format!("{indent}{text}\n"));
                self.traced.push_str(&format!("{indent}{text}\n{indent}_e({text:?}, x)\n"));
            }
        }
        self.operations.push(row.template);
        self.kind = row.to;
    }

    /// A step that keeps the kind, drawn again until it does.
    fn same_kind_step(&mut self, rng: &mut ChaCha8Rng, indent: &str) {
        let row = loop {
            let row = world::draw_operation(rng, self.kind, self.second, false);
            if row.to == self.kind {
                break row;
            }
        };
        self.step(rng, row, indent);
    }

    fn branch(&mut self, rng: &mut ChaCha8Rng) -> bool {
        let condition = match self.kind {
            Kind::Int => {
                format!("x {} {}", if percent(rng, 50) { '>' } else { '<' }, rng.random_range(2..=20))
            }
            Kind::List | Kind::Str | Kind::Tuple | Kind::Words => {
                format!("len(x) > {}", rng.random_range(2..=4))
            }
            Kind::Dict | Kind::Bool => return false,
        };
        self.plain.push_str(&format!("    if {condition}:\n"));
        self.traced.push_str(&format!("    if _c({condition:?}, {condition}):\n"));
        self.same_kind_step(rng, "        ");
        if percent(rng, 35) {
            self.both("    else:\n");
            self.same_kind_step(rng, "        ");
        }
        self.operations.push("if");
        true
    }

    fn repeat(&mut self, rng: &mut ChaCha8Rng) -> bool {
        match self.kind {
            Kind::Int | Kind::Str => {
                self.both(&format!("    for i in range({}):\n", rng.random_range(2..=3)));
                self.same_kind_step(rng, "        ");
                self.operations.push("for range");
                true
            }
            Kind::List => {
                let step = if percent(rng, 60) { "t + i" } else { "max(t, i)" };
                self.both("    t = 0\n    for i in x:\n");
                self.plain.push_str(&format!("        t = {step}\n    x = t\n"));
                self.traced.push_str(&format!("        t = _e({step:?}, {step})\n    x = t\n"));
                self.operations.push("for in");
                self.kind = Kind::Int;
                true
            }
            _ => false,
        }
    }

    fn return_statement(&mut self, rng: &mut ChaCha8Rng) -> Kind {
        let row = world::draw_operation(rng, self.kind, self.second, true);
        let text = world::fill(rng, row.template);
        self.plain.push_str(&format!("    return {text}"));
        self.traced.push_str(&format!("    return _r({text:?}, {text})"));
        self.operations.push(row.template);
        row.to
    }
}

/// Draws the argument list of a program as text.
pub fn draw_arguments(rng: &mut ChaCha8Rng, program: &Program) -> String {
    let mut texts = Vec::with_capacity(2);
    for (position, kind) in program.parameters.iter().enumerate() {
        // A second int is an offset or a bound of the first argument: small.
        if position == 1 && *kind == Kind::Int {
            texts.push(rng.random_range(0..=5).to_string());
        } else {
            texts.push(world::draw_input(rng, *kind));
        }
    }
    texts.join(", ")
}

/// The message of an induction task: a hint of kinds and length, never the program.
pub fn message(program: &Program) -> String {
    let from: Vec<&str> = program.parameters.iter().map(|kind| kind.name()).collect();
    let steps = if program.n_statements == 1 { "step" } else { "steps" };
    format!("{} to {}, {} {steps}", from.join(" and "), program.result.name(), program.n_statements)
}
