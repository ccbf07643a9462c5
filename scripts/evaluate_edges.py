#!/usr/bin/env python3
"""Judge how well cut-outs follow the photo, on photos with known masks (COCO's format).

  evaluate_edges.py DIR [DIR ...] [--sheet FILE]

Each object's true box and class are given to the network, so that only its edge is judged; `raw`, `smooth` and `sharp`
are compared on the same objects. An object counts for the edges where the raw mask already has an IoU of 0.6.

Boundary F: the harmonic mean of precision and recall of contour pixels, where one is right that lies within 2 (or 4) px
of the other contour (Perazzi et al. 2016, the DAVIS benchmark; distances in px instead of shares of the diagonal).
Boundary IoU: IoU of the 2 px inside of both contours (Cheng et al. 2021, arXiv:2103.16562).
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import ndimage

from fetch_weights import STORE
from objectcut import edges, matte, models
from objectcut.detector import Detector, Instance, Query
from objectcut.fuse import fuse
from objectcut.refiner import load
from refining.objects import Thing, read

WAYS = ("raw", "smooth", "sharp")
_SMALLEST = 24  # px, of an object's sides
_ENOUGH = 0.6  # IoU of the raw mask
_TILE = 240  # px, of the sheet
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Judgement:
    """One object's mask beside the true one. All 0 to 1, higher is better."""

    iou: float
    boundary_iou: float
    f2: float
    f4: float


@dataclass(frozen=True, eq=False)
class Case:
    """An object, cut out in every way."""

    thing: Thing
    alphas: dict[str, NDArray[np.uint8]]
    judged: dict[str, Judgement]


def judge(mask: Mask, truth: Mask) -> Judgement:
    """Compare two masks of the same photo, (H, W) bool."""
    either = np.count_nonzero(mask | truth)
    iou = np.count_nonzero(mask & truth) / either if either else 1.0
    ours, theirs = _contour(mask), _contour(truth)
    from_ours, from_theirs = ndimage.distance_transform_edt(~ours), ndimage.distance_transform_edt(~theirs)
    rims = [ndimage.binary_erosion(each, iterations=2, border_value=1) ^ each for each in (mask, truth)]
    either = np.count_nonzero(rims[0] | rims[1])
    rim_iou = np.count_nonzero(rims[0] & rims[1]) / either if either else 1.0
    scores = []
    for near in (2, 4):
        precision = (from_theirs[ours] <= near).mean() if ours.any() else 0.0
        recall = (from_ours[theirs] <= near).mean() if theirs.any() else 0.0
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return Judgement(float(iou), float(rim_iou), float(scores[0]), float(scores[1]))


def _contour(mask: Mask) -> Mask:
    """The mask's outermost pixels, but not along the border of the photo, where nothing is cut."""
    rim: Mask = mask & ~ndimage.binary_erosion(mask, border_value=1)
    return rim


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="holds images/ and instances.json")
    parser.add_argument("--split", default="val", help="which of its photos (default: val)")
    parser.add_argument("--refiner", type=Path, default=STORE / "refiner.safetensors", help="the refiner's weights")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="draw the worst, middle and best cases there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every case's figures there")
    options = parser.parse_args()
    console = Console()
    model, card = models.load(STORE / "bundled.safetensors")
    detector = Detector(model, card, torch.device("cpu"))
    refiner = fuse(load(options.refiner), torch.float32, torch.device("cpu"))
    for folder in options.folders:
        things = [t for t in read(folder, options.split, _SMALLEST) if t.name in card.classes]
        cases = list(_cases(things, detector, refiner, f"{folder.name}, {options.split}"))
        good = [case for case in cases if case.judged["raw"].iou >= _ENOUGH]
        console.print(_table(f"{folder.name}, {options.split}: {len(good)} of {len(cases)} objects", good))
        console.print(_classes(good))
        if options.json:
            told = [{"class": c.thing.name, **{way: asdict(j) for way, j in c.judged.items()}} for c in cases]
            options.json.write_text(json.dumps(told, indent=1))
        if options.sheet:
            _sheet(good).save(options.sheet)
    return 0


