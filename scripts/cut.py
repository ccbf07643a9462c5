#!/usr/bin/env python3
"""Cut objects out of photos from the command line, with a running ObjectCut or without one.

  cut.py holiday.jpg --objects cat,dog          writes holiday-cut.png beside the photo
  cut.py photos/ --objects person --out cuts/   every photo of a folder
  cut.py - --objects cat < in.jpg > out.png     as part of a pipe
  cut.py --watch inbox/ --pick main             whatever photo appears in a folder, until Ctrl-C
  cut.py cat.jpg --background-image beach.jpg   the cut-out before another picture
  cut.py cat.jpg --objects cat --local          without a server: the model runs in this program

A photo that fails does not stop the others. Exit status: 0 when all were cut, 1 when some failed, 2 when the call
itself is wrong, the server cannot be reached or there is no such model, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

import cutoptions
from arrivals import Arrivals, is_newer
from cutters import ENDINGS, Cutter, LocalCutter, Refused, ServerCutter, Unusable
from objectcut.request.sniff import ACCEPTED
from photofiles import is_photo, passed_over

_LOOK_S = 1.0  # between two looks at a watched folder
_AWAY_S = 10.0  # before a server that was away is asked again
_NAMED = 5  # photos that failed in the same way
console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def photos(paths: list[Path]) -> tuple[list[Path], int]:
    """Return the named files and every photo in the named folders, by name; and how many files there are no photos.

    A photo is known by its first bytes. Hidden files, as macOS puts one beside each photo, are passed over, and so are
    earlier cut-outs.
    """
    found: dict[Path, None] = {}  # in order, each once
    others = 0
    for path in paths:
        if not path.is_dir():
            found[path] = None
            continue
        for file in sorted(path.rglob("*")):
            if passed_over(file.relative_to(path)) or not file.is_file():
                continue
            if is_photo(file.name, partial(_head, file)):
                found[file] = None
            else:
                others += 1
    return list(found), others


def _head(file: Path, size: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(size)


def targets(files: list[Path], roots: list[Path], out: Path | None) -> dict[Path, Path]:
    """Return where each cut-out goes, without its ending: beside its photo, or under `out` in the same subfolders.

    Of photos that would share a name, such as x.jpg and x.png, the later ones keep their own ending in it.
    """
    goals: dict[Path, Path] = {}
    taken: set[Path] = set()
    for photo in files:
        root = next((root for root in roots if root.is_dir() and photo.is_relative_to(root)), photo.parent)
        place = photo if out is None else out / photo.relative_to(root)
        choices = [
            f"{photo.stem}-cut",
            f"{photo.name}-cut",
            *(f"{photo.name}-{n}-cut" for n in range(2, len(files) + 2)),
        ]
        goals[photo] = next(goal for name in choices if (goal := place.with_name(name)) not in taken)
        taken.add(goals[photo])
    return goals


def cut_all(cutter: Cutter, arguments: argparse.Namespace, options: dict[str, str], backdrop: bytes | None) -> int:
    """Cut every photo, several at once, and report those that failed."""
    files, others = photos(arguments.photos)
    if not files:
        console.print(f"No photo found: {', '.join(ACCEPTED)} are read. Other files: {others}", style="red")
        return 2
    if others:
        console.print(f"Files left out that are no photos: {others}")
    failed = cut_files(cutter, targets(files, arguments.photos, arguments.out), arguments.jobs, options, backdrop)
    report(failed)
    if len(files) > 1 or failed:
        console.print(f"{len(files) - len(failed)} cut, {len(failed)} failed")
    return 1 if failed else 0


def cut_files(
    cutter: Cutter, goals: Mapping[Path, Path], jobs: int, options: dict[str, str], backdrop: bytes | None
) -> dict[Path, str]:
    """Cut photos, several at once, and return why some failed.

    Args:
        cutter: cuts them.
        goals: where the cut-out of each goes, without its ending.
        jobs: how many at once, where the cutter takes that many.
        options: fields of `/cut`.
        backdrop: the picture behind.

    Raises:
        Unusable: none can be cut.
    """

    def work(photo: Path) -> Path:
        picture = cutter.cut(photo.read_bytes(), options, backdrop)
        goal = goals[photo].with_name(goals[photo].name + picture.suffix)
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.write_bytes(picture.body)
        return goal

    failed: dict[Path, str] = {}
    with (
        Progress(console=console, transient=True) as progress,
        ThreadPoolExecutor(cutter.at_once or jobs) as pool,
    ):
        task = progress.add_task("Cutting", total=len(goals))
        pending = {pool.submit(work, photo): photo for photo in goals}
        try:
            for future in as_completed(pending):
                photo = pending[future]
                try:
                    progress.console.print(f"{photo} -> {future.result()}")
                except Refused as error:
                    failed[photo] = str(error)
                except OSError as error:
                    failed[photo] = error.strerror or str(error)
                progress.advance(task)
        except (Unusable, KeyboardInterrupt):
            pool.shutdown(wait=False, cancel_futures=True)  # what was sent comes back, nothing more is sent
            raise
    return failed


def report(failed: Mapping[Path, str]) -> None:
    """Say each reason once, with the photos that it is about."""
    photos_of: dict[str, list[Path]] = {}
    for photo, reason in sorted(failed.items()):
        photos_of.setdefault(reason, []).append(photo)
    for reason, alike in photos_of.items():
        more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
        console.print(f"{', '.join(map(str, alike[:_NAMED]))}{more}: {reason}", style="red")


def watch(cutter: Cutter, arguments: argparse.Namespace, options: dict[str, str], backdrop: bytes | None) -> int:
    """Cut what appears or changes in a folder, and what is there without a cut-out, until Ctrl-C."""
    folder: Path = arguments.watch
    arrivals, away = Arrivals(), ""
    console.print(f"Watching {folder}. Ctrl-C ends it.")
    while True:
        goals = targets(photos([folder])[0], [folder], arguments.out)
        due = {photo: goals[photo] for photo in arrivals.look(goals) if is_newer(photo, cut_outs(goals[photo]))}
        try:
            failed = cut_files(cutter, due, arguments.jobs, options, backdrop) if due else {}
        except Unusable as error:
            if str(error) != away:  # said once, however long the server is away
                console.print(str(error), style="red")
            away = str(error)
            time.sleep(_AWAY_S)
            continue
        away = ""
        for photo in due:
            arrivals.done(photo)
        report(failed)
        time.sleep(_LOOK_S)


def cut_outs(goal: Path) -> Sequence[Path]:
    """Return the cut-outs that there are of a photo."""
    return [file for ending in ENDINGS.values() if (file := goal.with_name(goal.name + ending)).exists()]


def cut_pipe(cutter: Cutter, options: dict[str, str], backdrop: bytes | None) -> int:
    """One photo from standard input to standard output."""
    try:
        picture = cutter.cut(sys.stdin.buffer.read(), options, backdrop)
    except Refused as error:
        console.print(str(error), style="red")
        return 1
    sys.stdout.buffer.write(picture.body)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line. Options that the server knows go to it under their own names."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(
        "photos",
        nargs="*",
        type=Path,
        metavar="PHOTO",
        help="files, folders (but for hidden files and *-cut.* in them), or - for standard input",
    )
    made.add_argument("--watch", type=Path, metavar="FOLDER", help="cut every photo that appears there, until Ctrl-C")
    made.add_argument("--out", type=Path, metavar="FOLDER", help="where the cut-outs go (default: beside each photo)")
    made.add_argument("--jobs", type=int, default=4, help="photos sent at once (default: 4; with --local always 1)")
    made.add_argument(
        "--server",
        default=os.environ.get("OBJECTCUT_SERVER") or "http://127.0.0.1:8000",
        help="address of the server (OBJECTCUT_SERVER; default: http://127.0.0.1:8000)",
    )
    made.add_argument(
        "--key", default=os.environ.get("OBJECTCUT_KEY", ""), help="where the server wants one (OBJECTCUT_KEY)"
    )
    made.add_argument("--local", action="store_true", help="use no server: run the model in this program")
    made.add_argument(
        "--model", default="", help="one of the server's; with --local: bundled (the default), coco, coco-v1 or a file"
    )
    cutoptions.add_to(made)
    return made


def main() -> int:
    arguments = parser().parse_args()
    if arguments.jobs < 1:
        parser().error("--jobs must be at least 1")
    if bool(arguments.photos) == bool(arguments.watch):
        parser().error("name photos or folders, or one folder with --watch")
    if arguments.watch and not arguments.watch.is_dir():
        parser().error(f"--watch: there is no folder {arguments.watch}")
    backdrop = cutoptions.backdrop(arguments, parser())
    options = cutoptions.given(arguments)
    if arguments.model and not arguments.local:
        options["model"] = arguments.model
    pipe = arguments.photos == [Path("-")]
    try:
        with closing(
            LocalCutter(arguments.model or "bundled")
            if arguments.local
            else ServerCutter(arguments.server, arguments.key)
        ) as cutter:
            if pipe:
                return cut_pipe(cutter, options, backdrop)
            return (watch if arguments.watch else cut_all)(cutter, arguments, options, backdrop)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    except Unusable as error:
        console.print(str(error), style="red")
        return 2


if __name__ == "__main__":
    sys.exit(main())
