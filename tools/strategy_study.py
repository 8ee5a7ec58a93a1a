"""How good each strategy is, by data set, number of photos and seed.

    tools/strategy_study.py run KENNEL --data NAME=DIR.. --weights MODEL=DIR --work DIR --out results.jsonl
        [--shots 10,50,all] [--seeds 42,43,44] [--methods freeze,partial,full,..]
    tools/strategy_study.py table results.jsonl..

`run` draws the photos of each cell (a data set, photos a class, a seed) out of a data set that `kennel prepare` wrote:
that many training photos of each class, a share of the validation photos as large (at least 2 a class), every test photo.
It trains every method on it and appends a line to the results. A line that is there is not computed again, so `run` may be
stopped and called again. `table` prints mean test accuracy and time by cell and method, as Markdown.
"""

import argparse
import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict

# Chosen before the first run. The grid by hand: three learning rates, with and without label smoothing, partial and full.
FINE_TUNING = ["--scheduler", "cosine", "--warmup-epochs", "1", "--epochs", "15"]
CROPS = ["--augment", "rrc", "--crop-scale", "0.35,1"]
METHODS = {
    "freeze": ["--strategy", "freeze"],
    "partial": ["--strategy", "partial"],
    "full": ["--strategy", "full"],
    "convex": ["--strategy", "freeze", "--head", "convex"],
    "auto": ["--strategy", "auto"],
    "auto-crops": ["--strategy", "auto", *CROPS],
} | {
    f"{strategy}-{rate}-{smoothing}": ["--strategy", strategy, "--lr", rate, "--label-smoothing", smoothing, *FINE_TUNING]
    for strategy in ("partial", "full")
    for rate in ("1e-4", "3e-4", "1e-3")
    for smoothing in ("0", "0.1")
}


def draw(data, shots, seed, folder):
    """Links the photos of a cell into `folder`/{train,val,test}/CLASS."""
    photos = json.loads((data / "manifest.json").read_text())["photos"]
    by_class = defaultdict(list)
    for photo in photos:
        by_class[photo["split"], photo["label"]].append(photo["path"])
    for (split, label), paths in sorted(by_class.items()):
        share = math.ceil(shots * len(by_class["val", label]) / len(by_class["train", label]))
        keep = {"train": shots, "val": max(2, share)}.get(split, len(paths))
        random.Random(f"{seed}/{split}/{label}").shuffle(paths)
        target = folder / split / label
        target.mkdir(parents=True)
        for path in paths[:keep]:
            os.link(data / path, target / pathlib.Path(path).name)


class Study:
    """Trains what is missing in a file of results."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.out = arguments.out
        lines = self.out.read_text().splitlines() if self.out.exists() else []
        self.done = {self.key(line) for line in map(json.loads, lines)}

    @staticmethod
    def key(line):
        return tuple(line[name] for name in ("data", "model", "shots", "seed", "method"))

    def photos(self, name, data, shots, seed):
        """Prepared photos of a cell."""
        if shots == "all":
            return data
        folder = self.arguments.work / f"{name}-{shots}-{seed}"
        if not (folder / "manifest.json").exists():
            drawn = folder.with_suffix(".drawn")
            shutil.rmtree(drawn, ignore_errors=True)
            draw(data, int(shots), seed, drawn)
            self.kennel("prepare", drawn, "--out", folder)
            shutil.rmtree(drawn)
        return folder

    def kennel(self, *arguments):
        done = subprocess.run([self.arguments.kennel, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"kennel {' '.join(map(str, arguments))}: status {done.returncode}: {done.stderr}")
        return done.stdout

    def train(self, name, data, model, weights, shots, seed, method):
        key = (name, model, shots, seed, method)
        if key in self.done:
            return
        photos = self.photos(name, data, shots, seed)
        runs = self.arguments.work / "runs" / "-".join(map(str, key))
        shutil.rmtree(runs, ignore_errors=True)
        began = time.time()
        # A folder of its own for cached features: every method pays for its own.
        self.kennel("train", "--data", photos, "--model", model, "--weights", weights, "--seed", seed, "--runs", runs, "--cache-dir", runs / "cache",
                    *METHODS[method])
        seconds = time.time() - began
        run = next(path for path in runs.iterdir() if (path / "evaluation.json").exists())
        evaluation = json.loads((run / "evaluation.json").read_text())
        line = {"data": name, "model": model, "shots": shots, "seed": seed, "method": method, "seconds": round(seconds, 1)}
        for split in ("val", "test"):
            of = evaluation[split]
            line[split] = {"correct": of["accuracy"]["correct"], "photos": of["n"], "log_loss": round(of["log_loss"], 5)}
        shutil.rmtree(runs / "cache", ignore_errors=True)
        with self.out.open("a") as out:
            out.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


def table(lines):
    """Mean test accuracy in per cent and mean seconds, by cell and method."""
    cells = defaultdict(lambda: defaultdict(list))
    for line in lines:
        cells[line["data"], line["model"], line["shots"]][line["method"]].append(line)
    print("| photos | network | a class | method | seeds | test, % | by seed | validation, % | seconds |\n|---|---|--:|---|--:|--:|---|--:|--:|")
    for (data, model, shots), methods in cells.items():
        for method, runs in methods.items():
            percent = {split: [100 * run[split]["correct"] / run[split]["photos"] for run in runs] for split in ("val", "test")}
            by_seed = ", ".join(f"{value:.1f}" for value in percent["test"])
            seconds = statistics.mean(run["seconds"] for run in runs)
            print(f"| {data} | {model} | {shots} | {method} | {len(runs)} | {statistics.mean(percent['test']):.2f} | {by_seed} "
                  f"| {statistics.mean(percent['val']):.2f} | {seconds:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("kennel", type=pathlib.Path)
    run.add_argument("--data", action="append", required=True, metavar="NAME=DIR")
    run.add_argument("--weights", action="append", required=True, metavar="MODEL=DIR")
    run.add_argument("--work", type=pathlib.Path, required=True)
    run.add_argument("--out", type=pathlib.Path, required=True)
    run.add_argument("--shots", default="all,50,10")
    run.add_argument("--seeds", default="42,43,44")
    run.add_argument("--methods", default="freeze,partial,full,auto")
    show = commands.add_parser("table")
    show.add_argument("results", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "table":
        table([json.loads(line) for path in arguments.results for line in path.read_text().splitlines()])
        return
    study = Study(arguments)
    # Seed by seed, so that a study that is stopped has whole rounds.
    for seed in map(int, arguments.seeds.split(",")):
        for shots in arguments.shots.split(","):
            for name, data in (pair.split("=", 1) for pair in arguments.data):
                for model, weights in (pair.split("=", 1) for pair in arguments.weights):
                    for method in arguments.methods.split(","):
                        study.train(name, pathlib.Path(data), model, weights, shots, seed, method)


if __name__ == "__main__":
    main()
