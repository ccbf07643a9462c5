"""Photos of one size at one rate, for `make load-limit`."""

from __future__ import annotations

import random
import time
from argparse import Namespace

from locust import events, task
from locust.argument_parser import LocustArgumentParser

from benchmark.photos import SMALL, another, label
from locustfile import PHOTOS, Sender


class Steady(Sender):
    """Sends photos of one size at one rate."""

    def on_start(self) -> None:
        # All senders begin at once; each keeps a time of its own, so that together they send evenly.
        pace: float = self.environment.parsed_options.pace
        self._every = 1 / pace if pace else 0.0
        self._next = time.monotonic() + random.random() * self._every
        time.sleep(max(0.0, self._next - time.monotonic()))

    def wait_time(self) -> float:
        self._next += self._every
        return max(0.0, self._next - time.monotonic())

    @task
    def cut_next(self) -> None:
        options: Namespace = self.environment.parsed_options
        self.cut(another(PHOTOS[options.photo]))


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    own = parser.add_argument_group("Photos")
    own.add_argument("--photo", choices=list(PHOTOS), default=label(SMALL), help="their size")
    own.add_argument("--pace", type=float, default=0.0, help="photos per second of each sender; 0: without a pause")
