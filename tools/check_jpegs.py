"""Holds the pixels that Kennel decodes to Pillow's, bit for bit.

    python tools/check_jpegs.py photos/ more/

For every JPEG (by its first bytes) below the folders: the SHA-256 of the pixels from
`cargo run --release -p kennel-data --example decode_digest` against that of
`ImageOps.exif_transpose(Image.open(file)).convert("RGB")`. Names what differs, what only one of
the two reads, and counts. Exit code 1 when a file differs, or when Pillow alone reads it and
Kennel does not say that it is unsupported.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import pathlib
import subprocess
import sys
import warnings

from PIL import Image, ImageOps

COMMAND = "cargo run --release --quiet -p kennel-data --example decode_digest --"


def of_kennel(command, folders):
    found = {}
    with subprocess.Popen([*command, *folders], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            row = json.loads(line)
            found[row.pop("path")] = row
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    return found


def of_pillow(path):
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(path) as image:
            pixels = ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return {"width": pixels.width, "height": pixels.height, "sha256": digest}


def is_jpeg(path):
    with open(path, "rb") as file:
        return file.read(3) == b"\xff\xd8\xff"


def verdict(kennel, pillow):
    if "error" in kennel and "error" in pillow:
        return "neither reads"
    if "error" in pillow:
        return "Kennel alone reads"
    if "error" in kennel:
        return "unsupported" if "unsupported image: " in kennel["error"] else "Pillow alone reads"
    return "equal" if kennel == pillow else "differs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", help="folders of photos")
    parser.add_argument("--command", default=COMMAND, help="prints the digests (default: cargo)")
    args = parser.parse_args()
    found = of_kennel(args.command.split(), args.folders)
    paths = [path for path in found if is_jpeg(pathlib.Path(path))]
    counts = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for path, pillow in zip(paths, pool.map(of_pillow, paths, chunksize=16)):
            word = verdict(found[path], pillow)
            counts[word] += 1
            if word != "equal":
                print(f"{word}: {path}\n    Kennel {found[path]}\n    Pillow {pillow}")
    print(f"{len(paths)} JPEGs: " + ", ".join(f"{n} {word}" for word, n in counts.most_common()))
    sys.exit(1 if counts["differs"] or counts["Pillow alone reads"] else 0)


if __name__ == "__main__":
    main()
