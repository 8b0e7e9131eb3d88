#: busy_loop -> timeout
def f(x):
    while True:
        pass

#: busy_at_module_level -> timeout
while True:
    pass

#: catches_everything -> timeout
def f(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
        finally:
            continue

#: loops_in_a_finalizer -> timeout
class Sticky:
    def __del__(self):
        while True:
            pass
def f(x):
    Sticky()
    return 1

#: loops_in_a_weak_callback -> timeout
import weakref
class Thing:
    pass
def f(x):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: sum(iter(int, 1)))
    del thing
    return reference

#: loops_in_the_repr -> timeout
class Slow:
    def __repr__(self):
        while True:
            pass
def f(x):
    return Slow()

#: loops_in_the_message -> timeout
class Slow(Exception):
    def __str__(self):
        while True:
            pass
def f(x):
    raise Slow

#: loops_in_flush -> timeout
import sys
class Slow:
    def write(self, text):
        return len(text)
    def flush(self):
        while True:
            pass
def f(x):
    sys.stdout = Slow()
    print("a", flush=True)

#: loops_in_the_exit_code -> exited 0
# The code is read past the class, so nothing of it runs.
class Slow(int):
    def __int__(self, *_):
        while True:
            pass
    __index__ = __lt__ = __gt__ = __int__
class Leave(SystemExit):
    code = property(lambda self: Slow(3).__int__())
def f(x):
    raise Leave

#: loops_in_a_metaclass -> timeout
class Meta(type):
    def __instancecheck__(cls, instance):
        while True:
            pass
    __subclasscheck__ = __instancecheck__
class Odd(metaclass=Meta):
    pass
def f(x):
    try:
        1 / 0
    except (KeyError, Exception) as error:
        return isinstance(error, Odd)

#: sleeps -> timeout
import time
def f(x):
    time.sleep(10**6)

#: sleeps_in_small_steps -> timeout
import time
def f(x):
    while True:
        time.sleep(1e-9)

#: sleeps_less_than_the_limit -> value True
import time
def f(x):
    begun = time.monotonic()
    time.sleep(0.1)
    return 0.1 <= time.monotonic() - begun < 0.15

#: sleeps_a_negative_time -> raised ValueError
import time
def f(x):
    time.sleep(-1)

#: sleeps_not_a_number -> raised ValueError
import time
def f(x):
    time.sleep(float("nan"))

#: sleeps_for_ever -> raised OverflowError
import time
def f(x):
    time.sleep(float("inf"))

#: sleeps_by_event -> timeout
import threading
def f(x):
    threading.Event().wait()

#: sleeps_by_lock -> timeout
import threading
def f(x):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

#: sleeps_by_queue -> timeout
import queue
def f(x):
    return queue.Queue().get()

#: sleeps_by_condition_with_limit -> value False
import threading
def f(x):
    condition = threading.Condition()
    with condition:
        return condition.wait(0.01)

#: event_loop_for_ever -> timeout
import asyncio
def f(x):
    async def wait():
        await asyncio.get_running_loop().create_future()
    return asyncio.run(wait())

#: event_loop_spins -> timeout
import asyncio
def f(x):
    async def spin():
        while True:
            await asyncio.sleep(0)
    return asyncio.run(spin())

#: event_loop_shields_itself -> timeout
import asyncio
def f(x):
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                pass
    async def main():
        async with asyncio.timeout(0.01):
            await stubborn()
    return asyncio.run(main())

#: scheduler -> timeout
import sched, time
def f(x):
    scheduler = sched.scheduler(time.time, time.sleep)
    def again():
        scheduler.enter(1, 1, again)
    again()
    scheduler.run()

#: clock_turned_back -> timeout
# A program that waits for a time which it keeps from coming.
import time
def f(x):
    deadline = time.time() + 0.001
    time.time = lambda: 0.0
    while time.time() < deadline:
        pass

#: reads_the_clock -> timeout
import time
def f(x):
    begun = time.perf_counter_ns()
    while time.perf_counter_ns() >= begun:
        pass

#: tracer_never_returns -> timeout
import sys
def f(x):
    sys.settrace(lambda *arguments: [None for _ in iter(int, 1)] and None)
    return len("a" for _ in [])

#: sort_with_a_lying_key -> timeout
import functools
def f(x):
    def compare(left, right):
        return sum(iter(int, 1))
    return sorted(range(10), key=functools.cmp_to_key(compare))

#: long_call_into_c -> timeout
# One call of a built-in, in which no Python runs.
def f(x):
    return ("a" * 100_000).count("a" * 50_000 + "b") + sum(("ab" * 200_000).find("a" * 20_000 + "b" * i) for i in range(10**6))

#: hashing_without_end -> timeout
import hashlib
def f(x):
    return hashlib.pbkdf2_hmac("sha512", b"a", b"b", 10**9) if hasattr(hashlib, "pbkdf2_hmac") else hashlib.sha512(bytes(200 << 20)).hexdigest()

#: query_without_end -> timeout
import _sqlite3
def f(x):
    query = "with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c"
    return _sqlite3.connect(":memory:").execute(query).fetchall()

#: edit_distance_of_the_library -> timeout
import difflib
def f(x):
    return difflib.SequenceMatcher(None, "ab" * 5_000, "ba" * 5_000, autojunk=False).ratio()

#: copy_by_slices -> timeout
def f(x):
    text = "a" * 10_000_000
    while text:
        text = text[1:]

#: random_bytes_without_end -> timeout
# Work that the host does for the guest must use up the guest's fuel as well.
import os
def f(x):
    while True:
        os.urandom(1 << 20)

#: raw_writes_without_end -> timeout
import posix
def f(x):
    block = bytes(1 << 24)
    while True:
        posix.write(1, block)

#: failing_host_calls_without_end -> timeout
import _socket, posix
def f(x):
    while True:
        for call in (lambda: _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM), lambda: posix.stat(b"/x")):
            try:
                call()
            except OSError:
                pass

#: waits_for_an_event_of_no_loop -> timeout
import asyncio
async def main():
    await asyncio.sleep(0)
    await asyncio.Event().wait()
def f(x):
    return asyncio.run(main())

#: exit_functions_without_end -> timeout
import atexit
def f(x):
    atexit.register(lambda: (_ for _ in iter(int, 1)))
    atexit._run_exitfuncs()
    while True:
        pass

#: classes_over_classes -> timeout
def f(x):
    kind = object
    for _ in range(10**5):
        kind = type("A", (kind,), {})
    return kind

#: unpacks_bombs -> timeout
import zlib
def f(x):
    bomb = zlib.compress(bytes(1 << 26), 9)
    while True:
        zlib.decompress(bomb)
