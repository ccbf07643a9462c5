from __future__ import annotations

import pytest
import torch
from torchvision.ops import MultiScaleRoIAlign, roi_align

from objectcut.network.roialign import AlignedRoIAlign, Pyramid

SHAPE = (320, 448)
CHANCE = torch.Generator().manual_seed(0)
LEVELS = [torch.randn(2, 8, SHAPE[0] // stride, SHAPE[1] // stride, generator=CHANCE) for stride in (4, 8, 16, 32)]


def some_boxes(count: int) -> torch.Tensor:
    centre = torch.rand(count, 2, generator=CHANCE) * torch.tensor([448.0, 320.0])
    half = torch.rand(count, 2, generator=CHANCE) ** 3 * 300
    boxes = torch.cat((centre - half, centre + half), 1)
    return torch.stack(
        (boxes[:, 0].clamp(0), boxes[:, 1].clamp(0), boxes[:, 2].clamp(max=448), boxes[:, 3].clamp(max=320)), 1
    )


EXTREME = torch.tensor(
    [
        [0, 0, 448, 320],
        [0, 0, 0, 0],  # no area
        [447.9, 319.9, 448, 320],  # thinner than a pixel, at the far corner
        [448, 0, 448, 320],
        [0, 100, 448, 100.5],
        [10, 10, 10 + 112, 10 + 112],  # where a level ends
    ]
)


@pytest.mark.parametrize("cells", [7, 14])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equals_torchvision(cells, dtype):
    boxes = [torch.cat((some_boxes(200), EXTREME)), some_boxes(50)]
    align = MultiScaleRoIAlign(["0", "1", "2", "3"], cells, 2)
    want = align({str(number): level for number, level in enumerate(LEVELS)}, boxes, [SHAPE, SHAPE])
    levels = [level.to(dtype).contiguous(memory_format=torch.channels_last) for level in LEVELS]
    photos = torch.tensor([0] * len(boxes[0]) + [1] * len(boxes[1]))
    got = Pyramid(levels, SHAPE).pool(torch.cat(boxes), photos, cells)
    assert got.dtype == dtype
    torch.testing.assert_close(got.float(), want, atol=1e-5 if dtype == torch.float32 else 0.03, rtol=1e-4)


@pytest.mark.parametrize("cells", [7, 14])
def test_aligned_samples_lie_where_detectron2_has_them(cells):
    boxes = torch.cat((some_boxes(200), EXTREME))
    side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
    level = torch.floor(4 + torch.log2(side / 224) + 1e-6).clamp(2, 5).long() - 2
    want = torch.empty(len(boxes), 8, cells, cells)
    for number, features in enumerate(LEVELS):
        of_level = level == number
        want[of_level] = roi_align(features, [boxes[of_level], boxes[:0]], cells, 2.0 ** -(number + 2), 2, aligned=True)
    got = Pyramid(LEVELS, SHAPE, aligned=True).pool(boxes, torch.zeros(len(boxes), dtype=torch.long), cells)
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)
    wide = (boxes[:, 2:] - boxes[:, :2]).amin(1) > 32
    named = {str(number): features for number, features in enumerate(LEVELS)}
    pooled = AlignedRoIAlign(["0", "1", "2", "3"], cells, 2)(named, [boxes[wide], boxes[:1]], [SHAPE, SHAPE])
    torch.testing.assert_close(pooled[:-1], got[wide], atol=1e-5, rtol=1e-4)


def test_no_box_gives_nothing():
    pooled = Pyramid(LEVELS, SHAPE).pool(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), 7)
    assert pooled.shape == (0, 8, 7, 7)
