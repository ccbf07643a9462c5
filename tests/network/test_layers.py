from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from conftest import ROOT
from torchvision.models.detection import MaskRCNN

from objectcut.network import architectures
from objectcut.network.card import read_card
from objectcut.network.layers import Network, best_dtype

CPU = torch.device("cpu")
CARD = read_card(ROOT / "model_store" / "bundled.safetensors")


@pytest.fixture(scope="module", params=architectures.ARCHITECTURES)
def model(request) -> MaskRCNN:
    torch.manual_seed(0)
    return architectures.build(replace(CARD, architecture=request.param))


@torch.inference_mode()
def test_every_layer_computes_what_torchvisions_does(model):
    network = Network(model, CPU, torch.float32)
    photos = torch.randn(2, 3, 64, 96)
    features = model.backbone(photos)
    levels = network.pyramid(photos.contiguous(memory_format=torch.channels_last))
    assert len(levels) == len(features) - 1  # the coarsest is for proposals only
    for ours, theirs in zip(levels, features.values(), strict=False):
        torch.testing.assert_close(ours, theirs, atol=1e-4 * float(theirs.abs().max()), rtol=1e-4)

    logits, deltas = model.rpn.head(list(features.values()))
    for ours, theirs in zip(network.objectness(levels)[0], logits, strict=True):
        torch.testing.assert_close(ours.permute(0, 3, 1, 2), theirs, atol=1e-4 * float(theirs.abs().max()), rtol=1e-3)
    for ours, theirs in zip(network.objectness(levels)[1], deltas, strict=True):
        torch.testing.assert_close(ours.permute(0, 3, 1, 2), theirs, atol=1e-4 * float(theirs.abs().max()), rtol=1e-3)

    heads, channels = model.roi_heads, levels[0].shape[1]
    pooled = torch.randn(5, channels, 7, 7)
    want = heads.box_predictor(heads.box_head(pooled))
    got = network.box_head(pooled.contiguous(memory_format=torch.channels_last))
    for ours, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)

    pooled, labels = torch.randn(4, channels, 14, 14), torch.tensor([1, 20, 7, 7])
    masks = heads.mask_predictor(heads.mask_head(pooled))[torch.arange(4), labels].sigmoid()
    classes = heads.box_predictor.cls_score.out_features
    shares = torch.nn.functional.one_hot(labels, classes).float()
    ours = network.mask_head(pooled.contiguous(memory_format=torch.channels_last), shares)
    torch.testing.assert_close(ours, masks, atol=1e-4, rtol=1e-3)


def test_the_number_type_fits_the_device(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert best_dtype(CPU) == torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert best_dtype(CPU) == torch.float32
    assert best_dtype(torch.device("cuda")) == torch.float16
