"""The `evalplus` package generates with our endpoint and scores; `azr score` scores the same samples: same verdicts?

    python -m venv venv && venv/bin/pip install evalplus==0.3.1 setuptools
    venv/bin/python benchmarks/interop/evalplus_endpoint.py --azr target/release/azr --data DATA [--tasks 4] [--model azr-tiny]

Per set (HumanEval+, MBPP+), with the package's own commands:

* `evalplus.codegen` with the backend openai asks the endpoint for the first tasks; `evalplus.evaluate` judges what it wrote.
* A small model gets little right. So that the verdicts to agree on are not all the same, the reference program of each task
  is judged too, the same with one more argument, and an endless loop.
* So are samples of ours: the lines of the `samples.jsonl` that `azr eval --run-dir` leaves, as they are.

`azr score` judges the same samples, and each verdict (base, plus) is compared. The limits are 4 s and factor 4 on both
sides. Prints one JSON object; exit code 1 where a verdict differs.
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from endpoint import endpoint

SETS = {
    "humaneval": ("humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz", "HUMANEVAL_OVERRIDE_PATH"),
    "mbpp": ("mbpp_plus/MbppPlus-v0.2.0.jsonl.gz", "MBPP_OVERRIDE_PATH"),
}


def read_lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def evalplus(module, arguments, environment):
    command = [sys.executable, "-m", f"evalplus.{module}", *map(str, arguments)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise SystemExit(f"evalplus.{module} failed:\n{finished.stdout[-2000:]}\n{finished.stderr[-4000:]}")
    return finished.stdout


def verdicts_of_the_package(dataset, samples, environment):
    evalplus("evaluate", ["--dataset", dataset, "--samples", samples, "--parallel", 2, "--min_time_limit", 4,
                          "--gt_time_limit_factor", 4], environment)
    graded = json.loads(samples.with_name(samples.stem + "_eval_results.json").read_text())["eval"]
    seen, verdicts = {}, []
    for row in read_lines(samples):
        place = seen[row["task_id"]] = seen.get(row["task_id"], -1) + 1
        one = graded[row["task_id"]][place]
        verdicts.append([one["base_status"], one["plus_status"]])
    return verdicts


def verdicts_of_ours(options, dataset, samples):
    out = samples.with_suffix(".graded")
    subprocess.run([options.azr, "score", f"{dataset}_plus", "--samples", samples, "--out", out, "--data", options.data,
                    "--mode", "paper", "--limits", "evalplus", "--json"], check=True, capture_output=True)
    return [[row["base_status"], row["plus_status"]] for row in read_lines(out)]


def made_by_hand(tasks):
    for task in tasks:
        reference = task["prompt"] + task["canonical_solution"]
        name = task["entry_point"]
        for program in (reference, reference.replace(f"def {name}(", f"def {name}(one_more, ", 1),
                        f"def {name}(*arguments):\n    while True:\n        pass\n"):
            yield {"task_id": task["task_id"], "solution": program}


def one_set(options, dataset, url, token, folder):
    file, override = SETS[dataset]
    with gzip.open(options.data / file, "rt") as lines:
        tasks = [json.loads(line) for line in lines][: options.tasks]
    problems = write_lines(folder / f"{dataset}.problems", tasks)
    environment = {**os.environ, override: str(problems), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder),
                   "OPENAI_API_KEY": token, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    # The package knows a model by its name alone, and wants a folder for what it writes.
    evalplus("codegen", [options.model, "--dataset", dataset, "--backend", "openai", "--base_url", url, "--greedy",
                         "--root", folder / "made"], environment)
    made = [path for path in (folder / "made" / dataset).glob("*.jsonl") if not path.name.endswith(".raw.jsonl")]
    if len(made) != 1:
        raise SystemExit(f"evalplus.codegen left {made}")
    run = folder / f"run-{dataset}"
    subprocess.run([options.azr, "eval", f"{dataset}_plus", "--model", options.model, "--run-dir", run, "--limit",
                    str(options.tasks), "--data", options.data], check=True, capture_output=True)
    ours = read_lines(run / "eval" / f"{dataset}_plus" / "samples.jsonl")
    names = {task["task_id"] for task in tasks}
    # `--limit` spreads over the suite; the package wants a sample of every task it is given and no other.
    absent = names - {row["task_id"] for row in ours}
    ours = [row for row in ours if row["task_id"] in names] + [{"task_id": name, "solution": ""} for name in sorted(absent)]
    files = {
        "generated by evalplus.codegen with our endpoint": read_lines(made[0]),
        "reference programs and wrong ones": list(made_by_hand(tasks)),
        "samples.jsonl of azr eval": ours,
    }
    # One file: the package takes twenty seconds to end, however little there is to judge.
    samples = write_lines(folder / f"{dataset}.jsonl", [row for rows in files.values() for row in rows])
    theirs = verdicts_of_the_package(dataset, samples, environment)
    mine = verdicts_of_ours(options, dataset, samples)
    report = {}
    for name, rows in files.items():
        verdicts, theirs, mine = list(zip(theirs, mine))[: len(rows)], theirs[len(rows):], mine[len(rows):]
        report[name] = {
            "samples": len(rows),
            "right": sum(a == ["pass", "pass"] for a, _ in verdicts),
            "different": [[row["task_id"], a, b] for row, (a, b) in zip(rows, verdicts) if a != b],
        }
    return report


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True, type=os.path.abspath)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--tasks", type=int, default=4, help="the first so many tasks of each set")
    arguments.add_argument("--model", default="azr-tiny")
    options = arguments.parse_args()
    options.data = options.data.resolve()
    with tempfile.TemporaryDirectory() as folder, endpoint(options.azr, options.model) as (url, token):
        report = {dataset: one_set(options, dataset, url, token, pathlib.Path(folder)) for dataset in SETS}
    print(json.dumps(report, indent=2))
    sys.exit(any(file["different"] for of_set in report.values() for file in of_set.values()))


if __name__ == "__main__":
    main()
