//! The parts of the method that the published runs leave off: error tasks, composite functions, seeds from elsewhere, shares,
//! several responses a prompt; and the audit of a run.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is the failure; a skipped test says why"
)]

mod support;

use azr_selfplay::config::{Baseline, Mode, PromptProfile, SeedSource, SelfPlayConfig, Share};
use azr_selfplay::judge::Judge;
use azr_selfplay::observe::{NoEvaluation, Silent};
use azr_selfplay::policy::{Policy, ScriptedPolicy};
use azr_selfplay::prompt::{Prompts, ProposeContext, ReferenceTexts, compact};
use azr_selfplay::propose::{PromptSource, proposer_prompts, read_proposals};
use azr_selfplay::record::{StepRecord, read_rollouts};
use azr_selfplay::replay::{Findings, ReplayContext, Steps, replay};
use azr_selfplay::run::{RunContext, run};
use azr_selfplay::seed::Seeds;
use azr_selfplay::validate::{Candidate, validate};
use azr_selfplay::{InductionTask, Pair, SelfPlayError, Task, TaskType, Triplet};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use support::{sandbox, script, tiny_config};

fn play(
    config: &SelfPlayConfig,
    policy: &mut ScriptedPolicy,
    folder: &Path,
    seeds: Option<Seeds>,
) -> Result<Vec<StepRecord>, SelfPlayError> {
    run(RunContext {
        config,
        policy,
        sandbox: sandbox(),
        folder,
        resume: false,
        exact: true,
        seeds,
        held_out: &BTreeSet::new(),
        reference_texts: None,
        info: serde_json::json!({}),
        observer: &mut Silent,
        evaluate: &mut NoEvaluation,
        stop: &AtomicBool::new(false),
        clock: &|| 0.0,
    })?;
    let text = std::fs::read_to_string(folder.join("steps.jsonl")).unwrap();
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn error_script() -> ScriptedPolicy {
    let answer = |request: &azr_model::GenerateRequest, _version: u64| {
        let number = (request.key.item + request.key.step) % 4;
        if request.prompt.starts_with("Propose") {
            compact::proposal("", &format!("def f(x):\n    return x // {number} if x else [][{number}]"), "1")
        } else {
            compact::answer_deduction("", if number == 0 { "zerodivisionerror: by zero" } else { "NoError" })
        }
    };
    ScriptedPolicy::new(Box::new(answer), 4_000)
}

#[test]
fn error_tasks_are_a_type_like_the_others() {
    for mode in [Mode::Clean, Mode::Paper] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = SelfPlayConfig { mode, ..tiny_config() };
        config.run.task_types = vec![TaskType::Error];
        let records = play(&config, &mut error_script(), &folder.path().join("run"), None).unwrap();
        let last = records.last().unwrap();
        assert!(last.buffers["error"] > 1, "{:?}", last.buffers);
        assert_eq!(last.groups.keys().collect::<Vec<_>>(), ["error_propose", "error_solve"]);
        assert!(last.groups["error_solve"].verdicts.contains_key("right"), "{:?}", last.groups);
    }
}

#[test]
fn error_tasks_have_the_class_as_their_answer() {
    let programs = [
        ("def f(x):\n    return 1 // x", "ZeroDivisionError", "ZeroDivisionError"),
        ("def f(x):\n    return x", "NoError", "NoError"),
        ("def f(x):\n    raise ValueError('two\\nlines')", "ValueError", "lines"),
        (
            "import json\ndef f(x):\n    return json.loads('{')",
            "JSONDecodeError",
            "json.decoder.JSONDecodeError",
        ),
    ];
    for (mode, wanted) in [(Mode::Clean, 0), (Mode::Paper, 1)] {
        let mut config = SelfPlayConfig { mode, ..tiny_config() };
        config.proposer.banned_for_errors.clear();
        config.execution.seconds = 5.0;
        let judge = Judge::new(sandbox(), &config);
        let candidates: Vec<Candidate> = programs
            .iter()
            .map(|(program, ..)| Candidate::Triplet {
                task_type: TaskType::Error,
                program: (*program).into(),
                input: "0".into(),
            })
            .collect();
        for (found, (program, clean, paper)) in validate(&judge, &config, &candidates).iter().zip(&programs) {
            let Ok(Task::Error(triplet)) = found else { panic!("{mode:?}: {program}: {found:?}") };
            assert_eq!(triplet.output, [*clean, *paper][wanted], "{mode:?}: {program}");
        }
    }
}

