"""Recomputes a run's evaluation from its predictions with scikit-learn and SciPy.

    python tools/check_sklearn.py RUN

Every number of `evaluation.json`, split by split, against scikit-learn's (intervals: SciPy's Wilson interval), within
1e-9. Exit code 1 when one differs.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

TOLERANCE = 1e-9


def proportion(correct: int, n: int) -> dict:
    interval = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    return {"correct": correct, "n": n, "value": correct / n, "low": interval.low, "high": interval.high}


def expected(records: list, class_names: list) -> dict:
    # Shortest text of an f32: read as f64 it would be another number.
    logits = np.array([record["logits"] for record in records], np.float32).astype(np.float64)
    truth = np.array([class_names.index(record["label"]) for record in records])
    guess = logits.argmax(1)
    labels = list(range(len(class_names)))
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    scores = precision_recall_fscore_support(truth, guess, labels=labels, zero_division=0)
    keys = ("precision", "recall", "f1", "support")
    figures = {
        "n": len(records),
        "correct": int((truth == guess).sum()),
        "accuracy": proportion(int((truth == guess).sum()), len(records)),
        "log_loss": log_loss(truth, shifted / shifted.sum(1, keepdims=True), labels=labels),
        "confusion_matrix": confusion_matrix(truth, guess, labels=labels).tolist(),
        "per_class": [
            {"name": name} | {key: float(row[index]) for key, row in zip(keys, scores)}
            for index, name in enumerate(class_names)
        ],
    }
    for mean in ("macro", "weighted"):
        # Without `labels`: over the classes that were met.
        values = precision_recall_fscore_support(truth, guess, average=mean, zero_division=0)
        figures[f"{mean}_avg"] = dict(zip(keys, [*map(float, values[:3]), len(records)]))
    if len(class_names) > 5:
        ranked = np.argsort(-logits, axis=1, kind="stable")[:, :5]
        figures["top5"] = proportion(int((ranked == truth[:, None]).any(1).sum()), len(records))
    return figures


def differences(found, wanted, path: str):
    """Every place where two JSON values differ; a figure that is not there is one."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            yield from differences(found.get(key) if isinstance(found, dict) else None, value, f"{path}.{key}")
    elif isinstance(wanted, list):
        for index, value in enumerate(wanted):
            yield from differences(found[index] if found and index < len(found) else None, value, f"{path}[{index}]")
    elif isinstance(wanted, str):
        yield path, found, wanted, found == wanted
    else:
        yield path, found, wanted, found is not None and abs(found - wanted) <= TOLERANCE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    class_names = tomllib.loads((run / "config.toml").read_text())["facts"]["class_names"]
    evaluation = json.loads((run / "evaluation.json").read_text())
    compared = wrong = 0
    for split in ("train", "val", "test"):
        path = run / "predictions" / f"{split}.jsonl"
        if not path.exists():
            continue
        records = [json.loads(line) for line in path.read_text().splitlines()]
        for place, found, wanted, same in differences(evaluation[split], expected(records, class_names), split):
            compared += 1
            if not same:
                wrong += 1
                print(f"{place}: {found}, scikit-learn {wanted}")
    print(f"{compared} figures compared, {wrong} differ by more than {TOLERANCE}")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
