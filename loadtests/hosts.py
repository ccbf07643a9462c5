#!/usr/bin/env python3
"""Run ObjectCut on three hosts behind HAProxy, and tell what that brings, and what the loss of one costs.

`make hosts`. The hosts are network namespaces of this machine, each with an address, a part of the processor, a gateway
and a TorchServe of its own; a Redis counts the limits of all. Passed: while one host is cut off from the others and
comes back, every photo is cut, and who may send so much gets that much from all hosts together.

Linux, root, `ip` (iproute2), `haproxy` and `redis-server` are needed.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import httpx
from rich.console import Console
from rich.table import Table

from benchmark.photos import another, woman
from child import Child
from launch import Failed, running
from rundir import ROOT, free_port

_HOSTS = 3
_NETWORK = "10.231.77"
_PERIOD_US = 100_000
_SENDERS_EACH = 4  # for each host that is in use
_CUT_OFF, _BACK = 0.2, 0.7  # shares of the time, when a host is lost and when it is there again
_RATE, _PHOTO = 600, 5  # megapixels per minute; those of a small photo
_ANSWER_S = 150.0
_READY_S = 240.0
_LOOPBACK = "http://127."
_CONFIG = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
console = Console(markup=False, highlight=False, soft_wrap=True)


@dataclass
class Seen:
    """What senders saw.

    Attributes:
        answers: how often each, in words; "200" is a right picture.
        seconds: of each request.
        lasted: seconds that they sent for.
    """

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lasted: float = 0.0

    @property
    def rate(self) -> float:
        """Photos cut in a second."""
        return self.answers["200"] / self.lasted

    @property
    def wrong(self) -> int:
        """Photos that were not cut."""
        return self.answers.total() - self.answers["200"]


class Balancer:
    """HAProxy with the project's own configuration, in front of all hosts.

    Args:
        folder: for its socket and log.
        hosts: addresses and ports.
    """

    def __init__(self, folder: Path, hosts: list[str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._socket = folder / "haproxy.sock"
        names = {f"OBJECTCUT_HOST_{number}": host for number, host in enumerate(hosts, 1)}
        environment = {
            **os.environ,
            **names,
            "OBJECTCUT_BIND": f"127.0.0.1:{port}",
            "OBJECTCUT_STATS": str(self._socket),
        }
        command = ["haproxy", "-db", "-f", str(_CONFIG)]
        self._process = Child("HAProxy", command, environment, ROOT, folder / "haproxy.log")

    def close(self) -> None:
        """End it."""
        self._process.stop(5)

    def tell(self, command: str) -> str:
        """Give a command, and return what it says (HAProxy, Management Guide, section 9.3).

        Raises:
            Failed: it does not run.
        """
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self._socket))
                connection.sendall(f"{command}\n".encode())
                return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
        except OSError:
            raise Failed(f"HAProxy does not run: {self._process.last_words()}") from None

    def use(self, count: int) -> None:
        """Let the first so many hosts take part, and wait until they do.

        Raises:
            Failed: they do not become ready.
        """
        for number in range(1, _HOSTS + 1):
            self.tell(f"{'enable' if number <= count else 'disable'} server hosts/{number}")
        deadline = time.monotonic() + _READY_S
        while list(self.states().values()) != ["UP"] * count + ["MAINT"] * (_HOSTS - count):
            if time.monotonic() > deadline:
                raise Failed(f"the hosts are {self.states()}")
            time.sleep(0.2)

    def states(self) -> dict[str, str]:
        """Return each host's state."""
        return {row["svname"]: row["status"].split()[0] for row in self._rows()}

    def counts(self) -> dict[str, int]:
        """Return how many requests each host was given."""
        return {row["svname"]: int(row["stot"]) for row in self._rows()}

    def _rows(self) -> list[dict[str, str]]:
        rows = csv.DictReader(self.tell("show stat").lstrip("# ").splitlines())
        return [row for row in rows if row["pxname"] == "hosts" and row["svname"] != "BACKEND"]


