#!/usr/bin/env python3
"""Cause one fault after the other, each in a server of its own, and say whether it stood that.

`make drills`, or `make drills ARGS="--only 'Java killed'"`. A drill is passed when nobody who waited was left without
an answer or with a wrong one, and the server cut photos again by itself in time.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import TextIO

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from benchmark.photos import another, woman
from child import Child
from launch import Failed, Server, running
from liveparts import GATEWAY, JAVA, WORKER, parts, starter
from management import Management, Unreachable
from objectcut.catalogue import Catalogue
from objectcut.network.weightfiles import stored
from rundir import ROOT
from traffic import ANSWER_S

_PHOTOS = 6  # in flight when something happens
_BACK_S = 60.0  # in which the server must work again, on a slow machine too
_STALLED_S = 180.0  # likewise after a worker that hangs: TorchServe gives it 120 s
_STOP_S = 60.0  # more than the server takes to finish what it has
_SLOW_SENDERS, _LEAVERS = 2000, 40
_TIMED = 60  # photos; these are sent within the time that slow senders are given
_MANY, _MOST = 32, 3  # senders; workers for them
_FOLLOWED_S = 240.0  # in which the number of workers must follow
_FULL_MB = 64
_BETWEEN_S = 1.5  # two kills
_FILE_WIDTH = 140
_SMALL = woman((640, 480))
console = Console(markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _FILE_WIDTH)


class Skipped(Exception):
    """The machine does not allow this drill; the message says why."""


@dataclass(frozen=True)
class Drill:
    """A fault.

    Attributes:
        name: for `--only`.
        done: what is done, in words.
        run: does it, and returns what happened; raises `Failed` when that is not what should happen.
    """

    name: str
    done: str
    run: Callable[[], str]


def _cut(server: Server) -> str:
    """Send a photo that the server does not know; what came, in words."""
    try:
        reply = httpx.post(
            f"{server.url}/cut",
            files={"image_file": another(_SMALL)},
            data={"objects": "person", "edges": "raw"},
            headers={"Accept": "image/png"},
            timeout=ANSWER_S,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        return type(error).__name__
    if reply.status_code == 200:
        return "200" if reply.content.startswith(b"\x89PNG") and reply.headers["x-object-count"] == "1" else "wrong"
    return f"{reply.status_code}{'' if 'retry-after' in reply.headers else ' without Retry-After'}"


@contextmanager
def _in_flight(server: Server, count: int = _PHOTOS) -> Iterator[list[Future[str]]]:
    """Send photos; all of them have arrived, and none is answered yet, when the block begins.

    Raises:
        Failed: they do not arrive.
    """
    workers = parts(server.run).get(WORKER, [])
    for worker in workers:
        worker.suspend()
    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(_cut, server) for _ in range(count)]
        deadline = time.monotonic() + _BACK_S
        try:
            while _waiting(server) < count:
                if time.monotonic() > deadline:
                    raise Failed("the photos did not arrive")
                time.sleep(0.05)
        finally:
            for worker in workers:
                worker.resume()
        yield asked


def _address(server: Server) -> tuple[str, int]:
    url = httpx.URL(server.url)
    assert url.port is not None
    return url.host, url.port


def _waiting(server: Server) -> int:
    with suppress(httpx.HTTPError, LookupError, ValueError):
        reply = httpx.get(f"{server.url}/health/ready", timeout=5, trust_env=False)
        return int(reply.json()["in_flight"])
    return 0


def _answers(asked: list[Future[str]], allowed: tuple[str, ...] = ("200",)) -> str:
    """Wait for the answers; what came, in words.

    Raises:
        Failed: one is none of those that may come.
    """
    wait(asked, ANSWER_S)
    came = Counter(each.result() if each.done() else "no answer" for each in asked)
    said = ", ".join(f"{count} x {answer}" for answer, count in sorted(came.items()))
    if not set(came) <= set(allowed):
        raise Failed(f"those who waited got {said}")
    return said


def _back(server: Server, seconds: float = _BACK_S) -> str:
    """Wait until the server cuts photos; how long that took, in words.

    Raises:
        Failed: it does not.
    """
    start = time.monotonic()
    while (came := _cut(server)) != "200":
        if starter(server.run) is None:
            raise Failed("the whole server ended")
        if time.monotonic() > start + seconds:
            raise Failed(f"photos are still answered with {came} after {seconds:.0f} s")
        time.sleep(0.5)
    return f"cuts again after {time.monotonic() - start:.0f} s"


def _one(server: Server, part: str) -> psutil.Process:
    """Return the oldest process of a part.

    Raises:
        Failed: there is none.
    """
    found = parts(server.run).get(part)
    if not found:
        raise Failed(f"there is no {part}")
    return found[0]


def _with_photos(part: str, allowed: tuple[str, ...]) -> str:
    """Kill a part while photos are in flight."""
    with running() as server:
        with _in_flight(server) as asked:
            _one(server, part).kill()
            said = _answers(asked, allowed)
        return f"{said}; {_back(server)}"


def worker_killed() -> str:
    return _with_photos(WORKER, ("200",))


def java_killed() -> str:
    return _with_photos(JAVA, ("200", "503"))


def gateway_killed() -> str:
    # Whoever it was talking to sees the connection end: nobody is left who could answer.
    return _with_photos(GATEWAY, ("200", "503", "ReadError", "RemoteProtocolError", "ConnectError"))


def two_workers_killed() -> str:
    with running() as server:
        path = Catalogue.read(server.run.models).entries[0].path
        management = Management(server.run)
        management.scale(2, path)
        deadline = time.monotonic() + _BACK_S
        while [each["status"] for each in management.workers(path)] != ["READY"] * 2:
            if time.monotonic() > deadline:
                raise Failed("there is no second worker")
            time.sleep(0.2)
        with _in_flight(server, 2 * _PHOTOS) as asked:
            for process in parts(server.run)[WORKER]:
                process.kill()
                time.sleep(_BETWEEN_S)
            said = _answers(asked)
        return f"{said}; {_back(server)}"


def worker_stopped() -> str:
    with running() as server:
        worker = _one(server, WORKER)
        with _in_flight(server) as asked:
            worker.suspend()
            said = _answers(asked, ("200", "503"))
        return f"{said}; {_back(server, _STALLED_S)}"


def told_to_stop() -> str:
    with running() as server:
        process = starter(server.run)
        assert process is not None
        everything = [process, *process.children(recursive=True)]
        with _in_flight(server) as asked:
            process.terminate()
            said = _answers(asked)
        _, left = psutil.wait_procs(everything, _STOP_S)
        if left:
            raise Failed(f"{said}, but {len(left)} processes are left after {_STOP_S:.0f} s")
        return f"{said}; all {len(everything)} processes ended"


def key_file_deleted() -> str:
    with running() as server:
        server.run.key_file.unlink()
        with _in_flight(server) as asked:
            said = _answers(asked)
        return f"{said}; {_back(server)}"


def disk_full() -> str:
    with _small_disk() as folder, running() as server:
        if not server.run.path.is_relative_to(folder):
            raise Failed(f"the run folder is {server.run.path}, not in {folder}")
        filler = folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65_536))
        with _in_flight(server) as asked:
            said = _answers(asked)
        _one(server, WORKER).kill()
        said = f"{said}; after the worker was killed it {_back(server)}"
        filler.unlink()
        return f"{said}; with room again it {_back(server)}"


@contextmanager
def _small_disk() -> Iterator[Path]:
    """Keep temporary files, the run folder among them, on a small file system.

    Raises:
        Skipped: only root can make one.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_FULL_MB}m", "objectcut-drill", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode:
            why = done.stderr.strip() if done else "that takes root"
            raise Skipped(f"a small file system cannot be mounted: {why}")
        stack.callback(subprocess.run, ["umount", "--lazy", folder], check=False)
        before, tempfile.tempdir = tempfile.tempdir, folder
        stack.callback(setattr, tempfile, "tempdir", before)
        yield Path(folder)


