"""Copies a part of a divided set of photos as PNG, so that every decoder sees the same pixels.

    python tools/lossless_photos.py PHOTOS OUT [--train 32] [--val 5] [--test 25] [--short-side 256] [--val-of-train]

PHOTOS and OUT are train/, val/, test/ with a folder for each class. The first N photos of each class are taken by name,
and shrunk by Pillow to the short side where they are larger. `--val-of-train` takes the validation photos from the
training photos: for a network from random weights, whose file is to be judged and not its accuracy.
"""

import argparse
from pathlib import Path

from PIL import Image, ImageOps

SPLITS = ["train", "val", "test"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--train", type=int, default=32, help="photos of each class")
    parser.add_argument("--val", type=int, default=5)
    parser.add_argument("--test", type=int, default=25)
    parser.add_argument("--short-side", type=int, default=256, help="in pixels")
    parser.add_argument("--val-of-train", action="store_true")
    args = parser.parse_args()
    for split in SPLITS:
        count = 0
        source = args.photos / ("train" if split == "val" and args.val_of_train else split)
        for folder in sorted(path for path in source.iterdir() if path.is_dir()):
            out = args.out / split / folder.name
            out.mkdir(parents=True, exist_ok=True)
            for path in sorted(path for path in folder.iterdir() if path.is_file())[: getattr(args, split)]:
                with Image.open(path) as photo:
                    photo = ImageOps.exif_transpose(photo).convert("RGB")
                scale = args.short_side / min(photo.size)
                if scale < 1:
                    photo = photo.resize([round(side * scale) for side in photo.size], Image.Resampling.LANCZOS)
                photo.save(out / f"{path.stem}.png", compress_level=1)
                count += 1
        print(f"{split}: {count} photos")


if __name__ == "__main__":
    main()
