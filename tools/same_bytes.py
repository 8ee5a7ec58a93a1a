"""Whether two builds of Kennel compute the same bytes, on real photos and a real network.

    tools/same_bytes.py record KENNEL --photos DIR --weights DIR --out digests.json [--work DIR]
    tools/same_bytes.py compare before.json after.json

`record` prepares the photos, trains each strategy for two epochs, with a cold and a warm feature cache and with none,
stops a training and resumes it, evaluates without training, exports every flavour and predicts. It stores the SHA-256 of
every checkpoint, prediction, ONNX file and table, times left out. `compare` prints them side by side, as Markdown, and
ends with status 1 if any differs.

An exported file holds the digest of its run, and a run holds times. So give the later record `--old-runs DIR`, the
`--work` folder of the earlier one: it then exports and predicts with the older build's run, and also evaluates, resumes
and reports the older build's runs.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tiny_study import run_contents

MODEL = "mobilenetv2_100"
FLAVOURS = {
    "float": [],
    "external": ["--external-data"],
    "fp16": ["--fp16"],
    "photo": ["--input", "photo"],
    "int8": ["--int8", "--max-drop", "10"],
}


def sha256(path):
    """Digest of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Record:
    """Runs one build's commands in a folder and collects digests."""

    def __init__(self, kennel, work):
        self.kennel, self.work, self.digests = kennel, work, {}

    def run(self, *arguments):
        """Runs a command and returns what it printed on stdout."""
        print("kennel", *arguments, flush=True)
        done = subprocess.run([self.kennel, *map(str, arguments)], cwd=self.work, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"status {done.returncode}: {done.stderr}")
        return done.stdout

    def keep(self, name, text):
        """Stores the digest of a text."""
        self.digests[name] = hashlib.sha256(text.encode()).hexdigest()

    def keep_run(self, name):
        """Gives the newest run a name without its time, and stores the digests of its files."""
        runs = self.work / "runs"
        newest = max((path for path in runs.iterdir() if path.name[:1].isdigit()), key=lambda path: path.name)
        newest.rename(runs / name)
        self.keep_files(name)

    def keep_files(self, name):
        """Stores the digests of a run's files."""
        for file, digest in run_contents(self.work / "runs" / name).items():
            self.digests[f"{name}/{file}"] = digest

    def export(self, run, folder="models"):
        """Exports every flavour of a run, and a timm folder."""
        for flavour, flags in FLAVOURS.items():
            self.run("export", "--run", f"runs/{run}", "--out", f"{folder}/{flavour}.onnx", *flags)
        self.run("export", "--run", f"runs/{run}", "--timm", f"{folder}/timm")
        for file in sorted((self.work / folder).rglob("*")):
            if file.is_file() and not file.name.endswith(".parity.json"):
                self.digests[str(file.relative_to(self.work))] = sha256(file)


def stop_and_resume(record, train):
    """Stops a training after its first epoch, and resumes it."""
    process = subprocess.Popen([record.kennel, *map(str, train)], cwd=record.work, stderr=subprocess.DEVNULL)
    is_new = lambda path: path.parent.name[:1].isdigit()
    while not any(map(is_new, (record.work / "runs").glob("*/metrics.jsonl"))):
        if process.poll() is not None:
            sys.exit("the training ended before its first epoch did")
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    if process.wait() != 130:
        sys.exit(f"not stopped: status {process.returncode}")
    [stopped] = [path.name for path in (record.work / "runs").iterdir() if path.name[:1].isdigit()]
    record.run("train", "--resume", f"runs/{stopped}")


