"""Checkpoints of other programs: what they compute is computed here, and what is none is refused with the reason."""

from __future__ import annotations

import json
import math
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.ops import batched_nms, roi_align
from torchvision.ops.misc import FrozenBatchNorm2d

import convert
from conversion import statedict
from conversion.model import Wanted
from conversion.model import model as model_of
from objectcut.instance import Query
from objectcut.network import checkpoint
from objectcut.network.card import Card, read_card
from objectcut.network.detector import Detector

CPU = torch.device("cpu")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the program, and returns its exit status and what it says."""

    def run(path: Path, *options: str) -> tuple[int, str]:
        monkeypatch.setattr(
            "sys.argv", ["convert.py", str(path), "--output", str(tmp_path / "mine.safetensors"), *options]
        )
        convert.console.file = sys.stderr  # that of this test
        status = convert.main()
        return status, " ".join(capsys.readouterr().err.split())

    return run


@torch.no_grad()
def shaken(module: nn.Module) -> nn.Module:
    """Random weights whose outputs stay of one size, and norms that do something."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight)
            if part.bias is not None:
                part.bias.uniform_(-0.2, 0.2)
        if isinstance(part, FrozenBatchNorm2d | nn.BatchNorm2d):
            part.running_var.uniform_(0.5, 2)
            part.running_mean.normal_(0, 0.2)
            part.weight.uniform_(0.2, 0.4)
            part.bias.normal_(0, 0.1)
    return module.eval()


