"""Whether the parts run as they should: waits for them, and finds the one line that tells why they do not."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from child import Child
from management import LOAD_S, Management, Unreachable
from objectcut.catalogue import Catalogue
from processes import TORCHSERVE
from rundir import PORT_TAKEN, RunDir

_WARM_UPS = 5
_MODEL_LOG = "model_log.log"


class Failed(Exception):
    """A start that did not succeed; the message names the cause in one line."""


class PortTaken(Failed):
    """Another program took one of TorchServe's ports after it was found free."""


def wait(condition: Callable[[], bool], children: Sequence[Child], run: RunDir, otherwise: str) -> None:
    """Return when the condition holds.

    Raises:
        Failed: a part or the model's worker ended meanwhile, or it took too long.
    """
    deadline = time.monotonic() + LOAD_S
    while not condition():
        check(children, run)
        if _worker_error(run.logs / _MODEL_LOG):
            time.sleep(0.5)  # until all of it is written
            raise Failed(f"the model's worker failed: {_worker_error(run.logs / _MODEL_LOG)}")
        if time.monotonic() > deadline:
            raise Failed(f"{otherwise} in {LOAD_S:.0f} s; see {run.logs}")
        time.sleep(0.2)


def check(children: Sequence[Child], run: RunDir) -> None:
    """Return when all parts run.

    Raises:
        Failed: one ended; `PortTaken` if another try may succeed.
    """
    for child in children:
        if child.ended():
            kind = PortTaken if child.name == TORCHSERVE and child.wrote(PORT_TAKEN) else Failed
            raise kind(f"{child.name} stopped: {child.last_words()} (all of it in {run.logs})")


def answers(url: str) -> bool:
    """Return whether a GET succeeds."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def warm_up(address: str, run: RunDir) -> None:
    """Cut some noise before anybody waits: Java and the model's worker take several times as long at first.

    Raises:
        Failed: the server does not cut.
    """
    noise = io.BytesIO()
    Image.effect_noise((640, 480), 100).convert("RGB").save(noise, "JPEG")
    for _ in range(_WARM_UPS):
        files, options = {"image_file": noise.getvalue()}, {"min_score": "0"}
        reply = httpx.post(f"{address}/cut", files=files, data=options, timeout=LOAD_S, trust_env=False)
        if reply.status_code == httpx.codes.UNAUTHORIZED:  # it wants a key, which TorchServe does not
            reply = Management(run).cut(Catalogue.read(run.models).entries[0].path, noise.getvalue())
        if reply.status_code not in {200, 422}:  # 422: nothing was found in the noise, which is as it should be
            raise Failed(f"the server is up but does not cut: {reply.text[:300]}")


def workers(run: RunDir) -> list[dict[str, Any]] | None:
    """Return the workers of the first model, ready or not; None while TorchServe does not answer."""
    try:
        return Management(run).workers(Catalogue.read(run.models).entries[0].path)
    except Unreachable:
        return None


def has_worker(run: RunDir) -> bool:
    """Return whether TorchServe has a model worker that is ready."""
    return any(worker["status"] == "READY" for worker in workers(run) or ())


def _worker_error(log: Path) -> str | None:
    """Return the line that ends the first Python traceback in the workers' log: the exception itself."""
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
