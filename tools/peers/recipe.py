"""The published recipe from end to end in PyTorch and timm: the peer of `kennel train`.

    python tools/peers/recipe.py --data data/processed --weights DIR --model mobilenetv2_100
        --strategy freeze|partial|full [--seed 42] [--epochs N] [--layout channels_last] [--workers 2] [--threads 2]

DATA has train/, val/ and test/ with a folder for each class; DIR is a timm model folder (model.safetensors and
config.json). Augmentation `light` on Pillow images, batch 32, Adam, cross-entropy, ReduceLROnPlateau on the
validation loss. The epoch with the best validation accuracy (then the lower loss, then the earlier one) is kept in a
file and evaluated on the test photos. Every epoch draws new views of the photos, also under `freeze`. Progress goes
to stderr; at the end one JSON object is printed. Its `seconds` leave out the imports; its `seconds_with_imports`
leave out only the start and the end of the interpreter.
"""

import time

PROCESS_BEGAN = time.perf_counter()  # Before the imports, which take seconds.

import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from timm.data import create_transform, resolve_data_config  # noqa: E402
from timm.data.transforms import str_to_interp_mode  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402
from torchvision import transforms  # noqa: E402
from torchvision.datasets import ImageFolder  # noqa: E402

from process import peak_rss_bytes  # noqa: E402
from strategies import (  # noqa: E402
    EPOCHS,
    LEARNING_RATES,
    STRATEGIES,
    classifier_name,
    freeze_the_rest,
    train_mode,
    trained_parts,
)

SIDE_PX = 224
RESIZE_PX = 256
BATCH_SIZE = 32


def light(data_config: dict) -> transforms.Compose:
    """The augmentation `light`, in the order of crates/data/src/augment.rs."""
    return transforms.Compose(
        [
            transforms.Resize(RESIZE_PX, interpolation=str_to_interp_mode(data_config["interpolation"])),
            transforms.RandomCrop(SIDE_PX),
            transforms.RandomHorizontalFlip(0.5),
            transforms.RandomRotation(15),
            transforms.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
            transforms.ToTensor(),
            transforms.Normalize(data_config["mean"], data_config["std"]),
        ]
    )


def loaders(data: Path, data_config: dict, workers: int) -> dict:
    evaluation = create_transform(**data_config, is_training=False)
    made = {}
    for split in ["train", "val", "test"]:
        train = split == "train"
        photos = ImageFolder(str(data / split), light(data_config) if train else evaluation)
        made[split] = DataLoader(
            photos,
            batch_size=BATCH_SIZE,
            shuffle=train,
            num_workers=workers,
            persistent_workers=workers > 0 and split != "test",
        )
    return made


def make_model(name: str, weights: Path, classes: int, head_init: str) -> torch.nn.Module:
    """timm's network with the pretrained tensors of everything but the classifier."""
    model = timm.create_model(name, num_classes=classes, pretrained=False)
    if head_init == "fanin":
        model.reset_classifier(classes)
    head = f"{classifier_name(model)}."
    tensors = load_file(weights / "model.safetensors")
    trunk = {key: tensor for key, tensor in tensors.items() if not key.startswith(head)}
    missing, left_over = model.load_state_dict(trunk, strict=False)
    missing = [key for key in missing if not key.startswith(head) and not key.endswith("num_batches_tracked")]
    if missing or left_over:
        sys.exit(f"{weights}: not the weights of {name}; missing {missing[:3]}, left over {left_over[:3]}")
    return model


def train_epoch(model, parts: list, loader: DataLoader, optimizer, layout) -> tuple:
    """Mean loss, and images per second."""
    train_mode(model, parts)
    began = time.perf_counter()
    total, seen = 0.0, 0
    for pixels, labels in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(pixels.contiguous(memory_format=layout)), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        seen += len(labels)
    return total / seen, seen / (time.perf_counter() - began)


@torch.inference_mode()
def evaluate(model, loader: DataLoader, layout) -> tuple:
    """Right, of how many, mean loss."""
    model.eval()
    right, seen, total = 0, 0, 0.0
    for pixels, labels in loader:
        logits = model(pixels.contiguous(memory_format=layout))
        right += int((logits.argmax(1) == labels).sum())
        total += cross_entropy(logits, labels, reduction="sum").item()
        seen += len(labels)
    return right, seen, total / seen


def main() -> None:
    imported = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of train/, val/, test/")
    parser.add_argument("--weights", type=Path, required=True, help="timm model folder")
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument("--strategy", default="freeze", choices=STRATEGIES)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--epochs", type=int, help="default: 15, 15, 20 for freeze, partial, full")
    parser.add_argument("--head-init", default="timm", choices=["timm", "fanin"], help="how the new head is drawn")
    parser.add_argument("--layout", default="channels_last", choices=["nchw", "channels_last"])
    parser.add_argument("--workers", type=int, default=2, help="processes that read photos")
    parser.add_argument("--threads", type=int, default=2, help="threads that compute")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    weights_config = json.loads((args.weights / "config.json").read_text())
    data_config = resolve_data_config({"img_size": SIDE_PX}, pretrained_cfg=weights_config["pretrained_cfg"])
    data = loaders(args.data, data_config, args.workers)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    classes = len(data["train"].dataset.classes)
    model = make_model(args.model, args.weights, classes, args.head_init).to(memory_format=layout)
    parts = trained_parts(model, args.strategy)
    optimizer = torch.optim.Adam(freeze_the_rest(model, parts), lr=LEARNING_RATES[args.strategy])
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=3)
    epochs = args.epochs or EPOCHS[args.strategy]

    best = None
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "best.pt"
        for epoch in range(1, epochs + 1):
            train_loss, images_per_s = train_epoch(model, parts, data["train"], optimizer, layout)
            right, val_n, val_loss = evaluate(model, data["val"], layout)
            scheduler.step(val_loss)
            if best is None or (right, -val_loss) > (best["val_correct"], -best["val_loss"]):
                best = {"best_epoch": epoch, "val_correct": right, "val_n": val_n, "val_loss": val_loss}
                torch.save(model.state_dict(), checkpoint)
            print(
                f"epoch {epoch}/{epochs}: train loss {train_loss:.4f}, {images_per_s:.1f} images/s;"
                f" val loss {val_loss:.4f}, {right}/{val_n}",
                file=sys.stderr,
            )
        model.load_state_dict(torch.load(checkpoint, weights_only=True))
    test_correct, test_n, _ = evaluate(model, data["test"], layout)

    # Workers end with their loaders; only of ended ones is the memory known.
    del data
    ended = time.perf_counter()
    result = {
        "model": args.model,
        "strategy": args.strategy,
        "seed": args.seed,
        "epochs": epochs,
        "head_init": args.head_init,
        "layout": args.layout,
        "workers": args.workers,
        "threads": torch.get_num_threads(),
        "seconds": ended - imported,
        "seconds_with_imports": ended - PROCESS_BEGAN,
        "train_images_per_s": images_per_s,
        **best,
        "test_correct": test_correct,
        "test_n": test_n,
        "peak_rss_bytes": peak_rss_bytes(),
        # A worker is forked: its pages are in part the same memory as this process's.
        "largest_worker_peak_rss_bytes": peak_rss_bytes(resource.RUSAGE_CHILDREN) if args.workers else 0,
        "versions": {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "timm": timm.__version__,
            "python": platform.python_version(),
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
