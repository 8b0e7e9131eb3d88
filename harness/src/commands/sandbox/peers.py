"""The peers of `azr sandbox bench`: the same programs, run the ways other systems run them.

Arguments: seconds a way, how many of a program's calls validate it, and the folder of a checkout of the reference
implementation, if there is one. Reads a JSON array of {"program", "calls", "input"} on standard input. For each way, runs programs until they are done or the time
is up, and prints a JSON object: way -> [programs, processor seconds of this process and its children].

  reference  the reference's own executor with one worker: `run_code` for a program with one call; for one with more,
         `check_all`, which calls it twice, and `eval_input_prediction` for each of the others, as its trainer does by default
  pool   one worker of a Pebble pool that `exec`s program and call, a task with a time limit a call, no isolation: the bare
         way of the reference's executor, an upper bound of its rate; left out where Pebble is not installed
  warm   the same without the pool: a bare pipe to one worker and no time limit
  fork   a process a program, forked from a warm interpreter: the way of EvalPlus, without its guards
  new    a new `python3 -I -c` a program
"""

import contextlib
import io
import json
import logging
import multiprocessing
import resource
import subprocess
import sys
import time

try:
    import pebble
except ImportError:
    pebble = None


def evaluate(program, call):
    namespace = {"__name__": "__main__"}
    try:
        exec(program, namespace)
        return repr(eval(call, namespace))
    except BaseException as error:
        return type(error).__name__


def serve(pipe):
    while (job := pipe.recv()) is not None:
        pipe.send(evaluate(*job))


def answer(pipe, program, calls):
    pipe.send([evaluate(program, call) for call in calls])


def reference(jobs):
    logging.disable(logging.CRITICAL)
    sys.path.insert(0, FOLDER)
    from absolute_zero_reasoner.utils.code_utils.python_executor import PythonExecutor

    executor = PythonExecutor(timeout_length=10, ast_check=True, max_workers=1)
    for job in jobs:
        program, given = job["program"], job["input"]
        if len(job["calls"]) == 1:
            executor.run_code(program, given)
        else:
            _, output = executor.check_all(program, given)
            for _ in job["calls"][VALIDATING:]:
                executor.eval_input_prediction(program, output or "''", given)
        yield
    executor.cleanup()


def pool(jobs):
    with pebble.ProcessPool(max_workers=1) as workers:
        for job in jobs:
            for call in job["calls"]:
                workers.schedule(evaluate, args=(job["program"], call), timeout=10).result()
            yield


def warm(jobs):
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.Process(target=serve, args=(theirs,))
    worker.start()
    for job in jobs:
        for call in job["calls"]:
            ours.send((job["program"], call))
            ours.recv()
        yield
    ours.send(None)
    worker.join()


def fork(jobs):
    for job in jobs:
        ours, theirs = multiprocessing.Pipe()
        worker = multiprocessing.Process(target=answer, args=(theirs, job["program"], job["calls"]))
        worker.start()
        theirs.close()
        ours.recv()
        worker.join()
        yield


def new(jobs):
    for job in jobs:
        calls = "\n".join(f"print(repr({call}))" for call in job["calls"])
        subprocess.run(
            [sys.executable, "-I", "-c", job["program"] + "\n" + calls],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        yield


def processor():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


SECONDS, VALIDATING, FOLDER = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None


def main():
    jobs = json.load(sys.stdin)
    multiprocessing.set_start_method("fork")
    results = {}
    for way in [way for way, there in ((reference, FOLDER), (pool, pebble), (warm, True), (fork, True), (new, True)) if there]:
        begun, deadline = processor(), time.monotonic() + SECONDS

        def limited():
            for job in jobs:
                if time.monotonic() > deadline:
                    return
                yield job

        # What a program prints is no part of the answer.
        with contextlib.redirect_stdout(io.StringIO()):
            done = sum(1 for _ in way(limited()))
        results[way.__name__] = [done, processor() - begun]
    print(json.dumps(results))


main()
