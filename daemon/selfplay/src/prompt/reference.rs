//! Fills the reference's own prompt texts, which the caller reads from the data folder
//! (`prompts/reference-prompts.json`): name -> `{"text", "source"}`, most of them `str.format` templates.

use super::{PromptError, Prompts};
use crate::task::{Pair, Task, TaskType, Triplet};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The texts by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceTexts(BTreeMap<String, String>);

/// The texts without which no step can be played.
const NEEDED: [&str; 15] = [
    "azr.conversation.instruction_following",
    "azr.propose.abduction.code_i",
    "azr.propose.deduction.code_o",
    "azr.propose.error.code_e",
    "azr.propose.induction.code_f",
    "azr.propose.induction.code_suffix",
    "azr.propose.part.composite_requirements",
    "azr.propose.part.reference_snippet_0",
    "azr.propose.part.reference_snippet_0.code_e",
    "azr.propose.part.remove_after_return",
    "azr.propose.part.remove_input_from_snippet",
    "azr.solve.abduction.code_i",
    "azr.solve.deduction.code_o",
    "azr.solve.error.code_e",
    "azr.solve.induction.code_f",
];

impl ReferenceTexts {
    /// Reads the file's text.
    pub fn from_json(json: &str) -> Result<Self, PromptError> {
        #[derive(Deserialize)]
        struct Entry {
            text: String,
        }
        let entries: BTreeMap<String, Entry> =
            serde_json::from_str(json).map_err(|error| PromptError::Malformed(error.to_string()))?;
        let texts = Self(entries.into_iter().map(|(name, entry)| (name, entry.text)).collect());
        match NEEDED.iter().find(|name| !texts.0.contains_key(**name)) {
            Some(name) => Err(PromptError::MissingText((*name).to_owned())),
            None => Ok(texts),
        }
    }

    /// A text by name; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn solve(&self, task: &Task) -> String {
        let user = match task {
            Task::Deduction(triplet) => format_template(
                self.get("azr.solve.deduction.code_o"),
                &[("snippet", &triplet.program), ("input_args", &triplet.input)],
            ),
            Task::Abduction(triplet) => format_template(
                self.get("azr.solve.abduction.code_i"),
                &[("snippet", &triplet.program), ("output", &triplet.output)],
            ),
            Task::Induction(task) => {
                let mut pairs = String::new();
                for (number, Pair { input, output }) in task.shown.iter().enumerate() {
                    write!(pairs, "```input_{number}\n{input}\n```\n```output_{number}\n{output}\n```\n")
                        .expect("writing to a String cannot fail");
                }
                format_template(
                    self.get("azr.solve.induction.code_f"),
                    &[("input_output_pairs", &pairs), ("message", &task.message)],
                )
            }
            Task::Error(triplet) | Task::Custom(triplet) => self.solve_error(triplet),
        };
        self.conversation(&user)
    }

    pub(super) fn propose(
        &self,
        task_type: TaskType,
        references: &[Triplet],
        program: &str,
        options: &Prompts,
    ) -> String {
        let banned = options.banned.join(", ");
        let part = |wanted: bool, name: &str, instead: &str| {
            if wanted { self.get(name).to_owned() } else { instead.to_owned() }
        };
        let mut user = match task_type {
            TaskType::Deduction | TaskType::Abduction | TaskType::Error | TaskType::Custom => {
                format_template(
                    self.get(if task_type == TaskType::Abduction {
                        "azr.propose.abduction.code_i"
                    } else {
                        "azr.propose.deduction.code_o"
                    }),
                    &[
                        (
                            "remove_input_from_snippet_prompt",
                            &part(
                                options.reject_test_inputs,
                                "azr.propose.part.remove_input_from_snippet",
                                "",
                            ),
                        ),
                        (
                            "remove_after_return_prompt",
                            &part(options.remove_after_return, "azr.propose.part.remove_after_return", "\n"),
                        ),
                    ],
                )
            }
            TaskType::Induction => format_template(
                self.get("azr.propose.induction.code_f"),
                &[
                    ("num_inputs", &options.n_inputs.to_string()),
                    ("snippet", &format!("{program}{}", self.get("azr.propose.induction.code_suffix"))),
                ],
            ),
        };
        user = user.replace("<|BANNED_KEYWORDS|>", &banned);
        user + &self.snippets("azr.propose.part.reference_snippet_0", references)
    }

    fn snippets(&self, name: &str, references: &[Triplet]) -> String {
        let numbered = |(number, reference): (usize, &Triplet)| {
            let snippet = self.get(name).replace("snippet_0", &format!("snippet_{number}"));
            let fields = [
                ("{snippet}", reference.program.as_str()),
                ("{input}", reference.input.as_str()),
                ("{output}", reference.output.as_str()),
            ];
            substitute(&snippet, &fields)
        };
        references.iter().enumerate().map(numbered).collect()
    }

    pub(crate) fn propose_error(&self, references: &[Triplet], options: &Prompts) -> String {
        let rule =
            if options.remove_after_return { self.get("azr.propose.part.remove_after_return") } else { "\n" };
        let (banned, banned_for_errors) = options.banned();
        let forbidden = if banned_for_errors.is_empty() {
            "\n".to_owned()
        } else {
            // The file lacks this one sentence of the reference; ours says the same.
            format!("- None of these statements may be used: {}\n", banned_for_errors.join(", "))
        };
        format_template(self.get("azr.propose.error.code_e"), &[("remove_after_return_prompt", rule)])
            .replace("<|BANNED_KEYWORDS|>", &banned.join(", "))
            .replace("<|BANNED_ASSERTION_KEYWORDS|>", &forbidden)
            + &self.snippets("azr.propose.part.reference_snippet_0.code_e", references)
    }

    pub(crate) fn solve_error(&self, task: &Triplet) -> String {
        format_template(
            self.get("azr.solve.error.code_e"),
            &[("snippet", &task.program), ("input_args", &task.input)],
        )
    }

    /// The requirement that composite functions are called.
    pub(super) fn composite(&self, functions: &[Triplet]) -> String {
        let names: Vec<String> = (0..functions.len()).map(|number| format!("`g_{number}`")).collect();
        let programs: Vec<&str> = functions.iter().map(|one| one.program.as_str()).collect();
        format_template(
            self.get("azr.propose.part.composite_requirements"),
            &[("function_names", &names.join(", ")), ("composite_functions", &programs.join("\n"))],
        )
    }

    pub(super) fn conversation(&self, user: &str) -> String {
        format_template_positional(self.get("azr.conversation.instruction_following"), user)
    }
}

