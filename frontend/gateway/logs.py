"""Where the gateway's log goes, and its form: all of it to a file of bounded size, to the console what is wrong."""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

Form = Literal["text", "json"]
_FILE_BYTES, _FILES = 20_000_000, 3  # a file, and former ones
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OFTEN, _WINDOW_S = 5, 60.0


class Sparse(logging.Filter):
    """Lets a message through a few times a minute: what senders can cause at will shall not fill a console's log."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether this message, whatever its arguments, is to be written."""
        since, count = self._seen.get(record.msg, (record.created, 0))
        if record.created > since + _WINDOW_S:
            since, count = record.created, 0
        self._seen[record.msg] = since, count + 1
        return count < _OFTEN


def log_to(file: Path | None, form: Form) -> None:
    """Send the log of this process to a file, and warnings to the console as well; without a file, all to the console.

    Args:
        file: of the log.
        form: lines of text, or JSON objects.
    """
    console = logging.StreamHandler()
    handlers: list[logging.Handler] = [console]
    if file is not None:
        console.setLevel(logging.WARNING)
        console.addFilter(Sparse())
        handlers.append(RotatingFileHandler(file, maxBytes=_FILE_BYTES, backupCount=_FILES))
    for handler in handlers:
        handler.setFormatter(_json() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=handlers)
    # It warns of each broken form, whose sender is told, and which the access log has.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def _json() -> logging.Formatter:
    formatter = JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "time"})
    formatter.converter = time.gmtime
    formatter.default_time_format, formatter.default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"
    return formatter
