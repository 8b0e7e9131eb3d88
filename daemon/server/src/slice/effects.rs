//! What must not be run in an editor's name: code that touches files, processes, the network or the user.
//!
//! The sandbox would stop all of it; the point is to say so instead of showing the error of a missing file.

use super::module::Item;

/// Modules whose purpose lies outside the program.
const MODULES: [&str; 36] = [
    "aiohttp",
    "asyncio",
    "concurrent",
    "ctypes",
    "fileinput",
    "ftplib",
    "getpass",
    "glob",
    "http",
    "httpx",
    "imaplib",
    "mmap",
    "multiprocessing",
    "os",
    "pathlib",
    "paramiko",
    "poplib",
    "psycopg2",
    "pymongo",
    "readline",
    "redis",
    "requests",
    "select",
    "selectors",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "urllib",
];
/// Parts of those modules that only compute.
const HARMLESS: [&str; 2] = ["os.path", "urllib.parse"];
/// Functions of Python that reach outside.
const CALLS: [&str; 3] = ["breakpoint", "input", "open"];

/// What an item touches, if anything.
pub(super) fn of(item: &Item) -> Option<String> {
    for module in &item.modules {
        if module.starts_with('.') {
            return Some(format!("another module of the package (`{module}`)"));
        }
        let first = module.split('.').next().unwrap_or(module);
        let harmless = HARMLESS.iter().any(|name| module == name || module.starts_with(&format!("{name}.")));
        if MODULES.contains(&first) && !harmless {
            return Some(format!("the module `{module}`"));
        }
    }
    let called = CALLS.iter().find(|name| item.uses.contains(**name) && !item.binds.contains(**name));
    called.map(|name| format!("`{name}`"))
}
