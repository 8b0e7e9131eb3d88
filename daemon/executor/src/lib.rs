//! Runs untrusted Python: CPython compiled to WebAssembly, a fresh state for every program.
//!
//! The reference implementation runs programs in worker processes of the host's own Python, which isolates neither the
//! host nor one program from the next. Here every job starts from the same snapshot of an interpreter, is limited by
//! fuel instead of time, and ends in a [`Verdict`]. The same program gives the same verdict, text and fuel on every
//! machine, under every load and with any number of threads.
//!
//! What the sandbox covers:
//! * The host: no file, process, socket, environment variable, clock or entropy of the machine can be reached, memory,
//!   output and stack are bounded, and no host function blocks.
//! * The next program: it finds the start state, in an instance that is new or was put back to it (docs/adr/0009).
//! * Time: fuel counts instructions, copied bytes and virtual sleep. A guard on the thread's processor time (20 times the
//!   nominal limit, at least 30 s) is the only use of a clock that can reach a verdict, and is named `wall_guard`. Other
//!   work on the machine does not bring it nearer.
//!
//! What it does not cover:
//! * A program's report about itself. A program shares memory with the code that reports for it and can forge its values,
//!   so whoever judges compares on the host or in another instance ([`Sandbox::equal_all`]), never in the program's own.
//! * Differences from other Pythons. The guest is CPython 3.14 with 32-bit pointers: `sys.maxsize` is 2^31-1, `hash` has 32
//!   bits, `sys.getsizeof` differs, sums of floats are more exact than before 3.12. Expected outputs therefore come
//!   from this sandbox, never from another Python. The standard library carries no docstrings, and there are no threads (a
//!   lock is a Python object, and shows in its `repr`). What the benchmarks and the seeds import is there; `missing_module` are
//!   numpy, sympy and everything else outside the standard library, and of that: bz2, ctypes, curses, dbm, lzma, mmap,
//!   multiprocessing, readline, sqlite3, ssl, tarfile, zipfile; email, http, urllib.request, xmlrpc, wsgiref and the other clients and
//!   servers of protocols; bdb, cProfile, doctest, pdb, profile, pstats, pydoc, trace, unittest.mock; cmd, fileinput, filecmp, optparse,
//!   plistlib, shelve, tomllib, wave, webbrowser, xml.dom; tkinter and turtle; and what belongs to one system (fcntl, grp, pwd,
//!   resource, syslog, termios, winreg). The stack is bounded: freeing some
//!   200,000 tuples one inside the other is `stack_exhausted`, and more than about 140 brackets one inside the other (elsewhere
//!   200) are a `syntax_error` without a line. What goes to the descriptors below `sys.stdout` (`os.write(1, ...)`)
//!   vanishes, as it does for the graders that replace `sys.stdout`. `open`, the file functions of `os`, processes
//!   and sockets say `PermissionError`. What is under them (`posix`, `_io`, `io.FileIO`, `tempfile`) says `FileNotFoundError`, and
//!   what the platform has not got (`os.execv`, `os.pipe`, `signal.alarm`) `AttributeError`, `OSError` or `RuntimeError`: as little
//!   comes of it.
//! * Nondeterminism that both start states share by chance: of two runs that draw from two values, half agree. Values are
//!   compared, what is printed and the text of exceptions are not. Addresses in a `repr` are recognised.

pub mod analysis;
pub mod attack;
mod backend;
pub mod build;
mod cache;
pub mod check;
pub mod collection;
mod engine;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guest;
mod instance;
mod job;
pub mod literal;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(not(target_os = "linux"))]
#[path = "memory_elsewhere.rs"]
mod memory;
mod pool;
mod process;
mod sandbox;
pub mod stable;
mod start;
mod ticker;
mod verdict;
mod wasi;
#[cfg(target_os = "linux")]
mod written;

pub use backend::Backend;
pub use guest::{Manifest, manifest};
pub use job::{CallReport, FUEL_PER_SECOND, Job, Limits, Report, StartState};
pub use process::{ProcessBackend, ProcessConfig, ProcessError};
pub use sandbox::{Progress, Sandbox, SandboxConfig, SandboxError};
pub use verdict::Verdict;
