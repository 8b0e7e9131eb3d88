"""EvalPlus' own generator against the daemon: evalplus_generator.py BASE_URL TOKEN DATA FOLDER.

DATA is HumanEvalPlus as JSON lines. One problem with a short prompt: the embedded model has a small context, and what it
answers does not matter here. What matters is that the generator's requests are served and its files are complete.
"""

import json
import os
import sys
from pathlib import Path

base_url, token, data, folder = sys.argv[1:5]
os.environ["HUMANEVAL_OVERRIDE_PATH"] = data
os.environ["OPENAI_API_KEY"] = token

from evalplus.codegen import run_codegen  # noqa: E402: it reads the environment when it is imported

from checks import Checks  # noqa: E402

FIRST, LAST = 23, 24
checks = Checks()
try:
    run_codegen(model="azr-tiny", dataset="humaneval", root=folder, backend="openai", base_url=base_url, temperature=0.8, bs=3, n_samples=3, id_range=[FIRST, LAST])
    written = {path.name: [json.loads(line) for line in path.read_text().splitlines()] for path in Path(folder, "humaneval").glob("*.jsonl")}
    raw = [rows for name, rows in written.items() if name.endswith(".raw.jsonl")]
    checks.that("it wrote answers raw and sanitized", len(written) == 2 and len(raw) == 1, list(written))
    for name, rows in written.items():
        checks.that(f"three answers to the problem in {name}", [row["task_id"] for row in rows] == [f"HumanEval/{FIRST}"] * 3, rows)
    checks.that("a raw answer is a text", all(isinstance(row["solution"], str) for row in raw[0]), raw)
except Exception:
    checks.crashed()
checks.end()
