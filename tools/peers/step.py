"""PyTorch's side of `kennel bench`: times a forward pass or a training step of a timm network on the CPU.

    python tools/peers/step.py --model resnet50 --mode infer|freeze|partial|full --layout nchw|channels_last
        [--batch-size 16] [--repeats 10] [--warmup 3] [--threads 2] [--side 224]

Random weights, random pixels, five classes, float32, eager. `infer` is a forward pass in evaluation mode under
`inference_mode`; the others are a step of training: forward, cross-entropy, backward, Adam over what is trained.
Nothing frozen requires a gradient, so that autograd records nothing of a frozen trunk. Prints one JSON object; of its
`peak_rss_bytes`, `imports_rss_bytes` were there before the network was.
"""

import argparse
import json
import platform
import statistics
import time

import timm
import torch
from torch.nn.functional import cross_entropy

from process import peak_rss_bytes
from strategies import STRATEGIES, freeze_the_rest, train_mode, trained_parts

CLASSES = 5


def make_pass(model: torch.nn.Module, mode: str, pixels: torch.Tensor, labels: torch.Tensor):
    """What is timed, as a function without arguments."""
    if mode == "infer":
        model.eval()

        @torch.inference_mode()
        def forward():
            model(pixels)

        return forward

    parts = trained_parts(model, mode)
    optimizer = torch.optim.Adam(freeze_the_rest(model, parts), lr=1e-5)
    train_mode(model, parts)

    def step():
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(model(pixels), labels).backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mobilenetv2_100", help="timm's name")
    parser.add_argument("--mode", default="infer", choices=["infer", *STRATEGIES])
    parser.add_argument("--layout", default="channels_last", choices=["nchw", "channels_last"])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=10, help="timed passes")
    parser.add_argument("--warmup", type=int, default=3, help="passes before them, not counted")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, help="pixels (default: that of timm's default weights)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(42)

    imports_rss_bytes = peak_rss_bytes()
    config = timm.get_pretrained_cfg(args.model)
    side = args.side or config.input_size[-1]
    # A transformer is made for its side; a convolutional network does not know the argument.
    sides = {"img_size": side} if config.fixed_input_size else {}
    model = timm.create_model(args.model, num_classes=CLASSES, **sides)
    pixels = torch.randn(args.batch_size, 3, side, side)
    labels = torch.arange(args.batch_size) % CLASSES
    if args.layout == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        pixels = pixels.to(memory_format=torch.channels_last)
    timed = make_pass(model, args.mode, pixels, labels)

    for _ in range(args.warmup):
        timed()
    rates = []
    for _ in range(args.repeats):
        began = time.perf_counter()
        timed()
        rates.append(args.batch_size / (time.perf_counter() - began))

    result = {
        "model": args.model,
        "mode": args.mode,
        "layout": args.layout,
        "batch_size": args.batch_size,
        "side_px": side,
        "threads": torch.get_num_threads(),
        "repeats": args.repeats,
        # Of an even number of passes the upper of the two in the middle, which is the one that `kennel bench` takes.
        "images_per_s": statistics.median_high(rates),
        "images_per_s_min": min(rates),
        "images_per_s_max": max(rates),
        "peak_rss_bytes": peak_rss_bytes(),
        "imports_rss_bytes": imports_rss_bytes,
        "versions": {"torch": torch.__version__, "timm": timm.__version__, "python": platform.python_version()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
