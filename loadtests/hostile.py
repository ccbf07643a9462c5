#!/usr/bin/env python3
"""Send a server of its own what is made to cost it much, one thing after the other, and tell what each cost.

`make hostile`. Passed: each is refused with 4xx in the shape of all errors, and a good photo is cut afterwards. The
times and the memory are told beside their goals, and beside what photos of these sizes cost that mean no harm: two of
the PNG files are whole pictures, which are searched as any other, and an upload of 20 MB alone takes some of the time.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx
import psutil
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmark.measure import forget_peak, peak
from benchmark.photos import another, woman
from bombs import BOMBS, encoded, with_scans
from imagefiles import chunk
from launch import Failed, Server, running
from liveparts import GATEWAY, WORKER, parts

_GOAL_S, _GOAL_BYTES = 0.1, 50_000_000
_ANSWER_S = 60.0
_MOST = 19_000_000  # bytes of a body: nearly as many as are accepted
_12_MP = (4000, 3000)
_FILE_WIDTH = 140
_HEAD = b"POST /cut HTTP/1.1\r\nHost: localhost\r\n"
_FORM = "application/x-www-form-urlencoded"
console = Console(markup=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _FILE_WIDTH)


@dataclass(frozen=True)
class Hostile:
    """A request.

    Attributes:
        body: makes what it sends.
        content_type: of the body.
        query: of its address.
        encoding: of the body.
    """

    body: Callable[[], bytes]
    content_type: str = "image/png"
    query: bytes = b""
    encoding: str = "identity"

    def send(self, client: httpx.Client, body: bytes) -> tuple[int, bool]:
        """Return the status of the answer, and whether it is in the shape of all errors."""
        url = client.base_url.copy_with(raw_path=b"/cut" + (b"?" + self.query if self.query else b""))
        headers = {"Content-Type": self.content_type, "Content-Encoding": self.encoding}
        reply = client.post(url, content=body, headers=headers)
        try:
            return reply.status_code, reply.json()["error"] is True
        except (ValueError, LookupError, TypeError):
            return reply.status_code, False


def _json(text: bytes) -> Hostile:
    photo = base64.b64encode(woman((64, 48)))
    return Hostile(lambda: b'{"image_base64": "' + photo + b'", ' + text + b"}", "application/json")


def _flat_png(size: tuple[int, int], unpacked: int, *chunks: bytes) -> bytes:
    """A PNG file of one colour, whose pixels unpack to this many bytes."""
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    piece = bytes(1_000_000)
    rows = b"".join(packer.compress(piece) for _ in range(unpacked // len(piece) + 1)) + packer.flush()
    ends = (chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join((*chunks, *ends))


def _text_chunk(unpacked: int) -> bytes:
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(unpacked), 9))


def _progressive(scans: int) -> bytes:
    return with_scans(encoded(Image.new("RGB", _12_MP, "teal"), "JPEG", progressive=True), scans)


_MULTIPART = "multipart/form-data; boundary=x"
_PARTS = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
REQUESTS: dict[str, Hostile] = {
    **{name: Hostile(make) for name, (make, _) in BOMBS.items()},
    "12 MP JPEG of 1,000 more scans": Hostile(lambda: _progressive(1000), "image/jpeg"),
    "12 MP PNG whose pixels unpack to 1 GB": Hostile(lambda: _flat_png(_12_MP, 1_000_000_000)),
    "PNG of 1 GB of pixels": Hostile(lambda: _flat_png((16_000, 16_000), 800_000_000)),
    "12 MP PNG with a text of 1 GB": Hostile(lambda: _flat_png(_12_MP, 36_003_000, _text_chunk(1_000_000_000))),
    "body that gunzips to 2 GB": Hostile(lambda: gzip.compress(bytes(2_000_000_000), 9), encoding="gzip"),
    "JSON, 9 million deep": Hostile(lambda: b"[" * _MOST, "application/json"),
    "JSON with a `pick` of 9 million": _json(b'"pick": [' + b"1," * 9_000_000 + b"1]"),
    "JSON with a `margin` of 9 million": _json(b'"margin": [' + b"1," * 9_000_000 + b"1]"),
    "JSON of 1.5 million fields": _json(b",".join(b'"%d": 1' % number for number in range(1_500_000))),
    "JSON with a name of 10 MB": _json(b'"objects": "' + b"a" * 10_000_000 + b'"'),
    "base64 of 19 MB of escapes": Hostile(
        lambda: b'{"image_base64": "' + b"\\u0041" * (_MOST // 6) + b'"}', "application/json"
    ),
    "query of 10,000 names": Hostile(lambda: woman((64, 48)), "image/jpeg", b"objects=cat&" * 5_000),
    "query of 64 kB in one name": Hostile(lambda: woman((64, 48)), "image/jpeg", b"objects=" + b"a," * 30_000),
    "form of 19 MB of separators": Hostile(lambda: b"&" * _MOST, _FORM),
    "form of 19 MB of escapes": Hostile(lambda: b"objects=" + b"%41" * (_MOST // 3), _FORM),
    "form of 350,000 parts": Hostile(lambda: _PARTS * (_MOST // len(_PARTS)) + b"--x--\r\n", _MULTIPART),
}
"""Name to what is sent to `/cut`."""


def _headers(count: int, size: int) -> bytes:
    """The head of a request with so many headers of so many bytes."""
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * size) for number in range(count))
    return _HEAD + lines + b"\r\n"


ORDINARY: dict[str, Hostile] = {
    "an ordinary PNG of 12 MP": Hostile(lambda: _flat_png(_12_MP, 36_003_000)),
    "an ordinary JPEG of 12 MP": Hostile(lambda: woman(_12_MP), "image/jpeg"),
}
"""Name to what is sent to `/cut` to compare the others with."""


HEADS: dict[str, Callable[[], bytes]] = {
    "one header of 100 MB": lambda: _headers(1, 100_000_000),
    "200,000 headers": lambda: _headers(200_000, 10),
    "announced 30 MB, sent nothing": lambda: (
        b"POST /cut HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n"
    ),
    "no HTTP": lambda: bytes(range(256)) * 1000,
}
"""Name to what is written to a connection."""


def _write(server: Server, data: bytes) -> tuple[int, bool]:
    """Write to a connection, and return the status of the answer, and whether it is in the shape of all errors."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80), _ANSWER_S) as connection:
        with suppress(OSError):  # it is refused while it is sent
            connection.sendall(data)
        heard = b""
        with suppress(OSError):
            while b'"request_id"' not in heard and (more := connection.recv(65_536)):
                heard += more
    head, _, body = heard.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head.startswith(b"HTTP/") else 0, b'"error":true' in body.replace(b" ", b"")


