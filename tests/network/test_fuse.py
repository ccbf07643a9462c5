from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import Bottleneck, conv1x1
from torchvision.ops.misc import FrozenBatchNorm2d

from objectcut.network import fuse as module
from objectcut.network.fuse import Convolution, fuse

CPU = torch.device("cpu")


class ReadTwice(nn.Module):
    """The convolution's result is needed as it is, so nothing may be computed inside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return functional.relu(y) - 2 * y


class AddsTwoConvolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(16, 16, 1), nn.Conv2d(16, 16, 3, padding=2, dilation=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.left(x) + self.right(x)) + x


class AddsItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(16, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y + y


BLOCKS = {
    "bottleneck": lambda: Bottleneck(16, 4, norm_layer=nn.BatchNorm2d),
    "bottleneck with downsampling": lambda: Bottleneck(
        16, 8, 2, nn.Sequential(conv1x1(16, 32, 2), FrozenBatchNorm2d(32)), norm_layer=FrozenBatchNorm2d
    ),
    "inverted residual": lambda: InvertedResidual(16, 16, 1, 6),
    "inverted residual, frozen": lambda: InvertedResidual(16, 24, 2, 6, norm_layer=FrozenBatchNorm2d),
    "read twice": ReadTwice,
    "two convolutions": AddsTwoConvolutions,
    "itself": AddsItself,
    "lone": lambda: nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.Sigmoid()),
}


def trained(name: str) -> nn.Module:
    """The block with weights and statistics as if it were trained."""
    torch.manual_seed(0)
    block = BLOCKS[name]().eval()
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d | FrozenBatchNorm2d):
            for values, low, high in ((norm.weight, 0.5, 2), (norm.bias, -1, 1), (norm.running_mean, -1, 1)):
                values.data.uniform_(low, high)
            norm.running_var.data.uniform_(0.2, 3)
    return block


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("name", BLOCKS)
@torch.inference_mode()
def test_computes_the_same(name, onednn, monkeypatch):
    if not onednn:
        monkeypatch.setattr(module, "onednn_convolution", lambda _: None)
    block = trained(name)
    before = copy.deepcopy(block.state_dict())
    for shape in ((1, 16, 12, 10), (3, 16, 7, 9)):
        x = torch.randn(shape)
        want = block(x)
        got = fuse(block, torch.float32, CPU)(x.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)
        small = fuse(block, torch.bfloat16, CPU)(x.bfloat16().contiguous(memory_format=torch.channels_last))
        assert small.dtype == torch.bfloat16
        assert (small.float() - want).abs().max() < 0.03 * want.abs().max()
    for key, value in block.state_dict().items():
        assert torch.equal(value, before[key]), key


@pytest.mark.parametrize("name", ["bottleneck", "bottleneck with downsampling", "inverted residual"])
def test_only_convolutions_are_left(name):
    kinds = {type(part) for part in fuse(trained(name), torch.float32, CPU).modules() if not list(part.children())}
    assert kinds == {Convolution}
