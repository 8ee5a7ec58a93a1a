"""Disturbs a command at one of its system calls and gives the same command again, or one that undoes it.

    cargo build --release && python tools/kill_points.py --points 40

SIGKILL and a full disk (ENOSPC) come at a write, rename or removal. SIGTERM also comes at calls that
may block; the command must then end within ten seconds of its start. The second command must succeed,
end with the bytes of an undisturbed command, and leave nothing behind. Needs strace (Debian's package).
Prints a table; exits with 1 where a point failed and keeps that point's folder.
"""

import argparse
import collections
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from tiny_study import (
    NETWORK, draw_photos, kennel, left_behind, program_of, run_contents, runs_of, tree_contents,
)

# Calls that change what is on a disk. `?` lets strace skip one that this machine does not have.
CALLS = ["?rename", "renameat", "renameat2", "?link", "linkat", "?unlink", "unlinkat", "?rmdir", "?mkdir", "mkdirat"]
CALLS += ["write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "copy_file_range", "sendfile"]
# Calls that may block, where SIGTERM comes, too.
BLOCKING = ["futex", "read", "ppoll", "flock", "wait4", "waitid", "openat", "clock_nanosleep", "sched_yield"]
FAULTS = {"SIGKILL": "signal=KILL", "ENOSPC": "error=ENOSPC", "SIGTERM": "signal=TERM"}
# What `kennel` may end with after SIGTERM: it was done, it stopped, it had not begun to listen.
STOPPED = (0, 130, -15)
FAILURES = ["stuck", "other bytes", "left behind", "panic", "not stopped"]
TRAIN = ["train", "--data", "data", *NETWORK, "--epochs", "2"]
STUDY = ["run", "--data", "data", "--models", "test_resnet", "--weights", "test_resnet=none", "--epochs", "2"]
STUDY += ["--strategies", "freeze,full", "--set", "preprocessing.side_px=32", "--set", "batch_size=8"]
EXPORT = ["export", "--run", "runs/one", "--max-drop", "100"]


class Scenario:
    """A command in a folder: what is there before, and what must be there after it and `then`, in place of which the
    same command is given again."""

    def __init__(self, name, command, before, after, then=None):
        self.name, self.command, self.before, self.after, self.then = name, command, before, after, then


def trained(folder):
    # Without the time at which it began: where the first experiment of a study failed, it is the last in the end.
    return {
        f"{run.name[16:]}/{name}": digest for run in runs_of(folder) for name, digest in run_contents(run).items()
    }


def scenarios():
    photos, data, run = ["photos"], ["photos", "data"], ["photos", "data", "runs"]
    flavours = {"float": [], "int8": ["--int8"], "fp16": ["--fp16"], "photo": ["--input", "photo"]}
    flavours |= {"external": ["--external-data"], "timm": None}
    prepare = ["prepare", "photos", "--out", "data"]
    models = lambda folder: tree_contents(folder / "models")  # noqa: E731
    yield Scenario("prepare", prepare, photos, lambda folder: tree_contents(folder / "data"))
    yield Scenario("prepare again", [*prepare, "--seed", "7"], data, lambda folder: tree_contents(folder / "data"))
    for strategy in ["freeze", "partial", "full"]:
        yield Scenario(f"train {strategy}", [*TRAIN, "--strategy", strategy], data, trained)
    yield Scenario("run", STUDY, data, trained)
    for flavour, flags in flavours.items():
        if flags is None:
            command = ["export", "--run", "runs/one", "--timm", "models/timm"]
        else:
            command = [*EXPORT, *flags]
        yield Scenario(f"export {flavour}", command, run, models)
    sort = ["predict", "photos", "--run", "runs/one", "--sort-into", "sorted"]
    photos_alone = lambda folder: {  # noqa: E731
        name: digest for name, digest in tree_contents(folder).items()
        if name.startswith(("photos/", "sorted/")) and not name.endswith(".sorted.lock")
    }
    for by in ["--copy", "--link", "--move"]:
        yield Scenario(f"predict {by}", [*sort, by], ["photos", "runs"], photos_alone, ["predict", "--undo", "sorted"])
    yield Scenario("report", ["report"], run, lambda folder: tree_contents(folder / "results"))


def again(scenario, program, folder):
    """The same command; of a training that had begun, what goes on with it."""
    command = scenario.command
    if scenario.then:
        begun = (folder / "sorted" / "sorted.jsonl").exists()
        return kennel(program, scenario.then, folder) if begun else (0, "", "")
    begun = [run for run in runs_of(folder) if (run / "config.toml").exists()]
    if command[0] == "train" and begun:
        command = ["train", "--resume", f"runs/{begun[-1].name}"]
    return kennel(program, command, folder)


def counted(scenario, program, template, work):
    """How often a thread of the undisturbed command makes each call at most, and what the command leaves."""
    folder = fresh(scenario, template, work / "undisturbed")
    log = work / "calls"
    calls = ",".join(CALLS + BLOCKING)
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log), "-e", f"trace={calls}"]
    status, _, said = kennel(program, scenario.command, folder, strace)
    if status != 0:
        raise SystemExit(f"{scenario.name}: it fails undisturbed: {said}")
    per_thread = collections.Counter(
        match.groups() for match in re.finditer(r"(?m)^(\d+) +(\w+)\(", log.read_text(errors="replace"))
    )
    most = collections.Counter()
    for (_, call), times in per_thread.items():
        most[call] = max(most[call], times)
    if scenario.then:
        again(scenario, program, folder)
    return most, scenario.after(folder)


