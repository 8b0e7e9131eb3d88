"""The peers of `azr sandbox bench`: the same programs, run the ways other systems run them.

Reads a JSON array of {"program", "calls"} on standard input. For each way, runs programs until they are done or the time
is up, and prints a JSON object: way -> [programs, processor seconds of this process and its children].

  pool   one worker of a Pebble pool that `exec`s program and call, a task with a time limit a call, no isolation: the way
         of the reference's executor; left out where Pebble is not installed
  warm   the same without the pool: a bare pipe to one worker and no time limit
  fork   a process a program, forked from a warm interpreter: the way of EvalPlus, without its guards
  new    a new `python3 -I -c` a program
"""

import json
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


def main():
    seconds = float(sys.argv[1])
    jobs = json.load(sys.stdin)
    multiprocessing.set_start_method("fork")
    results = {}
    for way in (pool, warm, fork, new) if pebble else (warm, fork, new):
        begun, deadline = processor(), time.monotonic() + seconds

        def limited():
            for job in jobs:
                if time.monotonic() > deadline:
                    return
                yield job

        done = sum(1 for _ in way(limited()))
        results[way.__name__] = [done, processor() - begun]
    print(json.dumps(results))


main()
