"""Where weight files are: in the model store of a checkout, in the installed package, or in the user's cache."""

from __future__ import annotations

import errno
import fcntl
import os
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3] / "model_store"
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "objectcut"
# Path.home() raises for a user without a home, as a container may have.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "objectcut"  # noqa: PTH111
"""Where downloads go that cannot go to a model store."""


def stored(name: str) -> Path:
    """Return the path of a weight file by its name. Where there is none, the path that a download of it would have."""
    paths = [folder / name for folder in (_CHECKOUT, _INSTALLED, CACHE)]
    return next((path for path in paths if path.is_file()), store() / name)


def store() -> Path:
    """Return the folder for downloads: the model store of a checkout that can be written, else the user's cache."""
    return _CHECKOUT if os.access(_CHECKOUT, os.W_OK) else CACHE


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Keep other programs from making the same thing in this folder, which may be new, at the same time; they wait.

    Where nothing can be written, as in an image that is read-only, there is nothing to keep apart.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((folder / f".{what}.lock").open("w"))
        except OSError as error:
            if error.errno not in {errno.EROFS, errno.EACCES}:
                raise
        else:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
