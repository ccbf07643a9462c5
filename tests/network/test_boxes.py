from __future__ import annotations

import pytest
import torch
from conftest import ROOT
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList

from objectcut.network import checkpoint
from objectcut.network.boxes import BoxSelector, Proposals

SHAPE, SIZES = (320, 448), [(320, 426), (300, 448)]
MAPS = [(80, 112), (40, 56), (20, 28), (10, 14), (5, 7)]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model() -> MaskRCNN:
    return checkpoint.load(ROOT / "model_store" / "bundled.safetensors")[0]


def test_proposals_equal_torchvisions(model):
    chance = torch.Generator().manual_seed(0)
    logits = [torch.randn(2, *size, 3, generator=chance) for size in MAPS]
    deltas = [torch.randn(2, *size, 12, generator=chance) for size in MAPS]
    rpn = model.rpn
    features = [torch.zeros(2, 1, *size) for size in MAPS]
    anchors = rpn.anchor_generator(ImageList(torch.zeros(2, 3, *SHAPE), SIZES), features)
    flat = torch.cat([level.reshape(2, -1, 4) for level in deltas], 1).reshape(-1, 4)
    boxes = rpn.box_coder.decode(flat, anchors).view(2, -1, 4)
    objectness = torch.cat([level.reshape(2, -1) for level in logits], 1)
    want, _ = rpn.filter_proposals(boxes, objectness, SIZES, [level[0].numel() for level in logits])
    got = BoxSelector(model, CPU).propose(logits, deltas, SHAPE, SIZES)
    for ours, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(ours.boxes[ours.counting], theirs, atol=1e-3, rtol=0)


def test_boxes_without_area_do_not_count(model):
    logits = [torch.full((1, *size, 3), 1.0) for size in MAPS]
    deltas = [torch.full((1, *size, 12), -1e4) for size in MAPS]  # all of them far outside, at the upper left
    (got,) = BoxSelector(model, CPU).propose(logits, deltas, SHAPE, SIZES[:1])
    assert not got.counting.any()
    none = BoxSelector(model, CPU).classify(
        torch.tensor([[0.0, 9.0]]).expand(len(got.boxes), 2), torch.zeros(len(got.boxes), 8), got, SIZES[0], 0.05
    )
    assert none.shape == (0, 6)


@pytest.mark.parametrize("min_score", [0.05, 0.5])
def test_final_boxes_equal_torchvisions(model, min_score, monkeypatch):
    chance = torch.Generator().manual_seed(1)
    classes = model.roi_heads.box_predictor.cls_score.out_features
    logits = torch.randn(150, classes, generator=chance) * 3
    deltas = torch.randn(150, classes * 4, generator=chance)
    corner = torch.rand(150, 2, generator=chance) * 250
    boxes = torch.cat((corner, corner + 5 + torch.rand(150, 2, generator=chance) * 170), 1)
    monkeypatch.setattr(model.roi_heads, "score_thresh", min_score)
    want = model.roi_heads.postprocess_detections(logits, deltas, [boxes], SIZES[:1])
    proposals = Proposals(boxes, torch.ones(150, dtype=torch.bool))
    got = BoxSelector(model, CPU).classify(logits, deltas, proposals, SIZES[0], min_score)
    assert len(got) == len(want[0][0]) > 0
    torch.testing.assert_close(got[:, :4], want[0][0], atol=1e-3, rtol=0)
    torch.testing.assert_close(got[:, 4], want[1][0])
    assert got[:, 5].tolist() == want[2][0].tolist()
