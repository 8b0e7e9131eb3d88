//! Why a function cannot be taken out of its file.

/// Why there is no program for a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SliceError {
    /// The file is longer than is read.
    #[error("the file has {bytes} bytes, at most {limit} are read")]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes that are read.
        limit: usize,
    },
    /// The parser gave up.
    #[error("the file cannot be parsed")]
    Unreadable,
    /// There is no such function.
    #[error("there is no function `{function}` at the top level of the file")]
    NoFunction {
        /// The name.
        function: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// It is no plain function.
    #[error("`{function}` {reason}")]
    NotPlain {
        /// The name.
        function: String,
        /// What it is instead.
        reason: String,
    },
    /// It, or a definition that it needs, has an error of syntax.
    #[error("`{function}` (line {line}) has an error of syntax")]
    Syntax {
        /// The name.
        function: String,
        /// 1-based line where the definition begins.
        line: usize,
    },
    /// Names that the file does not define.
    #[error("`{function}` is not self-contained: the file does not define {}", names.join(", "))]
    Missing {
        /// The function.
        function: String,
        /// The names.
        names: Vec<String>,
    },
    /// It touches what lies outside the program.
    #[error("line {line} touches what lies outside the program: {what}")]
    Effect {
        /// What it touches.
        what: String,
        /// 1-based line of the statement or definition.
        line: usize,
    },
}

impl SliceError {
    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLarge { .. } => "move the function into a smaller file".to_owned(),
            Self::Unreadable => "check that the file is Python source in UTF-8".to_owned(),
            Self::NoFunction { known, .. } if known.is_empty() => {
                "name a function that begins in the first column of its line".to_owned()
            }
            Self::NoFunction { known, .. } => {
                let shown: Vec<&str> = known.iter().take(8).map(String::as_str).collect();
                format!("the file has {}{}", shown.join(", "), if known.len() > 8 { ", ..." } else { "" })
            }
            Self::NotPlain { .. } => {
                "move what it computes into a function of its own at the top level of the file".to_owned()
            }
            Self::Syntax { .. } => "mend the error first; errors elsewhere in the file do no harm".to_owned(),
            Self::Missing { .. } => {
                "define or import the names in this file, or pass what they stand for as parameters"
                    .to_owned()
            }
            Self::Effect { .. } => {
                "only code that keeps to its arguments is run: part the computation from reading and writing"
                    .to_owned()
            }
        }
    }
}
