//! The paper's prompt profile: every ingredient of the reference's prompts (spec section 4), in our own words.

use super::Prompts;
use crate::task::{Task, TaskType, Triplet};
use std::fmt::Write;

/// Puts one user turn into the conversation of a base model; the response begins inside the thought.
pub(super) fn conversation(user: &str) -> String {
    format!(
        "What follows is a talk between User and Assistant. User poses a problem and Assistant solves it. Assistant \
         reasons about the problem first and answers afterwards: the reasoning stands between <think> and </think>, \
         the answer between <answer> and </answer>, as in <think> reasoning </think> <answer> answer </answer>. \
         User: {user}\nAssistant: <think>"
    )
}

const PROGRAM_RULES: &str = "\
- The entry function is called `f`; helper functions may be defined inside it.
- `f` takes at least one parameter and returns a value.
- The same arguments always give the same result.
- Leave out: randomness, dates and clocks, reading or writing files or the network, printing and logging, anything \
that depends on state outside the program.
- It finishes within 10 seconds on an ordinary computer.
- Imports and classes stand at the very top.
- Nothing follows the final return of `f`; it would be dropped.
";

const BLOCK_FORMAT: &str = "\
### How to write the answer
The program goes into a python block, the argument list into an input block:
```python
def f(first, second):
    # transform the arguments step by step
    return result
```
```input
'Ada', {'age': 36, 'town': 'London'}
```
";

/// The solver's prompt.
pub(super) fn solve(task: &Task) -> String {
    let user = match task {
        Task::Deduction(triplet) => format!(
            "\n# Task: predict the output of a program\nRead the program and its input, reason step by step, and give the \
             output that the program returns for that input. Write it in an ```output``` block. Quote strings; write \
             several returned values as one tuple.\n\n# Program\n{}\n# Input\n{}\n# Example of an answer\n{}",
            block("python", &triplet.program),
            block("input", &triplet.input),
            block("output", "{'age': 36, 'town': 'London'}"),
        ),
        Task::Abduction(triplet) => format!(
            "\n# Task: find an input of a program that gives a known output\nRead the program and the output, reason step \
             by step, and give one input for which the program returns that output; any such input is right. Write it \
             in an ```input``` block, several arguments parted by commas, strings quoted.\n\n# Program\n{}\n# Output\n{}\n\
             # Example of an answer\n{}",
            block("python", &triplet.program),
            block("output", &triplet.output),
            block("input", "'Ada', {'age': 36, 'town': 'London'}"),
        ),
        Task::Induction(task) => {
            let mut pairs = String::new();
            for (number, pair) in task.shown.iter().enumerate() {
                pairs += &block(&format!("input_{number}"), &pair.input);
                pairs += &block(&format!("output_{number}"), &pair.output);
            }
            format!(
                "\n# Task: write the program behind these inputs and outputs\nThe pairs below were made by one program, and \
                 a message says something about it. Reason step by step about what the program does, check your idea on \
                 every pair and correct it where it fails: the program is judged on further pairs that you do not see. \
                 Write it in a ```python``` block.\n\n# Rules for the program\n{PROGRAM_RULES}\n# Inputs and outputs\n{pairs}\n\
                 # Message\n{}\n# Example of an answer\n{}\nThe entry function must be called `f`.",
                block("message", &task.message),
                block("python", "def f(x):\n    return x"),
            )
        }
        Task::Error(triplet) | Task::Custom(triplet) => solve_error(triplet),
    };
    conversation(&user)
}

/// The solver's part of an error task.
pub(crate) fn solve_error(task: &Triplet) -> String {
    format!(
        "\n# Task: name the error that a program raises\nRead the program and its input, reason step by step, and give the \
         class of the exception that running it raises, in an ```output``` block; give NoError where it raises \
         none.\n\n# Program\n{}\n# Input\n{}\n# Example of an answer\n{}",
        block("python", &task.program),
        block("input", &task.input),
        block("output", "ValueError"),
    )
}

/// The proposer's part of an error task.
pub(crate) fn propose_error(references: &[Triplet], options: &Prompts) -> String {
    let mut text = propose_triplet(
        "which error the program raises on the input, if any (classes of errors of your own are allowed, and so is a \
         program that raises none)",
        "how hard the class of the error, or its absence, is to find from the program and your input",
        &[],
        options,
    );
    if !options.banned_for_errors.is_empty() {
        let rule = format!(
            "- None of these statements is used: {}\n\n### Examples\n",
            options.banned_for_errors.join(", ")
        );
        text = text.replace("\n### Examples\n", &format!("\n{rule}"));
    }
    text + &examples(references, "error")
}

/// The requirement that stored functions are called.
pub(super) fn composite(functions: &[Triplet]) -> String {
    let names: Vec<String> = (0..functions.len()).map(|number| format!("`g_{number}`")).collect();
    let programs: Vec<&str> = functions.iter().map(|one| one.program.as_str()).collect();
    format!(
        "\n### Functions to build on\n`f` calls every one of {names} and does something of its own with them, more than \
         passing their results on. They are there already: do not define {names} again. First work out what they do, \
         then write the program.\n{}",
        block("python", &programs.join("\n")),
        names = names.join(", "),
    )
}

