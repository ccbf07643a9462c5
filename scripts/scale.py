#!/usr/bin/env python3
"""Show the model workers of a running ObjectCut, or change how many there are while it goes on working."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from management import LOAD_S, Management, Unreachable
from objectcut.catalogue import Catalogue
from objectcut.errors import CutError
from rundir import RunDir

console = Console(markup=False, highlight=False, soft_wrap=True)


def wait(management: Management, workers: int, path: str) -> bool:
    """Wait until exactly this many workers are ready; False when they are not in time."""
    deadline = time.monotonic() + LOAD_S
    with console.status("") as status:
        while time.monotonic() < deadline:
            states = [worker["status"] for worker in management.workers(path)]
            if states == ["READY"] * workers:
                return True
            status.update(f"{states.count('READY')} of {workers} workers ready ...")
            time.sleep(0.3)
    return False


def show(workers: list[dict[str, Any]]) -> None:
    """Print a table of the workers."""
    table = Table("worker", "status", "pid", "memory", "GPU")
    for worker in workers:
        pid = int(worker["pid"])
        try:
            memory = f"{psutil.Process(pid).memory_info().rss / 1e6:.0f} MB"
        except psutil.Error:  # it ended meanwhile
            memory = ""
        gpu = "yes" if worker["gpu"] else "no"
        table.add_row(str(worker["id"]), str(worker["status"]), str(pid), memory, gpu)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, help="how many there shall be; without it they are only shown")
    parser.add_argument("--model", default="", help="whose workers (default: those of the default model)")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port of the server")
    arguments = parser.parse_args()
    if arguments.workers is not None and arguments.workers < 1:
        parser.error("at least one worker is needed; stop the server to have none")
    run = RunDir.of(arguments.port)
    try:
        management = Management(run)
        path = Catalogue.read(run.models).get(arguments.model).path
        if arguments.workers is not None:
            management.scale(arguments.workers, path)
            if not wait(management, arguments.workers, path):
                console.print(f"Not all workers are ready after {LOAD_S:.0f} s; see {run.logs}", style="red")
                return 1
        show(management.workers(path))
    except (Unreachable, CutError) as error:
        console.print(str(error), style="red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
