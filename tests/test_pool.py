"""Threads that leave the network's own alone."""

from __future__ import annotations

import threading

import torch

from objectcut.pool import pool


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
