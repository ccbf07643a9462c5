"""How far a mask, an alpha or colours are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]
_GRADIENT = 1.4  # px, standard deviation


@dataclass(frozen=True)
class MaskScore:
    """A mask beside the true one. All 0 to 1, higher is better.

    Attributes:
        iou: intersection over union.
        boundary_iou: that of the 2 px inside of both contours (Cheng et al. 2021, arXiv:2103.16562).
        f2: harmonic mean of precision and recall of contour pixels, where one is right that lies within 2 px of the
            other contour (Perazzi et al. 2016, the DAVIS benchmark; distances in px, not in shares of the diagonal).
        f4: the same with 4 px.
    """

    iou: float
    boundary_iou: float
    f2: float
    f4: float


@dataclass(frozen=True)
class AlphaError:
    """An alpha beside the true one, as the alpha matting benchmark measures it (Rhemann et al. 2009). Lower is better.

    Attributes:
        sad: sum of absolute differences, thousands of px.
        mse: mean squared difference of all pixels, thousandths.
        gradient: sum of squared differences of the gradients' lengths, Gaussian derivatives of 1.4 px, thousands.
    """

    sad: float
    mse: float
    gradient: float


def mask_score(mask: Mask, truth: Mask) -> MaskScore:
    """Compare two masks of the same photo, (H, W) bool."""
    either = np.count_nonzero(mask | truth)
    iou = np.count_nonzero(mask & truth) / either if either else 1.0
    ours, theirs = _contour(mask), _contour(truth)
    from_ours, from_theirs = ndimage.distance_transform_edt(~ours), ndimage.distance_transform_edt(~theirs)
    rims = [ndimage.binary_erosion(each, iterations=2, border_value=1) ^ each for each in (mask, truth)]
    either = np.count_nonzero(rims[0] | rims[1])
    rim_iou = np.count_nonzero(rims[0] & rims[1]) / either if either else 1.0
    scores = []
    for near in (2, 4):
        precision = (from_theirs[ours] <= near).mean() if ours.any() else 0.0
        recall = (from_ours[theirs] <= near).mean() if theirs.any() else 0.0
        scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return MaskScore(float(iou), float(rim_iou), float(scores[0]), float(scores[1]))


def alpha_error(alpha: Plane, truth: Plane) -> AlphaError:
    """Compare two alphas of the same photo, (H, W) float32, 0 to 1."""
    difference = np.abs(alpha - truth)
    gradients = [ndimage.gaussian_gradient_magnitude(plane, _GRADIENT) for plane in (alpha, truth)]
    steps = np.square(gradients[0] - gradients[1]).sum()
    return AlphaError(float(difference.sum()) / 1e3, float(np.square(difference).mean()) * 1e3, float(steps) / 1e3)


def colour_error(pixels: NDArray[np.uint8], foreground: NDArray[np.uint8], alpha: Plane) -> float:
    """Return how far the colours of a soft edge are from the object's own, 0 to 255, as much as each pixel shows of it.

    Args:
        pixels, foreground: (H, W, 3) uint8.
        alpha: (H, W) float32, the true one; only pixels between 0 and 1 count.
    """
    soft = (alpha > 0) & (alpha < 1)
    away = np.abs(pixels[soft].astype(np.float32) - foreground[soft]).mean(1)
    return float((away * alpha[soft]).sum() / max(float(alpha[soft].sum()), 1e-6))


def _contour(mask: Mask) -> Mask:
    """Return the mask's outermost pixels, but not along the border of the photo, where nothing is cut."""
    rim: Mask = mask & ~ndimage.binary_erosion(mask, border_value=1)
    return rim