class Reference(nn.Module):
    """Mask R-CNN R50-FPN as Detectron2 and MMDetection define it, in plain steps, with the background last.

    Args:
        classes: without the background.
        msra: whether pixels are skipped in the 1 x 1 convolutions.
        mean, deviation: of channels in the order in which `pixels` come.
    """

    def __init__(self, classes: int, msra: bool, mean: list[float], deviation: list[float]) -> None:
        super().__init__()
        self.body = resnet50(norm_layer=nn.BatchNorm2d)
        for stage in (self.body.layer2, self.body.layer3, self.body.layer4) if msra else ():
            stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(width, 256, 1) for width in (256, 512, 1024, 2048))
        self.output = nn.ModuleList(nn.Conv2d(256, 256, 3, padding=1) for _ in range(4))
        self.rpn_conv = nn.Conv2d(256, 256, 3, padding=1)
        self.rpn_scores, self.rpn_deltas = nn.Conv2d(256, 3, 1), nn.Conv2d(256, 12, 1)
        self.first, self.second = nn.Linear(256 * 49, 1024), nn.Linear(1024, 1024)
        self.scores, self.deltas = nn.Linear(1024, classes + 1), nn.Linear(1024, 4 * classes)
        self.mask_convs = nn.ModuleList(nn.Conv2d(256, 256, 3, padding=1) for _ in range(4))
        self.up, self.masks = nn.ConvTranspose2d(256, 256, 2, 2), nn.Conv2d(256, classes, 1)
        self.mean, self.deviation = (torch.tensor(value)[:, None, None] for value in (mean, deviation))

    @torch.inference_mode()
    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(3, H, W), 0 to 255, sides of multiples of 32, to boxes, scores, labels from 0, and masks (N, 28, 28)."""
        x = ((pixels - self.mean) / self.deviation)[None]
        body = self.body
        x = body.maxpool(body.relu(body.bn1(body.conv1(x))))
        stages = []
        for stage in (body.layer1, body.layer2, body.layer3, body.layer4):
            stages.append(x := stage(x))
        inner = [lateral(stage) for lateral, stage in zip(self.lateral, stages, strict=True)]
        for place in (2, 1, 0):
            inner[place] = inner[place] + functional.interpolate(inner[place + 1], scale_factor=2, mode="nearest")
        levels = [output(each) for output, each in zip(self.output, inner, strict=True)]
        proposals = self.proposals([*levels, functional.max_pool2d(levels[-1], 1, 2)], pixels.shape[1:])
        hidden = self.pooled(levels, proposals, 7).flatten(1)
        hidden = self.second(self.first(hidden).relu()).relu()
        probability = self.scores(hidden).softmax(1)[:, :-1]
        rows, labels = torch.where(probability > 0.05)
        delta = self.deltas(hidden).view(len(hidden), -1, 4)[rows, labels]
        boxes = clipped(moved(proposals[rows], delta / torch.tensor([10.0, 10, 5, 5])), pixels.shape[1:])
        scores = probability[rows, labels]
        kept = batched_nms(boxes, scores, labels, 0.5)[:100]
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        features = self.pooled(levels, boxes, 14)
        for convolution in self.mask_convs:
            features = convolution(features).relu()
        masks = self.masks(self.up(features).relu())[torch.arange(len(labels)), labels].sigmoid()
        return boxes, scores, labels, masks

    def proposals(self, levels: list[Tensor], shape: torch.Size) -> Tensor:
        boxes, scores, numbers = [], [], []
        for number, level in enumerate(levels):
            height, width = level.shape[2:]
            stride, side = 4 * 2**number, 32 * 2**number
            ratio = torch.tensor([0.5, 1, 2])
            wide, tall = side / ratio.sqrt(), side * ratio.sqrt()
            cell = torch.stack((-wide, -tall, wide, tall), 1) / 2
            y, x = torch.meshgrid(torch.arange(height) * stride, torch.arange(width) * stride, indexing="ij")
            anchors = (torch.stack((x, y, x, y), -1)[:, :, None] + cell).view(-1, 4)
            hidden = self.rpn_conv(level).relu()
            score = self.rpn_scores(hidden).permute(0, 2, 3, 1).flatten()
            delta = self.rpn_deltas(hidden).permute(0, 2, 3, 1).reshape(-1, 4)
            score, best = score.topk(min(1000, len(score)))
            boxes.append(clipped(moved(anchors[best], delta[best]), shape))
            scores.append(score)
            numbers.append(torch.full_like(best, number))
        box, score, number = torch.cat(boxes), torch.cat(scores), torch.cat(numbers)
        solid = (box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1])
        box, score, number = box[solid], score[solid], number[solid]
        return box[batched_nms(box, score, number, 0.7)[:1000]]

    def pooled(self, levels: list[Tensor], boxes: Tensor, cells: int) -> Tensor:
        side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
        chosen = (4 + torch.log2(side / 224 + 1e-8)).floor().clamp(2, 5).long()
        result = torch.empty(len(boxes), 256, cells, cells)
        for number, level in enumerate(levels, 2):
            result[chosen == number] = roi_align(level, [boxes[chosen == number]], cells, 0.5**number, 2, aligned=True)
        return result


def moved(boxes: Tensor, delta: Tensor) -> Tensor:
    side = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + side / 2 + delta[:, :2] * side
    half = delta[:, 2:].clamp(max=math.log(1000 / 16)).exp() * side / 2
    return torch.cat((centre - half, centre + half), 1)


def clipped(boxes: Tensor, shape: torch.Size) -> Tensor:
    return torch.stack((boxes[:, 0::2].clamp(0, shape[1]), boxes[:, 1::2].clamp(0, shape[0])), 2).flatten(1)


def detectron2(reference: Reference) -> dict[str, Tensor]:
    names = {}
    for key, value in reference.state_dict().items():
        part, _, rest = key.partition(".")
        if part == "body":
            rest = rest.replace("bn1.", "conv1.norm.") if rest.startswith("bn1") else rest
            for number in "123":
                rest = rest.replace(f".bn{number}.", f".conv{number}.norm.")
                rest = rest.replace(f"layer{number}.", f"res{int(number) + 1}.")
            rest = (
                rest.replace("layer4.", "res5.")
                .replace("downsample.0.", "shortcut.")
                .replace("downsample.1.", "shortcut.norm.")
            )
            if rest.startswith("fc."):
                continue
            prefix = "stem." if rest.startswith("conv1") else ""
            names[f"backbone.bottom_up.{prefix}{rest}"] = value
        elif part in ("lateral", "output"):
            number, _, kind = rest.partition(".")
            names[f"backbone.fpn_{part}{int(number) + 2}.{kind}"] = value
        elif part == "mask_convs":
            number, _, kind = rest.partition(".")
            names[f"roi_heads.mask_head.mask_fcn{int(number) + 1}.{kind}"] = value
        else:
            theirs = {
                "rpn_conv": "proposal_generator.rpn_head.conv",
                "rpn_scores": "proposal_generator.rpn_head.objectness_logits",
                "rpn_deltas": "proposal_generator.rpn_head.anchor_deltas",
                "first": "roi_heads.box_head.fc1",
                "second": "roi_heads.box_head.fc2",
                "scores": "roi_heads.box_predictor.cls_score",
                "deltas": "roi_heads.box_predictor.bbox_pred",
                "up": "roi_heads.mask_head.deconv",
                "masks": "roi_heads.mask_head.predictor",
            }
            names[f"{theirs[part]}.{rest}"] = value
    names = {key: value for key, value in names.items() if "num_batches" not in key}
    return {
        **names,
        "pixel_mean": torch.zeros(3, 1, 1),
        "proposal_generator.anchor_generator.cell_anchors.0": torch.zeros(3, 4),
    }


def mmdetection(reference: Reference) -> dict[str, Tensor]:
    names = {}
    theirs = {
        "lateral": "neck.lateral_convs.{}.conv",
        "output": "neck.fpn_convs.{}.conv",
        "mask_convs": "roi_head.mask_head.convs.{}.conv",
        "rpn_conv": "rpn_head.rpn_conv",
        "rpn_scores": "rpn_head.rpn_cls",
        "rpn_deltas": "rpn_head.rpn_reg",
        "first": "roi_head.bbox_head.shared_fcs.0",
        "second": "roi_head.bbox_head.shared_fcs.1",
        "scores": "roi_head.bbox_head.fc_cls",
        "deltas": "roi_head.bbox_head.fc_reg",
        "up": "roi_head.mask_head.upsample",
        "masks": "roi_head.mask_head.conv_logits",
    }
    for key, value in reference.state_dict().items():
        part, _, rest = key.partition(".")
        if part == "body":
            if not rest.startswith("fc."):
                names[f"backbone.{rest}"] = value
        else:
            number, _, kind = rest.rpartition(".")
            names[f"{theirs[part].format(number)}.{kind}"] = value
    return names


RGB = [123.675, 116.28, 103.53]
KINDS: dict[str, Any] = {  # names, msra, mean and deviation in the order of the channels, and how the file holds them
    "Detectron2": (detectron2, True, RGB[::-1], [1.0, 1, 1], lambda state: {"model": state, "iteration": 7}),
    "MMDetection on Caffe's ResNet": (
        mmdetection,
        True,
        RGB[::-1],
        [1.0, 1, 1],
        lambda state: {"meta": {"CLASSES": ["mug", "spoon"]}, "state_dict": state},
    ),
    "MMDetection": (
        mmdetection,
        False,
        RGB,
        [58.395, 57.12, 57.375],
        lambda state: {"meta": {"dataset_meta": {"classes": ("mug", "spoon")}}, "state_dict": state},
    ),
}


@pytest.mark.parametrize("program", KINDS)
def test_what_another_program_computes_is_computed_here(program: str, run: Run, tmp_path: Path):
    rename, msra, mean, deviation, held = KINDS[program]
    reference = shaken(Reference(2, msra, mean, deviation))
    for deltas in (reference.rpn_deltas, reference.deltas):
        deltas.weight.data *= 0.02  # else all boxes end at the borders
    torch.save(held(rename(reference)), tmp_path / "model.pth")
    classes = [] if "MMDetection" in program else ["--classes", "mug", "spoon"]
    backbone = ["--backbone", "msra"] if "Caffe" in program else []
    status, said = run(tmp_path / "model.pth", *classes, *backbone, "--sides", "192", "256", "--trained-on", "mugs")
    assert (status, said.partition(": ")[2]) == (
        0,
        f"maskrcnn_resnet50_fpn_aligned{'_msra' * msra}, from {program.partition(' ')[0]}; 2 classes: mug, spoon",
    )
    pixels = np.random.default_rng(0).integers(0, 256, (192, 256, 3), np.uint8)
    channels = torch.from_numpy(pixels[..., ::-1].copy() if msra else pixels).permute(2, 0, 1).float()
    boxes, scores, labels, masks = reference(channels)
    assert len(boxes) > 5
    model, card = checkpoint.load(tmp_path / "mine.safetensors")
    assert card.facts == {"trained_on": "mugs"}
    again = model_of(tmp_path / "mine.safetensors", Wanted())  # as models.py takes it
    assert (again[1], again[2]) == (card, "ObjectCut")
    (found,) = Detector(model, card, CPU, torch.float32).detect([Query(pixels, 0.05, lambda found: found)])
    assert len(found.kept) == len(boxes)
    for ours, box, score, label, mask in zip(found.kept, boxes, scores, labels, masks, strict=True):
        torch.testing.assert_close(torch.tensor(ours.box), box, atol=0.05, rtol=0)
        assert ours.score == pytest.approx(float(score), abs=1e-3)
        assert ours.label == label + 1
        torch.testing.assert_close(torch.from_numpy(ours.mask), mask, atol=2e-3, rtol=0)


def tutorials() -> MaskRCNN:
    """torchvision's model with new heads, as its tutorial makes it, with a small input; its norms were trained."""
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=nn.BatchNorm2d)
    model = MaskRCNN(backbone, 91, min_size=128, max_size=160)
    model.roi_heads.box_predictor = FastRCNNPredictor(1024, 3)
    model.roi_heads.mask_predictor = MaskRCNNPredictor(256, 256, 3)
    return model


