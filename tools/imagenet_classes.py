"""Writes crates/core/src/imagenet_classes.tsv: the 1000 classes of ImageNet-1k, in the order of a pretrained head.

One line a class: WordNet id, a tab, the synset's lemmas separated by a comma and a space.

Source: the package data of timm 1.0.31 (`timm.data.ImageNetInfo`), which takes the order of the classes from ILSVRC
2012 and the lemmas from WordNet 3.0 (Princeton University). Nothing but ids, order and lemmas is taken.

    pip install timm==1.0.31
    python tools/imagenet_classes.py
"""

import pathlib

import timm
from timm.data import ImageNetInfo

TIMM = "1.0.31"
TARGET = pathlib.Path(__file__).parents[1] / "crates/core/src/imagenet_classes.tsv"

assert timm.__version__ == TIMM, f"made with timm {TIMM}, this is {timm.__version__}"
info = ImageNetInfo("imagenet-1k")
assert info.num_classes() == 1000

lines = []
for index in range(1000):
    synset = info.index_to_label_name(index)
    lemmas = info.label_name_to_description(synset, detailed=False)
    assert len(synset) == 9 and synset[0] == "n" and synset[1:].isdigit(), synset
    assert lemmas.isascii() and "\t" not in lemmas and lemmas.strip() == lemmas, lemmas
    lines.append(f"{synset}\t{lemmas}\n")
assert len({line.split("\t")[0] for line in lines}) == 1000

TARGET.write_text("".join(lines), encoding="ascii", newline="\n")
print(f"{len(lines)} classes, {TARGET.stat().st_size} bytes")
