"""Which kind of file it is, by its first bytes.

Owns the kinds that are accepted and the names of those that are not. Nothing is decoded: of a kind that is not
accepted, Pillow reads the header at most.
"""

from __future__ import annotations

import io
from types import MappingProxyType

from PIL import Image

from objectcut.errors import CutError

FORMATS = MappingProxyType(
    {
        "JPEG": "JPEG",
        "PNG": "PNG",
        "WEBP": "WebP",
        "HEIF": "HEIC",
        "AVIF": "AVIF",
        "BMP": "BMP",
        "GIF": "GIF",
        "TIFF": "TIFF",
    }
)
"""Pillow's names of the accepted kinds, and the usual ones. Nothing else is ever decoded."""

_ACCEPTED = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

# What Pillow does not know, names less clearly, or is better kept away from: it would run Ghostscript on PostScript.
_OTHERS = (
    (0, b"8BPS", "Photoshop (PSD)"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript (EPS)"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"II\xbc\1", "JPEG XR"),
    (0, b"v/1\1", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"DDS ", "DDS"),
    (0, b"gimp xcf", "GIMP (XCF)"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"FLIF", "FLIF"),
    (128, b"DICM", "DICOM"),
    (8, b"CR\2", "Camera raw (CR2)"),
    (4, b"ftypcrx ", "Camera raw (CR3)"),
    (6, b"HEAPCCDR", "Camera raw (CRW)"),
    (0, b"FUJIFILMCCD-RAW", "Camera raw (RAF)"),
    (0, b"IIRO", "Camera raw (ORF)"),
    (0, b"IIRS", "Camera raw (ORF)"),
    (0, b"MMOR", "Camera raw (ORF)"),
    (0, b"IIU\0", "Camera raw (RW2)"),
    (0, b"\0MRM", "Camera raw (MRW)"),
    (0, b"FOVb", "Camera raw (X3F)"),
)


def of(data: bytes) -> str:
    """Return a key of `FORMATS`.

    Raises:
        CutError: `unsupported_image` for an image of another kind, `unreadable_image` for anything else.
    """
    for at, start, name in _OTHERS:
        if data.startswith(start, at):
            raise unsupported(name)
    for start, kind in _ACCEPTED:
        if data.startswith(start):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = {data[at : at + 4] for at in range(8, min(int.from_bytes(data[:4], "big"), len(data), 512), 4)}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    if b"<svg" in data[:1024].lower():
        raise unsupported("SVG")
    name_by_pillow = _named_by_pillow(data)
    raise unreadable() if name_by_pillow is None else unsupported(name_by_pillow)


def unreadable() -> CutError:
    """Return the error for a file that is no whole image."""
    return CutError("unreadable_image", "The photo cannot be read: the file is damaged, cut short or not an image.")


def unsupported(kind: str) -> CutError:
    """Return the error for an image of a kind that is not accepted."""
    *most, last = FORMATS.values()
    return CutError(
        "unsupported_image",
        f"{kind} files are not accepted. Send {', '.join(most)} or {last}.",
        details={"kind": kind},
    )


def _named_by_pillow(data: bytes) -> str | None:
    Image.init()
    others = [name for name in Image.ID if name not in FORMATS and name != "EPS"]
    try:
        image = Image.open(io.BytesIO(data), formats=others)
    except Exception:  # Pillow's plugins raise whatever the bytes lead them to
        return None
    return {"JPEG2000": "JPEG 2000"}.get(image.format or "", image.format)
