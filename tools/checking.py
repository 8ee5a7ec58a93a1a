"""What checks that start processes have in common."""

import subprocess
import time


class Failed(Exception):
    """What is not so."""


def ok(text):
    print(f"ok    {text}", flush=True)


def run(command, **options):
    """Runs a command to its end; what it wrote to standard output, or with stderr=STDOUT all that it wrote."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "errors": "replace"} | options
    done = subprocess.run(command, **options)
    if done.returncode != 0:
        said = f"{done.stdout[-2000:]}{(done.stderr or '')[-2000:]}"
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{said}")
    return done.stdout


def wait_until(what, is_so, limit_s=180):
    """Waits for a value that counts as true, and returns it."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.02)
    raise Failed(f"{what}: not within {limit_s} s")
