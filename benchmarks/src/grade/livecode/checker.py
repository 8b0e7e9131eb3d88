# Runs inside the sandbox. Loads one program of LiveCodeBench and runs it on its tests by the reference's rules (spec
# section 4). The host appends one call of `_setup(...)` and then evaluates `_load()` and `_run(i)`; it compares what
# `_run` returns itself, so that a program never holds what is expected of it.

import ast as _ast
import builtins as _builtins
import io as _io
import json as _json
import sys as _sys
import types as _types

_IMPORTS = (
    "from string import *\nfrom re import *\nfrom datetime import *\nfrom collections import *\nfrom heapq import *\n"
    "from bisect import *\nfrom copy import *\nfrom math import *\nfrom random import *\nfrom statistics import *\n"
    "from itertools import *\nfrom functools import *\nfrom operator import *\nfrom io import *\nfrom sys import *\n"
    "from json import *\nfrom builtins import *\nfrom typing import *\nimport string\nimport re\nimport datetime\n"
    "import collections\nimport heapq\nimport bisect\nimport copy\nimport math\nimport random\nimport statistics\n"
    "import itertools\nimport functools\nimport operator\nimport io\nimport sys\nimport json\n"
    "sys.setrecursionlimit(50000)\n"
)


class _State:
    pass


def _setup(program, function_name, inputs):
    state = _State()
    state.program, state.function_name, state.inputs = program, function_name, inputs
    state.function = None
    globals()["_state"] = state


def _without_main_guard(code):
    try:
        tree = _ast.parse(code)
        last = tree.body[-1]
        if isinstance(last, _ast.If) and _ast.unparse(last.test).strip() == "__name__ == '__main__'":
            code = _ast.unparse(tree.body[:-1]) + "\n" + _ast.unparse(last.body)
    except Exception:
        pass
    return code


def _as_function(code):
    """All that is no import becomes the body of a function, as the reference does."""
    try:
        tree = _ast.parse(code)
        is_import = lambda node: isinstance(node, (_ast.Import, _ast.ImportFrom))
        imports = [node for node in tree.body if is_import(node)]
        body = [node for node in tree.body if not is_import(node)]
        function = _ast.parse("def wrapped_function():\n    pass").body[0]
        function.body = body
        return _IMPORTS + "\n" + _ast.unparse(imports) + "\n" + _ast.unparse(function)
    except Exception:
        return code


def _load():
    state = _state
    if state.function_name is None:
        code, name = _as_function(_without_main_guard(state.program)), "wrapped_function"
    else:
        code, name = _IMPORTS + "\n\n" + state.program, state.function_name
    try:
        _sys.stdout = _sys.stderr = _io.StringIO()
        module = _types.ModuleType("tmp_sol", "")
        exec(compile(code, "<string>", "exec"), module.__dict__)
        # By its text, as the reference decides; a function of the module serves where there is no class.
        owner = module.Solution() if "class Solution" in code else module
        state.function = getattr(owner, name)
        return "ok"
    except BaseException as error:
        return _say("load", error)


def _run(index):
    state = _state
    if state.function is None:
        return "skipped"
    text = state.inputs[index]
    try:
        if state.function_name is None:
            return "=" + _printed(state.function, text)
        arguments = [_json.loads(line) for line in text.split("\n")]
        _sys.stdout = _io.StringIO()
        result = state.function(*arguments)
        return "=" + _literal(list(result) if isinstance(result, tuple) else result)
    except BaseException as error:
        return _say("raised", error)


class _Input(_io.StringIO):
    """The text of a test; `readline` goes over its lines without line ends, and fails at the end, as there."""

    def __init__(self, text):
        super().__init__(text)
        self._text, self._lines = text, iter(text.split("\n"))
        self.buffer = _io.BytesIO(text.encode())

    def read(self, *arguments):
        return self._text

    def readlines(self, *arguments):
        return self._text.split("\n")


def _printed(function, text):
    source = _io.StringIO(text)
    lines = iter(text.split("\n"))
    reader = _Input(text)
    reader.readline = lambda *arguments: next(lines)
    sink = _io.StringIO()
    sink.close = lambda: None
    _sys.stdin, _sys.stdout = reader, sink
    _builtins.open = lambda *arguments, **named: _io.StringIO(text)
    # `input` reads lines of its own, as it does on a stream that is no terminal.
    def _input(prompt=""):
        sink.write(str(prompt))
        line = source.readline()
        if not line:
            raise EOFError("EOF when reading a line")
        return line[:-1] if line.endswith("\n") else line
    _builtins.input = _input
    function.__globals__["input"] = _input
    try:
        function()
    except SystemExit:
        pass
    return sink.getvalue()


def _literal(value):
    """Source text of plain data; anything else equals nothing."""
    if value is None or type(value) in (bool, int, float, str):
        if type(value) is float and (value != value or value in (float("inf"), -float("inf"))):
            return "'nan'" if value != value else ("1e999" if value > 0 else "-1e999")
        return repr(value)
    if isinstance(value, bool) or isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, list):
        return "[" + ", ".join([_literal(item) for item in value]) + "]"
    if isinstance(value, tuple):
        return "(" + "".join([_literal(item) + ", " for item in value]) + ")"
    if isinstance(value, dict):
        return "{" + ", ".join([_literal(key) + ": " + _literal(item) for key, item in value.items()]) + "}"
    return "..."


def _judge(claims, expected):
    """In another instance: the index of the first claim that is not equal to what was expected, or -1."""
    for index, (claim, text) in enumerate(zip(claims, expected)):
        try:
            if not (_ast.literal_eval(claim) == _json.loads(text)):
                return index
        except BaseException:
            return index
    return -1
