#!/usr/bin/env python3
"""Measure what Ray costs: the same photos cut by scripts/cut_many.py's job and by the pipeline in one process.

  bench_bulk.py                                 24 photos of 640x480 and 8 of 4000x3000, three rounds
  bench_bulk.py --photos 64 --rounds 5 --json figures.json

in process   `Pipeline.run` in batches of eight, on all cores; files are read and cut-outs written as the job does
ray          the job on this machine, the table included, with workers that run already
start        from the beginning until the first photo is finished, in which Ray and its workers start; once a job

The photos are made of those that scikit-image carries. Both sides run in turn.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from benchmark.figures import Figures, Goal, ratio
from benchmark.measure import interleaved
from benchmark.photos import LARGE, SMALL, label, photos
from cut_many import NO_RAY, console
from objectcut import Pipeline
from objectcut.errors import CutError
from objectcut.item import Answer
from objectcut.settings import Settings

OVERHEAD = 0.15
"""Of the seconds in one process, that Ray may add."""
_BATCH = 8
_TABLE = "seconds for all photos"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=32, help="how many, a quarter of them large (default: 32)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side, of which the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    options = parser.parse_args()
    if options.photos < 4 or options.rounds < 1:
        parser.error("at least four photos and one round are needed")
    if not all(map(find_spec, ("ray", "pyarrow", "fsspec"))):
        console.print(NO_RAY, style="red")
        return 2
    figures = Figures(rounds=options.rounds, photos=options.photos)
    with tempfile.TemporaryDirectory(prefix="objectcut-bench-") as folder:
        album = Path(folder) / "album"
        album.mkdir()
        for number in range(options.photos):
            size = LARGE if number % 4 == 3 else SMALL
            file = album / f"{number:04d}-{label(size)}.jpg"
            Image.fromarray(photos(size)[number % _BATCH]).save(file, quality=90)
        measure(album, Path(folder), figures, options.rounds)
    added = ratio(figures.median(_TABLE, "ray"), figures.median(_TABLE, "in process"))
    goal = Goal("seconds that Ray adds", OVERHEAD, None if added is None else added - 1)
    figures.report([goal], options.json)
    return 0 if goal.met else 1


def measure(album: Path, out: Path, figures: Figures, rounds: int) -> None:
    """Cut every photo of a folder in both ways, several times.

    Args:
        album: the folder.
        out: where cut-outs go.
        figures: gets the seconds.
        rounds: how often.
    """
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  # as the other side has; by default Ray's workers let others go first
    from bulk import job
    from bulk import photos as sources
    from bulk.results import Results
    from bulk.stages import Work, bulk_settings

    settings = Settings.from_environment()
    found, _ = sources.photos(str(album))
    work = Work("bundled", {}, None, str(out / "ray"), bulk_settings())
    pipeline = Pipeline.load("bundled", settings.model_copy(update={"remember_s": 0.0}), "cpu")
    kept = Results(str(out / "alone"))

    def keep(names: list[str], index: int, answer: Answer | CutError) -> None:
        if isinstance(answer, Answer):
            kept.keep(names[index], answer.body)

    def in_process() -> None:
        for start in range(0, len(found), _BATCH):
            batch = found[start : start + _BATCH]
            orders = [lambda photo=photo: work.order(photo.read()) for photo in batch]
            pipeline.run(orders, partial(keep, [photo.name for photo in batch]))

    began = time.perf_counter()
    with job.cluster("", settings.threads) as watch:
        next(job.found(found[: settings.threads], work, pipeline.card.name, watch))
        figures.add("start", {"what": "until the first photo is finished"}, {"s": time.perf_counter() - began})

        def on_ray() -> None:
            results = Results(work.out)
            with results.taken({}):
                results.note(list(job.found(found, work, pipeline.card.name, watch)))

        on_ray()  # every worker has its model now
        in_process()
        for name, seconds in interleaved("Cutting", {"in process": in_process, "ray": on_ray}, rounds):
            figures.add(_TABLE, {"photos": str(len(found))}, {name: seconds})
        figures.stop()


if __name__ == "__main__":
    sys.exit(main())
