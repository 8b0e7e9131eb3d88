//! The two filters of the kernel: landlock for files (and network, where it can), seccomp for system calls.

use super::ProcessError;
use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

fn unsupported(error: impl std::fmt::Display) -> ProcessError {
    ProcessError::Unsupported(error.to_string())
}

/// Landlock's rules before anything is allowed: no file, no TCP, no abstract socket. The warm interpreter allows itself to
/// read what is in its root, and puts them on for good (`zygote.py`).
pub(super) fn files() -> Result<OwnedFd, ProcessError> {
    // Files are the promise; what younger kernels add to it is taken where it is.
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .map_err(|error| unsupported(format!("landlock: {error}")))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V4)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V6)))
        .and_then(Ruleset::create)
        .map_err(|error| unsupported(format!("landlock: {error}")))?;
    Option::from(ruleset).ok_or_else(|| unsupported("landlock does not take effect"))
}

/// System calls that compute, allocate, read what landlock lets through, wait, and look at the process
/// itself.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getitimer,
    libc::SYS_getpgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_setitimer,
    libc::SYS_sigaltstack,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Older names that only this architecture has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[libc::c_long] = &[
    libc::SYS_access,
    libc::SYS_alarm,
    libc::SYS_dup2,
    libc::SYS_getdents,
    libc::SYS_getpgrp,
    libc::SYS_lstat,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[libc::c_long] = &[];

/// The system calls a job may make, as instructions of the kernel's filter machine. Everything else is
/// `EPERM`; system calls of another architecture (32-bit ones) end the process.
pub(super) fn system_calls() -> Result<Vec<u8>, ProcessError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(ALLOWED_HERE).map(|&call| (call, Vec::new())).collect();
    // For reading alone. Landlock says the same, but before Linux 6.2 lets a file that may be read be cut to
    // nothing.
    rules.insert(libc::SYS_openat, reading(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, reading(1)?);
    // Not F_SETOWN or F_SETPIPE_SZ, which aim signals at others and lock memory.
    let descriptor =
        [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_GETFL, libc::F_SETFD, libc::F_SETFL];
    rules.insert(libc::SYS_fcntl, one_of(1, &descriptor.map(|command| command as u64))?);
    let terminal = [libc::TCGETS, libc::TIOCGWINSZ, libc::FIONREAD, libc::FIOCLEX, libc::FIONCLEX];
    rules.insert(libc::SYS_ioctl, one_of(1, &terminal)?);
    // Reading a limit, not setting one, and of no other process.
    let limits = vec![equal(0, SeccompCmpArgLen::Dword, 0)?, equal(2, SeccompCmpArgLen::Qword, 0)?];
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(limits).map_err(unsupported)?]);
    let machine = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| unsupported(format!("no seccomp filter for {}", std::env::consts::ARCH)))?;
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, machine).map_err(unsupported)?;
    let program: BpfProgram = filter.try_into().map_err(unsupported)?;
    let bytes = |step: &seccompiler::sock_filter| {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&step.code.to_ne_bytes());
        (bytes[2], bytes[3]) = (step.jt, step.jf);
        bytes[4..].copy_from_slice(&step.k.to_ne_bytes());
        bytes
    };
    Ok(program.iter().flat_map(bytes).collect())
}

/// Neither writing nor making nor cutting, by the flags that are this argument.
fn reading(argument: u8) -> Result<Vec<SeccompRule>, ProcessError> {
    let writing = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64;
    let length = SeccompCmpArgLen::Dword;
    let condition =
        SeccompCondition::new(argument, length, SeccompCmpOp::MaskedEq(writing), 0).map_err(unsupported)?;
    Ok(vec![SeccompRule::new(vec![condition]).map_err(unsupported)?])
}

fn one_of(argument: u8, values: &[u64]) -> Result<Vec<SeccompRule>, ProcessError> {
    let rule = |&value: &u64| {
        let condition = equal(argument, SeccompCmpArgLen::Dword, value)?;
        SeccompRule::new(vec![condition]).map_err(unsupported)
    };
    values.iter().map(rule).collect()
}

fn equal(argument: u8, length: SeccompCmpArgLen, value: u64) -> Result<SeccompCondition, ProcessError> {
    SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value).map_err(unsupported)
}
