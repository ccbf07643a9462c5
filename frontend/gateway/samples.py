"""Which photos there are to try the page with. They lie in `static/samples/`, with their licences."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

_TITLES = {"astronaut.jpg": "Astronaut", "cat.jpg": "Cat"}
"""Every model knows what is on them."""

router = APIRouter(include_in_schema=False)


@router.get("/samples")
def samples() -> list[dict[str, str]]:
    """Return the samples as {name, title, url, thumbnail}, both addresses relative to the page."""
    return [
        {"name": name, "title": title, "url": f"samples/{name}", "thumbnail": f"samples/start/{Path(name).stem}.webp"}
        for name, title in _TITLES.items()
    ]
