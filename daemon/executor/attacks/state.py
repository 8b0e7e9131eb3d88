#: builtins_replaced -> value 42
import builtins
builtins.len = lambda x: 42
builtins.LEAK = "secret"
def f(x):
    return len([])

#: every_builtin_deleted -> value 2
import builtins
def f(x):
    table = vars(builtins)
    for name in list(table):
        del table[name]
    return 2

#: modules_planted -> value 'planted'
import sys, types
for name in ("numpy", "json.planted", "guest", "wit_world", "analysis"):
    sys.modules[name] = types.ModuleType("planted")
def f(x):
    import numpy
    return numpy.__name__

#: modules_emptied -> value 1
import sys
sys.modules.clear()
def f(x):
    return x

#: random_seeded -> value 0.13436424411240122
import random
def f(x):
    random.seed(1)
    return random.random()

#: random_state_of_the_class -> value 0.5
import random
random.Random.random = lambda self: 0.5
random._inst.random = lambda: 0.5
random.random = lambda: 0.5
def f(x):
    return random.random()

#: decimal_context -> value '0.3'
import decimal
decimal.getcontext().prec = 1
decimal.DefaultContext.prec = 2
decimal.setcontext(decimal.Context(prec=1, rounding=decimal.ROUND_DOWN, traps=[]))
def f(x):
    return str(decimal.Decimal(1) / 3)

#: recursion_limit_lowered -> value True
import sys
sys.setrecursionlimit(60)
def f(x):
    return sys.getrecursionlimit() == 60

#: recursion_limit_too_low_for_the_guest -> raised RecursionError
import sys
def f(x):
    sys.setrecursionlimit(1)
    return [[[[x]]]]

#: collector_callbacks -> value 1
import gc
def callback(phase, info):
    raise SystemExit(3)
gc.callbacks.append(callback)
gc.set_debug(gc.DEBUG_SAVEALL)
gc.set_threshold(1)
def f(x):
    gc.collect()
    gc.disable()
    return 1

#: collector_unfrozen -> value True
import gc
def f(x):
    gc.unfreeze()
    gc.collect()
    return gc.get_freeze_count() == 0

#: exit_functions_left -> value 1
import atexit, builtins
for _ in range(1000):
    atexit.register(setattr, builtins, "LEAK", 1)
def f(x):
    return 1

#: audit_hook -> value True
import sys
seen = []
sys.addaudithook(lambda event, arguments: seen.append(event))
def f(x):
    return "compile" in seen

#: audit_hook_stops_the_next_call -> raised PermissionError
#: call f(1)
#: call 1 + 1
import sys
def hook(event, arguments):
    if event == "compile":
        raise PermissionError("no more compiling")
def f(x):
    sys.addaudithook(hook)

#: display_and_error_hooks -> value 1
import sys
sys.displayhook = sys.excepthook = sys.unraisablehook = sys.breakpointhook = lambda *arguments: sys.exit(9)
def f(x):
    return 1

#: trace_function_left -> value 3
import sys
events = []
def f(x):
    sys.settrace(lambda frame, event, argument: events.append(event))
    sys.setprofile(lambda frame, event, argument: events.append(event))
    return 3

#: trace_function_raises_in_the_guest -> raised RuntimeError
import sys
def tracer(frame, event, argument):
    if frame.f_code.co_name != "f":
        raise RuntimeError("traced")
def f(x):
    sys.settrace(tracer)
    return 3

#: profile_function_raises_in_the_guest -> raised RuntimeError
import sys
def f(x):
    def profiler(frame, event, argument):
        raise RuntimeError("profiled")
    sys.setprofile(profiler)
    return 3

#: monitoring_tool -> raised PermissionError
# A callback would run in the guest's own frames too.
import sys
events = []
def f(x):
    sys.monitoring.use_tool_id(1, "spy")
    sys.monitoring.register_callback(1, sys.monitoring.events.CALL, lambda *arguments: events.append(1))
    sys.monitoring.set_events(1, sys.monitoring.events.CALL)
    return 3

#: monitoring_tool_raises_in_the_guest -> raised PermissionError
import sys
def f(x):
    def spy(*arguments):
        raise ValueError("spied")
    sys.monitoring.use_tool_id(2, "spy")
    sys.monitoring.register_callback(2, sys.monitoring.events.PY_RETURN, spy)
    sys.monitoring.set_events(2, sys.monitoring.events.PY_RETURN)
    return 3

#: library_patched -> value ['json', 'math', 're']
import json, math, re
json.dumps = lambda *arguments, **options: "json"
math.sqrt = lambda x: "math"
re.compile = lambda *arguments: "re"
re.purge()
def f(x):
    return [json.dumps(1), math.sqrt(4), re.compile("a")]