/// The proposer's prompt.
pub(super) fn propose(
    task_type: TaskType,
    references: &[Triplet],
    program: &str,
    options: &Prompts,
) -> String {
    match task_type {
        TaskType::Deduction | TaskType::Error | TaskType::Custom => propose_triplet(
            "the output from program and input",
            "how hard the output is to predict from the program and your input",
            references,
            options,
        ),
        TaskType::Abduction => propose_triplet(
            "an input from program and output",
            "how hard an input is to find from the program and the output that your input gives",
            references,
            options,
        ),
        TaskType::Induction => propose_inputs(program, options),
    }
}

fn propose_triplet(goal: &str, difficulty: &str, references: &[Triplet], options: &Prompts) -> String {
    let mut text = format!(
        "\n## Task: invent a Python program with one input\nWrite a new program, unlike the examples at the end, together \
         with one input. The program will be run on the input; a test subject then has to work out {goal}, which should \
         take deep algorithmic reasoning: think of it as an intelligence test. Classes of your own are allowed at the \
         top of the program.\n\n### Rules for the program\n{PROGRAM_RULES}- Let it carry state through several \
         transformations of the data, so that many steps of reasoning are needed.\n"
    );
    if options.reject_test_inputs {
        text += "- The test input stands in its own block only, nowhere in the program.\n";
    }
    if options.remove_after_return {
        text += "- Every variable lives inside `f` or the functions it calls; others are dropped.\n";
    }
    let banned = options.banned.join(", ");
    write!(
        text,
        "\n### Rules for the input\n- Exactly one input.\n- Several arguments are parted by commas.\n- Strings are quoted.\n\n\
         {BLOCK_FORMAT}\n### How it is judged\n- It runs on your input.\n- Difficulty: {difficulty}. The difficulty may lie in \
         data structures of your own (trees, heaps, stacks, queues, graphs) or in the flow of control (dynamic \
         programming, recursion, divide and conquer, greedy choices, backtracking).\n- Creativity: it differs clearly \
         from the examples.\n- None of these words stands anywhere, not even in a comment: {banned}\n\n\
         First plan: what makes the program hard, new and different from the examples? Then write the program and its \
         input.\n\n### Examples\n"
    )
    .expect("writing to a String cannot fail");
    text + &examples(references, "output")
}

fn examples(references: &[Triplet], answer: &str) -> String {
    let mut text = String::new();
    for (number, reference) in references.iter().enumerate() {
        write!(
            text,
            "<snippet_{number}>\n{}{}{}</snippet_{number}>\n",
            block("python", &reference.program),
            block("input", &reference.input),
            block(answer, &reference.output),
        )
        .expect("writing to a String cannot fail");
    }
    text
}

fn propose_inputs(program: &str, options: &Prompts) -> String {
    let count = options.n_inputs;
    format!(
        "\n## Task: {count} inputs and a message for a program\nRead the program at the end and write {count} inputs for it \
         whose outputs differ as much as possible, and a message. A test subject sees some of the inputs with their \
         outputs, and the message, and has to write the program again: an intelligence test.\n\n### Rules for the \
         inputs\n- {count} valid inputs, each in an ```input``` block of its own.\n- Several arguments are parted by \
         commas.\n- Strings are quoted.\n\n### Rules for the message\n- It helps the test subject to find the program and \
         stands in a ```message``` block.\n- It may be a hint, a question or a description in plain words.\n- It must not \
         contain the program.\n\n### How to write the answer\n```input\n'Ada', {{'age': 36, 'town': 'London'}}\n```\n\
         ```input\n'Grace', {{'age': 41, 'town': 'New York'}}\n```\n```message\na hint\n```\n\n### How it is judged\n- The \
         program runs on every input.\n- Coverage: inputs and outputs together show all that the program does.\n- \
         Creativity: the inputs differ clearly.\n- Inputs and message together are hard, yet enough to find the \
         program.\n\nFirst plan: what does the program do, and which inputs show it? Then write inputs and message.\n\n\
         ### Program\n{}",
        block("python", &format!("{program}\n\nf(<|the input goes here|>)")),
    )
}

fn block(tag: &str, body: &str) -> String {
    format!("```{tag}\n{body}\n```\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SelfPlayConfig;
    use crate::prompt::ProposeContext;
    use crate::task::InductionTask;

    #[test]
    fn every_ingredient_of_section_4_is_there() {
        let prompts = Prompts::new(&SelfPlayConfig::default(), None).unwrap();
        let references = [Triplet::identity(), Triplet::identity()];
        for task_type in [TaskType::Deduction, TaskType::Abduction] {
            let text = prompts.propose(task_type, ProposeContext::References(&references));
            for part in [
                "<think>",
                "<answer>",
                "User: ",
                "called `f`",
                "returns a value",
                "at least one parameter",
                "transformations",
                "randomness",
                "clocks",
                "printing",
                "10 seconds",
                "top",
                "Exactly one input",
                "commas",
                "quoted",
                "```python",
                "```input",
                "Creativity",
                "hashlib",
                "os.environ",
                "First plan",
                "<snippet_0>",
                "</snippet_1>",
                "```output",
            ] {
                assert!(text.contains(part), "{task_type}: {part}");
            }
            assert!(text.ends_with("Assistant: <think>"));
        }
        let text = prompts.propose(TaskType::Induction, ProposeContext::Program("def f(x):\n    return x"));
        for part in ["10 inputs", "```message", "hint", "must not contain the program", "Coverage", "f(<|"] {
            assert!(text.contains(part), "{part}");
        }
        let text = prompts.solve(&Task::Induction(InductionTask::identity(10)));
        for part in ["```input_0", "```output_4", "```message", "`f`", "```python"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("output_5"), "hidden pairs stay hidden");
    }
}
