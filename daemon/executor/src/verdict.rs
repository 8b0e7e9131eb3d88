//! What a program did, as data. Every failure of a program is a verdict, never an `Err` and never a panic.

use serde::{Deserialize, Serialize};

/// The outcome of one call (the taxonomy of the run records and of `azr sandbox run --json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// The call returned; `text` is the `repr` of its result.
    Value {
        /// `repr` of the result.
        text: String,
    },
    /// The program raised; `exception` is the class name.
    Raised {
        /// Class name of the exception, e.g. `ZeroDivisionError`.
        #[serde(rename = "exception")]
        exception: String,
        /// `str` of the exception, cut.
        message: String,
    },
    /// The program does not compile.
    SyntaxError {
        /// CPython's message.
        message: String,
        /// 1-based line of the program, 0 where CPython gives none.
        line: u32,
    },
    /// The fuel of the limit is used up.
    Timeout,
    /// Python raised `MemoryError`, or the host refused to grow the memory.
    OutOfMemory,
    /// The wasm stack is exhausted.
    StackExhausted,
    /// The `repr` is longer than the limit.
    OutputTooLarge {
        /// Length of the text, in characters.
        length: u64,
    },
    /// The program ended the interpreter.
    Exited {
        /// Exit status.
        code: i32,
    },
    /// The guest trapped in another way.
    Crashed,
    /// An import of a module that the guest does not carry.
    MissingModule {
        /// Name of the module.
        name: String,
    },
    /// A banned import or name was found before running (set by callers that ban names).
    Banned {
        /// The banned name.
        name: String,
    },
    /// Two start states gave different results.
    Nondeterministic,
    /// The guard on processor time ended the run, or the machine could give no instance to run in: the verdict depends on
    /// the machine and is never cached.
    WallGuard,
}

impl Verdict {
    /// The text of a `Value`, else `None`.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value { text } => Some(text),
            _ => None,
        }
    }

    /// The `snake_case` name of the variant, as in the JSON field `kind`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Value { .. } => "value",
            Self::Raised { .. } => "raised",
            Self::SyntaxError { .. } => "syntax_error",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out_of_memory",
            Self::StackExhausted => "stack_exhausted",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::Exited { .. } => "exited",
            Self::Crashed => "crashed",
            Self::MissingModule { .. } => "missing_module",
            Self::Banned { .. } => "banned",
            Self::Nondeterministic => "nondeterministic",
            Self::WallGuard => "wall_guard",
        }
    }
}
