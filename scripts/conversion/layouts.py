"""What other programs call the weights of a Mask R-CNN, and which of our architectures they belong to.

- torchvision: the names are ours. Which architecture it is, the shapes tell.
- MMDetection and Detectron2 (ResNet-50 with FPN): other names, the background last and not first, and other samples of
  regions and anchors, for which there are architectures of their own. Both programs choose the number of samples of a
  region by its size; here it is always 2 x 2 for each cell, which changes masks by little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import torch
from torch import Tensor

from objectcut.network.architectures import ARCHITECTURES, build
from objectcut.network.card import Card, ModelError, read_card
from objectcut.network.weightfiles import stored

Weights = Mapping[str, Tensor]
Rules = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]
_SCORES, _BOXES = "roi_heads.box_predictor.cls_score", "roi_heads.box_predictor.bbox_pred"
_MASKS = "roi_heads.mask_predictor.mask_fcn_logits"
_MOST_CLASSES = 2000  # the background included
_COUNTER = "num_batches_tracked"
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of RGB, 0 to 1
_CAFFE = (123.675 / 255, 116.28 / 255, 103.53 / 255), (1 / 255, 1 / 255, 1 / 255)
_EPS = 1e-5  # of batch norms; torchvision sets that of its own ResNet-50 to 0
_ALIGNED, _MSRA = "maskrcnn_resnet50_fpn_aligned", "maskrcnn_resnet50_fpn_aligned_msra"


@dataclass(frozen=True, eq=False)
class Recognised:
    """A Mask R-CNN of ours.

    Attributes:
        weights: by our names, of exactly the architecture's shapes.
        card: its architecture and input; the classes are numbers.
        origin: the program whose layout it was.
    """

    weights: Weights
    card: Card
    origin: str


def recognised(weights: Weights, backbone: str | None = None) -> Recognised:
    """Return a checkpoint as one of our models.

    Args:
        weights: of a checkpoint.
        backbone: for Detectron2 and MMDetection, which leave no trace of it: `msra` (BGR, no deviation, strides in the
            1 x 1 convolutions), as in Detectron2's own models; `torchvision`, as in most of MMDetection's. None takes
            that which is usual for each.

    Raises:
        ModelError: it is none; the message says what does not fit.
    """
    for origin, (marker, usual, rename) in _FOREIGN.items():
        if marker in weights:
            kind = backbone or usual
            ours = _background_first(rename(weights))
            if kind == "msra":
                stem = "backbone.body.conv1.weight"
                ours = {**ours, stem: ours[stem].flip(1)} if stem in ours else ours
            card = _card(_MSRA if kind == "msra" else _ALIGNED, ours)
            return Recognised(fitting(ours, card), card, origin)
    plain = _renamed(weights, _OLD_NAMES)
    card = _nearest(plain)
    if card.architecture == "maskrcnn_resnet50_fpn" and any(name.endswith(_COUNTER) for name in weights):
        # Only norms that were trained count batches, and those have an eps, which this architecture has not.
        plain = {name: t + _EPS if name.endswith("running_var") else t for name, t in plain.items()}
    counters = {name: torch.zeros((), dtype=torch.int64) for name in _shapes(card) if name.endswith(_COUNTER)}
    return Recognised(fitting({**plain, **counters}, card), card, "torchvision")


def _nearest(weights: Weights) -> Card:
    """Return the card of the architecture with the most weights of these names and shapes."""
    cards = [_card(name, weights) for name in ARCHITECTURES if name not in (_ALIGNED, _MSRA)]

    def matching(card: Card) -> int:
        return sum(name in weights and weights[name].shape == shape for name, shape in _shapes(card).items())

    best = max(cards, key=matching)
    if not matching(best):
        raise ModelError(f"these are not the weights of a Mask R-CNN. Known are {', '.join(ARCHITECTURES)}")
    return best


def _card(architecture: str, weights: Weights) -> Card:
    """Return a card for as many classes as the weights have."""
    scores = weights.get(f"{_SCORES}.weight")
    if scores is None or scores.ndim != 2 or not 2 <= len(scores) <= _MOST_CLASSES:
        raise ModelError(
            f"these are not the weights of a Mask R-CNN: '{_SCORES}.weight' is missing, or does not have a row for "
            f"each of 2 to {_MOST_CLASSES} classes, the background included"
        )
    classes = ("__background__", *map(str, range(1, len(scores))))
    if architecture == "maskrcnn_mobilenet_v2_fpn":
        return replace(_bundled(), classes=classes, unlisted=(), facts={})
    mean, std = _CAFFE if architecture == _MSRA else _IMAGENET
    return Card("converted", architecture, classes, 800, 1333, mean, std)


@cache
def _bundled() -> Card:
    return read_card(stored("bundled.safetensors"))


def _shapes(card: Card) -> dict[str, torch.Size]:
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in build(card).state_dict().items()}


def fitting(weights: Weights, card: Card) -> Weights:
    """Return the weights if they are the architecture's.

    Raises:
        ModelError: one is missing, too many, or of another shape.
    """
    wanted = _shapes(card)
    for name, shape in wanted.items():
        if name not in weights:
            raise ModelError(f"'{name}' of {card.architecture} is missing")
        if weights[name].shape != shape:
            raise ModelError(
                f"'{name}' has the shape {list(weights[name].shape)}, that of {card.architecture} has {list(shape)}"
            )
    extra = next((name for name in weights if name not in wanted), None)
    if extra is not None:
        raise ModelError(f"{card.architecture} has no '{extra}'")
    return weights


def _background_first(weights: Weights) -> Weights:
    """Return weights whose last class is the background with it as the first; boxes and masks get rows for it."""
    moved = dict(weights)
    for kind in ("weight", "bias"):
        scores, boxes, masks = (moved.get(f"{part}.{kind}") for part in (_SCORES, _BOXES, _MASKS))
        if scores is not None:
            moved[f"{_SCORES}.{kind}"] = scores.roll(1, 0)
        if boxes is not None:
            moved[f"{_BOXES}.{kind}"] = torch.cat((torch.zeros_like(boxes[:4]), boxes))
        if masks is not None:
            moved[f"{_MASKS}.{kind}"] = torch.cat((torch.zeros_like(masks[:1]), masks))
    return moved


_OLD_NAMES: Rules = (  # of torchvision before 0.13
    (r"rpn\.head\.conv\.(weight|bias)", r"rpn.head.conv.0.0.\1"),
    (r"backbone\.fpn\.(inner|layer)_blocks\.(\d)\.(weight|bias)", r"backbone.fpn.\1_blocks.\2.0.\3"),
    (r"roi_heads\.mask_head\.mask_fcn(\d)\.(.*)", lambda match: _mask_layer(match)),
)


def _renamed(weights: Weights, rules: Rules) -> Weights:
    """Return the weights by the names that the first matching rule makes; those without one are kept, to be told."""
    ours: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        for pattern, made in rules:
            new, count = re.subn(f"^{pattern}$", made, name)
            if count:
                name = new
                break
        if name and not name.endswith(_COUNTER):
            ours[name] = tensor
    return ours


def _of_detectron2(weights: Weights) -> Weights:
    def bottleneck(match: re.Match[str]) -> str:
        stage, block, part, rest = match.groups()
        norm, rest = (True, rest.removeprefix("norm.")) if rest.startswith("norm.") else (False, rest)
        if part == "shortcut":
            return f"backbone.body.layer{int(stage) - 1}.{block}.downsample.{int(norm)}.{rest}"
        number = part.removeprefix("conv")
        return f"backbone.body.layer{int(stage) - 1}.{block}.{'bn' if norm else 'conv'}{number}.{rest}"

    def level(kind: str) -> Callable[[re.Match[str]], str]:
        return lambda match: f"backbone.fpn.{kind}_blocks.{int(match[1]) - 2}.0.{match[2]}"

    return _renamed(
        weights,
        [
            (r"pixel_(mean|std)|proposal_generator\.anchor_generator\..*", ""),
            (r"backbone\.bottom_up\.stem\.fc\..*", ""),  # of the classifier that it began as
            (r"backbone\.bottom_up\.stem\.conv1\.norm\.(.*)", r"backbone.body.bn1.\1"),
            (r"backbone\.bottom_up\.stem\.conv1\.(.*)", r"backbone.body.conv1.\1"),
            (r"backbone\.bottom_up\.res(\d)\.(\d+)\.(conv\d|shortcut)\.(.*)", bottleneck),
            (r"backbone\.fpn_lateral(\d)\.(.*)", level("inner")),
            (r"backbone\.fpn_output(\d)\.(.*)", level("layer")),
            (r"proposal_generator\.rpn_head\.conv\.(.*)", r"rpn.head.conv.0.0.\1"),
            (r"proposal_generator\.rpn_head\.objectness_logits\.(.*)", r"rpn.head.cls_logits.\1"),
            (r"proposal_generator\.rpn_head\.anchor_deltas\.(.*)", r"rpn.head.bbox_pred.\1"),
            (
                r"roi_heads\.box_head\.fc(\d)\.(.*)",
                lambda match: f"roi_heads.box_head.fc{int(match[1]) + 5}.{match[2]}",
            ),
            (r"roi_heads\.mask_head\.mask_fcn(\d)\.(.*)", _mask_layer),
            (r"roi_heads\.mask_head\.deconv\.(.*)", r"roi_heads.mask_predictor.conv5_mask.\1"),
            (r"roi_heads\.mask_head\.predictor\.(.*)", rf"{_MASKS}.\1"),
        ],
    )


def _of_mmdetection(weights: Weights) -> Weights:
    return _renamed(
        weights,
        [
            (r"backbone\.(conv1|bn1|layer\d)\.(.*)", r"backbone.body.\1.\2"),
            (r"neck\.lateral_convs\.(\d)\.conv\.(.*)", r"backbone.fpn.inner_blocks.\1.0.\2"),
            (r"neck\.fpn_convs\.(\d)\.conv\.(.*)", r"backbone.fpn.layer_blocks.\1.0.\2"),
            (r"rpn_head\.rpn_conv\.(.*)", r"rpn.head.conv.0.0.\1"),
            (r"rpn_head\.rpn_cls\.(.*)", r"rpn.head.cls_logits.\1"),
            (r"rpn_head\.rpn_reg\.(.*)", r"rpn.head.bbox_pred.\1"),
            (
                r"roi_head\.bbox_head\.shared_fcs\.(\d)\.(.*)",
                lambda match: _box_layer(int(match[1]) + 6, match[2]),
            ),
            (r"roi_head\.bbox_head\.fc_cls\.(.*)", rf"{_SCORES}.\1"),
            (r"roi_head\.bbox_head\.fc_reg\.(.*)", rf"{_BOXES}.\1"),
            (
                r"roi_head\.mask_head\.convs\.(\d)\.conv\.(.*)",
                lambda match: f"roi_heads.mask_head.{match[1]}.0.{match[2]}",
            ),
            (r"roi_head\.mask_head\.upsample\.(.*)", r"roi_heads.mask_predictor.conv5_mask.\1"),
            (r"roi_head\.mask_head\.conv_logits\.(.*)", rf"{_MASKS}.\1"),
        ],
    )


def _box_layer(number: int, rest: str) -> str:
    return f"roi_heads.box_head.fc{number}.{rest}"


def _mask_layer(match: re.Match[str]) -> str:
    return f"roi_heads.mask_head.{int(match[1]) - 1}.0.{match[2]}"


_FOREIGN: Mapping[str, tuple[str, str, Callable[[Weights], Weights]]] = MappingProxyType(
    {
        "Detectron2": ("backbone.bottom_up.stem.conv1.weight", "msra", _of_detectron2),
        "MMDetection": ("neck.lateral_convs.0.conv.weight", "torchvision", _of_mmdetection),
    }
)
"""Program to a weight that only its checkpoints have, its usual backbone, and what names its weights as ours."""
