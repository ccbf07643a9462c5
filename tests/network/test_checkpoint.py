from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from conftest import ROOT
from torch import nn
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.misc import FrozenBatchNorm2d

from objectcut.network import architectures, checkpoint
from objectcut.network.card import Card, ModelError, read_card

FILE = ROOT / "model_store" / "bundled.safetensors"
SIZE = {"min_size": 64, "max_size": 96}


def tiny(architecture: str) -> Card:
    """A card for four classes and a small input, with ImageNet's mean and std as torchvision has them."""
    classes = ("__background__", "cat", "dog", "cow")
    return Card("test", architecture, classes, *SIZE.values(), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def torchvision_v1() -> MaskRCNN:
    # As torchvision makes it for its own weights: frozen norms, whose eps it sets to 0.
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d)
    model = MaskRCNN(backbone, 4, **SIZE)
    overwrite_eps(model, 0.0)
    return model


def torchvision_v2() -> MaskRCNN:
    return maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=4, **SIZE)


@torch.no_grad()
def shaken(model: MaskRCNN) -> MaskRCNN:
    """Norms with variances of the order of 1e-5, so that a wrong eps shows in the output."""
    for norm in model.modules():
        if isinstance(norm, FrozenBatchNorm2d | nn.BatchNorm2d):
            norm.running_var.uniform_(0.5e-5, 2e-5)
            norm.running_mean.normal_(0, 1e-3)
            norm.weight.copy_(norm.running_var.sqrt())
            norm.bias.normal_(0, 0.1)
    return model.eval()


@pytest.mark.parametrize(
    ("architecture", "theirs"),
    [("maskrcnn_resnet50_fpn", torchvision_v1), ("maskrcnn_resnet50_fpn_v2", torchvision_v2)],
)
def test_torchvisions_weights_give_torchvisions_output(architecture, theirs, tmp_path):
    torch.manual_seed(0)
    reference = shaken(theirs())
    card = tiny(architecture)
    checkpoint.save(reference, card, tmp_path / "model.safetensors")
    model, loaded = checkpoint.load(tmp_path / "model.safetensors")
    assert loaded == card
    image = torch.rand(3, 70, 80)
    with torch.inference_mode():
        (want,), (got,) = reference([image]), model([image])
    assert len(want["scores"]) > 0
    for field in ("labels", "scores", "boxes", "masks"):
        torch.testing.assert_close(got[field], want[field])


def test_the_bundled_model_survives_saving(tmp_path):
    model, card = checkpoint.load(FILE)
    assert not model.training
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}
    copy = tmp_path / "copy.safetensors"
    checkpoint.save(model, card, copy)
    again, same = checkpoint.load(copy)
    assert same == card
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
    assert list(tmp_path.iterdir()) == [copy]  # nothing half-written is left


def changed(name: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    key = "roi_heads.box_predictor.cls_score.bias"
    if name == "missing":
        del weights[key]
    elif name == "extra":
        weights["roi_heads.extra"] = torch.zeros(1)
    else:
        weights[key] = torch.zeros(5)
    return weights


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("missing", "Missing key.*cls_score.bias"),
        ("extra", "Unexpected key.*roi_heads.extra"),
        ("shape", "size mismatch.*cls_score.bias"),
    ],
)
def test_weights_that_do_not_fit_are_told_in_one_line(change, says):
    model = architectures.build(read_card(FILE))
    with pytest.raises(ModelError, match=f"the weights in mine.safetensors do not fit: {says}") as caught:
        checkpoint.fill(model, changed(change, model.state_dict()), "mine.safetensors")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_card_that_belongs_to_other_weights(tmp_path):
    model, card = checkpoint.load(FILE)
    checkpoint.save(model, replace(card, classes=card.classes[:5], unlisted=()), tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="size mismatch"):
        checkpoint.load(tmp_path / "model.safetensors")


def test_an_unknown_architecture_names_the_known_ones():
    with pytest.raises(ModelError, match=r"'yolo'; known are maskrcnn_mobilenet_v2_fpn, maskrcnn_resnet50_fpn, "):
        architectures.build(tiny("yolo"))
