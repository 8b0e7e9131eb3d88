"""The warm interpreter of the process backend: forks a supervisor for every job, which forks the locked-down child that runs it.

The warm interpreter never runs a program, and never reads one: when a job comes it forks before it reads a byte, so that no job
finds in its memory what an earlier one left there, or less room because of it. It is single-threaded, without capabilities,
in a root that holds what programs may read and nothing else, behind landlock, and without a network. The supervisor reads the
job, reports how the child ended, and ends. A child closes everything but its result pipe, takes its limits and the seccomp
filter, and only then touches the program. What comes through the result pipe is the program's claim: the supervisor counts its
lines and bytes and hands them on unread.

Frames, both ways, on the socket that is standard input: two little-endian 32-bit lengths, a JSON header, a body.
"""

import ast
import asyncio
import builtins
import collections
import ctypes
import dataclasses
import datetime
import decimal
import fractions
import functools
import gc
import heapq
import importlib
import io
import itertools
import json
import math
import os
import random
import re
import resource
import select
import selectors
import signal
import statistics
import string
import struct
import sys
import textwrap
import time
import traceback
import types
import typing

MESSAGE_CHARS = 1000
FRAMES_OF_A_REPORT = 200
RESULTS = 3
CONTROL = os.dup(0)
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 22, 2
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 0x40000, 2
# Numbers that all architectures share, for what the C library has no function for.
MOUNT_SETATTR, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 442, 445, 446
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
LANDLOCK_RULE_PATH_BENEATH, LANDLOCK_READ_FILE, LANDLOCK_READ_DIR = 1, 4, 8
OUT_OF_MEMORY = b'{"kind":"out_of_memory","text":"","exception":"","number":0,"stdout":"","nanoseconds":0}\n'


# ---- the warm interpreter and the supervisor ----


def _read(length):
    data = bytearray()
    while len(data) < length:
        chunk = os.read(CONTROL, min(length - len(data), 1 << 20))
        if not chunk:
            os._exit(1)
        data += chunk
    return bytes(data)


def _receive():
    lengths = struct.unpack("<II", _read(8))
    return json.loads(_read(lengths[0])), _read(lengths[1])


def _send(header, body=b""):
    header = json.dumps(header).encode()
    _write(CONTROL, struct.pack("<II", len(header), len(body)) + header + body)


