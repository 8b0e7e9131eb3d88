"""lm-evaluation-harness asks our endpoint; its texts and verdicts are those of `azr eval`?

    python -m venv venv && venv/bin/pip install "lm_eval[api]"
    venv/bin/python benchmarks/interop/lm_eval_endpoint.py --azr target/release/azr [--items 12]

1. `azr eval tiny` answers some deduction items with the embedded model, greedily.
2. `lm_eval --model local-completions` gets the same prompts as a task of its own (a YAML file and a file of JSON lines, no
   network) and asks the daemon's endpoint. Its texts must be ours, item by item.
3. Its metric `exact_match` (the answer by a regular expression, equal to the recorded output) must be our verdict, and
   `azr score` must give its samples the verdict of step 1.

The package must have a stop text; the one here never occurs. Prints one JSON object; exit code 1 on a difference.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from endpoint import endpoint, read_lines, write_lines

# A target that begins with a bracket would be read as a list of targets, so the fence's first line belongs to it.
TASK = """\
task: azr_deduction
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "output\\n{{{{expected}}}}"
target_delimiter: ""
generation_kwargs:
  until: ["<|never written|>"]
  do_sample: false
  temperature: 0.0
  max_gen_toks: 256
filter_list:
  - name: answer
    filter:
      - function: regex
        regex_pattern: "<answer>```((?:.|\\\\n)*?)\\\\n```"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1
"""


def azr(options, *arguments):
    return subprocess.run([options.azr, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def asked(options, folder):
    """Our records of the items, each with its prompt and what is expected."""
    run = folder / "run"
    azr(options, "eval", "tiny", "--limit", 3 * options.items, "--run-dir", run)
    records = [row for row in read_lines(run / "eval/tiny/items.jsonl") if row["item"].startswith("deduction/")]
    for record in records:
        shown = json.loads(azr(options, "explain", f"tiny/{record['item']}", "--run", run, "--json"))[0]
        record["prompt"], record["expected"] = shown["prompt"], shown["evidence"]["expected output"]
    return records


def lm_eval(records, url, token, folder):
    data = write_lines(folder / "items.jsonl",
                       [{key: record[key] for key in ("item", "prompt", "expected")} for record in records])
    tasks = folder / "tasks"
    tasks.mkdir()
    (tasks / "azr_deduction.yaml").write_text(TASK.format(data=data))
    environment = {**os.environ, "OPENAI_API_KEY": token, "HOME": str(folder), "HF_HOME": str(folder / "hf"),
                   "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    finished = subprocess.run(
        [sys.executable, "-m", "lm_eval", "--model", "local-completions", "--model_args",
         f"model=azr-tiny,base_url={url}/completions,tokenizer_backend=None,tokenized_requests=False,num_concurrent=2",
         "--include_path", tasks, "--tasks", "azr_deduction", "--output_path", folder / "out", "--log_samples"],
        env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise SystemExit(f"lm_eval failed:\n{finished.stdout[-2000:]}\n{finished.stderr[-4000:]}")
    samples = next((folder / "out").rglob("samples_azr_deduction_*.jsonl"))
    return {row["doc"]["item"]: row for row in read_lines(samples)}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True, type=os.path.abspath)
    arguments.add_argument("--items", type=int, default=12)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, endpoint(options.azr) as (url, token):
        folder = pathlib.Path(folder)
        records = asked(options, folder)
        theirs = lm_eval(records, url, token, folder)
        file = write_lines(folder / "samples.jsonl", [
            {"item": record["item"], "completion": theirs[record["item"]]["resps"][0][0]} for record in records])
        azr(options, "score", "tiny", "--samples", file, "--out", folder / "graded.jsonl")
        scored = {row["item"]: row["pass"] for row in read_lines(folder / "graded.jsonl")}
    report = {
        "items": len(records),
        "right": sum(record["pass"] for record in records),
        "other_text": [record["item"] for record in records
                       if record["output"] != theirs[record["item"]]["resps"][0][0]],
        "other_verdict_of_lm_eval": [record["item"] for record in records
                                     if record["pass"] != bool(theirs[record["item"]]["exact_match"])],
        "other_verdict_of_azr_score": [record["item"] for record in records if record["pass"] != scored[record["item"]]],
    }
    print(json.dumps(report, indent=2))
    sys.exit(any(report[key] for key in report if key.startswith("other")))


if __name__ == "__main__":
    main()
