"""What the tests share: pictures from installed packages, a host of photos on loopback, and a real server."""

from __future__ import annotations

import contextlib
import functools
import http.server
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import skimage
import uvicorn
from collector import Collector, collecting
from hypothesis import HealthCheck
from hypothesis import settings as examples
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from child import die_with_parent
from gateway.routes import create_app
from launch import BROWSERS
from objectcut.edges.matte import Matte
from objectcut.settings import Settings
from rundir import RunDir, free_port

# The same examples each time, on a machine that may be slow; none are kept.
examples.register_profile(
    "suite",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
examples.load_profile("suite")
os.environ["COLUMNS"] = "200"  # what programs print is the same whatever the terminal
ROOT = Path(__file__).resolve().parent.parent
READY_S = 240
LONG = (
    "test_serve.py",
    "test_server.py",
    "test_soak.py",
    "test_drills.py",
    "test_page.py",
    "test_several.py",
    "test_bench_page.py",
    "test_bench.py",
    "test_models.py",
    "test_your_own_classes.py",
    "test_convert.py",
    "test_export.py",
    "test_cut_many.py",
    "test_supervision.py",
    "test_senders.py",
    "test_grafana.py",
)
"""Begun first, where files are shared out: one that is begun last would keep all but one core waiting."""
PATIENCE_MS = 30_000
"""What the tests of the page wait for at most: a cut on a busy machine with few cores."""
_BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Server:
    """A running ObjectCut: gateway, TorchServe and one worker with the bundled model."""

    url: str
    run: RunDir

    def processes(self) -> list[psutil.Process]:
        """Every process that this server started, TorchServe's workers among them."""
        return processes(self.run.path)

    def worker(self) -> psutil.Process:
        return next(p for p in self.processes() if "model_service_worker" in " ".join(p.cmdline()))


@dataclass(frozen=True)
class PhotoHost:
    """A web server of our own that hands out the files of `folder`."""

    url: str
    folder: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name data by its argument alone: compressed bytes may hold the time, and every process must name tests alike."""
    if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()):
        return argname
    return None  # pytest's own


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def solid(x: int, y: int, inside: np.ndarray) -> Matte:
    """A matte without soft edges, from a plane of truth values."""
    return Matte(x, y, inside * np.uint8(255))


def sample(name: str) -> Image.Image:
    """A photo that scikit-image's wheel carries: `chelsea` is a cat, `astronaut` a woman."""
    with Image.open(Path(skimage.__file__).parent / "data" / f"{name}.png") as image:
        return image.convert("RGB")


@pytest.fixture(scope="session")
def chelsea() -> Image.Image:
    return sample("chelsea")


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    return sample("astronaut")


class Files(http.server.SimpleHTTPRequestHandler):
    """Hands out files and says nothing of it."""

    def log_message(self, *_: object) -> None:
        pass


class Host(http.server.ThreadingHTTPServer):
    """A web server that says nothing of clients who leave, as browsers do when a page is closed."""

    def handle_error(self, *arguments: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*arguments)


@contextlib.contextmanager
def hosted(folder: Path, kind: type[http.server.SimpleHTTPRequestHandler] = Files) -> Iterator[str]:
    """The address of a plain web server for the files of `folder`."""
    handler = functools.partial(kind, directory=folder)
    with Host(("127.0.0.1", 0), handler) as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{host.server_address[1]}"
        host.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def photo_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhotoHost]:
    folder = tmp_path_factory.mktemp("photos")
    with hosted(folder) as url:
        yield PhotoHost(url, folder)