@dataclass(frozen=True)
class Cost:
    """What a request cost: the status of its answer, whether that is in the shape of all errors, seconds, bytes."""

    name: str
    sent: int
    status: int
    shaped: bool
    seconds: float
    grown: int

    @property
    def refused(self) -> bool:
        """Whether it was answered as it should be."""
        return 400 <= self.status < 500 and self.shaped


def _measured(server: Server, name: str, sent: int, send: Callable[[], tuple[int, bool]]) -> Cost:
    watched = [process for part in (GATEWAY, WORKER) for process in parts(server.run)[part]]
    before = [forget_peak(process) for process in watched]
    start = time.perf_counter()
    try:
        status, shaped = send()
    except httpx.HTTPError:
        status, shaped = 0, False
    seconds = time.perf_counter() - start
    alive = [process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in watched]
    if not all(alive):
        return Cost(name, sent, 0, False, seconds, 0)
    grown = sum(peak(process) - held for process, held in zip(watched, before, strict=True))
    return Cost(name, sent, status, shaped, seconds, grown)


def measure(server: Server, names: list[str]) -> list[Cost]:
    """Send each thing once."""
    costs = []
    with httpx.Client(base_url=server.url, timeout=_ANSWER_S, trust_env=False) as client:
        for name in names:
            if name in HEADS:
                data = HEADS[name]()
                cost = _measured(server, name, len(data), lambda data=data: _write(server, data))  # type: ignore[misc]
            else:
                asked = {**REQUESTS, **ORDINARY}[name]
                body = asked.body()
                sent = len(body) + len(asked.query)
                cost = _measured(
                    server,
                    name,
                    sent,
                    lambda asked=asked, body=body: asked.send(client, body),  # type: ignore[misc]
                )
            costs.append(cost)
            style = "" if cost.refused or name in ORDINARY else "red"
            console.print(f"{name}: {cost.status} after {cost.seconds:.2f} s", style=style)
        good = client.post("/cut", files={"image_file": another(woman((640, 480)))}, data={"objects": "person"})
        if good.status_code != 200:
            raise Failed(f"a good photo got {good.status_code} afterwards: {good.text[:300]}")
    return costs


def report(costs: list[Cost], ordinary: list[Cost]) -> None:
    """Print what each cost, how many kept to the goals, and what ordinary photos cost."""
    table = Table("sent", title="Hostile requests", title_justify="left")
    for name in ("MB", "answer", "s", "memory, MB more"):
        table.add_column(name, justify="right")
    for cost in costs:
        row = (f"{cost.sent / 1e6:.2f}", str(cost.status), f"{cost.seconds:.3f}", f"{cost.grown / 1e6:.0f}")
        table.add_row(cost.name, *row, style="" if cost.refused else "red")
    console.print(table)
    quick = sum(cost.seconds <= _GOAL_S for cost in costs)
    small = sum(cost.grown <= _GOAL_BYTES for cost in costs)
    console.print(
        f"Within {_GOAL_S * 1e3:.0f} ms: {quick} of {len(costs)}, the longest {max(c.seconds for c in costs):.2f} s; "
        f"within {_GOAL_BYTES / 1e6:.0f} MB more of gateway and worker together: {small} of {len(costs)}."
    )
    for cost in ordinary:
        console.print(f"Beside them {cost.name}: {cost.seconds:.2f} s, {cost.grown / 1e6:.0f} MB.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*REQUESTS, *HEADS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help="; ".join(names))
    options = parser.parse_args()
    try:
        with running() as server:
            costs = measure(server, options.only)
            ordinary = measure(server, list(ORDINARY))
    except Failed as error:
        console.print(str(error), style="red")
        return 1
    report(costs, ordinary)
    failed = sum(not cost.refused for cost in costs)
    console.print(f"Failed: {failed} of {len(costs)}." if failed else "Passed.", style="red" if failed else "green")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
