"""What `kennel audit` was chosen by: which of cleanlab's lists and scores find swapped labels, which distance strangers.

    python tools/audit_methods.py --kennel target/release/kennel --photos ../shared/assets/trashnet \\
        --weights ../shared/assets/weights/mobilenetv2_100.coral_in1k --features /tmp/features \\
        --strangers ../shared/assets/stanford-dogs-5/test --stranger-features /tmp/strangers

Labels are swapped and predicted as in tools/check_audit.py, with other seeds. Strangers are photos of other things, drawn
at random (seed 0): a distance should tell them from the photos of the set.
"""

import json
import pathlib
import tempfile
import warnings

import numpy
from check_audit import RATES, Photos, arguments, features_of, found, out_of_fold, runner, softmax
from cleanlab.filter import find_label_issues
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

SEEDS = [0, 1, 2]
LISTS = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning"]
SCORES = ["normalized_margin", "self_confidence"]
STRANGERS = [1, 5, 20, 125]
SPACES = {
    "cosine": (lambda rows: rows, "cosine"),
    "cosine, standardised": (StandardScaler().fit_transform, "cosine"),
    "Euclidean, standardised": (StandardScaler().fit_transform, "euclidean"),
}


def methods(photos):
    print("| list | ranked by | in the first 2n | lowest | average precision |")
    print("|---|---|--:|--:|--:|")
    results = {}
    for rate in RATES:
        for seed in SEEDS:
            labels, swapped = photos.swapped(rate, seed)
            probabilities = softmax(out_of_fold(photos, labels)[1])
            for name in LISTS:
                for score in SCORES:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        order = find_label_issues(
                            labels, probabilities, filter_by=name, n_jobs=1, return_indices_ranked_by=score
                        )
                    results.setdefault((name, score), []).append(found(swapped, order, int(swapped.sum())))
    for (name, score), cases in results.items():
        (first, precision), lowest = numpy.mean(cases, axis=0), min(cases)[0]
        print(f"| `{name}` | `{score}` | {100 * first:.1f} % | {100 * lowest:.1f} % | {precision:.3f} |")


def strangers(own, others):
    print("| distance | strangers | AUC | strangers listed | photos of the set listed |")
    print("|---|--:|--:|--:|--:|")
    for name, (scale, metric) in SPACES.items():
        rng = numpy.random.default_rng(0)
        for n in STRANGERS:
            rows = scale(numpy.concatenate([own, rng.permutation(others)[:n]]))
            is_stranger = numpy.arange(len(rows)) >= len(own)
            neighbours = NearestNeighbors(n_neighbors=10, metric=metric).fit(rows)
            distances = neighbours.kneighbors()[0].mean(axis=1)
            low, high = numpy.percentile(distances, [25, 75])
            listed = distances > high + 1.5 * (high - low)
            area = roc_auc_score(is_stranger, distances)
            print(f"| {name} | {n} | {area:.3f} | {listed[is_stranger].sum()} | {listed[~is_stranger].sum()} |")


parser = arguments(__doc__)
parser.add_argument("--strangers", type=pathlib.Path, required=True)
parser.add_argument("--stranger-features", type=pathlib.Path, required=True)
args = parser.parse_args()
by_path = features_of(args.features, args.photos, args.weights)
with tempfile.TemporaryDirectory() as folder:
    runner(args.kennel, folder)("prepare", args.photos.absolute(), "--seed", "42", "--out", "data")
    manifest = json.loads((pathlib.Path(folder) / "data/manifest.json").read_text())
methods(Photos(manifest, by_path))
print()
of_strangers = features_of(args.stranger_features, args.strangers, args.weights)
strangers(numpy.stack(list(by_path.values())), numpy.stack(list(of_strangers.values())))
