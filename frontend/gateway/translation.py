"""What TorchServe itself says instead of the handler, in our words. It has the same few for very different troubles."""

from __future__ import annotations

from gateway.connection import Reply, not_ready
from objectcut.errors import CutError, internal


def translated(reply: Reply, max_body_bytes: int, full: CutError | None) -> CutError:
    """Return what TorchServe answered as one of our errors.

    Args:
        reply: without the handler's `X-Model`.
        max_body_bytes: as the settings have it.
        full: what to say where all workers are busy; None where none is ready.
    """
    if reply.status == 413:
        return CutError(
            "body_too_large",
            "The request is larger than the server accepts. Make the photo smaller.",
            details={"max_bytes": max_body_bytes},
        )
    if reply.status == 503 and "no worker" in reply.text:
        return full or not_ready()  # the same words stand for a full queue and for a model without workers
    if reply.status == 507 and not worker_died(reply):
        return CutError("overloaded", "The server has no memory left for this photo. Try again soon.", retry_after=10)
    if reply.status in {404, 500, 507}:
        return worker_gone()
    return internal()


def worker_died(reply: Reply) -> bool:
    """Return whether TorchServe says that the worker that had the request died."""
    return reply.status in {500, 507} and b"Worker died" in reply.body


def worker_gone() -> CutError:
    """Return what is said where no worker is there and none comes in time."""
    return CutError("not_ready", "The model stopped, or is still starting. Try again soon.", retry_after=10)
