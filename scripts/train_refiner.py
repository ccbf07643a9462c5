#!/usr/bin/env python3
"""Train the network that draws edges (handler/objectcut/refiner.py) on photos with known masks.

  train_refiner.py DIR [DIR ...]     folders with images/ and instances.json, COCO's format

Starts from the bundled model's first layers, so that it knows photos already. Half an hour on two cores.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import MaskRCNN

from fetch_weights import STORE
from objectcut import models
from objectcut.detector import Detector
from objectcut.refiner import Refiner, load, save
from refining import samples
from refining.objects import read
from refining.samples import Coarse

_SMALLEST = 24  # px, of the sides of the objects that are learnt from
_AHEAD = 4  # batches that are made while the network learns
console = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--weights", type=float, nargs="+", help="how often each folder is drawn from (default: alike)")
    parser.add_argument("--minutes", type=float, default=30, help="how long to train")
    parser.add_argument("--batch", type=int, default=16, help="windows a step")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--start", type=Path, help="a refiner to go on from")
    parser.add_argument("--output", type=Path, default=STORE / "refiner.safetensors", help="where to write it")
    options = parser.parse_args()
    shares = options.weights or [1.0] * len(options.folders)
    if len(shares) != len(options.folders):
        parser.error("--weights needs a number a folder")
    torch.manual_seed(0)
    model, card = models.load(STORE / "bundled.safetensors")
    detector = Detector(model, card, torch.device("cpu"))
    sets = [_looked_at(folder, detector) for folder in options.folders]
    refiner = load(options.start) if options.start else _started(model)
    steps = _train(refiner, sets, np.array(shares) / sum(shares), options)
    save(refiner, options.output, {"steps": str(steps), "trained_on": ", ".join(f.name for f in options.folders)})
    console.print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB after {steps} steps")
    return 0


def _looked_at(folder: Path, detector: Detector) -> list[Coarse]:
    numbers = np.random.default_rng(0)
    by_photo = itertools.groupby(read(folder, "train", _SMALLEST), lambda thing: thing.photo)
    photos = [list(things) for _, things in by_photo]
    return [
        coarse
        for things in track(photos, f"Looking at {folder.name}", console=console)
        for coarse in samples.look(things, detector, numbers)
    ]


def _started(model: MaskRCNN) -> Refiner:
    """A new refiner with the first layers of a trained model; the mask, its fourth channel, counts for nothing yet."""
    refiner = Refiner()
    known = {name.removeprefix("body."): tensor for name, tensor in model.backbone.state_dict().items()}
    number = itertools.count()
    for stage in refiner.down:
        for block in stage.children():
            prefix = f"{next(number)}."
            state = {name.removeprefix(prefix): t for name, t in known.items() if name.startswith(prefix)}
            if prefix == "0.":
                first = state["0.weight"]
                state["0.weight"] = torch.cat((first, torch.zeros_like(first[:, :1])), 1)
            block.load_state_dict(state)
    return refiner


def _train(refiner: Refiner, sets: list[list[Coarse]], shares: NDArray[np.float64], options: argparse.Namespace) -> int:
    known = ("down.", "down.0.0.0.")  # what the bundled model has taught, but for the layer with a new input
    slow = [p for name, p in refiner.named_parameters() if name.startswith(known[0]) and not name.startswith(known[1])]
    fast = [p for p in refiner.parameters() if all(p is not other for other in slow)]
    rates = options.rate / 5, options.rate
    groups = [{"params": part, "lr": rate} for part, rate in zip((slow, fast), rates, strict=True)]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-3)
    refiner.train().to(memory_format=torch.channels_last)
    numbers, step, recent = np.random.default_rng(1), 0, deque[float](maxlen=50)
    start = time.monotonic()
    with ProcessPoolExecutor(1, initializer=_share, initargs=(sets, shares)) as maker:
        waiting: deque[Future[tuple[Tensor, Tensor]]] = deque()
        while (spent := (time.monotonic() - start) / 60 / options.minutes) < 1:
            while len(waiting) < _AHEAD:
                waiting.append(maker.submit(_make, options.batch, int(numbers.integers(2**31))))
            inputs, alpha = waiting.popleft().result()
            factor = min(1.0, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * spent))
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            loss = _loss(refiner(inputs.contiguous(memory_format=torch.channels_last)), alpha)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(refiner.parameters(), 2.0)
            optimiser.step()
            step += 1
            recent.append(loss.item())
            if step % 50 == 0:
                console.print(f"step {step}, {spent:.0%}: loss {np.mean(recent):.4f}")
                save(refiner, options.output, {"steps": str(step)})
    refiner.eval()
    return step


def _loss(logits: Tensor, alpha: Tensor) -> Tensor:
    """Cross entropy, three times as heavy near the true contour, and the overlap's distance from one."""
    near = functional.max_pool2d(alpha, 13, 1, 6) - -functional.max_pool2d(-alpha, 13, 1, 6)
    weight = 1 + 3 * near
    entropy = functional.binary_cross_entropy_with_logits(logits, alpha, weight) / weight.mean()
    inside = logits.sigmoid()
    overlap = (2 * (inside * alpha).sum((1, 2, 3)) + 1) / ((inside + alpha).sum((1, 2, 3)) + 1)
    return entropy + 0.5 * (1 - overlap).mean()


_shared: tuple[list[list[Coarse]], NDArray[np.float64]]


def _share(sets: list[list[Coarse]], shares: NDArray[np.float64]) -> None:
    global _shared
    os.nice(1)
    torch.set_num_threads(1)
    _shared = sets, shares


def _make(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """A batch, made in another process."""
    sets, shares = _shared
    numbers = np.random.default_rng(seed)
    chosen = (sets[numbers.choice(len(sets), p=shares)] for _ in range(count))
    return samples.batch([samples.sample(each[numbers.integers(len(each))], numbers) for each in chosen])


if __name__ == "__main__":
    sys.exit(main())
