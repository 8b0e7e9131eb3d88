//! Programs of every kind, hostile ones included, against the verdicts that the crate promises.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic is the failure; one test bounds wall time"
)]

#[path = "../../../tests/src/skip.rs"]
mod skip;

use azr_executor::check::SeedRow;
use azr_executor::{FUEL_PER_SECOND, Job, Limits, Sandbox, SandboxConfig, StartState, Verdict};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

fn config() -> SandboxConfig {
    SandboxConfig {
        cache_dir: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox")),
        ..Default::default()
    }
}

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::open(&config()).unwrap())
}

fn job(program: &str, calls: &[&str]) -> Job {
    Job::new(program, calls.iter().map(|call| (*call).to_owned()).collect(), Limits::seconds(0.05))
}

fn run(program: &str) -> Verdict {
    sandbox().run(&job(program, &["f(1)"])).calls.remove(0).verdict
}

fn value(text: &str) -> Verdict {
    Verdict::Value { text: text.into() }
}

fn raised(exception: &str, message: &str) -> Verdict {
    Verdict::Raised { exception: exception.into(), message: message.into() }
}

#[test]
fn each_kind_of_behaviour_has_its_verdict() {
    let cases = [
        ("def f(x): return x + 1", value("2")),
        ("def f(x): return {'a': (1.5, None, 'é')}", value("{'a': (1.5, None, 'é')}")),
        ("def f(x): return 1 / 0", raised("ZeroDivisionError", "division by zero")),
        ("raise KeyError('module level')", raised("KeyError", "'module level'")),
        ("def g(x): return 1", raised("NameError", "name 'f' is not defined")),
        ("def f(x): return f(x)", raised("RecursionError", "maximum recursion depth exceeded")),
        ("def f(x) return x", Verdict::SyntaxError { message: "expected ':'".into(), line: 1 }),
        (
            "def f(x):\n    return x\nf(",
            Verdict::SyntaxError { message: "'(' was never closed".into(), line: 3 },
        ),
        ("def f(x):\n    while True: pass", Verdict::Timeout),
        ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", Verdict::Timeout),
        ("def f(x): return 7 ** 7 ** 8", Verdict::Timeout),
        ("import re\ndef f(x): return re.match('(a+)+$', 'a' * 40 + 'b')", Verdict::Timeout),
        ("def f(x): raise MemoryError", Verdict::OutOfMemory),
        ("def f(x): return bytearray(10 ** 9)", Verdict::OutOfMemory),
        ("def f(x): return 'a' * 70000", Verdict::OutputTooLarge { length: 70_002 }),
        ("def f(x): raise SystemExit", Verdict::Exited { code: 0 }),
        ("import sys\ndef f(x): sys.exit(4)", Verdict::Exited { code: 4 }),
        ("import sys\ndef f(x): sys.exit('bye')", Verdict::Exited { code: 1 }),
        ("import os\ndef f(x): os._exit(3)", Verdict::Exited { code: 3 }),
        ("import os\ndef f(x): os.abort()", Verdict::Crashed),
        ("import numpy as np\ndef f(x): return x", Verdict::MissingModule { name: "numpy".into() }),
        ("def f(x):\n    from sympy import Symbol", Verdict::MissingModule { name: "sympy".into() }),
    ];
    let jobs: Vec<Job> = cases.iter().map(|(program, _)| job(program, &["f(1)"])).collect();
    for ((program, want), report) in cases.iter().zip(sandbox().run_all(&jobs)) {
        assert_eq!(report.calls[0].verdict, *want, "{program}");
    }
}