def _p95(server: Server) -> float:
    """Return the 95th percentile of the seconds in which photos are answered, one after the other.

    Raises:
        Failed: one was not cut.
    """
    seconds = []
    for _ in range(_TIMED):
        start = time.perf_counter()
        if (came := _cut(server)) != "200":
            raise Failed(f"the good sender got {came}")
        seconds.append(time.perf_counter() - start)
    return quantiles(seconds, n=20)[-1]


def slow_senders() -> str:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _SLOW_SENDERS + 200:
        raise Skipped(f"a process may have {hard} files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, _SLOW_SENDERS + 200), hard))
    with running() as server, ExitStack() as stack:
        alone_s = _p95(server)
        before = _one(server, GATEWAY).memory_info().rss
        refused = 0
        for _ in range(_SLOW_SENDERS):
            try:
                sender = stack.enter_context(socket.create_connection(_address(server), timeout=5))
                sender.sendall(b"POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n\xff\xd8")
            except OSError:
                refused += 1
        seconds = _p95(server)
        grown = (_one(server, GATEWAY).memory_info().rss - before) / 1e6
        return (
            f"{_SLOW_SENDERS - refused} connected, the gateway took {grown:.0f} MB for them; good photos beside them: "
            f"p95 of {_TIMED} {seconds * 1e3:.0f} ms, without them {alone_s * 1e3:.0f} ms"
        )


def senders_who_leave() -> str:
    with running() as server:
        photo = another(_SMALL)
        head = f"POST /cut?objects=person HTTP/1.1\r\nHost: x\r\nContent-Length: {len(photo)}\r\n\r\n".encode()
        for number in range(_LEAVERS):
            with socket.create_connection(_address(server), timeout=5) as sender:
                sender.sendall(head + (photo if number % 2 else photo[: len(photo) // 2]))
                time.sleep(0.02)
        came = _cut(server)
        if came != "200":
            raise Failed(f"the good sender after them got {came}")
        deadline = time.monotonic() + _BACK_S
        while left := _waiting(server):
            if time.monotonic() > deadline:
                raise Failed(f"{left} photos are in flight for nobody after {_BACK_S:.0f} s")
            time.sleep(0.2)
        if server.run.abandoned.exists() and any(server.run.abandoned.iterdir()):
            raise Failed(f"notes of those who left are still in {server.run.abandoned}")
        return f"{_LEAVERS} left; the good sender after them was answered, and nothing is in flight any more"


def load_comes_and_goes() -> str:
    with running() as server, _scaler(server) as (scaler, said):
        start = time.monotonic()
        with _sending(server, _MANY) as came:
            _follow(server, scaler, said, _MOST, f"{_MANY} senders")
        risen = time.monotonic()
        _follow(server, scaler, said, 1, "no sender")
        happened = f"{_MOST} workers in {risen - start:.0f} s, 1 again in {time.monotonic() - risen:.0f} s"
        return f"{happened}; {_all_cut(came)}"


def version_changed() -> str:
    with running() as server:
        with _sending(server, _PHOTOS) as came:
            for choice in (f"--add={stored('bundled.safetensors')}", "--use=1"):
                _scale(server, "versions", choice)
        return _all_cut(came)


def _scale(server: Server, *arguments: str) -> None:
    """Run scripts/scale.py.

    Raises:
        Failed: it fails.
    """
    command = [sys.executable, str(ROOT / "scripts" / "scale.py"), *arguments]
    env = {**os.environ, "OBJECTCUT_RUN_DIR": str(server.run.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=_FOLLOWED_S)
    console.print(textwrap.indent(done.stdout, "  "), end="")
    if done.returncode:
        raise Failed(f"scale.py {' '.join(arguments)}: {done.stderr or done.stdout}")


@contextmanager
def _sending(server: Server, senders: int) -> Iterator[Counter[str]]:
    """Send photos all the while, each sender one after the other; what came is there when the block is over."""
    came: Counter[str] = Counter()
    over = threading.Event()

    def send() -> Counter[str]:
        each: Counter[str] = Counter()
        while not over.is_set():
            each[_cut(server)] += 1
        return each

    with ThreadPoolExecutor(senders) as pool:
        asked = [pool.submit(send) for _ in range(senders)]
        try:
            yield came
        finally:
            over.set()
        for each in asked:
            came.update(each.result())


def _all_cut(came: Counter[str]) -> str:
    """Return how many photos were cut, in words.

    Raises:
        Failed: one was not.
    """
    if set(came) != {"200"}:
        raise Failed(f"those who sent got {dict(came)}")
    return f"{came['200']} x 200"


@contextmanager
def _scaler(server: Server) -> Iterator[tuple[Child, TextIO]]:
    """Have scripts/scale.py choose the number of workers, and read what it says."""
    command = [sys.executable, str(ROOT / "scripts" / "scale.py"), "auto", f"--most={_MOST}", "--every=2", "--wait=0.3"]
    env, log = {**os.environ, "OBJECTCUT_RUN_DIR": str(server.run.path)}, server.run.path / "scale.log"
    scaler = Child("scale.py", command, env, ROOT, log)
    try:
        with log.open() as said:
            yield scaler, said
    finally:
        scaler.stop()


def _follow(server: Server, scaler: Child, said: TextIO, workers: int, load: str) -> None:
    """Print how many workers there are, and what the scaler says, until it has so many.

    Raises:
        Failed: it takes too long.
    """
    words, told, deadline = "", "", time.monotonic() + _FOLLOWED_S
    while f"-> {workers} workers" not in words:
        if time.monotonic() > deadline or scaler.ended():
            raise Failed(f"with {load} there are {told} instead of {workers}; {scaler.last_words()}")
        state = Management(server.run).state(Catalogue.read(server.run.models).entries[0].path)
        if told != f"{state.ready} of {state.wanted} workers":
            told = f"{state.ready} of {state.wanted} workers"
            console.print(f"  {time.strftime('%H:%M:%S')}  {load}, {told} ready")
        words = said.read()
        console.print(textwrap.indent(words, "  "), end="")
        time.sleep(0.5)


DRILLS = (
    Drill("worker killed", f"kill -9 of the model worker, {_PHOTOS} photos in flight", worker_killed),
    Drill("two workers killed", f"both of two workers within 3 s, {2 * _PHOTOS} photos in flight", two_workers_killed),
    Drill("worker stopped", f"SIGSTOP to the model worker, {_PHOTOS} photos in flight", worker_stopped),
    Drill("Java killed", f"kill -9 of TorchServe's Java, {_PHOTOS} photos in flight", java_killed),
    Drill("gateway killed", f"kill -9 of the gateway, {_PHOTOS} photos in flight", gateway_killed),
    Drill("told to stop", f"SIGTERM to serve.py, {_PHOTOS} photos in flight", told_to_stop),
    Drill("key file deleted", "TorchServe's keys removed from the run folder", key_file_deleted),
    Drill("disk full", "no byte left where the run folder is; then a worker killed", disk_full),
    Drill("slow senders", f"{_SLOW_SENDERS} connections that send 2 bytes of a photo, beside a good one", slow_senders),
    Drill("load comes and goes", f"{_MANY} senders, then none, and scale.py auto", load_comes_and_goes),
    Drill("version changed", f"{_PHOTOS} senders, scale.py versions --add, then back", version_changed),
    Drill("senders who leave", f"{_LEAVERS} who leave in the middle of a photo, or behind it", senders_who_leave),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [drill.name for drill in DRILLS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    options = parser.parse_args()
    table = Table("drill", "what was done", "what happened", "s", "", title="Drills", title_justify="left")
    failed = 0
    for drill in (each for each in DRILLS if each.name in options.only):
        console.print(f"{drill.name}: {drill.done} ...")
        start = time.monotonic()
        try:
            happened, verdict = drill.run(), "OK"
        except Skipped as reason:
            happened, verdict = str(reason), "skipped"
        except (Failed, Unreachable, psutil.Error, httpx.HTTPError, OSError) as error:
            happened, verdict = f"{error}" or type(error).__name__, "failed"
            failed += 1
        seconds = time.monotonic() - start
        console.print(f"  {verdict} after {seconds:.0f} s: {happened}")
        table.add_row(
            drill.name, drill.done, happened, f"{seconds:.0f}", verdict, style="red" if verdict == "failed" else ""
        )
    console.print(table)
    console.print(
        f"Failed: {failed} of {len(options.only)}." if failed else "Passed.", style="red" if failed else "green"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
