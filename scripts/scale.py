#!/usr/bin/env python3
"""Show the workers of a running ObjectCut, and change how many there are, or what they serve, while it goes on working.

  scale.py show                          workers, devices, memory, queue, batches and photos per second, until Ctrl-C
  scale.py set 2                         have two workers
  scale.py auto --least 1 --most 4       have as many as the load needs, until Ctrl-C
  scale.py versions                      the versions of the model
  scale.py versions --add new.safetensors      load a new one beside it, switch to it, and let the old one finish
  scale.py versions --use 1              the same with one that is kept

`versions` is done by models.py. Several GPUs get workers in turn: have a multiple of their number.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import psutil
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from autoscale import Rule, decide
from management import Management, Refused, State, Unreachable, catalogue_of
from objectcut.catalogue import Entry
from objectcut.errors import CutError
from rundir import RunDir
from workercount import change
from workload import Counted, Workload, between, look

_SHOW_S = 2.0  # between two looks of `show`
_GPU, _GPU_MIB = re.compile(r"gpuId::(\d+)"), re.compile(r"memory\.used \[MiB\]::(\d+)")  # nvidia-smi's words
_NO_MEMORY_S = 60.0  # after which there may be some
console = Console(markup=False, highlight=False, soft_wrap=True)


def device(worker: dict[str, Any]) -> str:
    """Return where a worker runs, as far as TorchServe knows."""
    found = _GPU.search(str(worker.get("gpuUsage")))
    return f"GPU {found[1]}" if found else "GPU" if worker["gpu"] else "CPU"


def workers_table(workers: list[dict[str, Any]]) -> Table:
    """Return a table of the workers."""
    table = Table("worker", "status", "device", "GPU memory", "pid", "memory")
    for worker in workers:
        pid = int(worker["pid"])
        try:
            memory = f"{psutil.Process(pid).memory_info().rss / 1e6:.0f} MB"
        except psutil.Error:  # it ended meanwhile, or runs in another container
            memory = ""
        found = _GPU_MIB.search(str(worker.get("gpuUsage")))
        taken = f"{found[1]} MiB" if found else ""
        table.add_row(str(worker["id"]), str(worker["status"]), device(worker), taken, str(pid), memory)
    return table


def load_table(state: State, now: Counted, load: Workload | None) -> Table:
    """Return a table of what the workers have to do; what needs two looks is empty without `load`."""
    table = Table("waiting", "waited, s", "photos/s", "batch", "at most", "busy")
    told = [""] * 4
    if load is not None:
        batch = f"{load.photos / load.batches:.1f}" if load.batches else ""
        busy = f"{min(load.busy / state.ready, 1):.0%}" if state.ready else ""
        told = [f"{load.waited_s:.2f}", f"{load.photos / load.seconds:.1f}", batch, busy]
    waited, rate, batch, busy = told
    table.add_row(str(state.waiting + now.waiting), waited, rate, batch, str(state.batch), busy)
    return table


def _entry(run: RunDir, name: str) -> Entry:
    """Return the model that is served under a name now: another version may be by the next time.

    Raises:
        CutError: there is none.
        Unreachable: as `catalogue_of`.
    """
    return catalogue_of(run).get(name)


def _looks(run: RunDir, name: str, every_s: float) -> Iterator[tuple[State, Counted, Workload | None]]:
    """Yield what is seen, again and again. The first time there is nothing to compare with.

    Raises:
        Unreachable: the server does not answer.
    """
    before = None
    while True:
        entry = _entry(run, name)
        state, now = Management(run).state(entry.path), look(run, entry.served_as)
        yield state, now, between(before, now) if before is not None else None
        before = now
        time.sleep(every_s)


def show(run: RunDir, name: str, once: bool) -> None:
    """Show the workers and what they have to do: for a person until Ctrl-C, else once.

    Raises:
        CutError, Unreachable: as `_entry` and `_looks`.
    """
    looks = (
        Group(_entry(run, name).card.name, workers_table(state.workers), load_table(state, now, load))
        for state, now, load in _looks(run, name, _SHOW_S)
    )
    first = next(looks)
    if once or not console.is_terminal:
        console.print(next(looks))
        return
    with Live(first, console=console, auto_refresh=False) as live, suppress(KeyboardInterrupt):
        for each in looks:
            live.update(each, refresh=True)


def auto(run: RunDir, name: str, rule: Rule, every_s: float) -> NoReturn:
    """Have as many workers as the load needs, until Ctrl-C. The number stays then.

    Args:
        run: of the server.
        name: of the model; empty for the default.
        rule: when to change the number.
        every_s: seconds between two looks.

    Raises:
        CutError: there is no such model.
        Unreachable: the server does not run yet. One that is started again is waited for.
    """
    Management(run).state(_entry(run, name).path)
    told = ""
    while True:
        pause = every_s
        try:
            workers, wanted, load = _change_needed(run, name, rule, every_s)
            change(run, name, wanted)
            said, pause = f"{workers} -> {wanted} workers: {_words(load, workers)}", 0.0
        except Unreachable as error:
            said = str(error)
        except Refused as error:
            said, pause = str(error), _NO_MEMORY_S
        if said != told:  # a server that is away is away at each look
            console.print(f"{datetime.now().astimezone():%H:%M:%S}  {said}")
        told = said
        time.sleep(pause)


def _change_needed(run: RunDir, name: str, rule: Rule, every_s: float) -> tuple[int, int, Workload]:
    """Look until another number of workers is needed; return that there is, that there should be, and the last look.

    Raises:
        CutError, Unreachable: as `_entry` and `_looks`.
    """
    workers, seen = 0, list[Workload]()
    for state, _, load in _looks(run, name, every_s):
        if load is None or not workers == state.wanted == state.ready:
            # Started anew, or being changed: what was seen before tells nothing of what is now.
            workers, seen = state.wanted, []
        elif workers:  # none while one that hangs is replaced
            seen = [*seen, load]
            gpus = len({device(each) for each in state.workers})
            wanted = decide(workers, seen, replace(rule, step=gpus))
            if wanted != workers:
                return workers, wanted, load
    raise AssertionError("looking does not end")


def _words(load: Workload, workers: int) -> str:
    busy = min(load.busy / workers, 1)
    return f"{load.waited_s:.2f} s waited, {busy:.0%} busy, {load.photos / load.seconds:.1f} photos/s"


def versions(options: argparse.Namespace, name: str) -> None:
    """Become models.py, which has one way to change what is served."""
    words = ["add", str(options.add), "--name", name] if options.add else ["versions", name]
    if options.use is not None:
        words += ["--use", str(options.use)]
    program = str(Path(__file__).with_name("models.py"))
    os.execv(sys.executable, [sys.executable, program, "--port", str(options.port), *words])  # noqa: S606  # ours


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="whose workers (default: those of the default model)")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port of the server")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="show|set|auto|versions")
    own = verbs.add_parser("show", help="workers, and what they have to do")
    own.add_argument("--once", action="store_true", help="also where a person looks")
    own = verbs.add_parser("set", help="have this many workers")
    own.add_argument("workers", type=int)
    own = verbs.add_parser("auto", help="have as many workers as the load needs")
    own.add_argument("--least", type=int, default=1, help="workers at least (default: 1)")
    own.add_argument("--most", type=int, required=True, help="workers at most")
    own.add_argument("--wait", type=float, default=Rule.wait_s, help="s that photos may wait (default: %(default)s)")
    own.add_argument("--every", type=float, default=5.0, help="s between two looks (default: %(default)s)")
    own = verbs.add_parser("versions", help="list the versions of the model, or serve another one")
    other = own.add_mutually_exclusive_group()
    other.add_argument("--add", type=Path, metavar="FILE", help="serve this model file in its place")
    other.add_argument("--use", type=int, metavar="VERSION", help="serve this one, which is kept")
    options = parser.parse_args()
    if options.verb == "set" and options.workers < 1:
        parser.error("at least one worker is needed; stop the server to have none")
    if options.verb == "auto" and not (1 <= options.least <= options.most and options.wait > 0 and options.every > 0):
        parser.error("--least is 1 or more, --most no less than that; --wait and --every are more than 0 s")
    return options


def main() -> int:
    options = _parsed()
    run = RunDir.of(options.port)
    try:
        if options.verb == "show":
            show(run, options.model, options.once)
        elif options.verb == "set":
            with console.status(f"Waiting for {options.workers} workers ..."):
                change(run, options.model, options.workers)
            console.print(workers_table(Management(run).workers(_entry(run, options.model).path)))
        elif options.verb == "auto":
            with suppress(KeyboardInterrupt):
                auto(run, options.model, Rule(options.least, options.most, wait_s=options.wait), options.every)
        else:
            versions(options, _entry(run, options.model).card.name)
    except (Unreachable, Refused, CutError) as error:
        console.print(str(error), style="red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