def before_0_13(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names that torchvision had."""
    names = {}
    for name, tensor in state.items():
        old = name.replace("rpn.head.conv.0.0", "rpn.head.conv")
        if "fpn." in old:
            old = old.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        for number in range(4):
            old = old.replace(f"mask_head.{number}.0.", f"mask_head.mask_fcn{number + 1}.")
        names[old] = tensor
    return names


TORCHVISIONS: dict[str, Any] = {  # the model, and what its file holds
    "tutorial": (tutorials, lambda state: state),
    "old names": (tutorials, before_0_13),
    "parallel": (
        tutorials,
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}, "epoch": 3},
    ),
    "v2": (
        lambda: maskrcnn_resnet50_fpn_v2(
            weights=None, weights_backbone=None, num_classes=3, min_size=128, max_size=160
        ),
        lambda state: state,
    ),
}


@pytest.mark.parametrize("kind", TORCHVISIONS)
def test_torchvisions_models_answer_as_before(kind: str, run: Run, tmp_path: Path):
    made, held = TORCHVISIONS[kind]
    reference = shaken(made())
    reference.rpn.head.bbox_pred.weight.data *= 0.02
    reference.roi_heads.box_predictor.bbox_pred.weight.data *= 0.02
    torch.save(held(reference.state_dict()), tmp_path / "model.pth")
    options = ["--classes", "mug", "spoon", "--sides", "128", "160", "--name", "kitchen", "--licence", "MIT"]
    status, said = run(tmp_path / "model.pth", *options)
    assert status == 0, said
    assert "from torchvision; 2 classes: mug, spoon" in said
    model, card = checkpoint.load(tmp_path / "mine.safetensors")
    assert (card.name, card.classes, card.facts) == ("kitchen", ("__background__", "mug", "spoon"), {"licence": "MIT"})
    image = torch.rand(3, 128, 150)
    with torch.inference_mode():
        (want,), (got,) = reference([image]), model([image])
    assert len(want["scores"]) > 3
    for field in ("labels", "scores", "boxes", "masks"):
        torch.testing.assert_close(got[field], want[field], atol=1e-3, rtol=1e-3)


def test_a_model_of_ours_gets_other_names(run: Run, tmp_path: Path):
    names = tmp_path / "classes.json"
    old = read_card(ROOT / "model_store" / "bundled.safetensors")
    content = {"categories": [{"id": 90 - n, "name": f"thing {n}"} for n in range(len(old.classes) - 1, 0, -1)]}
    names.write_text(json.dumps(content))
    status, said = run(ROOT / "model_store" / "bundled.safetensors", "--classes", str(names))
    assert (status, "from ObjectCut" in said) == (0, True), said
    card = read_card(tmp_path / "mine.safetensors")
    assert card.classes[1:3] == (f"thing {len(old.classes) - 1}", f"thing {len(old.classes) - 2}")
    assert (card.unlisted, card.min_size, card.name) == ((), old.min_size, "mine")


def test_arrays_of_detectron2s_own_models_are_read(tmp_path: Path):
    content = {"model": {"a.weight": np.ones((2, 3), np.float32)}, "__author__": "someone"}
    for protocol in (2, 4):
        (tmp_path / "model.pkl").write_bytes(pickle.dumps(content, protocol))
        assert torch.equal(statedict.read(tmp_path / "model.pkl").weights["a.weight"], torch.ones(2, 3))


class Program:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return subprocess.call, (["touch", str(self.mark)],)


def bundled() -> dict[str, Tensor]:
    model, _ = checkpoint.load(ROOT / "model_store" / "bundled.safetensors")
    return dict(model.state_dict())


def without(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key != name}


def bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("data/0", "w", force_zip64=True) as file,
    ):
        for _ in range(2100):
            file.write(bytes(1_000_000))


def forged() -> bytes:
    """A pickle of an array whose type says that it holds no objects while its cells are taken for some."""

    def text(words: str) -> bytes:
        return b"\x8c" + bytes([len(words)]) + words.encode()

    def named(module: str, name: str) -> bytes:
        return text(module) + text(name) + b"\x93"

    def number(value: int) -> bytes:
        return b"\x8a\x08" + struct.pack("<q", value)

    three = number(-1) + number(-1) + number(0)
    dtype = named("numpy", "dtype") + text("O8") + b"\x89\x88\x87R(" + number(3) + text("|") + b"NNN" + three + b"tb"
    array = named("numpy._core.multiarray", "_reconstruct") + named("numpy", "ndarray")
    array += b"(" + number(0) + b"t" + text("b") + b"\x87R(" + number(1) + b"(" + number(2) + b"t" + dtype
    array += b"\x89B" + struct.pack("<I", 16) + b"A" * 16 + b"tb"
    return b"\x80\x04" + named("collections", "OrderedDict") + array + b"\x85R."


def card(**values: object) -> Callable[[Path, Path], object]:
    """Write the bundled model with another card."""

    def write(path: Path, _: Path) -> None:
        bundled = ROOT / "model_store" / "bundled.safetensors"
        told = json.dumps({**read_card(bundled).as_dict(), **values})
        save_file(load_file(bundled), path, metadata={"card": told})

    return write


BIAS = "roi_heads.box_predictor.cls_score.bias"
HOSTILE: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "code": (lambda path, mark: torch.save({"model": Program(mark)}, path), "holds more than weights"),
    "code in a plain pickle": (lambda path, mark: path.write_bytes(pickle.dumps(Program(mark))), "more than weights"),
    "objects for numbers": (lambda path, _: path.write_bytes(forged()), "damaged"),
    "arrays of objects": (
        lambda path, _: path.write_bytes(pickle.dumps({"a": np.array([None, 1], object)}, 4)),
        "damaged",
    ),
    "small numbers that grow": (
        lambda path, _: torch.save({"a": torch.zeros(1, dtype=torch.int8).expand(400_000_000)}, path),
        "unpacks to 3200 MB of weights",
    ),
    "without numbers": (lambda path, _: torch.save({"a": torch.empty(3, device="meta")}, path), "plain numbers"),
    "a huge input": (card(max_size=100_000), "whole numbers from 1 to 2048"),
    "a card with NaN": (card(figures=math.nan), "NaN is no number in JSON"),
    "a card that is too long": (card(figures="9" * 1_000_001), "card is too long"),
    "a mean of words": (card(mean=["a", "b", "c"]), "three numbers each"),
    "no deviation": (card(std=[0, 0, 0]), "those of 'std' above 0"),
    "numbers for names": (card(classes=["__background__", 5]), "must hold names"),
    "a list for an architecture": (card(architecture=[]), "'architecture' must be a text"),
    "a whole model": (lambda path, _: torch.save(nn.Linear(2, 2), path), r"Save the weights alone: torch\.save\("),
    "no dict": (lambda path, _: torch.save([torch.ones(2)], path), "no state dict"),
    "no tensors": (lambda path, _: torch.save({"epoch": 3}, path), "holds no weights"),
    "empty": (lambda path, _: path.write_bytes(b""), "is empty"),
    "text": (lambda path, _: path.write_text("<html>not found</html>"), "damaged"),
    "a picture": (lambda path, _: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99)), "damaged"),
    "half a file": (
        lambda path, _: (torch.save(bundled(), path), path.write_bytes(path.read_bytes()[:500_000])),
        "damaged",
    ),
    "half of ours": (
        lambda path, _: path.write_bytes((ROOT / "model_store" / "bundled.safetensors").read_bytes()[:500_000]),
        "damaged",
    ),
    "a long header": (lambda path, _: path.write_bytes(b"\xff" * 7 + b"\x7f" + b"{" + bytes(99)), "damaged"),
    "an archive that grows": (lambda path, _: bomb(path), "unpacks to 2100 MB"),
    "a view that grows": (
        lambda path, _: torch.save({"a": torch.ones(1).expand(900_000_000)}, path),
        "unpacks to 3600 MB of weights",
    ),
    "not a number": (lambda path, _: torch.save({**bundled(), BIAS: torch.full((22,), math.nan)}, path), "not finite"),
    "complex": (lambda path, _: torch.save({"a": torch.ones(2, dtype=torch.complex64)}, path), "sparse or complex"),
    "another network": (lambda path, _: torch.save(resnet50().state_dict(), path), "not the weights of a Mask R-CNN"),
    "one is missing": (lambda path, _: torch.save(without(bundled(), BIAS), path), f"'{BIAS}' of .* is missing"),
    "one too many": (lambda path, _: torch.save({**bundled(), "extra": torch.ones(2)}, path), "has no 'extra'"),
    "another shape": (
        lambda path, _: torch.save({**bundled(), BIAS: torch.ones(5)}, path),
        rf"'{BIAS}' has the shape \[5\], that of maskrcnn_mobilenet_v2_fpn has \[22\]",
    ),
    "no scores": (
        lambda path, _: torch.save({**bundled(), BIAS.replace("bias", "weight"): torch.ones(3)}, path),
        "not the weights of a Mask R-CNN",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_model_is_refused_with_the_reason(kind: str, run: Run, tmp_path: Path):
    make, reason = HOSTILE[kind]
    make(tmp_path / "model.pth", tmp_path / "mark")
    status, said = run(tmp_path / "model.pth", "--classes", "cat")
    assert status == 1
    assert said.startswith("model.pth was not converted: ")
    assert re.search(reason, said), said
    assert len(said) < 400
    assert not (tmp_path / "mine.safetensors").exists()
    assert not (tmp_path / "mark").exists()


def many(*first: str) -> list[str]:
    return [*first, *(f"thing {number}" for number in range(len(first), 21))]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["cat"], "tells 21 classes apart, and 1 names were given"),
        (many(""), "class 1 needs a name"),
        (many("a\nb"), "class 1 needs a name"),
        (many("x" * 80), "class 1 needs a name"),
        (many("cup", "cup"), "cannot be asked for as 'cup'"),
        (many("Cup", "cup "), "cannot be asked for as 'cup'"),
        (many("all"), "class 1 cannot be asked for as 'all'"),
        (many("salt, pepper"), "class 1 cannot be asked for"),
        (["classes.json"], "classes.json names no classes"),
    ],
)
def test_names_that_nobody_could_ask_for_are_refused(names: list[str], reason: str, run: Run, tmp_path: Path):
    torch.save(bundled(), tmp_path / "model.pth")
    status, said = run(tmp_path / "model.pth", "--classes", *names)
    assert status == 1
    assert reason in said


def test_cocos_names_need_not_be_given(run: Run, tmp_path: Path):
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    assert run(tmp_path / "model.pth")[0] == 0
    card: Card = read_card(tmp_path / "mine.safetensors")
    assert (card.classes[1], card.classes[90], card.min_size) == ("person", "toothbrush", 800)
