"""Whether the parts run as they should: waits for them, and finds the one line that tells why they do not."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from PIL import Image

from management import LOAD_S, Management, Unreachable
from objectcut.catalogue import Catalogue
from rundir import RunDir
from supervision import Failed

_WARM_UPS = 5
_MODEL_LOG = "model_log.log"


def wait(condition: Callable[[], bool], check: Callable[[], None], otherwise: str, seconds: float = LOAD_S) -> None:
    """Return when the condition holds.

    Args:
        condition: is asked again and again.
        check: likewise; raises when there is nothing to wait for any more.
        otherwise: what to say when it takes too long.
        seconds: what is too long.

    Raises:
        Failed: it took too long.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise Failed(f"{otherwise} in {seconds:.0f} s")
        time.sleep(0.2)


def check_worker(run: RunDir) -> None:
    """Return when no worker of the TorchServe that starts has failed.

    Raises:
        Failed: one did, for the reason that it names.
    """
    log = run.logs / _MODEL_LOG
    if _worker_error(log):
        time.sleep(0.5)  # until all of it is written
        raise Failed(f"the model's worker failed: {_worker_error(log)}")


def answers(url: str) -> bool:
    """Return whether a GET succeeds."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def warm_up(address: str, run: RunDir) -> None:
    """Cut some noise before anybody waits: Java and the model's worker take several times as long at first.

    Others may ask meanwhile; where they leave it no time for this they warm it up.

    Raises:
        Failed: the server does not cut.
    """
    noise = io.BytesIO()
    Image.effect_noise((640, 480), 100).convert("RGB").save(noise, "JPEG")
    for _ in range(_WARM_UPS):
        files, options = {"image_file": noise.getvalue()}, {"min_score": "0"}
        try:
            reply = httpx.post(f"{address}/cut", files=files, data=options, timeout=LOAD_S, trust_env=False)
        except httpx.TransportError as error:
            raise Failed(f"the server is up but does not answer: {error}") from error
        if reply.status_code == httpx.codes.UNAUTHORIZED:  # it wants a key, which TorchServe does not
            reply = Management(run).cut(Catalogue.read(run.models).entries[0].path, noise.getvalue())
        if reply.status_code in {429, 503} and reply.json()["code"] in {"rate_limited", "overloaded"}:
            return
        if reply.status_code not in {200, 422}:  # 422: nothing was found in the noise, which is as it should be
            raise Failed(f"the server is up but does not cut: {reply.text[:300]}")


def answering(run: RunDir) -> bool:
    """Return whether TorchServe answers, whatever models it has."""
    try:
        Management(run).models()
    except Unreachable:
        return False
    return True


def has_worker(run: RunDir) -> bool:
    """Return whether the first model has a worker that is ready."""
    try:
        workers = Management(run).workers(Catalogue.read(run.models).entries[0].path)
    except Unreachable:
        return False
    return any(worker["status"] == "READY" for worker in workers)


def _worker_error(log: Path) -> str | None:
    """Return the line that ends the first Python traceback in the workers' log: the exception itself."""
    error, inside, chained = None, False, False
    with log.open(errors="replace") if log.exists() else io.StringIO() as lines:  # line by line: it may be long
        for line in lines:
            text = re.sub(r"^\S+ \[\w+ *\] .*? - ", "", line.rstrip())  # what TorchServe puts before it
            if text.startswith("Traceback (most recent call last)"):
                if error and not chained:
                    break
                inside, chained = True, False
            elif text.startswith(("The above exception was", "During handling of the above")):
                chained = True  # what follows is what was made of it, and says more
            elif inside and re.match(r"[A-Za-z_][\w.]*: ", text):  # the lines before it are indented
                error, inside = text, False
    return error
