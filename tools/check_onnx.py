"""Holds an exported file to its run, in Python alone: onnx, ONNX Runtime, Pillow.

    python tools/check_onnx.py FILE --run RUN [--data DIR] [--split test] [--exact]
        [--max-worse N] [--min-agreement SHARE] [--min-right SHARE] [--max-size SHARE --than FILE]

The file (with the weights beside it, where it has such) is copied into an empty folder. There `onnx.checker` reads it with
`full_check`, its metadata are held to the run key by key, ONNX Runtime runs it on batches of 1, 2 and 7, and on every
photo of the split, which Pillow prepares by the metadata alone (or not at all, where the file takes photos). Its logits are
compared with `predictions/<split>.jsonl`.

Top-1 must be that of the run on every photo, unless `--min-agreement` says less; `--max-worse` bounds how many more
photos may be wrong than the run's. With `--exact` logits must be within 1e-4 of max |logit|. Exit code 1 when something
differs.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image, ImageOps

TOLERANCE = 1e-4
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
MIN_OPSET = 18


def read_photo(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return ImageOps.exif_transpose(photo).convert("RGB")


def prepare(photo: Image.Image, metadata: dict) -> np.ndarray:
    """[3, side, side], by what the file says of itself."""
    side, short = json.loads(metadata["side_px"]), json.loads(metadata["resize_px"])
    mean, std = (np.asarray(json.loads(metadata[key]), np.float32) for key in ["mean", "std"])
    width, height = photo.size
    mode = metadata.get("crop_mode", "center")
    if mode == "squash":
        size = (short, short)
    elif mode == "border":
        ratio = max(height / short, width / short)
        size = (round(width / ratio), round(height / ratio))
    elif width <= height:
        size = (short, int(short * height / width))
    else:
        size = (int(short * width / height), short)
    photo = photo.resize(size, FILTERS[metadata["interpolation"]])
    if mode == "border" and min(size) < side:
        square = Image.new("RGB", (max(size[0], side), max(size[1], side)), tuple(round(255 * float(m)) for m in mean))
        square.paste(photo, (max(side - size[0], 0) // 2, max(side - size[1], 0) // 2))
        photo, size = square, square.size
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    levels = np.asarray(photo.crop((left, top, left + side, top + side)), np.float32) / np.float32(255)
    return ((levels - mean) / std).transpose(2, 0, 1)


class Check:
    """Says what holds, and remembers whether all does."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, holds: bool, what: str) -> None:
        self.failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'} {what}")


