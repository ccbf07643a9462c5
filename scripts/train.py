#!/usr/bin/env python3
"""Train a Mask R-CNN that ObjectCut serves, on folders of labelled photos: COCO's format, YOLO's or labelme's.

  train.py --recipe recipe.yaml --data FOLDER --work DIR --output mine.safetensors --minutes 60

The recipe names the classes and the folders; scripts/training/bundled.yaml is the bundled model's, and explains the
fields. Photos may be labelled in part: `annotated_category_ids` of an image, or `complete` of a folder, name the
classes of which every object is labelled; `segmentation: null` is a box without a mask, which draw_masks.py can draw;
crowds are ignored.

Training continues from --initial, whose classes are matched by name. It can be interrupted at any time: a checkpoint is
written to --work every few minutes, and the same call resumes from it. losses.png there shows how it goes, sheet.png
what the model cuts out of photos that it does not learn from. On several GPUs: torchrun --nproc-per-node 4 train.py ...
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, IterableDataset
from torchvision.models.detection import MaskRCNN

from objectcut.network import architectures, checkpoint
from objectcut.network.card import Card
from objectcut.network.layers import multiplies_bf16
from objectcut.network.weightfiles import stored
from objectcut.worker.memory import keep_freed
from training.augment import Augmenter
from training.checkpoints import Checkpoint
from training.folder import FolderError
from training.model import even_rows, parameters, started
from training.parallel import Processes
from training.partial import PartialLabels, Target
from training.progress import draw_cut_outs, draw_losses
from training.scenes import Scene, frequencies, read, sources

_CHECKPOINT_S, _PICTURES_S = 180.0, 900.0
_WARM_UP = 100  # steps
_MEMORY = 0.998  # of the running mean of the weights, which is what is written
_PROPOSALS, _SAMPLED = 400, 160  # per photo: enough for photos of 320 px, and a third of the time of torchvision's
console = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True, help="YAML: classes and sources")
    parser.add_argument("--data", type=Path, required=True, help="where the recipe's folders are")
    parser.add_argument("--masks", type=Path, help="where draw_masks.py has put masks for boxes without one")
    # Not --start: torchrun would take it for its own --start-method, also behind the name of this program.
    parser.add_argument("--initial", type=Path, default=stored("bundled.safetensors"), help="model file to go on from")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and the losses")
    parser.add_argument("--output", type=Path, required=True, help="model file to write")
    parser.add_argument("--name", help="of the new model (default: that of --initial)")
    parser.add_argument("--minutes", type=float, default=60, help="of training, all calls together (default: 60)")
    parser.add_argument("--epochs", type=float, help="times the number of photos to learn from, instead of --minutes")
    parser.add_argument("--batch", type=int, default=8, help="photos per step and process")
    parser.add_argument("--rate", type=float, default=4e-4, help="highest learning rate")
    parser.add_argument("--keep", type=float, default=0.0, help="share of --initial in the written mean, 0 to 1")
    parser.add_argument("--frozen", type=int, default=7, help="blocks of the backbone that stay as they are")
    parser.add_argument("--side", type=int, default=320, help="shorter side of the views, px")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    keep_freed()
    recipe = yaml.safe_load(options.recipe.read_text())
    model, card = started(
        options.initial, ["__background__", *recipe["classes"]], options.name, recipe.get("facts", {})
    )
    folders = sources(recipe, options.data, options.masks)
    try:
        scenes = [scene for source in folders for scene in read(source, "train", card.classes)]
        unseen = [scene for source in folders for scene in read(source, "val", card.classes)]
    except FolderError as error:
        console.print(str(error), style="red", soft_wrap=True)
        return 1
    processes = Processes(options.device)
    console.quiet = not processes.leads
    console.print(f"{len(scenes)} photos; objects: {_counts(scenes, card)}")
    options.work.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(model, card, scenes, unseen, processes, options)
    trainer.run()
    processes.close()
    return 0


class Trainer:
    """Trains until the time is up.

    Args:
        model: is changed.
        card: of the model.
        scenes: to learn from.
        unseen: to show what it does with, in random order.
        processes: that train together.
        options: of the command line.
    """

    def __init__(
        self,
        model: MaskRCNN,
        card: Card,
        scenes: list[Scene],
        unseen: list[Scene],
        processes: Processes,
        options: argparse.Namespace,
    ) -> None:
        self._options, self._card, self._processes = options, card, processes
        self._unseen = [unseen[place] for place in np.random.default_rng(0).permutation(len(unseen))]
        each = options.batch * processes.count  # photos per step
        self._steps = None if options.epochs is None else math.ceil(options.epochs * len(scenes) / each)
        self._device = processes.device
        self._model = model.train().to(self._device, memory_format=torch.channels_last)
        model.rpn._pre_nms_top_n["training"] = 2 * _PROPOSALS  # noqa: SLF001
        model.rpn._post_nms_top_n["training"] = _PROPOSALS  # noqa: SLF001
        model.roi_heads.fg_bg_sampler.batch_size_per_image = _SAMPLED
        self._optimiser = torch.optim.AdamW(parameters(model, options.frozen), lr=options.rate, weight_decay=1e-3)
        self._before = {name: tensor.clone().cpu() for name, tensor in model.state_dict().items()}
        self._averaged = AveragedModel(model, avg_fn=_running_mean, use_buffers=True)
        even_rows(model)
        PartialLabels(model)
        self._augmenter = Augmenter(scenes, frequencies(scenes, len(card.classes)))
        parts = {"model": model, "averaged": self._averaged, "optimiser": self._optimiser}
        self._checkpoint = Checkpoint(options.work, parts, self._device)
        self._step, self._spent = self._checkpoint.restore()
        if self._step:
            console.print(f"resuming at step {self._step}, {self._spent / 60:.0f} minutes")
        self._together = processes.together(model)

    def run(self) -> None:
        """Train, with a checkpoint now and then, and write the model."""
        first = self._step * self._processes.count + self._processes.rank
        views = Views(self._augmenter, self._options.batch, self._options.side, first, self._processes.count)
        loader = DataLoader(views, batch_size=None, num_workers=1, prefetch_factor=6)
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        recent: defaultdict[str, list[float]] = defaultdict(list)
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("training", total=1.0)
            mark = saved = shown = time.monotonic()
            for images, targets in loader:
                share = self._processes.mean(self._share())  # the same for all, or their weights would drift apart
                if share >= 1:
                    break
                for name, value in self._learn(images, targets, share).items():
                    recent[name].append(value)
                now = time.monotonic()
                self._spent, mark = self._spent + now - mark, now
                progress.update(task, completed=self._share())
                if self._step % 50 == 0 or self._share() >= 1:
                    self._tell({name: float(np.mean(values)) for name, values in recent.items()})
                    recent.clear()
                if now - saved > _CHECKPOINT_S:
                    self._save()
                    saved = time.monotonic()
                if now - shown > _PICTURES_S:
                    self._draw()
                    shown = time.monotonic()
        self._save()
        self._draw()

    def _share(self) -> float:
        """Return how much of the training is done, 0 to 1."""
        if self._steps is not None:
            return min(1.0, self._step / self._steps) if self._steps else 1.0
        return min(1.0, self._spent / 60 / self._options.minutes) if self._options.minutes else 1.0

    def _learn(self, images: list[Tensor], targets: list[Target], share: float) -> dict[str, float]:
        factor = min(1.0, (self._step + 1) / _WARM_UP) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in self._optimiser.param_groups:
            group["lr"] = self._options.rate * factor * group["factor"]
        images = [image.to(self._device) for image in images]
        targets = [{name: value.to(self._device) for name, value in target.items()} for target in targets]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=multiplies_bf16(self._device)):
            losses: dict[str, Tensor] = self._together(images, targets)
        total = torch.stack(list(losses.values())).sum()
        self._optimiser.zero_grad()
        if math.isfinite(self._processes.mean(total.item())):
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._model.parameters(), 5.0)
            self._optimiser.step()
        self._averaged.update_parameters(self._model)
        self._step += 1
        return {name: value.item() for name, value in losses.items()}

    def _tell(self, losses: dict[str, float]) -> None:
        if not self._processes.leads:
            return
        minutes = self._spent / 60
        words = ", ".join(f"{name.removeprefix('loss_')} {value:.3f}" for name, value in losses.items())
        console.print(f"step {self._step}, {minutes:.1f} minutes, {self._share():.0%}: {words}")
        file = self._options.work / "losses.csv"
        new = not file.exists()
        with file.open("a", newline="") as out:
            writer = csv.writer(out)
            if new:
                writer.writerow(["step", "minutes", *losses])
            writer.writerow([self._step, f"{minutes:.2f}", *(f"{value:.4f}" for value in losses.values())])

    def _save(self) -> None:
        """Write the checkpoint, and the model as it is on average."""
        if not self._processes.leads:
            return
        self._checkpoint.save(self._step, self._spent)
        checkpoint.save(self._mean_model().half(), self._card, self._options.output)

    def _mean_model(self) -> MaskRCNN:
        """Return the running mean of the weights and, for --keep, of those before (Wortsman 2022, arXiv:2109.01903)."""
        model = architectures.build(self._card)
        averaged = self._averaged.module.state_dict()
        keep = self._options.keep
        model.load_state_dict({name: _mixed(averaged[name].cpu(), old, keep) for name, old in self._before.items()})
        return model

    def _draw(self) -> None:
        """Draw the losses and what the model cuts out."""
        work = self._options.work
        if not self._processes.leads:
            return
        if (work / "losses.csv").exists():
            draw_losses(work / "losses.csv", work / "losses.png")
        if self._unseen:
            draw_cut_outs(self._mean_model(), self._card, self._unseen, work / "sheet.png")


class Views(IterableDataset[tuple[list[Tensor], list[Target]]]):
    """Batches of views without end, each with random numbers of its own, so that training can go on at any step.

    Args:
        augmenter: makes them.
        batch: views of each.
        side: shorter side, px.
        first: number of the first batch, which its random numbers follow from.
        stride: how much is added for the next.
    """

    def __init__(self, augmenter: Augmenter, batch: int, side: int, first: int, stride: int) -> None:
        self._augmenter, self._batch, self._side = augmenter, batch, side
        self._first, self._stride = first, stride

    def __iter__(self) -> Iterator[tuple[list[Tensor], list[Target]]]:
        """Yield them, with one thread: the network needs the others."""
        torch.set_num_threads(1)
        number = self._first
        while True:
            rng = np.random.default_rng((number, self._batch))
            longer = self._side * 5 // 4
            size = (longer, self._side) if number // self._stride % 2 else (self._side, longer)
            views = [self._augmenter.view(size, rng) for _ in range(self._batch)]
            yield [image for image, _ in views], [target for _, target in views]
            number += self._stride


def _running_mean(mean: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    """Return the exponential mean of the weights, over fewer steps at first: else those of the start weigh too much."""
    memory = min(_MEMORY, (1 + int(steps)) / (10 + int(steps)))
    return torch.lerp(current, mean, memory) if mean.is_floating_point() else current


def _mixed(after: Tensor, before: Tensor, keep: float) -> Tensor:
    return torch.lerp(after, before, keep) if after.is_floating_point() else after


def _counts(scenes: list[Scene], card: Card) -> str:
    labels = np.bincount([thing.label for scene in scenes for thing in scene.things], minlength=len(card.classes))
    return ", ".join(f"{name} {count}" for name, count in zip(card.classes[1:], labels[1:].tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main())
