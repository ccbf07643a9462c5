"""Cut objects out of photos by their names. `Pipeline.load("bundled").cut("photo.jpg", ["cat"]).save("cat.png")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from objectcut.pipeline import Pipeline
    from objectcut.result import CutResult

__all__ = ["CutResult", "Pipeline"]


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: it imports torch, which the gateway and most programs of scripts/ do without.
    if name in __all__:
        from objectcut import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
