"""The guest of the sandbox: loads one program, evaluates calls, reports outcomes as plain data.

Runs inside CPython compiled to WebAssembly. This module is executed once, while the component is built: what it
imports and warms lies in the snapshot that every instance starts from. Nothing here guards the host (the host does);
the patches below only turn what the host would refuse anyway into the errors a Python programmer expects.
"""

import wit_world

import builtins

# A function takes its builtins from here when it is made: what a program replaces in `builtins` does not reach it.
__builtins__ = dict(vars(builtins))

import _thread
import gc
import importlib.machinery
import io
import sys

# The standard library goes in without docstrings and assertions: they are a quarter of the snapshot. Programs keep theirs.
sys.dont_write_bytecode = True
importlib.machinery.SourceFileLoader.source_to_code = lambda _loader, data, path, **_options: compile(
    data, path, "exec", dont_inherit=True, optimize=2
)

# Modules a program may import, beside those they import themselves. Anything else is `missing_module`.
MODULES = """
__future__ _pylong _strptime abc argparse array ast asyncio atexit base64 binascii bisect builtins calendar cmath code codecs
collections collections.abc colorsys concurrent.futures concurrent.futures.thread configparser contextlib contextvars copy copyreg csv
dataclasses datetime decimal difflib dis encodings.ascii encodings.base64_codec encodings.cp1252 encodings.hex_codec encodings.idna
encodings.euc_jp encodings.gbk encodings.iso8859_1 encodings.latin_1 encodings.punycode encodings.raw_unicode_escape encodings.rot_13 encodings.shift_jis encodings.unicode_escape
encodings.utf_16 encodings.utf_16_be encodings.utf_16_le encodings.utf_32 encodings.utf_8_sig enum errno fnmatch fractions functools
gc getopt getpass glob graphlib gzip hashlib heapq hmac html html.entities html.parser importlib importlib.machinery importlib.resources importlib.util
inspect io ipaddress itertools json keyword linecache locale logging marshal math numbers opcode operator os os.path pathlib pickle
pkgutil platform posixpath pprint queue random re reprlib sched secrets select shlex shutil signal socket stat statistics string
string.templatelib struct subprocess symtable sys tempfile textwrap threading time timeit token tokenize traceback tracemalloc types
typing unicodedata unittest urllib urllib.parse uuid warnings weakref xml.etree.ElementTree zlib zoneinfo
""".split()
for _name in MODULES:
    __import__(_name)

import ast
import asyncio
import datetime
import decimal
import json
import os
import posix
import queue
import random
import re
import selectors
import socket
import subprocess
import textwrap
import threading
import time
import traceback
import types
import typing

import analysis

MESSAGE_CHARS = 1000
ROOM_BYTES = 12 << 20
# Hidden from the program's imports (a courtesy; a program that digs finds its guest, see the crate documentation).
_OWN_MODULES = frozenset(
    "analysis guest wit_world componentize_py_types componentize_py_runtime componentize_py_async_support poll_loop".split()
)


def _warm():
    """Fills lazily built tables, so that they lie in the snapshot instead of being rebuilt by every program."""
    re.compile(r"\d+(a|b)*").match("12ab")
    re.sub(r"[^a-z]+", " ", "Ab, c")
    datetime.datetime.strptime("2020-01-01", "%Y-%m-%d").strftime("%A %H")
    "{:,.2f}".format(1234.5), f"{3.14159:.2f}", repr(1.5), "%s %d" % ("a", 3)
    decimal.Decimal("1.1").sqrt()
    sorted({"a", "b"}), json.loads(json.dumps({"a": [1.5, None, "x"]})), textwrap.dedent("  a")
    typing.List[int], typing.Dict[str, int], typing.Optional[int], typing.Tuple[int, ...]
    ast.dump(ast.parse("def f(x):\n    return [i for i in x if i > 0]"))
    for codec in ("utf-8", "ascii", "latin-1", "utf-16", "utf-32", "cp1252", "unicode_escape"):
        "a".encode(codec)
    try:
        compile("def f(:", "<program>", "exec")
    except SyntaxError:
        traceback.format_exc()


