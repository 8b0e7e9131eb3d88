//! The program analysis against the reference's own results, on hostile text, and on any text at all.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is the failure; a skipped test says why"
)]

#[path = "../../../tests/src/skip.rs"]
mod skip;

use azr_executor::analysis::{
    self, AnalysisRequest, BannedNames, Operation, ProgramMetrics, TypeCounters, ast_edit_distance,
    banned_imports, check_composite_function, check_no_definitions, determine_type, functions,
    has_test_input, imports, metrics, remove_any_not_definition_imports, remove_comments_and_docstrings,
    remove_print_statements, syntax_faults,
};
use azr_executor::{Sandbox, SandboxConfig};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::OnceLock;

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let cache_dir = Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox"));
        Sandbox::open(&SandboxConfig { cache_dir, ..Default::default() }).unwrap()
    })
}

/// The lines of a golden file; `None`, with the reason printed, where there is none.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch for the place of the golden files")]
fn golden<T: DeserializeOwned>(file: &str) -> Option<Vec<T>> {
    let folder = std::env::var_os("AZR_GOLDEN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/azr-golden")),
        PathBuf::from,
    );
    let path = folder.join(file);
    let Ok(compressed) = std::fs::File::open(&path) else {
        skip::skipped(&format!("no golden cases at {}", path.display()));
        return None;
    };
    let lines = BufReader::new(flate2::read::GzDecoder::new(compressed)).lines();
    Some(lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect())
}

#[derive(Clone, Debug, Deserialize)]
struct Case {
    function: String,
    args: Value,
    value: Value,
}

impl Case {
    fn text(&self, argument: &str) -> String {
        self.args[argument].as_str().unwrap().to_owned()
    }

    fn texts(&self, argument: &str) -> Vec<String> {
        serde_json::from_value(self.args[argument].clone()).unwrap()
    }
}

fn of<'a>(cases: &'a [Case], function: &str) -> Vec<&'a Case> {
    let found: Vec<&Case> = cases.iter().filter(|case| case.function == function).collect();
    assert!(!found.is_empty(), "no golden case of {function}");
    found
}

fn check<T: PartialEq + std::fmt::Debug>(cases: &[&Case], got: Vec<T>, want: impl Fn(&Case) -> T) {
    assert_eq!(cases.len(), got.len());
    for (case, got) in cases.iter().zip(got) {
        assert_eq!(got, want(case), "{} of {}", case.function, case.args);
    }
}

#[test]
fn golden_banned() {
    let Some(cases) = golden::<Case>("banned.jsonl.gz") else { return };
    // One call for each pair of lists.
    let mut by_lists: BTreeMap<(Vec<String>, Vec<String>), Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        let lists = (case.texts("banned_keywords"), case.texts("banned_keywords_for_errors_and_exceptions"));
        by_lists.entry(lists).or_default().push(case);
    }
    for ((imports, error_keywords), cases) in by_lists {
        let sources: Vec<String> = cases.iter().map(|case| case.text("code")).collect();
        let names = BannedNames { imports, error_keywords };
        let found = banned_imports(sandbox(), &sources, &names);
        check(&cases, found.iter().map(Option::is_some).collect(), |case| case.value.as_bool().unwrap());
    }
}

#[test]
fn golden_parsing_ast() {
    let Some(cases) = golden::<Case>("parsing.jsonl.gz") else { return };
    let cleaners = |function: &str, clean: &dyn Fn(&[String]) -> Vec<Value>| {
        let cases = of(&cases, function);
        let sources: Vec<String> = cases.iter().map(|case| case.text("code")).collect();
        check(&cases, clean(&sources), |case| case.value.clone());
    };
    let texts = |texts: Vec<String>| texts.into_iter().map(Value::from).collect();
    cleaners("remove_comments_and_docstrings", &|sources| {
        texts(remove_comments_and_docstrings(sandbox(), sources))
    });
    cleaners("remove_any_not_definition_imports", &|sources| {
        texts(remove_any_not_definition_imports(sandbox(), sources))
    });
    cleaners("remove_print_statements", &|sources| {
        let answers = remove_print_statements(sandbox(), sources);
        answers
            .into_iter()
            .map(|text| text.map_or_else(|error| json!({ "raises": error.name() }), Value::from))
            .collect()
    });

    let found = of(&cases, "parse_imports");
    let sources: Vec<String> = found.iter().map(|case| case.text("code_snippet")).collect();
    check(&found, imports(sandbox(), &sources), |case| serde_json::from_value(case.value.clone()).unwrap());

    let found = of(&cases, "has_test_input");
    let carried = found.iter().map(|case| has_test_input(&case.text("snippet_code"))).collect();
    check(&found, carried, |case| case.value.as_bool().unwrap());

    let programs = |found: &[&Case]| -> Vec<(String, Vec<String>)> {
        found.iter().map(|case| (case.text("code"), case.texts("composite_functions"))).collect()
    };
    let found = of(&cases, "check_composite_function");
    check(&found, check_composite_function(sandbox(), &programs(&found)), |case| {
        case.value.as_bool().unwrap()
    });
    let found = of(&cases, "check_no_definitions");
    check(&found, check_no_definitions(sandbox(), &programs(&found)), |case| case.value.as_bool().unwrap());
}

