"""What the scripts of this folder share: running a measurement as a process of its own, and what is written about it.

Standard library only. alternate.py and recipes.py must stay small in memory: on Linux a process's `ru_maxrss` begins at
what its parent held when it was started.
"""

import hashlib
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def peak_rss_bytes(who: int = resource.RUSAGE_SELF) -> int:
    """Most memory that this process held, or the largest of its finished children."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit


def run_json(command: list, cwd: Path | None = None, environment: dict | None = None) -> tuple:
    """The JSON value that a command prints, and its wall time in seconds from start to end. Its stderr is passed on."""
    began = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds = time.perf_counter() - began
    name = Path(command[0]).name
    if done.returncode != 0:
        sys.exit(f"{name} failed with exit status {done.returncode}: {' '.join(map(str, command[1:]))}")
    try:
        return json.loads(done.stdout), seconds
    except json.JSONDecodeError:
        sys.exit(f"{name} did not print one JSON value, but: {done.stdout[:200]!r}")


def copy_kennel(kennel: Path, folder: Path) -> tuple:
    """A copy, so that a rebuild halfway does not change what is measured; and what it is."""
    if not kennel.is_file():
        sys.exit(f"{kennel}: no such program\nhint: cargo build --release")
    copy = folder / kennel.name
    shutil.copy2(kennel, copy)
    said = subprocess.run([copy, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return copy, {"version": said, "sha256": hashlib.sha256(copy.read_bytes()).hexdigest()}


def machine() -> dict:
    """Processor, system, and how busy it was when the measurement began."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {
        "platform": platform.platform(),
        "cpu": model,
        "cpus": os.cpu_count(),
        "load_average_before": list(os.getloadavg()),
    }


def check_free(out: Path) -> None:
    if out.exists():
        sys.exit(f"{out}: is there already\nhint: choose another name; measurements are not overwritten")


def write_json(out: Path, value: dict) -> None:
    """Written beside and renamed: a reader never sees half a file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=out.parent, prefix=f".{out.name}-", delete=False) as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    os.chmod(file.name, 0o644)
    os.replace(file.name, out)


def spread(values: list) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def markdown(header: list, rows: list) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
