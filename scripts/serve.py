#!/usr/bin/env python3
"""Start ObjectCut: build the archive, start TorchServe and the gateway, wait until a photo could be cut.

A part that dies is started again. Ctrl-C, the end of this program, or a part that dies over and over stops all of it.
Logs are kept in .run/<port>/logs/.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import textwrap
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType

from rich.console import Console

import build_mar
import kept
from objectcut.catalogue import Catalogue, Entry
from objectcut.network.card import ModelError
from objectcut.network.weightfiles import locked
from objectcut.request.labels import Labels
from objectcut.settings import Settings
from objectcut.worker.memory import free_bytes, worker_bytes
from parts import Gateway, TorchServe
from processes import FILES
from rundir import InUse, Ports, RunDir, is_free
from supervision import Failed, Part, keep_running, words
from tempfolder import temp_folder

console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Choice:
    """What the caller asked for."""

    parts: str
    host: str
    port: int
    model: str
    workers: int | None

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def serve(choice: Choice) -> None:
    """Run until stopped.

    Raises:
        Failed: it could not start, or a part died over and over.
        InUse: another server has this run folder.
        ModelError: the model cannot be had or used.
    """
    try:
        free = choice.parts == "torchserve" or is_free(choice.host, choice.port)
    except OSError as error:
        raise Failed(f"cannot listen on {choice.host}, port {choice.port}: {error.strerror}") from error
    if not free:
        raise Failed(
            f"port {choice.port} is in use. Stop what runs there, or choose another: make serve PORT={choice.port + 1}"
        )
    try:
        Settings.from_environment()
    except ValueError as error:
        raise Failed(f"a setting is wrong: {error}") from error
    for file in FILES:
        if not file.exists():
            raise Failed(f"{file} is missing")
    run = RunDir.of(choice.port)
    with ExitStack() as stack:
        for part in ("torchserve", "gateway") if choice.parts == "all" else (choice.parts,):
            stack.enter_context(run.locked(part))
        run.logs.mkdir(exist_ok=True)
        parts: list[Part] = []
        models: list[build_mar.Chosen] = []
        if choice.parts != "gateway":
            temp = stack.enter_context(temp_folder())
            stack.callback(run.key_file.unlink, missing_ok=True)  # that of a server that was killed too
            run.workers.unlink(missing_ok=True)  # it was set for the load of that time
            models = _listed(choice.model, run)
            address = choice.address if choice.parts == "all" else None
            parts.append(TorchServe(run, temp, choice.workers, address, console))
        if choice.parts != "torchserve":
            parts.append(Gateway(run, choice.host, choice.port, choice.address, console))
        keep_running(parts, console, lambda: _greet(choice, run, models))


def _greet(choice: Choice, run: RunDir, models: list[build_mar.Chosen]) -> None:
    if choice.parts == "torchserve":
        console.print("TorchServe is ready.")
    if choice.parts == "all":
        console.print(f"ObjectCut is ready on {choice.address}", style="bold green")
        for place, model in enumerate(models):
            classes = len(Labels.of(model.card.classes, model.card.unlisted).names)
            role = "Model" if not place else "On request"
            console.print(f"{role}: {model.card.name}, {classes} classes. {model.remark or ''}".rstrip())
        console.print(
            f"TorchServe: http://127.0.0.1:{(run.ports() or Ports()).inference}, keys and logs in {run.path}, "
            f"Java's heap at most {Settings.from_environment().java_heap_mb} MB"
        )
    console.print("Ctrl-C stops it.")


def _listed(names: str, run: RunDir) -> list[build_mar.Chosen]:
    """List the models in the run folder, and return them.

    Raises:
        ModelError: a model cannot be used, or there is no memory for the first one.
    """
    with locked(build_mar.STORE, "archive"):
        chosen = _with_added(build_mar.choose_all(names, console), run)
    catalogue = Catalogue.of(
        Entry(each.card, worker_bytes(each.weights.stat().st_size), each.weights.resolve(), each.version)
        for each in chosen
    )
    needed, free = catalogue.entries[0].needs, free_bytes()
    if free < needed:
        raise ModelError(
            f"the model {chosen[0].card.name} needs about {needed / 1e6:.0f} MB of memory, and {free / 1e6:.0f} MB "
            "are free. Stop another program, or take a smaller model: MODEL=bundled"
        )
    catalogue.write(run.models)
    return chosen


def _with_added(chosen: list[build_mar.Chosen], run: RunDir) -> list[build_mar.Chosen]:
    """Return the models with those that scripts/models.py added, and the default that it chose first."""
    added = kept.served(run.added)
    names = {each.card.name for each in added}
    together = [*(each for each in chosen if each.card.name not in names), *added]
    default = run.default.read_text().strip() if run.default.exists() else ""
    return sorted(together, key=lambda each: each.card.name != default)  # stable: the others stay as they are


def _settings() -> str:
    """Return every environment variable with its default and meaning."""
    lines = ["environment variables:"]
    for variable, default, meaning in Settings.described():
        lines += [
            f"  {variable}{f'={default}' if default else ''}",
            textwrap.indent(textwrap.fill(meaning, 90), " " * 6),
        ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_settings(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    env = os.environ
    parser.add_argument(
        "parts", nargs="?", choices=("all", "torchserve", "gateway"), default="all", help="what to run (default: all)"
    )
    parser.add_argument("--host", default=env.get("HOST") or "127.0.0.1", help="address to listen on (HOST)")
    parser.add_argument("--port", type=int, default=env.get("PORT") or 8000, help="public port (PORT)")
    parser.add_argument(
        "--model",
        default=env.get("MODEL") or "auto",
        help="auto, coco, coco-v1, bundled, a file or a folder; several with commas, the default first (MODEL)",
    )
    parser.add_argument("--workers", type=int, default=env.get("WORKERS") or None, help="model workers (WORKERS)")
    choice = Choice(**vars(parser.parse_args()))
    if choice.workers is not None and choice.workers < 1:
        parser.error("there must be at least one worker")
    if not 1 <= choice.port <= 65535:
        parser.error("a port is a number from 1 to 65535")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)  # impatience must not leave half of it running
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup the server outlives its terminal
        signal.signal(signal.SIGHUP, stop)
    try:
        serve(choice)
    except KeyboardInterrupt:
        console.print("Stopped.")
    except (Failed, InUse, ModelError, RuntimeError, OSError) as error:
        console.print(f"ObjectCut stopped: {words(error)}", style="red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
