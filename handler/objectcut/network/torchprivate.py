"""Everything of torch and torchvision that is used although it is not public, each with a fallback.

Another version may lack it or have changed it: then the public way runs, which is slower, or resizes a photo of an odd
size by a fraction of a pixel differently. The tests run with the versions that are pinned in `requirements.lock`.

To be imported before anything else that imports torchvision, by programs that someone waits for: it keeps torch's
compiler out, which torchvision needs for one question and which takes seconds to import.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

logger = logging.getLogger(__name__)
_COMPILER = "torch._dynamo"
# oneDNN keeps the code that it makes for each layer and shape, but no more than 1,024 pieces, which twenty shapes of
# photos fill: from then on every photo would wait for code that was thrown away before. A thousand take some 60 MB.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "3072")
Bounds = tuple[float, float | None]
"""The range that an activation limits its input to; None is no limit."""


def _import_torchvision() -> None:
    utils = ModuleType(f"{_COMPILER}.utils")
    # torchvision asks this before it pools regions by a compiled way, in a mode that is not used here.
    utils.is_compile_supported = lambda _device: False  # type: ignore[attr-defined]
    stand_ins = {_COMPILER: ModuleType(_COMPILER), utils.__name__: utils}
    sys.modules.update(stand_ins)
    try:
        importlib.import_module("torchvision.models.detection")
    except ImportError:  # another torchvision wants more of it: the import that follows is the ordinary one
        pass
    finally:
        for name in stand_ins:
            del sys.modules[name]


if _COMPILER not in sys.modules:
    _import_torchvision()


@cache
def onednn_convolution(dtype: torch.dtype) -> Callable[..., Tensor] | None:
    """Return the operator that torch.compile calls for a convolution with what follows it; None where there is none.

    It may be missing for one dtype alone: it computes in bf16 only on processors with AVX-512 or better.

    Used without a compiler and for any shape: torch.compile also packs the weights for one shape, and every other shape
    then takes several times as long.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        operator: Any = torch.ops.mkldnn._convolution_pointwise  # noqa: SLF001
        # Several channels, last: only then, as in the networks, the operator fuses and does not fall back.
        image = torch.full((1, 2, 2, 2), -1.0, dtype=dtype).to(memory_format=torch.channels_last)
        weight, bias = torch.ones(2, 2, 1, 1, dtype=dtype), torch.zeros(2, dtype=dtype)
        geometry = [0, 0], [1, 1], [1, 1], 1
        plain = operator(image, weight, bias, *geometry, "hardtanh", [0.0, 6.0], "")
        added = operator.binary(image, 3 - image, weight, bias, *geometry, "add", 1.0, "relu", [], "")
        if plain.eq(0).all() and added.eq(2).all():
            return _fused(operator)
    except (AttributeError, RuntimeError) as error:
        logger.warning("No fused convolutions in %s here (%s): the network runs slower", dtype, error)
    return None


def _fused(operator: Any) -> Callable[..., Tensor]:
    def convolve(
        x: Tensor,
        layer: tuple[Any, ...],
        other: Tensor | None,
        bounds: Bounds | None,
    ) -> Tensor:
        """Return `clamp(conv(x) + bias + other)`; `layer` is weight, bias, padding, stride, dilation, groups."""
        unary: str | None = None
        limits: list[float | None] = []
        if bounds is not None:
            unary = "relu" if bounds == (0.0, None) else "hardtanh"
            limits = [] if unary == "relu" else list(bounds)
        y: Tensor
        if other is None:
            y = operator(x, *layer, unary or "none", limits, "")
        else:
            y = operator.binary(x, other, *layer, "add", 1.0, unary, limits, "")
        return y

    return convolve


def resize_bilinear(image: Tensor, size: tuple[int, int], scales: tuple[float, float]) -> Tensor:
    """Return an image at another size, bilinear, without align_corners.

    Args:
        image: (B, C, h, w) float32.
        size: height and width of the result, px.
        scales: of height and width, which need not be the ratios of the sizes. The public function takes either the
            size or the scales.
    """
    operator = _resize_operator()
    if operator is None:
        return functional.interpolate(image, size=size, mode="bilinear", align_corners=False)
    resized: Tensor = operator(image, size, False, *scales)
    return resized


@cache
def _resize_operator() -> Any:
    """Return the operator, tried once: a later error, such as too little memory, is one of the picture's."""
    try:
        operator = torch.ops.aten.upsample_bilinear2d
        halved = operator(torch.tensor([[[[0.0, 1.0, 2.0, 3.0]]]]), (1, 2), False, 1.0, 0.5)
    except (AttributeError, RuntimeError, TypeError):
        return None
    return operator if halved.flatten().tolist() == [0.5, 2.5] else None