#[test]
fn composite_functions_are_named_put_before_and_must_be_called() {
    let mut config = tiny_config();
    config.proposer.n_references = 3;
    (config.compose.start_step, config.compose.chance) = (1, 1.0);
    (config.compose.n_min, config.compose.n_max) = (1, 1);
    config.check().unwrap();
    let mut seeds = Seeds::identity(6);
    for number in 0..4 {
        let program = format!("def f(x):\n    return f(x - 1) + {number} if x else 0");
        seeds.triplets.push(Triplet {
            program,
            input: "2".into(),
            output: (2 * number).to_string(),
            imports: vec![],
        });
    }
    let state = seeds.state(Mode::Clean);
    let judge = Judge::new(sandbox(), &config);
    let prompts = Prompts::new(&config, None).unwrap();
    let source = PromptSource {
        config: &config,
        prompts: &prompts,
        buffers: &state.buffers,
        judge: &judge,
        composition: config.compose.at(1, config.mode),
    };
    let key = azr_model::random::DrawKey::new(1, 1, "test", 0);
    let made = proposer_prompts(&source, TaskType::Deduction, 4, &key, |_| true);
    assert!(made.iter().all(|one| one.functions.len() == 1 && one.text.contains("def g_0(")));
    let respond = |program: &str| {
        format!("<think></think>\n<answer>```python\n{program}\n```\n```input\n2\n```</answer>")
    };
    let uses = respond("def f(x):\n    return g_0(x) + 1");
    let defines = respond("def g_0(x):\n    return x\ndef f(x):\n    return g_0(x)");
    let ignores = respond("def f(x):\n    return x");
    let responses: Vec<_> =
        [&uses, &defines, &ignores].into_iter().map(|text| (&made[0], text.clone())).collect();
    let mut options = config.proposer.clone();
    options.reject_multiple_functions = false;
    options.entry_name = azr_selfplay::config::EntryName::AnyLast;
    let proposals = read_proposals(&judge, &options, &responses);
    let Some(Candidate::Triplet { program, .. }) = &proposals[0].candidate else { panic!("{proposals:?}") };
    assert!(program.starts_with(&made[0].functions[0].program) && program.ends_with("return g_0(x) + 1"));
    assert!(validate(&judge, &config, &[proposals[0].candidate.clone().unwrap()])[0].is_ok());
    assert_eq!(proposals[1].candidate, None, "it defines the function again");
    assert_eq!(proposals[2].candidate, None, "it does not call the function");
}

#[test]
fn each_buffer_can_start_from_seeds_of_its_own() {
    let triplet = |number: u32| Triplet {
        program: format!("def f(x):\n    return x + {number}"),
        input: "1".into(),
        output: (number + 1).to_string(),
        imports: vec![],
    };
    let seeds = Seeds {
        triplets: vec![triplet(1), triplet(2)],
        abduction: Some(vec![triplet(3)]),
        ..Seeds::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny_config();
    config.seeding.source = SeedSource::Files;
    config.seeding.deduction_file = Some("given".into());
    config.run.steps = 1;
    let records = play(&config, &mut script(), &folder.path().join("run"), Some(seeds)).unwrap();
    let propose = |name: &str| {
        records[0].groups[&format!("{name}_propose")].verdicts.get("valid").copied().unwrap_or(0)
    };
    assert_eq!(records[0].buffers["deduction"], 2 + propose("deduction"));
    assert_eq!(records[0].buffers["abduction"], 1 + propose("abduction"));
    assert!(folder.path().join("run/seeds/abduction.jsonl").is_file());
    let unread = play(&config, &mut script(), &folder.path().join("other"), None);
    assert!(unread.unwrap_err().to_string().contains("seeding.source"));
}

#[test]
fn shares_and_responses_a_prompt_shape_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tiny_config();
    config.run.steps = 1;
    config.rollout.responses_per_prompt = 3;
    config.rollout.shares.insert(TaskType::Induction, Share { propose: 0.0, solve: 0.5 });
    config.advantage.baseline = Baseline::PerPrompt;
    config.check().unwrap();
    let path = folder.path().join("run");
    let records = play(&config, &mut script(), &path, None).unwrap();
    let n = |name: &str| records[0].groups.get(name).map_or(0, |group| group.n);
    assert_eq!((n("deduction_propose"), n("deduction_solve")), (18, 18));
    assert_eq!((n("induction_propose"), n("induction_solve")), (0, 9));
    let rows = read_rollouts(&path.join("rollouts/step-1.parquet")).unwrap();
    let solves: Vec<_> =
        rows.iter().filter(|row| row.role == "solve" && row.task_type == "deduction").collect();
    for three in solves.chunks(3) {
        assert!(three.iter().all(|row| row.prompt == three[0].prompt && row.task_id == three[0].task_id));
        assert_eq!(three.iter().map(|row| row.sample).collect::<Vec<_>>(), [0, 1, 2]);
        let sum: f64 = three.iter().map(|row| row.advantage).sum();
        assert!(sum.abs() < 1e-4, "advantages within a prompt sum to 0: {sum}");
    }
    config.rollout.shares.insert(TaskType::Induction, Share { propose: f64::NAN, solve: 0.5 });
    assert_eq!(config.check().unwrap_err().key, "rollout.shares");
}

