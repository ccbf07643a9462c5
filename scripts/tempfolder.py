"""The temp folder of one server: the archives that TorchServe unpacks, and its sockets.

It is locked while its server runs, and the kernel frees the lock however that ends. So the next start knows the folders
of servers that were killed; and systemd leaves a locked folder alone when it clears away what is old.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "objectcut-server-"  # short: the path of a socket has at most 107 bytes


@contextmanager
def temp_folder() -> Iterator[Path]:
    """Delete the folders that killed servers of this user left, make one, and delete it in the end.

    Raises:
        OSError: there is no place for it.
    """
    _clear()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name, _locked(Path(name)):
        yield Path(name)


def _clear() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it went meanwhile, or it is locked
            # An empty one may be another server's that has made it and not locked it yet.
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid() and any(folder.iterdir()):
                with _locked(folder):
                    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder.

    Raises:
        BlockingIOError: another program has.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)
