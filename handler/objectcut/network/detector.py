"""From photos to instances: Mask R-CNN as its stages, with the mask head run only for what was asked.

Its layers are in `network`, its pooling in `roialign`, the choice of boxes in `boxes`.

Owns the network's input, the batching of photos and the order of the stages. Which instances deserve a mask is
decided by a function that comes with each photo (`selection.query`).

Method: He et al., Mask R-CNN, 2017 (arXiv:1703.06870), in torchvision's implementation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection import MaskRCNN

from objectcut.identity import identify
from objectcut.instance import UNNAMED, Detection, Instance, Query
from objectcut.network.boxes import BoxSelector, Proposals
from objectcut.network.card import Card
from objectcut.network.layers import Network, best_dtype
from objectcut.network.roialign import Pyramid
from objectcut.network.torchprivate import resize_bilinear

LOWEST_SCORE = 0.05
"""Detections below this score are never looked at; torchvision's default."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What the network saw in a photo, whatever is asked about it.

    Attributes:
        pyramid: features of the photo, or of several that it was looked at with.
        place: of the photo among these.
        proposals: where objects may be.
        logits, deltas: (N, C) and (N, C * 4) float32, what the box head says of them.
        size: height and width of the photo in the network's input, px.
    """

    pyramid: Pyramid
    place: int
    proposals: Proposals
    logits: Tensor
    deltas: Tensor
    size: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return sum(tensor.nbytes for tensor in (self.pyramid.rows, self.logits, self.deltas, self.proposals.boxes))


class Detector:
    """A Mask R-CNN on one device.

    Args:
        model: in evaluation mode, fp32. It is not changed.
        card: the model's input size, mean and std.
        device: where it runs.
        dtype: precision of the layers; None takes the best one for the device.
    """

    def __init__(self, model: MaskRCNN, card: Card, device: torch.device, dtype: torch.dtype | None = None) -> None:
        self.card = card
        self.device = device
        self.dtype = dtype or best_dtype(device)
        self._network = Network(model, device, self.dtype)
        self._boxes = BoxSelector(model, device)
        self._mean = torch.tensor(card.mean, device=device).view(3, 1, 1)
        self._std = torch.tensor(card.std, device=device).view(3, 1, 1)
        self._warm_up()

    @torch.inference_mode()
    def detect(self, queries: Sequence[Query]) -> list[Detection]:
        """Instances of each photo, in the order of the photos.

        Photos are run together when their network inputs have the same padded shape. Padding a photo to its
        neighbour's shape would change what the network sees at its border: the answer would depend on the company.
        """
        new = [index for index, query in enumerate(queries) if query.sight is None]
        sights = {index: query.sight for index, query in enumerate(queries) if query.sight is not None}
        inputs = [self._network_input(queries[index]) for index in new]
        for shape, members in self._groups(inputs):
            seen = self._look([inputs[member] for member in members], shape)
            for member, sight in zip(members, seen, strict=True):
                index = new[member]
                sights[index], saw = sight, queries[index].saw
                if saw is not None:
                    saw(sight)
        together: dict[int, list[int]] = defaultdict(list)
        for index, sight in sights.items():
            together[id(sight.pyramid)].append(index)
        detections: dict[int, Detection] = {}
        for members in together.values():
            found = self._find([sights[index] for index in members], [queries[index] for index in members])
            detections.update(zip(members, found, strict=True))
        return [detections[index] for index in range(len(queries))]

    def _groups(self, inputs: Sequence[Tensor]) -> list[tuple[tuple[int, int], list[int]]]:
        """Return the photos that run together, as padded shape and places."""
        if self.device.type == "cpu":
            # One photo fills every core already; several at once only push one another out of the cache.
            return [(_padded(tensor), [index]) for index, tensor in enumerate(inputs)]
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, tensor in enumerate(inputs):
            groups[_padded(tensor)].append(index)
        return list(groups.items())

    def _warm_up(self) -> None:
        """Run every stage on ordinary shapes, so that the first photo does not pay for lazy set-up."""
        side = self.card.min_size
        for width in (side, side * 4 // 3, side * 3 // 2):
            noise = np.random.default_rng(0).integers(0, 256, (side, width, 3), np.uint8)
            # A box is invented where the network sees nothing in the noise, so that the mask head runs too.
            invented = Instance(0, 1, 1.0, (0.0, 0.0, float(width), float(side)))
            self.detect([Query(noise, 0.0, lambda found, invented=invented: found[:1] or [invented])])  # type: ignore[misc]

    def _network_input(self, query: Query) -> Tensor:
        """(3, h, w) float32, resized as torchvision does and normalised, not yet padded."""
        pixels, height, width = query.pixels, query.height, query.width
        scale = min(self.card.min_size / min(height, width), self.card.max_size / max(height, width))
        size = max(1, int(height * scale)), max(1, int(width * scale))
        # A photo more than twice as large as the network's input is averaged over whole blocks first: bilinear mixing
        # alone would skip most of its pixels.
        block = max(1, min(pixels.shape[0] // size[0], pixels.shape[1] // size[1]))
        if block > 1:
            pixels = np.array(Image.fromarray(pixels).reduce(block))
        block *= round(width / query.pixels.shape[1])
        photo = _upload(torch.from_numpy(pixels), self.device).permute(2, 0, 1)[None].float() / 255
        scales = size[0] * block / height, size[1] * block / width  # the last block of an axis may be incomplete
        resized = resize_bilinear(photo, size, scales)[0]
        return (resized - self._mean) / self._std

    def _look(self, inputs: list[Tensor], shape: tuple[int, int]) -> list[Sight]:
        """Run all of the network but the mask head."""
        batch = torch.zeros((len(inputs), *shape, 3), device=self.device, dtype=self.dtype).permute(0, 3, 1, 2)
        sizes = [(int(tensor.shape[1]), int(tensor.shape[2])) for tensor in inputs]
        for row, tensor, (height, width) in zip(batch, inputs, sizes, strict=True):
            row[:, :height, :width] = tensor
        levels = self._network.pyramid(batch)
        proposals = self._boxes.propose(*self._network.objectness(levels), shape, sizes)
        counts = [len(each.boxes) for each in proposals]
        pyramid = Pyramid(levels, shape, self._network.aligned)
        boxes = torch.cat([each.boxes for each in proposals])
        pooled = pyramid.pool(boxes, _places(range(len(counts)), counts, self.device), self._network.box_cells)
        logits, deltas = (torch.split(each, counts) for each in self._network.box_head(pooled))
        seen = zip(proposals, logits, deltas, sizes, strict=True)
        return [Sight(pyramid, place, *each) for place, each in enumerate(seen)]

    def _find(self, sights: Sequence[Sight], queries: Sequence[Query]) -> list[Detection]:
        """Return what is asked for of photos that share a pyramid."""
        final = [
            self._boxes.classify(
                sight.logits, sight.deltas, sight.proposals, sight.size, max(LOWEST_SCORE, query.min_score)
            )
            for sight, query in zip(sights, queries, strict=True)
        ]
        found: list[list[Instance]] = []
        rows = iter(torch.cat(final).tolist())  # one transfer for the whole batch
        for query, sight, own in zip(queries, sights, final, strict=True):
            x, y = _scale(query, sight.size)
            instances = []
            for x0, y0, x1, y1, score, label in islice(rows, len(own)):
                if score > 0:  # the others come last
                    box = x0 * x, y0 * y, x1 * x, y1 * y
                    id_ = identify(int(label), box, query.width, query.height)
                    instances.append(Instance(id_, int(label), score, box))
            found.append(instances)
        kept = [list(query.keep(instances)) for query, instances in zip(queries, found, strict=True)]
        masked = self._masks(sights, kept, queries)
        return [Detection(tuple(all_), tuple(some)) for all_, some in zip(found, masked, strict=True)]

    def _masks(
        self, sights: Sequence[Sight], kept: list[list[Instance]], queries: Sequence[Query]
    ) -> list[list[Instance]]:
        if not any(kept):
            return kept
        rows = []
        for query, sight, instances in zip(queries, sights, kept, strict=True):
            x, y = _scale(query, sight.size)
            rows += [(i.box[0] / x, i.box[1] / y, i.box[2] / x, i.box[3] / y) for i in instances]
        boxes = _upload(torch.tensor(rows), self.device)
        places = _places([sight.place for sight in sights], [len(instances) for instances in kept], self.device)
        pyramid = sights[0].pyramid
        shares = self._shares(pyramid, boxes, places, [i.label for instances in kept for i in instances])
        pooled = pyramid.pool(boxes, places, self._network.mask_cells)
        masks = iter(self._network.mask_head(pooled, shares).cpu().numpy())
        return [[replace(instance, mask=next(masks)) for instance in instances] for instances in kept]

    def _shares(self, pyramid: Pyramid, boxes: Tensor, places: Tensor, labels: list[int]) -> Tensor:
        """Return the weight of each class's mask for each box, (N, classes): 1 for its own; without a name, the
        probabilities of the classes.

        Args:
            boxes: (N, 4), network px.
            places: (N,), of the photos in the batch.
            labels: of the boxes.
        """
        own = _upload(torch.tensor(labels), self.device)
        shares = functional.one_hot(own, len(self.card.classes)).float()
        unnamed = [row for row, label in enumerate(labels) if label == UNNAMED]
        if unnamed:
            rows = _upload(torch.tensor(unnamed), self.device)
            logits, _ = self._network.box_head(pyramid.pool(boxes[rows], places[rows], self._network.box_cells))
            shares[rows] = functional.pad(logits[:, 1:].softmax(1), (1, 0))
        return shares


def _upload(tensor: Tensor, device: torch.device) -> Tensor:
    """Return the tensor on the device. From pinned memory, so that this thread does not wait for the copy."""
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def _places(photos: Sequence[int], counts: Sequence[int], device: torch.device) -> Tensor:
    """Return the place in the batch of each box, from those of the photos and how many boxes each has."""
    return _upload(torch.tensor(photos).repeat_interleave(torch.tensor(counts)), device)


def _padded(tensor: Tensor) -> tuple[int, int]:
    """Height and width rounded up to torchvision's `size_divisible`, 32."""
    return -(-int(tensor.shape[1]) // 32) * 32, -(-int(tensor.shape[2]) // 32) * 32


def _scale(query: Query, size: tuple[int, int]) -> tuple[float, float]:
    """Photo px per network px, along x and y."""
    return query.width / size[1], query.height / size[0]
