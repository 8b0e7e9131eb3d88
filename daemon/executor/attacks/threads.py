#: thread -> raised RuntimeError
import threading
def f(x):
    threading.Thread(target=print).start()

#: thread_in_c -> raised RuntimeError
import _thread
def f(x):
    _thread.start_new_thread(print, ())

#: joinable_thread_in_c -> raised RuntimeError
import _thread
def f(x):
    _thread.start_joinable_thread(print).join()

#: thread_bomb -> value 0
import threading
def f(x):
    started = 0
    for _ in range(500):
        try:
            threading.Thread(target=lambda: None).start()
            started += 1
        except RuntimeError:
            pass
    return started

#: stack_size_of_threads -> raised ValueError
import threading
def f(x):
    threading.stack_size(1)

#: timer -> raised RuntimeError
import threading
def f(x):
    threading.Timer(0.001, print).start()

#: pool -> raised RuntimeError
from concurrent.futures import ThreadPoolExecutor
def f(x):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(str, range(8)))

#: future_never_done -> timeout
from concurrent.futures import Future
def f(x):
    return Future().result()

#: lock_from_another_call -> timeout
#: call f(1)
#: call f(2)
import threading
lock = threading.Lock()
def f(x):
    lock.acquire()

#: recursive_lock_taken_often -> value 'released'
import threading
def f(x):
    lock = threading.RLock()
    for _ in range(100_000):
        lock.acquire()
    for _ in range(100_000):
        lock.release()
    return "released"

#: lock_released_twice -> raised RuntimeError
import threading
def f(x):
    lock = threading.Lock()
    lock.release()

#: barrier -> raised BrokenBarrierError
import threading
def f(x):
    return threading.Barrier(2).wait(0.01)

#: semaphore -> timeout
import threading
def f(x):
    threading.Semaphore(0).acquire()

#: interpreters -> missing_module _interpreters
import _interpreters
def f(x):
    return _interpreters.create()

#: interpreters_of_the_library -> raised ImportError
from concurrent import interpreters
def f(x):
    return interpreters.create().exec("print(1)")

#: event_loop_runs_in_a_thread -> raised RuntimeError
import asyncio
def f(x):
    async def main():
        return await asyncio.to_thread(len, "abc")
    return asyncio.run(main())

#: switch_interval -> value 1
import sys
def f(x):
    sys.setswitchinterval(1e-6)
    return x

#: thread_local_leaks -> value None
#: call f(1)
#: call g()
import threading
local = threading.local()
def f(x):
    local.secret = bytes(1000)
def g():
    del local.secret
    return getattr(local, "secret", None)

#: thread_shutdown -> value 'alive'
import threading
def f(x):
    threading._shutdown()
    return "alive"

#: context_variables -> value 'default'
import contextvars
variable = contextvars.ContextVar("variable", default="default")
def f(x):
    contextvars.copy_context().run(variable.set, "inside")
    return variable.get()

#: queue_in_c_never_filled -> timeout
import queue
def f(x):
    return queue.SimpleQueue().get()

#: lock_entered_twice -> timeout
import threading
lock = threading.Lock()
def f(x):
    with lock:
        with lock:
            return "entered"
