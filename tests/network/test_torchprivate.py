"""What is not public of torch and torchvision, and what runs in a version without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT
from torch import nn

from objectcut.network import torchprivate as private
from objectcut.network.fuse import fuse
from objectcut.network.layers import multiplies_bf16

HANDLER = ROOT / "handler"


def run(*lines: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=HANDLER, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_torchvision_pools_regions_and_the_compiler_stays_out():
    said = run(
        "import objectcut.network.torchprivate, sys, torch, torchvision",
        "print('torch._dynamo' in sys.modules)",
        "boxes = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])",
        "print(torchvision.ops.roi_align(torch.ones(1, 1, 8, 8), boxes, 2).sum().item())",
    )
    assert said.split() == ["False", "4.0"]


def test_the_compiler_can_still_be_used():
    said = run(
        "import objectcut.network.torchprivate, torch",
        "print(torch.compile(torch.sin, backend='eager')(torch.zeros(1)).item())",
        "import torch._dynamo.utils",
        "print(torch._dynamo.utils.is_compile_supported('cpu'))",
    )
    assert said.split()[0] == "0.0"
    assert said.split()[1] in {"True", "False"}


@pytest.fixture
def _without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A torch that has none of it."""
    private.onednn_convolution.cache_clear()
    private._resize_operator.cache_clear()
    none = SimpleNamespace()
    poorer = SimpleNamespace(**{**vars(torch), "ops": SimpleNamespace(mkldnn=none, aten=none)})
    monkeypatch.setattr(private, "torch", poorer)
    yield
    private.onednn_convolution.cache_clear()
    private._resize_operator.cache_clear()


def test_this_torch_has_the_fused_convolution():
    assert (private.onednn_convolution(torch.float32) is not None) == torch.backends.mkldnn.is_available()
    if multiplies_bf16(torch.device("cpu")):
        assert private.onednn_convolution(torch.bfloat16) is not None


@pytest.mark.usefixtures("_without")
def test_a_torch_without_the_fused_convolution_computes_the_same():
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU6())
    image = torch.randn(1, 3, 9, 7)
    with torch.inference_mode():
        assert private.onednn_convolution(torch.float32) is None
        torch.testing.assert_close(fuse(block, torch.float32, torch.device("cpu"))(image), block(image))


@pytest.mark.parametrize("way", ["private", "public"])
def test_a_picture_is_resized_by_either_way(way, request):
    if way == "public":
        request.getfixturevalue("_without")
    ramp = torch.arange(8.0).expand(1, 1, 6, 8)
    resized = private.resize_bilinear(ramp, (3, 4), (0.5, 0.5))
    torch.testing.assert_close(resized, torch.tensor([0.5, 2.5, 4.5, 6.5]).expand(1, 1, 3, 4))


def test_the_code_for_the_shapes_of_many_photos_is_made_once():
    if private.onednn_convolution(torch.float32) is None:
        pytest.skip("there is no oneDNN here")
    said = run(
        "import torch",
        "from objectcut.network.torchprivate import onednn_convolution",
        "convolve = onednn_convolution(torch.float32)",
        "layer = torch.ones(8, 8, 3, 3), torch.zeros(8), [1, 1], [1, 1], [1, 1], 1",
        "def all_shapes():",
        "    for place in range(1600):",
        "        photo = torch.ones(1, 8, 4 + place // 40, 4 + place % 40).to(memory_format=torch.channels_last)",
        "        convolve(photo, layer, None, None)",
        "all_shapes()",
        "print('again', flush=True)",
        "with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON_CREATION):",
        "    all_shapes()",
    )
    again = said.partition("again")[2]
    assert "cache_hit" in again
    assert "cache_miss" not in again
