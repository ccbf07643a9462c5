"""How many threads the network runs on: this worker's part of the cores that the workers share."""

from __future__ import annotations

import logging
import time

import torch

from objectcut.worker.cores import workers

logger = logging.getLogger(__name__)
_INTERVAL_S = 10.0  # between two looks at how many workers there are


class NetworkThreads:
    """Sets torch's threads, at once and now and then afterwards: workers come and go.

    Args:
        cores: that all workers of this machine share.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._adjusted = float("-inf")
        self.adjust()

    def adjust(self) -> None:
        """Set the threads, unless that was done a moment ago."""
        if time.monotonic() < self._adjusted + _INTERVAL_S:
            return
        self._adjusted = time.monotonic()
        threads = max(1, self._cores // workers())
        if threads != torch.get_num_threads():
            logger.info("The network runs on %d threads", threads)
            torch.set_num_threads(threads)