/// Equal up to the rounding of two libraries' logarithms.
fn close(got: f64, want: &Value) -> bool {
    want.as_f64().is_some_and(|want| (got - want).abs() <= 1e-12 * want.abs().max(1.0))
}

fn check_metrics(got: &ProgramMetrics, want: &Value) {
    let formatted = &want["formatted"];
    assert!(close(got.halstead_reward, &want["halstead_reward"]), "{got:?} for {formatted}");
    assert!(close(got.complexity_reward, &want["complexity_reward"]), "{got:?} for {formatted}");
    if want["halstead"]["raises"].is_string() {
        assert_eq!(got.failure.as_deref(), want["halstead"]["raises"].as_str(), "{formatted}");
        return;
    }
    assert_eq!(got.failure, None);
    assert_eq!(json!(got.cognitive_complexity), want["cognitive_complexity"], "{formatted}");
    let blocks: Vec<Value> =
        got.cyclomatic_blocks.iter().map(|block| json!([block.name, block.kind, block.complexity])).collect();
    assert_eq!(json!(blocks), want["cyclomatic_blocks"], "{formatted}");
    let halstead = serde_json::to_value(&got.halstead).unwrap();
    for (name, want) in want["halstead"].as_object().unwrap() {
        assert!(close(halstead[name].as_f64().unwrap(), want), "{name}: {halstead} for {formatted}");
    }
}

#[test]
fn golden_metrics() {
    let Some(cases) = golden::<Case>("metrics.jsonl.gz") else { return };
    let found = of(&cases, "code_metrics");
    let sources: Vec<&str> = found.iter().map(|case| case.value["formatted"].as_str().unwrap()).collect();
    for (case, got) in found.iter().zip(metrics(sandbox(), &sources)) {
        check_metrics(&got, &case.value);
    }

    let found = of(&cases, "ast_edit_distance");
    let pairs: Vec<(String, String)> =
        found.iter().map(|case| (case.text("code1"), case.text("code2"))).collect();
    for (case, got) in found.iter().zip(ast_edit_distance(sandbox(), &pairs)) {
        assert!(close(got, &case.value), "{got} for {} instead of {}", case.args, case.value);
    }

    let found = of(&cases, "determine_type");
    let texts: Vec<String> = found.iter().map(|case| case.text("element")).collect();
    check(&found, determine_type(sandbox(), &texts), |case| case.value.as_str().unwrap().to_owned());
}

