"""Checks that are counted and told one by one, as the tests of the editors tell theirs."""

import sys
import traceback


class Checks:
    """Prints `ok` or `FAIL` a check, and at the end their number; a failure makes the exit code 1."""

    def __init__(self):
        self.count = 0
        self.failures = 0

    def that(self, what, right, more=None):
        self.count += 1
        if right:
            print(f"ok    {what}", flush=True)
        else:
            self.failures += 1
            print(f"FAIL  {what}\n      {more!r}"[:2000], flush=True)

    def end(self):
        print(f"{self.count} checks, {self.failures} failures", flush=True)
        sys.exit(1 if self.failures else 0)

    def crashed(self):
        """Call this in an `except` at the top: an exception is a failure with its trace."""
        traceback.print_exc(file=sys.stdout)
        self.that("no exception", False)
