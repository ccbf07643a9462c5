"""From a file's own colours to sRGB.

Owns the conversion by an ICC profile, and the writing of one for files that name their colours by numbers instead: by
the code points of ITU-T H.273 (nclx in AVIF and HEIC, cICP in PNG) or by chromaticities and gamma (cHRM, gAMA in PNG).
Leaves to `heif` and `pngchunks` which of them a file means.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from objectcut.worker.spread import Spread, do_all

Primaries = tuple[float, float, float, float, float, float, float, float]
"""Chromaticities x, y of white, red, green and blue, in the order of PNG's cHRM."""
_Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))

_USUAL = 16_384  # bytes of a profile, up to which its transform is kept for the next photo
_MOST_TAGS = 100  # LittleCMS refuses a profile with more
_ROWS = 128  # of a photo that are converted at once: they stay in the cache
# Every grey and a lattice of colours, (h, w, 3): a profile that leaves them alone says sRGB.
_STEPS = np.linspace(0, 255, 16, dtype=np.uint8)
_LATTICE = np.concatenate(
    (
        np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), -1).reshape(16, 256, 3),
        np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, 2),
    )
)

_D65 = (0.3127, 0.3290)
_C = (0.310, 0.316)
_DCI = (0.314, 0.351)
SRGB_PRIMARIES: Primaries = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
# ITU-T H.273, table 2. The code points that are left out are of no use for photos.
_PRIMARIES: dict[int, Primaries] = {
    1: SRGB_PRIMARIES,
    2: SRGB_PRIMARIES,  # "unspecified"
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),  # NTSC of 1953
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),  # PAL
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # NTSC
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (*_DCI, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # P3 of cinemas
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
_D50 = np.array([0.9642, 1.0, 0.8249])  # white of ICC's connection space
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_WHITE_NITS = 203.0  # diffuse white of PQ and HLG, ITU-R BT.2408
_HLG_PEAK_NITS = 1000.0


def _srgb(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def _tone_mapped(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light for a screen that ends at diffuse white: the lower half as it is, what is brighter bent towards 1."""
    light = nits / _WHITE_NITS
    above = np.maximum(light - 0.5, 0)
    return np.minimum(light, 0.5) + 0.5 * above / (above + 0.5)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084, as a picture for an ordinary screen."""
    root = signal ** (1 / 78.84375)
    light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    return _tone_mapped(10_000 * light)


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hybrid log-gamma (ITU-R BT.2100), as a picture for an ordinary screen."""
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return _tone_mapped(_HLG_PEAK_NITS * scene**1.2)


def gamma(exponent: float) -> _Curve:
    """Return the curve of a display: light is the signal to this power."""
    return lambda signal: signal**exponent


# ITU-T H.273, table 3. The curves of television cameras (1, 6, 14, 15) are meant for a screen, as sRGB is.
_CURVES: dict[int, _Curve] = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), _srgb),
    4: gamma(2.2),
    5: gamma(2.8),
    8: gamma(1.0),
    16: _pq,
    17: gamma(2.6),
    18: _hlg,
}


@functools.lru_cache(maxsize=32)
def profile_of_codes(primaries: int, transfer: int) -> bytes | None:
    """Return an ICC profile for two code points of ITU-T H.273; None for sRGB and for code points that say nothing."""
    chromaticities, curve = _PRIMARIES.get(primaries), _CURVES.get(transfer)
    if chromaticities is None or curve is None or (chromaticities == SRGB_PRIMARIES and curve is _srgb):
        return None
    return _profile(chromaticities, curve)


def profile_of_chromaticities(primaries: Primaries | None, exponent: float | None) -> bytes | None:
    """Return an ICC profile for a display with these primaries and this gamma.

    Args:
        primaries: None for those of sRGB.
        exponent: light is the signal to this power; None for the curve of sRGB.

    Returns:
        None for sRGB, for which 2.2 stands as well (PNG specification, 11.3.2.5), and for impossible numbers.
    """
    usual = exponent is None or abs(exponent - 2.2) < 0.02
    if usual and (primaries is None or np.allclose(primaries, SRGB_PRIMARIES, atol=0.002)):
        return None
    try:
        return _profile(primaries or SRGB_PRIMARIES, _srgb if exponent is None else gamma(exponent))
    except (ArithmeticError, ValueError, struct.error):  # LinAlgError is a ValueError
        return None


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an image that is not RGB in sRGB; as it is when the profile is broken or one for another kind of pixels.

    Args:
        image: L, CMYK or LAB.
        profile: None for sRGB.
    """
    if image.mode == "LAB":
        return _converted(image, _LAB)
    if profile is None or _has_elements(profile):
        return image
    if profile[16:20] == b"RGB ":
        return Image.fromarray(rgb_to_srgb(np.array(image.convert("RGB")), profile))
    try:
        return _converted(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def rgb_to_srgb(pixels: NDArray[np.uint8], profile: bytes | None, spread: Spread = map) -> NDArray[np.uint8]:
    """Convert pixels to sRGB, in place; they stay as they are where the profile says so, is broken, or not one for RGB.

    Args:
        pixels: (H, W, 3) uint8.
        profile: None for sRGB.
        spread: distributes strips over cores.
    """
    transform = None
    if profile is not None:
        transform = _known(profile) if len(profile) <= _USUAL else _transform(profile)
    if transform is not None:

        def convert(top: int) -> None:
            strip = Image.fromarray(pixels[top : top + _ROWS])
            pixels[top : top + _ROWS] = np.asarray(transform.apply_in_place(strip))

        do_all(spread, convert, range(0, len(pixels), _ROWS))
    return pixels


def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """Return the way from RGB in a profile to sRGB; None where there is none, or where it changes nothing."""
    if _has_elements(profile):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, _SRGB, "RGB", "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    seen = np.asarray(transform.apply(Image.fromarray(_LATTICE)))
    return None if np.array_equal(seen, _LATTICE) else transform


def _has_elements(profile: bytes) -> bool:
    """Return whether a profile has steps of any number (multiProcessElements), of which each may be worked off.

    No photo needs them, and a hostile one has a hundred thousand. (ICC.1:2022, 7.3 and 10.16)
    """
    count = int.from_bytes(profile[128:132], "big")
    for at in range(132, 132 + 12 * min(count, _MOST_TAGS), 12):
        start = int.from_bytes(profile[at + 4 : at + 8], "big")
        if profile[start : start + 4] == b"mpet":
            return True
    return False


_known = functools.lru_cache(maxsize=16)(_transform)


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB") or image


def _profile(primaries: Primaries, curve: _Curve) -> bytes:
    """Return a display's profile by matrix and curves. Format: ICC.1:2001-04."""
    columns = _colorants(primaries)
    levels = curve(np.linspace(0, 1, 256)).clip(0, 1)  # one for each level of 8 bits
    table = (levels * 65535).round().astype(">u2").tobytes()
    xyz = {name: b"XYZ " + bytes(4) + _fixed(columns[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    contents = {b"wtpt": b"XYZ " + bytes(4) + _fixed(_D50), **xyz}
    contents |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(4) + struct.pack(">I", 256) + table)
    at = 128 + 4 + 12 * len(contents)
    index, body = struct.pack(">I", len(contents)), b""
    for name, content in contents.items():
        index += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    head = struct.pack(">I4xI4s4s4s12x4s28x", at + len(body), 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return head + _fixed(_D50) + bytes(48) + index + body


def _fixed(numbers: NDArray[np.float64]) -> bytes:
    """s15Fixed16, as ICC profiles have numbers."""
    return struct.pack(f">{len(numbers)}i", *(int(number) for number in (numbers * 65536).round()))


def _colorants(primaries: Primaries) -> NDArray[np.float64]:
    """XYZ of red, green and blue as columns, for a white of D50. (Lindbloom, RGB/XYZ Matrices; Bradford adaptation.)"""
    chromaticities = np.array(primaries, np.float64).reshape(4, 2)
    if not (chromaticities[:, 1] > 0).all():
        raise ValueError("no light")
    xyz = np.column_stack(
        [chromaticities[:, 0] / chromaticities[:, 1], np.ones(4), (1 - chromaticities.sum(1)) / chromaticities[:, 1]]
    )
    white, columns = xyz[0], xyz[1:].T
    columns = columns * np.linalg.solve(columns, white)
    cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    return np.asarray(np.linalg.solve(_BRADFORD, cones @ _BRADFORD @ columns))
