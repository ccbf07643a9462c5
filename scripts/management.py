"""TorchServe's management API, and one cut without the gateway, for programs beside a running server."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

from objectcut.catalogue import Catalogue
from rundir import RunDir

LOAD_S = 300.0
"""Seconds that the largest model may take to load from a slow disk."""
_TRIES, _AGAIN_S = 20, 0.2


class Unreachable(Exception):
    """No running server was found; the message says where it was looked for."""


class Refused(Exception):
    """What was asked for cannot be done; the message says why. Nothing has changed."""


class NoMemory(Refused):
    """Another time it may be done."""


@dataclass(frozen=True)
class State:
    """What TorchServe tells of one version of a model.

    Attributes:
        workers: every worker's id, status, pid, memory and GPU, in TorchServe's own words.
        wanted: how many workers there shall be.
        batch: how many photos each takes at once, at most.
        waiting: photos that wait for a worker in TorchServe.
    """

    workers: list[dict[str, Any]]
    wanted: int
    batch: int
    waiting: int

    @property
    def ready(self) -> int:
        """How many workers are ready."""
        return sum(worker["status"] == "READY" for worker in self.workers)


def catalogue_of(run: RunDir) -> Catalogue:
    """Return the models of a running server.

    Raises:
        Unreachable: none left its models in the run folder.
    """
    try:
        return Catalogue.read(run.models)
    except (OSError, ValueError, LookupError) as error:
        raise Unreachable(f"No running server left its models in {run.path}. Start one with `make serve`.") from error


class Management:
    """TorchServe's management API, found through the files that scripts/serve.py leaves in its run folder.

    A `path` is that of one version of a model, as `objectcut.catalogue` makes it.
    """

    def __init__(self, run: RunDir) -> None:
        ports = run.ports()
        try:
            keys = json.loads(run.key_file.read_bytes())
            key, self._inference_key = (keys[name]["key"] for name in ("management", "inference"))
        except (OSError, ValueError, KeyError) as error:
            raise Unreachable(f"No running server left its key in {run.path}. Start one with `make serve`.") from error
        if ports is None:
            raise Unreachable(f"{run.path} does not name TorchServe's ports. Start the server anew.")
        self._inference = f"http://127.0.0.1:{ports.inference}"
        self._management = f"http://127.0.0.1:{ports.management}"
        self._headers = {"Authorization": f"Bearer {key}"}

    def state(self, path: str) -> State:
        """Return how many workers a version has and shall have, and what waits for them."""
        told = self._call("GET", f"/models/{path}").json()[0]
        waiting = int(told["jobQueueStatus"]["pendingRequests"])
        return State(list(told["workers"]), int(told["maxWorkers"]), int(told["batchSize"]), waiting)

    def workers(self, path: str) -> list[dict[str, Any]]:
        """Return every worker's id, status, pid, memory and GPU, as TorchServe tells them."""
        return self.state(path).workers

    def scale(self, workers: int, path: str) -> None:
        """Ask for this many workers, and return at once. What one that goes has in hand the gateway asks for again."""
        self._call("PUT", f"/models/{path}", min_worker=workers, max_worker=workers)

    def waiting(self, path: str) -> int:
        """Return how many photos wait for a worker in TorchServe."""
        return self.state(path).waiting

    def cut(self, path: str, photo: bytes) -> httpx.Response:
        """Have a worker of the model cut everything that it finds in a photo."""
        return httpx.post(
            f"{self._inference}/predictions/{path}/cut",
            headers={"Authorization": f"Bearer {self._inference_key}"},
            files={"image_file": photo},
            data={"min_score": "0"},
            timeout=LOAD_S,
            trust_env=False,
        )

    def versions(self, served_as: str) -> list[int]:
        """Return the versions of a model that TorchServe has; none of a model that it does not know."""
        reply = self._ask("GET", f"/models/{served_as}/all")
        if reply.status_code == 404:
            return []
        return [int(each["modelVersion"].removesuffix(".0")) for each in _accepted(reply).json()]

    def models(self) -> list[str]:
        """Return the names of all models that TorchServe has, at most a hundred."""
        return [each["modelName"] for each in self._call("GET", "/models").json()["models"]]

    def set_default(self, path: str) -> None:
        """Make a version the default of its model; TorchServe unregisters any other before that one."""
        self._call("PUT", f"/models/{path}/set-default")

    def unregister(self, path: str) -> None:
        """Make TorchServe forget a version."""
        self._call("DELETE", f"/models/{path}")

    def register(self, served_as: str) -> None:
        """Make TorchServe know the archive of this name in its store, as the version that it says, without a worker.

        TorchServe unpacks it at once, and does not need the file any more.
        """
        self._call("POST", "/models", url=f"{served_as}.mar", model_name=served_as, initial_workers=0)

    def _call(self, method: str, path: str, **params: int | str) -> httpx.Response:
        return _accepted(self._ask(method, path, **params))

    def _ask(self, method: str, path: str, **params: int | str) -> httpx.Response:
        for _ in range(_TRIES):
            try:
                reply = httpx.request(
                    method,
                    f"{self._management}{path}",
                    params=params,
                    headers=self._headers,
                    timeout=LOAD_S,
                    trust_env=False,
                )
            except httpx.TransportError as error:
                raise Unreachable(f"TorchServe does not answer on {self._management}.") from error
            # TorchServe lists its workers while other threads of it start and stop some, and trips over that. The
            # calls made here can be repeated: they read, name a number, or are refused the second time.
            if "ConcurrentModificationException" not in reply.text:
                break
            time.sleep(_AGAIN_S)
        return reply


def _accepted(reply: httpx.Response) -> httpx.Response:
    if reply.is_error:
        raise Unreachable(f"TorchServe refused with status {reply.status_code}: {reply.text.strip()}")
    return reply