def fresh(scenario, template, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in scenario.before:
        shutil.copytree(template / name, folder / name)
    return folder


def outcome(scenario, program, folder, fault, expected):
    """What became of one point."""
    call, nth, kind = fault
    inject = f"{call}:{FAULTS[kind]}:when={nth}"
    # With `--seccomp-bpf` strace 6 delivers no signal.
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}"]
    began = time.monotonic()
    try:
        status, _, said = kennel(program, scenario.command, folder, strace)
    except subprocess.TimeoutExpired:
        return "not stopped", "it runs for two minutes"
    if "panicked" in said or status == 101:
        return "panic", said
    if kind == "SIGTERM" and (status not in STOPPED or time.monotonic() - began > 10):
        return "not stopped", f"status {status} after {time.monotonic() - began:.1f} s: {said}"
    if status == 0 and kind == "SIGKILL":
        return "not reached", ""
    undisturbed = status == 0
    status, _, said = again(scenario, program, folder)
    if status != 0:
        return "stuck", said
    found = scenario.after(folder)
    if found != expected:
        return "other bytes", f"{differing(expected, found)}"
    left = left_behind(folder)
    if left:
        return "left behind", ", ".join(left)
    return ("had not failed" if undisturbed else "went on"), ""


def differing(expected, found):
    """The names of files that differ."""
    return [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kennel", default="target/release/kennel", type=program_of)
    parser.add_argument("--points", type=int, default=40, help="points of each command and fault, at most")
    parser.add_argument("--faults", default=",".join(FAULTS), help="some of them, with commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="commands whose name begins so")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="kill-points-"))
    template = work / "template"
    draw_photos(template / "photos")
    one = [*TRAIN, "--strategy", "full"]
    for command in (["prepare", "photos", "--out", "data"], one):
        status, _, said = kennel(args.kennel, command, template)
        if status != 0:
            raise SystemExit(said)
    runs_of(template)[0].rename(template / "runs" / "one")
    failed = 0
    columns = ["went on", "had not failed", "not reached", *FAILURES]
    print("| command | fault | points | " + " | ".join(columns) + " |")
    print("|---|---|" + "--:|" * (len(columns) + 1), flush=True)
    for scenario in scenarios():
        if not scenario.name.startswith(args.only):
            continue
        calls, expected = counted(scenario, args.kennel, template, work)
        for kind in args.faults.split(","):
            names = sorted(call for call in calls if kind == "SIGTERM" or call not in BLOCKING)
            places = [(call, nth) for call in names for nth in range(1, calls[call] + 1)]
            counts = collections.Counter()
            for call, nth in sorted(chance.sample(places, min(args.points, len(places)))):
                folder = fresh(scenario, template, work / "point")
                what, why = outcome(scenario, args.kennel, folder, (call, nth, kind), expected)
                counts[what] += 1
                if what in FAILURES:
                    failed += 1
                    kept = work / f"failed-{failed}"
                    folder.rename(kept)
                    message = f"{scenario.name}: {kind} at {call} {nth}: {what}: {why.strip()} ({kept})"
                    print(message, file=sys.stderr, flush=True)
            cells = [str(counts[column]) for column in columns]
            print(f"| {scenario.name} | {kind} | {sum(counts.values())} | " + " | ".join(cells) + " |", flush=True)
    if failed:
        sys.exit(1)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