/// `str.format` with named fields; unknown fields stay as they are.
fn format_template(template: &str, fields: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            text.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let field = fields.iter().find(|(name, _)| {
            tail.strip_prefix('{')
                .and_then(|tail| tail.strip_prefix(name))
                .is_some_and(|tail| tail.starts_with('}'))
        });
        if let Some((name, value)) = field {
            text.push_str(value);
            rest = &tail[name.len() + 2..];
        } else {
            text.push_str(&tail[..1]);
            rest = &tail[1..];
        }
    }
    text + rest
}

/// `str.format` with one positional field.
fn format_template_positional(template: &str, value: &str) -> String {
    format_template(template, &[("", value)])
}

/// Replaces every placeholder once, in one pass, so that inserted text is never searched.
fn substitute(template: &str, fields: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    loop {
        let next = fields
            .iter()
            .filter_map(|(name, value)| rest.find(name).map(|at| (at, *name, *value)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, name, value)) = next else { return text + rest };
        text.push_str(&rest[..at]);
        text.push_str(value);
        rest = &rest[at + name.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{PromptProfile, SelfPlayConfig};
    use crate::prompt::ProposeContext;
    use crate::task::InductionTask;

    #[test]
    fn templates_follow_the_rules_of_str_format() {
        assert_eq!(format_template("a {x} {{b}} {y}", &[("x", "{y}"), ("y", "2")]), "a {y} {b} 2");
        assert_eq!(format_template_positional("User: {}\n", "{}"), "User: {}\n");
        assert_eq!(substitute("{a}{b}", &[("{a}", "{b}"), ("{b}", "1")]), "{b}1");
    }

    #[test]
    fn the_reference_profile_fills_its_texts() {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/prompts/reference-prompts.json");
        let Ok(json) = std::fs::read_to_string(path) else {
            crate::skip::skipped("no reference prompts at ../shared/data/prompts");
            return;
        };
        let texts = ReferenceTexts::from_json(&json).unwrap();
        let mut config = SelfPlayConfig::default();
        config.run.prompts = PromptProfile::Reference;
        let prompts = Prompts::new(&config, Some(texts)).unwrap();
        let text = prompts.propose(
            TaskType::Deduction,
            ProposeContext::References(&[Triplet::identity(), Triplet::identity()]),
        );
        assert!(text.starts_with("A conversation between User and Assistant."));
        assert!(text.ends_with("</snippet_1>\n\n\nAssistant: <think>"), "{}", &text[text.len() - 80..]);
        assert!(text.contains("calendar, datetime") && text.contains("{'age': 20"));
        assert!(!text.contains("{remove_") && !text.contains("<|BANNED"));
        let text = prompts.propose(TaskType::Induction, ProposeContext::Program("def f(x):\n    return {}"));
        assert!(text.contains("Output 10 Inputs") && text.contains("return {}\nf(<|YOUR INPUT"), "{text}");
        for task in [
            Task::Deduction(Triplet::identity()),
            Task::Abduction(Triplet::identity()),
            Task::Induction(InductionTask::identity(10)),
        ] {
            let text = prompts.solve(&task);
            assert!(text.contains("Hello world") || task.task_type() == TaskType::Induction);
            assert!(!text.contains("{snippet}") && !text.contains("{message}") && !text.contains("{input"));
        }
    }

    #[test]
    fn a_file_without_the_texts_is_refused() {
        assert!(matches!(ReferenceTexts::from_json("{}"), Err(PromptError::MissingText(_))));
        assert!(matches!(ReferenceTexts::from_json("[]"), Err(PromptError::Malformed(_))));
    }
}
