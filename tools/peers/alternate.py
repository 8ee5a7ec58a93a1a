"""`kennel bench` and PyTorch in turn on the same work, and the ratio of the two.

    python tools/peers/alternate.py --kennel target/release/kennel --models resnet50,efficientnet_b0,mobilenetv2_100
        --modes infer,full --rounds 3 --out benches/runs/NAME.json

A round is kennel, then PyTorch in channels_last, then PyTorch in NCHW, each a process of its own; a machine that
slows down for a while slows all three. The ratio of a round is kennel's images/s over those of the faster layout of
the same round, so that above 1 kennel is faster. The memory ratio is kennel's peak over that of the same layout, so
that below 1 kennel needs less; a second one leaves out of PyTorch's peak what the imports held before there was a
network, which is most of it where the network is small. The file is written anew after every measurement, and holds
every one of them.
"""

import argparse
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from process import HERE, check_free, copy_kennel, machine, markdown, run_json, spread, write_json

LAYOUTS = ["channels_last", "nchw"]


def run_kennel(kennel: Path, model: str, mode: str, args: argparse.Namespace) -> dict:
    model, _, side = model.partition("@")
    result, _ = run_json(
        [kennel, "bench", "--model", model, "--mode", mode, "--format", "json", *sizes(args)]
        + (["--side", side] if side else []),
        environment={"RAYON_NUM_THREADS": str(args.threads)},
    )
    if result["threads"] != args.threads:
        print(f"warning: kennel computed with {result['threads']} threads, not {args.threads}", file=sys.stderr)
    return result


def run_torch(layout: str, model: str, mode: str, side_px: int, args: argparse.Namespace) -> dict:
    model = model.partition("@")[0]
    command = [sys.executable, HERE / "step.py", "--model", model, "--mode", mode, "--layout", layout]
    result, _ = run_json([*command, "--side", side_px, "--threads", args.threads, *sizes(args)])
    return result


def sizes(args: argparse.Namespace) -> list:
    return ["--batch-size", args.batch_size, "--repeats", args.repeats, "--warmup", args.warmup]


def summarise(measurements: list) -> list:
    """One row for each model and mode, over its complete rounds."""
    rounds = {}
    for entry in measurements:
        one = rounds.setdefault((entry["model"], entry["mode"]), {}).setdefault(entry["round"], {})
        one[entry["who"]] = entry["result"]
    rows = []
    for (model, mode), by_round in rounds.items():
        complete = [one for one in by_round.values() if len(one) == 1 + len(LAYOUTS)]
        if complete:
            rows.append({"model": model, "mode": mode, "rounds": len(complete), **compare(complete)})
    return rows


def compare(rounds: list) -> dict:
    ratios, memory_ratios, net_memory_ratios, faster = [], [], [], []
    for one in rounds:
        best = max(LAYOUTS, key=lambda layout: one[layout]["images_per_s"])
        faster.append(best)
        ratios.append(one["kennel"]["images_per_s"] / one[best]["images_per_s"])
        ours, theirs = one["kennel"]["peak_rss_bytes"], one[best]["peak_rss_bytes"]
        memory_ratios.append(ours / theirs)
        net_memory_ratios.append(ours / max(theirs - one[best]["imports_rss_bytes"], 1))

    def of_all(who: str, key: str) -> float:
        return median(one[who][key] for one in rounds)

    return {
        "ratio": spread(ratios),
        "memory_ratio": spread(memory_ratios),
        "memory_ratio_without_imports": spread(net_memory_ratios),
        "faster_layouts": faster,
        "images_per_s": {who: of_all(who, "images_per_s") for who in ["kennel", *LAYOUTS]},
        "peak_rss_bytes": {who: of_all(who, "peak_rss_bytes") for who in ["kennel", *LAYOUTS]},
        "kennel_share_of_peak": of_all("kennel", "share_of_peak"),
    }


def table(rows: list) -> str:
    header = ["model", "mode", "kennel images/s", "PyTorch channels_last", "PyTorch nchw"]
    header += ["kennel / PyTorch", "lowest to highest", "memory ratio", "without imports", "share of peak"]
    lines = []
    for row in rows:
        rates = [f"{row['images_per_s'][who]:.1f}" for who in ["kennel", *LAYOUTS]]
        ratio = row["ratio"]
        ratios = [f"{ratio['median']:.2f}", f"{ratio['min']:.2f} to {ratio['max']:.2f}"]
        memory = [f"{row[key]['median']:.2f}" for key in ["memory_ratio", "memory_ratio_without_imports"]]
        lines.append([row["model"], row["mode"], *rates, *ratios, *memory, f"{row['kennel_share_of_peak']:.0%}"])
    return markdown(header, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", type=Path, required=True, help="the release binary")
    parser.add_argument("--models", default="resnet50,efficientnet_b0,mobilenetv2_100", help="with commas between; MODEL@SIDE for another side")
    parser.add_argument("--modes", default="infer,full", help="of infer, freeze, partial, full")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=8, help="timed passes of each process")
    parser.add_argument("--warmup", type=int, default=3, help="passes before them, not counted")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch and of kennel")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    check_free(args.out)

    with tempfile.TemporaryDirectory() as folder:
        kennel, kennel_is = copy_kennel(args.kennel, Path(folder))
        settings = {name: getattr(args, name) for name in ["rounds", "batch_size", "repeats", "warmup", "threads"]}
        report = {
            "what": "kennel bench and PyTorch (eager, float32, CPU) in turn",
            "began": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "settings": settings,
            "machine": machine(),
            "versions": {"kennel": kennel_is},
            "summary": [],
            "measurements": [],
        }

        def keep(model: str, mode: str, round_: int, who: str, result: dict) -> None:
            report["versions"].update(result.pop("versions", {}))
            entry = {"model": model, "mode": mode, "round": round_, "who": who, "result": result}
            report["measurements"].append(entry)
            report["summary"] = summarise(report["measurements"])
            write_json(args.out, report)
            print(f"{model} {mode} round {round_} {who}: {result['images_per_s']:.1f} images/s", file=sys.stderr)

        for model in args.models.split(","):
            for mode in args.modes.split(","):
                for round_ in range(1, args.rounds + 1):
                    ours = run_kennel(kennel, model, mode, args)
                    keep(model, mode, round_, "kennel", ours)
                    for layout in LAYOUTS:
                        theirs = run_torch(layout, model, mode, ours["side_px"], args)
                        keep(model, mode, round_, layout, theirs)
    print(table(report["summary"]))


if __name__ == "__main__":
    main()
