"""From the bytes of an image file to upright sRGB pixels.

Owns the limits on the size of a photo, which are checked before any pixel is decoded, and the way from stored pixels to
those of a `Photo`. Leaves it to `kinds` which file it is, to `jpeg`, `pngchunks`, `heif`, `tiff`, `gif` and `bmp`
what those say beside their pixels, and to `orientation`, `levels` and `colourspace` what follows from it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from objectcut.errors import CutError
from objectcut.photo import bmp, colourspace, gif, heif, jpeg, kinds, levels, orientation, pngchunks, tiff
from objectcut.photo.source import Decoded, Source
from objectcut.settings import Settings
from objectcut.worker.spread import Spread

Image.MAX_IMAGE_PIXELS = None  # `load` has a limit of its own, with an error of its own


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


def load(data: bytes, settings: Settings, spread: Spread = map) -> Photo:
    """Decode the first frame of an image file, turn it upright and convert it to sRGB.

    Args:
        data: the file.
        settings: limits.
        spread: distributes parts of the work over cores.

    Raises:
        CutError: `unreadable_image`, `unsupported_image` or `image_too_large`.
    """
    return _load(_opened(data, settings), spread)


def preview(data: bytes, settings: Settings, side: int) -> Preview | None:
    """Return a copy of a large JPEG whose shorter side has at least `side` px, decoded in a fraction of the time.

    Returns:
        None for another kind of file and for a photo that is less than twice as large.

    Raises:
        CutError: as `load`.
    """
    return _preview(_opened(data, settings), side)


def begin(
    data: bytes, settings: Settings, side: int, submit: Callable[..., Future[Photo]] | None, spread: Spread = map
) -> tuple[Preview, Future[Photo] | None]:
    """Read a photo as far as a network needs it, which for large JPEGs is a small part of the work.

    Args:
        data: the file.
        settings: limits.
        side: px that the preview's shorter side must have at least.
        submit: begins to decode the whole photo beside the caller; None leaves that for later.
        spread: as in `load`.

    Returns:
        The preview; and the whole photo, ready where it is the preview, None where it is left for later.

    Raises:
        CutError: as `load`.
    """
    source = _opened(data, settings)
    small = _preview(source, side)
    if small is not None:
        return small, None if submit is None else submit(_load, source, spread)
    whole: Future[Photo] = Future()
    photo = _load(source, spread)
    whole.set_result(photo)
    return Preview(photo.pixels, photo.width, photo.height), whole


def _load(source: Source, spread: Spread) -> Photo:
    try:
        return _upright_srgb(source.decode(), source, spread)
    except (MemoryError, CutError):
        raise  # not the photo's fault, or reported already
    except Exception as error:  # Pillow's plugins raise whatever a broken file leads them to
        raise kinds.unreadable() from error


def _preview(source: Source, side: int) -> Preview | None:
    if source.shrunk is None:
        return None
    try:
        decoded = source.shrunk(side)
        if decoded is None:
            return None
        width, height = source.size[::-1] if orientation.lies_on_its_side(source.orientation) else source.size
        return Preview(_upright_srgb(decoded, source).pixels, width, height)
    except (MemoryError, CutError):
        raise
    except Exception as error:
        raise kinds.unreadable() from error


def _opened(data: bytes, settings: Settings) -> Source:
    """Return the file with its header read and checked."""
    kind = kinds.of(data)

    def check(size: tuple[int, int]) -> None:
        _check_size(*size, settings)

    try:
        if kind == "JPEG":
            source = jpeg.read(data)
        elif kind == "PNG":
            source = pngchunks.read(data)
        elif kind == "TIFF":
            source = tiff.read(data, check)
        elif kind in {"HEIF", "AVIF"}:
            source = heif.read(data, kind, check)
        elif kind == "GIF":
            source = gif.read(data, check)
        elif kind == "BMP":
            source = bmp.read(data)
        else:
            source = _webp(data)
    except (MemoryError, CutError):
        raise
    except Exception as error:
        raise kinds.unreadable() from error
    check(source.size)
    return source


def _check_size(width: int, height: int, settings: Settings) -> None:
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


def _webp(data: bytes) -> Source:
    """Return a WebP file, of which Pillow reads all there is to read."""
    image = Image.open(io.BytesIO(data), formats=("WEBP",))

    def decode() -> Decoded:
        image.load()
        return Decoded(image)

    return Source(
        image.size,
        decode,
        orientation=orientation.of_exif(image.info.get("exif")) or 1,
        profile=image.info.get("icc_profile"),
    )


def _upright_srgb(decoded: Decoded, source: Source, spread: Spread = map) -> Photo:
    image, alpha, profile = decoded.image, decoded.alpha, source.profile
    if isinstance(image, Image.Image):
        if image.mode.startswith("I;16"):
            image = _eight_bits(image)
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        if image.has_transparency_data:
            with_alpha = image.convert("RGBA")
            if alpha is None:
                alpha = np.asarray(with_alpha.getchannel("A"))
            image = image.convert("LA").convert("L") if image.mode in {"LA", "La", "L"} else with_alpha.convert("RGB")
        if image.mode != "RGB":
            image, profile = colourspace.to_srgb(image, profile).convert("RGB"), None
        image = np.array(image)
    pixels = orientation.upright(colourspace.rgb_to_srgb(image, profile, spread), source.orientation)
    if alpha is None or alpha.min() == 255:
        return Photo(pixels)
    return Photo(pixels, orientation.upright(np.ascontiguousarray(alpha), source.orientation))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey levels of 16 bits as 8 bits, with alpha when one level of them means transparent."""
    deep = np.asarray(image)[..., None]
    grey = levels.eight_bits(lambda top, end: deep[top:end], deep.shape, 1)
    eight = Image.fromarray(grey[..., 0])
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        eight.putalpha(Image.fromarray(deep[..., 0] != clear))
    return eight
