//! The objects of the method (spec section 1): task types, roles, triplets, induction tasks.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the solver has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskType {
    /// Given program and input, the output.
    Deduction,
    /// Given program and output, an input that produces it.
    Abduction,
    /// Given input/output pairs and a message, the program.
    Induction,
    /// Given program and input, the class of the exception that it raises, or `NoError` (`code_e` of the reference, not in
    /// the published runs; module `error_task`).
    Error,
    /// A type that the caller brings along (trait [`crate::task_kind::TaskKind`]).
    Custom,
}

impl TaskType {
    /// The task types of the published runs, in the order in which records list them.
    pub const ALL: [Self; 3] = [Self::Deduction, Self::Abduction, Self::Induction];

    /// The word used in records, prompts and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deduction => "deduction",
            Self::Abduction => "abduction",
            Self::Induction => "induction",
            Self::Error => "error",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for TaskType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which side of the self-play a rollout belongs to; both are played by the same weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Invents tasks.
    Propose,
    /// Answers them.
    Solve,
}

impl Role {
    /// Both roles, proposer first, as within a step.
    pub const ALL: [Self; 2] = [Self::Propose, Self::Solve];

    /// The word used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Solve => "solve",
        }
    }
}

/// One of the six (task type, role) groups, each with its own baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    /// Task type.
    pub task_type: TaskType,
    /// Role.
    pub role: Role,
}

impl Group {
    /// A group.
    pub const fn new(task_type: TaskType, role: Role) -> Self {
        Self { task_type, role }
    }

    /// The key of the group in `steps.jsonl`, e.g. `deduction_propose`.
    pub fn name(self) -> String {
        format!("{}_{}", self.task_type.name(), self.role.name())
    }
}

/// Program, input and output, with `output = repr(f(input))` computed by the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triplet {
    /// Python source that defines `f`.
    pub program: String,
    /// Text of the argument list.
    pub input: String,
    /// `repr` of the result.
    pub output: String,
    /// Import lines of the program, which go before any other program judged against this triplet.
    #[serde(default)]
    pub imports: Vec<String>,
}

impl Triplet {
    /// The one triplet everything can start from: the identity function on a string (spec section 2).
    pub fn identity() -> Self {
        Self {
            program: "def f(a):\n    return a".into(),
            input: "'Hello world'".into(),
            output: "'Hello world'".into(),
            imports: Vec::new(),
        }
    }
}

/// One input with the output the program gives for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct Pair {
    /// Text of the argument list.
    pub input: String,
    /// `repr` of the result.
    pub output: String,
}

impl Pair {
    /// A pair.
    pub fn new(input: impl Into<String>, output: impl Into<String>) -> Self {
        Self { input: input.into(), output: output.into() }
    }
}

impl From<(String, String)> for Pair {
    fn from((input, output): (String, String)) -> Self {
        Self { input, output }
    }
}

impl From<Pair> for (String, String) {
    fn from(pair: Pair) -> Self {
        (pair.input, pair.output)
    }
}

/// An induction task: the first half of the pairs is shown to the solver, the second half judges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InductionTask {
    /// The program to find again.
    pub program: String,
    /// Import lines of the program.
    #[serde(default)]
    pub imports: Vec<String>,
    /// Pairs in the solver's prompt.
    pub shown: Vec<Pair>,
    /// Pairs that decide.
    pub hidden: Vec<Pair>,
    /// The proposer's message to the solver.
    pub message: String,
}

impl InductionTask {
    /// Splits `pairs` into a shown first half and a hidden second half.
    pub fn split(program: String, imports: Vec<String>, mut pairs: Vec<Pair>, message: String) -> Self {
        let hidden = pairs.split_off(pairs.len() / 2);
        Self { program, imports, shown: pairs, hidden, message }
    }

    /// The start of induction: the identity program with `n_inputs` sample pairs (spec section 2).
    pub fn identity(n_inputs: usize) -> Self {
        const SAMPLES: [&str; 6] = ["'Hello world'", "1", "[1, 2]", "{'a': 1}", "(1, 2)", "None"];
        let pairs = (0..n_inputs)
            .map(|index| match SAMPLES.get(index) {
                Some(sample) => Pair::new(*sample, *sample),
                None => Pair::new(index.to_string(), index.to_string()),
            })
            .collect();
        let identity = Triplet::identity();
        Self::split(identity.program, Vec::new(), pairs, "The function returns what it gets.".into())
    }
}

/// A task as the solver meets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task_type", rename_all = "snake_case")]
pub enum Task {
    /// Find the output.
    Deduction(Triplet),
    /// Find an input.
    Abduction(Triplet),
    /// Find the program.
    Induction(InductionTask),
    /// Name the exception.
    Error(Triplet),
    /// A task of the caller's own type.
    Custom(Triplet),
}

impl Task {
    /// A task on a program with one input; induction is made from pairs instead and becomes deduction here.
    pub const fn on_triplet(task_type: TaskType, triplet: Triplet) -> Self {
        match task_type {
            TaskType::Deduction | TaskType::Induction => Self::Deduction(triplet),
            TaskType::Abduction => Self::Abduction(triplet),
            TaskType::Error => Self::Error(triplet),
            TaskType::Custom => Self::Custom(triplet),
        }
    }

    /// Its triplet; induction has none.
    pub const fn triplet(&self) -> Option<&Triplet> {
        match self {
            Self::Deduction(triplet)
            | Self::Abduction(triplet)
            | Self::Error(triplet)
            | Self::Custom(triplet) => Some(triplet),
            Self::Induction(_) => None,
        }
    }

    /// Its type.
    pub const fn task_type(&self) -> TaskType {
        match self {
            Self::Deduction(_) => TaskType::Deduction,
            Self::Abduction(_) => TaskType::Abduction,
            Self::Induction(_) => TaskType::Induction,
            Self::Error(_) => TaskType::Error,
            Self::Custom(_) => TaskType::Custom,
        }
    }

    /// Its program.
    pub fn program(&self) -> &str {
        match self {
            Self::Deduction(triplet)
            | Self::Abduction(triplet)
            | Self::Error(triplet)
            | Self::Custom(triplet) => &triplet.program,
            Self::Induction(task) => &task.program,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn induction_pairs_are_split_in_the_middle() {
        let task = InductionTask::identity(6);
        assert_eq!((task.shown.len(), task.hidden.len()), (3, 3));
        assert_eq!(task.shown[0], Pair::new("'Hello world'", "'Hello world'"));
        let odd = InductionTask::identity(7);
        assert_eq!((odd.shown.len(), odd.hidden.len()), (3, 4));
    }

    #[test]
    fn pairs_are_two_element_lists_in_json() {
        let text = serde_json::to_string(&Pair::new("1", "2")).unwrap();
        assert_eq!(text, r#"["1","2"]"#);
        assert_eq!(serde_json::from_str::<Pair>(&text).unwrap(), Pair::new("1", "2"));
    }
}
