"""Our scores beside those of transformers with the reference graders, item by item.

    python -m venv venv && venv/bin/pip install evalplus==0.3.1 setuptools
    venv/bin/python benchmarks/reference/compare.py humaneval_plus --run RUN --completions completions.jsonl --azr azr --data DATA

RUN is the folder of `azr eval SUITE --prompts paper --mode paper --run-dir RUN`; completions.jsonl is what `generate.py`
made for the same prompts. The reference graders run on the completions of transformers:

* humaneval_plus, mbpp_plus: `evalplus.sanitize`, then `evalplus.evaluate`, limits 4 s and factor 4.
* cruxeval_i, cruxeval_o: the published rule, the program text with the assertion run by this Python, 3 s. That runs what a
  model wrote, outside of any sandbox, as the reference does.

Every item that both sides have is compared: text, then verdict. Where verdicts differ, our grader judges the text of
transformers too, which tells a difference of the text from one of the grader. Prints Markdown.
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

CODE = {
    "humaneval_plus": ("humaneval", "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz", "HUMANEVAL_OVERRIDE_PATH"),
    "mbpp_plus": ("mbpp", "mbpp_plus/MbppPlus-v0.2.0.jsonl.gz", "MBPP_OVERRIDE_PATH"),
}


def read_lines(path):
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt") as file:
        return [json.loads(line) for line in file if line.strip()]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def code_verdicts(options, completions, folder):
    """Right by the package (base and plus), and the samples that it judged."""
    from evalplus.sanitize import sanitize

    dataset, file, override = CODE[options.suite]
    tasks = [task for task in read_lines(options.data / file) if task["task_id"] in completions]
    problems = write_lines(folder / "problems.jsonl", tasks)
    samples = [
        {"task_id": task["task_id"],
         "solution": sanitize(completions[task["task_id"]].replace("\t", "    "), task["entry_point"])}
        for task in tasks
    ]
    file = write_lines(folder / "samples.jsonl", samples)
    environment = {**os.environ, override: str(problems), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    subprocess.run([sys.executable, "-m", "evalplus.evaluate", "--dataset", dataset, "--samples", file, "--parallel", "1",
                    "--min_time_limit", "4", "--gt_time_limit_factor", "4"],
                   env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    graded = json.loads((folder / "samples_eval_results.json").read_text())["eval"]
    right = {name: (one[0]["base_status"], one[0]["plus_status"]) == ("pass", "pass") for name, one in graded.items()}
    return right, samples


def generation(completion, outputs):
    """The generation of a completion without thought, as the published script takes it."""
    text = completion.split("[/ANSWER]")[0]
    if outputs:
        return text.split("==")[1].strip() if "==" in text else text.strip()
    before = text.split("==")[0].strip()
    return "f" + before.split("assert f", 1)[1].strip() if "assert f" in before else before


def crux_verdicts(options, completions):
    outputs = options.suite.endswith("_o")
    right, samples = {}, []
    for row in read_lines(options.data / "cruxeval/cruxeval.jsonl.gz"):
        if row["id"] not in completions:
            continue
        answer = generation(completions[row["id"]], outputs)
        samples.append({"id": row["id"], "answer": answer})
        # A generation without a call says nothing about the input; one that repeats the call nothing about the output.
        counted = f"f({row['input']})" not in answer if outputs else "f(" in answer
        program = f"{row['code']}\nassert {row['output']} == {answer}"
        try:
            ran = counted and subprocess.run([sys.executable, "-c", program], timeout=3, stdin=subprocess.DEVNULL,
                                             capture_output=True, check=False).returncode == 0
        except (subprocess.TimeoutExpired, ValueError):
            ran = False
        right[row["id"]] = ran
    return right, samples


def judged_by_us(options, samples, folder):
    file, out = write_lines(folder / "theirs.jsonl", samples), folder / "theirs.graded"
    subprocess.run([options.azr, "score", options.suite, "--samples", file, "--out", out, "--data", options.data,
                    "--mode", "paper", "--json"], check=True, stdout=subprocess.DEVNULL)
    if options.suite in CODE:
        return {row["task_id"]: (row["base_status"], row["plus_status"]) == ("pass", "pass") for row in read_lines(out)}
    return {row["id"]: row["status"] == "pass" for row in read_lines(out)}


def report(options, ours, completions, theirs, graded):
    both = [name for name in ours if name in theirs]
    same = [name for name in both if ours[name]["output"] == completions[name]]
    share = lambda right: f"{sum(right)} of {len(both)} ({100 * sum(right) / len(both):.1f} %)"
    print(f"| {options.suite} | {len(both)} | {share([ours[name]['pass'] for name in both])} | "
          f"{share([theirs[name] for name in both])} | {len(same)} | "
          f"{sum(ours[name]['pass'] != theirs[name] for name in both)} |\n")
    for name in both:
        mine, other = ours[name], completions[name]
        if mine["output"] == other and mine["pass"] == theirs[name]:
            continue
        place = next((i for i, (a, b) in enumerate(zip(mine["output"], other)) if a != b),
                     min(len(mine["output"]), len(other)))
        word = {True: "right", False: "wrong"}
        text = "same text" if mine["output"] == other else \
            f"texts part at character {place} of {len(mine['output'])} and {len(other)}"
        print(f"* {name}: ours {word[mine['pass']]}, transformers {word[theirs[name]]}"
              f" (by our grader {word[graded[name]]}); {text}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("suite", choices=[*CODE, "cruxeval_i", "cruxeval_o"])
    arguments.add_argument("--run", required=True, type=pathlib.Path)
    arguments.add_argument("--completions", required=True, type=pathlib.Path)
    arguments.add_argument("--azr", required=True, type=os.path.abspath)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    options.data = options.data.resolve()
    ours = {row["item"]: row for row in read_lines(options.run / "eval" / options.suite / "items.jsonl")}
    completions = {row["item"]: row["completion"] for row in read_lines(options.completions) if row["item"] in ours}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if options.suite in CODE:
            theirs, samples = code_verdicts(options, completions, folder)
        else:
            theirs, samples = crux_verdicts(options, completions)
        report(options, ours, completions, theirs, judged_by_us(options, samples, folder))


if __name__ == "__main__":
    main()