def _cases(things: list[Thing], detector: Detector, refiner: torch.nn.Module, title: str) -> Iterable[Case]:
    photos = [list(group) for _, group in itertools.groupby(things, lambda thing: thing.photo)]
    for group in track(photos, title, console=Console(stderr=True)):
        pixels = group[0].pixels()
        height, width = pixels.shape[:2]
        labels = [detector.card.classes.index(thing.name) for thing in group]
        asked = [Instance(i, label, 1.0, t.box) for i, (t, label) in enumerate(zip(group, labels, strict=True))]
        kept = detector.detect([Query(pixels, 0.0, lambda _, asked=asked: asked)])[0].kept  # type: ignore[misc]
        for thing, instance in zip(group, kept, strict=True):
            smooth = edges.union([edges.draw(pixels, instance, refiner)], width, height)
            alphas = {
                "raw": matte.union([matte.paste(instance, width, height)], width, height),
                "smooth": smooth,
                "sharp": edges.sharp(smooth),
            }
            truth = thing.mask()
            yield Case(thing, alphas, {way: judge(alpha > 127, truth) for way, alpha in alphas.items()})


def _table(title: str, cases: list[Case]) -> Table:
    table = Table("", "mask IoU", "boundary IoU", "boundary F, 2 px", "4 px", "F, 2 px, over raw", title=title)
    before = mean(case.judged["raw"].f2 for case in cases)
    for way in WAYS:
        told = [case.judged[way] for case in cases]
        figures = [mean(getattr(each, name) for each in told) for name in ("iou", "boundary_iou", "f2", "f4")]
        table.add_row(way, *(f"{figure:.3f}" for figure in figures), f"{figures[2] / before:.2f}")
    return table


def _classes(cases: list[Case]) -> Table:
    table = Table("class", "objects", *(f"{way}, {what}" for way in WAYS[:2] for what in ("IoU", "F, 2 px")))
    by_class = defaultdict(list)
    for case in cases:
        by_class[case.thing.name].append(case)
    for name, own in sorted(by_class.items(), key=lambda item: -len(item[1])):
        figures = [mean(getattr(c.judged[way], what) for c in own) for way in WAYS[:2] for what in ("iou", "f2")]
        table.add_row(name, str(len(own)), *(f"{figure:.3f}" for figure in figures))
    return table


def _sheet(cases: list[Case], columns: int = 6) -> Image.Image:
    """Photo, raw and smooth on magenta, of the cases that lost most, of the middle and of those that gained most."""
    ranked = sorted(cases, key=lambda case: case.judged["smooth"].f2 - case.judged["raw"].f2)
    half = len(ranked) // 2
    rows = [ranked[:columns], ranked[half - columns // 2 :][:columns], ranked[-columns:]]
    sheet = Image.new("RGB", (columns * _TILE, len(rows) * 3 * _TILE), "white")
    for place, case in (
        (row * 3 * columns + i, case) for row, chosen in enumerate(rows) for i, case in enumerate(chosen)
    ):
        column, row = place % columns, place // columns
        for line, way in enumerate((None, "raw", "smooth")):
            tile = _shown(case, way)
            sheet.paste(tile, (column * _TILE, (row + line) * _TILE))
    return sheet


def _shown(case: Case, way: str | None) -> Image.Image:
    photo = Image.fromarray(case.thing.pixels())
    words = case.thing.name
    if way is not None:
        alpha = Image.fromarray(case.alphas[way])
        photo = Image.composite(photo, Image.new("RGB", photo.size, "magenta"), alpha)
        words = f"{way} {case.judged[way].iou:.2f} {case.judged[way].f2:.2f}"
    x0, y0, x1, y1 = case.thing.box
    room = 0.1 * max(x1 - x0, y1 - y0)
    tile = photo.crop((int(x0 - room), int(y0 - room), int(x1 + room), int(y1 + room)))
    scale = _TILE / max(tile.size)
    tile = tile.resize((max(1, int(tile.width * scale)), max(1, int(tile.height * scale))), Image.Resampling.NEAREST)
    framed = Image.new("RGB", (_TILE, _TILE), "white")
    framed.paste(tile)
    ImageDraw.Draw(framed).text((3, 3), words, fill="black", stroke_width=2, stroke_fill="white")
    return framed


if __name__ == "__main__":
    sys.exit(main())
