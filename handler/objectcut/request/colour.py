"""CSS colours, as people write a background."""

from __future__ import annotations

import re


def parse_colour(colour: str) -> str:
    """Return a colour of CSS Color 4 as `#rrggbbaa`: straight RGBA in sRGB, clipped to it as browsers do.

    A missing component (`none`) is 0.

    Raises:
        ValueError: no colour.
    """
    if re.fullmatch(r"#[0-9a-f]{8}", colour):
        return colour
    # Imported here, as it takes 0.3 s that a worker never needs behind the gateway, which sends the above.
    from coloraide import Color

    try:
        shown = Color(colour).convert("srgb").clip()
        channels = bytes(round(255 * share) for share in (*shown.coords(nans=False), shown.alpha(nans=False)))
    except ArithmeticError as error:  # numbers beyond what a float holds
        raise ValueError(f"{colour} cannot be converted to sRGB") from error
    return f"#{channels.hex()}"


def rgba(colour: str) -> tuple[int, int, int, int]:
    """Return what `parse_colour` returned as numbers, 0 to 255."""
    red, green, blue, alpha = bytes.fromhex(colour[1:])
    return red, green, blue, alpha
