"""Small functions with what they are said to return: some of it is wrong."""

LIMIT = 10
VOWELS = "aeiou"


def wrap(x):
    return x % LIMIT


def add_wrapped(a, b):
    """Adds what is left of a to b.

    >>> add_wrapped(13, 4)
    7
    >>> add_wrapped(9, 1)
    11
    """
    return wrap(a) + b


def count_vowels(text):
    return sum(1 for letter in text.lower() if letter in VOWELS)


def invert(pairs):
    return {value: key for key, value in pairs}


def share(total, people):
    return total // people


assert add_wrapped(13, 4) == 7
assert add_wrapped(0, 1) == 2
assert add_wrapped(25, 1) == 6
assert count_vowels("Education") == 5
assert invert([(1, "a"), (2, "b")]) == {"a": 1, "b": 2}
share(10, 0)
