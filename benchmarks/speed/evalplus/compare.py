"""Scores recorded samples with the packaged EvalPlus and with `azr score`, one worker each, one after the other.

    python -m venv venv && venv/bin/pip install evalplus==0.3.1
    venv/bin/python benchmarks/speed/evalplus/compare.py --azr target/release/azr --data DATA --work DIR [--sets humaneval,mbpp]

DATA holds `humaneval_plus`, `mbpp_plus` and `evalplus-verdicts`; DIR keeps the caches of both sides. Both get the same
samples in the same limits (4 s, factor 4) on the same core (taskset). Their caches of expected outputs are filled before
the clock starts, by a run on one sample a task. EvalPlus refuses a set with missing tasks, so it is given the tasks that
have samples.

Prints one JSON object a set and a side: wall seconds, processor seconds of all processes, the highest memory of all its
processes together (proportional set size, sampled), verdicts that differ from the record (samples that are marked
unstable aside). With --out, one line each is appended to that file.
"""

import argparse
import gzip
import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

SETS = {
    "humaneval": ("humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz", "HUMANEVAL_OVERRIDE_PATH"),
    "mbpp": ("mbpp_plus/MbppPlus-v0.2.0.jsonl.gz", "MBPP_OVERRIDE_PATH"),
}
LEAST_SECONDS, FACTOR = 4, 4


def lines(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        return [json.loads(line) for line in file]


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def descendants(root):
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name of the program stands in brackets and may hold spaces.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                pass
    found, grew = {root}, True
    while grew:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found


def memory_mib(root):
    """Proportional set size of the process and all below it: shared pages count once."""
    total = 0
    for process in descendants(root):
        try:
            for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total // 1024


def measured(command, environment, log):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with open(log, "w") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT)
        peak, ended = [0], threading.Event()

        def watch():
            while not ended.wait(0.5):
                peak[0] = max(peak[0], memory_mib(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        ended.set()
        watcher.join()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code != 0:
        sys.exit(f"{command[0]} ended with {code}; see {log}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 1), "processor_s": round(seconds, 1), "peak_memory_mib": peak[0]}


def different(rows, verdicts):
    """Samples whose verdict is not the recorded one, the unstable ones aside."""
    return [
        {"task_id": row["task_id"], "kind": row["kind"], "recorded": [row["base_status"], row["plus_status"]], "got": got}
        for row, got in zip(rows, verdicts)
        if not row["unstable"] and list(got) != [row["base_status"], row["plus_status"]]
    ]


class Peer:
    name = "evalplus 0.3.1"

    def __init__(self, options, dataset, problems, work):
        _, override = SETS[dataset]
        self.environment = {override: str(problems), "XDG_CACHE_HOME": str(work / "evalplus-cache"),
                            "HOME": str(work), "TOKENIZERS_PARALLELISM": "false"}
        self.command = ["taskset", "-c", options.core, sys.executable, "-m", "evalplus.evaluate", "--dataset", dataset,
                        "--parallel", "1", "--min_time_limit", str(LEAST_SECONDS), "--gt_time_limit_factor", str(FACTOR)]

    def run(self, samples, log):
        results = samples.with_name(samples.name.replace(".jsonl", "_eval_results.json"))
        results.unlink(missing_ok=True)
        # The package asks before it overwrites, and reads its own answers of an earlier run.
        figures = measured([*self.command, "--samples", str(samples), "--i_just_wanna_run"], self.environment, log)
        graded = json.loads(results.read_text())["eval"]
        places = {}
        verdicts = []
        for row in lines(samples):
            place = places[row["task_id"]] = places.get(row["task_id"], -1) + 1
            one = graded[row["task_id"]][place]
            verdicts.append((one["base_status"], one["plus_status"]))
        return figures, verdicts


class Ours:
    name = "azr"

    def __init__(self, options, dataset, _, work):
        self.environment = {"AZR_CACHE": str(work / "azr-cache"), "AZR_DATA": str(options.data)}
        # One core, one worker: the sandbox has as many threads as it has cores.
        self.command = ["taskset", "-c", options.core, options.azr, "score", f"{dataset}_plus", "--mode", "paper",
                        "--limits", "evalplus", "--json"]

    def run(self, samples, log):
        out = samples.with_suffix(".azr.jsonl")
        figures = measured([*self.command, "--samples", str(samples), "--out", str(out)], self.environment, log)
        return figures, [(row["base_status"], row["plus_status"]) for row in lines(out)]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    arguments.add_argument("--sets", default="humaneval,mbpp")
    arguments.add_argument("--sides", default="evalplus,azr")
    arguments.add_argument("--core", default="0")
    arguments.add_argument("--tasks", type=int, help="only the first N tasks that have samples")
    arguments.add_argument("--out", type=pathlib.Path)
    options = arguments.parse_args()
    options.azr, options.data, options.work = (os.path.abspath(options.azr), options.data.resolve(), options.work.resolve())
    for dataset in options.sets.split(","):
        rows = lines(options.data / "evalplus-verdicts" / f"{dataset}.jsonl.gz")
        chosen = list(dict.fromkeys(row["task_id"] for row in rows))[: options.tasks]
        rows = [row for row in rows if row["task_id"] in set(chosen)]
        problems = [task for task in lines(options.data / SETS[dataset][0]) if task["task_id"] in set(chosen)]
        work = options.work / dataset
        problems_file = write_lines(work / "problems.jsonl", problems)
        sample = lambda row: {"task_id": row["task_id"], "solution": row["solution"]}
        warm = {row["task_id"]: sample(row) for row in reversed(rows) if row["kind"] == "canonical"}
        for side in (Peer, Ours):
            if side.__name__ == "Peer" and "evalplus" not in options.sides or side is Ours and "azr" not in options.sides:
                continue
            runner = side(options, dataset, problems_file, work)
            folder = work / side.name.split()[0]
            first, _ = runner.run(write_lines(folder / "warm.jsonl", warm.values()), folder / "warm.log")
            load = os.getloadavg()[0]
            figures, verdicts = runner.run(write_lines(folder / "samples.jsonl", map(sample, rows)), folder / "run.log")
            wrong = different(rows, verdicts)
            line = {"set": dataset, "side": side.name, "samples": len(rows), "tasks": len(chosen), **figures,
                    "first_run_of_one_sample_a_task_s": first["wall_s"], "load_before": round(load, 1),
                    "stable_samples": sum(not row["unstable"] for row in rows), "different": len(wrong),
                    "differences": wrong}
            text = json.dumps(line)
            print(text, flush=True)
            if options.out:
                with open(options.out, "a") as file:
                    file.write(text + "\n")


if __name__ == "__main__":
    main()
