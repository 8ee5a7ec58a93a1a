"""Holds `kennel explain`'s heat maps to pytorch-grad-cam's, on the same photos and weights.

    pip install grad-cam==1.5.7
    python tools/check_grad_cam.py --kennel target/release/kennel --model M --weights DIR PHOTO ...
    python tools/check_grad_cam.py --draw vit_tiny_patch16_224 DIR     a timm folder with drawn weights, for networks
                                                                       whose real ones are not at hand

timm builds the network, loads the weights, and prepares the photos with Pillow and its own transforms. GradCAM explains the
class that Kennel gives the photo. Both maps are enlarged to the side of the photo; their Pearson correlation is compared with
`LEAST`. Exit code 1 when one is lower or a label differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import timm
import torch
from PIL import Image, ImageOps
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.torch import load_file, save_file
from timm.data import create_transform

LEAST = 0.99
# Standard deviation of drawn weights. timm's own 0.02 gives a transformer whose attention is even.
DRAWN_STD = 0.05


def target(model) -> tuple:
    """The last layer that has places, and what turns its output into a feature map."""
    if hasattr(model, "num_prefix_tokens"):

        def places(tokens):
            patches = tokens[:, model.num_prefix_tokens :]
            side = round(patches.shape[1] ** 0.5)
            return patches.transpose(1, 2).reshape(len(tokens), -1, side, side)

        return model.blocks[-1].norm1, places
    if hasattr(model, "stages"):
        return model.stages[-1], None
    if hasattr(model, "layer4"):
        return model.layer4[-1], None
    pools_first = not hasattr(model, "bn2") or isinstance(model.bn2, torch.nn.Identity)
    return (model.blocks[-1] if pools_first else model.bn2), None


def draw(arch: str, folder: Path) -> None:
    """Writes a timm folder with drawn weights."""
    torch.manual_seed(42)
    model = timm.create_model(arch, num_classes=1000)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.ndim > 1:
                value.normal_(std=DRAWN_STD)
            elif name.endswith("gamma"):
                value.fill_(1.0)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    config = {key: value for key, value in model.pretrained_cfg.items() if key not in ("url", "hf_hub_id", "source", "file")}
    described = {"architecture": arch, "num_classes": 1000, "num_features": model.num_features, "pretrained_cfg": config}
    (folder / "config.json").write_text(json.dumps(described, default=str))


def read_photo(path: str) -> Image.Image:
    with Image.open(path) as photo:
        return ImageOps.exif_transpose(photo).convert("RGB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", default="kennel")
    parser.add_argument("--model")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--draw", nargs=2, metavar=("ARCH", "DIR"))
    parser.add_argument("photos", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.draw:
        draw(args.draw[0], Path(args.draw[1]))
        return 0

    with tempfile.TemporaryDirectory() as out:
        command = [args.kennel, "-q", "explain", *args.photos, "--model", args.model, "--weights", str(args.weights)]
        run = subprocess.run([*command, "--out", out, "--format", "json"], check=True, capture_output=True)
    rows = json.loads(run.stdout)

    config = json.loads((args.weights / "config.json").read_text())
    model = timm.create_model(args.model, num_classes=config["num_classes"]).eval()
    model.load_state_dict(load_file(args.weights / "model.safetensors"), strict=False)
    keys = ["input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode"]
    transform = create_transform(**{key: config["pretrained_cfg"][key] for key in keys}, is_training=False)
    layer, places = target(model)
    # Kennel names classes, timm counts them: the place of a name is that of the logit that its probability belongs to.
    correlations, labels = [], 0
    for row in rows:
        pixels = transform(read_photo(row["path"]))[None]
        with torch.no_grad():
            logits = model(pixels)[0]
        best = int(logits.argmax())
        same = abs(float(logits.softmax(0)[best]) - row["probability"]) < 1e-3
        labels += same
        with GradCAM(model, [layer], reshape_transform=places) as cam:
            expected = cam(pixels, [ClassifierOutputTarget(best)])[0]
        heat = torch.tensor(row["heat"]["values"]).reshape(1, 1, row["heat"]["side"], row["heat"]["side"])
        found = torch.nn.functional.interpolate(heat, size=pixels.shape[-2:], mode="bilinear", align_corners=False)
        correlations.append(numpy.corrcoef(found.numpy().ravel(), expected.ravel())[0, 1])
    least, mean = min(correlations), sum(correlations) / len(correlations)
    print(f"{args.model}: {len(rows)} photos, {labels} probabilities alike, correlation {least:.6f} at least, {mean:.6f} on average")
    return 0 if least >= LEAST and labels == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
