//! Golden tests: values that the reference implementation's own functions returned.
//! Residuals are listed with their reason in each test; a new one fails. It is one file so that all of them can be seen
//! together.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is the failure; a skipped test says why"
)]

mod support;

use azr_executor::analysis;
use azr_executor::{Job, Limits};
use azr_selfplay::advantage::whiten;
use azr_selfplay::compose::rename_entry;
use azr_selfplay::config::{
    Combine, Conversion, EntryName, InductionScore, IntrinsicConfig, IntrinsicTerm, LearnabilityConfig, Mode,
    ProgramLocation, SelfPlayConfig, SolverConfig, ValidFilter,
};
use azr_selfplay::error_task::{error_of_status, names_the_error};
use azr_selfplay::judge::Judge;
use azr_selfplay::parse::{self, Extraction, ProposalOptions, Wanted};
use azr_selfplay::reward::{
    IntrinsicValues, enters_buffer, induction_accuracy, mean_accuracy, proposer_reward, solver_reward,
};
use azr_selfplay::solve::{grade_abduction, grade_deduction, grade_induction};
use azr_selfplay::task::{InductionTask, Pair, Task, TaskType, Triplet};
use azr_selfplay::validate::{Candidate, validate_seeds};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{golden, sandbox};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn flag(value: &Value, name: &str) -> bool {
    value[name].as_bool().unwrap()
}

