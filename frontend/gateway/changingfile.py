"""A file that another program may write anew while the gateway runs."""

from __future__ import annotations

from pathlib import Path


class ChangingFile:
    """Tells when it must be read again.

    Args:
        path: of the file.

    Attributes:
        stamp: what tells one writing of it from the next, as it was last looked at; (0, 0) at first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp = (0, 0)

    def changed(self) -> bool:
        """Return whether it is another than when it was last looked at.

        Raises:
            OSError: it cannot be looked at; FileNotFoundError: there is none.
        """
        before = self.stamp
        try:
            stat = self.path.stat()
        except OSError:
            self.forget()
            raise
        self.stamp = stat.st_mtime_ns, stat.st_ino
        return self.stamp != before

    def forget(self) -> None:
        """Have it read again in any case."""
        self.stamp = (0, 0)
