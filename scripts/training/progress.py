"""What a training looks like while it goes on: the losses as curves, and cut-outs of photos it has not seen."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torchvision.models.detection import MaskRCNN

from objectcut.edges.refine import refine
from objectcut.instance import Query
from objectcut.network.card import Card
from objectcut.network.detector import Detector
from training import sheet
from training.detections import SERVED
from training.scenes import Scene

_SHOWN = 18


def draw_losses(table: Path, picture: Path) -> None:
    """Draw the losses that train.py wrote over the steps, and their sum."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["step"]) for row in rows]
    names = [name for name in rows[0] if name not in {"step", "minutes"}]
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    for name in names:
        axes.plot(steps, [float(row[name]) for row in rows], label=name.removeprefix("loss_"))
    axes.plot(steps, [sum(float(row[name]) for name in names) for row in rows], "k", label="sum")
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()
    figure.savefig(picture)


def draw_cut_outs(model: MaskRCNN, card: Card, scenes: Sequence[Scene], picture: Path) -> None:
    """Draw what a model cuts out of the first photos: all objects that it finds, with its own masks.

    Args:
        model: in evaluation mode, on the CPU.
        card: its card.
        scenes: photos, in the order in which they are shown.
        picture: where to write the sheet.
    """
    detector = Detector(model, card, torch.device("cpu"), torch.float32)
    tiles = []
    for scene in scenes[:_SHOWN]:
        pixels = np.array(scene.pixels())
        (detection,) = detector.detect([Query(pixels, SERVED, lambda found: found)])
        alpha, _ = refine(pixels, detection.kept, None)
        names = ", ".join(f"{card.classes[each.label]} {each.score:.2f}" for each in detection.kept) or "nothing"
        box = 0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0])
        tiles.append(sheet.Tile(pixels, box, scene.path.parent.parent.name, {"raw": alpha}, {"raw": names}))
    sheet.draw(tiles, sheet.PLAIN).save(picture)
