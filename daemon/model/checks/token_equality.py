"""Are azr's tokens those of Python's `tokenizers`, on every text of the data folder and on drawn Unicode?

    pip install tokenizers
    python daemon/model/checks/token_equality.py --azr target/release/azr --data DATA TOKENIZER.json ...

Both read the same tokenizer.json; they differ in the engine of regular expressions (azr has one in Rust). Prints one JSON
object a tokenizer, exit code 1 where a token differs.
"""

import argparse
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

LONGEST = 200_000


def strings(value):
    if isinstance(value, str):
        yield value[:LONGEST]
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def texts(data):
    for path in sorted(data.rglob("*")):
        if not path.is_file() or path.stat().st_size > 40_000_000:
            continue
        opener = gzip.open if path.suffix == ".gz" else open
        try:
            with opener(path, "rt", encoding="utf-8") as file:
                content = file.read()
        except (UnicodeDecodeError, OSError):
            continue
        if ".jsonl" in path.name:
            for line in content.splitlines():
                if line.strip():
                    yield from strings(json.loads(line))
        else:
            for start in range(0, len(content), LONGEST):
                yield content[start : start + LONGEST]


def drawn(count):
    random.seed(7)
    ranges = [(0, 128), (128, 0x250), (0x300, 0x370), (0x590, 0x700), (0x900, 0x980), (0x1100, 0x1200), (0x2000, 0x2070),
              (0x3040, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFE00, 0xFE10), (0x1F300, 0x1FAFF), (0xE0000, 0xE0080)]
    pieces = ["\r\n", "\n\n", "  ", "\t", " 's", "'LL", "don't", "1234567", "\u00a0", "\u2028", "e\u0301", "<|im_end|>", "<|eot_id|>"]
    for _ in range(count):
        parts = []
        for _ in range(random.randrange(1, 40)):
            if random.random() < 0.3:
                parts.append(random.choice(pieces))
            else:
                low, high = random.choice(ranges)
                parts.append(chr(random.randrange(low, high)))
        yield "".join(parts)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--drawn", type=int, default=20_000)
    arguments.add_argument("tokenizers", nargs="+")
    options = arguments.parse_args()
    all_texts = list(dict.fromkeys(list(texts(options.data)) + list(drawn(options.drawn))))
    good = True
    for name in options.tokenizers:
        reference = Tokenizer.from_file(name)
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "in.jsonl"), pathlib.Path(folder, "out.jsonl")
            with source.open("w") as file:
                file.writelines(json.dumps({"text": text}) + "\n" for text in all_texts)
            subprocess.run([options.azr, "model", "tokenize", name, "--texts", source, "--out", target], check=True)
            tokens = different = 0
            with target.open() as file:
                for text, line in zip(all_texts, file, strict=True):
                    expected = reference.encode(text, add_special_tokens=False).ids
                    found = json.loads(line)["tokens"]
                    tokens += len(expected)
                    if expected != found:
                        different += 1
                        print("differs:", repr(text[:80]), file=sys.stderr)
        print(json.dumps({"tokenizer": name, "texts": len(all_texts), "tokens": tokens, "different": different}))
        good &= different == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
