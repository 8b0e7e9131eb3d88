"""Packs the two components into one LZMA stream: `pack.py FIRST SECOND OUT`.

The second differs from the first in little more than hashes and the order of hash tables, so it costs a quarter of it.
"""

import lzma
import sys

first, second, out = sys.argv[1:]
# 64 MiB of window holds both; the rest was chosen by measuring (memory images are made of aligned 32-bit words).
FILTER = {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 26, "lc": 0, "lp": 2, "pb": 2}
FILTER |= {"nice_len": 273, "mf": lzma.MF_BT4, "depth": 1000}
with open(first, "rb") as one, open(second, "rb") as two, open(out, "wb") as packed:
    packed.write(lzma.compress(one.read() + two.read(), format=lzma.FORMAT_ALONE, filters=[FILTER]))
