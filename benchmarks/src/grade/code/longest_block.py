# Runs inside the sandbox. Finds the longest run of lines that parses as Python (spec section 2.3, step 1).
#
# The reference tries every run of at least two lines and keeps the first of those with the most non-blank
# lines. Trying the runs from the most non-blank lines downwards, and within one count in the reference's order,
# the first that parses is the same run, found after far fewer attempts on text that is mostly code.

import ast
import warnings

warnings.simplefilter("ignore")


def parses(text):
    try:
        ast.parse(text)
        return True
    except (SyntaxError, MemoryError, ValueError, RecursionError):
        return False


def longest_block(text):
    """First and last line of the block, both 0 if no run parses."""
    lines = text.split("\n")
    filled = [0]
    for line in lines:
        filled.append(filled[-1] + bool(line.strip()))
    runs = [
        (filled[i] - filled[j + 1], i, j)
        for i in range(len(lines))
        for j in range(i + 1, len(lines))
        if filled[j + 1] > filled[i]
    ]
    runs.sort()
    for _, i, j in runs:
        if parses("\n".join(lines[i : j + 1])):
            return (i, j)
    return (0, 0)
