"""People, programs and bulk senders who cut photos, for locust: `make load SHAPE=spike`.

Owns who sends what. How many there are at a time is in `shapes`, when a run fails in `budgets`. The mix is a guess at
real use. A mistake that gets its own error counts as a success, any other answer as a failure; 503 is a failure, too,
and its `Retry-After` is heeded.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from locust import HttpUser, LoadTestShape, between, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.clients import ResponseContextManager
from locust.env import Environment

from benchmark.photos import LARGE, SMALL, another, label, pair, woman
from budgets import Budget, measured
from shapes import SHAPES, share

_MIDDLE = (1920, 1440)
PHOTOS = {label(size): woman(size) for size in (SMALL, _MIDDLE, LARGE)}
_SIZES, _OFTEN = list(PHOTOS), (6, 3, 1)  # phones send 12 MP, pages and shops less
_BOTH = pair(_MIDDLE)
_LONGEST_S = 30.0  # that anybody waits before another try


class Sender(HttpUser):
    """Whoever sends photos."""

    abstract = True

    def cut(
        self,
        photo: bytes,
        objects: str = "person",
        status: int = 200,
        name: str = "/cut",
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Ask for a cut-out, and say whether the answer is the one that it should be."""
        with self.client.post(
            "/cut",
            files={"image_file": photo},
            data={"objects": objects, **(options or {})},
            headers={"Accept": "image/png"},
            name=name,
            catch_response=True,
        ) as reply:
            _judge(reply, reply.status_code == status and (status != 200 or reply.headers.get("x-object-count") != "0"))

    def detect(self, photo: bytes) -> None:
        """Ask what is in a photo."""
        with self.client.post("/detect", files={"image_file": photo}, catch_response=True) as reply:
            _judge(reply, reply.status_code == 200 and bool(reply.json()["response"]["objects"]))


class Person(Sender):
    """Someone on the page: opens it, chooses a photo, sees what is in it, and asks for some cut-outs of it."""

    weight = 6
    wait_time = between(0.5, 2.0)

    def on_start(self) -> None:
        for path in ("/", "/page.js", "/page.css", "/labels"):
            self.client.get(path)

    @task
    def use_the_page(self) -> None:
        photo = another(_photo())
        self.detect(photo)
        self.wait()
        self.cut(photo, name="/cut, known photo")
        for options in random.sample(({"background": "white"}, {"edges": "sharp"}, {"crop": "true"}), k=2):
            self.wait()
            self.cut(photo, name="/cut, known photo", options=options)


class Program(Sender):
    """A program of somebody's own: new photos by name, in several formats, now and then a mistake."""

    weight = 3
    wait_time = between(0.2, 1.0)

    @task(8)
    def cut_by_name(self) -> None:
        self.cut(another(_photo()), options={"format": random.choice(("png", "png", "webp"))})

    @task(2)
    def cut_two(self) -> None:
        self.cut(another(_BOTH), "person,cat", name="/cut, two objects")

    @task(1)
    def mistype(self) -> None:
        self.cut(another(PHOTOS[label(SMALL)]), "kat", 400, "/cut, mistyped name")

    @task(1)
    def ask_for_what_is_not_there(self) -> None:
        self.cut(another(PHOTOS[label(SMALL)]), "cat", 422, "/cut, not in the photo")


class Bulk(Sender):
    """Someone with a folder of phone photos, who sends the next as soon as the last is answered."""

    weight = 1
    wait_time = constant(0)

    @task
    def cut_next(self) -> None:
        self.cut(another(PHOTOS[label(LARGE)]), name="/cut, 12 MP in bulk")


class Shape(LoadTestShape):
    """How many senders there are over the time, by `--shape`."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        assert options is not None
        lasts = float(options.run_time or 60)
        now = self.get_run_time()
        if now >= lasts:
            return None
        return max(1, round(options.num_users * share(options.shape, now / lasts))), float(options.spawn_rate)


@events.init_command_line_parser.add_listener
def _add_options(parser: LocustArgumentParser) -> None:
    own = parser.add_argument_group("ObjectCut")
    own.add_argument("--shape", choices=SHAPES, default="steady", help="how the number of users changes over the time")
    own.add_argument("--most-p95", type=float, default=0.0, metavar="S", help="fail above this 95th percentile, s")
    own.add_argument("--most-failures", type=float, default=1.0, metavar="SHARE", help="fail above this share, 0 to 1")
    own.add_argument("--least-rate", type=float, default=0.0, metavar="N", help="fail below so many answers a second")


@events.quitting.add_listener
def _keep_budget(environment: Environment, **_: Any) -> None:
    """Fail the run where it went over its budget."""
    options = environment.parsed_options
    assert options is not None
    budget = Budget(options.most_p95, options.most_failures, options.least_rate)
    broken = budget.broken(measured(environment.stats.total))
    if broken:
        print(f"Over the budget: {', '.join(broken)}.")  # locust's own words go this way
        environment.process_exit_code = 1


def _photo() -> bytes:
    return PHOTOS[random.choices(_SIZES, _OFTEN)[0]]


def _judge(reply: ResponseContextManager, right: bool) -> None:
    if right:
        reply.success()
        return
    reply.failure(f"{reply.status_code}: {reply.text[:200]}")
    if reply.status_code == 503:
        time.sleep(min(float(reply.headers.get("retry-after", 1)), _LONGEST_S))