#[test]
fn what_the_machine_has_is_out_of_reach() {
    for (program, exception) in [
        ("def f(x): return open('/etc/passwd').read()", "PermissionError"),
        ("import io\ndef f(x): return io.FileIO('/etc/passwd').read()", "FileNotFoundError"),
        ("import _io\ndef f(x): return _io.open('/etc/passwd').read()", "FileNotFoundError"),
        ("import pathlib\ndef f(x): return pathlib.Path('a').write_text('b')", "PermissionError"),
        ("import os\ndef f(x): return os.listdir('/')", "PermissionError"),
        ("import posix\ndef f(x): return posix.listdir('/')", "FileNotFoundError"),
        ("import os\ndef f(x): return os.system('id')", "PermissionError"),
        ("import subprocess\ndef f(x): return subprocess.run(['id'])", "PermissionError"),
        ("import socket\ndef f(x): return socket.create_connection(('1.1.1.1', 80))", "PermissionError"),
        (
            "import _socket\ndef f(x): return _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)",
            "PermissionError",
        ),
        ("import threading\ndef f(x): threading.Thread(target=print).start()", "RuntimeError"),
        ("def f(x): return input()", "EOFError"),
    ] {
        let verdict = run(program);
        assert!(
            matches!(&verdict, Verdict::Raised { exception: name, .. } if name == exception),
            "{program}: {verdict:?}"
        );
    }
    assert_eq!(run("import os\ndef f(x): return dict(os.environ)"), value("{}"));
}

#[test]
fn hostile_depth_ends_in_a_verdict_and_never_in_an_abort() {
    let deep = "import sys\nsys.setrecursionlimit(10 ** 6)\n";
    for program in [
        format!("{deep}def f(x): return f(x)"),
        format!("def f(x): return {}1{}", "(".repeat(500), ")".repeat(500)),
        format!("def f(x): return {}", vec!["1"; 20_000].join(" + ")),
        format!("{deep}def f(x): return eval('[' * 100000)"),
        "import json\ndef f(x): return json.loads('[' * 100000)".into(),
        format!("{deep}def f(x):\n    a = []\n    for _ in range(100000): a = [a]\n    return a"),
        format!("{deep}class A:\n    def __repr__(self): return repr(self)\ndef f(x): return A()"),
    ] {
        let report = sandbox().run(&Job::new(program.as_str(), vec!["f(1)".into()], Limits::seconds(0.2)));
        let verdict = &report.calls[0].verdict;
        let ended = !matches!(verdict, Verdict::Value { .. } | Verdict::WallGuard);
        assert!(ended, "{}: {verdict:?}", &program[..60]);
        assert_eq!(run("def f(x): return x"), value("1"));
    }
}

#[test]
fn any_text_is_data() {
    assert!(matches!(run("def f(x): return 1\0"), Verdict::SyntaxError { .. }));
    assert_eq!(run("def f(x): return '\\ud800', '\\0'"), value("('\\ud800', '\\x00')"));
    assert_eq!(
        run("class A:\n    def __repr__(self): return '\\ud800'\ndef f(x): return A()"),
        value("\\ud800")
    );
    assert_eq!(run("def f(x): raise ValueError('\\udfff')"), raised("ValueError", "\\udfff"));
    assert_eq!(
        run("class E(Exception):\n    def __str__(self): return 1\ndef f(x): raise E"),
        raised("E", "")
    );
    assert_eq!(
        run("class S(str): pass\nclass A:\n    def __repr__(self): return S('s')\ndef f(x): return A()"),
        value("s")
    );
    let huge = format!("def f(x): return {}", "x + ".repeat(300_000));
    assert!(matches!(run(&huge), Verdict::SyntaxError { .. } | Verdict::Timeout | Verdict::OutOfMemory));
    let long = Limits { output_chars: 1 << 20, ..Limits::seconds(2.0) };
    let report = sandbox().run(&Job::new("def f(x): return 7 ** 6000", vec!["f(1)".into()], long));
    assert_eq!(report.calls[0].verdict.value().map(str::len), Some(5_071));
    let bad_call = sandbox().run(&job("def f(x): return x", &["f(", "f(1)"]));
    assert!(matches!(bad_call.calls[0].verdict, Verdict::SyntaxError { .. }));
    assert_eq!(bad_call.calls[1].verdict, value("1"));
    assert!(sandbox().run(&job("def f(x): return x", &[])).calls.is_empty());
}

#[test]
fn a_program_leaves_nothing_for_the_next() {
    let probe = "import sys, builtins, math, random\ndef f(x): return (hasattr(builtins, 'LEAK'), hasattr(math, 'LEAK'), \
                 'leak' in sys.modules, len([1]), sys.getrecursionlimit() > 900, random.random())";
    let before = run(probe);
    let poison = "import sys, builtins, math, random\nbuiltins.LEAK = math.LEAK = 1\nsys.modules['leak'] = sys\n\
                  random.seed(5)\nsys.setrecursionlimit(77)\nbuiltins.len = lambda x: 42\n";
    for ending in
        ["def f(x): return len([])", "def f(x):\n    while True: pass", "import os\ndef f(x): os.abort()"]
    {
        run(&format!("{poison}{ending}"));
        assert_eq!(run(probe), before);
    }
}

