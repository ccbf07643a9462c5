from __future__ import annotations

import numpy as np
import pytest

from objectcut.photo.levels import eight_bits


def converted(values: np.ndarray, colours: int = 1, **options: bool) -> np.ndarray:
    return eight_bits(lambda top, end: values[top:end], values.shape, colours, **options)


@pytest.mark.parametrize("kind", ["u1", "<u2", ">u2", "i2", "u4", "f4", ">f8"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 1), (1500, 1000, 3)])
def test_a_ramp_of_any_type_and_size(kind, shape):
    light = np.linspace(0, 1, np.prod(shape)).reshape(shape) if np.prod(shape) > 1 else np.ones(shape)
    dtype = np.dtype(kind)
    white = 1 if dtype.kind == "f" else 65_535 if dtype.itemsize == 4 else np.iinfo(dtype).max
    values = (np.round(light * white) if white != 1 else light).astype(dtype)
    np.testing.assert_allclose(converted(values, shape[2]), light * 255, atol=1)


def test_alpha_has_a_range_of_its_own():
    values = np.dstack([np.full((4, 4), 200.0), np.full((4, 4), 0.5)]).astype(np.float32)
    assert converted(values)[0, 0].tolist() == [200, 128]


def test_inverted_levels_leave_alpha():
    values = np.dstack([np.full((4, 4), 0.2), np.full((4, 4), 0.4)]).astype(np.float32)
    assert converted(values, inverted=True)[0, 0].tolist() == [204, 102]


def test_32_bits_that_are_full():
    values = np.linspace(0, 2**32 - 1, 64).astype(np.uint32).reshape(8, 8, 1)
    np.testing.assert_allclose(converted(values).ravel(), np.linspace(0, 255, 64), atol=1)
