"""Every way a request can fail, with the code and the HTTP status its sender sees.

Owns the one table of codes and the one error shape. Leaves the writing of a reply to the handler and the gateway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request": 400,
        "unknown_object": 400,
        "unreadable_image": 400,
        "url_refused": 400,
        "unauthorized": 401,
        "not_found": 404,
        "unknown_model": 404,
        "method_not_allowed": 405,
        "image_too_large": 413,
        "body_too_large": 413,
        "unsupported_image": 415,
        "object_not_found": 422,
        "rate_limited": 429,
        "internal": 500,
        "url_unreachable": 502,
        "overloaded": 503,
        "not_ready": 503,
    }
)
"""Code to HTTP status. A code that is not in here cannot be raised."""
_BEGINNING = re.compile(rb'\{"error": true, "code": "([a-z_]{1,40})"')  # as `CutError.body` writes it


class CutError(Exception):
    """A request that cannot be answered, described in words that say what to do.

    Args:
        code: a key of `STATUS`.
        message: one or two sentences for the person who sent the request; nothing of the inside.
        details: facts for programs, JSON-serialisable.
        retry_after: seconds after which the same request may succeed.
    """

    def __init__(
        self, code: str, message: str, *, details: Mapping[str, Any] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUS[code]
        self.message = message
        self.details = dict(details or {})
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Callable[..., CutError], tuple[()], dict[str, Any]]:
        """Let it travel to another process: an exception keeps only what stands by its place."""
        return partial(CutError, self.code, self.message), (), self.__dict__

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the reply beside its content type."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {**headers, "WWW-Authenticate": "Bearer"} if self.status == STATUS["unauthorized"] else headers

    def body(self, request_id: str) -> bytes:
        """Return the error shape of the whole service, as JSON in ASCII: details may hold any string of a sender's."""
        body = {
            "error": True,
            "code": self.code,
            "message": self.message,
            "details": self.details,
            "request_id": request_id,
        }
        return json.dumps(body).encode("ascii")


def code_of(body: bytes) -> str:
    """Return the code of an error as `CutError.body` wrote it; empty for any other bytes. Looks at their beginning."""
    found = _BEGINNING.match(body)
    code = found[1].decode("ascii") if found else ""
    return code if code in STATUS else ""


def wrong_field(field: str, problem: str) -> CutError:
    """Return the error for a field of a request, with a problem such as "must be a string"."""
    message = f"'{field}' {problem}"
    return CutError(
        "invalid_request", message if message.endswith("?") else f"{message.rstrip('.')}.", details={"field": field}
    )


def internal() -> CutError:
    """Return the error for a defect of ours: the cause goes to the log, never to the sender."""
    return CutError("internal", "Something went wrong on the server. The log has the cause under this request id.")


def unknown_model(name: str, known: Sequence[str]) -> CutError:
    """Return the error for a model that is not served."""
    return CutError(
        "unknown_model",
        f"There is no model '{name}' here; there {'are' if len(known) > 1 else 'is'} {', '.join(known)}.",
        details={"model": name, "models": list(known)},
    )
