"""Threads that leave the network's own alone."""

from __future__ import annotations

import threading

import torch

from objectcut.pool import pool, spread


def test_only_the_caller_keeps_its_threads():
    before = torch.get_num_threads()
    together = threading.Barrier(3)

    def threads_of_torch(_: int) -> int:
        together.wait(10)  # so that each of the three answers
        torch.rand(100, 100) @ torch.rand(100, 100)
        return torch.get_num_threads()

    with pool(3, "test") as made:
        assert list(made.map(threads_of_torch, range(3))) == [1, 1, 1]
        assert torch.get_num_threads() == before
        # Threads that others start are not meant.
        with pool(1, "other"):
            assert list(made.map(threads_of_torch, range(3))) == [1, 1, 1]


def test_a_lone_item_is_worked_on_in_the_callers_thread():
    threads = pool(2, "test")
    here = threading.get_ident()
    assert spread(threads, lambda _: threading.get_ident(), ["a"]) == [here]
    assert here not in spread(threads, lambda _: threading.get_ident(), ["a", "b", "c"])
    assert spread(threads, str.upper, ["a", "b", "c"]) == ["A", "B", "C"]
    assert spread(threads, str.upper, []) == []
