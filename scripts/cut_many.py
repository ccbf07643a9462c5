#!/usr/bin/env python3
"""Cut objects out of very many photos with Ray Data, on this machine or on a cluster.

  cut_many.py photos/ --objects cat,dog --out cuts/                      every photo of a folder
  cut_many.py list.txt --objects person --out cuts/                      the paths or addresses in a list, one a line
  cut_many.py photos.parquet --column image --out cuts/                  a column of bytes, or of paths
  cut_many.py s3://shop/photos --out s3://shop/cuts --address auto       an object store, on a Ray cluster

The cut-outs get the paths of the photos: pets/cat.jpg becomes pets/cat.jpg-cut.png. found.parquet in the same folder
says of each photo which objects were cut out, or why it could not be cut.

However the job was stopped, the same command goes on with the photos that are not finished, and with those that have
changed. Exit status: 0 when all were cut, 1 when some failed, 2 when the call itself is wrong or the job cannot go on,
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import cutoptions
from cutters import Unusable
from objectcut.errors import CutError
from objectcut.network import official
from objectcut.network.card import ModelError, read_card
from objectcut.request.labels import Labels
from objectcut.request.sniff import ACCEPTED
from objectcut.settings import Settings

if TYPE_CHECKING:
    from bulk.photos import Photo
    from bulk.results import Results, Row
    from bulk.stages import Work

NO_RAY = "This needs Ray, which serving does not: pip install 'objectcut[bulk]', in a checkout pip install '.[bulk]'."
_NOTE_S = 1.0  # between two parts of the table
_SAY_S = 30.0  # between two lines about the progress, where nobody watches a bar
_LISTED = 20  # failures on the screen; the table has all
console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("source", metavar="PHOTOS", help="folder, list (.txt) or .parquet: a path or an address")
    made.add_argument("--out", required=True, metavar="FOLDER", help="where the cut-outs go: a path or an address")
    made.add_argument("--column", default="", help="of a .parquet (default: the first one with bytes, else with text)")
    made.add_argument("--names", default="", metavar="COLUMN", help="of a .parquet, with names for the cut-outs")
    made.add_argument("--model", default="bundled", help="bundled, coco, coco-v1 or a file")
    made.add_argument(
        "--address",
        default=os.environ.get("RAY_ADDRESS", ""),
        help="of a Ray cluster (RAY_ADDRESS; default: this machine alone). Its machines need ObjectCut, the model, and "
        "the same paths",
    )
    cutoptions.add_to(made)
    return made


def main() -> int:
    arguments = parser().parse_args()
    if not all(map(find_spec, ("ray", "pyarrow", "fsspec"))):
        console.print(NO_RAY, style="red")
        return 2
    backdrop = cutoptions.backdrop(arguments, parser())
    try:
        return cut_many(arguments, cutoptions.given(arguments), backdrop)
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on.")
        return 130
    except (Unusable, ModelError, ValueError) as error:
        console.print(str(error), style="red")
        return 2
    except CutError as error:
        console.print(error.message, style="red")
        return 2


def cut_many(arguments: argparse.Namespace, fields: dict[str, str], backdrop: bytes | None) -> int:
    """Do what is left to do of the job, and report what could not be cut."""
    # Here, as Ray takes seconds to load, and need not be there for --help.
    from bulk.photos import photos
    from bulk.results import TABLE, Results
    from bulk.stages import Work, bulk_settings

    weights = official.find(arguments.model)
    card = read_card(weights)
    model = str(weights.absolute()) if Path(arguments.model).suffix else arguments.model
    work = Work(model, fields, backdrop, _absolute(arguments.out), bulk_settings())
    options = work.order(b"checked before any photo is read").request.options
    Labels.of(card.classes, card.unlisted).resolve(options.objects)
    source = _absolute(arguments.source)
    all_photos, others = photos(source, arguments.column, arguments.names)
    if not all_photos:
        raise Unusable(f"No photo found: {', '.join(ACCEPTED)} are read. Other files: {others}")
    if others:
        console.print(f"Files left out that are no photos: {others}")
    results = Results(work.out)
    job = {
        "photos": source,
        "columns": [arguments.column, arguments.names],
        "model": _digest(weights.read_bytes()),
        "options": options.model_dump(mode="json", exclude_defaults=True),
        "background image": _digest(backdrop or b""),
    }
    with results.taken(job):
        pending = results.pending(all_photos)
        if len(pending) < len(all_photos):
            console.print(f"Finished already: {len(all_photos) - len(pending)}")
        if pending:
            _cut(pending, work, card.name, results, arguments.address)
    failed = results.failed(all_photos)
    for path, reason in failed[:_LISTED]:
        console.print(f"{path}: {reason}", style="red")
    if len(failed) > _LISTED:
        console.print(f"... and {len(failed) - _LISTED} more, which {TABLE} lists", style="red")
    console.print(f"{len(all_photos) - len(failed)} cut, {len(failed)} failed")
    return 1 if failed else 0


def _cut(pending: list[Photo], work: Work, model: str, results: Results, address: str) -> None:
    from ray.exceptions import RayError

    from bulk import job

    rows: list[Row] = []
    noted = time.monotonic()
    try:
        cluster = job.cluster(address, Settings.from_environment().threads)
        with cluster as watch, _progress(len(pending)) as advance:
            for row in job.found(pending, work, model, watch):
                rows.append(row)
                advance(row["code"] is not None)
                if time.monotonic() >= noted + _NOTE_S:
                    results.note(rows)
                    rows, noted = [], time.monotonic()
    except (RayError, ConnectionError) as error:
        raise Unusable(f"The job cannot go on: {_reason(str(error))}") from error
    finally:
        results.note(rows)


def _reason(told: str) -> str:
    """Return the last line that names an error: Ray tells the whole way that it took, and gives advice."""
    named = [line.strip() for line in told.splitlines() if re.match(r"\s*[\w.]*(Error|Exception)\b.*: ", line)]
    return (named or told.strip().splitlines())[-1]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[bool], None]]:
    """Show a bar, or write a line now and then where the output is a file; yield what counts a finished photo."""
    began = said = time.monotonic()
    done = failed = 0
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[failed]} failed"), console=console, transient=True) as progress:
        task = progress.add_task("Cutting", total=total, failed=0)

        def advance(is_failure: bool) -> None:
            nonlocal said, done, failed
            done, failed = done + 1, failed + is_failure
            progress.update(task, advance=1, failed=failed)
            if not console.is_terminal and time.monotonic() >= said + _SAY_S:
                said = time.monotonic()
                console.print(f"{done} of {total}, {failed} failed, {done / (said - began):.1f} per second")

        yield advance


def _absolute(place: str) -> str:
    """Return a path as the workers find it, whatever folder they run in; an address as it is."""
    return place if "://" in place else str(Path(place).absolute())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
