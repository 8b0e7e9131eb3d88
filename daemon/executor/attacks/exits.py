#: exit_by_name -> exited 0
def f(x):
    exit()

#: quit_with_a_code -> exited 7
def f(x):
    quit(7)

#: exit_of_sys -> exited 3
import sys
def f(x):
    sys.exit(3)

#: exit_with_text -> exited 1
import sys
def f(x):
    sys.exit("the reason")

#: exit_at_module_level -> exited 5
import sys
sys.exit(5)
def f(x):
    return 1

#: exit_with_a_huge_code -> exited 2147483647
def f(x):
    raise SystemExit(10**30)

#: exit_with_true -> exited 1
def f(x):
    raise SystemExit(True)

#: exit_with_a_lying_code -> exited 1
class Code(int):
    def __int__(self):
        raise KeyError
    def __lt__(self, other):
        raise KeyError
    __gt__ = __index__ = __lt__
def f(x):
    raise SystemExit(Code(1))

#: exit_whose_code_is_a_property -> exited 0
# The code is read past the class: none was given.
class Leave(SystemExit):
    @property
    def code(self):
        raise RuntimeError
def f(x):
    raise Leave

#: exit_in_the_repr -> exited 4
class A:
    def __repr__(self):
        raise SystemExit(4)
def f(x):
    return A()

#: exit_in_a_finalizer -> value 1
# Python prints it and goes on.
class A:
    def __del__(self):
        raise SystemExit(4)
def f(x):
    A()
    return 1

#: exit_of_os -> exited 9
import os
def f(x):
    os._exit(9)

#: exit_of_posix -> exited 9
import posix
def f(x):
    posix._exit(9)

#: exit_in_the_handler -> exited 2
import os
def f(x):
    try:
        raise ValueError
    except ValueError:
        os._exit(2)
    finally:
        while x == 2:
            pass

#: exit_of_a_call_spares_the_next -> value 2
#: call f(1)
#: call g()
import os
def f(x):
    os._exit(9)
def g():
    return 2

#: exit_caught -> value 'stayed'
import sys
def f(x):
    try:
        sys.exit(1)
    except SystemExit:
        return "stayed"

#: interrupt_raised -> raised KeyboardInterrupt
def f(x):
    raise KeyboardInterrupt

#: interrupt_from_the_thread_module -> raised KeyboardInterrupt
import _thread
def f(x):
    _thread.interrupt_main()
    for _ in range(1000):
        pass
    return "not interrupted"

#: generator_exit -> raised GeneratorExit
def f(x):
    raise GeneratorExit

#: own_base_exception -> raised Escape
class Escape(BaseException):
    pass
def f(x):
    raise Escape

#: stop_iteration -> raised StopIteration
def f(x):
    return next(iter([]))

#: abort -> crashed
import os
def f(x):
    os.abort()

#: fault_handler_reads_null -> crashed
import faulthandler
def f(x):
    faulthandler._sigsegv()

#: fault_handler_fatal_error -> raised RuntimeError
import faulthandler
def f(x):
    faulthandler._fatal_error_c_thread()

#: fault_handler_aborts -> crashed
import faulthandler
def f(x):
    faulthandler._sigabrt()

#: fault_handler_writes_to_a_descriptor -> value 'alive'
import faulthandler
def f(x):
    faulthandler.dump_traceback(file=2)
    return "alive"

#: crash_spares_the_next -> value 2
#: call f(1)
#: call g()
import os
def f(x):
    os.abort()
def g():
    return 2

#: alarm -> raised AttributeError
import signal
def f(x):
    signal.alarm(1)

#: signal_to_itself -> raised AttributeError
import signal
def f(x):
    signal.pthread_kill(0, 9)

#: signal_raised -> crashed
import signal
def f(x):
    signal.raise_signal(signal.SIGTERM)
    return "alive"

#: signal_handler -> value 'handled'
import signal
def f(x):
    seen = []
    signal.signal(signal.SIGINT, lambda number, frame: seen.append("handled"))
    signal.raise_signal(signal.SIGINT)
    for _ in range(1000):
        pass
    return seen[0]

#: exit_function_registered -> value 1
import atexit
def f(x):
    atexit.register(lambda: 1 / 0)
    return 1

#: exit_functions_run_now -> exited 6
import atexit, os
def f(x):
    atexit.register(os._exit, 6)
    atexit._run_exitfuncs()

#: hook_of_unhandled_errors -> raised ValueError
import sys, os
def f(x):
    sys.excepthook = lambda *arguments: os._exit(1)
    sys.unraisablehook = lambda *arguments: os._exit(1)
    raise ValueError

#: hook_of_unraisable_errors -> exited 8
import sys, os
class A:
    def __del__(self):
        raise ValueError
def f(x):
    sys.unraisablehook = lambda *arguments: os._exit(8)
    A()
    return 1

#: debugger -> value None
# Without a debugger Python warns and goes on.
def f(x):
    breakpoint()
