//! The attack suite, in instances that are put back to the start state and in new ones.

#![allow(clippy::unwrap_used, reason = "a panic is the failure")]

use azr_executor::{Job, Limits, Sandbox, SandboxConfig, attack};
use std::path::PathBuf;

fn config(reuse: bool) -> SandboxConfig {
    let cache_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sandbox");
    // With one thread a canary gets the very instance of the attack before it, if that was put back.
    SandboxConfig { cache_dir: Some(cache_dir), reuse, threads: Some(1), ..Default::default() }
}

/// Runs the suite and shows every failure at once.
fn withstand(reuse: bool) {
    let report = attack::run(|| Sandbox::open(&config(reuse))).unwrap();
    assert!(report.total >= 200, "{} programs", report.total);
    let failures: Vec<String> = report
        .failures
        .iter()
        .map(|failure| {
            format!("{} {}\n  want {}\n  got  {}", failure.category, failure.name, failure.want, failure.got)
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), report.total, failures.join("\n"));
    assert_eq!(report.as_expected, report.total);
}

#[test]
fn instances_that_are_used_again_withstand_every_attack() {
    withstand(true);
}

#[test]
fn new_instances_withstand_every_attack() {
    withstand(false);
}

/// A canary that notices nothing would prove nothing.
#[test]
fn the_canary_notices_what_an_attack_leaves() {
    let canary = include_str!("../attacks/canary.py");
    // Without what every line of a program moves: addresses and times.
    let calls = vec!["{k: v for k, v in facts().items() if k not in ('addresses', 'time')}".to_owned()];
    let job = |poison: &str| Job::new(format!("{poison}\n{canary}"), calls.clone(), Limits::seconds(1.0));
    let sandbox = Sandbox::open(&config(true)).unwrap();
    let untouched = sandbox.run(&job("")).calls.remove(0).verdict;
    assert!(untouched.value().is_some(), "{untouched:?}");
    assert_eq!(sandbox.run(&job("harmless = 1")).calls.remove(0).verdict, untouched);
    for poison in [
        "__import__('builtins').LEAK = 1",
        "__import__('sys').modules['leak'] = __import__('types').ModuleType('leak')",
        "__import__('random').random()",
        "__import__('os').urandom(1)",
        "__import__('decimal').getcontext().prec = 3",
        "__import__('decimal').DefaultContext.prec = 3",
        "__import__('sys').setrecursionlimit(999)",
        "__import__('gc').callbacks.append(print)",
        "__import__('gc').set_threshold(5)",
        "__import__('json').leak = 1",
        "__import__('os').environ['LEAK'] = 'a'",
        "__import__('posix').putenv(b'LEAK', b'a'); __import__('os').reload_environ()",
        "__import__('codecs').register(lambda name: __import__('codecs').lookup('ascii'))",
        "__import__('re').compile('a leak')",
        "__import__('signal').signal(2, __import__('signal').SIG_IGN)",
        "__import__('collections').abc.Sequence.register(int)",
        "[d for d in __import__('gc').get_referents(int.__dict__) if type(d) is dict][0]['__add__'] = lambda a, b: 5",
    ] {
        let noticed = sandbox.run(&job(poison)).calls.remove(0).verdict;
        assert_ne!(noticed, untouched, "{poison}");
    }
}
