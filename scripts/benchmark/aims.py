"""What a benchmark should reach, and how it tells what it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_BUSY = 0.1  # share of the processor that other programs take; above it even ratios are off


@dataclass(frozen=True)
class Aim:
    """What should be reached.

    Attributes:
        what: in words.
        goal: to be reached or exceeded; kept or stayed below when `most`.
        reached: None when this run did not measure it.
    """

    what: str
    goal: float
    reached: float | None
    most: bool = False
    unit: str = ""

    @property
    def met(self) -> bool | None:
        if self.reached is None:
            return None
        return self.reached <= self.goal if self.most else self.reached >= self.goal


def overview(aims: Iterable[Aim]) -> Table:
    """Every aim beside what was reached, and whether that is enough."""
    rows = Table("", title="Aims", title_justify="left")
    for heading in ("aim", "reached", ""):
        rows.add_column(heading, justify="right")
    for aim in aims:
        goal = f"{'at most' if aim.most else 'at least'} {aim.goal:g}{aim.unit}"
        reached = "not measured" if aim.reached is None else f"{_rounded(aim.reached)}{aim.unit}"
        rows.add_row(aim.what, goal, reached, {True: "yes", False: "no", None: ""}[aim.met])
    return rows


def warn_if_busy(others: float, console: Console) -> None:
    """Say it when other programs kept so large a share of the processor busy that the figures are of no use."""
    if others > _BUSY:
        console.print("The machine was too busy for figures that mean anything: run this again later.", style="yellow")


def _rounded(figure: float) -> str:
    """Two decimals, and more for what would look like nothing."""
    return f"{figure:.2f}" if figure == 0 or abs(figure) >= 0.01 else f"{figure:.1g}"
