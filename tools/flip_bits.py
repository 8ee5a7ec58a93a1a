"""Flips one bit of one file of a run at a time and lets every command that reads the run look at it.

    cargo build --release && python tools/flip_bits.py --flips 500

A finished run is evaluated, reported, exported, used for labels and trained further; one that was stopped is resumed and used
for labels. Each command must fail, or end with the bytes that it gives of the whole run. Prints a table; exit 1 where one did
not.
"""

import argparse
import collections
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tiny_study import NETWORK, draw_photos, kennel, program_of, run_contents, runs_of, tree_contents

TRAIN = ["train", "--data", "data", *NETWORK, "--strategy", "full", "--epochs"]
EVALUATE = ["evaluate", "--run", "runs/one", "--format", "json"]
EXPORT = ["export", "--run", "runs/one", "--out", "out/one.onnx", "--format", "json"]
PREDICT = ["predict", "photos/down/03.png", "--run", "runs/one", "--format", "json"]
REPORT = ["report", "--out", "out", "--format", "json"]
RESUME = ["train", "--resume", "runs/one", "--format", "json"]
FURTHER = [*RESUME, "--epochs", "3"]
COMMANDS = {"finished": [EVALUATE, REPORT, EXPORT, PREDICT, RESUME, FURTHER], "stopped": [PREDICT, RESUME]}


def stopped_run(program, folder):
    """A run with an epoch behind it and epochs before it, stopped as a user stops one."""
    child = subprocess.Popen([program, *TRAIN, "400"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not [run for run in runs_of(folder) if (run / "checkpoints/last.state.safetensors").exists()]:
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    child.wait()


def ended(program, command, template, folder):
    """What a command leaves of a run: its status, and its answer with every file that it wrote."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    status, said, _ = kennel(program, command, folder)
    if status != 0:
        return status, None
    if "train" in command:
        return status, run_contents(folder / "runs/one")
    return status, (said, tree_contents(folder / "out"))


def flip(path, chance):
    data = bytearray(path.read_bytes())
    bit = chance.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return bit


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kennel", default="target/release/kennel", type=program_of)
    parser.add_argument("--flips", type=int, default=100, help="bits, over the files of both runs in turn")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="flip-bits-"))
    whole, files = {}, []
    for kind, commands in COMMANDS.items():
        template = work / kind
        draw_photos(template / "photos")
        kennel(args.kennel, ["prepare", "photos", "--out", "data"], template)
        if kind == "finished":
            kennel(args.kennel, [*TRAIN, "2"], template)
        else:
            stopped_run(args.kennel, template)
            only_few_epochs(args.kennel, template)
        runs_of(template)[0].rename(template / "runs" / "one")
        run = template / "runs" / "one"
        files += [(kind, str(path.relative_to(run))) for path in sorted(run.rglob("*")) if is_of_run(path)]
        for command in commands:
            status, result = ended(args.kennel, command, template, work / "copy")
            if status != 0:
                raise SystemExit(f"{kind}: kennel {' '.join(command)} fails on the whole run")
            whole[kind, tuple(command)] = result
    table, silent = collections.defaultdict(collections.Counter), 0
    for number in range(args.flips):
        kind, name = files[number % len(files)]
        damaged = work / "damaged"
        shutil.rmtree(damaged, ignore_errors=True)
        shutil.copytree(work / kind, damaged)
        bit = flip(damaged / "runs" / "one" / name, chance)
        for command in COMMANDS[kind]:
            status, result = ended(args.kennel, command, damaged, work / "copy")
            what = "error" if status != 0 else "same bytes"
            expected = whole[kind, tuple(command)]
            if status == 0 and (kind, command) == ("finished", RESUME):
                # It has nothing to train and stays as damaged as it was.
                expected, result = ({**found, name: None} for found in (expected, result))
            if status == 0 and expected != result:
                what, silent = "SILENT", silent + 1
                print(f"{kind}: bit {bit} of {name}: kennel {' '.join(command)} ends with 0 and other bytes", flush=True)
            if status not in (0, 1):
                print(f"{kind}: bit {bit} of {name}: kennel {' '.join(command)} ends with {status}", flush=True)
            table[kind, name][what] += 1
    print("| run | file | commands | error | same bytes | SILENT |")
    print("|---|---|--:|--:|--:|--:|")
    for (kind, name), counts in sorted(table.items()):
        cells = [sum(counts.values()), counts["error"], counts["same bytes"], counts["SILENT"]]
        print(f"| {kind} | `{name}` | " + " | ".join(map(str, cells)) + " |")
    print(f"{args.flips} bits, {silent} silent")
    if silent:
        sys.exit(1)
    shutil.rmtree(work)


def only_few_epochs(program, template):
    """Lets the stopped run end two epochs from where it is, so that resuming takes a moment: `--epochs`, then stopped at once."""
    run = runs_of(template)[0]
    finished = len((run / "metrics.jsonl").read_text().splitlines())
    command = [program, "train", "--resume", str(run), "--epochs", str(finished + 2)]
    child = subprocess.Popen(command, cwd=template, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while f"epochs = {finished + 2}" not in (run / "config.toml").read_text():
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait()


def is_of_run(path):
    return path.is_file() and not path.name.startswith(".")


if __name__ == "__main__":
    main()
