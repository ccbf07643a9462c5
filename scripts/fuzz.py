#!/usr/bin/env python3
"""Send damaged files and odd requests to a server of its own, and tell what it could not stand.

`make fuzz N=1000`. Half of the inputs are image files of every accepted kind with damage done to them, half are random
calls that schemathesis makes from `/openapi.json`. With `--stage` all are files, and the stage that decodes them runs
without a server. The same seed makes the same inputs. Failed: an answer of 5xx, one that `/openapi.json` does not
describe, no answer, or a process that died. Each input that caused one is kept in a folder. With `--coverage` atheris
chooses the files to go on from, those that reach code that was not reached before, and keeps them for the next run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from statistics import quantiles

import httpx
from rich.console import Console
from rich.table import Table

from fuzzing.calls import AnyCase, Calls, error_code, objection
from fuzzing.files import damaged, originals
from launch import Failed, Server, running
from liveparts import WORKER, parts
from objectcut.errors import CutError
from objectcut.photo import decode
from objectcut.settings import Settings
from rundir import ROOT

SLOW_S = 2.0
_ANSWER_S = 150.0  # beyond all that the server allows a cut
_TELL_S = 10.0
_LONGEST_ANSWER = 200  # characters that are told of it
_PREVIEW_SIDE = 64  # px, so that large JPEGs are read both ways
_EXPECTED = {(502, "url_unreachable")}  # an answer about somebody else's server
Try = Callable[[int, Random], "Outcome"]
console = Console(markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        sent: the kind of input.
        answer: status and code.
        seconds: that it took.
        request: to be kept when it failed.
        failed: whether it must not be so.
    """

    sent: str
    answer: str
    seconds: float
    request: bytes = field(repr=False)
    failed: bool = False


class Stage:
    """The stage that decodes photos, in a process of its own that a decoder may bring down."""

    def __init__(self) -> None:
        self._files = originals()
        self._whole = list(self._files.values())
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._here, there = self._context.Pipe()
        self._process = self._context.Process(target=_decode_all, args=(there,), daemon=True)
        self._process.start()
        there.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._here.close()

    def __call__(self, _number: int, rng: Random) -> Outcome:
        """Decode a damaged file."""
        kind = rng.choice(list(self._files))
        data = damaged(self._files[kind], self._whole, rng)
        start = time.perf_counter()
        try:
            self._here.send_bytes(data)
            answer = self._here.recv() if self._here.poll(_ANSWER_S) else "no answer"
        except (EOFError, OSError):
            self._process.join()
            answer = f"the process died: {self._process.exitcode}"
        seconds = time.perf_counter() - start
        failed = not answer.startswith(("200", "4"))
        if answer.startswith(("no", "the")):
            self.close()
            self._start()
        return Outcome(kind, answer, seconds, data, failed)


