"""The zoo's facts from timm: what each architecture costs, and every pinned ImageNet-1k tag.

    python tools/zoo_table.py

Prints a table of the architectures with their default tags and writes

- crates/models/src/pretrained_tags.tsv: arch, tag, side_px, crop_pct, crop_mode, interpolation, mean, std, licence,
  classes, default; every tag that is a 1000-class ImageNet-1k classifier or has no head (0 classes), timm's default
  first. Side and crop are those of `pretrained_cfg`'s `input_size`, `crop_pct` and `crop_mode` (what
  `create_transform` gives in timm by default), not of its `test_input_size`;
- crates/models/src/test_crops.tsv: arch.tag, test_crop_pct; every such tag that has a `test_crop_pct`, which timm's
  `resolve_data_config(use_test_size=True)` takes in place of `crop_pct`;
- crates/models/tests/fixtures/zoo/params_macs.tsv: arch, side_px, parameters (1000 classes), and multiply-adds of the
  convolutions and linear layers for one image at that side (torch's flop counter, halved).
"""

import sys
from pathlib import Path

import timm
import torch
from timm.models import get_pretrained_cfg
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parent / "fixtures"))
import golden  # noqa: E402
from zoo import ARCHS  # noqa: E402

TAGS = golden.ROOT / "crates/models/src/pretrained_tags.tsv"
TEST_CROPS = golden.ROOT / "crates/models/src/test_crops.tsv"
COSTS = golden.ROOT / "crates/models/tests/fixtures/zoo/params_macs.tsv"


def default_tag(arch: str) -> str:
    return get_pretrained_cfg(arch).tag


def tags(arch: str) -> list:
    """(tag, configuration) of every ImageNet-1k classifier and of every trunk without a head, the default first."""
    default = default_tag(arch)
    names = [name.split(".", 1)[1] for name in timm.list_models(f"{arch}.*", pretrained=True)]
    found = [(tag, get_pretrained_cfg(f"{arch}.{tag}")) for tag in names]
    found = [(tag, cfg) for tag, cfg in found if cfg.num_classes in (0, 1000)]
    return sorted(found, key=lambda entry: (entry[0] != default, entry[0]))


def triple(values) -> str:
    return ",".join(str(value) for value in values)


def square(cfg) -> int:
    _, height, width = cfg.input_size
    assert height == width
    return height


@torch.no_grad()
def cost(arch: str, side: int) -> tuple:
    """Parameters and multiply-adds."""
    model = timm.create_model(arch, pretrained=False, num_classes=1000).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, side, side))
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2


def main() -> None:
    torch.set_num_threads(1)
    rows = ["arch\ttag\tside_px\tcrop_pct\tcrop_mode\tinterpolation\tmean\tstd\tlicence\tclasses\tdefault"]
    test_crops = ["weights\ttest_crop_pct"]
    costs = ["arch\tside_px\tparameters\tmacs"]
    print(f"{'weights':42} {'parameters':>11} {'GMACs':>7} {'px':>4} {'crop':>6} {'filter':9} licence")
    for arch in ARCHS:
        for tag, cfg in tags(arch):
            is_default = tag == default_tag(arch)
            assert cfg.interpolation in ("bilinear", "bicubic"), cfg
            fields = [arch, tag, square(cfg), cfg.crop_pct, cfg.crop_mode, cfg.interpolation, triple(cfg.mean), triple(cfg.std)]
            fields += [cfg.license or "unknown", cfg.num_classes, "yes" if is_default else "no"]
            rows.append("\t".join(str(field) for field in fields))
            if cfg.test_crop_pct is not None:
                test_crops.append(f"{arch}.{tag}\t{cfg.test_crop_pct}")
            if is_default:
                parameters, macs = cost(arch, square(cfg))
                costs.append(f"{arch}\t{square(cfg)}\t{parameters}\t{macs}")
                print(
                    f"{arch + '.' + tag:42} {parameters:11} {macs / 1e9:7.3f} {square(cfg):4} {cfg.crop_pct:6}"
                    f" {cfg.interpolation:9} {cfg.license}"
                )
                print(f"{'':42} mean {triple(cfg.mean)}  std {triple(cfg.std)}")
    for path, lines in [(TAGS, rows), (TEST_CROPS, test_crops), (COSTS, costs)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
