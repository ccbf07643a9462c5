"""The architectures that can be served. To add one, write a function that builds it and name it in `ARCHITECTURES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torchvision.models import mobilenet_v2, resnet50
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.misc import FrozenBatchNorm2d

from objectcut.network.card import Card, ModelError
from objectcut.network.roialign import AlignedRoIAlign


def _maskrcnn_mobilenet_v2_fpn(card: Card) -> MaskRCNN:
    """MobileNetV2 to stride 32, FPN over four levels, light heads; small enough for a laptop's processor."""
    channels, hidden = 96, 256
    body = mobilenet_v2(weights=None, norm_layer=FrozenBatchNorm2d).features[:18]
    levels = {"3": "0", "6": "1", "13": "2", "17": "3"}  # block to FPN level: strides 4, 8, 16, 32
    return MaskRCNN(
        BackboneWithFPN(body, levels, [24, 32, 96, 320], channels),
        rpn_anchor_generator=AnchorGenerator(((24,), (48,), (96,), (192,), (320,)), ((0.5, 1.0, 2.0),) * 5),
        rpn_pre_nms_top_n_test=300,
        rpn_post_nms_top_n_test=150,
        box_detections_per_img=50,
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2),
        box_head=TwoMLPHead(channels * 7 * 7, hidden),
        box_predictor=FastRCNNPredictor(hidden, len(card.classes)),
        mask_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2),
        mask_head=MaskRCNNHeads(channels, [channels] * 4, 1),
        mask_predictor=MaskRCNNPredictor(channels, channels, len(card.classes)),
        **_input(card),
    )


def _maskrcnn_resnet50_fpn(card: Card) -> MaskRCNN:
    # Put together by hand: torchvision freezes the batch norms only while it loads its own weights. Those were
    # trained with eps 0, which torchvision sets after loading.
    body = resnet50(weights=None, norm_layer=lambda channels: FrozenBatchNorm2d(channels, eps=0.0))
    levels = {f"layer{number}": str(number - 1) for number in range(1, 5)}
    backbone = BackboneWithFPN(body.requires_grad_(False), levels, [256, 512, 1024, 2048], 256)
    return MaskRCNN(backbone, len(card.classes), **_input(card))


def _maskrcnn_resnet50_fpn_v2(card: Card) -> MaskRCNN:
    model = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=len(card.classes), **_input(card))
    assert isinstance(model, MaskRCNN)
    return model


def _maskrcnn_resnet50_fpn_aligned(card: Card) -> MaskRCNN:
    """As MMDetection and Detectron2 build it: anchors that are not rounded, pixels whose centres lie at halves."""
    body = resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    levels = {f"layer{number}": str(number - 1) for number in range(1, 5)}
    backbone = BackboneWithFPN(body, levels, [256, 512, 1024, 2048], 256)
    sizes = ((32,), (64,), (128,), (256,), (512,))
    return MaskRCNN(
        backbone,
        len(card.classes),
        rpn_anchor_generator=_UnroundedAnchors(sizes, ((0.5, 1.0, 2.0),) * len(sizes)),
        box_roi_pool=AlignedRoIAlign(["0", "1", "2", "3"], 7, 2),
        mask_roi_pool=AlignedRoIAlign(["0", "1", "2", "3"], 14, 2),
        **_input(card),
    )


def _maskrcnn_resnet50_fpn_aligned_msra(card: Card) -> MaskRCNN:
    """The same on the first ResNet of its authors (MSRA, in Caffe), which skips pixels in the 1 x 1 convolutions."""
    model = _maskrcnn_resnet50_fpn_aligned(card)
    for name in ("layer2", "layer3", "layer4"):
        block = model.backbone.body[name][0]
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return model


class _UnroundedAnchors(AnchorGenerator):  # type: ignore[misc]  # torchvision ships no types
    def generate_anchors(
        self,
        scales: list[int],
        aspect_ratios: list[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device = torch.device("cpu"),  # noqa: B008  # torchvision's own default
    ) -> Tensor:
        """Return anchors around 0 of one level, (A, 4): all scales of the first ratio of height to width, and so on."""
        size = torch.tensor(scales, dtype=dtype, device=device)
        tall = torch.tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        height, width = (tall[:, None] * size).flatten(), (size / tall[:, None]).flatten()
        return torch.stack((-width, -height, width, height), 1) / 2


def _input(card: Card) -> dict[str, Any]:
    return {
        "min_size": card.min_size,
        "max_size": card.max_size,
        "image_mean": list(card.mean),
        "image_std": list(card.std),
    }


ARCHITECTURES: Mapping[str, Callable[[Card], MaskRCNN]] = MappingProxyType(
    {
        "maskrcnn_mobilenet_v2_fpn": _maskrcnn_mobilenet_v2_fpn,
        "maskrcnn_resnet50_fpn": _maskrcnn_resnet50_fpn,
        "maskrcnn_resnet50_fpn_v2": _maskrcnn_resnet50_fpn_v2,
        "maskrcnn_resnet50_fpn_aligned": _maskrcnn_resnet50_fpn_aligned,
        "maskrcnn_resnet50_fpn_aligned_msra": _maskrcnn_resnet50_fpn_aligned_msra,
    }
)
"""Architecture name to a function that builds it with random weights, from a card."""


def build(card: Card) -> MaskRCNN:
    """Return the card's architecture with random weights, in evaluation mode.

    Raises:
        ModelError: the architecture is unknown.
    """
    if card.architecture not in ARCHITECTURES:
        raise ModelError(f"the model's architecture is '{card.architecture}'; known are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[card.architecture](card).eval()
