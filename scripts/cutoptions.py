"""The options of `/cut` on a command line, under the server's own names."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add them, in two groups."""
    asked = parser.add_argument_group("what to cut out")
    asked.add_argument("--objects", help="names with commas between, such as cat,dog (default: every object)")
    asked.add_argument("--invert", action="store_true", help="remove the objects and keep the rest")
    asked.add_argument("--min-score", help="lowest detection score, 0 to 1 (default: 0.5)")
    asked.add_argument("--pick", help="all, largest, best, or ids that /detect gives (default: all)")
    asked.add_argument("--point", metavar="X,Y", help="only the object under this pixel")
    asked.add_argument("--roi", metavar="X0,Y0,X1,Y1", help="only objects whose centre lies inside")
    asked.add_argument("--box", metavar="X0,Y0,X1,Y1", help="the object in this box, and without --objects no other")
    picture = parser.add_argument_group("the picture")
    picture.add_argument(
        "--edges", choices=("smooth", "sharp", "raw"), help="how the outline is drawn (default: smooth)"
    )
    picture.add_argument("--feather", help="px over which the edge fades (default: 0)")
    picture.add_argument("--grow", help="px by which the edge moves outwards; negative: inwards (default: 0)")
    picture.add_argument(
        "--background", help="transparent, a CSS colour, blur, or blur:20 with a radius in px (default: transparent)"
    )
    picture.add_argument("--background-image", type=Path, metavar="FILE", help="a picture to put behind the cut-out")
    picture.add_argument("--crop", action="store_true", help="trim to the cut-out")
    picture.add_argument("--margin", help="room around a trimmed cut-out, px or such as 5%%")
    picture.add_argument("--max-size", help="longest side, px")
    picture.add_argument(
        "--output",
        choices=("image", "mask", "both"),
        help="the cut-out, its mask, or a ZIP with colours and transparency apart (default: image)",
    )
    picture.add_argument("--format", choices=("png", "webp", "jpeg", "zip"), help="(default: png; zip is both)")


def given(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the fields of `/cut` that were given, as text, but for the picture behind."""
    alone = argparse.ArgumentParser()
    add_to(alone)
    fields = {name: getattr(arguments, name) for name in vars(alone.parse_args([])) if name != "background_image"}
    return {name: "true" if value is True else str(value) for name, value in fields.items() if value}


def backdrop(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> bytes | None:
    """Return the encoded picture behind the cut-outs; end the program where it cannot be read."""
    file: Path | None = arguments.background_image
    try:
        return file.read_bytes() if file else None
    except OSError as error:
        parser.error(f"--background-image: {file}: {error.strerror or error}")
