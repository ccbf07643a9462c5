"""Ours finds what torchvision's own forward finds, in fp32; what bf16 changes is judged by scripts/evaluate.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image, ImageOps

from objectcut.instance import Query
from objectcut.network import checkpoint
from objectcut.network.detector import Detector
from parity import Reference, Summary, compare

BUNDLED = ROOT / "model_store" / "bundled.safetensors"
CPU = torch.device("cpu")
VIEWS = {
    "as it is": lambda image: image,
    "mirrored": ImageOps.mirror,
    "the left two thirds": lambda image: image.crop((0, 0, image.width * 2 // 3, image.height)),
    "the lower half": lambda image: image.crop((0, image.height // 2, image.width, image.height)),
    "half as large": lambda image: image.resize((image.width // 2, image.height // 2)),
    "stretched": lambda image: image.resize((600, 250)),
}


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    right = right.resize((left.height, left.height))
    both = Image.new("RGB", (left.width + right.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return both


@pytest.fixture(scope="module")
def references(chelsea, astronaut) -> dict[str, Reference]:
    """What torchvision finds in each picture."""
    pictures = {
        f"{name}, {view}": change(image)
        for name, image in (("chelsea", chelsea), ("astronaut", astronaut))
        for view, change in VIEWS.items()
    }
    pictures["both"] = side_by_side(chelsea, astronaut)
    model, _ = checkpoint.load(BUNDLED)
    return {name: Reference.of(model, np.array(picture)) for name, picture in pictures.items()}


@pytest.fixture(scope="module")
def fp32() -> Detector:
    return Detector(*checkpoint.load(BUNDLED), CPU, torch.float32)


def test_agrees_with_torchvision(references, fp32):
    compared = {name: compare(reference, fp32) for name, reference in references.items()}
    assert [name for name, comparison in compared.items() if not comparison.agrees] == []
    assert Summary.of(list(compared.values())).compared >= len(references)


def test_fp32_gives_the_same_numbers(references, fp32):
    pairs = [pair for reference in references.values() for pair in compare(reference, fp32).pairs]
    assert max(pair.score_gap for pair in pairs) < 1e-4
    assert max(pair.box_shift for pair in pairs) < 1e-4


def test_bf16_still_finds_the_cat_and_the_woman(chelsea, astronaut):
    detector = Detector(*checkpoint.load(BUNDLED), CPU, torch.bfloat16)
    for image, name in ((chelsea, "cat"), (astronaut, "person")):
        found = detector.detect([Query(np.array(image), 0.5, lambda _: [])])[0].found
        assert detector.card.classes[found[0].label] == name


def test_tells_what_differs(references, fp32):
    reference = references["chelsea, as it is"]
    count, cat = len(reference.labels), reference.labels[0]
    assert len(reference.masks) == 1

    another = replace(reference, labels=[cat + 1] * count)
    assert (compare(another, fp32).missing, compare(another, fp32).invented) == ((cat + 1,), (cat,))

    elsewhere = replace(reference, boxes=reference.boxes + torch.tensor([40.0, 0.0, 40.0, 0.0]))
    (pair,) = compare(elsewhere, fp32).pairs
    assert pair.box_iou < 0.95
    assert pair.box_shift == pytest.approx(40 / 451, abs=1e-4)
    assert not compare(elsewhere, fp32).agrees

    thinner = replace(reference, masks=[reference.masks[0] & (np.arange(451) % 2 == 0)])
    (pair,) = compare(thinner, fp32).pairs
    assert pair.mask_iou == pytest.approx(0.5, abs=0.01)
    assert not compare(thinner, fp32).agrees

    unsure = replace(reference, scores=[0.1] * count, masks=[])  # torchvision has it, only not above the limit
    assert compare(unsure, fp32).agrees
    assert compare(unsure, fp32).pairs == ()