def _decode_all(inputs: Connection) -> None:
    """Decode what comes, and answer as the handler would."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libraries warn of almost every file
    settings = Settings()
    while True:
        try:
            data = inputs.recv_bytes()
        except EOFError:
            return
        try:
            decode.preview(data, settings, _PREVIEW_SIDE)
            decode.load(data, settings)
            answer = "200"
        except CutError as error:
            answer = f"{error.status} {error.code}"
        except Exception as error:
            answer = f"500 {type(error).__name__}: {error}"[:_LONGEST_ANSWER]
        inputs.send(answer)


class Served:
    """A server, asked for one thing after the other, so that what kills a worker is known."""

    def __init__(self, server: Server, seed: int) -> None:
        self._client = httpx.Client(base_url=server.url, timeout=_ANSWER_S, trust_env=False)
        self._run = server.run
        self._workers = self._alive()
        self._files = originals()
        self._whole = list(self._files.values())
        description = self._client.get("/openapi.json").raise_for_status().json()
        self._calls = Calls(description, self._whole, Random(seed))  # noqa: S311  # repeatable, not secret
        self._cases = self._calls.drawn()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _alive(self) -> set[int]:
        return {process.pid for process in parts(self._run).get(WORKER, ())}

    def __call__(self, number: int, rng: Random) -> Outcome:
        """Send a damaged file, or a random request."""
        if number % 2:
            case = next(self._cases)
            sent = case.operation.label
            request = self._calls.request(self._client, case, rng)
        else:
            case = self._calls.cut()
            sent = rng.choice(list(self._files))
            data = damaged(self._files[sent], self._whole, rng)
            options = {"format": rng.choice(("png", "webp", "jpeg")), "edges": rng.choice(("smooth", "sharp", "raw"))}
            request = self._client.build_request("POST", "/cut", files={"image_file": data}, data=options)
        start = time.perf_counter()
        answer, failed = self._answer(request, case)
        seconds = time.perf_counter() - start
        alive = self._alive()
        if not self._workers <= alive:
            answer, failed = f"{answer}, and a worker died", True
        self._workers = alive
        return Outcome(sent, answer, seconds, _as_text(request), failed)

    def _answer(self, request: httpx.Request, case: AnyCase) -> tuple[str, bool]:
        try:
            reply = self._client.send(request)
        except httpx.LocalProtocolError:
            return "not sent, as no HTTP header can hold it", False
        except httpx.HTTPError as error:
            return f"no answer: {type(error).__name__}", True
        if against := objection(case, reply):
            return f"{reply.status_code}, which is not described: {against}"[:_LONGEST_ANSWER], True
        if not reply.is_error:
            return str(reply.status_code), False
        try:
            code = error_code(reply.json())
        except (ValueError, LookupError, TypeError):
            return f"{reply.status_code}, not in the error shape", True
        return f"{reply.status_code} {code}", reply.is_server_error and (reply.status_code, code) not in _EXPECTED


def _as_text(request: httpx.Request) -> bytes:
    """The request as it is sent."""
    head = f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\n".encode()
    lines = [name + b": " + value + b"\r\n" for name, value in request.headers.raw]
    return b"".join((head, *lines, b"\r\n", request.read()))


@dataclass
class Found:
    """What became of all inputs; those that failed are kept in `folder`."""

    folder: Path
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        return sum(outcome.failed for outcome in self.outcomes)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome, and keep the input if it failed."""
        if outcome.failed:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / f"{len(self.outcomes):06}.request"
            file.write_bytes(outcome.request)
            file.with_suffix(".txt").write_text(f"{outcome.sent}: {outcome.answer}, {outcome.seconds:.2f} s\n")
            console.print(f"{outcome.sent}: {outcome.answer}; kept as {file}", style="red")
        self.outcomes.append(replace(outcome, request=b""))  # all of them would fill the memory

    def report(self) -> None:
        """Print how the inputs were answered."""
        table = Table("answer", "times", title="Answers", title_justify="left")
        for answer, count in Counter(outcome.answer for outcome in self.outcomes).most_common():
            table.add_row(answer, str(count))
        console.print(table)
        times = [outcome.seconds for outcome in self.outcomes]
        slow = [outcome for outcome in self.outcomes if outcome.seconds > SLOW_S]
        median, late = (quantiles(times, n=100, method="inclusive")[place] for place in (49, 98))
        console.print(
            f"{len(times)} inputs in {self.seconds:.0f} s, {len(times) / self.seconds:.1f} per second; "
            f"p50 {median:.3f} s, p99 {late:.2f} s, longest {max(times):.2f} s; {len(slow)} took over {SLOW_S:g} s"
        )
        for outcome in sorted(slow, key=lambda each: -each.seconds)[:5]:
            console.print(f"  {outcome.seconds:.1f} s: {outcome.sent}, {outcome.answer}")
        if self.failed:
            console.print(f"Failed: {self.failed} of {len(times)}; they are in {self.folder}.", style="red")
        else:
            console.print("Passed.", style="green")


def fuzz(attempt: Try, count: int, seed: int, found: Found) -> None:
    """Try so many inputs, or fewer after Ctrl-C.

    Each has random numbers of its own, so that a file can be made again without the others.
    """
    start = told = time.monotonic()
    with suppress(KeyboardInterrupt):
        for number in range(count):
            found.add(attempt(number, Random(f"{seed} {number}")))  # noqa: S311  # repeatable, not secret
            if time.monotonic() - told > _TELL_S:
                told = time.monotonic()
                console.print(f"{number + 1} of {count}, {found.failed} failed")
    found.seconds = time.monotonic() - start


@contextmanager
def _subject(stage: bool, seed: int) -> Iterator[Try]:
    with nullcontext() if stage else running() as server:
        subject = Stage() if server is None else Served(server, seed)
        try:
            yield subject
        finally:
            subject.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other inputs")
    parser.add_argument("--stage", action="store_true", help="only decode files, without a server")
    parser.add_argument(
        "--coverage", action="store_true", help="only decode files, led by coverage; atheris has to be there"
    )
    parser.add_argument(
        "--keep", type=Path, default=ROOT / ".run" / "fuzz", metavar="DIR", help="where inputs that failed are kept"
    )
    options = parser.parse_args()
    if options.inputs < 2:
        parser.error("two inputs are the least")
    if options.coverage:
        path = {"PYTHONPATH": str(ROOT / "scripts")}
        words = [f"--inputs={options.inputs}", f"--seed={options.seed}", f"--keep={options.keep}"]
        command = [sys.executable, "-m", "fuzzing.coverage", *words]  # libFuzzer ends its process
        return subprocess.run(command, env={**os.environ, **path}, check=False).returncode
    found = Found(options.keep)
    try:
        with _subject(options.stage, options.seed) as attempt:
            fuzz(attempt, options.inputs, options.seed, found)
    except Failed as error:
        console.print(str(error), style="red")
        return 1
    if len(found.outcomes) > 1:
        found.report()
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
