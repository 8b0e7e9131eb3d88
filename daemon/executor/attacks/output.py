#: value_one_too_long -> output_too_large 65537
def f(x):
    return "a" * (65_536 - 1)

#: value_just_fits -> value 65536
def f(x):
    return len(repr("a" * (65_536 - 2)))

#: value_of_many_megabytes -> output_too_large 20000002
def f(x):
    return "a" * 20_000_000

#: value_of_a_long_list -> output_too_large 300000
def f(x):
    return [1] * 100_000

#: repr_doubles_what_it_escapes -> output_too_large 80002
def f(x):
    return "\x00" * 20_000

#: repr_of_hundred_megabytes -> output_too_large 100000000
class Long:
    def __repr__(self):
        return "a" * 100_000_000
def f(x):
    return Long()

#: shared_structure_explodes -> timeout
# Forty lists, each holding the one before it twice.
def f(x):
    nested = ["a"]
    for _ in range(40):
        nested = [nested, nested]
    return nested

#: print_without_end -> timeout
def f(x):
    while True:
        print("a" * 1000)

#: print_megabytes -> value 1
def f(x):
    for _ in range(100):
        print("a" * 100_000)
    return x

#: print_wide_characters -> value 1
def f(x):
    print("\U0001F600" * 200_000)
    return x

#: print_surrogates -> value 1
def f(x):
    print("\ud800" * 1000, end="")
    return x

#: write_half_a_character -> value 1
import sys
def f(x):
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\xf0\x9f" + b"\xff" * 100_000)
    return x

#: error_stream_without_end -> timeout
import sys
def f(x):
    while True:
        sys.stderr.write("a" * 10_000)

#: message_of_megabytes -> raised ValueError
def f(x):
    raise ValueError("a" * 10_000_000)

#: exception_with_a_huge_name -> raised AAAAAAAAAA
def f(x):
    raise type("A" * 10, (Exception,), {"__str__": lambda self: "b" * 5_000_000})

#: generator_never_ends -> timeout
def f(x):
    def numbers():
        i = 0
        while True:
            yield i
            i += 1
    return sum(numbers())

#: generator_as_list -> out_of_memory
import itertools
def f(x):
    return list(itertools.repeat(0))

#: endless_iterator_in_c -> timeout
import itertools, collections
def f(x):
    return collections.deque(itertools.cycle([1]), maxlen=0)

#: containment_in_the_endless -> timeout
import itertools
def f(x):
    return -1 in itertools.count()

#: endless_unpacking -> timeout
class Forever:
    def __getitem__(self, index):
        return "a"
def f(x):
    first, *rest = Forever()
    return first

#: closed_standard_output -> value 3
import sys
def f(x):
    sys.stdout.close()
    return 3

#: detached_standard_output -> value 3
import sys
def f(x):
    print("lost")
    sys.stdout.detach()
    return 3

#: standard_output_replaced -> value 3
import sys
class Sink:
    def write(self, text):
        raise KeyboardInterrupt
    def flush(self):
        raise KeyboardInterrupt
def f(x):
    sys.stdout = Sink()
    return 3

#: standard_output_deleted -> raised RuntimeError
import sys
def f(x):
    del sys.stdout, sys.stderr, sys.__stdout__
    print("nowhere")
    return 3

#: output_in_the_repr -> value <3>
class Loud:
    def __repr__(self):
        print("a" * 1_000_000)
        return "<3>"
def f(x):
    return Loud()

#: warnings_without_end -> timeout
import warnings
def f(x):
    warnings.simplefilter("always")
    i = 0
    while True:
        i += 1
        warnings.warn("a" * i)

#: pretty_print_bomb -> timeout
import pprint
def f(x):
    nested = "a"
    for _ in range(30):
        nested = [nested, nested]
    return pprint.pformat(nested)

#: width_of_two_billion -> out_of_memory
def f(x):
    return "%*d" % (2**31 - 1, 1)