def _write(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _ask(what, result):
    """`result` of a call to the kernel, without which this backend is not what it promises."""
    if result < 0:
        sys.exit(f"the kernel lacks: {what} ({os.strerror(ctypes.get_errno())})")


def _write_file(path, text):
    with open(path, "w") as file:
        file.write(text)


class _Root:
    """A file system in memory, over the working folder, with files of the machine's under their own names."""

    def __init__(self):
        self.at = os.getcwd()
        self.placed, self.bound = {"/"}, set()
        _ask("mounts that nobody else sees", LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
        _ask("file systems in memory", LIBC.mount(b"none", self.at.encode(), b"tmpfs", 0, b"mode=0755,size=1m"))

    def place(self, path, bind=True):
        """Makes `path` lead where it leads outside: folders as folders, links as links, the end mounted if `bind`."""
        here, names = "/", [name for name in path.split("/") if name]
        for index, name in enumerate(names):
            if here in self.bound:
                return
            here = os.path.join(here, name)
            inside, last = self.at + here, index + 1 == len(names)
            if os.path.islink(here):
                target = os.readlink(here)
                if here not in self.placed:
                    self.placed.add(here)
                    os.symlink(target, inside)
                    self.place(os.path.normpath(os.path.join(os.path.dirname(here), target, *names[index + 1 :])), bind)
                return
            if here not in self.placed:
                self.placed.add(here)
                if os.path.isdir(here):
                    os.mkdir(inside)
                else:
                    _write_file(inside, "")
            if last and bind and here not in self.bound:
                self.bound.add(here)
                _ask("bind mounts", LIBC.mount(os.fsencode(here), os.fsencode(inside), None, MS_BIND | MS_REC, None))

    def enter(self):
        """Leaves the machine's files for good, and makes these read-only."""
        os.mkdir(self.at + "/empty")
        attributes = struct.pack("<4Q", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
        os.chdir(self.at)
        sealed = LIBC.syscall(MOUNT_SETATTR, AT_FDCWD, b".", AT_RECURSIVE, attributes, len(attributes))
        _ask("read-only mounts", sealed)
        # The old root comes to lie over the new one, and is taken away.
        _ask("a root of its own", LIBC.pivot_root(b".", b"."))
        _ask("a root of its own", LIBC.umount2(b".", MNT_DETACH))
        os.chdir("/empty")


def _give_up_rights(files, folders):
    """Own session, no descriptors from outside, no network, no files but `files` and what leads to them, no capabilities."""
    os.setsid()
    os.closerange(3, CONTROL)
    os.closerange(CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    user, group = os.geteuid(), os.getegid()
    spaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    _ask("name spaces that users can make", LIBC.unshare(spaces))
    _write_file("/proc/self/setgroups", "deny")
    _write_file("/proc/self/uid_map", f"{user} {user} 1")
    _write_file("/proc/self/gid_map", f"{group} {group} 1")
    nowhere = os.open("/dev/null", os.O_WRONLY)
    root = _Root()
    for path in files:
        root.place(path)
    for path in folders:
        root.place(path, bind=False)
    root.enter()
    _restrict_files(1)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _ask("dropping of capabilities", LIBC.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)())))


def _restrict_files(rules):
    """Puts on the `rules` of landlock, with one exception: what is in this root may be read."""
    top = os.open("/", os.O_PATH | os.O_DIRECTORY)
    exception = struct.pack("<Qi", LANDLOCK_READ_FILE | LANDLOCK_READ_DIR, top)
    added = LIBC.syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_RULE_PATH_BENEATH, exception, 0)
    os.close(top)
    _ask("landlock", added)
    _ask("landlock", LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _ask("landlock", LIBC.syscall(LANDLOCK_RESTRICT_SELF, rules, 0))


def _warm(config):
    """Imports what programs may import beside the standard library, and fixes what would differ from start to start."""
    own = [path for path in sys.path if path]
    sys.path[:] = own + config["sites"]
    packages = {}
    for name in config["packages"]:
        package = importlib.import_module(name)
        packages[name] = str(getattr(package, "__version__", "?"))
    if "numpy" in packages:
        for part in ("fft", "linalg", "random"):
            importlib.import_module("numpy." + part)
        sys.modules["numpy.random"].seed(config["seed"])
    # Only the packages asked for: their parts are found through the packages themselves.
    sys.path[:] = own
    os.environ.clear()
    _prepare()
    return packages


def _cpu_seconds(pid):
    return time.clock_gettime((~pid << 3) | 2)


def _supervise(pid, handle, results, limits):
    """Collects a child's lines until it ends, is done or exceeds a limit. Returns (why it is stopped, what it wrote)."""
    kept, lines = bytearray(), 0
    cpu_start, wall_start = 0.0, time.monotonic()
    poller = select.poll()
    poller.register(CONTROL, 0)
    poller.register(handle, select.POLLIN)
    poller.register(results, select.POLLIN)
    while True:
        cpu = limits["cpu_seconds"] - (_cpu_seconds(pid) - cpu_start)
        wall = limits["wall_seconds"] - (time.monotonic() - wall_start)
        if min(cpu, wall) <= 0:
            return "timeout", kept
        # `poll` counts milliseconds in 32 bits.
        events = dict(poller.poll(max(1, math.ceil(min(cpu, wall, 3600) * 1000))))
        if CONTROL in events:
            return "abandoned", kept
        ended = handle in events
        while results in events:
            # A dead child's pipe is read to its end, a living one's as far as it goes now.
            chunk = os.read(results, 1 << 16)
            if not chunk:
                poller.unregister(results)
                break
            kept += chunk
            more = chunk.count(b"\n")
            lines += more
            if len(kept) > limits["bytes"]:
                return "flood", kept[: limits["bytes"]]
            if lines >= limits["lines"]:
                return "done", kept
            # The first line says that the program is loaded: loading and the first call share one budget.
            if more and lines > 1:
                cpu_start, wall_start = _cpu_seconds(pid), time.monotonic()
            if not ended:
                break
        if ended:
            return "ended", kept


def _serve_one():
    """Waits for a job and lets a supervisor run it; ends when that failed or nobody is there to ask for more."""
    poller = select.poll()
    poller.register(CONTROL, select.POLLIN)
    poller.poll()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _die_with(parent)
            _run_job(*_receive())
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        os._exit(1)


def _die_with(parent):
    if LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0 or os.getppid() != parent:
        raise OSError("the parent is gone")


def _run_job(limits, body):
    parent = os.getpid()
    results, child_results = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _child(parent, child_results, limits, body)
        finally:
            os.abort()
    os.close(child_results)
    handle = os.pidfd_open(pid)
    try:
        why, kept = _supervise(pid, handle, results, limits)
    finally:
        # The child cannot make processes, so its group is itself; both are named in case it did not come that far.
        for kill in (os.kill, os.killpg):
            try:
                kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _, status, usage = os.wait4(pid, 0)
        os.close(handle)
        os.close(results)
    if why == "abandoned":
        os._exit(1)
    header = {
        "why": why,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "cpu_nanoseconds": int((usage.ru_utime + usage.ru_stime) * 1e9),
        "memory_bytes": usage.ru_maxrss * 1024,
    }
    _send(header, bytes(kept))


# ---- the child ----


def _child(parent, results, limits, body):
    os.dup2(results, RESULTS)
    try:
        _lock_down(parent, limits)
    except BaseException as error:
        line = {"kind": "setup", "text": f"{type(error).__name__}: {error}"}
        _write(RESULTS, json.dumps(line).encode() + b"\n")
        return
    # The module draws a new state after every fork.
    random.seed(_config["seed"])
    _Program(json.loads(body)).run()
    os._exit(0)


def _lock_down(parent, limits):
    os.setsid()
    empty, writer = os.pipe()
    os.close(writer)
    os.dup2(empty, 0)
    os.dup2(1, 2)
    os.closerange(RESULTS + 1, 1024)
    for name, value in {
        "AS": limits["address_space"],
        "CPU": limits["cpu_seconds_in_all"],
        "FSIZE": 0,
        "NPROC": 0,
        "NOFILE": 32,
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }.items():
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
    _die_with(parent)
    # Last: from here on prctl is refused as well.
    if LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(_FILTER), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses the seccomp filter")


class _SockFprog(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


class _TimeSelector(selectors.SelectSelector):
    """The selector of an event loop that has no files: waiting is sleeping."""

    def select(self, timeout=None):
        if timeout is not None and timeout > 0:
            time.sleep(timeout)
        return []


class _Capture(io.RawIOBase):
    """What a program prints: the first `limit` characters of UTF-8 are kept (four bytes each at most)."""

    def __init__(self):
        self.kept, self.limit = bytearray(), 0

    def writable(self):
        return True

    def write(self, data):
        room = 4 * self.limit - len(self.kept)
        if room > 0:
            self.kept += bytes(data[:room])
        return len(data)

    def take(self):
        text = self.kept.decode("utf-8", "replace")[: self.limit]
        self.kept = bytearray()
        return text


class _Discard(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        return len(data)


_CAPTURE = _Capture()
_STDOUT = io.TextIOWrapper(io.BufferedWriter(_CAPTURE), encoding="utf-8", errors="backslashreplace", newline="\n")


def _prepare():
    """What every child finds done already."""
    # An event loop needs no sockets to run coroutines: it only ever waits for time.
    loop = asyncio.SelectorEventLoop
    loop._make_self_pipe = loop._close_self_pipe = lambda _loop: None
    loop._write_to_self = lambda _loop: None
    selectors.DefaultSelector = _TimeSelector
    sys.argv[:] = [""]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8")
    sys.stdout = sys.__stdout__ = _STDOUT
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.BufferedWriter(_Discard()), encoding="utf-8", errors="backslashreplace", newline="\n"
    )
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)


def _plain(text, limit=None):
    """`text` as an exact `str` that UTF-8 can carry (a program may return subclasses and lone surrogates)."""
    text = str.__str__(text)
    if limit is not None:
        text = text[:limit]
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _failure(error):
    """The outcome of an exception that left the program: (kind, text, exception, number)."""
    cls = type(error)
    if isinstance(error, SystemExit):
        code = error.code
        number = 0 if code is None else int(code) if isinstance(code, int) else 1
        return "exited", "", "", max(-(2**31), min(2**31 - 1, number))
    if isinstance(error, MemoryError):
        return "out_of_memory", "", "", 0
    try:
        message = _plain(str(error), MESSAGE_CHARS)
    except BaseException:
        message = ""
    if cls is ModuleNotFoundError and isinstance(error.name, str):
        return "missing_module", _plain(error.name, MESSAGE_CHARS), "", 0
    return "raised", message, _plain(cls.__name__, MESSAGE_CHARS), 0


def _syntax(error):
    """The outcome of text that does not compile; the parser reports depth as MemoryError or RecursionError."""
    if isinstance(error, SyntaxError):
        message, line = error.msg, error.lineno or 0
    elif isinstance(error, (MemoryError, RecursionError)):
        message, line = "too deeply nested to compile", 0
    else:
        message, line = f"{type(error).__name__}: {error}", 0
    return "syntax_error", _plain(message, MESSAGE_CHARS), "", max(0, line)


_recursion_limit, _set_recursion_limit = sys.getrecursionlimit, sys.setrecursionlimit


class _Program:
    """One job: the program's module level, then its calls, a line for each."""

    def __init__(self, job):
        self.job, self.code, self.namespace = job, None, {}
        self.spent = 0

    def run(self):
        _CAPTURE.limit = self.job["output_chars"]
        # The frames below the program are not the program's.
        _set_recursion_limit(min(self.job["recursion"] + 9, 2**31 - 1))
        if self.job["stdin"]:
            sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(self.job["stdin"].encode()), encoding="utf-8")
        outcome = self.load()
        self.emit(outcome)
        if outcome[0] == "loaded":
            for index, call in enumerate(self.job["calls"]):
                # The module level has just run for the first call.
                self.emit(self.evaluate(call, self.job["fresh_namespace"] and index > 0))

    def emit(self, outcome):
        # A program may leave too few frames for its own report.
        limit = _recursion_limit()
        _set_recursion_limit(max(limit, FRAMES_OF_A_REPORT))
        try:
            spent = time.process_time_ns()
            try:
                _STDOUT.flush()
                printed = _CAPTURE.take()
            except MemoryError:
                raise
            except BaseException:
                printed = ""
            names = ("kind", "text", "exception", "number", "stdout", "nanoseconds")
            line = dict(zip(names, (*outcome, printed, spent - self.spent)))
            self.spent = spent
            data = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        except MemoryError:
            data = OUT_OF_MEMORY
        _write(RESULTS, data)
        _set_recursion_limit(limit)

    def run_module_level(self):
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        self.namespace = main.__dict__
        self.namespace["__builtins__"] = builtins
        exec(self.code, self.namespace)

    def load(self):
        try:
            self.code = compile(self.job["program"], "<program>", "exec", dont_inherit=True)
        except BaseException as error:
            return _syntax(error)
        try:
            self.run_module_level()
        except BaseException as error:
            return _failure(error)
        return "loaded", "", "", 0

    def evaluate(self, call, fresh_namespace):
        try:
            code = compile(call.strip(), "<call>", "eval", dont_inherit=True)
        except BaseException as error:
            return _syntax(error)
        try:
            if fresh_namespace:
                self.run_module_level()
            text = repr(eval(code, self.namespace))
            if len(text) > _CAPTURE.limit:
                return "output_too_large", "", "", len(text)
            return "value", _plain(text), "", 0
        except BaseException as error:
            return _failure(error)


_config, _instructions = _receive()
_BUFFER = ctypes.create_string_buffer(_instructions, len(_instructions))
_FILTER = _SockFprog(len(_instructions) // 8, ctypes.addressof(_BUFFER))
_give_up_rights(_config["files"], _config["folders"])
_packages = _warm(_config)
gc.collect()
gc.freeze()
_send({"packages": _packages})
while True:
    _serve_one()
