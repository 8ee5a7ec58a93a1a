"""Swaps labels of a data set at random, audits it with Kennel and with cleanlab, and compares what they find.

    pip install cleanlab numpy scikit-learn timm torch pillow safetensors
    python tools/check_audit.py --kennel target/release/kennel --photos ../shared/assets/trashnet \\
        --weights ../shared/assets/weights/mobilenetv2_100.coral_in1k --features /tmp/features

Photos are divided as by `kennel prepare --seed 42`. The labels of 3 % and 8 % of the training photos become another
class, drawn evenly. Out-of-fold probabilities come from scikit-learn's logistic regression on standardised features of
MobileNetV2 (five folds over training and validation photos, copies in one fold, C by out-of-fold log loss). Both
programs get the same probabilities. Where they use the same method, lists and probabilities must be equal; of n swapped
photos at least 60 % must be among the first 2n of Kennel's list.

`--features` is a folder of features.npy and paths.txt; it is written if it is not there.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile
import warnings

import numpy
from cleanlab.count import num_label_issues
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RATES = [0.03, 0.08]
SEEDS = [42, 43, 44]
STRENGTHS = [3e-4, 1e-3, 3e-3, 1e-2]
LEAST_FOUND = 0.6
TOLERANCE = 1e-6


def features_of(folder, photos, weights):
    """Features and paths of every photo: MobileNetV2's input of the classifier, centre crop of 224 pixels."""
    if not (folder / "features.npy").exists():
        import timm
        import torch
        from PIL import Image
        from safetensors.torch import load_file

        network = timm.create_model("mobilenetv2_100", pretrained=False).eval()
        network.load_state_dict(load_file(str(weights / "model.safetensors")), strict=False)
        mean, std = numpy.float32([0.485, 0.456, 0.406]), numpy.float32([0.229, 0.224, 0.225])

        def pixels(path):
            photo = Image.open(path).convert("RGB")
            scale = 256 / min(photo.size)
            photo = photo.resize([round(side * scale) for side in photo.size], Image.Resampling.BICUBIC)
            left, top = (photo.width - 224) // 2, (photo.height - 224) // 2
            photo = photo.crop((left, top, left + 224, top + 224))
            return ((numpy.asarray(photo, numpy.float32) / 255 - mean) / std).transpose(2, 0, 1)

        paths = sorted(path.relative_to(photos).as_posix() for path in photos.glob("*/*"))
        rows = []
        with torch.inference_mode():
            for start in range(0, len(paths), 32):
                batch = torch.from_numpy(numpy.stack([pixels(photos / path) for path in paths[start : start + 32]]))
                rows.append(network.forward_head(network.forward_features(batch), pre_logits=True).numpy())
        folder.mkdir(parents=True, exist_ok=True)
        numpy.save(folder / "features.npy", numpy.concatenate(rows))
        (folder / "paths.txt").write_text("\n".join(paths) + "\n")
    paths = (folder / "paths.txt").read_text().split("\n")[:-1]
    return dict(zip(paths, numpy.load(folder / "features.npy")))


def out_of_fold(photos, labels):
    """Logits of every photo by a head that was fitted without its fold, at the strength of the lowest log loss."""
    features, best = photos.features, None
    for strength in STRENGTHS:
        logits = numpy.zeros((len(labels), len(photos.classes)), numpy.float32)
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(features, labels, photos.groups)
        for train, held_out in folds:
            head = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300, tol=1e-3))
            logits[held_out] = head.fit(features[train], labels[train]).decision_function(features[held_out])
        loss = log_loss(labels, softmax(logits))
        if best is None or loss < best[0]:
            best = (loss, strength, logits)
    return best[1:]


