//! Waits for a process to end, without looking again and again: a session whose editor is gone ends.
//!
//! Some editors quit without `exit`, or keep our standard input open through another child; the plain LSP crate
//! leaves an orphan then.

use std::time::Duration;

/// Where the system cannot tell by itself, we look this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Returns when the process has ended (at once where it does not exist).
pub async fn ended(process: u32) {
    let Some(pid) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) else { return };
    #[cfg(target_os = "linux")]
    if let Some(handle) = watched(pid) {
        let _ = handle.readable().await;
        return;
    }
    while is_alive(pid) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Becomes readable when the process ends.
#[cfg(target_os = "linux")]
fn watched(pid: rustix::process::Pid) -> Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that can change their descriptor; this one cannot"
    )]
    tokio::io::unix::AsyncFd::new(handle).ok()
}

fn is_alive(pid: rustix::process::Pid) -> bool {
    // A process of another user is alive too.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_seen() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let waiting = tokio::spawn(ended(child.id()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        child.kill().unwrap();
        child.wait().unwrap();
        tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_process_that_never_was_has_ended() {
        tokio::time::timeout(Duration::from_mins(1), ended(0)).await.unwrap();
    }
}
