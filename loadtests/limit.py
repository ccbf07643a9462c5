#!/usr/bin/env python3
"""Find the highest rate at which photos are cut in time, for several ways to run a server, and write docs/capacity.md.

`make load-limit`. Each way gets a server of its own. First people send without a pause, which tells what it can do at
most; then photos come at a share of that, evenly, until 95 of 100 are answered in time. Batch sizes, which differ less
than one minute does from the next, are compared in turns. locust sends (`steady`).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmark.figures import Figures
from benchmark.photos import LARGE, SMALL, label, woman
from budgets import Measured
from launch import Failed, Server, running
from rundir import ROOT

_MIDDLE = (1920, 1440)
_PIXELS = {label(size): size for size in (SMALL, _MIDDLE, LARGE)}
_SENDERS = 32
_SHARES = (0.95, 0.85, 0.7, 0.55, 0.4, 0.25)  # of the most
_BATCHES = (1, 2, 4, 8)
_NEAR = 0.85  # of a rate: the first and the last second of a run have less of it
_FULL = 0.7  # share of a host's rate that is planned with: load comes in waves, and a host may be lost
_RATES = (10, 100, 10_000)  # photos per second
_TREE = ("config.properties", "frontend", "handler", "model_store", "scripts", "pyproject.toml")
_DOCUMENT = ROOT / "docs" / "capacity.md"
_PARTS = ("rates", "batches")
console = Console(markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Way:
    """A way to run a server, and what it is sent.

    Attributes:
        workers: model workers.
        batch: photos that a worker takes at once, at most.
        delay: ms that it waits for them.
        photo: their size, as a name.
    """

    workers: int = 1
    batch: int = 8
    delay: int = 1
    photo: str = label(SMALL)


@dataclass
class Found:
    """What a way can do.

    Attributes:
        way: it.
        most: what was measured when nobody paused.
        steps: what was measured at each rate that was tried, by that rate, photos per second.
        rate: the highest of these that was kept in time; 0 where none was.
    """

    way: Way
    most: Measured
    steps: dict[float, Measured] = field(default_factory=dict)
    rate: float = 0.0

    @property
    def at(self) -> Measured | None:
        """What was measured at the highest rate that was kept in time."""
        return self.steps.get(self.rate)


def ways() -> list[Way]:
    """Return the ways that are compared: each differs from the first in one thing."""
    first = Way()
    return [
        first,
        *(replace(first, delay=delay) for delay in (10, 50)),
        replace(first, workers=2),
        *(replace(first, photo=label(size)) for size in (_MIDDLE, LARGE)),
    ]


@contextmanager
def served(way: Way) -> Iterator[Server]:
    """Run a server in this way, from a copy of the checkout."""
    with tempfile.TemporaryDirectory(prefix="objectcut-limit-") as folder:
        tree = Path(folder)
        for name in _TREE:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tree / name)
        config = tree / "handler" / "model-config.yaml"
        text = config.read_text()
        for setting, value in (("batchSize", way.batch), ("maxBatchDelay", way.delay)):
            text = re.sub(rf"^{setting}: \d+", f"{setting}: {value}", text, flags=re.MULTILINE)
        config.write_text(text)
        with running({"WORKERS": str(way.workers)}, root=tree) as server:
            yield server


def send(server: Server, way: Way, rate: float, seconds: float) -> Measured:
    """Send photos at this rate, per second; 0: as fast as they are answered. Return what was measured.

    Raises:
        Failed: locust did not run.
    """
    command = [
        *(str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "loadtests" / "steady.py")),
        *("--headless", "--json", "--only-summary", "--host", server.url, "--users", str(_SENDERS)),
        *("--spawn-rate", str(_SENDERS), "--run-time", f"{seconds:.0f}s", "--stop-timeout", "60"),
        *("--exit-code-on-error", "0", "--photo", way.photo, "--pace", str(rate / _SENDERS)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise Failed(f"locust did not run: {done.stderr[-500:]}") from None
    times: Counter[float] = Counter()
    for entry in told:
        times.update({float(ms): count for ms, count in entry["response_times"].items()})
    count, failed = (sum(entry[name] for entry in told) for name in ("num_requests", "num_failures"))
    if not count:
        return Measured(seconds, 1.0, 0.0)
    took = max(entry["last_request_timestamp"] for entry in told) - min(entry["start_time"] for entry in told)
    size = sum(entry["total_content_length"] for entry in told) / count
    return Measured(_quantile(times, 0.95) / 1e3, failed / count, (count - failed) / max(took, seconds), size)


def _quantile(times: Counter[float], share: float) -> float:
    left = share * times.total()
    for ms, count in sorted(times.items()):
        left -= count
        if left <= 0:
            return ms
    return 0.0


def limit(way: Way, within: float, seconds: float) -> Found:
    """Find the highest rate of a way at which 95 of 100 photos are answered within so many seconds, and none fails."""
    with served(way) as server:
        send(server, way, 0, seconds / 2)  # warms up
        found = Found(way, send(server, way, 0, seconds))
        for share in _SHARES:
            rate = share * found.most.rate
            found.steps[rate] = step = send(server, way, rate, seconds)
            if step.p95 <= within and not step.failures and step.rate >= _NEAR * rate:
                found.rate = rate
                break
    console.print(f"{way}: {found.most.rate:.1f} per second at most, {found.rate:.1f} in time")
    return found


def batches(rounds: int, seconds: float) -> dict[int, list[Measured]]:
    """Measure in turns what servers with different batch sizes do at most.

    Returns:
        By batch size, what was measured in each round.
    """
    with ExitStack() as stack:
        servers = {batch: stack.enter_context(served(Way(batch=batch))) for batch in _BATCHES}
        for server in servers.values():
            send(server, Way(), 0, seconds / 2)  # warms up
        measured: dict[int, list[Measured]] = {batch: [] for batch in servers}
        for number in range(rounds):
            # Each is first, second ... as often as the others: a machine may get faster or slower within a round.
            for batch in (*_BATCHES[number % len(_BATCHES) :], *_BATCHES[: number % len(_BATCHES)]):
                measured[batch].append(send(servers[batch], Way(), 0, seconds))
            rates = ", ".join(f"{batch}: {each[-1].rate:.1f}" for batch, each in measured.items())
            console.print(f"batch sizes, round {number + 1} of {rounds}: {rates} per second")
    return measured


def curve(measured: dict[int, list[Measured]]) -> Iterator[tuple[str, ...]]:
    """Return the headings of the table of batch sizes, then its rows."""
    yield "batch", "most, photos/s", "beside a batch of 1, same round"
    for batch, rounds in measured.items():
        ratios = [each.rate / one.rate for each, one in zip(rounds, measured[1], strict=True)]
        spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        yield str(batch), f"{median(each.rate for each in rounds):.1f}", spread


def lines(found: list[Found]) -> Iterator[tuple[str, ...]]:
    """Return the headings of the table, then its rows."""
    yield "workers", "batch", "delay, ms", "photo", "most, photos/s", "in time, photos/s", "p95 then, s"
    for each in found:
        way, at = each.way, each.at
        then = "" if at is None else f"{at.p95:.2f}"
        numbers = (f"{each.most.rate:.1f}", f"{each.rate:.1f}", then)
        yield (str(way.workers), str(way.batch), str(way.delay), way.photo, *numbers)


def hosts(found: list[Found]) -> Iterator[tuple[str, ...]]:
    """Return the headings of the table of what each size of photo takes, then its rows."""
    needed = (f"hosts for {rate:,}/s" for rate in _RATES)
    yield "photo", *needed, "MB in", "MB out", f"Gbit/s for {_RATES[-1]:,}/s"
    for each in found:
        if replace(each.way, photo=Way().photo) == Way() and each.rate:
            sent = len(woman(_PIXELS[each.way.photo]))
            line = 8 * (sent + each.most.answer_bytes) * _RATES[-1] / 1e9
            counts = [f"{math.ceil(rate / (_FULL * each.rate)):,}" for rate in _RATES]
            yield each.way.photo, *counts, f"{sent / 1e6:.2f}", f"{each.most.answer_bytes / 1e6:.2f}", f"{line:,.0f}"


def _markdown(table: Iterator[tuple[str, ...]]) -> str:
    rows = [f"| {' | '.join(row)} |" for row in table]
    rows.insert(1, "|---" * (rows[0].count("|") - 1) + "|")
    return "\n".join(rows) + "\n"


def rates_told(found: list[Found], within: float) -> str:
    """Return what docs/capacity.md tells of rates."""
    return (
        f"{_machine()}; in time: 95 of 100 within {within:g} s.\n\n{_markdown(lines(found))}\n"
        f"Such hosts, {_FULL:.0%} full:\n\n{_markdown(hosts(found))}"
    )


def batches_told(measured: dict[int, list[Measured]]) -> str:
    """Return what docs/capacity.md tells of batch sizes."""
    rounds = len(measured[1])
    return f"{_machine()}, photos of {Way().photo}, {rounds} rounds in turns:\n\n{_markdown(curve(measured))}"


def _machine() -> str:
    machine = Figures().machine
    return f"{machine['processor']}, {machine['cores']} cores, model `bundled`"


def _write(part: str, told: str) -> None:
    """Write a part of docs/capacity.md, where there is one."""
    if _DOCUMENT.exists():
        place = re.compile(rf"(?<=<!-- {part} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        _DOCUMENT.write_text(place.sub(lambda _: told, _DOCUMENT.read_text("utf-8")), "utf-8")
        console.print(f"The figures are in {_DOCUMENT.relative_to(ROOT)}.")


def _print(title: str, lines: Iterator[tuple[str, ...]]) -> None:
    headings, *rows = lines
    table = Table(*headings, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--within", type=float, default=1.0, help="s in which 95 of 100 are answered (default: 1)")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each step (default: 12)")
    parser.add_argument("--rounds", type=int, default=5, help="in which batch sizes are compared (default: 5)")
    parser.add_argument("--part", choices=_PARTS, nargs="+", default=_PARTS, help="what to measure (default: both)")
    options = parser.parse_args()
    try:
        if "batches" in options.part:
            by_batch = batches(options.rounds, options.seconds)
            _print("Batch sizes", curve(by_batch))
            _write("batches", batches_told(by_batch))
        if "rates" in options.part:
            found = [limit(way, options.within, options.seconds) for way in ways()]
            _print("The highest rates", lines(found))
            _write("rates", rates_told(found, options.within))
    except Failed as error:
        console.print(str(error), style="red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
