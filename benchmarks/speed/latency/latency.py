"""Latency of the language server beside its peers, measured by one client in one run.

    latency.py AZR [--ruff RUFF] [--pylsp PYLSP] [--repeats N]

Prints a report in Markdown. AZR is the built program; it gets a home of its own, and no daemon of the user is touched. The
peers are what pip installs as `ruff` and `python-lsp-server`; without one, its columns are left out.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PATIENCE_S = 120
URI = "file:///bench/module.py"
TEXT = '''import math
import os

SCALE = 2


def f(a):
    """Doubles.

    >>> f(3)
    6
    """
    return a * SCALE


def spin(n):
    while n:
        n += 1
    return n


assert f(2) == 4
x = f(10)
'''
CALL = {"line": TEXT[: TEXT.index("f(10)")].count("\n"), "character": 4}


class Server:
    """A language server on a pipe; messages are read by a thread, which takes the time of each."""

    def __init__(self, command, environment):
        self.began = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        self.next = 0
        self.came = threading.Condition()
        self.replies = {}
        self.notes = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        stream = self.process.stdout
        while True:
            length = 0
            while (line := stream.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if length == 0:
                return
            message = json.loads(stream.read(length))
            now = time.perf_counter()
            if "id" in message and "method" in message:
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": None})
                continue
            with self.came:
                if "id" in message:
                    self.replies[message["id"]] = (now, message)
                else:
                    self.notes.append((now, message))
                self.came.notify_all()

    def send(self, message):
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method, params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method, params):
        self.next += 1
        began = time.perf_counter()
        self.send({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})
        return self.next, began

    def reply(self, number):
        with self.came:
            if not self.came.wait_for(lambda: number in self.replies, PATIENCE_S):
                raise TimeoutError(f"no reply to request {number}")
            return self.replies.pop(number)

    def timed(self, method, params):
        """Milliseconds until the reply, and the reply."""
        number, began = self.ask(method, params)
        came, message = self.reply(number)
        return (came - began) * 1e3, message

    def note(self, method):
        """When the next notification came."""
        def found():
            return next((one for one in self.notes if one[1]["method"] == method), None)

        with self.came:
            if not self.came.wait_for(found, PATIENCE_S):
                raise TimeoutError(f"no {method}")
            one = found()
            self.notes.remove(one)
            return one

    def initialize(self):
        """Milliseconds from the start of the process to the reply."""
        number, _ = self.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {"textDocument": {"hover": {"contentFormat": ["markdown"]}, "publishDiagnostics": {}}}})
        came, _ = self.reply(number)
        self.notify("initialized", {})
        return (came - self.began) * 1e3

    def open(self, uri=URI, text=TEXT):
        self.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}})

    def hover(self, position, uri=URI):
        return self.timed("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})

    def end(self):
        self.timed("shutdown", None)
        self.notify("exit", None)
        self.process.wait(PATIENCE_S)


def percentile(values, share):
    return sorted(values)[round((len(values) - 1) * share)]


class Report:
    def __init__(self):
        self.rows = []

    def row(self, what, values, target=""):
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        self.rows.append(f"| {what} | {len(values)} | {p50:.2f} | {p95:.2f} | {target} |")

    def text(self):
        head = "| measurement | n | p50 ms | p95 ms | target, p95 ms |\n|---|---|---|---|---|"
        return "\n".join([head, *self.rows])


class Azr:
    def __init__(self, program):
        self.program = program
        self.home = tempfile.mkdtemp(prefix="azr-latency-")
        self.environment = {**os.environ, "AZR_HOME": self.home}

    def run(self, *arguments):
        return subprocess.run([self.program, *arguments], env=self.environment, capture_output=True, text=True, check=False).stdout

    def editor(self, *arguments):
        return Server([self.program, "lsp", *arguments], self.environment)

    def pid(self):
        return json.loads(self.run("daemon", "status", "--json"))["daemon"]["pid"]

    def wait_until_ready(self, server):
        """Until model and sandbox are there."""
        server.timed("azr/deduce", {"program": "def f(a):\n    return a\n", "input": "1", "budget": {"tokens": 4, "samples": 1}})

    def close(self):
        self.run("daemon", "stop", "--now")
        shutil.rmtree(self.home, ignore_errors=True)


def fresh_calls(server, first, count, report, what, target):
    """Hovers of calls that nobody has run, with arguments from `first` on: each is one program in the sandbox."""
    values = []
    for number in range(first, first + count):
        uri = f"file:///bench/fresh{number}.py"
        server.open(uri, TEXT.replace("f(10)", f"f({number})"))
        ms, message = server.hover(CALL, uri)
        assert str(2 * number) in json.dumps(message), message
        values.append(ms)
        server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    report.row(what, values, target)


def overhead(azr, report, repeats):
    server = azr.editor()
    server.initialize()
    azr.wait_until_ready(server)
    report.row("azr: `azr/status` through the bridge, idle", [server.timed("azr/status", {})[0] for _ in range(repeats * 10)], "1")
    others = [azr.editor() for _ in range(7)]
    for other in others:
        other.initialize()
    values, threads = [], []

    def many(one):
        values.extend(one.timed("azr/status", {})[0] for _ in range(repeats * 5))

    for one in [server, *others]:
        threads.append(threading.Thread(target=many, args=(one,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    report.row("azr: the same, 8 clients at once", values, "5")
    for other in others:
        other.end()
    return server


def azr_rows(azr, report, repeats):
    cold, warm = [], []
    for _ in range(max(3, repeats // 10)):
        azr.run("daemon", "stop", "--now")
        server = azr.editor()
        cold.append(server.initialize())
        server.end()
        server = azr.editor()
        warm.append(server.initialize())
        server.end()
    report.row("azr: first editor, starts the daemon: process start to `initialize` reply", cold, "150")
    report.row("azr: later editor: process start to `initialize` reply", warm, "30")
    server = overhead(azr, report, repeats)
    server.open()
    server.hover(CALL)
    report.row("azr: hover, value known", [server.hover(CALL)[0] for _ in range(repeats * 5)], "5")
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    hints = {"textDocument": {"uri": URI}, "range": everything}
    report.row("azr: hints of a file, values known", [server.timed("textDocument/inlayHint", hints)[0] for _ in range(repeats * 5)], "5")
    actions = {"textDocument": {"uri": URI}, "range": everything, "context": {"diagnostics": []}}
    report.row("azr: code actions", [server.timed("textDocument/codeAction", actions)[0] for _ in range(repeats)])
    fresh_calls(server, 1_000_000, repeats, report, "azr: hover, program run for it", "50")
    deduce = {"program": TEXT, "function": "f", "input": "7", "budget": {"ms": 60_000, "tokens": 256, "samples": 8}}
    flights = [server.ask("azr/deduce", {**deduce, "seed": seed})[0] for seed in range(16)]
    values = [server.hover(CALL)[0] for _ in range(repeats)]
    report.row("azr: hover, value known, 16 deductions in flight", values, "20")
    left = sum(number not in server.replies for number in flights)
    for number in flights:
        server.notify("$/cancelRequest", {"id": number})
    for number in flights:
        server.reply(number)
    cancels = []
    for _ in range(repeats):
        number, _ = server.ask("azr/execute", {"program": TEXT, "function": "spin", "input": "1", "seconds": 10})
        time.sleep(0.05)
        began = time.perf_counter()
        server.notify("$/cancelRequest", {"id": number})
        cancels.append((server.reply(number)[0] - began) * 1e3)
    report.row("azr: cancelling a program that runs: to the reply", cancels, "20")
    idle = idle_rows(azr)
    settings = {"run": {"steps": 100_000, "checkpoint_every": 1000, "evaluate_every": 0}, "seeding": {"seed_batch_factor": 1, "max_batches": 1}}
    started = server.timed("azr/train/start", {"config": settings, "runDir": str(Path(azr.home, "selfplay"))})[1]
    if "result" not in started:
        raise SystemExit(f"no training: {started}")
    run = started["result"]
    steps = Path(azr.home, "selfplay", "steps.jsonl")
    for _ in range(PATIENCE_S * 10):
        if steps.exists():
            break
        time.sleep(0.1)
    report.row("azr: hover, value known, while training", [server.hover(CALL)[0] for _ in range(repeats * 5)], "20")
    fresh_calls(server, 2_000_000, repeats, report, "azr: hover, program run for it, while training", "50")
    asked = {"program": TEXT, "function": "f", "input": "7", "budget": {"ms": 60_000, "tokens": 8, "samples": 1}}
    report.row("azr: a deduction of 8 tokens while training", [server.timed("azr/deduce", {**asked, "seed": seed})[0] for seed in range(max(5, repeats // 2))])
    server.timed("azr/train/stop", {"runId": run["runId"]})
    server.end()
    return idle, left


def idle_rows(azr, seconds=20):
    """Processor time and wake-ups of the daemon with one editor that does nothing."""
    pid = azr.pid()
    # The last answers' threads come to rest first.
    time.sleep(5)

    def state():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        switches = {}
        for task in Path(f"/proc/{pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    switches[task.name] = int(line.split()[1])
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), switches

    before = state()
    time.sleep(seconds)
    after = state()
    # A thread that began since counts from its beginning; one that has ended slept until then.
    woke = sum(count - before[1].get(task, 0) for task, count in after[1].items())
    return (after[0] - before[0]) / seconds * 100, woke / seconds


def peer(name, command, report, repeats, hovers, fixes):
    starts = []
    for _ in range(max(3, repeats // 10)):
        server = Server(command, dict(os.environ))
        starts.append(server.initialize())
        server.end()
    report.row(f"{name}: process start to `initialize` reply", starts)
    server = Server(command, dict(os.environ))
    server.initialize()
    if hovers:
        server.open()
        server.hover(CALL)
        report.row(f"{name}: hover", [server.hover(CALL)[0] for _ in range(max(10, repeats // 2))])
    if fixes:
        values = []
        for number in range(repeats):
            uri = f"file:///bench/unused{number}.py"
            began = time.perf_counter()
            server.open(uri)
            values.append((server.note("textDocument/publishDiagnostics")[0] - began) * 1e3)
        report.row(f"{name}: opening a file to its diagnostics", values)
        everything = {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}
        actions = {"textDocument": {"uri": uri}, "range": everything, "context": {"diagnostics": []}}
        report.row(f"{name}: code actions", [server.timed("textDocument/codeAction", actions)[0] for _ in range(repeats)])
    server.end()


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.processor())
    load = os.getloadavg()
    return f"{cpu}, {os.cpu_count()} cores; load average {load[0]:.1f} at the beginning (other work on the machine counts in every row)"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("azr")
    parser.add_argument("--ruff")
    parser.add_argument("--pylsp")
    parser.add_argument("--repeats", type=int, default=40)
    arguments = parser.parse_args()
    report, where = Report(), machine()
    azr = Azr(arguments.azr)
    try:
        idle, left = azr_rows(azr, report, arguments.repeats)
    finally:
        azr.close()
    if arguments.ruff:
        peer("ruff server", [arguments.ruff, "server"], report, arguments.repeats, hovers=False, fixes=True)
    if arguments.pylsp:
        peer("pylsp", [arguments.pylsp], report, arguments.repeats, hovers=True, fixes=False)
    print("# Latency of the language server\n")
    print("`python benchmarks/speed/latency/latency.py target/release/azr --ruff RUFF --pylsp PYLSP`\n")
    print(f"{where}.\n")
    print(report.text())
    print(f"\n* Idle daemon with one editor: {idle[0]:.2f} % of a core, {idle[1]:.2f} wake-ups a second (targets: 0 %, at most 1).")
    print(f"* Of the 16 deductions, {left} were still in flight when the hovers beside them were done.")


if __name__ == "__main__":
    main()
