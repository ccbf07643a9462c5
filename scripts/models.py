#!/usr/bin/env python3
"""Show, add, replace, choose and remove the models of a running ObjectCut, while it goes on working.

  models.py list
  models.py check checkpoint.pth --classes mug spoon     what a file is, and whether it could be added
  models.py add mine.safetensors                         in place of the model of that name, if there is one
  models.py default mine                                 what requests get that name no model
  models.py versions mine                                which versions of it there are
  models.py versions mine --use 1                        back to one of them, or forward
  models.py remove mine                                  with all versions

With --json it writes what it does to the standard output, one JSON object a line, for other programs.

A model is added when a worker has loaded it and cut a sample; until then nothing changes. What is replaced or removed
finishes the photos that it has. Models that were added, and the default, are there again when the server starts anew.
Of a model's versions the one that is served, up to two others and what the server started with are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean

import httpx
import psutil
from rich.console import Console
from rich.table import Column, Table

import build_mar
from conversion import classes
from conversion.model import Passed, Wanted, model, unheard
from kept import Kept, clear_unfinished
from management import LOAD_S, Management, NoMemory, Refused, Unreachable, catalogue_of
from objectcut.catalogue import FIRST, NAME, Catalogue, Entry, serving_name, serving_path
from objectcut.errors import CutError
from objectcut.network import checkpoint
from objectcut.network.card import ModelError, read_card
from objectcut.network.weightfiles import locked
from objectcut.request.labels import Labels
from objectcut.worker.memory import bound_memory, free_bytes, worker_bytes
from rundir import ROOT, RunDir
from workercount import room

_SAMPLE = ROOT / "frontend" / "static" / "samples" / "cat.jpg"
_POLL_S = 0.3
_TOLD = 2000  # characters of what a check found
_AT_WORK = 0.02  # share of a core that a worker with a photo takes at least
_QUIET_S = 3.0  # without a photo, before a model's last worker goes
console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Done:
    """A change that was made: the name of the model, and words for people."""

    model: str
    words: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port of the server")
    parser.add_argument("--json", action="store_true", help="tell other programs what happens")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|check|add|default|versions|remove")
    verbs.add_parser("list", help="all models, the default first")
    for verb, what in (("check", "say what a file is"), ("add", "add or replace a model")):
        own = verbs.add_parser(verb, help=what)
        own.add_argument("file", type=Path, help="model file, or a checkpoint as convert.py takes it")
        own.add_argument("--name", help="of the model (default: that in the file, else of the file)")
        own.add_argument("--classes", nargs="+", default=[], metavar="NAME", help="as for convert.py")
    for verb, what in (
        ("default", "choose what requests get that name no model"),
        ("versions", "list the versions of a model, or serve another one"),
        ("remove", "take a model away"),
    ):
        own = verbs.add_parser(verb, help=what)
        own.add_argument("name", help="of the model")
        if verb == "versions":
            own.add_argument("--use", type=int, metavar="VERSION", help="serve this one")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as Ctrl-C: what was begun is taken back
    run = RunDir.of(options.port)
    try:
        if options.verb == "check":
            _check(options)
        elif options.verb == "list":
            show(run)
        elif options.verb == "versions" and options.use is None:
            show_versions(run, options.name)
        else:
            with locked(run.path, "models"):
                done = _change(options, run)
            if options.json:
                _tell(done=done.words, model=done.model)
            else:
                console.print(done.words)
    except (Refused, CutError, ModelError, MemoryError, Unreachable, RuntimeError, OSError, httpx.HTTPError) as error:
        if options.json:
            _tell(refused=_words(error), because=_cause(error))
        else:
            console.print(_words(error), style="red")
        return 1
    return 0


def _change(options: argparse.Namespace, run: RunDir) -> Done:
    with suppress(Unreachable):  # the change itself says so
        _tidy(run)
    if options.verb == "add":
        wanted = Wanted(options.name, classes.from_words(options.classes))
        return add(run, options.file, wanted, _passed if options.json else unheard)
    if options.verb == "versions":
        return use(run, options.name, options.use)
    return (choose_default if options.verb == "default" else remove)(run, options.name)


def _tidy(run: RunDir) -> None:
    """Take away what a change left that was killed: files, and versions that nobody can ask for."""
    clear_unfinished(run.added)
    management, listed = Management(run), {each.path for each in catalogue_of(run).entries}
    for served_as in management.models():
        versions = [serving_path(served_as, version) for version in management.versions(served_as)]
        for path in sorted(versions, key=lambda each: each in listed):
            if path not in listed:
                management.unregister(path)


def _words(error: Exception) -> str:
    return "the file needs more memory than there is" if isinstance(error, MemoryError) else str(error)


def _passed(check: str, found: str) -> None:
    _tell(passed=check, found=found if len(found) <= _TOLD else f"{found[:_TOLD]} ...")


def _tell(**facts: str) -> None:
    print(json.dumps(facts), flush=True)


def _cause(error: Exception) -> str:
    """Return what is in the way: `memory`, the `server`, or the `request` itself."""
    if isinstance(error, NoMemory):
        return "memory"
    return "request" if isinstance(error, Refused | CutError | ModelError | MemoryError) else "server"


def _check(options: argparse.Namespace) -> None:
    _, card, origin = model(options.file, Wanted(options.name, classes.from_words(options.classes)))
    console.print(f"{options.file.name} is {card.architecture}, from {origin}, and would be called '{card.name}'.")
    console.print(f"{len(card.classes) - 1} classes: {', '.join(card.classes[1:])}")
    console.print(f"It can be added: a worker needs about {worker_bytes(options.file.stat().st_size) / 1e6:.0f} MB.")


def show(run: RunDir) -> None:
    """Print a table of the models: size of the file, and the mean IoU of the cut-outs that its card tells of."""
    management = Management(run)
    table = Table(Column("model", overflow="fold"), "names", Column("architecture", overflow="fold"))
    for head in ("MB", "IoU", "workers", "default"):
        table.add_column(head)
    for place, entry in enumerate(catalogue_of(run).entries):
        card = entry.card
        ready = sum(worker["status"] == "READY" for worker in management.workers(entry.path))
        count = str(len(entry.names))
        default = "" if place else "yes"
        size = f"{entry.file.stat().st_size / 1e6:.0f}" if entry.file.exists() else "gone"
        table.add_row(card.name, count, card.architecture, size, _measured(entry), str(ready), default)
    Console(markup=False, highlight=False, soft_wrap=True).print(table)


def _measured(entry: Entry) -> str:
    figures = entry.card.facts.get("cut_outs")
    listed = figures if isinstance(figures, dict) else {}
    known = [
        listed[name]["iou"] for name in entry.names if isinstance(listed.get(name), dict) and "iou" in listed[name]
    ]
    return f"{mean(known):.2f}" if known else ""


def show_versions(run: RunDir, name: str) -> None:
    """Print a table of a model's versions: the one that is served, and those that are kept beside it."""
    entry = catalogue_of(run).get(name)
    table = Table("version", Column("added", overflow="fold"), "classes")
    for head in ("architecture", "sha256"):
        table.add_column(head, overflow="fold")
    table.add_column("served")
    for version, file in sorted({**Kept(run.added, name).files(), entry.version: entry.file}.items()):
        served = "yes" if version == entry.version else ""
        table.add_row(str(version), *_facts(run, file.resolve()), served)
    Console(markup=False, highlight=False, soft_wrap=True).print(table)


