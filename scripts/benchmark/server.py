"""What a request to the real server costs beside the network alone."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmark.measure import Task
from rundir import ROOT, Ports, RunDir

_START_S, _STOP_S, _TELL_S = 240.0, 60.0, 10.0
_WARM_UP = 3  # rounds that do not count
_STAGES = ("decode", "detect", "matte", "edges", "cutout", "encode")


class Failed(Exception):
    """The server did not start or did not answer as it should; the message says what it said."""


@dataclass(frozen=True)
class Requests:
    """Seconds of one photo that is sent alone.

    Attributes:
        ready: from the start of a server that has been set up before until it says that it is ready.
        first: of the first whole request, through the gateway.
        network: median of `Detector.detect` in this process.
        gateway, torchserve: median of a whole request with plain edges, through the gateway and to TorchServe itself.
        smooth: the same through the gateway, with the edges drawn.
        gateway_overhead, torchserve_overhead: mean of the same without the seconds that the handler worked on it.
    """

    ready: float
    first: float
    network: float
    gateway: float
    torchserve: float
    smooth: float
    gateway_overhead: float
    torchserve_overhead: float


@dataclass(frozen=True)
class Server:
    """A running ObjectCut with the bundled model, and the seconds that it took to start."""

    url: str
    run: RunDir
    ready: float


@contextmanager
def running() -> Iterator[Server]:
    """A server of our own, on free ports and with a run folder of its own, that ends with the block.

    Raises:
        Failed: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="objectcut-bench-", ignore_cleanup_errors=True) as folder:
        said, port = Path(folder) / "said.txt", _free_port()
        start = time.perf_counter()
        with said.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "scripts" / "serve.py"), "--host=127.0.0.1", f"--port={port}"],
                env={**os.environ, "MODEL": "bundled", "WORKERS": "1", "OBJECTCUT_RUN_DIR": folder},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches it once, from below
            )
        try:
            deadline = time.monotonic() + _START_S
            while "Ctrl-C stops it" not in said.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"the server did not start: {said.read_text().strip()}")
                time.sleep(0.05)
            ready = time.perf_counter() - start
            yield Server(f"http://127.0.0.1:{port}", RunDir(Path(folder)), ready)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def measure(server: Server, photo: bytes, network: Task, rounds: int, advance: Callable[[str], object]) -> Requests:
    """One photo through the gateway, to TorchServe itself and through the network alone, in turn.

    Args:
        server: that runs.
        photo: a JPEG file.
        network: the network alone on the same photo.
        rounds: how many of each.
        advance: called before every round that counts.

    Raises:
        Failed: a request was not answered with a picture.
    """
    ports = server.run.ports() or Ports()
    key = json.loads(server.run.key_file.read_bytes())["inference"]["key"]
    with _client(server.url) as gateway, _client(f"http://127.0.0.1:{ports.inference}") as torchserve:
        torchserve.headers["Authorization"] = f"Bearer {key}"
        handler = _Handler(gateway)
        ways: dict[str, Task] = {
            "network": network,
            "gateway": lambda: _send(gateway, "/cut", photo, "raw"),
            "torchserve": lambda: _send(torchserve, "/predictions/objectcut", photo, "raw"),
            "smooth": lambda: _send(gateway, "/cut", photo, "smooth"),
        }
        start = time.perf_counter()
        ways["gateway"]()
        first = time.perf_counter() - start
        handler.worked()
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        worked: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(-_WARM_UP, rounds):
            if number >= 0:
                advance("")
            for name in list(ways)[:: -1 if number % 2 else 1]:
                start = time.perf_counter()
                ways[name]()
                taken = time.perf_counter() - start
                told = 0.0 if name == "network" else handler.worked()
                if number >= 0:
                    seconds[name].append(taken)
                    worked[name].append(told)
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    overhead = {name: statistics.mean(seconds[name]) - statistics.mean(worked[name]) for name in ways}
    return Requests(
        ready=server.ready,
        first=first,
        network=median["network"],
        gateway=median["gateway"],
        torchserve=median["torchserve"],
        smooth=median["smooth"],
        gateway_overhead=overhead["gateway"],
        torchserve_overhead=overhead["torchserve"],
    )


class _Handler:
    """What the handler tells of its work, through the gateway's metrics."""

    def __init__(self, gateway: httpx.Client) -> None:
        self._gateway = gateway
        self._requests, self._seconds = self._read()

    def worked(self) -> float:
        """The seconds of the one request since the last call. TorchServe learns of them after it has answered."""
        before = self._seconds
        deadline = time.monotonic() + _TELL_S
        self._requests += 1
        while (read := self._read())[0] < self._requests:
            if time.monotonic() > deadline:
                raise Failed("the handler's seconds do not appear in /metrics")
        self._seconds = read[1]
        return self._seconds - before

    def _read(self) -> tuple[int, float]:
        """Requests that every stage has been told of, and the seconds of all stages."""
        text = self._gateway.get("/metrics").raise_for_status().text

        def total(stage: str, what: str) -> float:
            return sum(map(float, re.findall(rf"^objectcut_{stage}_seconds_{what}{{.*}} (\S+)$", text, re.M)))

        return int(min(total(stage, "count") for stage in _STAGES)), sum(total(stage, "sum") for stage in _STAGES)


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=_START_S, trust_env=False)


def _send(client: httpx.Client, path: str, photo: bytes, edges: str) -> None:
    reply = client.post(path, files={"image_file": photo}, data={"edges": edges}, headers={"Accept": "image/png"})
    if reply.headers.get("content-type") != "image/png":
        raise Failed(f"{client.base_url} answered {reply.status_code}: {reply.text[:300]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
