"""The refiner: a small network that draws an object's edge along the photo, whatever Mask R-CNN found the object.

A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) over MobileNetV2. It looks at a window of the photo around the
object together with its box and coarse mask, and knows no classes. The deepest layers, at stride 32, see the whole
object, so that a missing part that touches the rest is drawn. Trained by scripts/train_refiner.py.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2
from torchvision.ops.misc import FrozenBatchNorm2d

STRIDE = 32
"""Sides of a window are multiples of this, px."""
PLANES = 5
"""Of a window: red, green, blue, mask and box."""
_STAGES = (2, 4, 7, 14)  # ends of MobileNetV2's blocks at strides 2, 4, 8 and 16
_CHANNELS = (16, 24, 32, 96)  # of what they give
_DEEP, _DEEP_CHANNELS = 18, 320  # likewise at stride 32
_WIDTHS = (16, 24, 32, 48)  # of the way back up, finest first
_STEEPEST = 12.0


class Refiner(nn.Module):
    """Window and coarse mask in, what `alpha` takes out."""

    def __init__(self) -> None:
        super().__init__()
        blocks = mobilenet_v2(weights=None, norm_layer=FrozenBatchNorm2d).features
        first = blocks[0][0]
        blocks[0][0] = nn.Conv2d(PLANES, first.out_channels, 3, 2, 1, bias=False)
        starts = (0, *_STAGES[:-1])
        self.down = nn.ModuleList(blocks[start:end] for start, end in zip(starts, _STAGES, strict=True))
        self.deep = blocks[_STAGES[-1] : _DEEP]
        self.narrow = _layer(_CHANNELS[-1], _WIDTHS[3], 1)
        self.context = nn.Conv2d(2 * _DEEP_CHANNELS, _WIDTHS[3], 1)
        self.up = nn.ModuleList(
            nn.Sequential(_layer(coarse + skip, fine, 3), _layer(fine, fine, 3))
            for coarse, skip, fine in zip(_WIDTHS[:0:-1], _CHANNELS[2::-1], _WIDTHS[2::-1], strict=True)
        )
        self.edge = nn.Sequential(_layer(_WIDTHS[0] + PLANES, 12, 3), nn.Conv2d(12, 2, 3, padding=1))

    def forward(self, window: Tensor) -> Tensor:
        """(B, 5, H, W) to (B, 2, H, W). H and W are multiples of `STRIDE`.

        The first plane holds logits: how likely a pixel shows the object. The second one tells, as logits too, how far
        doubt is softness: where an edge is hard alpha is 0 or 1, whatever the doubt.

        Args:
            window: red, green and blue from -1 to 1, twice the mask's probability minus one, 1 in the box and -1
                beside it.
        """
        x, skips = window, [window]
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        deep = self.deep(x)
        around = self.context(torch.cat((deep, deep.mean((2, 3), keepdim=True).expand_as(deep)), 1))
        x = self.narrow(skips.pop())
        x = x + functional.interpolate(around, scale_factor=2.0, mode="bilinear", align_corners=False)
        for stage in self.up:
            x = stage(torch.cat((functional.interpolate(x, scale_factor=2.0, mode="nearest"), skips.pop()), 1))
        x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        drawn: Tensor = self.edge(torch.cat((x, skips.pop()), 1))
        return drawn


def alpha(drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Return the alpha that the refiner's planes mean, and where its edge is a hard one; (B, 1, H, W) each, 0 to 1."""
    logits, hard = drawn[:, :1], drawn[:, 1:]
    hardness = torch.sigmoid(hard)
    return torch.sigmoid(logits * (1 + (_STEEPEST - 1) * hardness)), hardness


def _layer(inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def save(refiner: Refiner, path: Path, about: dict[str, str]) -> None:
    """Write the weights as fp16, with words about where they come from."""
    state = {name: tensor.detach().half().contiguous() for name, tensor in refiner.state_dict().items()}
    save_file({name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}, path, about)


def load(path: Path) -> Refiner:
    """Return a trained refiner in evaluation mode, fp32.

    Raises:
        RuntimeError: the file's weights are not those of a refiner.
    """
    refiner = Refiner()
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    missing, unexpected = refiner.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise RuntimeError(f"{path} does not hold a refiner's weights: {wrong[0]}")
    return refiner.eval()