/// Fails with the first wrong cases; prints how many agreed and what was left out.
fn conclude(name: &str, agreed: usize, wrong: &[String], left_out: &BTreeMap<&str, usize>) {
    println!("{name}: {agreed} agree, left out {left_out:?}");
    assert!(
        wrong.is_empty(),
        "{name}: {} wrong, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    assert!(agreed > 0, "{name}: nothing was compared");
}

fn options(args: &Value) -> ProposalOptions {
    ProposalOptions {
        location: if text(args, "code_location") == "first" {
            ProgramLocation::First
        } else {
            ProgramLocation::Last
        },
        reject_multiple_functions: flag(args, "reject_multiple_functions"),
        entry_name: match text(args, "f_replace_location") {
            "not_first" => EntryName::NotFirst,
            "not_last" => EntryName::NotLast,
            "any_first" => EntryName::AnyFirst,
            _ => EntryName::AnyLast,
        },
    }
}

fn extraction(args: &Value) -> Option<Extraction> {
    let retry = args["boxed_retry"].as_bool().unwrap_or(false);
    match text(args, "extraction_type") {
        kind if kind.starts_with("answer") && retry => Some(Extraction::AnswerTagOrBoxed),
        kind if kind.starts_with("answer") => Some(Extraction::AnswerTag),
        kind if kind.starts_with("boxed") => Some(Extraction::Boxed),
        _ => None,
    }
}

/// The parts of `parsing.jsonl.gz` that are rules on text.
#[test]
fn golden_parsing_text() {
    let Some(rows) = golden("parsing") else { return };
    let (mut agreed, mut wrong, mut left_out) = (0, Vec::new(), BTreeMap::new());
    for row in &rows {
        let (args, value) = (&row["args"], &row["value"]);
        let found = match text(row, "function") {
            "extract_answer" | "get_format_reward" => {
                let Some(extraction) = extraction(args) else {
                    // The configuration has no such kind of extraction; the reference raises.
                    *left_out.entry("unknown extraction type").or_default() += 1;
                    continue;
                };
                let response = text(args, "solution_str");
                if row["function"] == "extract_answer" {
                    json!(parse::extract_answer(response, extraction))
                } else {
                    json!(f64::from(u8::from(parse::well_formed_for(response, extraction))))
                }
            }
            "extract_thought" => json!(parse::extract_thought(text(args, "solution_str"))),
            "parse_error" => json!(error_of_status(text(args, "error_message"))),
            "extract_input_output" => {
                let wanted = if flag(args, "return_input") { Wanted::Input } else { Wanted::Output };
                json!(parse::solver_answer(text(args, "extracted_content"), wanted))
            }
            "parse_code_function" => match parse::parse_program(text(args, "input_str")) {
                Some(program) => json!([true, program]),
                None => json!([false, ""]),
            },
            "parse_inputs_message" => {
                let n_inputs = args["num_inputs"].as_u64().unwrap() as usize;
                match parse::parse_induction_proposal(text(args, "input_str"), n_inputs) {
                    Some((inputs, message)) => json!([true, { "inputs": inputs, "message": message }]),
                    None => json!([false, {}]),
                }
            }
            // The others work on syntax trees: `parse_code_input_output` and `replace_main_function_name` have their own
            // tests below, the rest belongs to the executor's analysis, whose golden tests cover it.
            _ => {
                *left_out.entry("not a rule on text").or_default() += 1;
                continue;
            }
        };
        if found == *value {
            agreed += 1;
        } else {
            wrong.push(format!("{row}\n  found {found}"));
        }
    }
    conclude("parsing", agreed, &wrong, &left_out);
}

/// `parse_code_input_output`, with the cleaners of the executor's analysis where a case asks for them.
#[test]
fn golden_parsing_proposals() {
    let Some(rows) = golden("parsing") else { return };
    let rows: Vec<&Value> = rows.iter().filter(|row| row["function"] == "parse_code_input_output").collect();
    let (mut parsed, mut originals): (Vec<Option<(String, String)>>, Vec<String>) = (Vec::new(), Vec::new());
    let mut left_out = BTreeMap::new();
    for row in &rows {
        let args = &row["args"];
        let answer = text(args, "input_str");
        let mut proposal = if flag(args, "parse_input") {
            parse::parse_proposal(answer, options(args))
        } else {
            parse::parse_program_of_proposal(answer, options(args))
        };
        if flag(args, "parse_output") && parse::proposal_output(answer).is_none() {
            proposal = None;
        }
        originals.push(proposal.as_ref().map_or_else(String::new, |one| one.original.clone()));
        parsed.push(proposal.map(|one| (one.program, one.input)));
    }
    let imports = {
        let programs: Vec<&str> =
            parsed.iter().map(|one| one.as_ref().map_or("", |(program, _)| program.as_str())).collect();
        analysis::imports(sandbox(), &programs)
    };
    let carried = originals.iter().map(|source| analysis::has_test_input(source));
    clean_like_the_reference(&rows, &mut parsed);
    for ((row, parsed), carries) in rows.iter().zip(&mut parsed).zip(carried) {
        if carries && flag(&row["args"], "reject_test_input_in_code") {
            *parsed = None;
        }
    }
    let (mut agreed, mut wrong) = (0, Vec::new());
    for ((row, parsed), imports) in rows.iter().zip(parsed).zip(imports) {
        if text(&row["args"], "f_replace_location") == "nope" {
            *left_out.entry("unknown option: the reference raises").or_default() += 1;
            continue;
        }
        if row["value"].get("raises").is_some() {
            // The cleaner raises on sources that do not parse; ours loses the proposal.
            if parsed.is_none() {
                agreed += 1;
            } else {
                wrong.push(format!("no refusal: {row}"));
            }
            continue;
        }
        let found = match parsed {
            Some((program, input)) => {
                let wanted = flag(&row["args"], "parse_output");
                let output =
                    if wanted { parse::proposal_output(text(&row["args"], "input_str")) } else { None };
                let output = output.unwrap_or_default();
                json!([true, { "code": program, "input": input, "output": output, "imports": imports }])
            }
            None => json!([false, {}]),
        };
        if found == row["value"] {
            agreed += 1;
        } else {
            wrong.push(format!("{row}\n  found {found}"));
        }
    }
    conclude("parse_code_input_output", agreed, &wrong, &left_out);
}

fn clean_like_the_reference(rows: &[&Value], parsed: &mut [Option<(String, String)>]) {
    let mut apply = |option: &str, clean: &dyn Fn(&[String]) -> Vec<Option<String>>| {
        let places: Vec<usize> = (0..rows.len())
            .filter(|&index| flag(&rows[index]["args"], option) && parsed[index].is_some())
            .collect();
        let sources: Vec<String> =
            places.iter().map(|&index| parsed[index].as_ref().unwrap().0.clone()).collect();
        for (index, cleaned) in places.into_iter().zip(clean(&sources)) {
            let input = parsed[index].take().unwrap().1;
            parsed[index] = cleaned.map(|program| (program, input));
        }
    };
    let some = |cleaned: Vec<String>| cleaned.into_iter().map(Some).collect::<Vec<_>>();
    apply("remove_comments", &|sources| some(analysis::remove_comments_and_docstrings(sandbox(), sources)));
    apply("remove_after_return", &|sources| {
        some(analysis::remove_any_not_definition_imports(sandbox(), sources))
    });
    apply("remove_print", &|sources| {
        analysis::remove_print_statements(sandbox(), sources).into_iter().map(Result::ok).collect()
    });
}

fn intrinsic(config: &Value) -> IntrinsicConfig {
    let term = |name: &str| IntrinsicTerm {
        enabled: flag(&config[name], "enabled"),
        coefficient: config[name]["coef"].as_f64().unwrap() as f32,
        maximum: config[name]["max"].as_f64().unwrap() as f32,
        hierarchical: false,
    };
    IntrinsicConfig {
        combine: match text(config, "intrinsic_combine_method") {
            "sum" => Combine::Sum,
            "multiply" => Combine::Multiply,
            "sum_multiply" => Combine::SumMultiply,
            _ => Combine::MultiplySum,
        },
        complexity: term("complexity_reward"),
        edit_distance: term("mean_edit_distance_reward"),
        halstead: term("halstead_reward"),
        answer_diversity: term("answer_diversity_reward"),
        input_diversity: term("f_input_answer_diversity_reward"),
        output_diversity: term("f_output_answer_diversity_reward"),
    }
}

/// The raw terms as the case records them: measuring them is tested with the analysis.
fn recorded_values(scores: &Value, index: usize) -> IntrinsicValues {
    let score = |name: &str| scores[name][index].as_f64().unwrap_or(0.0) as f32;
    IntrinsicValues {
        complexity: score("complexity"),
        edit_distance: score("mean_edit_distance"),
        halstead: score("halstead"),
        answer_diversity: score("answer_diversity"),
        input_diversity: score("input_answer_diversity"),
        output_diversity: score("output_answer_diversity"),
    }
}

/// Proposer rewards: from the response's text and the executor's words to the reward and the buffer.
#[test]
fn golden_rewards_propose() {
    let Some(rows) = golden("rewards") else { return };
    let (mut agreed, mut wrong, mut left_out) = (0, Vec::new(), BTreeMap::new());
    for row in rows.iter().filter(|row| row["role"] == "propose") {
        let config = &row["generation_reward_config"];
        if row["value"].get("raises").is_some() {
            let reason = if row["task"] == "code_e" {
                "a valid error task crashes the reference and has a reward here"
            } else {
                "unknown conversion: the reference raises"
            };
            *left_out.entry(reason).or_default() += 1;
            continue;
        }
        let conversion = match text(config, "generation_accuracy_convertion") {
            "one_minus" => Conversion::OneMinus,
            "inverse" => Conversion::Inverse,
            other => panic!("{other} did not raise: {row}"),
        };
        let filter = match text(row, "valid_program_filter") {
            "all" => ValidFilter::All,
            "non_one" => ValidFilter::NonOne,
            _ => ValidFilter::NonExtremes,
        };
        let learnability = LearnabilityConfig { conversion, filter, ..LearnabilityConfig::default() };
        let terms = azr_selfplay::intrinsic::terms_of(
            &intrinsic(config),
            if row["task"] == "code_f" { TaskType::Induction } else { TaskType::Deduction },
        );
        let cases = row["format_and_validity"].as_array().unwrap();
        let parsed: Vec<bool> = cases.iter().map(|case| parses(row, config, case)).collect();
        let mut kept = 0;
        for (index, case) in cases.iter().enumerate() {
            let response = text(case, "response");
            let well_formed = parse::well_formed(response) || !flag(config, "format_reward");
            let valid = parsed[index] && flag(case, "executor_says_valid");
            let accuracy = accuracy_of(row, case);
            let reward = proposer_reward(
                well_formed,
                valid.then_some(accuracy),
                &recorded_values(&row["value"]["scores"], index),
                &learnability,
                &terms,
                -1.0,
            );
            kept += usize::from(valid && enters_buffer(accuracy, filter));
            let wanted = row["value"]["rewards"][index].as_f64().unwrap();
            if (f64::from(reward) - wanted).abs() < 1e-5 {
                agreed += 1;
            } else {
                wrong.push(format!("reward {reward}, wanted {wanted}: {case}\n  in {config}"));
            }
        }
        if kept as u64 != row["value"]["valid_programs_kept"].as_u64().unwrap() {
            wrong.push(format!("{kept} kept: {row}"));
        }
    }
    conclude("proposer rewards", agreed, &wrong, &left_out);
}

fn parses(row: &Value, config: &Value, case: &Value) -> bool {
    let answer = parse::answer_block(text(case, "response"));
    if row["task"] == "code_f" {
        return parse::parse_induction_proposal(answer, row["num_inputs"].as_u64().unwrap() as usize)
            .is_some();
    }
    let Some(parsed) = parse::parse_proposal(answer, options(config)) else { return false };
    if !flag(config, "reject_test_input_in_code") {
        return true;
    }
    !analysis::has_test_input(&parsed.program)
}

/// Mean of the verdicts; in induction one verdict stands for every hidden pair of an answer.
fn accuracy_of(row: &Value, case: &Value) -> f64 {
    let score = induction_score(row);
    let verdicts: Vec<Option<f64>> = case["solver_verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| match verdict {
            Value::Array(pairs) => {
                let pairs: Vec<Option<f64>> = pairs.iter().map(Value::as_f64).collect();
                Some(induction_accuracy(&pairs, score))
            }
            verdict if row["task"] == "code_f" => Some(induction_accuracy(&[verdict.as_f64()], score)),
            verdict => verdict.as_f64(),
        })
        .collect();
    mean_accuracy(&verdicts)
}

