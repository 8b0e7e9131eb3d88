#: tower -> timeout
def f(x):
    return 9**9**9

#: modular_power -> timeout
def f(x):
    return pow(3, 10**6000 + 1, 10**6000 + 7)

#: shift_to_the_left -> out_of_memory
def f(x):
    return 1 << 4_000_000_000

#: shift_too_far -> raised OverflowError
def f(x):
    return 1 << (1 << 64)

#: factorial -> timeout
import math
def f(x):
    return math.factorial(2_000_000) % 7

#: fibonacci_doubling -> timeout
def f(x):
    a = 3
    while True:
        a = a * a

#: decimal_text -> timeout
# Without a limit of digits the conversion is slow: the fuel limits it.
def f(x):
    return len(str(7**2_000_000))

#: text_to_integer -> timeout
def f(x):
    return int("7" * 3_000_000) % 10

#: result_of_many_digits -> output_too_large 70001
def f(x):
    return 10**70_000

#: digits_below_the_limit -> value 5000
def f(x):
    return len(str(10**4999))

#: greatest_divisor -> timeout
import math
def f(x):
    a, b = 1, 1
    for _ in range(200_000):
        a, b = a + b, a
    return math.gcd(a << 3, b << 5)

#: square_root -> timeout
import math
def f(x):
    return math.isqrt(7**3_000_000) % 10

#: bytes_of_an_integer -> out_of_memory
def f(x):
    return len((1).to_bytes(2**30, "big"))

#: bytes_negative_length -> raised ValueError
def f(x):
    return (1).to_bytes(-1, "big")

#: decimal_of_great_precision -> out_of_memory
import decimal
def f(x):
    context = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
    return context.divide(1, 3)

#: decimal_exponent -> out_of_memory
import decimal
def f(x):
    return int(decimal.Decimal("1e400000000")) % 7

#: fraction_of_a_tiny_float -> raised OverflowError
from fractions import Fraction
def f(x):
    return float(Fraction("1e400"))

#: fraction_exponent -> timeout
from fractions import Fraction
def f(x):
    return Fraction("1e900000000") > 1

#: combinations -> timeout
import math
def f(x):
    return math.comb(5_000_000, 2_500_000) % 7

#: power_sum -> timeout
def f(x):
    return sum(i**i for i in range(10**6)) % 7

#: float_overflows -> raised OverflowError
def f(x):
    return float(10**400)

#: range_longer_than_an_index -> raised OverflowError
def f(x):
    return len(range(10**12))

#: hash_of_a_huge_integer -> value True
def f(x):
    number = (1 << 1_000_000) + 1
    return all(hash(number + i) == hash((number + i) % (2**31 - 1)) for i in range(20))

#: random_bits -> out_of_memory
import random
def f(x):
    return random.getrandbits(2**31 - 1) & 1

#: integer_subclass_lies_as_index -> raised TypeError
class Liar(int):
    def __index__(self):
        return "many"
    def __int__(self):
        return 10**9
class Other:
    def __index__(self):
        return "many"
def f(x):
    return [1, 2, 3][Other()]
