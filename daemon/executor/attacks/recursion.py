#: python_recursion -> raised RecursionError
def f(x):
    return f(x + 1) + 1

#: recursion_caught_forever -> timeout
def f(x):
    while True:
        try:
            f(x)
        except RecursionError:
            pass

#: recursion_in_the_handler -> timeout
def f(x):
    try:
        return f(x)
    except RecursionError:
        return f(x)
    finally:
        pass

#: exponential_recovery -> timeout
# Each of a thousand frames tries again after its callee failed.
def f(x):
    try:
        f(x)
    finally:
        f(x)

#: limit_raised -> stack_exhausted
import sys
sys.setrecursionlimit(10**9)
def f(x):
    try:
        return f(x)
    except MemoryError as error:
        raise RecursionError from error

#: limit_raised_and_repr -> timeout
import sys
def f(x):
    sys.setrecursionlimit(10**9)
    nested = []
    for _ in range(200_000):
        nested = [nested]
    return repr(nested)

#: repr_of_the_result -> timeout
# Python looks for each object among those whose `repr` is under way: the cost is quadratic.
def f(x):
    nested = ()
    for _ in range(40_000):
        nested = (nested,)
    return nested

#: compare_nested -> raised RecursionError
def f(x):
    left = right = None
    left, right = [], []
    for _ in range(100_000):
        left, right = [left], [right]
    return left == right

#: hash_nested -> stack_exhausted
def f(x):
    nested = ()
    for _ in range(200_000):
        nested = (nested,)
    return hash(nested)

#: free_nested -> value 'freed'
def f(x):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    del nested
    return "freed"

#: free_nested_mixed -> value 'freed'
# Objects of several kinds, each freeing the next: the trash can must see through all of them.
class Node:
    __slots__ = ("next",)
def f(x):
    nested = None
    for i in range(40_000):
        node = Node()
        node.next = (nested, {"a": [nested]}) if i % 2 else [nested]
        nested = node
    del nested, node
    return "freed"

#: free_iterators -> value 'freed'
import itertools
def f(x):
    chain = iter(())
    for _ in range(20_000):
        chain = itertools.chain(chain, ())
    del chain
    return "freed"

#: run_iterators -> value None
import itertools
def f(x):
    chain = iter(())
    for _ in range(60_000):
        chain = map(abs, chain)
    return next(chain, None)

#: generators_in_generators -> raised RecursionError
def walk(depth):
    yield from walk(depth + 1)
def f(x):
    return list(walk(0))

#: deepcopy -> raised RecursionError
import copy
def f(x):
    nested = []
    for _ in range(10_000):
        nested = [nested]
    return copy.deepcopy(nested)

#: pickle_nested -> raised RecursionError
import pickle
def f(x):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    return pickle.dumps(nested)

#: attribute_loops -> raised RecursionError
class Mirror:
    def __getattr__(self, name):
        return getattr(self, name + "_")
def f(x):
    return Mirror().a

#: call_loops_in_c -> raised RecursionError
class Caller:
    pass
Caller.__call__ = Caller()
def f(x):
    return Caller()()

#: bases_loop -> raised RecursionError
class Liar:
    @property
    def __bases__(self):
        return (Liar(), self)
def f(x):
    return issubclass(Liar(), int)

#: isinstance_nested -> value False
def f(x):
    kinds = (int,)
    for _ in range(100_000):
        kinds = (str, kinds)
    return isinstance(1.5, kinds)

#: str_of_exceptions -> raised E
class E(Exception):
    def __str__(self):
        return str(self)
def f(x):
    raise E

#: exception_chain -> raised ValueError
def f(x):
    error = None
    for i in range(50_000):
        new = ValueError(i)
        new.__context__ = error
        error = new
    raise error

#: exception_groups -> raised ExceptionGroup
def f(x):
    group = ValueError("a")
    for _ in range(20_000):
        group = ExceptionGroup("g", [group])
    raise group

#: comparison_ping_pong -> raised RecursionError
class A:
    def __lt__(self, other):
        return B() > self
class B:
    def __gt__(self, other):
        return other < self
def f(x):
    return A() < B()

#: descriptor_loop -> raised RecursionError
class Loop:
    def __get__(self, instance, owner):
        return instance.attribute
class Holder:
    attribute = Loop()
def f(x):
    return Holder().attribute

#: partial_of_partial -> value 0
import functools
def f(x):
    call = functools.partial(int)
    for _ in range(50_000):
        outer = functools.partial(call)
        outer.__setstate__((call, (), {}, {}))
        call = outer
    return call()

#: await_chain -> raised RecursionError
async def deeper(n):
    return await deeper(n + 1)
def f(x):
    try:
        deeper(0).send(None)
    except StopIteration as stop:
        return stop.value

#: alias_nested -> output_too_large 120005
def f(x):
    alias = int
    for _ in range(20_000):
        alias = list[alias]
    return repr(alias)

#: free_very_deep -> stack_exhausted
# The C stack bounds how deep a chain of containers can be freed; a verdict, where a native process would go on.
def f(x):
    nested = []
    for _ in range(400_000):
        nested = [nested]
    del nested
    return "freed"
