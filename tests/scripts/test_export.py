"""ONNX files compute what ObjectCut does, at any size of the photo."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import ROOT, sample
from torch import nn

import export
from objectcut.edges import refiner
from objectcut.network import architectures, checkpoint
from objectcut.network.card import Card
from objectcut.network.detector import Detector

CPU = torch.device("cpu")
BUNDLED = ROOT / "model_store" / "bundled.safetensors"


def test_the_models_in_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("sys.argv", ["export.py", "--output", str(tmp_path)])
    export.console.file = sys.stderr  # that of this test
    assert export.main() == 0
    said = capsys.readouterr().err
    assert "objectcut-bundled.onnx: finds what ObjectCut finds: cat" in said
    assert "refiner.onnx: draws what ObjectCut draws" in said

    session = onnxruntime.InferenceSession(tmp_path / "objectcut-bundled.onnx", providers=["CPUExecutionProvider"])
    card = Card.from_json(session.get_modelmeta().custom_metadata_map["card"])
    assert card == checkpoint.load(BUNDLED)[1]
    detector = Detector(*checkpoint.load(BUNDLED), CPU, torch.float32)
    for size in ((512, 512), (300, 500), (410, 260)):
        pixels = np.array(sample("astronaut").resize(size))
        assert "finds: person" in export.compare_detector(tmp_path / "objectcut-bundled.onnx", detector, pixels)


@pytest.mark.parametrize("architecture", ["maskrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn_aligned_msra"])
def test_other_architectures(architecture: str, tmp_path: Path):
    torch.manual_seed(0)
    model = architectures.build(
        Card("test", architecture, ("__background__", "a", "b"), 128, 160, (0.5,) * 3, (0.3,) * 3)
    )
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
        elif "BatchNorm" in type(layer).__name__:
            nn.init.constant_(layer.weight, 0.3)
    for deltas in (model.rpn.head.bbox_pred, model.roi_heads.box_predictor.bbox_pred):
        nn.init.normal_(deltas.weight, 0, 1e-3)
    pixels = np.random.default_rng(0).integers(0, 256, (130, 170, 3), np.uint8)
    card = Card("test", architecture, ("__background__", "a", "b"), 128, 160, (0.5,) * 3, (0.3,) * 3)
    export.export_detector(model, card, tmp_path / "model.onnx")
    said = export.compare_detector(tmp_path / "model.onnx", Detector(model, card, CPU, torch.float32), pixels, 0.2)
    assert said.count(",") > 2


def test_a_file_that_computes_something_else_is_told(tmp_path: Path):
    model, card = checkpoint.load(BUNDLED)
    export.export_detector(model, card, tmp_path / "model.onnx")
    nn.init.zeros_(model.roi_heads.box_predictor.cls_score.weight)
    with pytest.raises(export.Different, match="finds 1 objects in the photo, ObjectCut 0"):
        export.compare_detector(
            tmp_path / "model.onnx", Detector(model, card, CPU, torch.float32), np.array(sample("chelsea"))
        )
    network = refiner.load(ROOT / "model_store" / "refiner.safetensors")
    export.export_refiner(network, tmp_path / "refiner.onnx")
    nn.init.zeros_(network.edge[1].weight)
    with pytest.raises(export.Different, match="alpha is"):
        export.compare_refiner(tmp_path / "refiner.onnx", network, np.array(sample("chelsea")))


def test_a_file_that_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mine.safetensors").write_text(json.dumps({}))
    monkeypatch.setattr(
        "sys.argv", ["export.py", "--output", str(tmp_path), "--model", str(tmp_path / "mine.safetensors")]
    )
    export.console.file = sys.stderr
    assert export.main() == 1
    assert "mine.safetensors is not a safetensors file" in capsys.readouterr().err
