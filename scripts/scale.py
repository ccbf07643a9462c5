#!/usr/bin/env python3
"""Show the model workers of a running ObjectCut, or change how many there are while it goes on working."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from objectcut.catalogue import FIRST, Catalogue
from rundir import RunDir

_START_S = 300.0
_TRIES, _AGAIN_S = 20, 0.2
console = Console(markup=False, highlight=False, soft_wrap=True)


class Unreachable(Exception):
    """No running server was found; the message says where it was looked for."""


class Management:
    """TorchServe's management API, found through the files that scripts/serve.py leaves in its run folder."""

    def __init__(self, run: RunDir) -> None:
        ports = run.ports()
        try:
            keys = json.loads(run.key_file.read_bytes())
            key, self._inference_key = (keys[name]["key"] for name in ("management", "inference"))
        except (OSError, ValueError, KeyError) as error:
            raise Unreachable(f"No running server left its key in {run.path}. Start one with `make serve`.") from error
        if ports is None:
            raise Unreachable(f"{run.path} does not name TorchServe's ports. Start the server anew.")
        self._inference = f"http://127.0.0.1:{ports.inference}"
        self._management = f"http://127.0.0.1:{ports.management}"
        self._headers = {"Authorization": f"Bearer {key}"}

    def workers(self, model: str = FIRST) -> list[dict[str, Any]]:
        """Return every worker's id, status, pid, memory and GPU, as TorchServe tells them."""
        return list(self._call("GET", f"/models/{model}").json()[0]["workers"])

    def scale(self, workers: int, model: str = FIRST) -> None:
        """Ask for this many workers. Returns at once; a worker that goes finishes what it has in hand first."""
        self._call("PUT", f"/models/{model}", min_worker=workers, max_worker=workers)

    def waiting(self, model: str) -> int:
        """Return how many photos TorchServe has for the model, whether a worker has them or not."""
        return int(self._call("GET", f"/models/{model}").json()[0]["jobQueueStatus"]["pendingRequests"])

    def cut(self, model: str, photo: bytes) -> httpx.Response:
        """Have a worker of the model cut everything that it finds in a photo."""
        return httpx.post(
            f"{self._inference}/predictions/{model}",
            headers={"Authorization": f"Bearer {self._inference_key}"},
            files={"image_file": photo},
            data={"min_score": "0"},
            timeout=_START_S,
            trust_env=False,
        )

    def unregister(self, model: str) -> None:
        """Make TorchServe forget a model."""
        self._call("DELETE", f"/models/{model}")

    def register(self, model: str) -> None:
        """Make TorchServe know the archive of this name in its store, without a worker."""
        self._call("POST", "/models", url=f"{model}.mar", model_name=model, initial_workers=0)

    def _call(self, method: str, path: str, **params: int | str) -> httpx.Response:
        for _ in range(_TRIES):
            try:
                reply = httpx.request(
                    method,
                    f"{self._management}{path}",
                    params=params,
                    headers=self._headers,
                    timeout=_START_S,
                    trust_env=False,
                )
            except httpx.TransportError as error:
                raise Unreachable(f"TorchServe does not answer on {self._management}.") from error
            # TorchServe lists its workers while other threads of it start and stop some, and trips over that. The
            # calls made here can be repeated: they read, name a number, or are refused the second time.
            if "ConcurrentModificationException" not in reply.text:
                break
            time.sleep(_AGAIN_S)
        if reply.is_error:
            raise Unreachable(f"TorchServe refused with status {reply.status_code}: {reply.text.strip()}")
        return reply


def _served_as(run: RunDir, name: str) -> str:
    """Return TorchServe's name for a model, for the default one without a name."""
    catalogue = Catalogue.read(run.models)
    entry = catalogue.find(name)
    if entry is None:
        names = ", ".join(each.card.name for each in catalogue.entries)
        raise Unreachable(f"There is no model '{name}'; there are {names}.")
    return entry.served_as


def wait(management: Management, workers: int, model: str) -> bool:
    """Wait until exactly this many workers are ready; False when they are not in time."""
    deadline = time.monotonic() + _START_S
    with console.status("") as status:
        while time.monotonic() < deadline:
            states = [worker["status"] for worker in management.workers(model)]
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
        model = _served_as(run, arguments.model)
        if arguments.workers is not None:
            management.scale(arguments.workers, model)
            if not wait(management, arguments.workers, model):
                console.print(f"Not all workers are ready after {_START_S:.0f} s; see {run.logs}", style="red")
                return 1
        show(management.workers(model))
    except Unreachable as error:
        console.print(str(error), style="red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
