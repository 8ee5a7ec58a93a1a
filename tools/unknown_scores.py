"""Compares scores that tell photos of none of the classes, on the features of a pretrained network.

    python tools/unknown_scores.py mobilenetv2_100 ../shared/assets/weights/mobilenetv2_100.coral_in1k \\
        --known ../shared/assets/trashnet ../shared/assets/stanford-dogs-5 --unknown drawn/

A folder holds a folder per class, in any depth. Each known folder is divided 70/15/15 within its classes; the
photos of all others are unknown to it. The threshold of each score is chosen on validation photos for a share of
1 %; the table says how many test photos and how many unknown photos exceed it, and the area under the curve
between the two.
"""

import argparse
import json
import pathlib

import numpy
import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.special import logsumexp
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

SHARE = 0.01
MAX_RANK = 128
ENDINGS = {".jpg", ".jpeg", ".png"}


def network(name, folder):
    net = timm.create_model(name, num_classes=1000).eval()
    net.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    config = json.loads((folder / "config.json").read_text())["pretrained_cfg"]
    return net, numpy.float32(config["mean"]), numpy.float32(config["std"])


def features(net, mean, std, photos):
    """Means of the last two stages of blocks, and the classifier's input."""
    late, last = [], []
    for start in range(0, len(photos), 16):
        batch = torch.from_numpy(numpy.stack([(pixels(p) - mean) / std for p in photos[start : start + 16]]))
        with torch.inference_mode():
            x = net.bn1(net.conv_stem(batch.permute(0, 3, 1, 2)))
            means = []
            for stage in net.blocks:
                x = stage(x)
                means.append(x.mean((2, 3)))
            late.append(torch.cat(means[-2:], 1).numpy())
            last.append(net.bn2(net.conv_head(x)).mean((2, 3)).numpy())
    return numpy.concatenate(late).astype(float), numpy.concatenate(last).astype(float)


def pixels(photo):
    image = Image.open(photo).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.BICUBIC)
    left, top = ((side - 224) // 2 for side in image.size)
    return numpy.asarray(image.crop((left, top, left + 224, top + 224)), numpy.float32) / 255


def gaussian(train):
    """What crates/unknown fits: few axes with a variance each, and one variance for the rest."""
    (n, width), mean = train.shape, train.mean(0)
    rank = min(n // 4, width // 4, MAX_RANK)
    variances, axes = numpy.linalg.eigh(numpy.cov(train.T, bias=True))
    total, variances, axes = variances.sum(), variances[::-1][:rank], axes[:, ::-1][:, :rank]
    rest = (total - variances.sum()) / (width - rank)

    def distance(rows):
        along = ((rows - mean) @ axes) ** 2
        outside = ((rows - mean) ** 2).sum(1) - along.sum(1)
        return numpy.log(((along / variances).sum(1) + outside / rest) / width)

    def angle(rows):
        outside = 1 - (((rows - mean) @ axes) ** 2).sum(1) / ((rows - mean) ** 2).sum(1)
        return numpy.log(outside / (1 - outside))

    return distance, angle


def scores(late, last, labels):
    """Every score as a function of (late, last), fitted on training photos."""
    centre, spread = last.mean(0), last.std(0) + 1e-8
    head = LogisticRegression(C=0.01, max_iter=300).fit((last - centre) / spread, labels)
    logits = lambda rows: head.decision_function((rows - centre) / spread)
    near = last / numpy.linalg.norm(last, axis=1, keepdims=True)
    unit = lambda rows: rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    (late_distance, late_angle), (last_distance, last_angle) = gaussian(late), gaussian(last)
    return {
        "softmax": lambda a, b: -(logits(b).max(1) - logsumexp(logits(b), axis=1)),
        "energy": lambda a, b: -logsumexp(logits(b), axis=1),
        "10th neighbour, classifier's input": lambda a, b: 1 - numpy.sort(unit(b) @ near.T, axis=1)[:, -10],
        "Mahalanobis, classifier's input": lambda a, b: last_distance(b),
        "angle to the axes, classifier's input": lambda a, b: last_angle(b),
        "angle to the axes, late stages": lambda a, b: late_angle(a),
        "Mahalanobis, late stages (crates/unknown)": lambda a, b: late_distance(a),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("--known", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--unknown", type=pathlib.Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, mean, std = network(args.model, args.weights)
    photos = {
        folder: sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
        for folder in args.known + args.unknown
    }
    found = {folder: features(net, mean, std, of) for folder, of in photos.items()}
    for folder in args.known:
        classes = numpy.array([photo.parent.name for photo in photos[folder]])
        print(f"{args.model}, {folder.name}", end=": ")
        compare(found[folder], classes, {o.name: f for o, f in found.items() if o != folder}, args.seed)


def compare(known, classes, unknown, seed):
    late, last = known
    rng, parts = numpy.random.default_rng(seed), ([], [], [])
    for name in numpy.unique(classes):
        of = rng.permutation(numpy.flatnonzero(classes == name))
        ends = round(0.7 * len(of)), round(0.85 * len(of))
        for part, photos_of in zip(parts, numpy.split(of, ends)):
            part.extend(photos_of)
    train, val, test = map(numpy.array, parts)
    print(f"{len(train)} train, {len(val)} val, {len(test)} test", flush=True)
    for name, score in scores(late[train], last[train], classes[train]).items():
        of_val, of_test = score(late[val], last[val]), score(late[test], last[test])
        bound = t.ppf(1 - SHARE, len(val) - 1) * of_val.std(ddof=1) * numpy.sqrt(1 + 1 / len(val))
        threshold = of_val.mean() + bound
        row = f"{name:44} known {100 * (of_test > threshold).mean():5.2f} %"
        for other, found in unknown.items():
            found = score(*found)
            truth = numpy.r_[numpy.zeros(len(of_test)), numpy.ones(len(found))]
            area = roc_auc_score(truth, numpy.r_[of_test, found])
            row += f" | {other}: area {area:.4f}, refused {100 * (found > threshold).mean():5.1f} %"
        print(row, flush=True)


if __name__ == "__main__":
    main()
