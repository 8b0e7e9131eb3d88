//! The program of a question: which function is meant, and what is known about it before it runs.

use super::{ReasonError, check_length};
use crate::slice::{Parameter, SourceFile, is_expression};
use azr_selfplay::parse;

/// A program and the function in it that is asked about.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) text: String,
    pub(super) function: String,
    pub(super) parameters: Vec<Parameter>,
    /// Import statements of its top level.
    pub(super) imports: Vec<String>,
}

impl Program {
    /// Finds the function: the one named, else `f`, else the last.
    pub(super) fn find(text: &str, function: Option<&str>) -> Result<Self, ReasonError> {
        check_length("program", text)?;
        let file = SourceFile::parse(text)?;
        let functions = file.functions();
        let wanted = match function {
            Some(name) => functions.iter().find(|function| function.name == name),
            None => functions.iter().find(|function| function.name == "f").or(functions.last()),
        };
        let Some(found) = wanted else {
            let message = match function {
                Some(name) => format!("the program defines no function `{name}`"),
                None => "the program defines no function".to_owned(),
            };
            return Err(ReasonError::bad(message, "pass source with a `def` at its top level"));
        };
        let imports = text
            .lines()
            .filter(|line| line.starts_with("import ") || line.starts_with("from "))
            .map(str::to_owned)
            .collect();
        Ok(Self {
            text: text.to_owned(),
            function: found.name.clone(),
            parameters: found.parameters.clone(),
            imports,
        })
    }

    /// The call with these arguments.
    pub(super) fn call(&self, input: &str) -> String {
        format!("{}({input})", self.function)
    }

    /// The program as the model knows it: its function is called `f`.
    pub(super) fn for_the_model(&self) -> String {
        if self.function == "f" {
            return self.text.trim_end().to_owned();
        }
        parse::rename_function(&self.text, &self.function, "f").trim_end().to_owned()
    }
}

/// Refuses what is no plain argument list.
pub(super) fn check_input(input: &str) -> Result<(), ReasonError> {
    check_length("input", input)?;
    if parse::is_argument_list(input) {
        return Ok(());
    }
    Err(ReasonError::bad(
        format!("`{}` is not a list of arguments", shortened(input)),
        "write the arguments as they stand between the brackets of the call, e.g. 3, [1, 2]",
    ))
}

/// Refuses what is no single value.
pub(super) fn check_output(output: &str) -> Result<(), ReasonError> {
    check_length("value", output)?;
    if parse::is_argument_list(output) && is_expression(output) {
        return Ok(());
    }
    Err(ReasonError::bad(
        format!("`{}` is not a value", shortened(output)),
        "write the value as Python prints it, e.g. [1, 2] or 'text'",
    ))
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { short + "..." } else { short }
}

#[cfg(test)]
mod tests {
    use super::check_output;

    #[test]
    fn a_value_is_one_expression() {
        for value in [
            "720",
            " -1.5 ",
            "[1, {'a': (2,)}]",
            "'a b'",
            "Counter({'a': 2})",
            "1, 2",
            "float('nan')",
            "{*()}",
        ] {
            assert_eq!(check_output(value), Ok(()), "{value}");
        }
        for other in [
            "",
            " ",
            "7 20",
            "x = 1",
            "[1",
            "1\n2",
            "pass",
            "import os",
            "1; 2",
            "*a, *b =",
            "a := 1 1",
            "yield 1",
        ] {
            assert!(check_output(other).is_err(), "{other}");
        }
    }
}
