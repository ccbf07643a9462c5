#!/usr/bin/env python3
"""Measure ObjectCut beside torchvision's own way to run the same models, on this machine's processor.

  bench.py                                            every model and size, half an hour on two cores
  bench.py --models bundled --sizes 640x480 --server  the small model, and whole requests to a real server
  bench.py --json figures.json --plot figures.png     the same in other forms

original: the way of the first ObjectCut. Eager, fp32, gradients on, one photo after the other, every mask at full size.
stock: the way of TorchServe's object detection example. The same model in inference mode, a list of four photos.
ours: the detector as it is served, with 1, 4 and 8 photos, and masks of the wanted objects alone.

All sides run in one process on the same photos, in turn. Models whose weights are not in model_store/ get random ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmark import report
from benchmark.photos import Size
from benchmark.progress import shown
from benchmark.results import aims
from benchmark.run import SIZES, Choice, run
from benchmark.server import Failed
from benchmark.sides import MODELS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="which (default: all)")
    parser.add_argument("--sizes", nargs="+", type=_size, default=SIZES, metavar="WxH", help="of the photos, px")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, of which the median counts")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="compare detections on the photos of this folder")
    parser.add_argument("--server", action="store_true", help="also start a server and send requests to it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw photos a second there")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("at least one round is needed")
    if options.photos and not options.photos.is_dir():
        parser.error(f"{options.photos} is not a folder")
    choice = Choice(options.models, options.sizes, options.rounds, options.photos, options.server)
    try:
        with shown() as start:
            results = run(choice, start)
    except Failed as error:
        Console(stderr=True, markup=False).print(str(error), style="red")
        return 1
    report.show(results, Console(markup=False, highlight=False))
    if options.json:
        reached = [asdict(aim) | {"met": aim.met} for aim in aims(results)]
        options.json.write_text(json.dumps(asdict(results) | {"aims": reached}, indent=1))
    if options.plot:
        report.chart(results, options.plot)
    return 0


def _size(words: str) -> Size:
    width, height = map(int, words.split("x"))
    return width, height


if __name__ == "__main__":
    sys.exit(main())