def softmax(logits):
    shares = numpy.exp(logits.astype(float) - logits.astype(float).max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def found(swapped, order, n):
    """The share of swapped photos among the first 2n of a list, and its average precision.

    Photos that are not listed come after all that are, in no order.
    """
    scores = numpy.zeros(len(swapped))
    scores[order] = numpy.arange(len(order), 0, -1)
    return swapped[order[: 2 * n]].sum() / n, average_precision_score(swapped, scores)


class Photos:
    """The training and validation photos of a manifest, with their features."""

    def __init__(self, manifest, by_path):
        self.records = [photo for photo in manifest["photos"] if photo["split"] != "test"]
        self.classes = manifest["classes"]
        self.truth = numpy.array([self.classes.index(photo["label"]) for photo in self.records])
        self.training = numpy.flatnonzero([photo["split"] == "train" for photo in self.records])
        self.at = {photo["path"]: place for place, photo in enumerate(self.records)}
        self.groups = numpy.arange(len(self.records))
        for group in manifest["duplicates"]:
            places = [self.at[path] for path in group["paths"] if path in self.at]
            self.groups[places] = min(places, default=0)
        self.features = numpy.stack([by_path[photo["source"]] for photo in self.records])

    def swapped(self, rate, seed):
        """Labels of which a share is swapped, and which of them are."""
        rng = numpy.random.default_rng(seed)
        n = round(rate * len(self.training))
        places = rng.choice(self.training, n, replace=False)
        labels, swapped = self.truth.copy(), numpy.zeros(len(self.truth), bool)
        labels[places] = (labels[places] + rng.integers(1, len(self.classes), n)) % len(self.classes)
        swapped[places] = True
        return labels, swapped


def runner(program, folder):
    """Calls the program in `folder` and returns its standard output."""

    def kennel(*words):
        return subprocess.run([program.absolute(), *words], check=True, capture_output=True, text=True, cwd=folder).stdout

    return kennel


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kennel", "photos", "weights", "features"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    return parser


def main():
    args = arguments(__doc__).parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    kennel = runner(args.kennel, work)
    kennel("prepare", args.photos.absolute(), "--seed", "42", "--out", "data")
    tiny = "train --data data --model test_resnet --weights none --strategy freeze --side 32 --epochs 1 --batch-size 64 --lr 1e-3"
    kennel(*tiny.split())
    trained = next((work / "runs").iterdir())
    manifest = json.loads((work / "data/manifest.json").read_text())
    photos = Photos(manifest, features_of(args.features, args.photos, args.weights))

    print("| swapped | seed | n | C | listed | in the first 2n | average precision | cleanlab's default: first 2n | average precision | estimated |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for rate in [0.0, *RATES]:
        for seed in SEEDS if rate else SEEDS[:1]:
            labels, swapped = photos.swapped(rate, seed)
            n = int(swapped.sum())
            strength, logits = out_of_fold(photos, labels)

            run = work / "audited" / f"{rate}-{seed}"
            (run / "predictions").mkdir(parents=True)
            shutil.copy(trained / "config.toml", run)
            for photo, label in zip(photos.records, labels):
                photo["label"] = photos.classes[label]
            (run / "manifest.json").write_text(json.dumps(manifest))
            with open(run / "predictions/out_of_fold.jsonl", "w") as file:
                for photo, row in zip(photos.records, logits):
                    line = {"path": photo["path"], "label": photo["label"], "logits": [float(value) for value in row]}
                    file.write(json.dumps(line) + "\n")
            audit = json.loads(kennel("audit", "--run", run, "--format", "json"))
            ours = numpy.array([photos.at[wrong["path"]] for wrong in audit["wrong_labels"]])

            probabilities = softmax(logits)
            own = get_label_quality_scores(labels, probabilities, method="self_confidence")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                same = find_label_issues(
                    labels, probabilities, filter_by="prune_by_class", n_jobs=1, return_indices_ranked_by="self_confidence"
                )
                default = find_label_issues(
                    labels, probabilities, n_jobs=1, return_indices_ranked_by="normalized_margin"
                )
            assert set(ours) == set(same), "the lists differ"
            for wrong, place in zip(audit["wrong_labels"], same):
                assert abs(wrong["label_probability"] - own[place]) < TOLERANCE, wrong
            assert audit["estimated_wrong"]["count"] == num_label_issues(labels, probabilities)

            estimated = audit["estimated_wrong"]
            interval = f"{estimated['count']} ({estimated['low']:.0f}-{estimated['high']:.0f})"
            if n == 0:
                print(f"| {100 * rate:.0f} % | | 0 | {strength:g} | {len(ours)} | | | | | {interval} |")
                continue
            first, precision = found(swapped, ours, n)
            theirs, their_precision = found(swapped, default, n)
            print(
                f"| {100 * rate:.0f} % | {seed} | {n} | {strength:g} | {len(ours)} | {100 * first:.1f} % | {precision:.3f} |"
                f" {100 * theirs:.1f} % | {their_precision:.3f} | {interval} |"
            )
            assert first >= LEAST_FOUND, f"{first:.1%} of {n} among the first {2 * n}"
    shutil.rmtree(work)
    print("lists, probabilities and estimates are cleanlab's where the method is the same")


if __name__ == "__main__":
    main()
