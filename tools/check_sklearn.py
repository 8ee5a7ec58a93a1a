"""Recomputes a run's evaluation from its predictions with scikit-learn.

    python tools/check_sklearn.py RUN [--split test] [--evaluation FILE]

Every number of `evaluation.json` that has a counterpart in scikit-learn (accuracy, log loss, the confusion matrix, each
class's precision, recall, F1 and support, the macro and weighted means) is found by its key and compared. Exit code 1
when one differs by more than 1e-6 (log loss 1e-5: single-precision softmax), or when accuracy, the confusion matrix or
the per-class figures are not there.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

FIGURES = {"precision": 0, "recall": 1, "f1": 2, "f1_score": 2, "f1-score": 2, "support": 3}
ACCURACY_KEYS = ("accuracy", "top1", "test_accuracy")
LOG_LOSS_KEYS = ("log_loss", "loss", "test_loss", "cross_entropy")


def expected(records: list, class_names: list) -> dict:
    """What scikit-learn makes of the predictions."""
    logits = np.array([record["logits"] for record in records], np.float64)
    truth = np.array([class_names.index(record["label"]) for record in records])
    guess = logits.argmax(1)
    labels = list(range(len(class_names)))
    shifted = logits - logits.max(1, keepdims=True)
    probability = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    per_class = np.array(precision_recall_fscore_support(truth, guess, labels=labels, zero_division=0)).T
    means = {
        kind: precision_recall_fscore_support(truth, guess, labels=labels, average=kind, zero_division=0)[:3]
        for kind in ("macro", "weighted")
    }
    return {
        "accuracy": accuracy_score(truth, guess),
        "log_loss": log_loss(truth, probability, labels=labels),
        "confusion": confusion_matrix(truth, guess, labels=labels).tolist(),
        "per_class": dict(zip(class_names, per_class.tolist())),
        "means": means,
        "count": len(records),
        "correct": int((truth == guess).sum()),
    }


def walk(node, path=()):
    """Every value of a JSON document with its path."""
    yield path, node
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield from walk(value, (*path, key))


def is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_matrix(value, size: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == size
        and all(isinstance(row, list) and len(row) == size and all(is_number(cell) for cell in row) for row in value)
    )


def number(value):
    """A number, or the number in `{"value": ...}`."""
    if isinstance(value, dict):
        value = value.get("value")
    return value if is_number(value) else None


def class_of(path, node: dict, class_names: list):
    """The class that an object of per-class figures is about: its own name, or its key, or its place in a list."""
    for key in ("class", "name", "label", "class_name"):
        if node.get(key) in class_names:
            return node[key]
    if path and path[-1] in class_names:
        return path[-1]
    if path and isinstance(path[-1], int) and path[-1] < len(class_names):
        return class_names[path[-1]]
    return None


def comparisons(evaluation, want: dict, class_names: list):
    """(what, path, found, expected, tolerance) of everything recognised."""
    for path, node in walk(evaluation):
        key = path[-1] if path else None
        about_a_class = any(part in class_names for part in path)
        if key in ACCURACY_KEYS and not about_a_class and (found := number(node)) is not None:
            yield "accuracy", path, found, want["accuracy"], 1e-6
            if isinstance(node, dict):
                for other in ("correct", "count", "total"):
                    if is_number(node.get(other)):
                        wanted = want["correct" if other == "correct" else "count"]
                        yield other, (*path, other), node[other], wanted, 0
        elif key in LOG_LOSS_KEYS and not about_a_class and (found := number(node)) is not None:
            yield "log loss", path, found, want["log_loss"], 1e-5
        elif is_matrix(node, len(class_names)):
            for row, column in np.ndindex(len(class_names), len(class_names)):
                wanted = want["confusion"][row][column]
                yield "confusion", (*path, row, column), node[row][column], wanted, 0
        elif isinstance(node, dict) and is_number(node.get("precision")) and is_number(node.get("recall")):
            mean = next((kind for kind in ("macro", "weighted") if any(kind in str(part) for part in path)), None)
            name = None if mean else class_of(path, node, class_names)
            row = want["means"][mean] if mean else want["per_class"].get(name)
            for figure, place in FIGURES.items():
                if row is not None and is_number(node.get(figure)) and place < len(row):
                    yield mean or f"class {name}", (*path, figure), node[figure], row[place], 1e-6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--evaluation", type=Path, help="default: RUN/evaluation.json")
    args = parser.parse_args()
    config = tomllib.loads((args.run / "config.toml").read_text())
    class_names = config["facts"]["class_names"]
    lines = (args.run / f"predictions/{args.split}.jsonl").read_text().splitlines()
    want = expected([json.loads(line) for line in lines], class_names)
    evaluation = json.loads((args.evaluation or args.run / "evaluation.json").read_text())
    # One file may hold several splits.
    for key in (("splits", args.split), (args.split,)):
        node = evaluation
        for part in key:
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, dict):
            evaluation = node
            break

    seen, wrong = {}, 0
    for what, path, found, wanted, tolerance in comparisons(evaluation, want, class_names):
        seen[what] = seen.get(what, 0) + 1
        if not abs(found - wanted) <= tolerance:
            wrong += 1
            print(f"differs: {'.'.join(map(str, path))} is {found}, scikit-learn has {wanted}")
    needed = ["accuracy", "log loss", "confusion", *(f"class {name}" for name in class_names)]
    absent = [what for what in needed if what not in seen]
    for what in absent:
        print(f"not found in evaluation.json: {what}")
    unread = [kind for kind in ("macro", "weighted") if kind not in seen]
    print(f"accuracy {want['correct']}/{want['count']}, log loss {want['log_loss']:.6f}")
    print(
        f"{sum(seen.values())} figures compared, {wrong} differ, {len(absent)} not found"
        + (f"; not looked at: {', '.join(unread)} means" if unread else "")
    )
    return 1 if wrong or absent else 0


if __name__ == "__main__":
    sys.exit(main())
