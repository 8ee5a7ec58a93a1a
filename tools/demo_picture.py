"""The README's picture: drawn dogs with what the network of a demonstration says of them.

    kennel demo && python tools/demo_picture.py kennel-demo docs/demo.jpg --kennel target/release/kennel

Two test photos of every breed, the first two of its folder; needs Pillow.
"""

import argparse
import json
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIDE, CAPTION, GAP = 160, 22, 6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("demo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kennel", default="kennel")
    args = parser.parse_args()

    classes = sorted(path for path in (args.demo / "data/test").iterdir())
    photos = [photo for row in range(2) for c in classes for photo in [sorted(c.iterdir())[row]]]
    model = next((args.demo / "models").glob("*.onnx"))
    command = [args.kennel, "predict", *photos, "--onnx", model, "--top", "1", "--format", "json"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    width = len(classes) * (SIDE + GAP) + GAP
    picture = Image.new("RGB", (width, 2 * (SIDE + CAPTION + GAP) + GAP), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(14)
    for index, (photo, row) in enumerate(zip(photos, said, strict=True)):
        x = GAP + index % len(classes) * (SIDE + GAP)
        y = GAP + index // len(classes) * (SIDE + CAPTION + GAP)
        picture.paste(Image.open(photo), (x, y))
        right = row["label"] == photo.parent.name
        text = f"{row['label']}  {100 * row['probability']:.0f} %" + ("" if right else f"  (a {photo.parent.name})")
        draw.text((x + SIDE / 2, y + SIDE + CAPTION / 2), text, "black" if right else "#b00020", font, "mm")
    picture.save(args.out, quality=88)
    print(f"{args.out}: {args.out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
