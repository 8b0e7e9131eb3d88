"""What the scripts of this folder share: the daemon's OpenAI-compatible endpoint for the length of a `with` block, in a home
of its own, and files of JSON lines."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time


@contextlib.contextmanager
def endpoint(azr, model="azr-tiny"):
    """Gives (address up to the version, token)."""
    with tempfile.TemporaryDirectory(prefix="azr-", ignore_cleanup_errors=True) as home:
        environment = {**os.environ, "AZR_HOME": home}
        daemon = subprocess.Popen(
            [azr, "daemon", "start", "--foreground", "--keep", "--http", "127.0.0.1:0", "--model", model],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            run = pathlib.Path(home, "run")
            address, token = wait_for(daemon, run / "daemon-v1.addresses"), wait_for(daemon, run / "daemon-v1.token")
            address = next(line.split()[1] for line in address.splitlines() if line.startswith("http "))
            yield f"http://{address}/v1", token.strip()
        finally:
            subprocess.run([azr, "daemon", "stop", "--now"], env=environment, stdout=subprocess.DEVNULL, check=False)
            daemon.wait(timeout=60)


def wait_for(daemon, path):
    for _ in range(1200):
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text()
        if daemon.poll() is not None:
            raise SystemExit(f"the daemon ended: {daemon.stderr.read()}")
        time.sleep(0.1)
    raise SystemExit(f"the daemon did not write {path.name} within two minutes")


def read_lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
