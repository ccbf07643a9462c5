"""CSS colours, as people write a background."""

from __future__ import annotations

import re

from PIL import ImageColor


def parse_colour(colour: str) -> tuple[int, int, int, int]:
    """A CSS colour as straight RGBA, 0 to 255.

    Raises:
        ValueError: no colour.
    """
    if colour.startswith("hsv"):
        raise ValueError("Pillow's own notation, not CSS")
    alpha = 255
    # Pillow takes the fourth number as 0 to 255, CSS as a share.
    if found := re.fullmatch(r"(rgb|hsl)a\(([^()]+),\s*(\d+(?:\.\d+)?|\.\d+)(%?)\s*\)", colour):
        kind, channels, share, percent = found.groups()
        colour = f"{kind}({channels})"
        alpha = round(255 * min(float(share) / (100 if percent else 1), 1))
    red, green, blue, *rest = (min(channel, 255) for channel in ImageColor.getrgb(colour))
    return red, green, blue, rest[0] if rest else alpha