fn induction_score(row: &Value) -> InductionScore {
    match text(row, "code_f_reward_type") {
        "binary" => InductionScore::Binary,
        "accuracy" => InductionScore::Accuracy,
        _ => InductionScore::IfOneCorrect,
    }
}

/// Solver rewards, training and test split.
#[test]
fn golden_rewards_solve() {
    let Some(rows) = golden("rewards") else { return };
    let (mut agreed, mut wrong) = (0, Vec::new());
    for row in rows.iter().filter(|row| row["role"] == "solve") {
        let extraction = extraction(row).unwrap();
        let response = text(row, "response");
        let answer = parse::extract_answer(response, extraction);
        let mut well_formed = parse::well_formed_for(response, extraction) || !flag(row, "format_reward");
        let accuracy = if row["task"] == "code_f" {
            well_formed &= parse::parse_program(answer).is_some();
            let pairs: Vec<Option<f64>> = row["executor_verdicts"]
                .as_array()
                .map_or_else(Vec::new, |all| all.iter().map(Value::as_f64).collect());
            Some(induction_accuracy(&pairs, induction_score(row)))
        } else if row["task"] == "code_e" {
            let named = if flag(row, "extract_code_block") {
                parse::solver_answer(answer, Wanted::Output)
            } else {
                answer.to_owned()
            };
            Some(f64::from(u8::from(names_the_error(&named, text(row, "gold_output")))))
        } else {
            row["executor_verdicts"].as_f64()
        };
        let config = if row["split"] == "train" {
            SolverConfig::default()
        } else {
            SolverConfig { wrong_reward: 0.0, format_reward: 0.0, ..SolverConfig::default() }
        };
        // At test time right is 1 whatever the share.
        let accuracy =
            accuracy.map(|share| if row["split"] == "train" || share == 0.0 { share } else { 1.0 });
        let reward = f64::from(solver_reward(well_formed, accuracy, &config));
        let wanted = row["value"]["reward"].as_f64().unwrap();
        if (reward - wanted).abs() < 1e-5 {
            agreed += 1;
        } else {
            wrong.push(format!("reward {reward}, wanted {wanted}: {row}"));
        }
    }
    conclude("solver rewards", agreed, &wrong, &BTreeMap::new());
}

