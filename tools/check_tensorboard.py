"""Holds a run's TensorBoard event files to its metrics.jsonl, with TensorBoard's own reader.

    python tools/check_tensorboard.py RUN/tensorboard RUN/metrics.jsonl

Every scalar of every epoch must be found once, under its tag and step, and be the one of `metrics.jsonl` rounded to
f32; there must be no other. Exit code 1 when something differs.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

KEYS = {
    "loss/train": "train_loss",
    "loss/val": "val_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/val": "val_accuracy",
    "learning_rate": "learning_rate",
    "head_update_ratio": "head_update_ratio",
    "images_per_s": "images_per_s",
    "peak_rss_bytes": "peak_rss_bytes",
}


def read_points(event_dir: Path) -> dict:
    """Of each tag its (step, value) pairs, in the order of the files."""
    events = EventAccumulator(str(event_dir), size_guidance={"scalars": 0}).Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("event_dir", type=Path)
    parser.add_argument("metrics", type=Path)
    arguments = parser.parse_args()
    found = read_points(arguments.event_dir)
    records = [json.loads(line) for line in arguments.metrics.read_text().splitlines()]
    compared = wrong = 0
    for tag in sorted(KEYS.keys() | found.keys()):
        key = KEYS.get(tag)
        wanted = [(record["epoch"], record[key]) for record in records if key in record]
        points = found.get(tag, [])
        if [step for step, _ in points] != [step for step, _ in wanted]:
            wrong += 1
            print(f"{tag}: steps {[step for step, _ in points]}, metrics.jsonl {[step for step, _ in wanted]}")
            continue
        for (step, value), (_, exact) in zip(points, wanted):
            compared += 1
            if np.float32(value) != np.float32(exact):
                wrong += 1
                print(f"{tag} at step {step}: {value}, metrics.jsonl {exact}")
    print(f"{len(found)} tags, {len(records)} epochs, {compared} scalars compared, {wrong} differences")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