fn audit(config: &SelfPlayConfig, folder: &Path, steps: Steps) -> Findings {
    replay(ReplayContext {
        config,
        policy: &mut script(),
        sandbox: sandbox(),
        folder,
        steps,
        seeds: None,
        held_out: &BTreeSet::new(),
        reference_texts: None,
        evaluate: None,
        observer: &mut Silent,
        clock: &|| 0.0,
    })
    .unwrap()
}

#[test]
fn an_audit_plays_steps_again_and_finds_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let config = tiny_config();
    play(&config, &mut script(), &path, None).unwrap();
    let all = audit(&config, &path, Steps::All);
    assert_eq!(all.mismatches, Vec::<String>::new());
    assert_eq!((all.recomputed.as_slice(), all.weights_checked.as_slice()), (&[1, 2, 3, 4][..], &[2, 4][..]));
    assert_eq!(all.rollouts_checked, 4);
    assert!(all.seeding_recomputed);
    assert_eq!(audit(&config, &path, Steps::AfterCheckpoints).recomputed, [1, 3]);
    assert_eq!(audit(&config, &path, Steps::These(BTreeSet::from([4]))).recomputed, [3, 4]);

    // Another seed is another run, though its chain is whole.
    let mut other = config.clone();
    other.run.seed += 1;
    let found = audit(&other, &path, Steps::All);
    assert_eq!(found.recomputed, [1]);
    for wanted in ["run.json has seed", "config.toml is not", "step 1: played again it differs"] {
        assert!(found.mismatches.iter().any(|one| one.starts_with(wanted)), "{wanted}: {found:?}");
    }

    // Tasks, weights and the start itself may be forged, too.
    let changed = |name: &str, change: &dyn Fn(&str) -> String| {
        let (file, backup) = (path.join(name), path.join("backup"));
        std::fs::copy(&file, &backup).unwrap();
        std::fs::write(&file, change(&std::fs::read_to_string(&backup).unwrap())).unwrap();
        let found = audit(&config, &path, Steps::All).mismatches;
        std::fs::rename(&backup, &file).unwrap();
        found
    };
    let found =
        changed("seeds/triplets.jsonl", &|text| text.lines().next().unwrap().replace("return", "return 1 +"));
    assert_eq!(
        found,
        [
            "seeds/ has other tasks than the checkpoint of step 0",
            "seeds/triplets.jsonl: made again it differs"
        ]
    );
    assert!(changed("seeds/induction.jsonl", &|_| "{".to_owned())[0].starts_with("seeds/ cannot be read"));
    let own = format!(r#""weights_hash": "{}""#, script().weights_hash().unwrap());
    let found =
        changed("checkpoints/step-0/checkpoint.json", &|text| text.replace(&own, r#""weights_hash": "f""#));
    assert!(
        found.iter().any(|one| one.starts_with("the checkpoint of step 0 has other weights")),
        "{found:?}"
    );
    assert!(
        found.contains(&"the checkpoint of step 0 has other weights than it names".to_owned()),
        "{found:?}"
    );
    let found = changed("run.json", &|text| text.replace(&own, r#""weights_hash": "f""#));
    assert!(found.iter().any(|one| one.starts_with("the model that config.toml names")), "{found:?}");
    std::fs::rename(path.join("checkpoints"), path.join("aside")).unwrap();
    assert_eq!(
        audit(&config, &path, Steps::None).mismatches,
        ["the checkpoint of step 0, which every run keeps, is missing"]
    );
    std::fs::rename(path.join("aside"), path.join("checkpoints")).unwrap();

    // A step's rollouts put in the place of another's.
    std::fs::copy(path.join("rollouts/step-1.parquet"), path.join("rollouts/step-2.parquet")).unwrap();
    let found = audit(&config, &path, Steps::None);
    assert_eq!(found.mismatches, ["step 2: the rollouts are not those of the record"]);

    // A record that claims another loss.
    let lines = std::fs::read_to_string(path.join("steps.jsonl")).unwrap();
    std::fs::write(path.join("steps.jsonl"), lines.replacen("\"loss\":0.0", "\"loss\":0.5", 1)).unwrap();
    let found = audit(&config, &path, Steps::None);
    assert!(found.mismatches.iter().any(|one| one.contains("altered")), "{found:?}");
}

#[test]
fn prompts_of_all_types_end_in_the_thought() {
    let mut config = SelfPlayConfig::default();
    for profile in [PromptProfile::Compact, PromptProfile::Paper] {
        config.run.prompts = profile;
        let prompts = Prompts::new(&config, None).unwrap();
        let task = Task::Error(Triplet { output: "NoError".into(), ..Triplet::identity() });
        let solve = prompts.solve(&task);
        let propose = prompts.propose(
            TaskType::Error,
            ProposeContext::Composite(&[Triplet::identity()], &[Triplet::identity()]),
        );
        for text in [&solve, &propose] {
            assert!(text.ends_with("<think>") && text.matches("<think>").count() < 4, "{text}");
        }
        assert!(propose.contains("```error"), "{propose}");
        assert_eq!(propose.contains("raise"), profile == PromptProfile::Paper);
    }
}

/// The start of the hash of every kind of prompt as the reference's own functions made them from the same tasks.
#[test]
fn golden_prompts_of_the_reference_profile() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/prompts/reference-prompts.json");
    let Ok(json) = std::fs::read_to_string(path) else {
        support::skipped("no reference prompts at ../shared/data/prompts");
        return;
    };
    let make = |change: &dyn Fn(&mut SelfPlayConfig)| {
        let mut config = SelfPlayConfig::default();
        config.run.prompts = PromptProfile::Reference;
        config.proposer.banned_for_errors.clear();
        change(&mut config);
        Prompts::new(&config, Some(ReferenceTexts::from_json(&json).unwrap())).unwrap()
    };
    let prompts = make(&|_| {});
    let without_inputs = make(&|config| config.proposer.reject_test_inputs = true);
    let one = Triplet::identity();
    let error = Triplet { output: "NoError".into(), ..one.clone() };
    let function = Triplet { program: "def g_0(a):\n    return a".into(), ..one.clone() };
    let two = [one.clone(), one.clone()];
    let induction = InductionTask {
        shown: vec![Pair::new("1", "2"), Pair::new("'{x}'", "{}")],
        message: "adds {one}".into(),
        ..InductionTask::identity(2)
    };
    let propose = |task_type| prompts.propose(task_type, ProposeContext::References(&two));
    let composite = |task_type| {
        prompts.propose(task_type, ProposeContext::Composite(&two, std::slice::from_ref(&function)))
    };
    let seeding =
        |task_type| prompts.for_seeding_scripts().propose(task_type, ProposeContext::References(&two[..1]));
    let bare = |task_type| without_inputs.propose(task_type, ProposeContext::References(&[]));
    let (deduction, abduction) = (TaskType::Deduction, TaskType::Abduction);
    let found = [
        (propose(deduction), "412be11a11390506"),
        (composite(deduction), "895f47da470b16aa"),
        (seeding(deduction), "bff6cd83d1f183f0"),
        (bare(deduction), "9545228d4b9bc53a"),
        (propose(abduction), "02a1d8e8b4fade94"),
        (composite(abduction), "9c35b769d11fb457"),
        (seeding(abduction), "bb9c76ebd1b7096c"),
        (bare(abduction), "ce96c586de5b4115"),
        (prompts.propose(TaskType::Induction, ProposeContext::Program(&one.program)), "fe448eaf91f2df08"),
        (
            prompts.propose(TaskType::Error, ProposeContext::References(std::slice::from_ref(&error))),
            "30cf30f7eb887860",
        ),
        (prompts.solve(&Task::Deduction(one.clone())), "27dd4e34d1afeb8f"),
        (prompts.solve(&Task::Abduction(one)), "681441d79d965e9b"),
        (prompts.solve(&Task::Error(error)), "f343427a50c542a3"),
        (prompts.solve(&Task::Induction(induction)), "885c48fdf8aba021"),
    ];
    let wrong: Vec<usize> = (0..found.len())
        .filter(|&index| {
            let digest = Sha256::digest(found[index].0.as_bytes());
            let hash = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            !hash.starts_with(found[index].1)
        })
        .collect();
    let first = wrong.first().map_or("", |&index| found[index].0.as_str());
    assert!(wrong.is_empty(), "{wrong:?}, the first:\n{first}");
}