@contextmanager
def network(count: int) -> Iterator[list[str]]:
    """Make a bridge and so many network namespaces at it; their names, whose addresses are 11 and up.

    Raises:
        Failed: this user or this system does not allow it.
    """
    tag = f"oc{os.getpid() % 100_000}"
    with ExitStack() as stack:

        def ip(*words: str, undo: tuple[str, ...] = ()) -> None:
            done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
            if done.returncode:
                raise Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")
            if undo:
                stack.callback(subprocess.run, ["ip", *undo], capture_output=True, check=False)

        bridge = f"{tag}b"
        ip("link", "add", bridge, "type", "bridge", undo=("link", "del", bridge))
        ip("address", "add", f"{_NETWORK}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        names = [f"{tag}h{number}" for number in range(1, count + 1)]
        for number, name in enumerate(names):
            ip("netns", "add", name, undo=("netns", "del", name))
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", bridge, "up")
            for words in (
                ("link", "set", "lo", "up"),
                ("address", "add", f"{_NETWORK}.{11 + number}/24", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
            ):
                ip("-n", name, *words)
        yield names


@contextmanager
def processor(name: str, cores: float) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Make a control group; the file that takes its processes, and what limits these to so many cores.

    Raises:
        Failed: this system does not allow it.
    """
    root = Path("/sys/fs/cgroup")
    unified = (root / "cgroup.controllers").exists()
    group = (root if unified else root / "cpu") / name
    quota = int(cores * _PERIOD_US)
    try:
        group.mkdir()
    except OSError as error:
        raise Failed(f"no control group can be made: {error}") from None

    def limit() -> None:
        if unified:
            (root / "cgroup.subtree_control").write_text("+cpu")
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))

    try:
        yield group / "cgroup.procs", limit
    finally:
        for _ in range(100):  # its last process may not be gone yet
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


@contextmanager
def store(folder: Path) -> Iterator[str]:
    """Run a Redis on the bridge; its address."""
    port = free_port()
    command = ["redis-server", "--bind", f"{_NETWORK}.1", "--port", str(port), "--save", "", "--protected-mode", "no"]
    process = Child("Redis", command, dict(os.environ), folder, folder / "redis.log")
    try:
        yield f"redis://{_NETWORK}.1:{port}"
    finally:
        process.stop(5)


def send(url: str, count: int, seconds: float) -> Seen:
    """Have so many people send small photos, one after the other, each from an address of its own."""
    seen, photo, lock = Seen(), woman((640, 480)), threading.Lock()
    start = time.monotonic()

    def one(number: int) -> None:
        turn = 0
        while time.monotonic() < start + seconds:
            # Each photo from another address, so that nobody reaches the limit.
            turn += 1
            address = f"127.{1 + number}.{turn // 250}.{1 + turn % 250}" if url.startswith(_LOOPBACK) else None
            with httpx.Client(
                base_url=url, timeout=_ANSWER_S, transport=httpx.HTTPTransport(local_address=address)
            ) as client:
                begun = time.monotonic()
                answer = _cut(client, another(photo))
                with lock:
                    seen.answers[answer] += 1
                    seen.seconds.append(time.monotonic() - begun)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))
    seen.lasted = time.monotonic() - start
    return seen


def _cut(client: httpx.Client, photo: bytes) -> str:
    options = {"objects": "person", "edges": "raw"}
    try:
        reply = client.post("/cut", files={"image_file": photo}, data=options, headers={"Accept": "image/png"})
    except httpx.HTTPError as error:
        return type(error).__name__
    right = reply.content.startswith(b"\x89PNG") and reply.headers.get("x-object-count") == "1"
    return "200" if reply.status_code == 200 and right else f"{reply.status_code}"


def rates(balancer: Balancer, direct: str, seconds: float) -> list[tuple[str, Seen]]:
    """Measure one host alone, then one, two and three behind HAProxy."""
    send(direct, _SENDERS_EACH, seconds / 3)  # warms up
    measured = [("1, without HAProxy", send(direct, _SENDERS_EACH, seconds))]
    for count in range(1, _HOSTS + 1):
        balancer.use(count)
        send(balancer.url, count * _SENDERS_EACH, seconds / 3)
        measured.append((str(count), send(balancer.url, count * _SENDERS_EACH, seconds)))
        console.print(f"{count} hosts: {measured[-1][1].rate:.2f} photos per second")
    return measured


def cut_off(balancer: Balancer, name: str, seconds: float) -> tuple[Seen, str]:
    """Take a host from the network while photos are sent, and give it back; what was seen, and how traffic moved."""
    balancer.use(_HOSTS)
    counts: list[dict[str, int]] = []

    def link(state: str) -> None:
        counts.append(balancer.counts())
        subprocess.run(["ip", "link", "set", name, state], check=True)
        console.print(f"host 2 is {'cut off' if state == 'down' else 'back'}: {balancer.states()}")

    with ThreadPoolExecutor(1) as pool:
        counts.append(balancer.counts())
        sent = pool.submit(send, balancer.url, _HOSTS * _SENDERS_EACH, seconds)
        time.sleep(_CUT_OFF * seconds)
        link("down")
        time.sleep((_BACK - _CUT_OFF) * seconds)
        link("up")
        seen = sent.result()
        counts.append(balancer.counts())
    phases = [
        " + ".join(str(after[host] - before[host]) for host in after) for before, after in itertools.pairwise(counts)
    ]
    return seen, f"photos given to each host before, meanwhile and after: {'; '.join(phases)}"


def limited(balancer: Balancer) -> tuple[int, Counter[str]]:
    """Send from one address until long after it had enough; how many were let in, and all answers."""
    balancer.use(_HOSTS)
    answers: Counter[str] = Counter()
    photo = woman((64, 48))
    with httpx.Client(base_url=balancer.url, timeout=_ANSWER_S) as client:
        for _ in range(_HOSTS * _RATE // _PHOTO):
            reply = client.post("/detect", files={"image_file": photo})
            answers[str(reply.status_code)] += 1
            if answers["429"] >= 10 * _HOSTS:
                break
    return answers["200"], answers


def measure(cores: float, seconds: float) -> bool:
    """Set all up, measure, and return whether nothing was lost.

    Raises:
        Failed: something cannot be set up here.
    """
    missing = [program for program in ("ip", "haproxy", "redis-server") if shutil.which(program) is None]
    if missing:
        raise Failed(f"{', '.join(missing)} is missing (Debian's packages: iproute2, haproxy, redis-server)")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="objectcut-hosts-")))
        names = stack.enter_context(network(_HOSTS))
        variables = {
            "OBJECTCUT_PROXIES": f"{_NETWORK}.1",
            "OBJECTCUT_RATE": f"{_RATE}/minute",
            "OBJECTCUT_RATE_STORE": stack.enter_context(store(folder)),
            "OBJECTCUT_THREADS": str(max(1, int(cores))),
        }
        urls, limits = [], []
        for number, name in enumerate(names):
            group, limit = stack.enter_context(processor(name, cores))
            limits.append(limit)
            within = ["sh", "-c", f'echo $$ > {group} && exec ip netns exec {name} "$@"', "sh"]
            server = stack.enter_context(running(variables, f"{_NETWORK}.{11 + number}", within))
            urls.append(server.url)
            console.print(f"host {number + 1}: {server.url}, {cores:g} cores, ready after {server.ready:.0f} s")
        for limit in limits:  # a start with so little of the processor takes a minute
            limit()
        balancer = Balancer(folder, [url.removeprefix("http://") for url in urls])
        stack.callback(balancer.close)
        time.sleep(1)
        measured = rates(balancer, urls[0], seconds)
        seen, moved = cut_off(balancer, names[1], 3 * seconds)
        let_in, answers = limited(balancer)
    report(measured, seen, moved)
    most = _RATE // _PHOTO
    console.print(
        f"One address may have {most} photos a minute: {let_in} were let in by {_HOSTS} hosts ({dict(answers)})."
    )
    lost = seen.wrong + sum(each.wrong for _, each in measured)
    return not lost and let_in <= 2 * most  # a minute may have begun meanwhile


def report(measured: list[tuple[str, Seen]], seen: Seen, moved: str) -> None:
    """Print what was seen."""
    table = Table("hosts", title="Small photos from people who send at once", title_justify="left")
    for name in ("photos/s", "for each host, of one", "p50, s", "p95, s", "not cut"):
        table.add_column(name, justify="right")
    one = dict(measured)["1"].rate
    for hosts, each in measured:
        share = f"{each.rate / one / int(hosts[0]):.2f}"
        cuts = quantiles(each.seconds, n=20)
        table.add_row(hosts, f"{each.rate:.2f}", share, f"{cuts[9]:.2f}", f"{cuts[18]:.2f}", str(each.wrong))
    console.print(table)
    console.print(
        f"While host 2 was cut off and came back: {seen.answers.total()} sent, {dict(seen.answers)}, the longest "
        f"{max(seen.seconds):.1f} s; {moved}."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=float, default=0.4, help="of each host (default: 0.4, for a machine of two)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement (default: 30)")
    options = parser.parse_args()
    try:
        passed = measure(options.cores, options.seconds)
    except Failed as error:
        console.print(str(error), style="red")
        return 1
    console.print("Passed." if passed else "Failed.", style="green" if passed else "red")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
