"""Run after every attack: what a program could see of the ones before it, in a few facts and one digest of all."""

import asyncio, builtins, codecs, decimal, gc, hashlib, json, locale, os, posix, random, re, signal, sys, threading, time, warnings
import collections.abc, copyreg

fresh = object()


def facts():
    """What has a name. Addresses and times also move with every line of a program, the rest does not."""
    names = {name: sorted(vars(module)) for name, module in sorted(sys.modules.items()) if name != "__main__"}
    return {
        "hash": [hash("canary"), hash((1, "a")), hash(2.5)],
        "set": list(set("abcdefghijklmnop")),
        "random": [random.random(), random.Random(1).random(), os.urandom(8).hex()],
        "builtins": len(vars(builtins)),
        "names": hashlib.sha256(repr(names).encode()).hexdigest(),
        "addresses": [id(fresh), id([]), id(facts), id(int), id("canary")],
        "time": [time.time(), time.perf_counter(), time.process_time()],
        "decimal": str(decimal.getcontext()) + str(decimal.DefaultContext),
        "limits": [sys.getrecursionlimit(), sys.get_int_max_str_digits(), sys.getswitchinterval()],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), gc.get_debug(), len(gc.callbacks)],
        "hooks": [sys.gettrace(), sys.getprofile(), sys.monitoring.get_tool(1), sys.monitoring.get_tool(2), len(sys.meta_path)],
        "outside": [dict(os.environ), dict(posix.environ), os.getpid(), locale.setlocale(locale.LC_ALL)],
        "signals": repr(signal.getsignal(signal.SIGINT)),
        "tables": [len(copyreg.dispatch_table), len(re._cache), len(warnings.filters), threading.active_count()],
        "types": [isinstance(5, collections.abc.Sequence), hasattr("", "leak"), int.__add__(7, 1), sys.getsizeof([])],
        "references": [sys.getrefcount(name) for name in (fresh, json, [])],
        "codec": codec("no_codec"),
        "library": [json.dumps([1.5, None]), re.sub("a+", "b", "caat"), asyncio.run(answer()), threading.Thread().name],
    }


def codec(name):
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "unknown"


async def answer():
    return 42


def everything():
    known = facts()
    known["heap"] = [gc.get_count(), len(gc.get_objects()), [id(thing) for thing in gc.get_objects()[:500]]]
    known["subclasses"] = [cls.__name__ for cls in object.__subclasses__()]
    return hashlib.sha256(repr(known).encode()).hexdigest()
