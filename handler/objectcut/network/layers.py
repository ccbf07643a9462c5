"""Mask R-CNN's layers, rewritten to run fast, and the precision that is best for a device.

Takes a torchvision `MaskRCNN` apart: its convolutions are fused (`fuse`), its pooling is `roialign`. Which boxes go
from one part to the next is decided elsewhere (`boxes`, `detector`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from objectcut.network.fuse import fuse
from objectcut.network.roialign import AlignedRoIAlign

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Names of the precisions, as settings and answers use them."""


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name of one of `DTYPES`."""
    return next(name for name, known in DTYPES.items() if known is dtype)


def best_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest type of a device that does not change what people see.

    fp16 on GPUs, which is eight times as fine as bf16 and as fast. On processors bf16 where they multiply it natively,
    others would only imitate it; else fp32. `scripts/evaluate.py --bf16` tells what becomes of the cut-outs: single
    masks change, their mean quality does not.
    """
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if multiplies_bf16(device) else torch.float32


def multiplies_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bf16 natively; others only imitate it, slowly."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    processor = torch.cpu.get_capabilities()
    return bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))


class Network:
    """The layers of a Mask R-CNN on one device, in one precision.

    Args:
        model: in evaluation mode, fp32. It is not changed.
        device: where it runs.
        dtype: of weights and features. Boxes and scores are always computed in fp32.
    """

    def __init__(self, model: MaskRCNN, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        fpn = model.backbone.fpn
        self._body = fuse(model.backbone.body, dtype, device)
        self._top = fuse(fpn.inner_blocks[-1], dtype, device)
        self._lateral = [fuse(_Added(block), dtype, device) for block in fpn.inner_blocks[:-1]]
        self._layer = [fuse(block, dtype, device) for block in fpn.layer_blocks]
        assert fpn.extra_blocks is not None
        self._extra = fpn.extra_blocks
        head = model.rpn.head
        self._anchors = head.cls_logits.out_channels
        self._rpn = fuse(nn.Sequential(head.conv, _joined(head.cls_logits, head.bbox_pred)), dtype, device)

        heads = model.roi_heads
        self.box_cells = heads.box_roi_pool.output_size[0]
        self.mask_cells = heads.mask_roi_pool.output_size[0]
        self.aligned = isinstance(heads.box_roi_pool, AlignedRoIAlign)
        self._box_convolutions, linears = _split(heads.box_head, dtype, device)
        features = linears[0].in_features // self.box_cells**2
        self._box_linears = [_Linear(linears[0], dtype, device, (features, self.box_cells, self.box_cells))]
        self._box_linears += [_Linear(linear, dtype, device) for linear in linears[1:]]
        predictor = heads.box_predictor
        self._predictors = [
            _Linear(linear, torch.float32, device) for linear in (predictor.cls_score, predictor.bbox_pred)
        ]

        self._mask_convolutions = fuse(heads.mask_head, dtype, device)
        up, last = heads.mask_predictor.conv5_mask, heads.mask_predictor.mask_fcn_logits
        # (in, out, 2, 2): each input cell becomes four output cells that share nothing with their neighbours.
        self._up = up.weight.detach().permute(2, 3, 1, 0).flatten(0, 2).to(device, dtype)
        self._up_bias = up.bias.detach().repeat(4).to(device, dtype)
        self._mask_weight = last.weight.detach().flatten(1).to(device, dtype)
        self._mask_bias = last.bias.detach().to(device)

    def pyramid(self, batch: Tensor) -> list[Tensor]:
        """Return the feature maps of photos, finest first: (B, 3, H, W) to (B, C, h, w) each."""
        stages = list(self._body(batch).values())
        inner = self._top(stages[-1])
        levels = [self._layer[-1](inner)]
        for stage, lateral, layer in zip(stages[-2::-1], self._lateral[::-1], self._layer[-2::-1], strict=True):
            inner = lateral(stage, functional.interpolate(inner, size=stage.shape[-2:], mode="nearest"))
            levels.insert(0, layer(inner))
        return levels

    def objectness(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return objectness: logits (B, h, w, A) and deltas (B, h, w, A * 4), float32, per level and one more."""
        coarser, _ = self._extra([*levels], [*levels], [])
        both = [self._rpn(level).permute(0, 2, 3, 1).float() for level in coarser]
        return [t[..., : self._anchors] for t in both], [t[..., self._anchors :] for t in both]

    def box_head(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, cells, cells) to class logits (N, classes) and deltas (N, classes * 4), float32."""
        hidden = self._box_convolutions(pooled).permute(0, 2, 3, 1).flatten(1)
        for linear in self._box_linears:
            hidden = linear(hidden).relu_()
        to_logits, to_deltas = self._predictors
        return to_logits(hidden.float()), to_deltas(hidden.float())

    def mask_head(self, pooled: Tensor, shares: Tensor) -> Tensor:
        """Return the masks of some boxes, (N, 2 * cells, 2 * cells) float32, 0 to 1.

        Args:
            pooled: (N, C, cells, cells), features.
            shares: (N, classes) float32, how much of each class's logits is taken; one 1 in each row for one class.
        """
        count, _, cells, _ = pooled.shape
        features = self._mask_convolutions(pooled).permute(0, 2, 3, 1)
        weight = (shares @ self._mask_weight.float()).to(self.dtype)
        fine = functional.linear(features, self._up, self._up_bias).relu_()
        own = torch.bmm(fine.view(count, -1, self._mask_weight.shape[1]), weight[:, :, None])
        logits = own.float().view(count, cells, cells, 2, 2) + (shares @ self._mask_bias).view(-1, 1, 1, 1, 1)
        masks: Tensor = logits.permute(0, 1, 3, 2, 4).reshape(count, 2 * cells, 2 * cells).sigmoid()
        return masks


class _Added(nn.Module):
    """A block whose result is added to another tensor."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return self.block(x) + other  # type: ignore[no-any-return]


class _Linear:
    """A linear layer; with `image` (C, h, w) it takes images that are flattened channels last."""

    def __init__(
        self, source: nn.Linear, dtype: torch.dtype, device: torch.device, image: tuple[int, int, int] | None = None
    ) -> None:
        weight = source.weight.detach()
        if image is not None:
            weight = weight.view(-1, *image).permute(0, 2, 3, 1).flatten(1)
        self.weight = weight.contiguous().to(device, dtype)
        self.bias = source.bias.detach().to(device, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


def _joined(first: nn.Conv2d, second: nn.Conv2d) -> nn.Conv2d:
    """Two 1 x 1 convolutions of the same input as one."""
    both = nn.Conv2d(first.in_channels, first.out_channels + second.out_channels, 1)
    assert first.bias is not None
    assert second.bias is not None
    both.weight = nn.Parameter(torch.cat((first.weight, second.weight)).detach())
    both.bias = nn.Parameter(torch.cat((first.bias, second.bias)).detach())
    return both


def _split(head: nn.Module, dtype: torch.dtype, device: torch.device) -> tuple[nn.Module, list[nn.Linear]]:
    """Return a box head's convolutions, if it has any, fused, and its linear layers, each of which a ReLU follows."""
    linears = [module for module in head.modules() if isinstance(module, nn.Linear)]
    if isinstance(head, TwoMLPHead):
        return nn.Identity(), linears
    convolutions = [module for module in head.children() if isinstance(module, nn.Sequential)]
    return fuse(nn.Sequential(*convolutions), dtype, device), linears
