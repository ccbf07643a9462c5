"""The model that a training begins with, and which of its weights learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import MaskRCNN

from objectcut.network import architectures, checkpoint
from objectcut.network.card import Card

_ROWS = 32
_PER_CLASS = ("box_predictor.cls_score", "box_predictor.bbox_pred", "mask_predictor.mask_fcn_logits")


def started(start: Path, classes: list[str], name: str | None, facts: dict[str, Any]) -> tuple[MaskRCNN, Card]:
    """Return a model for these classes that knows what the first model knows of them."""
    known, old = checkpoint.load(start)
    unlisted = tuple(each for each in old.unlisted if each in classes)
    card = replace(old, name=name or old.name, classes=tuple(classes), unlisted=unlisted, facts=facts)
    model = architectures.build(card)
    if card.classes == old.classes:
        return known, card
    weights = known.state_dict()
    for key, value in model.state_dict().items():
        before = weights[key]
        if not any(part in key for part in _PER_CLASS):
            continue
        per_class = value.shape[0] // len(classes)
        mean = before.view(len(old.classes), per_class, *before.shape[1:])[1:].mean(0)
        rows = [
            before[old.classes.index(each) * per_class :][:per_class] if each in old.classes else mean
            for each in classes
        ]
        weights[key] = torch.cat(rows)
    model.load_state_dict(weights)
    return model, card


def parameters(model: MaskRCNN, frozen: int) -> list[dict[str, Any]]:
    """Return the parameters that learn, those of the backbone's body more slowly."""
    body: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        block = name.removeprefix("backbone.body.").split(".")[0]
        in_body = name.startswith("backbone.body.")
        parameter.requires_grad_(not (in_body and block.isdigit() and int(block) < frozen))
        if parameter.requires_grad:
            (body if in_body else rest).append(parameter)
    return [{"params": body, "factor": 0.3}, {"params": rest, "factor": 1.0}]


def even_rows(model: MaskRCNN) -> None:
    """Make the number of masks of a step a multiple of `_ROWS`: oneDNN compiles its kernels anew for each shape."""
    count = 0

    def pad(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        nonlocal count
        count = len(inputs[0])
        return (functional.pad(inputs[0], (0, 0, 0, 0, 0, 0, 0, -count % _ROWS)),)

    model.roi_heads.mask_head.register_forward_pre_hook(pad)
    model.roi_heads.mask_predictor.register_forward_hook(lambda _, __, logits: logits[:count])