/// Whitening within each group, as the reference's trainer calls it.
#[test]
fn golden_advantage() {
    let Some(rows) = golden("advantage") else { return };
    let (mut agreed, mut wrong) = (0, Vec::new());
    for row in &rows {
        let numbers = |value: &Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect()
        };
        let grid =
            |value: &Value| -> Vec<Vec<f64>> { value.as_array().unwrap().iter().map(numbers).collect() };
        let (rewards, mask) = (grid(&row["rewards"]), grid(&row["response_mask"]));
        let gamma = row["gamma"].as_f64().unwrap();
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, group) in row["groups"].as_array().unwrap().iter().enumerate() {
            groups.entry(group.as_str().unwrap()).or_default().push(index);
        }
        let returns: Vec<Vec<f64>> =
            rewards.iter().zip(&mask).map(|(rewards, mask)| returns_of(rewards, mask, gamma)).collect();
        #[expect(clippy::type_complexity, reason = "used once")]
        let whitened: Vec<Option<Vec<(usize, Vec<f64>)>>> =
            groups.values().map(|members| whiten_group(members, &returns, &mask)).collect();
        if row["value"].get("raises").is_some() {
            if whitened.iter().any(Option::is_none) {
                agreed += 1;
            } else {
                wrong.push(format!("no refusal: {row}"));
            }
            continue;
        }
        let wanted = grid(&row["value"]["advantages"]);
        let mut worst: f64 = 0.0;
        for (index, advantages) in whitened.into_iter().flatten().flatten() {
            let constant = rewards_are_constant(&groups, index, &returns, &mask);
            for (found, wanted) in advantages.iter().zip(&wanted[index]) {
                worst = worst.max((found - wanted).abs() / if constant { 5e-3 } else { 1e-4 });
            }
        }
        if worst <= 1.0 {
            agreed += 1;
        } else {
            wrong.push(format!("off by {worst} tolerances: {row}"));
        }
    }
    conclude("advantage", agreed, &wrong, &BTreeMap::new());
}

