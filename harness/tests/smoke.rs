//! The program starts. This test also makes `cargo test --workspace` build the program for the end-to-end
//! tests of the crate `azr-tests`, which cannot ask cargo for it.

use std::process::Command;

#[test]
fn the_program_says_its_version() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_azr")).arg("--version").output().expect("the program starts");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("azr {}\n", env!("CARGO_PKG_VERSION")));
}