def _denied(name, error=PermissionError):
    def denied(*_args, **_keywords):
        raise error(f"{name} is not available in the sandbox")

    denied.__name__ = denied.__qualname__ = name.rpartition(".")[2]
    return denied


def _deny():
    """Clean errors for what the host has not got: files, processes, sockets."""
    builtins.open = io.open = _denied("open")
    for name in (
        "access chdir chmod fork kill link listdir lstat makedirs mkdir open popen readlink remove removedirs rename renames "
        "replace rmdir scandir spawnv stat symlink system truncate unlink utime walk"
    ).split():
        setattr(os, name, _denied("os." + name))
    os._exit = posix._exit = lambda status=0: wit_world.leave(int(status))
    os.getcwd = posix.getcwd = lambda: "/"
    sys.monitoring.register_callback = _denied("sys.monitoring.register_callback")
    # The interpreter's own count began while this guest was built.
    time.process_time, time.process_time_ns = (lambda: time.monotonic()), (lambda: time.monotonic_ns())
    for module, names in ((_thread, "lock LockType allocate_lock allocate"), (threading, "Lock _allocate_lock")):
        for name in names.split():
            setattr(module, name, _Lock)
    queue.SimpleQueue = queue._PySimpleQueue
    for name in ("create_connection", "create_server", "getaddrinfo", "gethostbyname", "gethostname", "socketpair"):
        setattr(socket, name, _denied("socket." + name))
    # An event loop needs no sockets to run coroutines: it only ever waits for time.
    asyncio.SelectorEventLoop._make_self_pipe = asyncio.SelectorEventLoop._close_self_pipe = lambda _loop: None
    asyncio.SelectorEventLoop._write_to_self = lambda _loop: None
    selectors.DefaultSelector = _TimeSelector
    socket.socket = type("socket", (), {"__init__": _denied("socket.socket")})
    subprocess.Popen = type("Popen", (), {"__init__": _denied("subprocess.Popen")})
    # Only what is in the snapshot can be imported: no path is ever looked at.
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()
    finders = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    sys.meta_path[:] = [_OwnModules, *finders]


