#!/usr/bin/env python3
"""Train the network that draws edges (handler/objectcut/edges/refiner.py) on photos with known masks.

  train_refiner.py --recipe scripts/training/refiner.yaml --data FOLDER --work DIR --output new.safetensors
  train_refiner.py --mean FILE FILE    one refiner of several that were trained from the same --initial

The recipe names folders in COCO's format. Without --initial it begins with the bundled model's first layers, so that it
knows photos already. It can be interrupted at any time: a checkpoint is written to --work every few minutes, and the
same call resumes from it. What the bundled model sees in the photos is kept there too: looking takes long.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import math
import os
import sys
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.models.detection import MaskRCNN

from objectcut.edges.refiner import PLANES, Refiner, alpha, load, save
from objectcut.network import checkpoint
from objectcut.network.detector import Detector
from objectcut.network.layers import multiplies_bf16
from objectcut.network.weightfiles import stored
from objectcut.worker.memory import keep_freed
from training import samples
from training.annotations import read
from training.checkpoints import Checkpoint, Stateful
from training.samples import Seen, View

_SMALLEST = 24  # px, of the sides of the objects that are learnt from
_AHEAD = 4  # batches that are made while the network learns
_CHECKPOINT_S = 180.0
_MEMORY = 0.998  # of the weights' running mean, which is what is kept, a step
console = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, help="YAML: which folders to learn from")
    parser.add_argument("--data", type=Path, help="where the recipe's folders are")
    parser.add_argument("--work", type=Path, help="folder for the checkpoint and what was seen")
    parser.add_argument("--minutes", type=float, default=60, help="of training, all calls together (default: 60)")
    parser.add_argument("--batch", type=int, default=12, help="windows a step")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--initial", type=Path, help="a refiner to go on from")
    parser.add_argument("--mean", type=Path, nargs="+", metavar="FILE", help="no training: the mean of these refiners")
    parser.add_argument("--output", type=Path, default=stored("refiner.safetensors"), help="where to write it")
    options = parser.parse_args()
    if options.mean:
        save(_mean([load(path) for path in options.mean]), options.output, {"mean_of": str(len(options.mean))})
        return 0
    if not (options.recipe and options.data and options.work):
        parser.error("give --recipe, --data and --work to train, or --mean")
    sources: dict[str, dict[str, float]] = yaml.safe_load(options.recipe.read_text())["sources"]
    keep_freed()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model, card = checkpoint.load(stored("bundled.safetensors"))
    detector = Detector(model, card, torch.device("cpu"))
    sets = [
        _looked_at(options.data / name, detector, int(each.get("shrink", 0)), options.work / f"{name}.pt")
        for name, each in sources.items()
    ]
    weights = np.array([each.get("weight", 1.0) for each in sources.values()])
    refiner = load(options.initial) if options.initial else _started(model)
    steps = _train(refiner, sets, weights / weights.sum(), options)
    save(refiner, options.output, {"steps": str(steps), "trained_on": ", ".join(sources)})
    console.print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB after {steps} steps")
    return 0


def _mean(refiners: list[Refiner]) -> Refiner:
    """Refiners that were trained from the same start, averaged (Wortsman et al. 2022, Model soups)."""
    states = [refiner.state_dict() for refiner in refiners]
    refiners[0].load_state_dict({name: torch.stack([s[name] for s in states]).float().mean(0) for name in states[0]})
    return refiners[0]


def _looked_at(folder: Path, detector: Detector, shrink: int, kept: Path) -> list[View]:
    """Return views of all things of a folder.

    Args:
        folder: in COCO's format.
        detector: the network, which looks at each photo once.
        shrink: px by which the masks are too wide.
        kept: file with what it saw, in another call; of no use once the folder's labels or the network are others.
    """
    labels, network = (folder / "instances.json").read_bytes(), stored("bundled.safetensors").read_bytes()
    stamp = hashlib.sha256(labels + network).hexdigest()
    by_photo = itertools.groupby(read(folder, "train", _SMALLEST), lambda thing: thing.photo)
    photos = [list(things) for _, things in by_photo]
    content = torch.load(kept, weights_only=True) if kept.exists() else {}
    known: list[list[Seen]] = content["seen"] if content.get("stamp") == stamp else []
    views: list[View] = []
    for place, things in enumerate(track(photos, f"Looking at {folder.name}", console=console)):
        pixels = things[0].pixels()
        if place == len(known):
            known.append(samples.look(pixels, things, detector, np.random.default_rng(place)))
        views += [samples.view(pixels, *each, shrink) for each in zip(things, known[place], strict=True)]
    torch.save({"stamp": stamp, "seen": known}, kept)
    return views


def _started(model: MaskRCNN) -> Refiner:
    """Return a new refiner with the backbone of a trained model; mask and box weigh nothing yet."""
    refiner = Refiner()
    known = {name.removeprefix("body."): tensor for name, tensor in model.backbone.state_dict().items()}
    number = itertools.count()
    for stage in (*refiner.down, refiner.deep):
        for block in stage.children():
            prefix = f"{next(number)}."
            state = {name.removeprefix(prefix): t for name, t in known.items() if name.startswith(prefix)}
            if prefix == "0.":
                first = state["0.weight"]
                state["0.weight"] = functional.pad(first, (0, 0, 0, 0, 0, PLANES - first.shape[1]))
            block.load_state_dict(state)
    return refiner


def _train(refiner: Refiner, sets: list[list[View]], shares: NDArray[np.float64], options: argparse.Namespace) -> int:
    first = "down.0.0.0."  # the layer with new inputs
    known = ("down.", "deep.")  # what the bundled model has taught
    slow = [p for name, p in refiner.named_parameters() if name.startswith(known) and not name.startswith(first)]
    fast = [p for p in refiner.parameters() if all(p is not other for other in slow)]
    rates = options.rate / 5, options.rate
    groups = [{"params": part, "lr": rate} for part, rate in zip((slow, fast), rates, strict=True)]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-2)
    refiner.train().to(memory_format=torch.channels_last)
    running_mean = get_ema_multi_avg_fn(_MEMORY)  # type: ignore[no-untyped-call]
    averaged = AveragedModel(refiner, multi_avg_fn=running_mean, use_buffers=True)
    parts: dict[str, Stateful] = {"model": refiner, "averaged": averaged, "optimiser": optimiser}
    progress = Checkpoint(options.work, parts, torch.device("cpu"))
    step, spent = progress.restore()
    recent = deque[float](maxlen=50)
    mark = saved = time.monotonic()
    with ProcessPoolExecutor(1, initializer=_share, initargs=(sets, shares)) as maker:
        waiting: deque[Future[tuple[Tensor, Tensor]]] = deque()
        while (share := spent / 60 / options.minutes) < 1:
            while len(waiting) < _AHEAD:
                waiting.append(maker.submit(_make, options.batch, step + len(waiting)))
            inputs, truth = waiting.popleft().result()
            factor = min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * share))
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bf16(torch.device("cpu"))):
                drawn = refiner(inputs.contiguous(memory_format=torch.channels_last))
            loss = _loss(drawn.float(), truth)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(refiner.parameters(), 2.0)
            optimiser.step()
            averaged.update_parameters(refiner)
            step += 1
            recent.append(loss.item())
            now = time.monotonic()
            spent, mark = spent + now - mark, now
            if step % 50 == 0:
                console.print(f"step {step}, {spent / 60:.1f} minutes, {share:.0%}: loss {np.mean(recent):.4f}")
            if now - saved > _CHECKPOINT_S:
                progress.save(step, spent)
                saved = time.monotonic()
    progress.save(step, spent)
    refiner.load_state_dict(averaged.module.state_dict())
    refiner.eval()
    return step


def _loss(drawn: Tensor, truth: Tensor) -> Tensor:
    """Return what the logits and the alpha made of them lack.

    Cross entropy and overlap teach the logits where the object is, the distance of alpha from the truth where to be
    steep: of two edges it could be, half of each costs as much as one, but a soft edge drawn soft costs nothing.
    """
    weight = 1 + 3 * (_highest(truth) + _highest(-truth))
    logits = drawn[:, :1]
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, weight) / weight.mean()
    inside = logits.sigmoid()
    overlap = (2 * (inside * truth).sum((1, 2, 3)) + 1) / ((inside + truth).sum((1, 2, 3)) + 1)
    distance = (weight * (alpha(drawn)[0] - truth).abs()).mean() / weight.mean()
    return entropy + 0.5 * (1 - overlap).mean() + 2 * distance


def _highest(plane: Tensor) -> Tensor:
    """Return the maximum of 13 x 13 px around each place."""
    return functional.max_pool2d(functional.max_pool2d(plane, (13, 1), 1, (6, 0)), (1, 13), 1, (0, 6))


_shared: tuple[list[list[View]], NDArray[np.float64]]


def _share(sets: list[list[View]], shares: NDArray[np.float64]) -> None:
    global _shared
    os.nice(1)
    torch.set_num_threads(1)
    _shared = sets, shares


def _make(count: int, number: int) -> tuple[Tensor, Tensor]:
    """Return a batch, made in another process."""
    sets, shares = _shared
    rng = np.random.default_rng((number, count))
    chosen = (sets[rng.choice(len(sets), p=shares)] for _ in range(count))
    pairs = ((each[rng.integers(len(each))], each[rng.integers(len(each))]) for each in chosen)
    return samples.batch([samples.sample(view, other, rng) for view, other in pairs])


if __name__ == "__main__":
    sys.exit(main())
