"""`kennel train` and recipe.py in turn on the same photos and weights, and the ratio of their wall times.

    python tools/peers/recipes.py --kennel target/release/kennel --data DIR --weights DIR
        --strategies freeze,partial,full --seeds 42 [--kennel-args "--feature-views 0"] --out benches/runs/NAME.json

Timed is each process from its start to its end: imports, reading of photos, training, validation and test. kennel
runs in a fresh folder every time, so that it finds nothing of an earlier run. Above 1, the ratio PyTorch / kennel
says how many times longer PyTorch took. The file is written anew after every measurement.
"""

import argparse
import shlex
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from process import HERE, check_free, copy_kennel, machine, markdown, run_json, spread, write_json


def read_through(folder: Path) -> int:
    """Reads every file once, so that neither side pays for the disk; their number."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        path.read_bytes()
    return len(files)


def shared_flags(strategy: str, seed: int, args: argparse.Namespace) -> list:
    flags = ["--data", args.data, "--weights", args.weights, "--model", args.model, "--strategy", strategy]
    flags += ["--seed", seed, "--head-init", args.head_init]
    return flags + (["--epochs", args.epochs] if args.epochs else [])


def run_kennel(kennel: Path, strategy: str, seed: int, args: argparse.Namespace) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        command = [kennel, "train", *shared_flags(strategy, seed, args), "--runs", Path(folder) / "runs"]
        command += ["--format", "json", *shlex.split(args.kennel_args)]
        said, seconds = run_json(command, cwd=Path(folder), environment={"RAYON_NUM_THREADS": str(args.threads)})
    evaluation = said["evaluation"]
    result = {"best_epoch": evaluation.get("best_epoch")}
    for split in ["val", "test"]:
        result[f"{split}_correct"], result[f"{split}_n"] = counts(evaluation.get(split))
    return {"process_seconds": seconds, **result}


def counts(evaluation: dict | None) -> tuple:
    """Right, of how many: said once by the evaluation and once by its accuracy."""
    evaluation = evaluation or {}
    accuracy = evaluation.get("accuracy", {})
    return tuple(evaluation.get(key, accuracy.get(key)) for key in ["correct", "n"])


def run_torch(strategy: str, seed: int, args: argparse.Namespace) -> dict:
    command = [sys.executable, HERE / "recipe.py", *shared_flags(strategy, seed, args), "--layout", args.layout]
    said, seconds = run_json([*command, "--workers", args.workers, "--threads", args.threads])
    return {"process_seconds": seconds, **said}


def summarise(measurements: list) -> list:
    pairs = {}
    for entry in measurements:
        one = pairs.setdefault(entry["strategy"], {}).setdefault(entry["seed"], {})
        one[entry["who"]] = entry["result"]
    rows = []
    for strategy, by_seed in pairs.items():
        complete = {seed: one for seed, one in by_seed.items() if len(one) == 2}
        if complete:
            rows.append({"strategy": strategy, "seeds": list(complete), **compare(list(complete.values()))})
    return rows


def compare(pairs: list) -> dict:
    def of(who: str, key: str) -> list:
        return [pair[who][key] for pair in pairs]

    def right(who: str, split: str) -> list:
        return [f"{correct}/{n}" for correct, n in zip(of(who, f"{split}_correct"), of(who, f"{split}_n"))]

    sides = ["kennel", "torch"]
    seconds = {who: of(who, "process_seconds") for who in sides}
    return {
        "ratio": spread([theirs / ours for ours, theirs in zip(seconds["kennel"], seconds["torch"])]),
        "process_seconds": {who: spread(seconds[who]) for who in sides},
        "val": {who: right(who, "val") for who in sides},
        "test": {who: right(who, "test") for who in sides},
    }


def table(rows: list) -> str:
    header = ["strategy", "kennel s", "PyTorch s", "PyTorch / kennel", "lowest to highest"]
    header += ["kennel val", "PyTorch val", "kennel test", "PyTorch test"]
    lines = []
    for row in rows:
        seconds = [f"{row['process_seconds'][who]['median']:.1f}" for who in ["kennel", "torch"]]
        ratio = row["ratio"]
        ratios = [f"{ratio['median']:.2f}", f"{ratio['min']:.2f} to {ratio['max']:.2f}"]
        right = [" ".join(row[split][who]) for split in ["val", "test"] for who in ["kennel", "torch"]]
        lines.append([row["strategy"], *seconds, *ratios, *right])
    return markdown(header, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", type=Path, required=True, help="the release binary")
    parser.add_argument("--data", type=Path, required=True, help="folder of train/, val/, test/")
    parser.add_argument("--weights", type=Path, required=True, help="timm model folder")
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument("--strategies", default="freeze,partial,full", help="with commas between")
    parser.add_argument("--seeds", default="42", help="with commas between")
    parser.add_argument("--epochs", type=int, help="default: 15, 15, 20 for freeze, partial, full")
    parser.add_argument("--head-init", default="fanin", choices=["fanin", "timm"], help="of both; kennel's default")
    parser.add_argument("--kennel-args", default="", help="further flags of kennel train, as one string")
    parser.add_argument("--layout", default="channels_last", choices=["nchw", "channels_last"], help="PyTorch's")
    parser.add_argument("--workers", type=int, default=2, help="PyTorch's processes that read photos")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch and of kennel")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    check_free(args.out)
    for name in ["data", "weights"]:
        setattr(args, name, getattr(args, name).resolve())

    with tempfile.TemporaryDirectory() as folder:
        kennel, kennel_is = copy_kennel(args.kennel.resolve(), Path(folder))
        named = ["model", "epochs", "head_init", "kennel_args", "layout", "workers", "threads"]
        report = {
            "what": "kennel train and recipe.py (PyTorch and timm, float32, CPU) in turn",
            "began": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "settings": {name: getattr(args, name) for name in named} | {"weights": args.weights.name},
            "files_of_data": read_through(args.data),
            "machine": machine(),
            "versions": {"kennel": kennel_is},
            "summary": [],
            "measurements": [],
        }
        for strategy in args.strategies.split(","):
            for seed in map(int, args.seeds.split(",")):
                for who in ["kennel", "torch"]:
                    if who == "kennel":
                        result = run_kennel(kennel, strategy, seed, args)
                    else:
                        result = run_torch(strategy, seed, args)
                    report["versions"].update(result.pop("versions", {}))
                    entry = {"strategy": strategy, "seed": seed, "who": who, "result": result}
                    report["measurements"].append(entry)
                    report["summary"] = summarise(report["measurements"])
                    write_json(args.out, report)
                    print(f"{strategy} seed {seed} {who}: {result['process_seconds']:.1f} s", file=sys.stderr)
    print(table(report["summary"]))


if __name__ == "__main__":
    main()
