"""What a benchmark measured, beside its goals: on the terminal, and as JSON.

A row of a table has words, which say what was measured, and numbers by column, one for each round. Tables show their
medians; one with a single column of numbers has room for the least and the most as well.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Column, Table

Words = tuple[tuple[str, str], ...]
_BUSY = 0.1  # share of the processor that other programs take; above it even ratios are off


@dataclass(frozen=True)
class Goal:
    """What should be reached; the value is None when this run did not measure it."""

    what: str
    limit: float
    value: float | None
    unit: str = ""
    at_most: bool = True

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def ratio(above: float | None, below: float | None) -> float | None:
    """Return the ratio of two figures; None when one was not measured."""
    return None if above is None or below is None else above / below


class Figures:
    """The figures of a run, and what is known about it, for instance how many rounds it has."""

    def __init__(self, **about: str | int) -> None:
        self.machine = _machine() | about
        self._tables: dict[str, dict[Words, dict[str, list[float]]]] = {}
        self._start = _processor_seconds()
        self._end: tuple[float, ...] | None = None

    def stop(self) -> None:
        """Count what other programs take until now: processes that measured, and are not waited for, still run."""
        self._end = _processor_seconds()

    def add(self, table: str, words: Mapping[str, str], numbers: Mapping[str, float]) -> None:
        """Add numbers, for instance those of another round, to the row with these words."""
        row = self._tables.setdefault(table, {}).setdefault(tuple(words.items()), {})
        for column, number in numbers.items():
            row.setdefault(column, []).append(number)

    def get(self, table: str, column: str, **words: str) -> list[float]:
        """Return the numbers of all rows with these words, which may have others."""
        rows = self._tables.get(table, {}).items()
        return [number for row, numbers in rows if {*words.items()} <= {*row} for number in numbers.get(column, ())]

    def median(self, table: str, column: str, **words: str) -> float | None:
        """Return the median of these numbers; None when there are none."""
        numbers = self.get(table, column, **words)
        return median(numbers) if numbers else None

    def report(self, goals: Sequence[Goal], file: Path | None) -> None:
        """Print everything, and write it to the file as JSON."""
        console = Console(markup=False, highlight=False)
        passed = [now - before for now, before in zip(self._end or _processor_seconds(), self._start, strict=True)]
        spent, idle, own = passed
        others = max(0.0, (spent - idle - own) / (spent or 1))
        console.print("; ".join(f"{name} {value}" for name, value in self.machine.items()))
        console.print(f"Medians of all rounds; other programs kept {others:.0%} of the processor busy meanwhile.")
        if others > _BUSY:
            console.print("The machine was too busy for figures that mean anything: run this again later.", style="red")
        for title, rows in self._tables.items():
            console.print(_table(title, _lines(rows)))
        console.print(_table("Goals", [["", "goal", "measured", "met"], *map(_compared, goals)]))
        missed = [goal.what for goal in goals if goal.met is False]
        console.print(f"Missed: {'; '.join(missed)}." if missed else "Every goal that was measured is met.")
        if file is not None:
            told: dict[str, object] = {"machine": {**self.machine, "others": others}}
            for title, rows in self._tables.items():
                told[title] = [dict(words) | numbers for words, numbers in rows.items()]
            told["goals"] = [asdict(goal) | {"met": goal.met} for goal in goals]
            file.write_text(json.dumps(told, indent=1))


def _lines(rows: Mapping[Words, Mapping[str, Sequence[float]]]) -> Iterator[list[str]]:
    """The headings, then the rows."""
    columns = list(dict.fromkeys(column for numbers in rows.values() for column in numbers))
    spread = (min, max) if len(columns) == 1 and any(len(numbers[columns[0]]) > 1 for numbers in rows.values()) else ()
    yield [*(name for name, _ in next(iter(rows))), *columns, *(("least", "most") if spread else ())]
    for words, numbers in rows.items():
        cells = [_rounded(median(numbers[column])) if column in numbers else "" for column in columns]
        yield [*(word for _, word in words), *cells, *(_rounded(of(numbers[columns[0]])) for of in spread)]


def _compared(goal: Goal) -> list[str]:
    limit = f"{'at most' if goal.at_most else 'at least'} {goal.limit:g}{goal.unit}"
    value = "not measured" if goal.value is None else f"{_rounded(goal.value)}{goal.unit}"
    return [goal.what, limit, value, {True: "yes", False: "no", None: ""}[goal.met]]


def _table(title: str, lines: Iterable[Sequence[str]]) -> Table:
    headings, *rest = lines
    columns = [Column(heading, justify="right" if place else "left") for place, heading in enumerate(headings)]
    table = Table(*columns, title=title, title_justify="left", title_style="bold")
    for line in rest:
        table.add_row(*line)
    return table


def _rounded(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _machine() -> dict[str, str | int]:
    text = Path("/proc/cpuinfo").read_text()
    named = re.search(r"^model name\s*: (.*)", text, re.M)
    return {
        "processor": named[1] if named else "unknown",
        "instructions": ", ".join(re.findall(r" (avx2|avx512f|avx512_bf16|amx_bf16)\b", text.partition("\n\n")[0])),
        "cores": len(os.sched_getaffinity(0)),
        "torch": version("torch"),
        "torchvision": version("torchvision"),
    }


def _processor_seconds() -> tuple[float, float, float]:
    """Seconds that the cores had, that they were idle, and that this program and those it started took."""
    own = sum(os.times()[:4])
    for process in psutil.Process().children(recursive=True):  # those that ended are in their parents' times
        with suppress(psutil.NoSuchProcess):
            own += sum(process.cpu_times()[:4])
    machine = psutil.cpu_times()
    # The time of guests is contained in that of users.
    spent = sum(machine) - machine.guest - machine.guest_nice
    return spent, machine.idle + machine.iowait, own
