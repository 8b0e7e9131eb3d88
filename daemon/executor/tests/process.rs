//! The process backend against programs of every kind, hostile ones included. Skips, saying why, where the
//! machine has no `python3` or lacks landlock, seccomp or user name spaces.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic is the failure; ends of processes are waited for"
)]

use azr_executor::{
    Backend, FUEL_PER_SECOND, Job, Limits, ProcessBackend, ProcessConfig, ProcessError, Verdict,
};
use skip::skipped;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

#[path = "../../../tests/src/skip.rs"]
mod skip;

fn backend() -> Option<&'static ProcessBackend> {
    static BACKEND: OnceLock<Result<ProcessBackend, ProcessError>> = OnceLock::new();
    match BACKEND.get_or_init(|| ProcessBackend::open(&ProcessConfig::default())) {
        Ok(backend) => Some(backend),
        Err(error @ (ProcessError::Unsupported(_) | ProcessError::Interpreter { .. })) => {
            skipped(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn job(program: &str, calls: &[&str], seconds: f64) -> Job {
    Job::new(program, calls.iter().map(|call| (*call).to_owned()).collect(), Limits::seconds(seconds))
}

/// Little memory, so that using it up takes no time.
fn limited(program: &str) -> Job {
    Job { limits: Limits { memory_bytes: 128 << 20, ..Limits::seconds(5.0) }, ..job(program, &["f(1)"], 5.0) }
}

fn run(backend: &ProcessBackend, program: &str, seconds: f64) -> Verdict {
    backend.run_all(&[job(program, &["f(1)"], seconds)]).remove(0).calls.remove(0).verdict
}

fn value(text: &str) -> Verdict {
    Verdict::Value { text: text.into() }
}

/// What a program learns when it tries `action`: the class of the exception.
fn attempt(backend: &ProcessBackend, setup: &str, action: &str) -> String {
    let program = format!(
        "{setup}\ndef f(x):\n    try:\n        {action}\n    except Exception as error:\n        return type(error).__name__\n    return 'done'"
    );
    match run(backend, &program, 5.0) {
        Verdict::Value { text } => text.trim_matches('\'').to_owned(),
        other => other.name().to_owned(),
    }
}

/// Processes of jobs: forks of the warm interpreter keep its command line. Supervisors are its children; a program that
/// outlives its supervisor is one of the first process.
fn programs_of(zygote: u32) -> Vec<u32> {
    let is_program = |pid: &u32| {
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let (command, stat) = (read("cmdline"), read("stat"));
        let (command, stat) = (String::from_utf8_lossy(&command), String::from_utf8_lossy(&stat));
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        command.contains("The warm interpreter of the process backend")
            && (parent == Some(zygote) || parent == Some(1))
    };
    let names = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).filter(is_program).collect()
}

fn within_a_minute(mut happens: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !happens() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn each_kind_of_behaviour_has_its_verdict() {
    let Some(backend) = backend() else { return };
    let raised = |exception: &str, message: &str| Verdict::Raised {
        exception: exception.into(),
        message: message.into(),
    };
    let cases = [
        ("def f(x): return x + 1", value("2")),
        ("def f(x): return {'a': (1.5, None, 'é')}", value("{'a': (1.5, None, 'é')}")),
        ("def f(x): return '\\ud800'", value("'\\\\ud800'".replace("\\\\", "\\").as_str())),
        ("def f(x): return 1 / 0", raised("ZeroDivisionError", "division by zero")),
        ("raise KeyError('module level')", raised("KeyError", "'module level'")),
        ("def f(x): return f(x)", raised("RecursionError", "maximum recursion depth exceeded")),
        (
            "def f(x):\n    return x\nx = = 1",
            Verdict::SyntaxError { message: "invalid syntax".into(), line: 3 },
        ),
        ("def f(x): return bytearray(10 ** 10)", Verdict::OutOfMemory),
        ("def f(x):\n    a = []\n    while True: a.append(' ' * 10 ** 6)", Verdict::OutOfMemory),
        ("def f(x): return 'a' * 70000", Verdict::OutputTooLarge { length: 70_002 }),
        ("import sys\ndef f(x): sys.exit(4)", Verdict::Exited { code: 4 }),
        ("import os\ndef f(x): os._exit(3)", Verdict::Exited { code: 3 }),
        ("import os\nos._exit(0)", Verdict::Exited { code: 0 }),
        ("import os\ndef f(x): os.abort()", Verdict::Crashed),
        ("import ctypes\ndef f(x): ctypes.string_at(8)", Verdict::Crashed),
        (
            "import no_such_module\ndef f(x): return x",
            Verdict::MissingModule { name: "no_such_module".into() },
        ),
        ("import sys\ndef f(x): return sys.stdin.read(), input", value("('', <built-in function input>)")),
        ("def f(x): return input()", raised("EOFError", "EOF when reading a line")),
        (
            "import os\ndef f(x): return os.read(0, 10), dict(os.environ), os.environb.get(b'PATH')",
            value("(b'', {}, None)"),
        ),
        (
            "import asyncio\nasync def g(): await asyncio.sleep(0.01); return 5\ndef f(x): return asyncio.run(g())",
            value("5"),
        ),
        (
            "import dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int\ndef f(x): return A(x)",
            value("A(x=1)"),
        ),
        (
            "import hashlib, sqlite3, decimal\ndef f(x): return hashlib.md5(b'a').hexdigest()[:4]",
            value("'0cc1'"),
        ),
    ];
    let jobs: Vec<Job> = cases.iter().map(|(program, _)| limited(program)).collect();
    for ((program, want), report) in cases.iter().zip(backend.run_all(&jobs)) {
        assert_eq!(report.guest, backend.identity());
        assert_eq!(report.calls[0].verdict, *want, "{program}");
    }
}

#[test]
fn what_takes_too_long_is_a_timeout() {
    let Some(backend) = backend() else { return };
    for program in [
        "def f(x):\n    while True: pass",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import time\ndef f(x): time.sleep(1000)",
        "import re\ndef f(x): return re.match('(a+)+$', 'a' * 40 + 'b')",
        "def f(x): return 7 ** 7 ** 9",
    ] {
        assert_eq!(run(backend, program, 0.1), Verdict::Timeout, "{program}");
    }
}

#[test]
fn the_report_names_the_interpreter() {
    let Some(backend) = backend() else { return };
    assert!(backend.identity().starts_with("process:3."), "{}", backend.identity());
}

#[test]
fn files_are_out_of_reach() {
    let Some(backend) = backend() else { return };
    let mine = tempfile::NamedTempFile::new().unwrap();
    let absent = |path: &str| format!("open({path:?}).read()");
    let hidden =
        ["/etc/passwd", "/proc/self/environ", "/dev/urandom", "/sys/kernel", mine.path().to_str().unwrap()];
    for action in hidden.map(absent) {
        assert_eq!(attempt(backend, "", &action), "FileNotFoundError", "{action}");
    }
    let names = format!("import os\ndef f(x): return [os.path.lexists(path) for path in {hidden:?}]");
    assert_eq!(run(backend, &names, 5.0), value("[False, False, False, False, False]"));
    for (setup, action) in [
        ("", format!("open({:?}, 'w')", mine.path())),
        ("", "open('/tmp/azr-process-test', 'w')".to_owned()),
        ("", "open('/dev/shm/azr-process-test', 'w')".to_owned()),
        ("", "open('here', 'w')".to_owned()),
        ("", "open('/dev/null', 'w')".to_owned()),
        ("import os", "os.open(os.__file__, os.O_RDONLY | os.O_TRUNC)".to_owned()),
        ("import os", format!("os.unlink({:?})", mine.path())),
        ("import os", "os.unlink(os.__file__)".to_owned()),
        ("import os", "os.mkdir('/tmp/azr-process-test')".to_owned()),
        ("import os", "os.symlink('/etc/passwd', '/tmp/azr-process-test')".to_owned()),
        ("import os", "os.chmod(os.__file__, 0o777)".to_owned()),
        ("import os", "os.truncate(os.__file__, 0)".to_owned()),
        ("import os", "os.utime(os.__file__)".to_owned()),
        ("import os", "os.chdir('/')".to_owned()),
        ("import os", "os.chroot('/')".to_owned()),
        ("import os", "os.memfd_create('a')".to_owned()),
        ("import os", "open(os.__file__, 'a')".to_owned()),
    ] {
        assert_eq!(attempt(backend, setup, &action), "PermissionError", "{action}");
    }
    for path in ["/tmp/azr-process-test", "/dev/shm/azr-process-test"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
}

/// Every file that a program can reach belongs to the interpreter, its libraries or the packages asked for.
#[test]
fn the_root_holds_the_interpreter_and_nothing_else() {
    let Some(backend) = backend() else { return };
    let walk = "
import os
def f(x):
    own = os.path.realpath(os.path.dirname(os.__file__)) + os.sep
    strangers = []
    for folder, _, names in os.walk('/'):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.realpath(path).startswith(own) and '.so' not in name and '-packages' not in folder:
                strangers.append(path)
    return strangers[:9], os.listdir('.'), os.getcwd()
";
    let found = run(backend, walk, 10.0);
    let allowed = [value("(['/etc/ld.so.cache'], [], '/empty')"), value("([], [], '/empty')")];
    assert!(allowed.contains(&found), "{found:?}");
}

#[test]
fn the_network_and_other_processes_are_out_of_reach() {
    let Some(backend) = backend() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let libc = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\ndef call(*a):\n    if libc.syscall(*a) < 0: raise OSError(ctypes.get_errno(), '')";
    for (setup, action) in [
        (
            "import socket",
            format!("socket.socket().connect({:?})", ("127.0.0.1", listener.local_addr().unwrap().port())),
        ),
        ("import socket", "socket.socketpair()".to_owned()),
        ("import socket", "socket.socket(socket.AF_UNIX)".to_owned()),
        ("import os", "os.fork()".to_owned()),
        ("import os", "os.execv('/bin/sh', ['sh'])".to_owned()),
        ("import sys, os", "os.execv(sys.executable, ['python'])".to_owned()),
        ("import subprocess", "subprocess.run(['true'])".to_owned()),
        ("import os", "os.posix_spawn('/bin/true', ['true'], {})".to_owned()),
        ("import os", "os.kill(os.getppid(), 9)".to_owned()),
        ("import os", "os.kill(-1, 9)".to_owned()),
        ("import os", "os.killpg(0, 9)".to_owned()),
        ("import os, signal", "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)".to_owned()),
        (libc, "call(101, 16, os.getppid(), 0, 0)".to_owned()),
        (libc, "call(101, 0, 0, 0, 0)".to_owned()),
        (libc, "call(310, os.getppid(), 0, 0, 0, 0, 0)".to_owned()),
        (libc, "call(157, 38, 0, 0, 0, 0)".to_owned()),
        (libc, "call(425, 8, 0)".to_owned()),
        (libc, "call(272, 0x10000000)".to_owned()),
        (libc, "call(435, 0, 0)".to_owned()),
        (libc, "call(0x40000000 | 39)".to_owned()),
        ("import os", "os.setsid()".to_owned()),
        ("import os", "os.setuid(0)".to_owned()),
        ("import os", "os.nice(-1)".to_owned()),
        ("import fcntl, os", "fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())".to_owned()),
    ] {
        if cfg!(target_arch = "x86_64") || setup != libc {
            assert_eq!(attempt(backend, setup, &action), "PermissionError", "{action}");
        }
    }
    // Python turns the refusal into errors of its own here.
    let thread = attempt(backend, "import threading", "threading.Thread(target=print).start()");
    assert_eq!(thread, "RuntimeError");
    let limit = "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))";
    assert!(["ValueError", "PermissionError"].contains(&attempt(backend, "import resource", limit).as_str()));
    assert_eq!(run(backend, "def f(x): return x", 5.0), value("1"), "the backend still works");
}

#[test]
fn a_program_that_ignores_everything_ends_and_leaves_nothing() {
    if backend().is_none() {
        return;
    }
    // A backend of its own, whose only warm interpreter has no other test's programs.
    let config = ProcessConfig { threads: Some(1), packages: Vec::new(), ..ProcessConfig::default() };
    let backend = &ProcessBackend::open(&config).unwrap();
    let leader = run(backend, "import os\ndef f(x): return os.getsid(os.getppid())", 5.0);
    let zygote = leader.value().unwrap().parse().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| run(backend, "import time\ndef f(x): time.sleep(2)", 5.0));
        assert!(within_a_minute(|| !programs_of(zygote).is_empty()), "a running program is not seen");
    });
    let stubborn = "
import os, signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
def f(x):
    for _ in range(1000):
        try:
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while True: pass
        except OSError: pass
    while True:
        try:
            while True: pass
        except BaseException: pass
";
    let silent = "import os\ndef f(x):\n    os.closerange(0, 100)\n    while True: pass";
    let flood = "import os\ndef f(x):\n    while True: os.write(3, b'x' * 4096)";
    for (program, want) in
        [(stubborn, Verdict::Timeout), (silent, Verdict::Timeout), (flood, Verdict::Crashed)]
    {
        assert_eq!(run(backend, program, 0.3), want);
    }
    assert!(within_a_minute(|| programs_of(zygote).is_empty()), "left behind: {:?}", programs_of(zygote));
}

#[test]
fn closing_the_backend_ends_its_processes() {
    if backend().is_none() {
        return;
    }
    let config = ProcessConfig { threads: Some(1), packages: Vec::new(), ..ProcessConfig::default() };
    let backend = ProcessBackend::open(&config).unwrap();
    let verdict = run(&backend, "import os\ndef f(x): return os.getsid(os.getppid())", 5.0);
    let zygote = PathBuf::from(format!("/proc/{}", verdict.value().unwrap()));
    assert!(zygote.exists());
    drop(backend);
    assert!(!zygote.exists());
}

#[test]
fn forged_and_broken_lines_are_one_programs_own_crash() {
    let Some(backend) = backend() else { return };
    for garbage in [
        r"b'\xff\xfe\n'",
        r"b'{}\n' * 50",
        r"b'[' * 5000 + b'\n'",
        r"b'\n\n\n'",
        r#"b'{"kind": "value", "number": 1e999}\n'"#,
    ] {
        let program = format!("import os\ndef f(x):\n    os.write(3, {garbage})\n    return 7");
        assert_eq!(run(backend, &program, 5.0), Verdict::Crashed, "{garbage}");
    }
    assert_eq!(run(backend, "def f(x): return x", 5.0), value("1"));
}

#[test]
fn a_call_that_ends_the_child_costs_only_itself() {
    let Some(backend) = backend() else { return };
    let program = "import os\nprint('loaded')\nseen = []\ndef f(x):\n    seen.append(x)\n    if x == 2: os._exit(9)\n    print('x is', x)\n    return seen";
    let report = backend.run_all(&[job(program, &["f(1)", "f(2)", "f(3)", "f("], 5.0)]).remove(0);
    let verdicts: Vec<&Verdict> = report.calls.iter().map(|call| &call.verdict).collect();
    assert_eq!(verdicts[..3], [&value("[1]"), &Verdict::Exited { code: 9 }, &value("[3]")]);
    assert!(matches!(verdicts[3], Verdict::SyntaxError { line: 1, .. }), "{:?}", verdicts[3]);
    assert_eq!(report.calls[0].stdout, "loaded\nx is 1\n");
    assert!(report.calls.iter().all(|call| call.fuel < FUEL_PER_SECOND));
    assert!(report.calls[0].memory_bytes > 1 << 20);
    let again = Job {
        fresh_namespace: true,
        ..job("n = [0]\ndef f():\n    n[0] += 1\n    return n[0]", &["f()", "f()"], 5.0)
    };
    assert_eq!(backend.run_all(&[again]).remove(0).calls[1].verdict, value("1"));
}

#[test]
fn nothing_survives_from_program_to_program() {
    let Some(backend) = backend() else { return };
    let poison = "import builtins, random, sys, math\nbuiltins.len = lambda x: 42\nrandom.seed(9)\nmath.pi = 3\nsys.modules['json'] = None\ndef f(x): return len('')";
    assert_eq!(run(backend, poison, 5.0), value("42"));
    let clean = "import random, math, json\ndef f(x): return len('abc'), math.pi > 3, random.random(), list({'a', 'b', 'c', 'd'})";
    let first = run(backend, clean, 5.0);
    assert!(first.value().unwrap().starts_with("(3, True, "), "{first:?}");
    assert_eq!(run(backend, clean, 5.0), first);
}

/// The program looks through its heap for the text of the job before: the warm interpreter never had it.
#[test]
fn no_text_of_a_job_is_left_for_the_next_one() {
    if backend().is_none() {
        return;
    }
    let config = ProcessConfig { threads: Some(1), packages: Vec::new(), ..ProcessConfig::default() };
    let backend = &ProcessBackend::open(&config).unwrap();
    let search = "
import ctypes, os, re
libc = ctypes.CDLL(None)
libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_void_p, [ctypes.c_long]
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
def f(x):
    end = start = libc.sbrk(0) // 4096 * 4096
    out, into = os.pipe()
    while libc.write(into, start - 4096, 4096) == 4096:
        os.read(out, 4096)
        start -= 4096
    heap = ctypes.string_at(start, end - start)
    return len(heap) > 500_000, re.search(b'remains of a jo[b], and of it[s]', heap) is not None
";
    // The same search sees what is its own.
    let own = format!("kept = 'remains of a job, and of its text. ' * 100\n{search}");
    assert_eq!(run(backend, &own, 5.0), value("(True, True)"));
    for size in [60, 600, 1_500] {
        let secret = format!(
            "secret = '{}'\ndef f(x): return secret",
            "remains of a job, and of its text. ".repeat(size)
        );
        assert!(run(backend, &secret, 5.0).value().is_some());
        assert_eq!(run(backend, search, 5.0), value("(True, False)"));
    }
}

/// A long job before it takes no room from a job at its limit.
#[test]
fn the_memory_of_a_job_does_not_depend_on_the_jobs_before() {
    if backend().is_none() {
        return;
    }
    let config = ProcessConfig { threads: Some(1), packages: Vec::new(), ..ProcessConfig::default() };
    let backend = &ProcessBackend::open(&config).unwrap();
    let most = "
def f(x):
    blocks = []
    try:
        while True: blocks.append(bytes(1 << 16))
    except MemoryError:
        return len(blocks)
";
    let limited = Job {
        limits: Limits { memory_bytes: 64 << 20, ..Limits::seconds(5.0) },
        ..job(most, &["f(1)"], 5.0)
    };
    let blocks = || -> u64 {
        let report = backend.run_all(std::slice::from_ref(&limited)).remove(0);
        report.calls[0].verdict.value().unwrap().parse().unwrap()
    };
    let before = blocks();
    let long = format!("text = '{}'\ndef f(x): return 1", "x".repeat(20 << 20));
    assert_eq!(run(backend, &long, 5.0), value("1"));
    let after = blocks();
    assert!(before > 500 && after.abs_diff(before) < 16, "{before} and {after} blocks");
}

#[test]
fn the_two_start_states_tell_what_is_not_deterministic() {
    let Some(backend) = backend() else { return };
    let calls =
        ["1 + 1", "random.random()", "list({'a', 'b', 'c', 'd', 'e', 'f'})", "{'b', 'a'}", "object()"];
    let report = backend.run_twice_all(&[job("import random", &calls, 5.0)]).remove(0);
    let names: Vec<&str> = report.calls.iter().map(|call| call.verdict.name()).collect();
    assert_eq!(names, ["value", "nondeterministic", "nondeterministic", "value", "nondeterministic"]);
}

#[test]
fn many_jobs_keep_their_order() {
    let Some(backend) = backend() else { return };
    let jobs: Vec<Job> =
        (0..200).map(|index| job("def f(x): return x * x", &[&format!("f({index})")], 2.0)).collect();
    for (index, report) in backend.run_all(&jobs).iter().enumerate() {
        assert_eq!(report.calls[0].verdict, value(&(index * index).to_string()));
    }
}

#[test]
fn programs_use_numpy_where_it_is_installed() {
    let Some(backend) = backend() else { return };
    if !backend.identity().contains("numpy:") {
        assert_eq!(run(backend, "import numpy", 5.0), Verdict::MissingModule { name: "numpy".into() });
        skipped(&format!("{} has no numpy", backend.identity()));
        return;
    }
    let program = "import numpy as np\ndef f(x): return (np.arange(6).reshape(2, 3) @ np.ones((3, 1))).tolist(), float(np.linalg.det(np.eye(3))), np.random.rand(1)";
    let first = run(backend, program, 5.0);
    assert!(first.value().unwrap().starts_with("([[3.0], [12.0]], 1.0, array("), "{first:?}");
    assert_eq!(run(backend, program, 5.0), first);
    let lazy = "import numpy.polynomial, numpy.ma\ndef f(x): return int(numpy.ma.array([1, 2]).sum())";
    assert_eq!(run(backend, lazy, 5.0), value("3"));
    let huge = "import numpy as np\ndef f(x): return np.zeros(10 ** 9)";
    assert_eq!(run(backend, huge, 5.0), Verdict::OutOfMemory);
}

#[test]
fn an_interpreter_that_cannot_serve_is_refused_with_a_reason() {
    if backend().is_none() {
        return;
    }
    for (python, want) in
        [("/nowhere/python3", "does not start"), ("true", "did not answer"), ("false", "ended with")]
    {
        let config = ProcessConfig { python: python.into(), ..ProcessConfig::default() };
        match ProcessBackend::open(&config) {
            Err(error @ ProcessError::Interpreter { .. }) => {
                assert!(error.to_string().contains(want), "{error}");
            }
            other => panic!("{python}: {other:?}"),
        }
    }
}

/// What `Job` can hold is not always what the kernel or Python takes.
#[test]
fn limits_at_the_ends_of_their_ranges_are_limits() {
    let Some(backend) = backend() else { return };
    let usual = Limits::seconds(5.0);
    for limits in [
        Limits { recursion: u32::MAX, ..usual.clone() },
        Limits { recursion: 0, ..usual.clone() },
        Limits { fuel: u64::MAX, ..usual.clone() },
        Limits { memory_bytes: u64::MAX, ..usual.clone() },
        Limits { memory_bytes: i64::MAX as u64, ..usual.clone() },
        Limits { output_chars: u32::MAX, ..usual.clone() },
    ] {
        let job = Job { limits: limits.clone(), ..job("n = 41", &["n + 1", "n"], 5.0) };
        let verdicts: Vec<Verdict> =
            backend.run_all(&[job]).remove(0).calls.into_iter().map(|call| call.verdict).collect();
        assert_eq!(verdicts, [value("42"), value("41")], "{limits:?}");
    }
}

#[test]
fn a_program_that_leaves_no_frames_still_reports() {
    let Some(backend) = backend() else { return };
    let program = "import sys\ndef f(x):\n    for limit in range(1, 100):\n        try:\n            sys.setrecursionlimit(limit)\n            return x\n        except RecursionError:\n            pass";
    assert_eq!(run(backend, program, 5.0), value("1"));
}