def digest(run: Path) -> str:
    """What `sha256sum config.toml manifest.json checkpoints/best.safetensors | sha256sum` prints in the run."""
    names = ["config.toml", "manifest.json", "checkpoints/best.safetensors"]
    lines = [f"{hashlib.sha256((run / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_metadata(check: Check, metadata: dict, run: Path, config: dict, precision: str) -> None:
    evaluation = json.loads((run / "evaluation.json").read_text())
    preprocessing = config["preprocessing"]
    side = config.get("test_side_px", preprocessing["side_px"])
    crop_pct = config.get("test_crop_pct", preprocessing["crop_pct"])
    as_json = {
        "class_names": config["facts"]["class_names"],
        "side_px": side,
        "resize_px": int(side / crop_pct),
        "crop_pct": crop_pct,
        "mean": preprocessing["mean"],
        "std": preprocessing["std"],
        "test_accuracy": evaluation["test"]["accuracy"],
    }
    if "test_flip" in config:
        as_json["test_flip"] = config["test_flip"]
    as_text = {
        "architecture": config["model"],
        "weights": Path(config["weights"]).name,
        "interpolation": preprocessing["interpolation"],
        "precision": precision,
        "run": run.name,
        "run_sha256": digest(run),
        "kennel_version": config["facts"]["kennel_version"],
    }
    for key, expected in as_json.items():
        found = json.loads(metadata.get(key, "null"))
        if key in ["mean", "std"]:
            check(np.allclose(found, expected, rtol=1e-6), f"metadata {key} is {found}")
        else:
            check(found == expected, f"metadata {key} is {found}")
    for key, expected in as_text.items():
        check(metadata.get(key) == expected, f"metadata {key} is {metadata.get(key)}")
    check(json.loads(metadata["temperature"]) > 0, f"metadata temperature is {metadata['temperature']}")
    check(bool(metadata["weights_license"]), f"metadata weights_license is {metadata['weights_license']}")
    val = json.loads(metadata["val_accuracy"])
    check(val["low"] <= val["value"] == val["correct"] / val["n"] <= val["high"], f"metadata val_accuracy is {val}")
    rest = set(metadata) - set(as_json) - set(as_text) - {"temperature", "weights_license", "val_accuracy"}
    check(not rest, f"no other metadata {sorted(rest)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="where the photos are (default: the run's data_dir, from here)")
    parser.add_argument("--split", default="test")
    parser.add_argument("--exact", action="store_true", help="logits within 1e-4 of max |logit|")
    parser.add_argument("--max-worse", type=int, default=0, help="photos that may be wrong beyond the run's")
    parser.add_argument("--min-agreement", type=float, default=1.0, help="share of photos with the run's top-1")
    parser.add_argument("--min-right", type=float, default=0.0, help="share of photos that the run has right")
    parser.add_argument("--than", type=Path, help="a larger file")
    parser.add_argument("--max-size", type=float, help="share of that file's size")
    parser.add_argument("--precision", default="float32")
    args = parser.parse_args()
    if (args.than is None) != (args.max_size is None):
        parser.error("--than and --max-size go together")
    check = Check()
    config = tomllib.loads((args.run / "config.toml").read_text())
    class_names = config["facts"]["class_names"]
    data = args.data or Path(config["data_dir"])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / args.file.name
        shutil.copy(args.file, path)
        weights = list(args.file.parent.glob(f"{args.file.name}.*.data"))
        for file in weights:
            shutil.copy(file, folder)
        onnx.checker.check_model(str(path), full_check=True)
        model = onnx.load(str(path))
        check(True, f"onnx.checker {onnx.__version__}, full_check")
        opset = model.opset_import[0].version
        check(opset >= MIN_OPSET and len(model.opset_import) == 1, f"opset {opset}, of ONNX alone")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        check(True, f"loads in ONNX Runtime {onnxruntime.__version__}")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    check(metadata == session.get_modelmeta().custom_metadata_map, "onnx and ONNX Runtime read the same metadata")
    stated = [metadata.pop("external_data_sha256")] if "external_data_sha256" in metadata else []
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in weights]
    check(stated == digests, f"{len(digests)} files of weights beside it, with the digests that it states")
    check_metadata(check, metadata, args.run, config, args.precision)

    takes_photos = session.get_inputs()[0].name == "photo"
    records = [json.loads(line) for line in (args.run / f"predictions/{args.split}.jsonl").read_text().splitlines()]
    photos = [read_photo(data / record["path"]) for record in records]
    if takes_photos:
        check(session.get_inputs()[0].type == "tensor(uint8)", f"takes {session.get_inputs()[0].shape} bytes")
        outputs = [session.run(["probabilities", "label"], {"photo": np.asarray(photo)}) for photo in photos]
        scores = np.stack([probabilities for probabilities, _ in outputs])
        labels = np.array([int(label) for _, label in outputs])
        check(np.allclose(scores.sum(1), 1, atol=1e-5), "probabilities sum to 1")
        check(bool((labels == scores.argmax(1)).all()), "`label` is the first of `probabilities`")
    else:
        side = json.loads(metadata["side_px"])
        shapes = session.get_inputs()[0].shape, session.get_outputs()[0].shape
        check(shapes[0][1:] == [3, side, side] and isinstance(shapes[0][0], str), f"input {shapes[0]}")
        check(shapes[1][1:] == [len(class_names)] and isinstance(shapes[1][0], str), f"output {shapes[1]}")
        pixels = np.stack([prepare(photo, metadata) for photo in photos])
        one_by_one = np.concatenate([session.run(["output"], {"input": photo[None]})[0] for photo in pixels])
        largest = np.abs(one_by_one).max()
        for batch in [1, 2, 7]:
            together = session.run(["output"], {"input": pixels[:batch]})[0]
            apart = np.abs(together - one_by_one[:batch]).max() / largest
            # Integers may be rounded the other way where the sums before them differ in their last digit.
            limit = 0.05 if args.precision == "int8" else 1e-3 if args.precision == "float16" else 1e-5
            check(together.shape == (batch, len(class_names)) and apart <= limit, f"batch {batch}: within {apart:.1e}")
        scores = one_by_one

    ours = np.array([record["logits"] for record in records], np.float64)
    true = np.array([class_names.index(record["label"]) for record in records])
    if not takes_photos:
        apart, largest = np.abs(ours - scores).max(), np.abs(ours).max()
        what = f"logits of {len(records)} photos differ by {apart:.3g} = {apart / largest:.1e} of max |logit| {largest:.4g}"
        check(apart <= TOLERANCE * largest if args.exact else True, what)
    agree, n = int((scores.argmax(1) == ours.argmax(1)).sum()), len(records)
    check(agree >= args.min_agreement * n, f"the run's top-1 on {agree}/{n}")
    right, right_of_run = int((scores.argmax(1) == true).sum()), int((ours.argmax(1) == true).sum())
    check(right >= right_of_run - args.max_worse, f"right: the file {right}/{n}, the run {right_of_run}/{n}")
    if args.min_right:
        check(right_of_run >= args.min_right * n, f"at least {args.min_right:.0%} right, so that agreement says something")
    if args.than:
        share = args.file.stat().st_size / args.than.stat().st_size
        check(share <= args.max_size, f"size {args.file.stat().st_size} = {share:.3f} of {args.than.name}")
    print(f"{args.file.name}: {'all holds' if not check.failed else f'{check.failed} do not hold'}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
