#!/usr/bin/env python3
"""Train a Mask R-CNN that ObjectCut serves, on folders in COCO's format.

  train.py --recipe recipe.yaml --data FOLDER --work DIR --output mine.safetensors --minutes 60

The recipe names the classes and the folders; scripts/training/bundled.yaml is the bundled model's, and explains the
fields. Photos may be labelled in part: `annotated_category_ids` of an image, or `complete` of a folder, name the
classes of which every object is labelled; `segmentation: null` is a box without a mask; crowds are ignored.

Training continues from --start, whose classes are matched by name. It can be interrupted at any time: a checkpoint is
written to --work every few minutes, and the same call resumes from it.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, IterableDataset
from torchvision.models.detection import MaskRCNN

from fetch_weights import STORE
from objectcut.network import architectures, checkpoint
from objectcut.network.card import Card
from training.augment import Augmenter
from training.partial import PartialLabels, Target
from training.precision import multiplies_bf16
from training.scenes import Scene, frequencies, read, sources

_CHECKPOINT_S = 180.0
_WARM_UP = 100  # steps
_MEMORY = 0.998  # of the running mean of the weights, which is what is written
_ROWS = 32
_PROPOSALS, _SAMPLED = 400, 160  # per photo: enough for photos of 320 px, and a third of the time of torchvision's
console = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True, help="YAML: classes and sources")
    parser.add_argument("--data", type=Path, required=True, help="where the recipe's folders are")
    parser.add_argument("--start", type=Path, default=STORE / "bundled.safetensors", help="model file to go on from")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and the losses")
    parser.add_argument("--output", type=Path, required=True, help="model file to write")
    parser.add_argument("--name", help="of the new model (default: that of --start)")
    parser.add_argument("--minutes", type=float, default=60, help="of training, all calls together")
    parser.add_argument("--batch", type=int, default=8, help="photos per step")
    parser.add_argument("--rate", type=float, default=4e-4, help="highest learning rate")
    parser.add_argument("--frozen", type=int, default=7, help="blocks of the backbone that stay as they are")
    parser.add_argument("--side", type=int, default=320, help="shorter side of the views, px")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    recipe = yaml.safe_load(options.recipe.read_text())
    model, card = _started(options.start, ["__background__", *recipe["classes"]], options.name, recipe.get("facts", {}))
    scenes = [scene for source in sources(recipe, options.data) for scene in read(source, "train", card.classes)]
    console.print(f"{len(scenes)} photos; objects: {_counts(scenes, card)}")
    options.work.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(model, card, scenes, options)
    trainer.run()
    return 0


class Trainer:
    """Trains until the time is up.

    Args:
        model: is changed.
        card: of the model.
        scenes: to learn from.
        options: of the command line.
    """

    def __init__(self, model: MaskRCNN, card: Card, scenes: list[Scene], options: argparse.Namespace) -> None:
        self._options, self._card = options, card
        self._device = torch.device(options.device)
        self._model = model.train().to(self._device, memory_format=torch.channels_last)
        model.rpn._pre_nms_top_n["training"] = 2 * _PROPOSALS  # noqa: SLF001
        model.rpn._post_nms_top_n["training"] = _PROPOSALS  # noqa: SLF001
        model.roi_heads.fg_bg_sampler.batch_size_per_image = _SAMPLED
        self._optimiser = torch.optim.AdamW(_parameters(model, options.frozen), lr=options.rate, weight_decay=1e-3)
        self._averaged = AveragedModel(model, avg_fn=_running_mean, use_buffers=True)
        _even_rows(model)
        PartialLabels(model)
        self._augmenter = Augmenter(scenes, frequencies(scenes, len(card.classes)))
        self._step, self._spent = 0, 0.0
        self._resume()

    def run(self) -> None:
        """Train, with a checkpoint now and then, and write the model."""
        views = Views(self._augmenter, self._options.batch, self._options.side, self._step)
        loader = DataLoader(views, batch_size=None, num_workers=1, prefetch_factor=6)
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        minutes = self._options.minutes
        recent: defaultdict[str, list[float]] = defaultdict(list)
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("training", total=minutes * 60, completed=int(self._spent))
            mark = saved = time.monotonic()
            for images, targets in loader:
                if self._spent >= minutes * 60:
                    break
                for name, value in self._learn(images, targets).items():
                    recent[name].append(value)
                now = time.monotonic()
                self._spent, mark = self._spent + now - mark, now
                progress.update(task, completed=self._spent)
                if self._step % 50 == 0:
                    self._tell({name: float(np.mean(values)) for name, values in recent.items()})
                    recent.clear()
                if now - saved > _CHECKPOINT_S:
                    self._save()
                    saved = time.monotonic()
        self._save()

    def _learn(self, images: list[Tensor], targets: list[Target]) -> dict[str, float]:
        share = self._spent / 60 / self._options.minutes
        factor = min(1.0, (self._step + 1) / _WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))
        for group in self._optimiser.param_groups:
            group["lr"] = self._options.rate * factor * group["factor"]
        images = [image.to(self._device) for image in images]
        targets = [{name: value.to(self._device) for name, value in target.items()} for target in targets]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=multiplies_bf16(self._device)):
            losses: dict[str, Tensor] = self._model(images, targets)
        total = torch.stack(list(losses.values())).sum()
        self._optimiser.zero_grad()
        if torch.isfinite(total):
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._model.parameters(), 5.0)
            self._optimiser.step()
        self._averaged.update_parameters(self._model)
        self._step += 1
        return {name: value.item() for name, value in losses.items()}

    def _tell(self, losses: dict[str, float]) -> None:
        minutes = self._spent / 60
        words = ", ".join(f"{name.removeprefix('loss_')} {value:.3f}" for name, value in losses.items())
        console.print(f"step {self._step}, {minutes:.1f} of {self._options.minutes:g} minutes: {words}")
        file = self._options.work / "losses.csv"
        new = not file.exists()
        with file.open("a", newline="") as out:
            writer = csv.writer(out)
            if new:
                writer.writerow(["step", "minutes", *losses])
            writer.writerow([self._step, f"{minutes:.2f}", *(f"{value:.4f}" for value in losses.values())])

    def _save(self) -> None:
        """Write the checkpoint, and the model as it is on average."""
        content = {
            "model": self._model.state_dict(),
            "averaged": self._averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self._step,
            "spent": self._spent,
        }
        part = self._options.work / "checkpoint.part"
        torch.save(content, part)
        part.replace(self._options.work / "checkpoint.pt")
        half = {name: tensor.half() for name, tensor in self._averaged.module.state_dict().items()}
        model = architectures.build(self._card).half()
        model.load_state_dict(half)
        checkpoint.save(model, self._card, self._options.output)

    def _resume(self) -> None:
        file = self._options.work / "checkpoint.pt"
        if file.exists():
            content = torch.load(file, map_location=self._device, weights_only=True)
            self._model.load_state_dict(content["model"])
            self._averaged.load_state_dict(content["averaged"])
            self._optimiser.load_state_dict(content["optimiser"])
            self._step, self._spent = content["step"], content["spent"]
            console.print(f"resuming at step {self._step}, {self._spent / 60:.0f} minutes")


class Views(IterableDataset[tuple[list[Tensor], list[Target]]]):
    """Batches of views without end, each with random numbers of its own, so that training can go on at any step.

    Args:
        augmenter: makes them.
        batch: views of each.
        side: shorter side, px.
        first: step of the first batch.
    """

    def __init__(self, augmenter: Augmenter, batch: int, side: int, first: int) -> None:
        self._augmenter, self._batch, self._side, self._first = augmenter, batch, side, first

    def __iter__(self) -> Iterator[tuple[list[Tensor], list[Target]]]:
        """Yield them, with one thread: the network needs the others."""
        torch.set_num_threads(1)
        step = self._first
        while True:
            rng = np.random.default_rng((step, self._batch))
            longer = self._side * 5 // 4
            size = (longer, self._side) if step % 2 else (self._side, longer)
            views = [self._augmenter.view(size, rng) for _ in range(self._batch)]
            yield [image for image, _ in views], [target for _, target in views]
            step += 1


def _started(start: Path, classes: list[str], name: str | None, facts: dict[str, Any]) -> tuple[MaskRCNN, Card]:
    """Return a model for these classes that knows what the first model knows of them."""
    known, old = checkpoint.load(start)
    card = replace(old, name=name or old.name, classes=tuple(classes), facts=facts)
    model = architectures.build(card)
    if card.classes == old.classes:
        return known, card
    weights = known.state_dict()
    for key, value in model.state_dict().items():
        before = weights[key]
        if before.shape == value.shape:
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


def _running_mean(mean: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    """Return the exponential mean of the weights, over fewer steps at first: else those of the start weigh too much."""
    memory = min(_MEMORY, (1 + int(steps)) / (10 + int(steps)))
    return torch.lerp(current, mean, memory) if mean.is_floating_point() else current


def _parameters(model: MaskRCNN, frozen: int) -> list[dict[str, Any]]:
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


def _even_rows(model: MaskRCNN) -> None:
    """Make the number of masks of a step a multiple of `_ROWS`: oneDNN compiles its kernels anew for each shape."""
    count = 0

    def pad(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        nonlocal count
        count = len(inputs[0])
        return (functional.pad(inputs[0], (0, 0, 0, 0, 0, 0, 0, -count % _ROWS)),)

    model.roi_heads.mask_head.register_forward_pre_hook(pad)
    model.roi_heads.mask_predictor.register_forward_hook(lambda _, __, logits: logits[:count])


def _counts(scenes: list[Scene], card: Card) -> str:
    labels = np.bincount([thing.label for scene in scenes for thing in scene.things], minlength=len(card.classes))
    return ", ".join(f"{name} {count}" for name, count in zip(card.classes[1:], labels[1:].tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main())