@contextlib.contextmanager
def serving(app: Any, port: int | None = None, **options: Any) -> Iterator[str]:
    """The address of an ASGI application that runs in a thread, with uvicorn's options, while the block does."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False, **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def gateway(settings: Settings) -> contextlib.AbstractContextManager[str]:
    """The address of a gateway of its own, with whatever TorchServe the settings name, or none."""
    return serving(create_app(settings))


def alone(**settings: object) -> Settings:
    """Those of a gateway without a TorchServe behind it."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    urls = dict.fromkeys(("inference_url", "management_url", "metrics_url"), nowhere)
    return Settings(**{**urls, "max_body_bytes": 1_000_000, **settings})


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Asks a gateway without a TorchServe behind it."""
    with gateway(alone()) as url, httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        yield client


def told(reply: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer in the one error shape."""
    body = reply.json()
    assert set(body) == {"error", "code", "message", "details", "request_id"}
    assert body["request_id"] == reply.headers["x-request-id"]
    return reply.status_code, body["code"]


def start(run: Path, *arguments: str, root: Path = ROOT, **env: str) -> tuple[subprocess.Popen[bytes], str, Path]:
    """Start scripts/serve.py of the checkout `root` on a free port with its files in `run`; its address, what it says.

    A checkout other than this one is for settings that no user changes.
    """
    port = free_port()
    said = run / "said.txt"
    run.mkdir(parents=True, exist_ok=True)
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(root / "scripts" / "serve.py"), *arguments],
            env={**os.environ, "PORT": str(port), "MODEL": "bundled", "OBJECTCUT_RUN_DIR": str(run), **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,  # a test run that is killed leaves no server
        )
    return process, f"http://127.0.0.1:{port}", said


def processes(run: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("OBJECTCUT_RUN_DIR") == str(run):
                found.append(process)
    return found


def wait_until(condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.1)


def halt(process: psutil.Process) -> None:
    """Suspend a process, and wait: its threads stop one after the other, and may still answer until they do."""

    def halted() -> bool:
        try:
            states = [file.read_text() for file in Path(f"/proc/{process.pid}/task").glob("*/stat")]
        except OSError:  # a thread ended
            return False
        return all(state.rpartition(")")[2].split()[0] == "T" for state in states)

    process.suspend()
    wait_until(halted, 20, "the stop of all threads")


def stop(process: subprocess.Popen[bytes]) -> int:
    """End a server as Ctrl-C does; its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@contextlib.contextmanager
def started(run: Path, **env: str) -> Iterator[Server]:
    """A server with its files in `run`, while the block runs."""
    process, url, said = start(run, **env)
    try:
        wait_until(lambda: b"Ctrl-C stops it" in said.read_bytes() or process.poll() is not None, READY_S, "the start")
        assert process.poll() is None, said.read_text()
        yield Server(url, RunDir(run))
    finally:
        stop(process)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """What the gateway of `server` tells of its requests."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, photo_host: PhotoHost, collector: Collector) -> Iterator[Server]:
    env = {
        "OBJECTCUT_FETCH_ALLOW": photo_host.url.removeprefix("http://"),
        "OBJECTCUT_FETCH_TOTAL_S": "4",
        "OBJECTCUT_TRACES": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",  # ms
    }
    with started(tmp_path_factory.mktemp("run"), **env) as server:
        yield server


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' own program for checks. Without it on this machine its tests are skipped, but not in CI."""
    return program("promtool", "prometheus")


def program(name: str, package: str) -> str:
    """The path of a program; without it the test is skipped, but not in CI."""
    path = shutil.which(name)
    if path is None:
        unavailable = pytest.fail if os.environ.get("CI") else pytest.skip
        unavailable(f"There is no {name}. Install it: `apt-get install --no-install-recommends {package}`.")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window. Without one on this machine its tests are skipped, but not in CI.

    The headless shell is the same engine without the browser around it, and needs half the processor time.
    For one module: while it lives, nothing else can run an event loop in this thread.
    """
    found = [path for name in ("chromium-headless-shell", *BROWSERS) if (path := shutil.which(name))]
    if not found:
        unavailable = pytest.fail if os.environ.get("CI") else pytest.skip
        unavailable("No browser for the page. Install one: `apt-get install chromium`, or Google Chrome.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=found[0], args=_BROWSER) as it:
        yield it