fn returns_of(rewards: &[f64], mask: &[f64], gamma: f64) -> Vec<f64> {
    let (mut returns, mut running) = (vec![0.0; rewards.len()], 0.0);
    for at in (0..rewards.len()).rev() {
        running = rewards[at] + gamma * running;
        returns[at] = running;
        running *= mask[at];
    }
    returns
}

/// The masked tokens of a group whitened, the others 0.
fn whiten_group(
    members: &[usize],
    returns: &[Vec<f64>],
    mask: &[Vec<f64>],
) -> Option<Vec<(usize, Vec<f64>)>> {
    let masked: Vec<Vec<f64>> = members
        .iter()
        .map(|&index| {
            let tokens = returns[index].iter().zip(&mask[index]);
            tokens.filter(|(_, mask)| **mask > 0.0).map(|(value, _)| *value).collect()
        })
        .collect();
    let rows: Vec<&[f64]> = masked.iter().map(Vec::as_slice).collect();
    let whitened = whiten(&rows)?;
    let spread = |(&index, row): (&usize, Vec<f64>)| {
        let mut row = row.into_iter();
        let values = mask[index].iter().map(|&mask| if mask > 0.0 { row.next().unwrap() } else { 0.0 });
        (index, values.collect())
    };
    Some(members.iter().zip(whitened).map(spread).collect())
}

fn rewards_are_constant(
    groups: &BTreeMap<&str, Vec<usize>>,
    index: usize,
    returns: &[Vec<f64>],
    mask: &[Vec<f64>],
) -> bool {
    let members = groups.values().find(|members| members.contains(&index)).unwrap();
    let mut values = members.iter().flat_map(|&member| {
        returns[member].iter().zip(&mask[member]).filter(|(_, mask)| **mask > 0.0).map(|(value, _)| *value)
    });
    let first = values.next().unwrap_or(0.0);
    values.all(|value| (value - first).abs() < 1e-6)
}

/// Verdicts of `paper` mode.
#[test]
fn golden_equality() {
    let Some(rows) = golden("equality") else { return };
    let (mut agreed, mut wrong, mut left_out) = (0, Vec::new(), BTreeMap::new());
    for row in &rows {
        let args = &row["args"];
        let seconds = row["timeout_length"].as_f64().unwrap();
        let judge = Judge::with_limits(sandbox(), Mode::Paper, Limits::seconds(seconds));
        let found = match text(row, "function") {
            "eval_output_prediction" => {
                let triplet = triplet_of(args);
                json!(grade_deduction(&judge, &[(&triplet, text(args, "agent_output"))])[0].accuracy)
            }
            "eval_input_prediction" => {
                let triplet = triplet_of(args);
                json!(grade_abduction(&judge, &[(&triplet, text(args, "agent_input"))])[0].accuracy)
            }
            "check_all" => check_all(&judge, args, &row["value"]),
            "CodeIORewardManager.__call__(pred_code_f)" => induction(&judge, args),
            "eval_k_output_prediction" | "eval_k_input_prediction" => eval_k(&judge, row),
            other => {
                wrong.push(format!("nothing here is compared with `{other}`"));
                continue;
            }
        };
        if same(&found, &row["value"]) {
            agreed += 1;
        } else if let Some(reason) = known_residual(row) {
            *left_out.entry(reason).or_default() += 1;
        } else {
            wrong.push(format!("{row}\n  found {found}"));
        }
    }
    conclude("equality", agreed, &wrong, &left_out);
}

