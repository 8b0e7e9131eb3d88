#: guest_below_the_program -> value False
# The frames below the program's are the guest's: reaching them must not change what is reported about the others.
import sys
def f(x):
    frame, changed = sys._getframe(), False
    while frame.f_back:
        frame = frame.f_back
        if "_namespace" in frame.f_globals:
            frame.f_globals["_namespace"]["f"] = lambda x: True
    return changed

#: clear_the_guests_frame -> raised RuntimeError
import sys
def f(x):
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    frame.clear()

#: locals_of_the_guest -> value 1
# `text` and `code` of the frame that evaluates the call are written while it runs.
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for name in ("text", "code", "call", "self", "fresh_namespace"):
            if name in frame.f_locals:
                try:
                    frame.f_locals[name] = "forged"
                except (KeyError, ValueError):
                    pass
        frame = frame.f_back
    return 1

#: trace_the_guest -> exited 99
# A trace function set on the guest's frames from inside the call.
import sys
def f(x):
    def tracer(frame, event, argument):
        raise SystemExit(99)
    frame = sys._getframe().f_back
    while frame:
        frame.f_trace = tracer
        frame = frame.f_back
    sys.settrace(lambda *arguments: None)
    return 7

#: jump_in_the_guest -> raised ValueError
import sys
def f(x):
    frame = sys._getframe().f_back
    while frame:
        frame.f_lineno = 1
        frame = frame.f_back

#: subclasses_to_wrap_close -> raised PermissionError
def f(x):
    for cls in ().__class__.__base__.__subclasses__():
        if cls.__name__ == "_wrap_close":
            return cls.__init__.__globals__["system"]("id")

#: subclasses_to_popen -> raised PermissionError
def f(x):
    stack = [object]
    while stack:
        cls = stack.pop()
        if cls.__name__ == "Popen":
            return cls(["id"])
        try:
            stack += cls.__subclasses__()
        except TypeError:
            pass

#: subclasses_to_files -> raised FileNotFoundError
def f(x):
    stack = [object]
    while stack:
        cls = stack.pop()
        if cls.__name__ == "FileIO":
            return cls("/etc/passwd").read()
        try:
            stack += cls.__subclasses__()
        except TypeError:
            pass

#: subclasses_to_the_loader -> raised ModuleNotFoundError
def f(x):
    for cls in object.__subclasses__():
        if cls.__name__ == "BuiltinImporter":
            try:
                return cls.load_module("_posixsubprocess")
            except ImportError as error:
                raise ModuleNotFoundError("no such builtin") from error

#: builtins_after_their_deletion -> raised PermissionError
__builtins__ = {}
def f(x):
    catch = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "catch_warnings"][0]
    return catch.__init__.__globals__["__builtins__"]["open"]("/etc/passwd")

#: format_string_walks -> raised PermissionError
import os
class Box:
    def __init__(self):
        self.value = 1
def f(x):
    text = "{0.__init__.__globals__[os].environ}".format(Box())
    if text != "environ({})":
        return text
    raise PermissionError("nothing to read")

#: function_with_foreign_globals -> raised PermissionError
import types, os
def f(x):
    def body():
        return open("/etc/passwd")
    return types.FunctionType(body.__code__, vars(os))()

#: closure_cell_rewritten -> raised PermissionError
import os
def f(x):
    denied = os.system
    names = denied.__code__.co_freevars
    for name, cell in zip(names, denied.__closure__):
        if name == "error":
            continue
        cell.cell_contents = "nothing"
    return denied("id")

#: patched_function_unwrapped -> value []
# The function that a patch replaced must not be found in what replaced it.
import os, builtins, socket, subprocess
def f(x):
    found = []
    for denied in (builtins.open, os.system, os.listdir, os.fork, socket.create_connection):
        if hasattr(denied, "__wrapped__"):
            found.append(denied.__name__)
        for cell in denied.__closure__ or ():
            if callable(cell.cell_contents) and not isinstance(cell.cell_contents, type):
                found.append(denied.__name__)
    return found

#: generator_frames -> value [True, True, True]
def f(x):
    def generator():
        yield 1
    async def coroutine():
        pass
    async def asynchronous():
        yield 1
    running = coroutine()
    frames = [generator().gi_frame, running.cr_frame, asynchronous().ag_frame]
    running.close()
    return [frame is None or frame.f_back is None for frame in frames]

#: traceback_frames -> value True
def f(x):
    try:
        1 / 0
    except ZeroDivisionError as error:
        frame = error.__traceback__.tb_frame
    while frame.f_back:
        frame = frame.f_back
    frame.f_globals.get("__builtins__")
    return True

#: traceback_forged -> raised ZeroDivisionError
import types, sys
def f(x):
    try:
        1 / 0
    except ZeroDivisionError as error:
        deep = error.__traceback__
        for _ in range(5000):
            deep = types.TracebackType(deep, sys._getframe(), 0, -1)
        raise error.with_traceback(deep)

#: traceback_cycle -> raised ValueError
def f(x):
    try:
        raise KeyError
    except KeyError as error:
        trace = error.__traceback__
        trace.tb_next = trace

#: context_cycle -> raised ValueError
def f(x):
    first, second = ValueError("a"), KeyError("b")
    first.__context__, second.__context__ = second, first
    first.__cause__, second.__cause__ = second, first
    raise first

#: heap_of_the_guest -> value 1
# Every object of the guest can be found; nothing in them belongs to the host.
import gc
def f(x):
    words = ("/home/", "/root/", "PATH=", "AZR_")
    for thing in gc.get_objects():
        if type(thing) is dict:
            for key, value in list(thing.items()):
                if type(value) is str and len(value) < 200 and any(value.startswith(word) for word in words):
                    return value
    return 1

#: outcome_class_poisoned -> value 5
import gc
def f(x):
    for cls in object.__subclasses__():
        if cls.__name__ == "Outcome":
            cls.__init__ = lambda self, *arguments: None
    return 5

#: current_frames -> value 1
import sys
def f(x):
    return len(sys._current_frames())

#: stack_inspected -> value 'f'
import inspect
def f(x):
    stack = inspect.stack()
    return stack[0].function
