#!/usr/bin/env python3
"""Download torchvision's official Mask R-CNN weights and store them as a model file in model_store/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from objectcut.network.official import OFFICIAL, Unavailable, fetch
from objectcut.network.weightfiles import store


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="*", metavar="MODEL", help=f"{', '.join(OFFICIAL)} (default: coco)")
    parser.add_argument("--store", type=Path, default=store(), help="folder for them (default: model_store/)")
    arguments = parser.parse_args()
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    for name in arguments.model or ["coco"]:
        if name not in OFFICIAL:
            parser.error(f"unknown model '{name}': choose from {', '.join(OFFICIAL)}")
        try:
            console.print(f"{name}: {fetch(OFFICIAL[name], arguments.store, console)}")
        except Unavailable as error:
            console.print(f"{name}: {error}", style="red")
            console.print("Try again when the host can be reached; MODEL=bundled works offline.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