def _facts(run: RunDir, file: Path) -> tuple[str, str, str, str]:
    """Return when a file was added, how many classes it has, its architecture and its checksum."""
    added = "at the start"
    if file.is_relative_to(run.added.resolve()):
        added = datetime.fromtimestamp(file.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M")
    try:
        card = read_card(file)
    except ModelError as error:
        return added, "", str(error), ""
    digest = hashlib.sha256()
    with file.open("rb") as weights:
        while chunk := weights.read(1 << 20):
            digest.update(chunk)
    return added, str(len(Labels.of(card.classes, card.unlisted).names)), card.architecture, digest.hexdigest()[:12]


def add(run: RunDir, file: Path, wanted: Wanted, passed: Passed = unheard) -> Done:
    """Add a model, or put it in the place of the one that has its name, and return what was done.

    Args:
        run: of the server.
        file: as `conversion.model.model` takes it.
        wanted: likewise.
        passed: is told of the checks of `model`, then of `memory`, `archive`, `load` and `sample`.

    Raises:
        ModelError: the file is none that can be served.
        Refused: there is no memory for it, or it does not cut.
    """
    with console.status(f"Checking {file.name} ..."):
        weights, card, _ = model(file, wanted, passed)
    management, catalogue = Management(run), catalogue_of(run)
    if not NAME.fullmatch(card.name):
        raise Refused(f"'{card.name}' can be no file's name; give it another name")
    needs = worker_bytes(sum(tensor.nbytes for tensor in weights.values()))
    before, kept = catalogue.find(card.name), Kept(run.added, card.name)
    version = 1 + max((*kept.files(), before.version if before else 0))
    served_as = before.served_as if before else serving_name(card.name, {each.served_as for each in catalogue.entries})
    entry = Entry(card, needs, kept.file(version).resolve(), version, served_as)
    run.added.mkdir(exist_ok=True)
    checkpoint.write(weights, card, kept.new)
    try:
        workers = _workers(management, before)
        _start(run, management, entry, kept.new, workers, passed)
    except BaseException:  # Ctrl-C too
        kept.new.unlink()
        raise
    kept.replace(before, version)
    _switch(run, management, catalogue, entry, workers)
    how = f"replaced, version {version}" if before else "added"
    return Done(card.name, f"{card.name}: {how}, {len(entry.names)} classes")


def use(run: RunDir, name: str, version: int) -> Done:
    """Serve another version of a model that is kept, and return what was done.

    Raises:
        ModelError: its file is missing or damaged.
        Refused: there is no such version, no memory for it, or it does not cut.
    """
    management, catalogue = Management(run), catalogue_of(run)
    before, kept = catalogue.get(name), Kept(run.added, name)
    files = kept.files()
    if version == before.version:
        raise Refused(f"version {version} of {name} is served already")
    if version not in files:
        there = ", ".join(str(each) for each in sorted({*files, before.version}))
        raise Refused(f"version {version} of {name} is not kept; there are {there}")
    file = files[version].resolve()
    card = read_card(file)
    if card.name != name:  # it is no copy of ours
        raise Refused(f"{file} holds another model by now, {card.name}")
    entry = replace(before, card=card, needs=worker_bytes(file.stat().st_size), file=file, version=version)
    workers = _workers(management, before)
    _start(run, management, entry, file, workers)
    kept.choose(version)
    _switch(run, management, catalogue, entry, workers)
    return Done(name, f"{name}: version {version} is served, {len(entry.names)} classes")


def choose_default(run: RunDir, name: str) -> Done:
    """Make a model the one that requests get that name none; it is loaded first. Return what was done.

    It gets as many workers as the former default has.
    """
    management, catalogue = Management(run), catalogue_of(run)
    entry = catalogue.get(name)
    workers = _workers(management, catalogue.entries[0])
    _load(management, entry, workers)
    run.default.write_text(f"{name}\n")
    Catalogue((entry, *(each for each in catalogue.entries if each is not entry))).write(run.models)
    _load(management, entry, workers)  # the gateway may have put it to sleep before it knew
    return Done(name, f"{name} answers requests that name no model")


def remove(run: RunDir, name: str) -> Done:
    """Take a model away, when it has answered what it has, and return what was done. It must not be the default.

    Raises:
        Refused: it is.
    """
    management, catalogue = Management(run), catalogue_of(run)
    entry = catalogue.get(name)
    if entry is catalogue.entries[0]:
        raise Refused(f"'{name}' is the default. Make another model the default first: models.py default NAME")
    Catalogue(tuple(each for each in catalogue.entries if each is not entry)).write(run.models)
    Kept(run.added, name).remove()
    for version in sorted(management.versions(entry.served_as), key=lambda each: each == entry.version):
        _retire(management, replace(entry, version=version))
    _discard(run, entry)
    if entry.served_as != FIRST:
        for suffix in (".mar", ".inputs"):  # of an earlier start
            build_mar.archive_of(entry.served_as, run.archives).with_suffix(suffix).unlink(missing_ok=True)
    return Done(name, f"{name}: removed")


def _workers(management: Management, before: Entry | None) -> int:
    """Return how many workers what takes a model's place should have."""
    if before is None or before.version not in management.versions(before.served_as):
        return 1
    return max(management.state(before.path).wanted, 1)


def _start(
    run: RunDir, management: Management, entry: Entry, file: Path, workers: int, passed: Passed = unheard
) -> None:
    """Have workers of a new version, which has cut a sample; of one that does not, nothing stays.

    Raises:
        Refused: there is no memory for it, or it does not cut.
    """
    name, needs, free = entry.card.name, entry.needs, free_bytes()
    if free < needs:
        raise NoMemory(f"a worker with {name} needs about {needs / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free")
    passed("memory", f"{needs / 1e6:.0f} MB, of {free / 1e6:.0f} MB that are free")
    if entry.version in management.versions(entry.served_as):  # an earlier change was interrupted before its end
        management.unregister(entry.path)
    try:
        with console.status(f"Building the archive of {name} ..."):
            build_mar.build(file, run.store / f"{entry.served_as}.mar", entry.version, checked=True)
        passed("archive", "")
        management.register(entry.served_as)
    finally:
        _discard(run, entry)
    try:
        _load(management, entry)
        passed("load", "")
        _cut_sample(management, entry)
        passed("sample", "")
        _load(management, entry, workers)
    except BaseException:  # Ctrl-C too
        management.unregister(entry.path)
        raise


def _switch(run: RunDir, management: Management, catalogue: Catalogue, entry: Entry, workers: int) -> None:
    """Give requests to a version that was started, and end the others of the model when they have answered the last.

    Then there is memory for those of its workers that there was none for before.
    """
    name = entry.card.name
    if catalogue.find(name) is None:
        entries = (*catalogue.entries, entry)
    else:
        entries = tuple(entry if each.card.name == name else each for each in catalogue.entries)
    Catalogue(entries).write(run.models)
    management.set_default(entry.path)
    for version in management.versions(entry.served_as):
        if version != entry.version:
            _retire(management, replace(entry, version=version))
    there = management.state(entry.path).wanted
    if 0 < there < workers:  # else it is complete, or sleeps already
        management.scale(min(workers, there + room(entry)), entry.path)


def _load(management: Management, entry: Entry, workers: int = 1) -> None:
    """Have so many workers of the model, or as many as there is memory for, but one at least; wait for them."""
    ready = management.state(entry.path).ready
    needed = min(workers, max(ready + room(entry), 1))
    if ready >= needed:
        return
    management.scale(needed, entry.path)
    with console.status(f"Loading {entry.card.name} ..."):
        _wait(
            lambda: management.state(entry.path).ready >= needed,
            f"'{entry.card.name}' was not loaded in {LOAD_S:.0f} s; the server's logs say why",
        )


def _cut_sample(management: Management, entry: Entry) -> None:
    """Have the new worker cut a photo, whatever it finds there."""
    reply = management.cut(entry.path, _SAMPLE.read_bytes())
    if reply.status_code not in {200, 422} or "x-model" not in reply.headers:
        raise Refused(f"'{entry.card.name}' was loaded but does not cut: {reply.text[:300]}")


def _retire(management: Management, entry: Entry) -> None:
    """Unregister a version that gets no new requests, once it has answered the last."""
    with console.status(f"Waiting for the last photos of {entry.card.name} ..."):
        quiet, worked = time.monotonic(), _seconds_of_work(management, entry)
        deadline = quiet + LOAD_S
        while time.monotonic() < min(deadline, quiet + _QUIET_S):
            time.sleep(_POLL_S)
            now = _seconds_of_work(management, entry)
            # TorchServe counts what waits for a worker, and not what one has in hand.
            if management.waiting(entry.path) or now - worked > _AT_WORK * _POLL_S:
                quiet = time.monotonic()
            worked = now
        management.scale(0, entry.path)
        _wait(lambda: not management.workers(entry.path), "its worker did not end")
    management.unregister(entry.path)


def _seconds_of_work(management: Management, entry: Entry) -> float:
    """Return the processor time that the version's workers have taken, s; of those on another machine, 0."""
    seconds = 0.0
    for worker in management.workers(entry.path):
        with suppress(psutil.Error):
            seconds += sum(psutil.Process(int(worker["pid"])).cpu_times()[:2])
    return seconds


def _discard(run: RunDir, entry: Entry) -> None:
    for suffix in (".mar", ".inputs"):
        (run.store / f"{entry.served_as}{suffix}").unlink(missing_ok=True)


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + LOAD_S
    while not condition():
        if time.monotonic() > deadline:
            raise Refused(otherwise)
        time.sleep(_POLL_S)


if __name__ == "__main__":
    bound_memory()
    sys.exit(main())
