"""How a benchmark shows how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Start = Callable[[str, int], Callable[[str], object]]
"""Shows a new part of the work, of so many steps; what it returns is called, with a name, before each of them."""


@contextmanager
def shown() -> Iterator[Start]:
    """A bar on the terminal while the block runs, for one part after the other."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def start(title: str, steps: int) -> Callable[[str], object]:
            for task in progress.task_ids:
                progress.remove_task(task)
            task = progress.add_task(title, total=steps, completed=-1)
            return lambda name: progress.update(task, advance=1, description=f"{title}: {name}" if name else title)

        yield start
