"""From the bytes of an image file to upright sRGB pixels.

Owns the kinds of files that are accepted and the limits on their size, which are checked before any pixel is decoded.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from objectcut.errors import CutError
from objectcut.settings import Settings

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None  # `load` has a limit of its own, with an error of its own

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "BMP", "GIF", "TIFF")
"""Pillow's names of the accepted kinds; nothing else is ever parsed."""

# First bytes of image files that people do send, for an error that says more than "not an image".
_OTHER_KINDS = {
    b"8BPS": "Photoshop (PSD)",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"\x00\x00\x01\x00": "ICO",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"DDS ": "DDS",
    b"gimp xcf": "GIMP (XCF)",
}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo, upright.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB.
        alpha: (H, W) uint8, the file's own transparency; None when it has none.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True, eq=False)
class Preview:
    """What the network looks at.

    Attributes:
        pixels: (h, w, 3) uint8, sRGB, upright; the photo or a smaller copy of it.
        width, height: of the photo itself, px.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


def load(data: bytes, settings: Settings) -> Photo:
    """Decode the first frame of an image file, turn it upright and convert it to sRGB.

    Raises:
        CutError: `unreadable_image`, `unsupported_image` or `image_too_large`.
    """
    return _decoded(_opened(data, settings))


def preview(data: bytes, settings: Settings, side: int) -> Preview | None:
    """A copy of a large JPEG whose shorter side has at least `side` px, decoded in a fraction of the time.

    JPEG stores frequencies, so that a half, a quarter or an eighth of the size needs only the lower ones of them.

    Returns:
        None for another kind of file and for a photo that is less than twice as large.

    Raises:
        CutError: as `load`.
    """
    image = _opened(data, settings)
    whole = image.size
    if not isinstance(image, JpegImageFile) or image.draft(None, (side, side)) is None or image.size == whole:
        return None
    width, height = whole[::-1] if _lies_on_its_side(image) else whole
    return Preview(_decoded(image).pixels, width, height)


def _opened(data: bytes, settings: Settings) -> Image.Image:
    """The file with its header read and checked."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    # Pillow's plugins raise whatever a broken file leads them to.
    except Exception as error:
        raise _not_opened(data) from error
    width, height = image.size
    if width * height > settings.max_pixels or max(width, height) > settings.max_side:
        raise CutError(
            "image_too_large",
            f"The photo has {width} x {height} pixels. At most {settings.max_pixels / 1e6:g} megapixels and "
            f"{settings.max_side} pixels a side are accepted: make it smaller first.",
            details={
                "width": width,
                "height": height,
                "max_pixels": settings.max_pixels,
                "max_side": settings.max_side,
            },
        )
    return image


def _decoded(image: Image.Image) -> Photo:
    try:
        image.load()
        return _upright_srgb(image)
    except MemoryError:
        raise  # not the photo's fault
    except Exception as error:
        raise _unreadable() from error


def _unreadable() -> CutError:
    return CutError("unreadable_image", "The photo cannot be read: the file is damaged, cut short or not an image.")


def _not_opened(data: bytes) -> CutError:
    kind = next((name for start, name in _OTHER_KINDS.items() if data.startswith(start)), None)
    if kind is None and b"<svg" in data[:1024].lower():
        kind = "SVG"
    if kind is None:
        return _unreadable()
    return CutError(
        "unsupported_image",
        f"{kind} files are not accepted. Send JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or TIFF.",
        details={"kind": kind},
    )


def _upright_srgb(image: Image.Image) -> Photo:
    profile = image.info.get("icc_profile")
    white_is_zero = isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0
    image = _upright(image)
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        image = _eight_bits(image, white_is_zero)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    has_alpha = image.has_transparency_data
    alpha = np.asarray(image.convert("RGBA").getchannel("A")) if has_alpha else None
    if has_alpha:
        image = image.convert("LA" if image.mode in {"LA", "La", "L"} else "RGBA")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    if profile:
        image = _to_srgb(image, profile)
    return Photo(np.array(image.convert("RGB")), None if alpha is None or alpha.min() == 255 else alpha)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image  # broken EXIF: the pixels as they are


def _lies_on_its_side(image: Image.Image) -> bool:
    """Whether `_upright` exchanges width and height."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in {5, 6, 7, 8}
    except Exception:
        return False


def _eight_bits(image: Image.Image, white_is_zero: bool) -> Image.Image:
    """Grey levels of 16 or 32 bits, or floats, as 8 bits, with alpha when one level of them means transparent.

    Args:
        image: mode I, I;16 or F.
        white_is_zero: whether the levels run from white to black, which Pillow heeds in 8 bits only.
    """
    clear = image.info.get("transparency")
    values = np.asarray(image).astype(np.float32)
    if image.mode == "F":
        values = values * 255 if values.max() <= 1 else values
    else:
        values /= 257  # 65535 becomes 255
    if white_is_zero:
        values = 255 - values
    eight = Image.fromarray(values.clip(0, 255).round().astype(np.uint8))
    if isinstance(clear, int):
        eight.putalpha(Image.fromarray(np.asarray(image) != clear))
    return eight


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile, or one for another kind of pixels: the pixels as they are
    return converted or image
