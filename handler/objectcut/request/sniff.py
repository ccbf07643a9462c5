"""What the first bytes of a file or of a request's body say that it is, without opening it.

Owns the signatures of image files. Whether a file is sound, and what a TIFF holds, only `photo` finds out.
"""

from __future__ import annotations

import re
from typing import Literal

HEAD = 1024
"""Bytes that are enough for `image_kind` and `body_kind`."""

ACCEPTED = ("JPEG", "PNG", "WebP", "HEIC", "AVIF", "BMP", "GIF", "TIFF")
"""Those kinds that `photo` reads."""

# In the order in which they are tried: a camera's own TIFF before any TIFF. BMP: size, two zeros, start of the pixels,
# size of the header; "BM" alone also begins words.
_SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "WebP": rb"RIFF....WEBP",
    "GIF": rb"GIF8[79]a",
    "BMP": rb"BM....\0\0\0\0....[\x0c-\x7c]\0\0\0",
    "AVIF": rb"....ftypavi[fs]",
    "HEIC": rb"....ftyp(hei[cxms]|hev[cxms]|mif[12]|msf1)",
    "camera raw": rb"II\*\0....CR|FUJIFILMCCD-RAW|IIR[OS]|IIU\0|FOVb|\0MRM|....ftypcrx",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "JPEG 2000": rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    "JPEG XL": rb"\xff\x0a|\0\0\0\x0cJXL ",
    "Photoshop (PSD)": rb"8BPS",
    "PDF": rb"%PDF-",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "ICO": rb"\0\0[\x01\x02]\0[^\0]\0",
    "ICNS": rb"icns",
    "PNM": rb"P[1-7][ \t\r\n#]|P[Ff]\r?\n",
    "PCX": rb"\x0a[\x00-\x05]\x01[\x01\x02\x04\x08]",
    "OpenEXR": rb"v/1\x01",
    "Radiance HDR": rb"#\?RADIANCE|#\?RGBE",
    "DDS": rb"DDS ",
    "GIMP (XCF)": rb"gimp xcf",
    "QOI": rb"qoif",
    "SGI": rb"\x01\xda[\x00\x01][\x01\x02]",
    "FITS": rb"SIMPLE  =",
    "SVG": rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*<svg|<!--.*-->\s*<svg|<!DOCTYPE\s+svg|<svg)\b",
}
_KINDS = {kind: re.compile(signature, re.DOTALL) for kind, signature in _SIGNATURES.items()}

_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_MULTIPART = re.compile(rb"\s*--[^\r\n]{1,200}\r?\ncontent-", re.IGNORECASE)
_URLENCODED = re.compile(rb"[&\s]*[\w.%+-]{1,100}=", re.ASCII)
Body = Literal["photo", "multipart", "urlencoded", "json", "text"]


def image_kind(data: bytes | bytearray) -> str | None:
    """Return the kind of image file that begins so: one of `ACCEPTED`, or another one; None for anything else."""
    head = bytes(data[:HEAD])
    return next((kind for kind, signature in _KINDS.items() if signature.match(head)), None)


def body_kind(body: bytes | bytearray, content_type: str) -> Body:
    """Return what a request's body is: as its first bytes say, else as its Content-Type does.

    Senders often leave the type out, or a library puts in one of its own: curl calls everything a form.

    Returns:
        `text` for what is none of the others.
    """
    head = bytes(body[:HEAD])
    if image_kind(head):
        return "photo"
    if _JSON.match(head):
        return "json"
    if _MULTIPART.match(head):
        return "multipart"
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return "multipart"
    if kind.startswith("image/") or kind.endswith("/octet-stream"):
        return "photo"
    if kind == "application/json" or kind.endswith("+json"):
        return "json"
    if kind in {"", "application/x-www-form-urlencoded"} and _URLENCODED.match(head):
        return "urlencoded"
    return "text" if _is_text(head) else "photo"


def _is_text(head: bytes) -> bool:
    """Return whether these first bytes may be text: UTF-8, perhaps cut within a character, no control characters."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(head) and len(head) - error.start < 4 and _is_text(head[: error.start])
    return not any(char < " " and char not in "\t\n\r\f" for char in text)