def record_all(record, photos, weights, old):
    """Every command whose bytes are promised."""
    record.run("prepare", photos, "--out", "data")
    record.digests["data/manifest.json"] = sha256(record.work / "data/manifest.json")
    network = ["--model", MODEL, "--weights", weights, "--data", "data"]
    train = ["train", *network, "--epochs", "2"]
    cached = [*train, "--cache-dir", "cache"]
    for name, command in {
        "freeze-cold": [*cached, "--strategy", "freeze"],
        "freeze-warm": [*cached, "--strategy", "freeze"],
        "freeze-fresh-views": [*cached, "--strategy", "freeze", "--feature-views", "0"],
        "partial": [*cached, "--strategy", "partial"],
        "full": [*cached, "--strategy", "full"],
        "full-adamw": [*cached, "--strategy", "full", "--optimizer", "adamw", "--scheduler", "one_cycle", "--lr", "3e-4",
                       "--label-smoothing", "0.1", "--augment", "rrc", "--drop-rate", "0.2", "--drop-path-rate", "0.1",
                       "--layer-decay", "0.8", "--gradient-clip", "1", "--class-weights", "balanced"],
        "random": ["train", "--model", "resnet18", "--weights", "none", "--data", "data", "--epochs", "1",
                   "--strategy", "full", "--lr", "1e-3"],
        "zero-shot": ["evaluate", "--zero-shot", *network, "--split", "all"],
    }.items():
        record.run(*command)
        record.keep_run(name)
    stop_and_resume(record, [*cached, "--strategy", "partial", "--seed", "43"])
    record.keep_run("partial-resumed")
    if old:
        shutil.rmtree(record.work / "runs/full")
        shutil.copytree(old / "runs/full", record.work / "runs/full")
    record.export("full")
    record.keep("evaluate", record.run("evaluate", "--run", "runs/full", "--format", "json"))
    # Of runs that began in the same second, chance decides the order: compare the same runs with both builds.
    runs = (old or record.work) / "runs"
    record.keep("compare", record.run("evaluate", "--compare-all", "--runs", runs, "--format", "json"))
    record.keep("predict --run", record.run("predict", "data/test", "--run", "runs/full", "--logits", "--format", "json"))
    record.keep("predict --onnx", record.run("predict", "data/test", "--onnx", "models/float.onnx", "--format", "csv"))


def use_old(record, old):
    """Reads, resumes and reports run directories that another build made."""
    for name in ["freeze-cold", "full", "zero-shot", "random"]:
        shutil.copytree(old / "runs" / name, record.work / "runs" / f"old-{name}")
    record.run("evaluate", "--run", "runs/old-full")
    record.run("train", "--resume", "runs/old-freeze-cold", "--epochs", "3")
    record.run("report", "--out", "old-results")
    print("runs of the older build: read, resumed, exported, reported", flush=True)


def compare(before, after):
    """Prints both as a table; the number of differences."""
    before, after = (json.loads(pathlib.Path(path).read_text()) for path in (before, after))
    differences = 0
    print("| file | before | after | |\n|---|---|---|---|")
    for name in sorted(before.keys() | after.keys()):
        one, other = (digests.get(name, "missing") for digests in (before, after))
        differences += one != other
        print(f"| {name} | `{one[:12]}` | `{other[:12]}` | {'same' if one == other else '**differs**'} |")
    print(f"\n{len(before)} digests, {differences} differ")
    return differences


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record")
    verb.add_argument("kennel", type=pathlib.Path)
    verb.add_argument("--photos", type=pathlib.Path, required=True)
    verb.add_argument("--weights", type=pathlib.Path, required=True)
    verb.add_argument("--out", type=pathlib.Path, required=True)
    verb.add_argument("--work", type=pathlib.Path, help="an empty folder to work in (default: a temporary one)")
    verb.add_argument("--old-runs", type=pathlib.Path, help="the work folder of an older build")
    verb = verbs.add_parser("compare")
    verb.add_argument("before")
    verb.add_argument("after")
    args = parser.parse_args()
    if args.verb == "compare":
        sys.exit(compare(args.before, args.after) > 0)
    with tempfile.TemporaryDirectory() as folder:
        work = args.work or pathlib.Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        record = Record(args.kennel.resolve(), work.resolve())
        old = args.old_runs.resolve() if args.old_runs else None
        record_all(record, args.photos.resolve(), args.weights.resolve(), old)
        args.out.write_text(json.dumps(record.digests, indent=1, sort_keys=True) + "\n")
        if old:
            use_old(record, old)


if __name__ == "__main__":
    main()
