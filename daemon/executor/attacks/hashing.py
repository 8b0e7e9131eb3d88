#: flood_of_integers -> timeout
# 32-bit hashes are taken modulo 2^31-1: all of these fall into one chain.
def f(x):
    return len({i * (2**31 - 1) for i in range(60_000)})

#: flood_of_constant_hashes -> timeout
class Same:
    def __hash__(self):
        return 1
def f(x):
    return len({Same() for _ in range(20_000)})

#: flood_of_floats -> timeout
def f(x):
    return len({float(i) * (2**31 - 1) for i in range(60_000)})

#: flood_of_tuples -> value 4000
# Numbers and their tuples collide no more than chance.
def f(x):
    return len({(i, -i, i * 2) for i in range(4_000)})

#: minus_one_and_minus_two -> value [True, 2]
def f(x):
    return [hash(-1) == hash(-2), len({-1, -2})]

#: hash_seed_not_of_the_host -> value True
# The seed is that of the start state: the same in every run.
def f(x):
    return hash("a") == hash("".join(["a"])) and hash("a") != hash("b")

#: hash_changes -> value [False, 1]
class Drift:
    count = 0
    def __hash__(self):
        Drift.count += 1
        return Drift.count
def f(x):
    drift = Drift()
    held = {drift}
    return [drift in held, len(held)]

#: hash_of_the_wrong_kind -> raised TypeError
class Bad:
    def __hash__(self):
        return "many"
def f(x):
    return {Bad(): 1}

#: hash_of_many_bits -> value True
class Wide:
    def __hash__(self):
        return 1 << 5_000
def f(x):
    return isinstance(hash(Wide()), int)

#: equality_changes_the_table -> raised RuntimeError
class Mutator:
    def __init__(self):
        self.armed = False
    def __hash__(self):
        return 7
    def __eq__(self, other):
        for i in range(100, 1100):
            table[i] = i
        return False
table = {}
def f(x):
    table[Mutator()] = 1
    for key in table:
        table[Mutator()] = 2

#: equality_clears_the_set -> value True
class Eraser:
    def __hash__(self):
        return 7
    def __eq__(self, other):
        held.clear()
        return False
held = set()
def f(x):
    for _ in range(50):
        held.add(Eraser())
    return len(held) < 50

#: equality_recurses -> raised RecursionError
class Deep:
    def __hash__(self):
        return 7
    def __eq__(self, other):
        return {self: 1} == {other: 1}
def f(x):
    return {Deep(): 1, Deep(): 2}

#: unhashable -> raised TypeError
def f(x):
    return {[1]: 2}

#: not_equal_to_itself -> value [3, False, True]
def f(x):
    nan = float("nan")
    return [len({float("nan"), float("nan"), nan, nan}), float("nan") in [float("nan")], nan in [nan]]

#: interned_names -> timeout
import sys
def f(x):
    i = 0
    while True:
        sys.intern("name_%d" % i)
        i += 1

#: attributes_without_end -> timeout
class Box:
    pass
def f(x):
    box, i = Box(), 0
    while True:
        setattr(box, f"name_{i}", i)
        i += 1

#: cache_without_end -> out_of_memory
import functools
@functools.cache
def grow(n):
    return bytes(1 << 20)
def f(x):
    for i in range(10**6):
        grow(i)

#: digest_of_a_lying_buffer -> raised TypeError
import hashlib
class Lie(str):
    pass
def f(x):
    return hashlib.sha256(Lie("a")).hexdigest()

#: weak_digest -> value 'd41d8cd98f00b204e9800998ecf8427e'
import hashlib
def f(x):
    return hashlib.md5(usedforsecurity=True).hexdigest()
