"""What the benchmark compares: a model run the way of the first program, the way of TorchServe's example, and ours.

A network with random weights finds nonsense, and different nonsense in every precision. So each side runs the whole
network, and then what was found is replaced by the same invented detections: fifty above torchvision's lowest score,
ten of them of the class that is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models import get_model_weights
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.transforms.functional import to_tensor

from benchmark.measure import Task
from fetch_weights import OFFICIAL, STORE
from objectcut.edges import matte
from objectcut.instance import Instance, Query
from objectcut.network import checkpoint
from objectcut.network.card import Card
from objectcut.network.detector import Detector

MODELS = ("coco-v1", "coco", "bundled")
BATCHES = (1, 4, 8)
"""Photos that ours takes at once."""
MOST = max(BATCHES)
_STOCK_BATCH = 4
MIN_SCORE = 0.5
"""Of a request that names none."""
_WANTED = 1  # label


@dataclass(frozen=True, eq=False)
class Scene:
    """Invented detections, best first.

    Attributes:
        boxes: (N, 4) float32, x0, y0, x1, y1 as shares of the photo's width and height.
        labels: (N,) int64; that of the wanted ones is 1.
        scores: (N,) float32.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor

    @classmethod
    def invent(cls, count: int = 50, wanted: int = 10) -> Scene:
        """Detections of all sizes, from a twentieth to most of the photo, as many small as large."""
        numbers = torch.Generator().manual_seed(0)
        sides = 0.05 * 16 ** torch.rand(count, 2, generator=numbers)
        corners = torch.rand(count, 2, generator=numbers) * (1 - sides)
        labels = torch.where(torch.arange(count) % (count // wanted) == 0, _WANTED, 2)
        return cls(torch.cat((corners, corners + sides), 1), labels, torch.linspace(0.99, 0.51, count))

    def wanted(self, width: int, height: int) -> list[Instance]:
        """The wanted ones as ours hands them from stage to stage, in a photo of this size."""
        boxes = self.boxes * torch.tensor([width, height, width, height])
        rows = zip(self.labels.tolist(), self.scores.tolist(), boxes.tolist(), strict=True)
        instances = [Instance(rank, label, score, tuple(box)) for rank, (label, score, box) in enumerate(rows)]
        return [instance for instance in instances if instance.label == _WANTED]

    def masked(self, width: int, height: int) -> list[Instance]:
        """The same with a mask: an ellipse."""
        y, x = np.mgrid[-1:1:28j, -1:1:28j]
        ellipse = (1 - 0.5 * (x * x + y * y)).astype(np.float32)
        return [replace(instance, mask=ellipse) for instance in self.wanted(width, height)]

    def query(self, photo: NDArray[np.uint8]) -> Query:
        """A photo, (H, W, 3) uint8, in which ours shall find the wanted ones."""
        wanted = self.wanted(photo.shape[1], photo.shape[0])
        return Query(photo, MIN_SCORE, lambda _: wanted)


class Pinned:
    """Takes the place of torchvision's last choice of boxes: makes it, then answers with a scene.

    Attributes:
        proposals: how many boxes the network had to look at last time.
    """

    def __init__(self, heads: RoIHeads, scene: Scene) -> None:
        self._choose = partial(RoIHeads.postprocess_detections, heads)
        self._scene = scene
        self.proposals = 0

    def __call__(
        self, logits: Tensor, deltas: Tensor, proposals: list[Tensor], shapes: list[tuple[int, int]]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        self._choose(logits, deltas, proposals, shapes)
        self.proposals = len(proposals[0])
        boxes = [self._scene.boxes * torch.tensor([width, height, width, height]) for height, width in shapes]
        return boxes, [self._scene.scores] * len(shapes), [self._scene.labels] * len(shapes)


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that is measured.

    Attributes:
        name: as in `MODEL=`.
        weights: where they come from.
        model: torchvision's own, fp32.
        detector: ours, as it is served.
    """

    name: str
    weights: str
    model: MaskRCNN
    detector: Detector

    @classmethod
    def load(cls, name: str) -> Subject:
        """The model with its weights if they are in the store, else with random ones."""
        path = STORE / f"{name}.safetensors"
        if path.exists():
            model, card = checkpoint.load(path)
        else:
            torch.manual_seed(0)
            model = checkpoint.build(card := _card(name))
        if name in OFFICIAL:
            # torchvision lets all but the first layers learn unless it is told otherwise, and nobody told it.
            for layer in (model.backbone.body.layer2, model.backbone.body.layer3, model.backbone.body.layer4):
                layer.requires_grad_()
        weights = "trained" if path.exists() else "random"
        return cls(name, weights, model, Detector(model, card, torch.device("cpu")))

    def pin(self, scene: Scene) -> Pinned:
        """Make torchvision's model find this scene in every photo."""
        self.model.roi_heads.postprocess_detections = pinned = Pinned(self.model.roi_heads, scene)
        return pinned


@dataclass(frozen=True, eq=False)
class Side:
    """One way to run a model.

    Attributes:
        name: for the table.
        batch: photos at once.
        full_masks: how many float32 masks of the photo's size it holds at once.
        run: from pixels to the wanted masks at the photos' size.
    """

    name: str
    batch: int
    full_masks: int
    run: Task


def sides(subject: Subject, scene: Scene, photos: Sequence[NDArray[np.uint8]]) -> list[Side]:
    """Every way to run a model on the same photos, (H, W, 3) uint8 and at least eight of them."""
    model, count = subject.model, len(scene.labels)
    return [
        # Each photo's masks exist twice while torchvision stacks them.
        Side("original", 1, 2 * count, lambda: _original(model, photos[0])),
        Side(f"stock, {_STOCK_BATCH}", _STOCK_BATCH, 5 * count, lambda: _stock(model, photos[:_STOCK_BATCH])),
        *(
            Side(f"ours, {batch}", batch, 0, partial(_ours, subject.detector, scene, photos[:batch]))
            for batch in BATCHES
        ),
    ]


def _original(model: MaskRCNN, photo: NDArray[np.uint8]) -> Tensor:
    found = model([to_tensor(photo)])[0]
    masks: Tensor = found["masks"][found["labels"] == _WANTED] > 0.5
    return masks


@torch.inference_mode()
def _stock(model: MaskRCNN, photos: Sequence[NDArray[np.uint8]]) -> list[Tensor]:
    found = model([to_tensor(photo) for photo in photos])
    return [each["masks"][each["labels"] == _WANTED] > 0.5 for each in found]


def _ours(detector: Detector, scene: Scene, photos: Sequence[NDArray[np.uint8]]) -> list[list[matte.Matte]]:
    queries = [scene.query(photo) for photo in photos]
    return [
        [matte.paste(instance, photo.shape[1], photo.shape[0]) for instance in detection.kept]
        for photo, detection in zip(photos, detector.detect(queries), strict=True)
    ]


@torch.inference_mode()
def eager_layers(model: MaskRCNN, photo: NDArray[np.uint8]) -> object:
    """torchvision's forward as far as the masks of 28 x 28 cells, before they are pasted."""
    images, _ = model.transform([to_tensor(photo)])
    features = model.backbone(images.tensors)
    proposals, _ = model.rpn(images, features)
    return model.roi_heads(features, proposals, images.image_sizes)


def _card(name: str) -> Card:
    architecture = OFFICIAL[name].architecture
    classes = next(iter(get_model_weights(architecture))).meta["categories"]
    return Card(name, architecture, tuple(classes), 800, 1333, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
