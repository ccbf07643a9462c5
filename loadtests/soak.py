#!/usr/bin/env python3
"""Send a server of its own mixed traffic for a while, end parts of it meanwhile, and compare every answer.

`make soak MINUTES=20`. Every 20 s a model worker is killed, and once in the middle TorchServe's Java. Passed: no answer
is wrong or missing, and less than one in a hundred asks to come back later.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from child import die_with_parent
from launch import Failed, Server, running
from liveparts import GATEWAY, JAVA, STARTER, WORKER, parts, starter
from management import Management, Unreachable
from objectcut.catalogue import Catalogue
from traffic import ANSWER_S, Answer, Case, difference, traffic

_KILL_S, _TELL_S, _LOOK_S = 20.0, 10.0, 2.0
_SETTLED_S = 120.0  # after which memory should not grow any more
_MOST_503 = 0.01
_LONGEST_S = 30.0  # that a sender heeds Retry-After, or waits for a port that does not answer
_HEALTH, _HEALTH_S = ("/health/live", "/metrics"), 0.5
_SHOWN = (GATEWAY, JAVA, WORKER, STARTER)
_FILE_WIDTH = 140  # of the tables where the output is no terminal
console = Console(markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _FILE_WIDTH)


@dataclass
class Tally:
    """What became of the requests of one kind."""

    sent: int = 0
    right: int = 0
    wrong: int = 0
    lost: int = 0
    later: int = 0  # 503 with Retry-After
    left: int = 0
    seconds: list[float] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass
class Watched:
    """What was seen while the server ran. Times are seconds since the start of the traffic.

    Attributes:
        tallies: by kind of request.
        errors: how often each difference was seen, by kind.
        kills: when, and of what.
        memory: by part: when, and bytes.
        health: by path: seconds until it answered; it did not answer with 200 where they are infinite.
    """

    tallies: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    kills: list[tuple[float, str]] = field(default_factory=list)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    health: dict[str, list[float]] = field(default_factory=dict)

    def whole(self) -> Tally:
        """Return all kinds together."""
        return sum(self.tallies.values(), Tally())

    def verdict(self) -> str:
        """Return why this is no success; nothing when it is one."""
        whole = self.whole()
        failed = [f"{number} {name}" for name, number in (("wrong", whole.wrong), ("lost", whole.lost)) if number]
        if whole.later > _MOST_503 * whole.sent:
            failed.append(f"{whole.later / whole.sent:.1%} told to come back later")
        if not whole.right:
            failed.append("no answer was right")
        return ", ".join(failed)

    def note(self, case: Case, outcome: Outcome, seconds: float = 0.0) -> None:
        """Count what became of a request."""
        tally = self.tallies[case.kind]
        setattr(tally, outcome.became, getattr(tally, outcome.became) + 1)
        if outcome.became != "left":
            tally.seconds.append(seconds)
        if outcome.said:
            self.errors[case.kind, outcome.said] += 1


@dataclass(frozen=True)
class Outcome:
    """What became of a request.

    Attributes:
        became: a count of `Tally`.
        said: in words, what was not right.
    """

    became: str
    said: str = ""

    @classmethod
    def of(cls, reply: httpx.Response | None, right: Answer | None) -> Outcome:
        """Compare a reply with the right answer; None is that of a sender who left."""
        if reply is None or right is None:
            return cls("left")
        answer = Answer.of(reply)
        if reply.status_code == 503 and reply.headers.get("retry-after", "").isdigit():
            return cls("later", f"503 {answer.code}")
        problem = difference(answer, right)
        return cls("wrong", problem) if problem else cls("right")


async def references(client: httpx.AsyncClient, cases: list[Case]) -> list[Answer | None]:
    """Return the right answer to each case.

    Raises:
        Failed: an undisturbed server gives another status than it should.
    """
    answers: list[Answer | None] = []
    for case in cases:
        reply = await case.send(client)
        if reply is not None and reply.status_code != case.status:
            raise Failed(f"{case.kind}: {reply.status_code} instead of {case.status}: {reply.text[:300]}")
        answers.append(None if reply is None else Answer.of(reply))
    return answers


async def send_all(
    server: Server, watched: Watched, senders: int, seconds: float, kill: list[str], rng: random.Random
) -> None:
    """Send traffic for so many seconds.

    Raises:
        Failed: the server cannot do what it should before anything is killed.
    """
    cases = traffic()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=ANSWER_S, trust_env=False, limits=limits) as client:
        right = await references(client, cases)
        watched.tallies.update((case.kind, Tally()) for case in cases)
        start = time.monotonic()
        ended = asyncio.Event()

        def now() -> float:
            return time.monotonic() - start

        async def one_sender() -> None:
            while not ended.is_set():
                which = rng.randrange(len(cases))
                await _ask(client, cases[which], right[which], watched, ended)

        async def watch() -> None:
            told, killed, java_killed = 0.0, 0.0, False
            while now() < seconds and starter(server.run) is not None:
                await asyncio.to_thread(_look, server, watched, now())
                if "java" in kill and not java_killed and now() > seconds / 2:
                    java_killed = _kill(server, JAVA, watched, now())
                elif (
                    "worker" in kill
                    and now() - killed > _KILL_S
                    and await asyncio.to_thread(_kill_worker, server, watched, now())
                ):
                    killed = now()
                if now() - told >= _TELL_S:
                    told = now()
                    console.print(_progress(watched, now()))
                await asyncio.sleep(_LOOK_S)
            if starter(server.run) is None:
                watched.errors["the server", "it ended by itself"] += 1
                watched.tallies["the server"].lost += 1
            ended.set()

        with _asking_health(server.url, watched):
            await asyncio.gather(watch(), *(one_sender() for _ in range(senders)))
        await asyncio.to_thread(_look, server, watched, now())


async def _ask(
    client: httpx.AsyncClient, case: Case, right: Answer | None, watched: Watched, ended: asyncio.Event
) -> None:
    """Send a case once, and wait as long as the answer asks for."""
    watched.tallies[case.kind].sent += 1
    start = time.monotonic()
    wait = 0.0
    try:
        reply = await asyncio.wait_for(case.send(client), ANSWER_S)
        seconds = time.monotonic() - start
        watched.note(case, await asyncio.to_thread(Outcome.of, reply, right), seconds)
        if reply is not None and reply.status_code == 503:
            asked = reply.headers.get("retry-after", "")
            wait = float(asked) if asked.isdigit() else 1.0
    except (httpx.HTTPError, OSError, asyncio.TimeoutError) as error:
        # Whoever leaves may find the connection closed.
        gone = Outcome("left") if right is None else Outcome("lost", f"no answer: {type(error).__name__}")
        watched.note(case, gone, time.monotonic() - start)
        wait = 1.0
    if wait:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(ended.wait(), min(wait, _LONGEST_S))


@contextmanager
def _asking_health(url: str, watched: Watched) -> Iterator[None]:
    """Ask again and again whether the gateway lives, while the block runs."""
    processes = multiprocessing.get_context("spawn")
    ended, (here, there) = processes.Event(), processes.Pipe(duplex=False)
    asking = processes.Process(target=_ask_health, args=(url, ended, there), daemon=True)
    asking.start()
    there.close()
    yield
    ended.set()
    watched.health = here.recv()
    asking.join()


def _ask_health(url: str, ended: Event, tell: Connection) -> None:
    """In a process of its own: in this one it would wait for answers that are compared."""
    health: dict[str, list[float]] = {path: [] for path in _HEALTH}
    with httpx.Client(base_url=url, timeout=ANSWER_S, trust_env=False) as client:
        while not ended.wait(_HEALTH_S):
            for path in _HEALTH:
                start = time.perf_counter()
                try:
                    lives = client.get(path).status_code == 200
                except httpx.HTTPError:
                    lives = False
                health[path].append(time.perf_counter() - start if lives else math.inf)
    tell.send(health)


def _look(server: Server, watched: Watched, now: float) -> None:
    """Note the memory of each part."""
    for part, processes in parts(server.run).items():
        with suppress(psutil.Error):
            held = sum(process.memory_info().rss for process in processes)
            watched.memory.setdefault(part, []).append((now, held))


def _kill(server: Server, part: str, watched: Watched, now: float) -> bool:
    """Kill the oldest process of a part; False when there is none."""
    for process in parts(server.run).get(part, ()):
        with suppress(psutil.Error):
            process.kill()
            watched.kills.append((now, part))
            console.print(f"{_clock(now)}  {part} killed")
            return True
    return False


def _kill_worker(server: Server, watched: Watched, now: float) -> bool:
    """Kill a worker that TorchServe lists as ready; False while there is none.

    One that is starting is left alone: TorchServe waits longer each time that it fails.
    """
    with suppress(Unreachable, OSError, psutil.Error):
        for each in Management(server.run).workers(Catalogue.read(server.run.models).entries[0].path):
            if each["status"] == "READY":
                psutil.Process(int(each["pid"])).kill()
                watched.kills.append((now, WORKER))
                return True
    return False


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


def _progress(watched: Watched, now: float) -> str:
    whole = watched.whole()
    return (
        f"{_clock(now)}  {whole.sent} sent, {whole.right} right, {whole.wrong} wrong, {whole.lost} lost, "
        f"{whole.later} told to come back, {whole.left} left; {len(watched.kills)} killed"
    )


def report(watched: Watched) -> None:
    """Print what became of the requests, and the memory of the parts."""
    console.print(_answers(watched))
    if watched.errors:
        table = Table("kind", "what was wrong", "times", title="Errors", title_justify="left")
        for (kind, problem), count in watched.errors.most_common():
            table.add_row(kind, problem, str(count))
        console.print(table)
    console.print(_memory(watched))
    for path, asked in watched.health.items():
        seconds = list(filter(math.isfinite, asked))
        p50, p95, p99 = _percentiles(seconds)
        console.print(
            f"{path} was asked {len(asked)} times, {len(asked) - len(seconds)} without an answer: p50 {p50} s, "
            f"p95 {p95} s, p99 {p99} s, longest {max(seconds, default=0.0):.2f} s."
        )
    killed = Counter(part for _, part in watched.kills)
    console.print(f"Killed: {', '.join(f'{count} x {part}' for part, count in killed.items()) or 'nothing'}.")


def _answers(watched: Watched) -> Table:
    numbers = ("sent", "right", "wrong", "lost", "503, come back", "left", "p50, s", "p95, s", "p99, s")
    table = Table("kind", title="Answers", title_justify="left")
    for name in numbers:
        table.add_column(name, justify="right")
    for kind, tally in [*watched.tallies.items(), ("all", watched.whole())]:
        counts = (tally.sent, tally.right, tally.wrong, tally.lost, tally.later, tally.left)
        bad = kind != "all" and (tally.wrong or tally.lost)
        table.add_row(kind, *map(str, counts), *_percentiles(tally.seconds), style="red" if bad else "")
    return table


def _percentiles(seconds: list[float]) -> list[str]:
    if len(seconds) < 2:
        return [f"{each:.2f}" for each in seconds * 3] or [""] * 3
    cuts = quantiles(seconds, n=100, method="inclusive")
    return [f"{cuts[place - 1]:.2f}" for place in (50, 95, 99)]


def _memory(watched: Watched) -> Table:
    """Medians of a tenth of the time, as single looks may meet a photo of 12 MP."""
    ended = max((times[-1][0] for times in watched.memory.values()), default=0.0)
    settled = min(_SETTLED_S, ended / 4)
    table = Table("part", title="Memory", title_justify="left")
    for name in (f"at {_clock(settled)}, MB", f"at {_clock(ended)}, MB", "growth", "most, MB"):
        table.add_column(name, justify="right")
    for part in _SHOWN:
        seen = watched.memory.get(part, [])
        first = [held for at, held in seen if settled <= at <= settled + ended / 10]
        last = [held for at, held in seen if at >= ended * 0.9]
        if not first or not last:
            table.add_row(part, *(f"{median(held) / 1e6:.0f}" if held else "gone" for held in (first, last)))
            continue
        before, after = median(first), median(last)
        most = max(held for _, held in seen)
        table.add_row(
            part, f"{before / 1e6:.0f}", f"{after / 1e6:.0f}", f"{after / before - 1:+.0%}", f"{most / 1e6:.0f}"
        )
    return table


def plot(watched: Watched, path: Path) -> None:
    """Draw the memory of each part over time, and when something was killed."""
    from matplotlib.figure import Figure  # only here: it takes long to import

    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplots()
    for part in _SHOWN:
        if seen := watched.memory.get(part):
            axes.plot([at for at, _ in seen], [held / 1e6 for _, held in seen], label=part)
    for at, part in watched.kills:
        axes.axvline(at, color="tab:red" if part == JAVA else "lightgrey", linewidth=1, zorder=0)
    axes.set(title="memory (grey: a worker was killed, red: Java)", xlabel="s", ylabel="resident, MB", ylim=(0, None))
    if watched.memory:
        axes.legend()
    figure.savefig(path)


@contextmanager
def _busy() -> Iterator[None]:
    """Keep every core busy with something else."""
    with ExitStack() as stack:
        for _ in os.sched_getaffinity(0):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=die_with_parent)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long traffic is sent (default: 2)")
    parser.add_argument("--senders", type=int, default=6, help="who send at once (default: 6)")
    parser.add_argument(
        "--kill",
        nargs="*",
        choices=("worker", "java"),
        default=["worker", "java"],
        help="what is killed (default: both)",
    )
    parser.add_argument("--busy", action="store_true", help="keep all cores busy with something else meanwhile")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the requests")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw memory over time there, PNG")
    options = parser.parse_args()
    if options.minutes <= 0 or options.senders < 1:
        parser.error("some time and a sender are needed")
    watched = Watched()
    try:
        with running() as server, _busy() if options.busy else ExitStack():
            console.print(
                f"{server.url} was ready after {server.ready:.0f} s; traffic for {options.minutes:g} minutes."
            )
            rng = random.Random(options.seed)
            asyncio.run(send_all(server, watched, options.senders, options.minutes * 60, options.kill, rng))
    except (Failed, httpx.HTTPError) as error:
        console.print(f"The server does not answer as it should before anything was killed: {error}", style="red")
        return 1
    report(watched)
    if options.plot:
        plot(watched, options.plot)
    verdict = watched.verdict()
    console.print(f"Failed: {verdict}." if verdict else "Passed.", style="red" if verdict else "green")
    return 1 if verdict else 0


if __name__ == "__main__":
    sys.exit(main())