class _OwnModules:
    """The guest's own modules are none of the program's."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        if name in _OWN_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class _Lock:
    """A lock of an interpreter without threads: to wait for it for ever is to wait until the time is up."""

    __slots__ = ("__weakref__", "_held")

    def __init__(self):
        self._held = False

    def acquire(self, blocking=True, timeout=-1):
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if self._held:
            if not blocking:
                return False
            while timeout == -1:
                time.sleep(3600)
            time.sleep(timeout)
            return False
        self._held = True
        return True

    def release(self):
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self):
        return self._held

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_error):
        self.release()

    def _at_fork_reinit(self):
        self._held = False

    acquire_lock, release_lock, locked_lock = acquire, release, locked


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


_capture = _Capture()
_stdout = io.TextIOWrapper(io.BufferedWriter(_capture), encoding="utf-8", errors="backslashreplace", newline="\n")
_stderr = io.TextIOWrapper(io.BufferedWriter(_Discard()), encoding="utf-8", errors="backslashreplace", newline="\n")
_program = None
_namespace = {}
_missing_modules = True


def _plain(text, limit=None):
    """`text` as an exact `str` that UTF-8 can carry (a program may return subclasses and lone surrogates)."""
    text = str.__str__(text)
    if limit is not None:
        text = text[:limit]
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _outcome(kind, text="", exception="", number=0):
    try:
        _stdout.flush()
        printed = _capture.take()
    except BaseException:
        printed = ""
    # Not the generated class, which a program could change: only the fields are read.
    return types.SimpleNamespace(kind=kind, text=text, exception=exception, number=number, stdout=printed)


# Read past what a program's classes say of themselves.
_class_name = type.__dict__["__name__"].__get__
_exit_code = SystemExit.__dict__["code"].__get__


def _is(value, kind):
    """`isinstance`, but of the true class: `__class__` may lie."""
    return issubclass(type(value), kind)


def _failure(error):
    """The outcome of an exception that left the program."""
    cls = type(error)
    if _is(error, SystemExit):
        code = _exit_code(error)
        number = 0 if code is None else int.__index__(code) if _is(code, int) else 1
        return _outcome("exited", number=max(-(2**31), min(2**31 - 1, number)))
    if _is(error, MemoryError):
        return _outcome("out_of_memory")
    try:
        message = _plain(str(error), MESSAGE_CHARS)
    except BaseException:
        message = ""
    if cls is ModuleNotFoundError and _is(error.name, str):
        return _outcome("missing_module", _plain(error.name, MESSAGE_CHARS))
    return _outcome("raised", message, _plain(_class_name(cls), MESSAGE_CHARS))


def _syntax(error):
    """The outcome of text that does not compile; the parser reports depth as MemoryError or RecursionError."""
    if _is(error, SyntaxError):
        message, line = error.msg, error.lineno
        message, line = message if _is(message, str) else "", line if _is(line, int) else 0
    elif _is(error, (MemoryError, RecursionError)):
        message, line = "too deeply nested to compile", 0
    elif _is(error, (ValueError, OverflowError)):
        message, line = f"{_class_name(type(error))}: {error}", 0
    else:
        # Not the text's fault: a hook of the program.
        return _failure(error)
    return _outcome("syntax_error", _plain(message, MESSAGE_CHARS), number=max(0, int.__index__(line)))


def _run_module_level():
    global _namespace
    _namespace = {"__name__": "__main__", "__builtins__": builtins}
    exec(_program, _namespace)


class WitWorld(wit_world.WitWorld):
    def load(self, program, stdin, output_chars, recursion):
        global _program
        for name in _OWN_MODULES:
            sys.modules.pop(name, None)
        sys.argv = [""]
        if stdin:
            sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        _capture.limit = output_chars
        # The guest's own frames below the program are not the program's.
        sys.setrecursionlimit(recursion + 4)
        try:
            _program = compile(program, "<program>", "exec", dont_inherit=True)
        except BaseException as error:
            return _syntax(error)
        try:
            _run_module_level()
        except BaseException as error:
            return _failure(error)
        return _outcome("loaded")

    def evaluate(self, call, fresh_namespace):
        try:
            code = compile(call.strip(), "<call>", "eval", dont_inherit=True)
        except BaseException as error:
            return _syntax(error)
        try:
            if fresh_namespace:
                _run_module_level()
            text = repr(eval(code, _namespace))
            length = str.__len__(text)
            if length > _capture.limit:
                return _outcome("output_too_large", number=length)
            text = _plain(text)
        except BaseException as error:
            return _failure(error)
        return _outcome("value", text)

    def analyse(self, operation, payload):
        return analysis.analyse(operation, payload)

    def info(self):
        return json.dumps(
            {
                "python": sys.version.split()[0],
                "modules": sorted(sys.modules),
                "hash": hash("a"),
                "set_order": "".join(set("abcdefgh")),
                "random": random.random(),
                "address": id(object()),
                "time": time.time(),
            }
        )


def _drift():
    """Moves the heap's free slots by a random amount, so that the two start states also differ in addresses."""
    small = [object() for _ in range(os.urandom(1)[0])], [(None,) for _ in range(os.urandom(1)[0])]
    large = [bytes(4096 + 16 * os.urandom(1)[0])]
    return small, large, [bytes(size - 17) for size in range(32, 513, 16) for _ in range(os.urandom(1)[0] % 32)]


_warm()
_deny()
_ballast = _drift()
# Room on the heap for most programs: an instance whose memory grows cannot be used again. The pages are zero, so the
# component is no larger.
_room = bytearray(ROOM_BYTES)
del _room
sys.set_int_max_str_digits(0)
sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8")
sys.stdout = sys.__stdout__ = _stdout
sys.stderr = sys.__stderr__ = _stderr
gc.collect()
gc.freeze()
