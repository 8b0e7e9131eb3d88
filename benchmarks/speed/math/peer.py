"""Judges the recorded pairs with math-verify 0.7.0 and prints processor seconds and disagreements with the record.

    pip install math-verify==0.7.0 latex2sympy2-extended==1.10.1 antlr4-python3-runtime==4.11.0 sympy==1.14.0
    python peer.py DATA/math-verdicts/pairs.jsonl.gz
"""

import gzip
import json
import logging
import sys
import time

from math_verify import parse, verify

logging.disable(logging.CRITICAL)


def judge(gold, prediction):
    try:
        return bool(verify(parse("\\boxed{" + gold + "}"), parse("\\boxed{" + prediction + "}"), timeout_seconds=3))
    except Exception:
        return False


rows = [json.loads(line) for line in gzip.open(sys.argv[1], "rt")]
started = time.process_time()
different = 0
for row in rows:
    right = bool(row["pred_norm"]) and judge(row["gold_norm"], row["pred_norm"])
    different += right != row["verdict"]
print(json.dumps({"pairs": len(rows), "different": different, "cpu_seconds": round(time.process_time() - started, 2)}))
