#: list_without_end -> out_of_memory
def f(x):
    grown = []
    while True:
        grown += [0] * 1_000_000

#: one_large_block -> out_of_memory
def f(x):
    return len(bytearray(300 << 20))

#: index_beyond_32_bits -> raised OverflowError
def f(x):
    return [0] * 10**10

#: doubled_text -> raised TypeError
# CPython's own slip: when `+=` on a text runs out of memory in place, it tries the operator again on what is left.
def f(x):
    text = "ab"
    while True:
        text += text

#: swallowed_memory_errors -> timeout
def f(x):
    held = []
    while True:
        try:
            held.append(bytes(50 << 20))
        except MemoryError:
            pass

#: memory_error_survived -> value 'alive'
def f(x):
    try:
        block = bytearray(1 << 30)
    except MemoryError:
        return "alive"

#: everything_taken_then_released -> value 'alive'
def f(x):
    blocks = []
    for size in (16 << 20, 1 << 20, 1 << 14):
        try:
            while True:
                blocks.append(bytes(size))
        except MemoryError:
            pass
    blocks.clear()
    return "alive"

#: everything_taken_and_kept -> out_of_memory
# Not a byte is left for the report of the outcome.
held = []
def f(x):
    for size in (16 << 20, 1 << 20, 1 << 16, 1 << 12, 1 << 8):
        try:
            while True:
                held.append(bytes(size))
        except MemoryError:
            pass
    return list(range(100_000))

#: next_call_after_the_memory_is_full -> value 3
#: call f(1)
#: call g()
held = []
def f(x):
    while True:
        held.append(bytes(20 << 20))
def g():
    held.clear()
    return 1 + 2

#: module_level_allocates -> out_of_memory
held = [bytes(1 << 20) for _ in range(1000)]
def f(x):
    return 1

#: dictionary_without_end -> timeout
def f(x):
    table = {}
    while True:
        table[len(table)] = None

#: set_from_range -> out_of_memory
def f(x):
    return len(set(range(20_000_000)))

#: range_to_list -> out_of_memory
def f(x):
    return len(list(range(100_000_000)))

#: cycles_not_collected -> out_of_memory
import gc
gc.disable()
def f(x):
    while True:
        cycle = [bytes(1 << 20)]
        cycle.append(cycle)

#: cycles_collected -> value 'alive'
def f(x):
    for _ in range(300):
        cycle = [bytearray(1 << 20)]
        cycle.append(cycle)
        del cycle
        import gc
        gc.collect(0)
    return "alive"

#: decompression_bomb -> timeout
import gzip
def f(x):
    return len(gzip.decompress(gzip.compress(bytes(1 << 20), 1) * 400))

#: decompression_with_a_huge_buffer -> out_of_memory
import zlib
def f(x):
    return zlib.decompress(zlib.compress(b"a"), bufsize=1 << 30)

#: permutations_to_list -> out_of_memory
import itertools
def f(x):
    return len(list(itertools.product(range(40), repeat=300)))

#: product_of_pools -> out_of_memory
import itertools
def f(x):
    return next(itertools.product(range(10_000_000), repeat=8))

#: text_padding -> out_of_memory
def f(x):
    return "a".ljust(400_000_000) + "b"

#: formatted_width -> out_of_memory
def f(x):
    return f"{x:>{2**30}}"

#: percent_width -> out_of_memory
def f(x):
    return "%0900000000d" % x

#: join_of_shared -> out_of_memory
def f(x):
    return "".join(["a" * 1_000_000] * 1_000)

#: replace_explodes -> out_of_memory
def f(x):
    return ("a" * 30_000).replace("a", "b" * 30_000)

#: tabs_expand -> out_of_memory
def f(x):
    return len(("\t" * 1000).expandtabs(1_000_000))

#: array_appended_to_itself -> out_of_memory
import array
def f(x):
    numbers = array.array("d", [1.0])
    while True:
        numbers.extend(numbers)

#: string_buffer_seeks_far -> out_of_memory
import io
def f(x):
    buffer = io.BytesIO()
    buffer.seek(2**30)
    buffer.write(b"a")

#: allocation_hook -> timeout
# A finalizer that makes more of what it frees.
held = []
class Hydra:
    def __init__(self):
        self.weight = bytes(8 << 20)
    def __del__(self):
        held.append(Hydra())
        held.append(Hydra())
def f(x):
    heads = [Hydra()]
    while True:
        heads.clear()
        heads, held[:] = list(held), []