#: immutable_types_patched_through_referents -> value ['patched', True]
# The dictionary of a built-in type, reached through the collector.
import gc
def f(x):
    table = [d for d in gc.get_referents(str.__dict__) if type(d) is dict][0]
    table["leak"] = property(lambda self: "patched")
    return ["a".leak, hasattr("", "leak")]

#: integer_arithmetic_replaced -> value 5
import gc
def f(x):
    table = [d for d in gc.get_referents(int.__dict__) if type(d) is dict][0]
    table["__add__"] = lambda left, right: 5
    return int.__add__(7, x)

#: interned_strings_held -> value 1000
import sys
held = [sys.intern(f"secret_{i}") for i in range(1000)]
def f(x):
    return len(held)

#: codec_registered -> value 'leak'
import codecs
codecs.register(lambda name: codecs.CodecInfo(lambda t, e="": (b"leak", 4), lambda b, e="": ("leak", 4), name=name))
codecs.register_error("strict", lambda error: ("leak", error.end))
def f(x):
    return b"abc".decode("no_codec")

#: pickling_hooks -> value 'planted'
import copyreg, copy
class Thing:
    pass
copyreg.pickle(Thing, lambda thing: (str, ("planted",)))
copyreg.dispatch_table[int] = lambda number: (str, ("planted",))
def f(x):
    return copy.copy(Thing())

#: abstract_classes_registered -> value True
import collections.abc
collections.abc.Sequence.register(int)
def f(x):
    return isinstance(5, collections.abc.Sequence)

#: warnings_as_errors -> raised DeprecationWarning
import warnings
warnings.simplefilter("error")
warnings.showwarning = lambda *arguments: exit(1)
def f(x):
    warnings.warn("old", DeprecationWarning)

#: guest_patched_by_frames -> value 1
# The guest's names, replaced from inside: what the next program gets is another guest.
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        names = frame.f_globals
        if "_namespace" in names and "_capture" in names:
            for name in ("_failure", "_syntax", "_run_module_level", "analysis"):
                names[name] = lambda *arguments: None
        frame = frame.f_back
    return 1

#: guest_class_patched -> value 1
#: call f(1)
#: call 1
import gc
def f(x):
    for thing in gc.get_objects():
        if isinstance(thing, type) and thing.__name__ == "WitWorld":
            thing.load = lambda *arguments: None
            thing.analyse = lambda *arguments: None
    return 1

#: environment_variables_left -> value 'value'
import os, posix
def f(x):
    os.environ["LEAK"] = "value"
    posix.putenv(b"PYTHONHASHSEED", b"0")
    return os.getenv("LEAK")

#: locale_set -> value 'C.UTF-8;C;C;C;C;C'
import locale
def f(x):
    return locale.setlocale(locale.LC_ALL, "C.UTF-8")

#: digits_limit_set -> raised ValueError
import sys
sys.set_int_max_str_digits(640)
def f(x):
    return 10**1000

#: allocator_fragmented -> value 1
# Every address that the next program sees would move.
import random
held = [bytes(random.Random(i).randrange(1, 500)) for i in range(20_000)]
del held[::3]
def f(x):
    return 1

#: memory_grown_and_released -> value 1
def f(x):
    block = bytearray(100 << 20)
    del block
    return 1

#: descriptors_left_open -> value 'refused'
# Handles of the host that a program leaves open.
import posix
def f(x):
    opened = []
    for _ in range(100):
        try:
            opened.append(posix.dup(1))
        except OSError as error:
            return "refused"
    return len(opened)

#: descriptors_closed -> value 1
import posix
def f(x):
    posix.closerange(0, 100)
    return 1

#: random_bytes_consumed -> value 100000
import os
def f(x):
    return len(os.urandom(100_000))

#: clock_consumed -> value 1
import time
def f(x):
    time.sleep(0.05)
    return 1

#: signal_handlers_left -> value 1
import signal
signal.signal(signal.SIGINT, lambda *arguments: exit(1))
def f(x):
    return 1

#: counters_of_the_library -> value 1
import itertools, tempfile, asyncio, threading, weakref, collections
def f(x):
    for _ in range(100):
        threading.Thread(name=None)
        asyncio.new_event_loop().close()
        collections.namedtuple("T", "a b")
    return 1

#: type_cache_filled -> value 1
def f(x):
    kinds = [type(f"T{i}", (), {f"m{i}": lambda self: 1}) for i in range(5_00)]
    for i, kind in enumerate(kinds):
        getattr(kind(), f"m{i}")()
    return 1

#: specialised_code_of_the_library -> value 1
# Bytecode of shared functions adapts to what it sees.
import textwrap, statistics
def f(x):
    for i in range(200):
        textwrap.shorten("a b c " * (i % 3), 10)
        statistics.mean([i, i + 1])
    return 1
