//! The help texts and the configuration printed by `--dry-run`, as snapshots.

use azr_tests::Fixture;

#[test]
fn help_lists_the_commands() {
    let fixture = Fixture::new();
    insta::assert_snapshot!(fixture.azr(&["--help"]).expect_code(0).stdout);
}

#[test]
fn every_command_has_help() {
    let fixture = Fixture::new();
    for command in [
        "reproduce",
        "train",
        "ablate",
        "replay",
        "export",
        "eval",
        "score",
        "explain",
        "report",
        "dashboard",
        "compare",
        "sandbox",
        "pretrain",
        "model",
        "doctor",
    ] {
        let text = fixture.azr(&[command, "--help"]).expect_code(0).stdout;
        insta::assert_snapshot!(format!("help-{command}"), text);
    }
}

#[test]
fn the_published_configuration_is_printed_whole() {
    let fixture = Fixture::new();
    insta::assert_snapshot!(fixture.azr(&["train", "qwen2.5-7b-coder", "--dry-run"]).expect_code(0).stdout);
}

#[test]
fn usage_errors_have_exit_code_2() {
    let fixture = Fixture::new();
    let finished = fixture.azr(&["reprodce", "tiny"]).expect_code(2);
    assert!(finished.stderr.contains("reproduce"), "{}", finished.stderr);
    fixture.azr(&["eval"]).expect_code(2);
    fixture.azr(&["eval", "tiny", "--limit", "many"]).expect_code(2);
}

#[test]
fn a_closed_pipe_is_success() {
    let fixture = Fixture::new();
    let command = fixture.command(&["train", "tiny", "--dry-run"]);
    let script =
        format!("set -o pipefail; {} train tiny --dry-run | true", command.get_program().to_string_lossy());
    let status = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(fixture.path())
        .status()
        .unwrap();
    assert!(status.success());
}
