"""Draws pictures that look alike but are not the same: shapes, charts, forms, digits, plain photos, one yard.

    python tools/near_duplicate_sets.py OUT [--count 1000]

Writes OUT/<kind>/<class>/<number>.png. No two of them are the same picture, so every claim that
`cargo run --release -p kennel-data --example near_duplicates -- OUT/<kind>` counts among them is false
(but for the empty yards of `scenes`, which differ in noise only).
`digits` are the 1797 of scikit-learn (8 by 8 pixels, enlarged); the others come from numpy's generator
with the seed 20. Needs numpy, Pillow and scikit-learn.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SEED = 20


def shapes(rng):
    """One grey rectangle, disc or triangle on white."""
    picture = Image.new("RGB", (96, 96), "white")
    draw = ImageDraw.Draw(picture)
    x, y = rng.integers(38, 58, 2)
    r = int(rng.integers(4, 12))
    grey = (int(rng.integers(110, 170)),) * 3
    kind = int(rng.integers(3))
    if kind == 0:
        draw.rectangle((x - r, y - r // 2, x + r, y + r // 2), fill=grey)
    elif kind == 1:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=grey)
    else:
        draw.polygon([(x - r, y - r), (x + r, y), (x - r, y + r)], fill=grey)
    return ["bolt", "nut", "gear"][kind], picture


def icons(rng):
    """Three to six coloured shapes on a plain ground."""
    picture = Image.new("RGB", (224, 224), tuple(rng.integers(200, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    count = int(rng.integers(3, 7))
    for _ in range(count):
        x, y = rng.integers(20, 204, 2)
        r = int(rng.integers(10, 40))
        fill = tuple(rng.integers(0, 200, 3).tolist())
        if rng.random() < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
        else:
            draw.rectangle((x - r, y - r // 2, x + r, y + r // 2), fill=fill)
    return "few" if count < 5 else "many", picture


def charts(rng):
    """Axes, a grid and two curves, or bars: one template, other data."""
    picture = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(picture)
    for y in range(30, 211, 30):
        draw.line((40, y, 300, y), fill=(220, 220, 220))
        draw.text((15, y - 5), str(210 - y), fill="black")
    draw.line((40, 20, 40, 210, 300, 210), fill="black", width=2)
    draw.text((120, 3), "loss by epoch", fill="black")
    if rng.random() < 0.5:
        for colour in ("blue", "red"):
            start, rate, noise = rng.uniform(90, 180), rng.uniform(0.005, 0.04), rng.uniform(0, 4)
            points = [
                (x, 208 - start * math.exp(-rate * (x - 40)) - noise * rng.standard_normal())
                for x in range(42, 300, 6)
            ]
            draw.line(points, fill=colour, width=2)
        return "curves", picture
    for bar in range(8):
        height = rng.uniform(5, 175)
        draw.rectangle((50 + 31 * bar, 209 - height, 70 + 31 * bar, 209), fill=(70, 110, 180))
    return "bars", picture


def words(rng, count):
    letters = "etaoinshrdlucmfwygpbvk"
    return " ".join(
        "".join(letters[i] for i in rng.integers(0, len(letters), rng.integers(2, 10)))
        for _ in range(count)
    )


def scanned(page, rng):
    """Paper, a little turned, with the noise of a scanner."""
    page = page.rotate(rng.normal(0, 0.4), resample=Image.BICUBIC, fillcolor=245)
    pixels = np.asarray(page, np.float32) + rng.normal(0, 3, page.size[::-1])
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGB")


def pages(rng):
    """A page of text; the lines of all pages stand at the same heights."""
    page = Image.new("L", (340, 480), 245)
    draw = ImageDraw.Draw(page)
    draw.text((30, 20), words(rng, 3), fill=20)
    last = int(rng.integers(20, 34))
    for line in range(last):
        draw.text((30, 50 + 12 * line), words(rng, 9)[: 46 if line < last - 1 else 20], fill=40)
    return "short" if last < 27 else "long", scanned(page, rng)


def forms(rng):
    """One printed form, filled in by hand."""
    page = Image.new("L", (340, 480), 245)
    draw = ImageDraw.Draw(page)
    draw.text((100, 15), "APPLICATION", fill=20)
    for row in range(14):
        y = 45 + 30 * row
        label = ["name", "street", "city", "country", "born", "phone", "mail"][row % 7]
        draw.text((20, y + 6), label, fill=40)
        draw.rectangle((90, y, 320, y + 22), outline=60)
        draw.text((96 + rng.integers(0, 6), y + 5), words(rng, int(rng.integers(1, 4))), fill=70)
    signed = rng.random() < 0.5
    if signed:
        points = [(200 + 8 * i, 468 + 5 * rng.standard_normal()) for i in range(12)]
        draw.line(points, fill=30, width=2)
    return "signed" if signed else "unsigned", scanned(page, rng)


STROKES = {
    "0": [[(0.5, 0.1), (0.2, 0.35), (0.25, 0.75), (0.5, 0.9), (0.78, 0.7), (0.76, 0.3), (0.5, 0.1)]],
    "1": [[(0.35, 0.25), (0.55, 0.1), (0.52, 0.9)]],
    "2": [[(0.25, 0.3), (0.5, 0.1), (0.75, 0.3), (0.5, 0.6), (0.22, 0.9), (0.8, 0.88)]],
    "3": [[(0.25, 0.15), (0.7, 0.2), (0.45, 0.48), (0.75, 0.7), (0.5, 0.9), (0.22, 0.8)]],
    "4": [[(0.6, 0.9), (0.62, 0.1), (0.2, 0.65), (0.82, 0.65)]],
    "7": [[(0.2, 0.15), (0.8, 0.14), (0.45, 0.9)]],
}


def strokes(rng):
    """A digit in pen on scanned paper, 28 by 28 as MNIST has it, enlarged; or written large."""
    digit = str(rng.choice(list(STROKES)))
    side = 28 * 8
    page = Image.new("L", (side, side), 245)
    draw = ImageDraw.Draw(page)
    slant, scale = rng.normal(0, 0.12), rng.uniform(0.7, 0.95)
    shift = rng.normal(0, 4, 2)
    for line in STROKES[digit]:
        points = [
            (
                side / 2 + shift[0] + scale * side * (x - 0.5 - slant * (y - 0.5)) + rng.normal(0, 4),
                side / 2 + shift[1] + scale * side * (y - 0.5) + rng.normal(0, 4),
            )
            for x, y in line
        ]
        draw.line(points, fill=30, width=int(rng.integers(10, 20)), joint="curve")
    if rng.random() < 0.5:
        page = page.resize((28, 28), Image.BOX).resize((side, side), Image.BICUBIC)
    return digit, scanned(page, rng)


def plain(rng):
    """A soft object on a lit board, with the noise of a camera: a photo with hardly any structure."""
    height, width = 300, 224
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    board = 205 + 25 * ((x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle))
    picture = np.stack([board, board - 4, board - 9], -1)
    centre = np.array([width, height]) * rng.normal(0.5, 0.05, 2)
    radius = rng.uniform(25, 60, 2)
    away = ((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2
    inside = 1 / (1 + np.exp((12 * (away - 1)).clip(-50, 50)))[..., None]
    shade = rng.uniform(40, 190, 3) * (1.15 - 0.3 * away.clip(0, 1))[..., None]
    picture = picture * (1 - inside) + shade * inside + rng.normal(0, 4, picture.shape)
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    return "round" if radius.max() < 1.3 * radius.min() else "long", image.filter(
        ImageFilter.GaussianBlur(0.7)
    )


def scenes(rng):
    """A fixed camera over one yard: the same ground, and somewhere one or two things on it, or none."""
    ground = np.random.default_rng(SEED)
    coarse = Image.fromarray(ground.integers(60, 190, (30, 40, 3)).astype(np.uint8))
    picture = coarse.resize((320, 240), Image.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y = ground.integers(0, 320), ground.integers(0, 240)
        w, h = ground.integers(4, 30, 2)
        draw.rectangle((x, y, x + w, y + h), fill=tuple(ground.integers(20, 235, 3).tolist()))
    count = int(rng.integers(0, 3))
    for _ in range(count):
        x, y = rng.integers(20, 300), rng.integers(20, 220)
        w, h = rng.integers(14, 30), rng.integers(25, 50)
        draw.ellipse((x, y, x + w, y + h), fill=tuple(rng.integers(0, 256, 3).tolist()))
    pixels = np.asarray(picture, np.float32) * rng.uniform(0.9, 1.05)
    pixels = pixels + rng.normal(0, 3, pixels.shape)
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return "occupied" if count else "empty", image


def write(out, kind, number, label, picture):
    folder = out / kind / label
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / f"{number:05}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    args = parser.parse_args()
    for place, draw in enumerate((shapes, icons, charts, pages, forms, strokes, plain, scenes)):
        rng = np.random.default_rng([SEED, place])
        for number in range(args.count):
            write(args.out, draw.__name__, number, *draw(rng))
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target)):
        grey = Image.fromarray((255 - pixels * 255 / 16).clip(0, 255).astype(np.uint8))
        picture = grey.resize((96, 96), Image.BICUBIC).convert("RGB")
        write(args.out, "digits", number, str(digit), picture)


if __name__ == "__main__":
    main()
