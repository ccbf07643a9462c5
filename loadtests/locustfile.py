"""People who cut photos, for locust: `make load`, or `locust -f loadtests/locustfile.py --host http://127.0.0.1:8000`.

The mix is a guess at real use: mostly cut-outs by name, some questions what is in a photo, a few mistakes. A mistake
that gets its own error counts as a success; any other answer counts as a failure.
"""

from __future__ import annotations

import io
import secrets
from pathlib import Path

import skimage
from locust import HttpUser, between, task
from PIL import Image

_DATA = Path(skimage.__file__).parent / "data"


def _jpeg(name: str) -> bytes:
    with Image.open(_DATA / name) as image:
        out = io.BytesIO()
        image.convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def _another(photo: bytes) -> bytes:
    """A file that shows the same and that the server does not know yet."""
    return photo + secrets.token_bytes(8)


CAT, WOMAN = _jpeg("chelsea.png"), _jpeg("astronaut.png")


class Visitor(HttpUser):
    """Someone on the page: sends a photo, looks at the result, sends the next."""

    wait_time = between(0.2, 1.0)

    @task(6)
    def cut_cat(self) -> None:
        self._cut(CAT, "cat", 200)

    @task(4)
    def cut_person(self) -> None:
        self._cut(WOMAN, "person", 200)

    @task(2)
    def detect(self) -> None:
        with self.client.post("/detect", files={"image_file": _another(WOMAN)}, catch_response=True) as reply:
            if reply.status_code != 200 or not reply.json()["response"]["objects"]:
                reply.failure(f"{reply.status_code}: nothing detected")

    @task(1)
    def mistype(self) -> None:
        self._cut(CAT, "kat", 400)

    @task(1)
    def ask_for_what_is_not_there(self) -> None:
        self._cut(CAT, "person", 422)

    def _cut(self, photo: bytes, name: str, status: int) -> None:
        with self.client.post(
            "/cut",
            files={"image_file": _another(photo)},
            data={"objects": name},
            headers={"Accept": "image/png"},
            name=f"/cut {name}",
            catch_response=True,
        ) as reply:
            if reply.status_code == status and (status != 200 or reply.content.startswith(b"\x89PNG")):
                reply.success()
            else:
                reply.failure(f"{reply.status_code} instead of {status}: {reply.text[:200]}")
