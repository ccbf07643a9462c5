#!/usr/bin/env python3
"""Make a model file of a Mask R-CNN that another program trained.

  convert.py checkpoint.pth --classes cat dog --output mine.safetensors
  convert.py model_final.pth --classes classes.txt --output mine.safetensors

Taken are state dicts of torchvision (maskrcnn_resnet50_fpn and its v2, as its tutorial makes them), of Detectron2's
mask_rcnn_R_50_FPN and of MMDetection's Mask R-CNN R50-FPN, and those of our own architectures; also beside an optimiser
({"model": ...}, {"state_dict": ...}). What it is, names and shapes tell. Nothing in the file is run: a checkpoint that
holds more than weights is refused. `make serve MODEL=mine.safetensors` serves the result.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from conversion import classes
from conversion.model import Wanted, model
from objectcut.network import checkpoint
from objectcut.network.card import ModelError
from objectcut.worker.memory import bound_memory

console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="file to convert")
    parser.add_argument("--output", type=Path, required=True, help="model file to write")
    parser.add_argument(
        "--classes",
        nargs="+",
        default=[],
        metavar="NAME",
        help="in the order of the training; or a file: COCO's JSON, or text with a name a line (default: COCO's)",
    )
    parser.add_argument("--name", help="of the model (default: that of the file)")
    parser.add_argument(
        "--backbone",
        choices=("msra", "torchvision"),
        help="of Detectron2 and MMDetection: `msra` takes BGR and has its strides in 1 x 1 convolutions (default: msra "
        "for Detectron2, torchvision for MMDetection)",
    )
    parser.add_argument(
        "--sides", type=int, nargs=2, metavar="PX", help="of the input: shorter side, bound on the longer"
    )
    parser.add_argument("--trained-on", help="for the card that /labels shows")
    parser.add_argument("--licence", help="for the card")
    options = parser.parse_args()
    facts = {"trained_on": options.trained_on, "licence": options.licence}
    try:
        wanted = Wanted(
            options.name or options.output.stem,
            classes.from_words(options.classes),
            options.backbone,
            None if options.sides is None else (options.sides[0], options.sides[1]),
            {key: value for key, value in facts.items() if value},
        )
        weights, card, origin = model(options.checkpoint, wanted)
        checkpoint.write(weights, card, options.output)
    except (ModelError, MemoryError, OSError) as error:
        console.print(
            f"{options.checkpoint.name} was not converted: {error or 'it needs more memory than there is'}", style="red"
        )
        return 1
    named = ", ".join(card.classes[1:6]) + (", ..." if len(card.classes) > 6 else "")
    console.print(f"{options.output}: {card.architecture}, from {origin}; {len(card.classes) - 1} classes: {named}")
    return 0


if __name__ == "__main__":
    bound_memory()
    sys.exit(main())
