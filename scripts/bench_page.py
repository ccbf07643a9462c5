#!/usr/bin/env python3
"""Measure the page: what it weighs, when it appears, what moves in it, and how long a person waits for what they did.

  bench_page.py                            starts a server with the bundled model and a Chromium, and stops both
  bench_page.py --url http://127.0.0.1:8000 --json figures.json

opening       everything over the network until the page is idle, compressed and with the answers' headers; the paints
              that the browser tells of; all with an empty cache
layout shift  the browser's scores, summed, of the window in which most moves, those after a click or a key included
drop          from the drop of a photo that was dragged over the page for half a second until the outlines of its
              objects are on the screen, less the time of /detect
click         on an object of a photo of 12 megapixels, until its outline and the picture of the cut-out begin to change
longest task  of the page's main thread, which answers nobody meanwhile; the browser tells of those above 50 ms, so 0
              means that there was none

The photo shows a woman and a cat, enlarged. Server and browser share this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError
from rich.console import Console
from rich.table import Table

from benchmark import page
from benchmark.aims import overview, warn_if_busy
from benchmark.browser import chromium
from benchmark.progress import shown
from benchmark.server import Failed, running


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a page that is running already; its server then counts as another program")
    parser.add_argument("--rounds", type=int, default=5, help="how often the page is opened and photos are dropped")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("at least one round is needed")
    try:
        with shown() as start, tempfile.TemporaryDirectory(prefix="objectcut-page-") as folder, chromium() as browser:
            start("starting a server", 1)("")
            with nullcontext() if options.url else running() as server:
                url = server.url if server else options.url
                results = page.run(browser, url, Path(folder), options.rounds, start)
    except (Failed, PlaywrightError) as error:
        Console(stderr=True, markup=False).print(str(error), style="red")
        return 1
    _show(results, Console(markup=False, highlight=False))
    if options.json:
        reached = [asdict(aim) | {"met": aim.met} for aim in page.aims(results)]
        options.json.write_text(json.dumps(asdict(results) | {"aims": reached}, indent=1))
    return 0


def _show(results: page.Results, console: Console) -> None:
    console.print(
        f"{results.machine.processor}, {results.machine.cores} cores, Chromium {results.chromium}. {results.rounds} "
        f"rounds; other programs kept {results.others:.0%} of the processor busy meanwhile."
    )
    warn_if_busy(results.others, console)
    opening = results.openings[-1]
    kinds = ", ".join(f"{kind} {count / 1e3:.1f}" for kind, count in opening.bytes.items())
    console.print(f"{opening.requests} requests to open the page, kB by kind: {kinds}.")
    console.print(
        f"Longest gap between frames: {results.toggling_gap * 1e3:.0f} ms while objects are clicked, "
        f"{results.drawing_gap * 1e3:.0f} ms while a wide brush draws."
    )
    console.print(_seconds(results))
    if results.shifts:
        console.print(_shifts(results.shifts))
        scores = ", ".join(f"{moment} {results.shift(moment, all_of_them=False):.5f}" for moment in page.MOMENTS)
        console.print(f"Of that the browsers' own score counts, which forgives what follows an input: {scores}.")
    aims = page.aims(results)
    console.print(overview(aims))
    missed = [aim.what for aim in aims if not aim.met]
    console.print(f"Missed: {'; '.join(missed)}." if missed else "Every goal is met.")


def _seconds(results: page.Results) -> Table:
    table = Table("", title="Waiting, ms", title_justify="left")
    for heading in ("median", "best", "worst"):
        table.add_column(heading, justify="right")

    def row(what: str, values: Iterable[float]) -> None:
        ms = [value * 1e3 for value in values]
        table.add_row(what, *(f"{value:.0f}" for value in (statistics.median(ms), min(ms), max(ms))))

    row("first paint", (opening.first_paint for opening in results.openings))
    row("first content", (opening.first_content for opening in results.openings))
    for photo in dict.fromkeys(drop.photo for drop in results.drops):
        drops = [drop for drop in results.drops if drop.photo == photo]
        row(f"{photo}: from the drop to outlines", (drop.whole for drop in drops))
        row(f"{photo}: of that /detect", (drop.request for drop in drops))
        row(f"{photo}: the rest", (drop.page for drop in drops))
    row("from the first click to the outline", (results.first.outline,))
    row("from the first click to the picture", (results.first.picture,))
    row("from a click to the outline", (toggle.outline for toggle in results.toggles))
    row("from a click to the picture", (toggle.picture for toggle in results.toggles))
    return table


def _shifts(shifts: Iterable[page.Shift]) -> Table:
    table = Table("window", "when", "what moved", title="Layout shift", title_justify="left")
    for heading in ("score", "after input"):
        table.add_column(heading, justify="right")
    for shift in shifts:
        after = "yes" if shift.after_input else ""
        table.add_row(shift.screen, shift.moment, ", ".join(shift.moved), f"{shift.score:.5f}", after)
    return table


if __name__ == "__main__":
    sys.exit(main())
