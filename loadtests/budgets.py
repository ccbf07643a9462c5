"""What a load test must keep to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Measured:
    """What a load test measured.

    Attributes:
        p95: seconds within which 95 of 100 were answered.
        failures: their share, 0 to 1.
        rate: answers per second.
        answer_bytes: of an answer, mean.
    """

    p95: float
    failures: float
    rate: float
    answer_bytes: float = 0.0


class Total(Protocol):
    """What locust knows of all requests together."""

    @property
    def fail_ratio(self) -> float: ...

    @property
    def total_rps(self) -> float: ...

    def get_response_time_percentile(self, percent: float, /) -> int: ...


def measured(total: Total) -> Measured:
    """Return what locust measured."""
    return Measured(total.get_response_time_percentile(0.95) / 1e3, total.fail_ratio, total.total_rps)


@dataclass(frozen=True)
class Budget:
    """Bounds; 0 for the first is none."""

    most_p95: float
    most_failures: float
    least_rate: float

    def broken(self, by: Measured) -> list[str]:
        """Return in words which bounds were broken."""
        broken = []
        if self.most_p95 and by.p95 > self.most_p95:
            broken.append(f"95 of 100 were answered within {by.p95:.2f} s, at most {self.most_p95:g} s are allowed")
        if by.failures > self.most_failures:
            broken.append(f"{by.failures:.1%} failed, at most {self.most_failures:.1%} may")
        if by.rate < self.least_rate:
            broken.append(f"{by.rate:.2f} answers per second, at least {self.least_rate:g} are wanted")
        return broken
