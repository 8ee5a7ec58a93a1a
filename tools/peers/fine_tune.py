"""What a user of fastai or timm would do with a folder of photos: the peers of `kennel train --strategy auto`.

    python tools/peers/fine_tune.py fastai --data DATA --weights DIR --out results.jsonl [--seed 42]
    python tools/peers/fine_tune.py timm --data DATA --weights DIR --out results.jsonl --rates 1e-4,3e-4,1e-3

DATA has train/, val/ and test/ with a folder for each class; DIR is a timm model folder (model.safetensors and
config.json). Threads: those that the process may use (`taskset`).

- `fastai`: `vision_learner` on the network's timm name and `fine_tune(8)`, everything else at its default; photos are
  cut to 460 pixels, then `aug_transforms(size=224)`, as in fastai's book.
- `timm`: all layers, AdamW, 15 epochs, a cosine after one epoch of warm-up, label smoothing 0.1, random crops of at
  least 35 % of the area; one training for each learning rate, of which validation accuracy chooses.

A line is added to the results: right answers on validation and test photos, seconds of the whole grid, imports left
out, and seconds of processor time of the whole process.
"""

import argparse
import json
import os
import random
import time
from pathlib import Path

import numpy
import timm
import torch
from recipe import evaluate, make_model
from timm.data import create_transform, resolve_data_config
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

EPOCHS = {"fastai": 8, "timm": 15}


def with_fastai(args):
    """Right answers by split, and of how many."""
    from fastai.vision.all import (
        CategoryBlock, DataBlock, GrandparentSplitter, ImageBlock, Normalize, Resize, accuracy, aug_transforms,
        get_image_files, imagenet_stats, parent_label, vision_learner,
    )

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=lambda folder: [path for split in ("train", "val") for path in get_image_files(folder / split)],
        get_y=parent_label,
        splitter=GrandparentSplitter(train_name="train", valid_name="val"),
        item_tfms=Resize(460),
        batch_tfms=[*aug_transforms(size=224, min_scale=0.75), Normalize.from_stats(*imagenet_stats)],
    )
    loaders = block.dataloaders(args.data, num_workers=0)
    learner = vision_learner(loaders, args.model, pretrained=False, metrics=accuracy)
    trunk = make_model(args.model, args.weights, 1, "timm").state_dict()
    body = learner.model[0].model
    missing, _ = body.load_state_dict({name: value for name, value in trunk.items() if "classifier" not in name}, strict=False)
    assert not missing, missing
    learner.freeze()
    with learner.no_bar():
        learner.fine_tune(EPOCHS["fastai"])
    found = {}
    for split in ("val", "test"):
        paths = get_image_files(args.data / split)
        scores, targets = learner.get_preds(dl=loaders.test_dl(paths, with_labels=True))
        found[split] = [int((scores.argmax(1) == targets).sum()), len(paths)]
    return found


def with_timm(args, rate):
    """Right answers by split, and of how many, after a training at one learning rate."""
    model = make_model(args.model, args.weights, len(list((args.data / "train").iterdir())), "fanin")
    pixels = resolve_data_config({}, model=model)
    augmented = create_transform(**pixels, is_training=True, scale=(0.35, 1.0), color_jitter=0.2)
    photos = ImageFolder(str(args.data / "train"), augmented)
    loader = DataLoader(photos, batch_size=32, shuffle=True, drop_last=len(photos) % 32 == 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    steps = EPOCHS["timm"] * len(loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, steps, pct_start=1 / EPOCHS["timm"], anneal_strategy="cos", cycle_momentum=False
    )
    model = model.to(memory_format=torch.channels_last)
    for _ in range(EPOCHS["timm"]):
        model.train()
        for batch, labels in loader:
            optimizer.zero_grad(set_to_none=True)
            batch = batch.contiguous(memory_format=torch.channels_last)
            cross_entropy(model(batch), labels, label_smoothing=0.1).backward()
            optimizer.step()
            schedule.step()
    plain = create_transform(**pixels, is_training=False)
    found = {}
    for split in ("val", "test"):
        right, of, _ = evaluate(model, DataLoader(ImageFolder(str(args.data / split), plain), batch_size=32), torch.channels_last)
        found[split] = [right, of]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=["fastai", "timm"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--rates", default="1e-4,3e-4,1e-3", help="timm: learning rates to try")
    args = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    random.seed(args.seed)
    numpy.random.seed(args.seed)
    torch.manual_seed(args.seed)
    began = time.perf_counter()
    line = {"peer": args.peer, "data": args.data.name, "model": args.model, "seed": args.seed}
    if args.peer == "fastai":
        found = with_fastai(args)
    else:
        tried = {rate: with_timm(args, float(rate)) for rate in args.rates.split(",")}
        best = max(tried, key=lambda rate: tried[rate]["val"][0])
        found, line["rate"], line["tried"] = tried[best], best, tried
    line |= found | {"seconds": round(time.perf_counter() - began, 1), "cpu_seconds": round(time.process_time(), 1)}
    line |= {"threads": torch.get_num_threads(), "torch": torch.__version__, "timm": timm.__version__}
    with args.out.open("a") as out:
        out.write(json.dumps(line) + "\n")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
