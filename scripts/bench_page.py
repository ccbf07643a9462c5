#!/usr/bin/env python3
"""Measure the page: what it weighs, when it appears, what moves in it, and how long a person waits for what they did.

  bench_page.py                            starts a server with the bundled model and a Chromium, and stops both
  bench_page.py --url http://127.0.0.1:8000 --json figures.json

opening       everything over the network until the page is idle, compressed and with the answers' headers; the paints
              that the browser tells of; all with an empty cache
layout shift  the browser's scores, summed, of the window in which most moves, those after a click or a key included,
              which the browser's own score leaves out
drop          from the drop of a photo that was dragged over the page for half a second until the outlines of its
              objects are on the screen; /detect is the server's part of that
click         on an object of a photo of 12 megapixels, until its outline and the picture of the cut-out begin to change
change of background
              from a click on a colour until it is behind the cut-out, of a photo of 12 megapixels
brush ready   from a click on the brush until the cut-out of that photo can be drawn on
longest task  of the page's main thread, which answers nobody meanwhile; the browser tells of those above 50 ms, so 0
              means that there was none

The photo shows a woman and a cat, enlarged. Server and browser share this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from rich.console import Console

from benchmark import page
from benchmark.figures import Figures
from launch import Failed, chromium, running


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a page that is running already; its server then counts as another program")
    parser.add_argument("--rounds", type=int, default=5, help="how often the page is opened and photos are dropped")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("at least one round is needed")
    try:
        with tempfile.TemporaryDirectory(prefix="objectcut-page-") as folder, chromium() as browser:
            figures = Figures(chromium=browser.version, rounds=options.rounds)
            with nullcontext() if options.url else running() as server:
                url = server.url if server else options.url
                page.measure(figures, browser, url, Path(folder), options.rounds)
    except (Failed, PlaywrightError) as error:
        Console(stderr=True, markup=False).print(str(error), style="red")
        return 1
    figures.report(page.goals(figures), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
