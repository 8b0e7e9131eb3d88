"""The guest of the sandbox: loads one program, evaluates calls, reports outcomes as plain data.

Runs inside CPython compiled to WebAssembly. This module is executed once, while the component is built: what it
imports and warms lies in the snapshot that every instance starts from. Nothing here guards the host (the host does);
the patches below only turn what the host would refuse anyway into the errors a Python programmer expects.
"""

import wit_world

import builtins
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
dataclasses datetime decimal difflib dis encodings.ascii encodings.base64_codec encodings.cp1252 encodings.hex_codec
encodings.iso8859_1 encodings.latin_1 encodings.punycode encodings.raw_unicode_escape encodings.rot_13 encodings.unicode_escape
encodings.utf_16 encodings.utf_16_be encodings.utf_16_le encodings.utf_32 encodings.utf_8_sig enum errno fnmatch fractions functools
gc getopt getpass glob graphlib gzip hashlib heapq hmac html html.entities html.parser importlib importlib.machinery importlib.util
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
import random
import re
import selectors
import socket
import subprocess
import textwrap
import time
import traceback
import typing

import analysis

MESSAGE_CHARS = 1000
# Hidden from the program's imports (a courtesy; a program that digs finds its guest, see the crate documentation).
_OWN_MODULES = "analysis guest wit_world componentize_py_types componentize_py_runtime componentize_py_async_support poll_loop".split()


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
        "access chdir chmod fork getcwd kill link listdir lstat makedirs mkdir open popen readlink remove removedirs rename renames "
        "replace rmdir scandir spawnv stat symlink system truncate unlink utime walk"
    ).split():
        setattr(os, name, _denied("os." + name))
    os._exit = lambda status=0: wit_world.leave(int(status))
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
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    sys.argv[:] = [""]


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
    return wit_world.Outcome(kind, text, exception, number, printed)


def _failure(error):
    """The outcome of an exception that left the program."""
    cls = type(error)
    if isinstance(error, SystemExit):
        code = error.code
        number = 0 if code is None else int(code) if isinstance(code, int) else 1
        return _outcome("exited", number=max(-(2**31), min(2**31 - 1, number)))
    if isinstance(error, MemoryError):
        return _outcome("out_of_memory")
    try:
        message = _plain(str(error), MESSAGE_CHARS)
    except BaseException:
        message = ""
    if cls is ModuleNotFoundError and isinstance(error.name, str):
        return _outcome("missing_module", _plain(error.name, MESSAGE_CHARS))
    return _outcome("raised", message, _plain(cls.__name__, MESSAGE_CHARS))


def _syntax(error):
    """The outcome of text that does not compile; the parser reports depth as MemoryError or RecursionError."""
    if isinstance(error, SyntaxError):
        message, line = error.msg, error.lineno or 0
    elif isinstance(error, (MemoryError, RecursionError)):
        message, line = "too deeply nested to compile", 0
    else:
        message, line = f"{type(error).__name__}: {error}", 0
    return _outcome("syntax_error", _plain(message, MESSAGE_CHARS), number=max(0, line))


def _run_module_level():
    global _namespace
    _namespace = {"__name__": "__main__", "__builtins__": builtins}
    exec(_program, _namespace)


class WitWorld(wit_world.WitWorld):
    def load(self, program, output_chars, recursion):
        global _program
        for name in _OWN_MODULES:
            sys.modules.pop(name, None)
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
            if len(text) > _capture.limit:
                return _outcome("output_too_large", number=len(text))
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
    return [bytes(size - 33) for size in range(48, 513, 16) for _ in range(os.urandom(1)[0] % 32)]


_warm()
_deny()
_ballast = _drift()
sys.set_int_max_str_digits(0)
sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8")
sys.stdout = sys.__stdout__ = _stdout
sys.stderr = sys.__stderr__ = _stderr
gc.collect()
gc.freeze()