/// The counters of a case in the order of the file, which decides flat rewards.
#[derive(Debug, Default)]
struct Ordered(TypeCounters);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Types;
        impl<'de> Visitor<'de> for Types {
            type Value = Ordered;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("counts by type")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Ordered, M::Error> {
                let mut ordered = Ordered::default();
                while let Some((name, texts)) = map.next_entry::<String, BTreeMap<String, u64>>()? {
                    for (text, count) in texts {
                        ordered.0.add(&name, &text, count);
                    }
                }
                Ok(ordered)
            }
        }
        deserializer.deserialize_map(Types)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DiversityCase {
    Counted { args: DiversityArgs, value: f64 },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct DiversityArgs {
    answer: String,
    type_counters: Ordered,
    hierarchical: bool,
}

#[test]
fn golden_metrics_answer_diversity() {
    let Some(cases) = golden::<DiversityCase>("metrics.jsonl.gz") else { return };
    let cases: Vec<(DiversityArgs, f64)> = cases
        .into_iter()
        .filter_map(|case| match case {
            DiversityCase::Counted { args, value } => Some((args, value)),
            DiversityCase::Other(_) => None,
        })
        .collect();
    assert!(cases.len() > 100);
    let answers: Vec<&str> = cases.iter().map(|(args, _)| args.answer.as_str()).collect();
    let types = analysis::evaluated_types(sandbox(), &answers);
    for ((args, want), name) in cases.iter().zip(types) {
        let counters = &args.type_counters.0;
        let got = if args.hierarchical {
            counters.hierarchical_reward(&args.answer, &name)
        } else {
            counters.flat_reward(&args.answer)
        };
        assert!(
            (got - want).abs() < 1e-12,
            "{got} instead of {want} for {} ({name}) in {counters:?}",
            args.answer
        );
    }
}

#[test]
fn functions_are_listed_with_their_place() {
    let source = "@d\nclass A:\n    @e\n    def m(self, a, /, *b, c=1, **d):\n        async def g():\n            pass\n\ndef f(x):\n    return x";
    let found = functions(sandbox(), &[source]).remove(0);
    let shown: Vec<(&str, u32, u32, bool, bool)> = found
        .iter()
        .map(|function| {
            let place = (function.line, function.end_line);
            (function.qualified_name.as_str(), place.0, place.1, function.nested, function.asynchronous)
        })
        .collect();
    assert_eq!(shown, [("A.m", 3, 6, true, false), ("A.m.g", 5, 6, true, true), ("f", 8, 9, false, false)]);
    assert_eq!(found[0].parameters, ["self", "a", "*b", "c", "**d"]);
    assert_eq!(functions(sandbox(), &["def f(:"]), [[]]);
}

#[test]
fn syntax_faults_name_the_line() {
    let sources = ["x = 1", "x = 1\ny = (", "return 5", "\0"];
    let faults = syntax_faults(sandbox(), &sources);
    assert_eq!(faults[0], None);
    let lines: Vec<Option<u32>> = faults.iter().map(|fault| fault.as_ref().map(|fault| fault.line)).collect();
    assert_eq!(lines[..3], [None, Some(2), Some(1)]);
    assert!(faults[3].is_some());
}

/// A payload for each operation.
fn requests(source: &str) -> Vec<AnalysisRequest> {
    let request = |operation| {
        let payload = match operation {
            Operation::BannedImports => {
                json!({ "source": source, "banned": ["os"], "banned_for_errors": ["raise"] })
            }
            Operation::CheckCompositeFunction => {
                json!({ "source": source, "composite_functions": ["def g_0(x): return x"] })
            }
            Operation::CheckNoDefinitions => json!({ "source": source, "names": ["g_0"] }),
            _ => json!({ "source": source }),
        };
        AnalysisRequest { operation, payload }
    };
    Operation::ALL.into_iter().map(request).collect()
}

/// Sources that strain a parser or a tree walk.
fn hostile() -> Vec<String> {
    let deep = |open: &str, inner: &str, close: &str, levels: usize| {
        open.repeat(levels) + inner + &close.repeat(levels)
    };
    let mut sources = Vec::new();
    for levels in [90, 250, 3_000] {
        sources.extend([
            deep("(", "1", ")", levels),
            deep("[", "", "]", levels),
            deep("-", "1", "", levels),
            deep("not ", "x", "", levels),
            deep("lambda:", "1", "", levels / 10),
            deep("x", "", ".a", levels),
            deep("", "1", "+1", levels),
            deep("", "x", "()", levels),
            deep("a=", "1", "", levels),
            deep("if x:\n pass\nel", "if x:\n pass", "", levels / 10),
            deep("f\"{", "x", "}\"", levels / 10),
            deep("", "1", " if 1 else 1", levels / 10),
        ]);
    }
    sources.extend(
        [
            "",
            "\0",
            "\u{feff}x",
            "# -*- coding: utf-7 -*-\nx",
            "'\\ud800'",
            "f'{x}\\ud800'",
            "2**2**2**99999999",
            "'a'*10**10",
        ]
        .map(str::to_owned),
    );
    sources.push("9".repeat(5_000));
    sources.push("x".repeat(300_000));
    sources.push(
        (0..150).map(|level| " ".repeat(level) + "if x:\n").collect::<Vec<_>>().concat()
            + &" ".repeat(150)
            + "pass",
    );
    sources
}

#[test]
fn hostile_sources_have_an_answer_that_the_batch_does_not_change() {
    let sources = hostile();
    let together: Vec<AnalysisRequest> = sources.iter().flat_map(|source| requests(source)).collect();
    let batch = sandbox().analyse_all(&together);
    assert_eq!(batch.len(), together.len());
    // Every eleventh again, alone: a prime that meets all operations.
    for (request, in_batch) in together.iter().zip(&batch).step_by(11) {
        let alone = sandbox().analyse_all(std::slice::from_ref(request));
        assert_eq!(&alone[0], in_batch, "{} of {:.60}", request.operation, request.payload);
    }
}

#[test]
fn sources_that_end_the_guest_are_decided_too() {
    // Freeing so deep a tree exhausts the guest's stack.
    let source = format!("x{}", ".a".repeat(50_000));
    let names = BannedNames { imports: vec!["b".into(), "a".into()], error_keywords: Vec::new() };
    assert_eq!(banned_imports(sandbox(), &[&source], &names), [Some("a".to_owned())]);
    let measured = metrics(sandbox(), &[&source]).remove(0);
    assert_eq!(measured.failure.as_deref(), Some("stack_exhausted"));
    assert_eq!(remove_comments_and_docstrings(sandbox(), &[&source]), [source]);
}

fn python_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("def f(x):\n    "),
        Just("return "),
        Just("import os\n"),
        Just("print(x)"),
        Just("if x:\n        "),
        Just("class A:\n    "),
        Just("for i in "),
        Just("[x for x in y]"),
        Just("\n"),
        Just("'"),
        Just("\"\"\""),
        Just("f'{x}'"),
        Just("("),
        Just(")"),
        Just(" and "),
        Just("\\"),
        Just("g_0(x)"),
        Just("é"),
        Just("\0"),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_an_answer_from_every_operation(sources in proptest::collection::vec(prop_oneof![any::<String>(), python_like()], 1..6)) {
        let together: Vec<AnalysisRequest> = sources.iter().flat_map(|source| requests(source)).collect();
        for (request, answer) in together.iter().zip(sandbox().analyse_all(&together)) {
            let raised = matches!(answer, Ok(_) | Err(analysis::AnalysisError::Raised { .. }));
            prop_assert!(raised, "{} of {}: {answer:?}", request.operation, request.payload);
        }
    }
}
