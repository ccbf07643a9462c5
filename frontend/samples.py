"""Photos to try the page with, taken from scikit-image's wheel where it is installed: none are kept here."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

_PACKAGE = "skimage"
_PHOTOS = {
    "astronaut.png": ("astronaut.png", "Astronaut"),
    "cat.png": ("chelsea.png", "Cat"),
    "motorcycle.png": ("motorcycle_left.png", "Motorcycle"),
}
"""The name of a sample: its file in the package's data folder, its title. Every model knows what is on them."""
_CACHING = "public, max-age=2592000"  # a month: they change with a version of the package, if ever

router = APIRouter(include_in_schema=False)


@router.get("/samples")
def samples() -> list[dict[str, str]]:
    """The samples as {name, title, url}, the url relative to the page; an empty list without the package."""
    return [
        {"name": name, "title": title, "url": f"samples/{name}"}
        for name, (_, title) in _PHOTOS.items()
        if _photo(name) is not None
    ]


@router.get("/samples/{name}")
def sample(name: str) -> FileResponse:
    """The photo itself."""
    photo = _photo(name)
    if photo is None:
        raise HTTPException(404, "there is no sample photo of this name, /samples lists them")
    return FileResponse(photo, headers={"Cache-Control": _CACHING})


def _photo(name: str) -> Path | None:
    """The file of a sample; None when there is no such sample, or no such file on this machine."""
    if name not in _PHOTOS:
        return None
    try:
        photo = Path(str(files(_PACKAGE))) / "data" / _PHOTOS[name][0]
    except ModuleNotFoundError:
        return None
    return photo if photo.is_file() else None
