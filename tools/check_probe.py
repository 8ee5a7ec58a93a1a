"""Compares the convex head and its out-of-fold logits with scikit-learn's on real features.

    cargo build --release -p kennel-probe --example probe
    python tools/check_probe.py FOLDER [--example target/release/examples/probe]

FOLDER holds `features.npy` (f32, [photos, width]) and `labels.npy` (i64, [photos]). Five stratified
folds are drawn. The final head and every fold's head are solved again by scikit-learn at the
strength that Kennel chose; coefficients over standardised features and out-of-fold logits must be
equal to 1e-4 and 1e-2. Exit code 1 otherwise.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

COEFFICIENTS = 1e-4
# Heads of folds are searched to a gradient of 1e-6: enough to judge a strength.
LOGITS = 1e-2


def solve(features, labels, l2):
    mean, std = features.mean(0), features.std(0)
    units = np.where(std > 1e-7 * abs(mean), std, np.inf)
    model = LogisticRegression(C=1 / l2, tol=1e-8, max_iter=10000)
    model.fit((features - mean) / units, labels)
    return model.coef_, model.intercept_ - model.intercept_.mean(), mean, units


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--example", type=Path, default=Path("target/release/examples/probe"))
    args = parser.parse_args()
    features = np.load(args.folder / "features.npy").astype(np.float64)
    labels = np.load(args.folder / "labels.npy")
    folds = np.empty(len(labels), np.int64)
    splitter = StratifiedKFold(5, shuffle=True, random_state=42)
    for fold, (_, inside) in enumerate(splitter.split(features, labels)):
        folds[inside] = fold
    np.save(args.folder / "folds.npy", folds)
    subprocess.run([args.example, args.folder], check=True)

    l2 = float((args.folder / "l2.txt").read_text())
    classes, width = labels.max() + 1, features.shape[1]
    head = np.fromfile(args.folder / "head.f32", "<f4").astype(np.float64)
    weights, bias = head[: classes * width].reshape(classes, width), head[classes * width :]
    start = time.time()
    coef, intercept, mean, units = solve(features, labels, l2)
    elapsed = time.time() - start
    units = np.where(np.isinf(units), 0, units)
    found_bias = bias + weights @ mean
    differences = [abs(weights * units - coef).max()]
    differences.append(abs(found_bias - found_bias.mean() - intercept).max())
    print(f"final head, l2 {l2:.5f}: scikit-learn {elapsed:.1f} s, largest coefficient {abs(coef).max():.3f}")
    print(f"largest difference of weights {differences[0]:.1e}, of biases {differences[1]:.1e}")

    found = np.fromfile(args.folder / "out_of_fold.f32", "<f4").reshape(-1, classes)
    expected = np.empty_like(found)
    for fold in range(5):
        outside, inside = folds != fold, folds == fold
        coef, intercept, mean, units = solve(features[outside], labels[outside], l2)
        expected[inside] = ((features[inside] - mean) / units) @ coef.T + intercept
    difference = abs(found - found.mean(1, keepdims=True) - expected + expected.mean(1, keepdims=True)).max()
    agreed = (found.argmax(1) == expected.argmax(1)).sum()
    print(f"largest difference of out-of-fold logits {difference:.1e}; same class {agreed}/{len(labels)}")
    return int(max(differences) > COEFFICIENTS or difference > LOGITS)


if __name__ == "__main__":
    sys.exit(main())
