"""PyTorch's side of `kennel bench`: times a forward pass or a training step of a timm network.

    python tools/peers/step.py --model resnet50 --mode infer|freeze|partial|full --layout nchw|channels_last
        [--batch-size 16] [--repeats 10] [--warmup 3] [--threads 2] [--side 224]
        [--device cpu|cuda] [--precision f32|tf32|bf16] [--compile]

Random weights, random pixels, five classes; float32 and eager unless told otherwise: `tf32` lets products round their
factors (CUDA), `bf16` is autocast, `--compile` is `torch.compile`. `infer` is a forward pass in evaluation mode under
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


def make_pass(model: torch.nn.Module, mode: str, pixels: torch.Tensor, labels: torch.Tensor, precision: str, compiled: bool):
    """What is timed, as a function without arguments."""
    called = torch.compile(model) if compiled else model
    autocast = torch.autocast(pixels.device.type, torch.bfloat16, enabled=precision == "bf16")
    if mode == "infer":
        model.eval()

        @torch.inference_mode()
        def forward():
            with autocast:
                called(pixels)

        return forward

    parts = trained_parts(model, mode)
    optimizer = torch.optim.Adam(freeze_the_rest(model, parts), lr=1e-5)
    train_mode(model, parts)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with autocast:
            loss = cross_entropy(called(pixels), labels)
        loss.backward()
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
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="f32", choices=["f32", "tf32", "bf16"])
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high" if args.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
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
    model, pixels, labels = model.to(args.device), pixels.to(args.device), labels.to(args.device)
    timed = make_pass(model, args.mode, pixels, labels, args.precision, args.compile)
    finish = torch.cuda.synchronize if args.device == "cuda" else lambda: None

    for _ in range(args.warmup):
        timed()
    finish()
    rates = []
    for _ in range(args.repeats):
        began = time.perf_counter()
        timed()
        finish()
        rates.append(args.batch_size / (time.perf_counter() - began))

    result = {
        "model": args.model,
        "mode": args.mode,
        "layout": args.layout,
        "batch_size": args.batch_size,
        "side_px": side,
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "precision": args.precision,
        "compiled": args.compile,
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