#[test]
fn fuel_is_exact_to_the_unit() {
    for program in [
        "def f(x): return x + 1",
        "def f(x): return sorted(set(str(i) for i in range(2000)))[:3]",
        "import time\ndef f(x):\n    time.sleep(0.01)\n    return time.time(), time.perf_counter(), id(object()), hash('a')",
    ] {
        let jobs = vec![job(program, &["f(1)", "f(2)"]); 5];
        let reports = sandbox().run_all(&jobs);
        assert!(reports.iter().all(|report| *report == reports[0]), "{program}");
        assert!(reports[0].calls.iter().all(|call| call.fuel > 0));
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let programs: Vec<Job> = (0..24)
        .map(|index| {
            job(
                &format!("def f(x): return [str(i) for i in set('abc' * {index})], {index} * x"),
                &["f(1)", "f('a')"],
            )
        })
        .collect();
    let one = Sandbox::open(&SandboxConfig { threads: Some(1), ..config() }).unwrap();
    let many = Sandbox::open(&SandboxConfig { threads: Some(7), ..config() }).unwrap();
    assert_eq!(one.run_all(&programs), many.run_all(&programs));
}

#[test]
fn a_timeout_spares_the_calls_around_it() {
    let program = "print('module')\ncalls = []\ndef f(x):\n    calls.append(x)\n    print(x)\n    while x == 2: pass\n    return calls";
    let report = sandbox().run(&job(program, &["f(1)", "f(2)", "f(3)", "f(4)"]));
    let verdicts: Vec<&Verdict> = report.calls.iter().map(|call| &call.verdict).collect();
    assert_eq!(verdicts, [&value("[1]"), &Verdict::Timeout, &value("[3]"), &value("[3, 4]")]);
    let printed: Vec<&str> = report.calls.iter().map(|call| call.stdout.as_str()).collect();
    assert_eq!(printed, ["module\n1\n", "", "module\n3\n", "4\n"]);
    assert_eq!(report.calls[1].fuel, job("", &[]).limits.fuel);
    let fresh = Job { fresh_namespace: true, ..job(program, &["f(1)", "f(3)"]) };
    assert_eq!(sandbox().run(&fresh).calls[1].verdict, value("[3]"));
}

#[test]
fn output_is_cut() {
    let limits = Limits { output_chars: 10, ..Limits::seconds(0.5) };
    let report = sandbox().run(&Job::new(
        "def f(x):\n    print('é' * 10 ** 6)\n    return 'a' * 7",
        vec!["f(1)".into()],
        limits,
    ));
    assert_eq!(report.calls[0].stdout, "é".repeat(10));
    assert_eq!(report.calls[0].verdict, value("'aaaaaaa'"));
}

#[test]
fn sleeping_costs_fuel_and_no_time() {
    let begun = Instant::now();
    let limits = Limits::seconds(100.0);
    let program = "import time\ndef f(x):\n    start = time.time()\n    time.sleep(60)\n    return round(time.time() - start)";
    let report = sandbox().run(&Job::new(program, vec!["f(1)".into()], limits));
    assert_eq!(report.calls[0].verdict, value("60"));
    assert!(report.calls[0].fuel >= 60 * FUEL_PER_SECOND);
    assert!(matches!(run("import time\ndef f(x): time.sleep(10 ** 6)"), Verdict::Timeout));
    assert_eq!(
        run(
            "import asyncio\nasync def g():\n    await asyncio.sleep(0.01)\n    return 4\ndef f(x): return asyncio.run(g())"
        ),
        value("4")
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_wall_guard_ends_what_runs_too_long() {
    let impatient =
        Sandbox::open(&SandboxConfig { guard: Some(Duration::from_secs(2)), ..config() }).unwrap();
    let program = "def f(x):\n    while x == 1: pass\n    return x";
    let report =
        impatient.run(&Job::new(program, vec!["f(1)".into(), "f(2)".into()], Limits::seconds(1_000.0)));
    assert_eq!(report.calls[0].verdict, Verdict::WallGuard);
    assert_eq!(report.calls[1].verdict, value("2"));
}

#[test]
fn the_two_start_states_differ_where_python_promises_nothing() {
    let program = "import random, time\ndef f(x): return x\ndef order(): return list(set('abcdefghijklmnop'))\n\
                   def elapsed():\n    start = time.time()\n    sum(range(10 ** 5))\n    return time.time() - start";
    let calls = [
        "order()",
        "hash('a')",
        "random.random()",
        "time.time()",
        "elapsed()",
        "object()",
        "__import__('os').urandom(4)",
    ];
    let reports = sandbox().run_twice_all(&[job(program, &calls)]);
    for call in &reports[0].calls {
        assert_eq!(call.verdict, Verdict::Nondeterministic, "{}", call.call);
    }
}

#[test]
fn what_is_equal_in_both_start_states_is_kept_as_the_first_wrote_it() {
    let program = "def f(x): return set('abcdefgh')";
    let calls = [
        "f(1)",
        "{c: 1 for c in f(1)}",
        "sorted(f(1))",
        "float('nan')",
        "1 / 0",
        "__import__('collections').Counter('abca')",
    ];
    let twice = sandbox().run_twice_all(&[job(program, &calls)]);
    assert_eq!(twice[0], sandbox().run(&job(program, &calls)));
    assert!(twice[0].calls.iter().all(|call| call.verdict != Verdict::Nondeterministic));
    let second = sandbox().run(&Job { start: StartState::Second, ..job(program, &calls) });
    assert_ne!(second.calls[0].verdict, twice[0].calls[0].verdict);
}

#[test]
fn equality_is_pythons_and_cannot_be_forged() {
    let always = "type('A', (), {'__eq__': lambda a, b: True, '__repr__': lambda a: 'A'})()";
    let cases = [
        ("1", "1.0", true),
        ("dict(a=1)", "{'a': 1}", true),
        ("[i * i for i in range(3)]", "[0, 1, 4]", true),
        ("float('inf')", "inf", true),
        ("Counter('ab')", "Counter({'b': 1, 'a': 1})", true),
        ("deque([1, 2])", "deque([1,2])", true),
        ("deque([1, 2])", "[1, 2]", false),
        ("007", "7", false),
        ("undefined", "undefined", false),
        ("object()", "object()", false),
        ("1) == (1", "1", false),
        (always, "1", false),
    ];
    let pairs: Vec<(String, String)> =
        cases.iter().map(|(left, right, _)| ((*left).into(), (*right).into())).collect();
    let equal = sandbox().equal_all(&pairs, "from collections import Counter, deque");
    for ((left, right, want), got) in cases.iter().zip(equal) {
        assert_eq!(got, *want, "{left} == {right}");
    }
}

#[test]
fn a_program_that_attacks_its_guest_can_only_lie_about_itself() {
    let forged = "import gc\nfor o in gc.get_objects():\n    if getattr(o, '__name__', '') == 'Outcome' and isinstance(o, type):\n        \
                  o.__init__ = lambda self, *a: None\ndef f(x): return x";
    let untouched =
        "import sys\ndef f(x): return [m for m in sys.modules if m in ('guest', 'wit_world', 'analysis')]";
    let reports = sandbox().run_all(&[job(forged, &["f(1)"]), job(untouched, &["f(1)"])]);
    assert!(matches!(reports[0].calls[0].verdict, Verdict::Value { .. } | Verdict::Crashed));
    assert_eq!(reports[1].calls[0].verdict, value("[]"));
    // Lengths and kinds that the guest could be made to report are checked again by the host.
    let long = "import sys\nframe = sys._getframe()\nwhile frame:\n    frame.f_globals.get('_capture') and setattr(frame.f_globals['_capture'], 'limit', 10 ** 9)\n    \
                frame = frame.f_back\ndef f(x): return 'a' * 100000";
    assert_eq!(run(long), Verdict::OutputTooLarge { length: 100_002 });
}

/// The rows that the reference published with its code: real model-written programs.
#[test]
fn golden_seed_rows_agree_with_their_records() {
    let Some(files) = seed_files() else { return };
    let (mut total, mut agree) = (0, 0);
    for rows in files {
        let report = azr_executor::check::check(sandbox(), &rows);
        total += report.total;
        agree += report.agree;
        assert!(report.disagree.iter().all(|row| row.reason != "another value"), "{:?}", report.disagree);
    }
    assert_eq!(total, 512);
    assert!(agree >= 499, "{agree} of {total} agree");
}

/// The published rows of `data/azr-seeds`; none where the folder is not there.
fn seed_files() -> Option<Vec<Vec<SeedRow>>> {
    use std::io::Read;
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/azr-seeds"));
    let mut files = Vec::new();
    for file in ["7b_coder_seed_io.jsonl.gz", "3b_coder_seed_io.jsonl.gz"] {
        let Ok(compressed) = std::fs::File::open(folder.join(file)) else {
            skip::skipped(&format!("no seed rows at {}", folder.join(file).display()));
            return None;
        };
        let mut text = String::new();
        flate2::read::GzDecoder::new(compressed).read_to_string(&mut text).unwrap();
        files.push(azr_executor::check::parse_rows(&text).unwrap());
    }
    Some(files)
}

/// Every recorded program, in new instances and in used ones: the reports must agree in every byte and unit of fuel.
#[test]
fn an_instance_put_back_is_as_good_as_a_new_one() {
    let Some(files) = seed_files() else { return };
    let jobs: Vec<Job> = files
        .iter()
        .flatten()
        .map(|row| {
            let program = format!("{}\n{}", row.imports.join("\n"), row.snippet);
            let call = format!("f({})", row.input);
            let limits = Limits { output_chars: 10_000, ..Limits::seconds(0.1) };
            Job::new(program, vec![call.clone(), call, "sorted(globals())".into()], limits)
        })
        .collect();
    let new = Sandbox::open(&SandboxConfig { reuse: false, ..config() }).unwrap();
    let expected = new.run_all(&jobs);
    // Twice, and the second time backwards: what ran before must not matter.
    let forwards = sandbox().run_all(&jobs);
    let mut backwards = sandbox().run_all(&jobs.iter().rev().cloned().collect::<Vec<_>>());
    backwards.reverse();
    for (row, ((expected, first), second)) in expected.iter().zip(&forwards).zip(&backwards).enumerate() {
        assert!(expected == first && expected == second, "row {row}: {expected:?}\n{first:?}\n{second:?}");
    }
}

#[test]
fn a_script_reads_its_input_and_prints() {
    let program = "import sys\nn = int(input())\nprint(sum(int(line) for line in sys.stdin), n)";
    let run = |stdin: &str| {
        let mut report = sandbox().run(&Job::script(program, stdin, Limits::seconds(0.05)));
        let call = report.calls.remove(0);
        (call.verdict, call.stdout)
    };
    assert_eq!(run("2\n20\n22\n"), (value("None"), "42 2\n".to_owned()));
    assert_eq!(
        run("é"),
        (raised("ValueError", "invalid literal for int() with base 10: 'é'"), String::new())
    );
    assert_eq!(run(""), (raised("EOFError", "EOF when reading a line"), String::new()));
}

#[test]
fn any_recursion_limit_is_a_limit() {
    let run = |recursion: u32| {
        let mut job = job("def f(x): return x + 1", &["f(1)"]);
        job.limits.recursion = recursion;
        sandbox().run(&job).calls.remove(0).verdict
    };
    assert_eq!(run(u32::MAX), value("2"));
    assert_eq!(run(100), value("2"));
    assert_eq!(run(0), run(0));
}

/// The tests of instances that are put back would compare new ones with new ones if this failed.
#[test]
#[cfg(target_os = "linux")]
fn instances_are_put_back() {
    let one = Sandbox::open(&SandboxConfig { threads: Some(1), ..config() }).unwrap();
    let jobs: Vec<Job> = (0..10).map(|n| job(&format!("def f(x): return x + {n}"), &["f(1)"])).collect();
    one.run_all(&jobs);
    // The first finds the one that was made when the sandbox was opened.
    assert_eq!(one.reused(), 10);
    let never = Sandbox::open(&SandboxConfig { reuse: false, ..config() }).unwrap();
    never.run_all(&jobs);
    assert_eq!(never.reused(), 0);
}
