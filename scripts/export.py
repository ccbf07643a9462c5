#!/usr/bin/env python3
"""Write a model and the refiner as ONNX, for programs that run without torch.

  export.py --output onnx/ [--model mine.safetensors]

NAME.onnx: the detector. `image` (3, H, W) float32, sRGB from 0 to 1, of any size; out come, best score first, `boxes`
    (N, 4), x0, y0, x1, y1 in px of the image, `scores` (N,), `labels` (N,), which are numbers of the classes in the
    file's metadata, and `masks` (N, 28, 28), the probability that a cell of the box shows the object.
refiner.onnx: draws the edges. `window` (B, 5, H, W) float32, sides of multiples of 32: red, green and blue from -1 to
    1, twice the mask's probability minus one, 1 in the box and -1 beside it; out come `alpha` and `hardness`,
    (B, 1, H, W) each, 0 to 1.

Both are checked with onnxruntime against what ObjectCut computes. Left out is what is no network: names and their
synonyms, the choice of objects, the windows of the refiner, the decision of doubtful pixels by colours, the cleaning of
the edge's colours, and the picture's format. That is the way of a photo in handler/objectcut/pipeline.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.transform import resize_boxes

from objectcut.edges import refiner
from objectcut.instance import Query
from objectcut.network import checkpoint
from objectcut.network.card import Card, ModelError
from objectcut.network.detector import LOWEST_SCORE, Detector
from objectcut.network.weightfiles import stored
from rundir import ROOT
from training.detections import SERVED

_PHOTO = ROOT / "frontend" / "static" / "samples" / "cat.jpg"
_CPU = torch.device("cpu")
_OPSET = 17
_BOX, _SCORE, _MASK, _ALPHA = 1.0, 0.01, 0.05, 0.01  # px, and differences that nobody would notice
console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


class Different(Exception):
    """What was written computes something else; the message says what."""


class _Found(nn.Module):
    """The detector for one photo, with boxes in px of it, and masks that are not enlarged to it."""

    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(3, H, W) to boxes, scores, labels and masks."""
        batch, _ = self.model.transform([image])
        features = self.model.backbone(batch.tensors)
        proposals, _ = self.model.rpn(batch, features)
        (found,), _ = self.model.roi_heads(features, proposals, batch.image_sizes)
        boxes = resize_boxes(found["boxes"], batch.image_sizes[0], image.shape[-2:])
        return boxes, found["scores"], found["labels"], found["masks"][:, 0]


class _Drawn(nn.Module):
    """The refiner with what its planes mean."""

    def __init__(self, network: refiner.Refiner) -> None:
        super().__init__()
        self.network = network

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 5, H, W) to alpha and hardness."""
        return refiner.alpha(self.network(window))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=stored("bundled.safetensors"), help="model file")
    parser.add_argument("--refiner", type=Path, default=stored("refiner.safetensors"), help="the refiner's weights")
    parser.add_argument("--photo", type=Path, default=_PHOTO, help="to compare the results on")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        with Image.open(options.photo) as image:
            pixels = np.array(image.convert("RGB"))
        model, card = checkpoint.load(options.model)
        detector = options.output / f"{card.name}.onnx"
        export_detector(model, card, detector)
        console.print(f"{detector}: {compare_detector(detector, Detector(model, card, _CPU, torch.float32), pixels)}")
        network = refiner.load(options.refiner)
        drawing = options.output / "refiner.onnx"
        export_refiner(network, drawing)
        console.print(f"{drawing}: {compare_refiner(drawing, network, pixels)}")
    except (ModelError, Different, OSError) as error:
        console.print(str(error), style="red")
        return 1
    return 0


def export_detector(model: MaskRCNN, card: Card, path: Path) -> None:
    """Write a detector as ONNX, with its card in the metadata `card`."""
    image = torch.rand(3, card.min_size, card.min_size * 4 // 3)  # torch traces it; its sides stay open
    axes = {"image": {1: "height", 2: "width"}} | {
        name: {0: "objects"} for name in ("boxes", "scores", "labels", "masks")
    }
    _write(_Found(model).eval(), image, path, ["image"], ["boxes", "scores", "labels", "masks"], axes)
    written = onnx.load(path)
    onnx.helper.set_model_props(written, {"card": json.dumps(card.as_dict(), ensure_ascii=False)})
    onnx.save(written, path)


def export_refiner(network: refiner.Refiner, path: Path) -> None:
    """Write the refiner as ONNX."""
    window = torch.rand(1, refiner.PLANES, 4 * refiner.STRIDE, 3 * refiner.STRIDE) * 2 - 1
    axes = {name: {0: "windows", 2: "height", 3: "width"} for name in ("window", "alpha", "hardness")}
    _write(_Drawn(network).eval(), window, path, ["window"], ["alpha", "hardness"], axes)


def _write(
    network: nn.Module,
    example: Tensor,
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    with warnings.catch_warnings(), torch.inference_mode():
        # That tracing is old, and what it warns of where torchvision decides by shapes: the comparison tells more.
        # torch's newer exporter cannot write a Mask R-CNN, whose number of boxes depends on the photo.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
        )


def compare_detector(path: Path, detector: Detector, pixels: NDArray[np.uint8], least: float = SERVED) -> str:
    """Return how many objects both find in a photo.

    Args:
        path: of the ONNX file.
        detector: ours, of the same weights, fp32.
        pixels: (H, W, 3) uint8, sRGB, at most twice as large as the network's input.
        least: score of the detections that are compared.

    Raises:
        Different: they find other things.
    """
    image = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / 255
    boxes, scores, labels, masks = _session(path).run(None, {"image": image})
    (detection,) = detector.detect([Query(pixels, LOWEST_SCORE, lambda found: found)])
    ours = [each for each in detection.kept if each.score >= least]
    count = int((scores >= least).sum())
    if count != len(ours):
        raise Different(f"{path} finds {count} objects in the photo, ObjectCut {len(ours)}")
    for own in ours:
        assert own.mask is not None
        same = (  # in any place: scores may be equal
            (labels == own.label)
            & (np.abs(boxes - own.box).max(1) <= _BOX)
            & (np.abs(scores - own.score) <= _SCORE)
            & (np.abs(masks - own.mask).max((1, 2)) <= _MASK)
        )
        if not same.any():
            raise Different(f"{path} does not find the same {detector.card.classes[own.label]} as ObjectCut")
    names = ", ".join(detector.card.classes[each.label] for each in ours)
    return f"finds what ObjectCut finds: {names or 'nothing'}"


def compare_refiner(path: Path, network: refiner.Refiner, pixels: NDArray[np.uint8]) -> str:
    """Return how far the drawings of a part of a photo are apart.

    Args:
        path: of the ONNX file.
        network: the same in torch.
        pixels: (H, W, 3) uint8, sRGB.

    Raises:
        Different: too far.
    """
    side = 7 * refiner.STRIDE
    small = np.array(Image.fromarray(pixels).resize((side, side)), np.float32).transpose(2, 0, 1) / 127.5 - 1
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    disc = np.where(x**2 + y**2 < 0.5, 1.0, -1.0)
    window = np.concatenate((small, np.stack((disc, disc)))).astype(np.float32)[None]
    with torch.inference_mode():
        ours = _Drawn(network)(torch.from_numpy(window))
    theirs = _session(path).run(None, {"window": window})
    apart = max(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, theirs, strict=True))
    if apart > _ALPHA:
        raise Different(f"{path} draws something else than ObjectCut: alpha is {apart:.3f} apart")
    return f"draws what ObjectCut draws, within {apart:.4f}"


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    sys.exit(main())
