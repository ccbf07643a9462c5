#!/usr/bin/env python3
"""Judge how well cut-outs follow the photo: the plain masks, smooth edges and sharp ones, on the same objects.

  evaluate_edges.py DIR [DIR ...] [--sheet FILE]     folders with images/ and instances.json, COCO's format

true boxes: each object's true box and class are given to the network, so that its edge alone is judged. An object
    counts where the raw mask already has an IoU of 0.6.
boxes alone: each object's true box without a name, as `box` of a request, for every object that covers 3 % of its
    photo, whether the model knows its class or not.
composites: objects of these photos, given fur, hair, thin parts or a veil, over other photos; alpha and colours are
    known. The network's mask is imitated. --large makes them four times as large. --pymatting estimates the colours by
    pymatting's estimate_foreground_ml as well, where that package is installed.

What is measured is defined in training/measures.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from objectcut.edges import foreground, matte
from objectcut.instance import UNNAMED, Instance, Query
from objectcut.network.weightfiles import stored
from objectcut.picture import adjust
from objectcut.pipeline import Pipeline
from objectcut.settings import Settings
from training import sheet
from training.annotations import Annotation, read
from training.composites import KINDS, Composite, Kind, compose
from training.folder import FolderError
from training.measures import AlphaError, MaskScore, alpha_error, colour_error, mask_score
from training.samples import degraded_mask, square

WAYS = ("raw", "smooth", "sharp")
_SMALLEST = 24  # px, of an object's sides
_ENOUGH = 0.6  # IoU of the raw mask
_LARGE_SHARE = 0.03  # of the photo, from which an object counts in a box without a name
_SIDE, _LARGE = 320, 1280  # px, of composites
_SMOOTH = Image.Resampling.BICUBIC


@dataclass(frozen=True, eq=False)
class Case:
    """An object cut out in every way."""

    name: str
    photo: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    alphas: dict[str, NDArray[np.uint8]]
    scores: dict[str, MaskScore]


@dataclass(frozen=True, eq=False)
class Known:
    """A composite and what became of it.

    Attributes:
        errors: of the alpha, for each way.
        untouched, cleaned, by_pymatting: errors of the colours along the true alpha; the last may be NaN.
    """

    kind: Kind
    errors: dict[str, AlphaError]
    untouched: float
    cleaned: float
    by_pymatting: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="holds images/ and instances.json")
    parser.add_argument("--split", default="val", help="which of its photos (default: val)")
    parser.add_argument("--model", type=Path, default=stored("bundled.safetensors"), help="file of the network")
    parser.add_argument("--refiner", type=Path, default=stored("refiner.safetensors"), help="the refiner's weights")
    parser.add_argument("--large", action="store_true", help="large composites")
    parser.add_argument("--pymatting", action="store_true", help="compare the colours with pymatting's")
    parser.add_argument("--composites", type=int, default=30, metavar="N", help="of each kind (default: 30)")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="draw the worst, middle and best true boxes there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    options = parser.parse_args()
    # No dependency: it only compares, and brings a compiler along.
    if options.pymatting and find_spec("pymatting") is None:
        parser.error("--pymatting needs the package: pip install pymatting")
    console = Console()
    pipeline = Pipeline(options.model, options.refiner, Settings(), torch.device("cpu"))
    told = {}
    for folder in options.folders:
        try:
            things = read(folder, options.split, _SMALLEST)
        except FolderError as error:
            parser.error(str(error))
        if not things:
            parser.error(f"{folder} has no {options.split} photos with masks of objects")
        named = [thing for thing in things if thing.name in pipeline.card.classes]
        title = f"{folder.name}, {options.split}"
        boxes = list(_true_boxes(_tracked(named, f"{title}, true boxes"), pipeline))
        good = [case for case in boxes if case.scores["raw"].iou >= _ENOUGH]
        alone = list(_true_boxes(_tracked(things, f"{title}, boxes alone"), pipeline, named=False))
        side = _LARGE if options.large else _SIDE
        known = list(_composites(things, options.composites, pipeline, side, options.pymatting))
        if good:
            console.print(_masks(f"{title}, true boxes: {len(good)} of {len(boxes)} objects", good))
            console.print(_classes(good))
        if alone:
            console.print(_masks(f"{title}, boxes alone: {len(alone)} objects", alone))
        console.print(_alphas(f"{title}, composites: {len(known)}", known))
        told[folder.name] = {
            "true_boxes": [_told(case) for case in boxes],
            "boxes_alone": [_told(case) for case in alone],
            "composites": [asdict(each) for each in known],
        }
        if options.sheet and good:
            ranked = sorted(good, key=lambda case: case.scores["smooth"].f2 - case.scores["raw"].f2)
            sheet.draw([_tile(case) for case in ranked]).save(options.sheet)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))
    return 0


def _tracked(things: list[Annotation], title: str) -> Iterable[list[Annotation]]:
    """Return the things of one photo after the other."""
    photos = [list(group) for _, group in itertools.groupby(things, lambda thing: thing.photo)]
    return track(photos, title, console=Console(stderr=True))


def _true_boxes(photos: Iterable[list[Annotation]], pipeline: Pipeline, named: bool = True) -> Iterator[Case]:
    for photo in photos:
        pixels = photo[0].pixels()
        things = photo
        if not named:
            things = [thing for thing in photo if thing.mask().mean() >= _LARGE_SHARE]
            if not things:
                continue
        labels = [pipeline.card.classes.index(thing.name) if named else UNNAMED for thing in things]
        asked = [Instance(i, label, 1.0, t.box) for i, (t, label) in enumerate(zip(things, labels, strict=True))]
        for thing, instance in zip(things, _masked(pixels, asked, pipeline), strict=True):
            yield _case(thing.name, pixels, [instance], pipeline, thing.mask())


def _masked(pixels: NDArray[np.uint8], asked: list[Instance], pipeline: Pipeline) -> tuple[Instance, ...]:
    return pipeline.detector.detect([Query(pixels, 0.0, lambda _: asked)])[0].kept


def _case(
    name: str, pixels: NDArray[np.uint8], instances: list[Instance], pipeline: Pipeline, truth: NDArray[np.bool_]
) -> Case:
    alphas = _cut(pixels, instances, pipeline)
    box = matte.bounding_box(truth)
    assert box is not None
    return Case(name, pixels, box, alphas, {way: mask_score(alpha > 127, truth) for way, alpha in alphas.items()})


def _cut(pixels: NDArray[np.uint8], instances: list[Instance], pipeline: Pipeline) -> dict[str, NDArray[np.uint8]]:
    """Return the alpha of some objects together, in every way."""
    height, width = pixels.shape[:2]
    seen = [instance for instance in instances if matte.paste(instance, width, height).area]  # as a request chooses
    raw, _ = pipeline.refine(pixels, seen, raw=True)
    smooth, _ = pipeline.refine(pixels, seen)
    return {"raw": raw, "smooth": smooth, "sharp": adjust.sharp(smooth)}


def _composites(things: list[Annotation], each: int, pipeline: Pipeline, side: int, pymatting: bool) -> Iterator[Known]:
    rng = np.random.default_rng(0)
    order = [things[place] for place in rng.permutation(len(things))]
    order.sort(
        key=lambda thing: min(thing.box[2] - thing.box[0], thing.box[3] - thing.box[1]) < 100
    )  # large ones first
    places = range(each * len(KINDS))
    for place in track(places, "composites", console=Console(stderr=True)):
        kind, thing, other = KINDS[place % len(KINDS)], order[place % len(order)], order[(place + 7) % len(order)]
        made = _composite(kind, thing, other, side, rng)
        tight = matte.bounding_box(made.alpha > 0.3)
        if tight is None:
            continue
        box = (float(tight[0]), float(tight[1]), float(tight[2]), float(tight[3]))
        mask = degraded_mask(Image.fromarray((made.alpha * 255).astype(np.uint8)), box, rng)
        alphas = _cut(made.pixels, [Instance(0, 1, 1.0, box, mask)], pipeline)
        errors = {way: alpha_error(alpha * np.float32(1 / 255), made.alpha) for way, alpha in alphas.items()}
        cleaned = made.pixels.copy()
        foreground.estimate(made.pixels, (made.alpha * 255).round().astype(np.uint8)).paint(cleaned)
        before = colour_error(made.pixels, made.foreground, made.alpha)
        after = colour_error(cleaned, made.foreground, made.alpha)
        theirs = colour_error(_by_pymatting(made), made.foreground, made.alpha) if pymatting else float("nan")
        yield Known(kind, errors, before, after, theirs)


def _by_pymatting(made: Composite) -> NDArray[np.uint8]:
    """Return the colours of the object by multi-level estimation (Germer et al. 2020, arXiv:2006.14970)."""
    from pymatting import estimate_foreground_ml

    estimated: NDArray[np.float64] = estimate_foreground_ml(made.pixels / 255.0, made.alpha.astype(np.float64))
    colours: NDArray[np.uint8] = (estimated * 255).round().clip(0, 255).astype(np.uint8)
    return colours


def _composite(kind: Kind, thing: Annotation, other: Annotation, side: int, rng: np.random.Generator) -> Composite:
    x0, y0, x1, y1 = map(round, square(thing.box, 1.4))

    def shown(plane: NDArray[np.uint8]) -> Image.Image:
        return Image.fromarray(plane).crop((x0, y0, x1, y1)).resize((side, side), _SMOOTH)

    behind = Image.fromarray(other.pixels()).resize((side, side), _SMOOTH)
    return compose(kind, shown(thing.pixels()), shown(thing.mask() * np.uint8(255)), behind, rng)


def _masks(title: str, cases: list[Case]) -> Table:
    table = Table("", "mask IoU", "boundary IoU", "boundary F, 2 px", "4 px", "F, 2 px, over raw", title=title)
    before = mean(case.scores["raw"].f2 for case in cases)
    for way in WAYS:
        figures = [mean(getattr(case.scores[way], field.name) for case in cases) for field in fields(MaskScore)]
        ratio = mean(case.scores[way].f2 for case in cases) / before if before else 0.0
        table.add_row(way, *(f"{figure:.3f}" for figure in figures), f"{ratio:.2f}")
    return table


def _classes(cases: list[Case]) -> Table:
    table = Table("class", "objects", *(f"{way}, {what}" for way in WAYS[:2] for what in ("IoU", "F, 2 px")))
    by_class = defaultdict(list)
    for case in cases:
        by_class[case.name].append(case)
    for name, own in sorted(by_class.items(), key=lambda item: -len(item[1])):
        figures = [mean(getattr(c.scores[way], what) for c in own) for way in WAYS[:2] for what in ("iou", "f2")]
        table.add_row(name, str(len(own)), *(f"{figure:.3f}" for figure in figures))
    return table


def _alphas(title: str, cases: list[Known]) -> Table:
    heads = [f"{way}, {what}" for what in ("SAD", "MSE", "gradient") for way in WAYS]
    table = Table("", *heads, "colour error", "untouched", "pymatting", title=title)
    for kind in (*KINDS, None):
        own = [case for case in cases if kind in (None, case.kind)]
        if not own:
            continue
        figures = [mean(getattr(c.errors[way], f.name) for c in own) for f in fields(AlphaError) for way in WAYS]
        colours = [mean(getattr(case, name) for case in own) for name in ("cleaned", "untouched", "by_pymatting")]
        table.add_row(kind or "all", *(f"{figure:.2f}" for figure in figures), *(f"{error:.1f}" for error in colours))
    return table


def _told(case: Case) -> dict[str, object]:
    return {"class": case.name, **{way: asdict(score) for way, score in case.scores.items()}}


def _tile(case: Case) -> sheet.Tile:
    words = {way: f"{way} {score.iou:.2f} {score.f2:.2f}" for way, score in case.scores.items()}
    return sheet.Tile(case.photo, case.box, case.name, case.alphas, words)


if __name__ == "__main__":
    sys.exit(main())
