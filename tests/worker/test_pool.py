"""Threads that leave the network's own alone."""

from __future__ import annotations

import threading

import torch

from objectcut.worker.pool import Pool


def test_only_the_caller_keeps_its_threads():
    before = torch.get_num_threads()
    together = threading.Barrier(3)

    def threads_of_torch(_: int) -> int:
        together.wait(10)  # so that each of the three answers
        torch.rand(100, 100) @ torch.rand(100, 100)
        return torch.get_num_threads()

    with Pool(3, "test") as made:
        assert list(made.map(threads_of_torch, range(3))) == [1, 1, 1]
        assert torch.get_num_threads() == before
        # Threads that others start are not meant.
        with Pool(1, "other"):
            assert list(made.map(threads_of_torch, range(3))) == [1, 1, 1]


def test_a_lone_item_is_worked_on_in_the_callers_thread():
    with Pool(2, "test") as threads:
        here = threading.get_ident()
        assert list(threads.spread(lambda _: threading.get_ident(), ["a"])) == [here]
        assert here not in threads.spread(lambda _: threading.get_ident(), ["a", "b", "c"])
        assert list(threads.spread(str.upper, ["a", "b", "c"])) == ["A", "B", "C"]
        assert list(threads.spread(str.upper, [])) == []


def test_the_work_runs_little_ahead_of_what_is_asked_for():
    begun: list[int] = []
    with Pool(2, "test") as threads:
        results = threads.spread(lambda item: begun.append(item) or item, range(100))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        assert len(begun) < 10
        assert list(results) == list(range(3, 100))


def test_items_are_let_go_once_they_are_worked_on():
    class Large:
        there = 0

        def __init__(self) -> None:
            Large.there += 1

        def __del__(self) -> None:
            Large.there -= 1

    most = 0
    with Pool(2, "test") as threads:
        for _ in threads.spread(lambda _: None, (Large() for _ in range(50))):
            most = max(most, Large.there)
    assert most < 10
