"""What each strategy trains of a timm network, as `kennel` and the published experiments have it.

Imported by step.py and recipe.py. A part is the name of a submodule; "" is the whole network.
"""

from torch import nn

STRATEGIES = ["freeze", "partial", "full"]
LEARNING_RATES = {"freeze": 1e-3, "partial": 1e-4, "full": 1e-5}
EPOCHS = {"freeze": 15, "partial": 15, "full": 20}


def classifier_name(model: nn.Module) -> str:
    return model.pretrained_cfg["classifier"]


def trained_parts(model: nn.Module, strategy: str) -> list:
    if strategy == "full":
        return [""]
    head = classifier_name(model)
    if strategy == "freeze":
        return [head]
    if hasattr(model, "layer4"):
        return ["layer3", "layer4", head]
    if hasattr(model, "blocks") and hasattr(model, "conv_head"):
        above = [name for name in ["conv_head", "bn2", "norm_head"] if hasattr(model, name)]
        return [f"blocks.{len(model.blocks) - 1}", *above, head]
    raise SystemExit(f"{type(model).__name__}: it is not known what `partial` trains of it")


def freeze_the_rest(model: nn.Module, parts: list) -> list:
    """Lets only `parts` require a gradient; the parameters that do."""
    model.requires_grad_(False)
    for part in parts:
        model.get_submodule(part).requires_grad_(True)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def train_mode(model: nn.Module, parts: list) -> None:
    """Training mode for `parts` alone: a frozen BatchNorm neither uses nor updates the statistics of the batch."""
    model.eval()
    for part in parts:
        model.get_submodule(part).train()
