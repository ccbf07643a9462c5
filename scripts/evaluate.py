#!/usr/bin/env python3
"""Judge one or two models on folders of labelled photos: what they find, what they call it, how they cut it out.

  evaluate.py --recipe scripts/training/bundled.yaml --data FOLDER [--against OLD.safetensors] [--sheet sheet.png]

detections: COCO's average precision of boxes and masks; precision and recall at the served score; which classes are
    taken for which; how far scores are probabilities.
cut-outs: everything of one name is cut out of a photo, as a request does it, and compared with all that is labelled
    with it; left out are photos where its mask is unknown or a crowd touches it.
earned: a class is worth listing when, on photos that show it large, it is found in most and the mean IoU is at least
    0.5.

Photos labelled in part are judged on what is known of them; see training/detections.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table
from safetensors.torch import load_file

from objectcut.edges import matte
from objectcut.instance import Query
from objectcut.network import checkpoint
from objectcut.network.card import read_card
from objectcut.network.detector import LOWEST_SCORE
from objectcut.network.weightfiles import stored
from objectcut.picture import rle
from objectcut.pipeline import Pipeline
from objectcut.settings import Settings
from training import detections, sheet
from training.cutouts import FOUND, CutOut, class_figures, cut_outs
from training.detections import NOTHING, SERVED, Found, Looked
from training.folder import FolderError
from training.scenes import Scene, read, sources

console = Console(width=None if sys.stdout.isatty() else 200)  # a file has no width that the tables must fit into


@dataclass(frozen=True, eq=False)
class Judged:
    """What a model made of all photos."""

    looked: list[Looked]
    cut_outs: list[CutOut]
    seconds: list[float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True, help="YAML of train.py: which folders, how far labelled")
    parser.add_argument("--data", type=Path, required=True, help="where the recipe's folders are")
    parser.add_argument("--folders", nargs="+", metavar="NAME", help="only these of them")
    parser.add_argument("--split", default="val", help="which of the photos (default: val)")
    parser.add_argument("--model", type=Path, default=stored("bundled.safetensors"), help="model file")
    parser.add_argument("--against", type=Path, help="another one to compare it with")
    parser.add_argument("--refiner", type=Path, default=stored("refiner.safetensors"), help="the refiner's weights")
    parser.add_argument("--bf16", action="store_true", help="compare --model with itself in bf16")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="draw the worst, middle and best cut-outs there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--write", action="store_true", help="write each class's figures into the card of --model")
    parser.add_argument("--earned", action="store_true", help="--write, and list only the classes that earned it there")
    options = parser.parse_args()
    options.write |= options.earned
    if options.write and (options.folders or options.split != "val"):
        parser.error("--write is for the figures of all val photos")
    if options.against and options.against.stem == options.model.stem:
        parser.error("--model and --against need files of different names, which head the tables")
    own = options.model.stem
    files = {path.stem: (path, "fp32") for path in (options.against, options.model) if path}
    if options.bf16:
        files[f"{own} bf16"] = options.model, "bf16"
    pipelines = {
        name: Pipeline(path, options.refiner, Settings(dtype=dtype), torch.device("cpu"))
        for name, (path, dtype) in files.items()
    }
    classes = list(dict.fromkeys(name for each in pipelines.values() for name in each.card.classes))
    recipe = yaml.safe_load(options.recipe.read_text())
    try:
        scenes = [
            (source.folder.name, scene)
            for source in sources(recipe, options.data)
            if not options.folders or source.folder.name in options.folders
            for scene in read(source, options.split, classes)
        ]
    except FolderError as error:
        parser.error(str(error))
    if not scenes:
        parser.error(f"there are no {options.split} photos")
    judged = _judge(scenes, pipelines, classes)
    console.print(_precisions(judged, classes))
    for name, each in judged.items():
        console.print(_matching(name, each, classes))
    console.print(_folders(judged))
    figures = {name: class_figures(each.cut_outs) for name, each in judged.items()}
    console.print(_classes(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if options.sheet:
        ranked = sorted(judged[own].cut_outs, key=lambda each: each.score.iou)
        sheet.draw([_tile(each) for each in ranked]).save(options.sheet)
    if options.write:
        _write(options.model, figures[own], options.earned)
    return 0


def _judge(
    scenes: Sequence[tuple[str, Scene]], pipelines: Mapping[str, Pipeline], classes: Sequence[str]
) -> dict[str, Judged]:
    """Show every photo to every model in turn, so that a busy machine slows them alike."""
    judged = {name: Judged([], [], []) for name in pipelines}
    for folder, scene in track(scenes, "Looking", console=Console(stderr=True)):
        pixels = np.array(scene.pixels())
        for name, pipeline in pipelines.items():
            start = time.perf_counter()
            (detection,) = pipeline.detector.detect([Query(pixels, LOWEST_SCORE, lambda found: found)])
            judged[name].seconds.append(time.perf_counter() - start)
            height, width = pixels.shape[:2]
            own, kept = pipeline.card.classes, detection.kept
            masks = [rle.encode(matte.paste(each, width, height), width, height) for each in kept]
            found = [Found(own[each.label], each.score, each.box, mask) for each, mask in zip(kept, masks, strict=True)]
            looked = Looked(scene, (height, width), found)
            judged[name].looked.append(looked)
            known = detections.judged(looked, classes)
            certain = [one for one, each in zip(kept, found, strict=True) if each in known]
            judged[name].cut_outs.extend(cut_outs(folder, scene, pixels, certain, pipeline, classes))
    return judged


def _precisions(judged: Mapping[str, Judged], classes: Sequence[str]) -> Table:
    kinds = {"box": "bbox", "mask": "segm"}
    figures = {
        (model, words): detections.average_precision(each.looked, classes, kind)
        for model, each in judged.items()
        for words, kind in kinds.items()
    }
    heads = [f"{model}, {words} {what}" for model in judged for words in kinds for what in ("AP", "AP50")]
    table = Table("average precision", *heads)
    for name in ("all", *classes[1:]):
        rows = [figures[model, words].get(name, {}) for model in judged for words in kinds]
        if any(rows):
            table.add_row(name, *(_shown(row.get(what)) for row in rows for what in ("AP", "AP50")))
    for size in detections.SIZES[1:]:
        rows = [figures[model, words].get("all", {}) for model in judged for words in kinds]
        table.add_row(f"{size} objects", *(text for row in rows for text in (_shown(row.get(f"AP {size}")), "")))
    speeds = [f"{median(each.seconds) * 1e3:.0f} ms" for each in judged.values()]
    table.add_row("detection, median", *(text for speed in speeds for text in (speed, "", "", "")))
    return table


def _matching(model: str, judged: Judged, classes: Sequence[str]) -> Table:
    counts = detections.confusion(judged.looked, classes, SERVED)
    wrong = [(pair, count) for pair, count in counts.most_common() if pair[0] != pair[1]]
    table = Table("class", "precision", "recall", "what goes wrong most, times", title=f"{model}, score >= {SERVED}")
    for name in classes[1:]:
        precision, recall = detections.precision_recall(counts, name)
        own = [
            f"{'missed' if as_ == NOTHING else f'taken for {as_}'} {count}"
            for (truth, as_), count in wrong
            if truth == name
        ]
        own += [
            f"seen in {'nothing' if truth == NOTHING else truth} {count}"
            for (truth, as_), count in wrong
            if as_ == name
        ]
        if not np.isnan(precision) or not np.isnan(recall):
            table.add_row(name, _shown(precision), _shown(recall), ", ".join(own[:4]))
    for low, high, count, score, right in detections.calibration(judged.looked, classes):
        table.add_row(f"score {low:g} to {high:g}", _shown(right), "", f"{count} detections of mean score {score:.2f}")
    return table


def _folders(judged: Mapping[str, Judged]) -> Table:
    heads = [f"{model}, {what}" for model in judged for what in ("IoU", "raw IoU", "F 2 px", "not found")]
    table = Table("cut-outs", "photos", *heads)
    keys = dict.fromkeys((each.folder, each.name) for one in judged.values() for each in one.cut_outs)
    for folder, name in [*sorted(keys), *([("all", "")] if keys else [])]:
        cells, count = [], 0
        for one in judged.values():
            own = [each for each in one.cut_outs if folder == "all" or (each.folder, each.name) == (folder, name)]
            count = len(own)
            cells += [_shown(mean(each.scores[way].iou for each in own)) for way in ("smooth", "raw")]
            cells += [_shown(mean(each.score.f2 for each in own)), str(sum(each.score.iou < FOUND for each in own))]
        table.add_row(f"{folder}: {name}".removesuffix(": "), str(count), *cells)
    return table


def _classes(figures: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    heads = [f"{model}, {what}" for model in figures for what in ("IoU", "F 2 px", "found", "earned")]
    table = Table("shown large", "photos", *heads)
    for name in sorted({name for each in figures.values() for name in each}):
        rows = [each[name] for each in figures.values()]
        cells = [[_shown(r["iou"]), _shown(r["f2"]), _shown(r["found"]), "yes" if r["earned"] else "no"] for r in rows]
        table.add_row(name, str(rows[0]["photos"]), *(cell for row in cells for cell in row))
    return table


def _shown(figure: float | None) -> str:
    return "" if figure is None or np.isnan(figure) else f"{figure:.3f}"


def _tile(made: CutOut) -> sheet.Tile:
    words = {way: f"{way} {score.iou:.2f} {score.f2:.2f}" for way, score in made.scores.items()}
    return sheet.Tile(made.photo, made.box, f"{made.folder}: {made.name}", made.alphas, words)


def _write(path: Path, figures: Mapping[str, Mapping[str, Any]], earned: bool) -> None:
    """Write the figures of a model's classes into the card in its file, and say which were not earned."""
    card = read_card(path)
    own = {name: figures[name] for name in card.classes if name in figures}
    missed = tuple(name for name in card.classes[1:] if not own.get(name, {}).get("earned"))
    changed = replace(card, facts={**card.facts, "cut_outs": own})
    checkpoint.write(load_file(path), replace(changed, unlisted=missed) if earned else changed, path)
    for name in missed:
        console.print(f"{path.name}: '{name}' was not earned: {own.get(name, 'no photos show it large')}")


if __name__ == "__main__":
    sys.exit(main())
