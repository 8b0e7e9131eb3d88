"""SmolLM2-135M, azr beside PyTorch + transformers: same weights, same machine, same work, one after the other.

    pip install torch transformers
    python benchmarks/speed/smollm2/compare.py --azr target/release/azr --model DIR [--threads 2] [--batch 1,16,64]

Prints a table of tokens a second (wall) and, which is worth more where others use the machine, tokens a second of
processor time, with the load before and after. Processor time of azr is that of a command that measures three times
less that of one that measures once, halved, so that loading counts on neither side. With more than one thread,
waiting threads of either side may spin, which counts as processor time: compare that column with --threads 1.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def azr(options, batch, sequences, repeat):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [options.azr, "model", "bench", options.model, "--json", "--repeat", str(repeat), "--batch", str(batch),
               "--sequences", str(sequences)]
    output = subprocess.run(command, check=True, capture_output=True, text=True,
                            env={**os.environ, "RAYON_NUM_THREADS": str(options.threads)}).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(output), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(options):
    rows, peak = {}, 0
    work = [(batch, 0) for batch in map(int, options.batch.split(","))]
    for batch, sequences in [*work, (1, options.sequences)]:
        base = work[0][0] == 1 and sequences > 0
        once, seconds_once = azr(options, batch, sequences, 1)
        thrice, seconds_thrice = azr(options, batch, sequences, 3)
        processor = (seconds_thrice - seconds_once) / 2
        row = thrice["rows"][-1]
        if base:
            # The command also generated, at batch 1.
            generated = rows["generate, batch 1"]
            processor -= generated["tokens"] / generated["tokens_per_processor_second"]
        row["tokens_per_processor_second"] = row["tokens"] / processor
        rows[row["name"]] = row
        peak = max(peak, thrice["peak_memory_mib"])
    return rows, peak


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--azr", required=True)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--batch", default="1,16,64", help="begins with 1")
    arguments.add_argument("--sequences", type=int, default=8)
    options = arguments.parse_args()
    load_before = os.getloadavg()[0]
    rows, peak = ours(options)
    theirs = subprocess.run(
        [sys.executable, HERE / "transformers_side.py", "--model", options.model, "--threads", str(options.threads),
         "--batch", options.batch, "--sequences", str(options.sequences), "--repeat", "2"],
        check=True, capture_output=True, text=True).stdout
    theirs = json.loads(theirs)
    print(f"threads {options.threads}; load {load_before:.1f} before, {os.getloadavg()[0]:.1f} after; "
          f"torch {theirs['torch']}\n")
    print("| | azr, wall | transformers, wall | ratio | azr, processor | transformers, processor | ratio |")
    print("|---|---|---|---|---|---|---|")
    for row in theirs["rows"]:
        cells = []
        for key in ("tokens_per_second", "tokens_per_processor_second"):
            a, b = rows[row["name"]][key], row[key]
            cells += [f"{a:.1f}", f"{b:.1f}", f"{a / b:.2f}"]
        print(f"| {row['name']} | {' | '.join(cells)} |")
    print(f"\npeak memory: azr {peak} MiB, transformers {theirs['peak_memory_mib']} MiB")


if __name__ == "__main__":
    main()
