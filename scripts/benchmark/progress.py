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
    """A bar on the terminal while the block runs, for one part after the other; a line for each where it is a file."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    console = Console(stderr=True, markup=False)
    with Progress(*columns, console=console, transient=True) as progress:

        def start(title: str, steps: int) -> Callable[[str], object]:
            if not console.is_terminal:
                console.print(f"{title}, {steps} steps")
            for task in progress.task_ids:
                progress.remove_task(task)
            task = progress.add_task(title, total=steps, completed=-1)
            return lambda name: progress.update(task, advance=1, description=f"{title}: {name}" if name else title)

        yield start
