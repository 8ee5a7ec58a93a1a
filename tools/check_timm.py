"""Holds a run's weights and test logits to timm.

    python tools/check_timm.py RUN|RUN/checkpoints/best.safetensors [--data DIR] [--split test] [--limit N] [--exact]
    python tools/check_timm.py RUN --local-dir DIR     what `kennel export --timm DIR` wrote, as timm loads it by itself

timm builds the run's model, loads its checkpoint, prepares the run's photos with Pillow and its own transforms, and its
logits are compared with `predictions/<split>.jsonl`. Exit code 1 when a key is missing or left over, a tensor has
another shape, or the most likely class of any photo differs. `--exact` asks for logits within 1e-4 of max |logit|, too.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path

import timm
import torch
from PIL import Image, ImageOps
from safetensors import safe_open
from timm.data import create_transform, resolve_model_data_config


def read_shapes(path: Path) -> dict:
    with safe_open(path, framework="pt") as file:
        return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}


def check_keys(checkpoint: Path, arch: str, classes: int) -> bool:
    """Whether the file holds timm's state dict and nothing else; `num_batches_tracked` may be absent."""
    wanted = {name: list(value.shape) for name, value in timm.create_model(arch, num_classes=classes).state_dict().items()}
    found = read_shapes(checkpoint)
    missing = [name for name in wanted if name not in found]
    absent_counters = [name for name in missing if name.endswith("num_batches_tracked")]
    missing = [name for name in missing if name not in absent_counters]
    left_over = [name for name in found if name not in wanted]
    misshapen = [
        f"{name} {found[name]}, expected {wanted[name]}" for name in found if name in wanted and found[name] != wanted[name]
    ]
    print(
        f"keys: {len(found)} in the file, {len(missing)} missing, {len(left_over)} left over, {len(misshapen)} misshapen"
        f" ({len(absent_counters)} num_batches_tracked absent)"
    )
    for kind, names in [("missing", missing), ("left over", left_over), ("misshapen", misshapen)]:
        for name in names:
            print(f"  {kind}: {name}")
    return not (missing or left_over or misshapen)


def find_photo(data: Path, record_path: str) -> Path:
    path = data / record_path
    if not path.is_file():
        sys.exit(f"{path}: no such photo\nhint: name the data folder with --data DIR")
    return path


def read_photo(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return ImageOps.exif_transpose(photo).convert("RGB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's directory, or the checkpoint in it")
    parser.add_argument("--data", type=Path, help="where the photos are (default: the run's data_dir, from here)")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="only the first N photos")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--local-dir", type=Path, help="a timm model folder of the run")
    parser.add_argument("--exact", action="store_true", help="logits within 1e-4 of max |logit|")
    args = parser.parse_args()
    torch.set_num_threads(1)

    if args.run.is_file():
        checkpoint = args.run
        run = next((folder for folder in checkpoint.resolve().parents if (folder / "config.toml").is_file()), None)
        if run is None:
            sys.exit(f"{checkpoint}: no config.toml in the folders above it")
    else:
        run, checkpoint = args.run, args.run / "checkpoints/best.safetensors"
    config = tomllib.loads((run / "config.toml").read_text())
    preprocessing, arch = config["preprocessing"], config["model"]
    class_names = config["facts"]["class_names"]
    data = args.data or Path(config["data_dir"])

    keys_match = check_keys(checkpoint, arch, len(class_names))
    if not keys_match:
        return 1
    if args.local_dir:
        # Neither the number of classes nor the preparation is told: the folder says both.
        model = timm.create_model(f"local-dir:{args.local_dir}", pretrained=True).eval()
        transform = create_transform(**resolve_model_data_config(model), is_training=False)
        print(f"{args.local_dir}: {model.num_classes} classes, {model.pretrained_cfg['label_names']}")
        if model.pretrained_cfg["label_names"] != class_names:
            return 1
    else:
        model = timm.create_model(arch, num_classes=len(class_names), checkpoint_path=str(checkpoint)).eval()
        side = config.get("test_side_px", preprocessing["side_px"])
        transform = create_transform(
            input_size=(3, side, side),
            crop_pct=config.get("test_crop_pct", preprocessing["crop_pct"]),
            crop_mode=preprocessing.get("crop_mode"),
            interpolation=preprocessing["interpolation"],
            mean=tuple(preprocessing["mean"]),
            std=tuple(preprocessing["std"]),
        )

    lines = (run / f"predictions/{args.split}.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines][: args.limit]
    ours = torch.tensor([record["logits"] for record in records])
    labels = torch.tensor([class_names.index(record["label"]) for record in records])
    parts = []
    with torch.no_grad():
        for start in range(0, len(records), args.batch):
            batch = records[start : start + args.batch]
            pixels = torch.stack([transform(read_photo(find_photo(data, r["path"]))) for r in batch])
            logits = model(pixels)
            if config.get("test_flip"):
                logits = (logits + model(pixels.flip(3))) / 2
            parts.append(logits)
    theirs = torch.cat(parts)

    difference = (ours - theirs).abs()
    largest = theirs.abs().max()
    agree = ours.argmax(1) == theirs.argmax(1)
    worst = difference.amax(1).argmax()
    print(f"{arch}, {len(records)} photos of {args.split}, {len(class_names)} classes")
    print(
        f"logits: max |difference| {difference.max():.3g} = {difference.max() / largest:.2e} of max |logit| {largest:.3g}"
        f" ({records[worst]['path']}); mean |difference| {difference.mean() / largest:.2e} of it"
    )
    print(f"top-1 agreement: {int(agree.sum())}/{len(records)}")
    for index in (~agree).nonzero().flatten().tolist():
        names = [class_names[logits[index].argmax()] for logits in (ours, theirs)]
        print(f"  {records[index]['path']}: the run says {names[0]}, timm {names[1]}")
    right = [int((logits.argmax(1) == labels).sum()) for logits in (ours, theirs)]
    print(f"right: the run {right[0]}/{len(records)}, timm {right[1]}/{len(records)}")
    within = not args.exact or bool(difference.max() <= 1e-4 * largest)
    return 0 if agree.all() and within else 1


if __name__ == "__main__":
    sys.exit(main())
