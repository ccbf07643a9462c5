"""From a model file to a network. There is one way to load one, whoever trained it; `card` says what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models.detection import MaskRCNN

from objectcut.network.architectures import build
from objectcut.network.card import Card, ModelError, read_card


def load(path: Path) -> tuple[MaskRCNN, Card]:
    """Return a model file as a network in evaluation mode, fp32, with its card.

    Raises:
        ModelError: not a model file, or weights that do not fit the architecture.
    """
    card = read_card(path)
    model = build(card)
    fill(model, load_file(path), path.name)
    return model, card


def fill(model: nn.Module, weights: Mapping[str, torch.Tensor], name: str) -> None:
    """Load a state dict that must have every key of the model and no other.

    Raises:
        ModelError: keys or shapes differ.
    """
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise ModelError(f"the weights in {name} do not fit: {' '.join(lines[1:2])[:300]}") from error


def save(model: nn.Module, card: Card, path: Path) -> None:
    """Write a model file, whole or not at all."""
    write(model.state_dict(), card, path)


def write(weights: Mapping[str, torch.Tensor], card: Card, path: Path) -> None:
    """Write a model file of the weights of a model, whole or not at all."""
    part = path.with_suffix(".part")
    contiguous = {name: tensor.contiguous() for name, tensor in weights.items()}
    save_file(contiguous, part, metadata={"card": json.dumps(card.as_dict(), ensure_ascii=False)})
    part.replace(path)