/// The reference's batched variants give the verdicts of the single functions, those of answers that do not parse last.
fn eval_k(judge: &Judge<'_>, row: &Value) -> Value {
    let (args, triplet) = (&row["args"], triplet_of(&row["args"]));
    let input = text(row, "function") == "eval_k_input_prediction";
    let answers = args[if input { "k_agent_inputs" } else { "k_agent_outputs" }].as_array().unwrap();
    let answers: Vec<&str> = answers.iter().map(|answer| answer.as_str().unwrap()).collect();
    let parses: Vec<Job> = answers
        .iter()
        .map(|answer| {
            Job::new("", vec![format!("compile({}, '', 'eval') and 1", json!(answer))], Limits::seconds(1.0))
        })
        .collect();
    let parses = sandbox().run_all(&parses);
    let mut verdicts = Vec::new();
    for (answer, report) in answers.iter().zip(&parses) {
        let accuracy = if input {
            grade_abduction(judge, &[(&triplet, answer)])[0].accuracy
        } else {
            grade_deduction(judge, &[(&triplet, answer)])[0].accuracy
        };
        if report.calls[0].verdict.value().is_some() {
            verdicts.push(json!(accuracy.is_some_and(|accuracy| accuracy > 0.0)));
        }
    }
    verdicts.resize(answers.len(), json!(0.0));
    json!(verdicts)
}

/// Why the sandbox's answer differs from that of the reference's CPython 3.11.
fn known_residual(row: &Value) -> Option<&'static str> {
    let wanted = row["value"].to_string();
    // Since Python 3.12 an ordered dictionary prints as `OrderedDict({'a': 1})`; 3.11 prints a list of pairs.
    wanted.contains("OrderedDict([").then_some("Python 3.12 prints ordered dictionaries otherwise")
}

fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| same(found, wanted))
        }
        _ => found == wanted,
    }
}

fn triplet_of(args: &Value) -> Triplet {
    Triplet {
        program: text(args, "code").into(),
        input: String::new(),
        output: text(args, "gold_output").into(),
        imports: texts(&args["imports"]),
    }
}

/// Validity and output. What the reference leaves as the output of an invalid program means nothing.
fn check_all(judge: &Judge<'_>, args: &Value, wanted: &Value) -> Value {
    let mut config = SelfPlayConfig::default();
    config.proposer.banned = texts(&args["banned_keywords"]);
    config.proposer.banned_for_errors = texts(&args["banned_keywords_for_errors_and_exceptions"]);
    config.execution.determinism = flag(args, "check_determinism");
    let imports = texts(&args["imports"]);
    let program = text(args, "code");
    let candidate = Candidate::Triplet {
        task_type: if flag(args, "check_error") { TaskType::Error } else { TaskType::Deduction },
        program: if imports.is_empty() {
            program.into()
        } else {
            format!("{}\n{program}", imports.join("\n"))
        },
        input: text(args, "inputs").into(),
    };
    match validate_seeds(judge, &config, &[candidate]).remove(0) {
        Ok(Task::Deduction(triplet) | Task::Error(triplet)) => json!([true, triplet.output]),
        Ok(other) => panic!("{other:?}"),
        Err(_) => json!([false, wanted[1]]),
    }
}

/// `replace_main_function_name`, which renames the stored programs that a proposal must call.
#[test]
fn golden_renamed_functions() {
    let Some(rows) = golden("parsing") else { return };
    let judge = Judge::with_limits(sandbox(), Mode::Paper, Limits::seconds(10.0));
    let (mut agreed, mut wrong) = (0, Vec::new());
    for row in rows.iter().filter(|row| row["function"] == "replace_main_function_name") {
        let args = &row["args"];
        let found = rename_entry(&judge, text(args, "code"), text(args, "old_name"), text(args, "new_name"));
        let wanted = row["value"].as_str();
        if found.as_deref() == wanted {
            agreed += 1;
        } else {
            wrong.push(format!("{row}\n  found {found:?}"));
        }
    }
    conclude("replace_main_function_name", agreed, &wrong, &BTreeMap::new());
}

fn induction(judge: &Judge<'_>, args: &Value) -> Value {
    let hidden: Vec<Pair> = texts(&args["hidden_inputs"])
        .into_iter()
        .zip(texts(&args["hidden_outputs"]))
        .map(|(input, output)| Pair::new(input, output))
        .collect();
    let task = InductionTask {
        program: String::new(),
        imports: texts(&args["imports"]),
        shown: Vec::new(),
        hidden,
        message: String::new(),
    };
    let grade = &grade_induction(judge, &[(&task, text(args, "program"))], induction_score(args))[0];
    let reward = solver_reward(true, grade.accuracy, &SolverConfig::default());
    json!({ "accuracy": grade.accuracy, "reward": reward })
}
