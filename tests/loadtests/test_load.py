"""Load tests send what they should, and fail when a budget is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Server

from budgets import Budget, Measured
from limit import Found, Way, batches_told, rates_told, send, ways
from shapes import SHAPES, share


@pytest.mark.parametrize(
    ("shape", "passed", "expected"),
    [
        ("steady", 0.0, 1.0),
        ("ramp", 0.5, 0.5),
        ("spike", 0.39, 0.2),
        ("spike", 0.5, 1.0),
        ("spike", 0.61, 0.2),
        ("steps", 0.0, 0.125),
        ("steps", 0.99, 1.0),
        ("waves", 0.0, 0.2),
        ("waves", 0.25, 1.0),
        ("waves", 0.5, 0.2),
        ("waves", 0.75, 1.0),
    ],
)
def test_the_number_of_senders_follows_the_shape(shape: str, passed: float, expected: float) -> None:
    assert share(shape, passed) == pytest.approx(expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_has_more_senders_than_there_may_be(shape: str) -> None:
    assert all(0 <= share(shape, passed / 100) <= 1 for passed in range(100))


@pytest.mark.parametrize(
    ("budget", "broken"),
    [
        (Budget(0.0, 1.0, 0.0), []),
        (Budget(2.0, 0.05, 5.0), []),
        (Budget(1.0, 1.0, 0.0), ["95 of 100 were answered within 1.50 s, at most 1 s are allowed"]),
        (Budget(0.0, 0.01, 0.0), ["2.0% failed, at most 1.0% may"]),
        (Budget(0.0, 1.0, 9.0), ["8.00 answers per second, at least 9 are wanted"]),
    ],
)
def test_a_budget_says_what_went_over_it(budget: Budget, broken: list[str]) -> None:
    assert budget.broken(Measured(p95=1.5, failures=0.02, rate=8.0)) == broken


def run(server: Server, report: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What locust does with these arguments."""
    command = [
        *(str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "loadtests" / "locustfile.py")),
        *("--headless", "--only-summary", "--host", server.url, "--stop-timeout", "60", "--html", str(report)),
        *("--most-failures", "0", *arguments),
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(("most_p95", "status"), [(120.0, 0), (0.000001, 1)])
def test_a_run_passes_or_fails_by_its_budget(most_p95: float, status: int, server: Server, tmp_path: Path) -> None:
    report = tmp_path / "load.html"
    users = ("--users", "3", "--spawn-rate", "3", "--run-time", "4s", "--shape", "ramp", "Person", "Program", "Bulk")
    done = run(server, report, "--most-p95", str(most_p95), *users)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("Over the budget: 95 of 100" in done.stdout) == bool(status)
    assert "<html" in report.read_text()


def test_programs_get_what_they_ask_for_their_mistakes_too(server: Server, tmp_path: Path) -> None:
    done = run(server, tmp_path / "load.html", "--users", "6", "--spawn-rate", "6", "--run-time", "10s", "Program")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_search_for_the_limit_sends_at_the_rate_that_it_tries(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "scripts"))  # as make does
    measured = send(server, Way(), 4, 6)
    assert not measured.failures
    assert 1 < measured.rate < 6
    assert measured.answer_bytes > 10_000


def test_each_way_differs_from_the_first_in_one_thing() -> None:
    first, *others = ways()
    assert first == Way()
    for way in others:
        assert sum(getattr(way, name) != getattr(first, name) for name in Way.__dataclass_fields__) == 1


def test_the_document_tells_rates_and_hosts() -> None:
    found = Found(Way(), Measured(2.0, 0.0, 12.0, 400_000.0), {10.0: Measured(0.5, 0.0, 10.0)}, 10.0)
    by_batch = {
        1: [Measured(2.0, 0.0, 8.0), Measured(2.0, 0.0, 16.0), Measured(2.0, 0.0, 10.0)],
        8: [Measured(1.5, 0.0, 10.0), Measured(1.7, 0.0, 16.0), Measured(1.6, 0.0, 9.0)],
    }
    told = rates_told([found, Found(Way(delay=50), Measured(2.0, 0.0, 8.0))], 1.0)
    assert "| 8 | 10.0 | 1.00 (0.90 to 1.25) |" in batches_told(by_batch)
    assert "| 1 | 8 | 1 | 640x480 | 12.0 | 10.0 | 0.50 |" in told
    assert "| 1 | 8 | 50 | 640x480 | 8.0 | 0.0 |  |" in told
    assert "| 640x480 | 2 | 15 | 1,429 |" in told
