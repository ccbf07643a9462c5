"""A large file that is sent as the body of a request: written to disk as it comes, and gone when it was used."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import anyio
from starlette.requests import Request

from objectcut.errors import CutError

_COPIES = 4  # of a model on disk: as it came, as it is kept, packed, and unpacked by TorchServe
_SPARE = 200_000_000  # bytes of disk that are left alone
_LOOK = 64_000_000  # bytes after which the disk is looked at again


async def receive(request: Request, folder: Path, name: str, limit: int) -> Path:
    """Return the path of a file that holds the body of a request, alone in a new folder; `discard` it.

    Args:
        request: whose body nobody has read.
        folder: for uploads; it may be new.
        name: of the file, as its sender calls it.
        limit: bytes.

    Raises:
        CutError: `body_too_large`, `unsupported_image` for one that is packed, `invalid_request` for none,
            `overloaded` when the disk is too full.
        ClientDisconnect: the sender left.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise CutError("unsupported_image", "A model file is sent as it is, without a Content-Encoding.")
    told = request.headers.get("content-length", "")
    announced = int(told) if told.isdigit() else 0
    if announced > limit:
        raise _too_large(limit)
    folder.mkdir(parents=True, exist_ok=True)
    _check_disk(folder, announced)
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[-100:].lstrip(".-")
    path = Path(tempfile.mkdtemp(dir=folder)) / (plain or "model")
    try:
        await _write(request, path, limit)
    except BaseException:
        discard(path)
        raise
    return path


def discard(path: Path) -> None:
    """Remove a received file with all that was put beside it."""
    shutil.rmtree(path.parent, ignore_errors=True)


async def _write(request: Request, path: Path, limit: int) -> None:
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            if size // _LOOK > (size - len(chunk)) // _LOOK:
                _check_disk(path.parent, size)
            await file.write(chunk)
    if not size:
        raise CutError("invalid_request", "The body is empty. Send the model file as the body of the request.")


def _check_disk(folder: Path, size: int) -> None:
    if shutil.disk_usage(folder).free < _COPIES * size + _SPARE:
        raise CutError("overloaded", "The server's disk is too full for this file.", retry_after=600)


def _too_large(limit: int) -> CutError:
    return CutError(
        "body_too_large",
        f"The file is larger than {limit / 1e6:g} MB, which is the most that is accepted.",
        details={"max_bytes": limit},
    )
