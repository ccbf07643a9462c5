"""The state of a training on disk: the same call goes on where an earlier one was cut off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch


class Stateful(Protocol):
    """A model, a mean of models, an optimiser."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> object: ...


class Checkpoint:
    """Saves and restores what a training changes, and how far it is.

    Args:
        work: folder of the training.
        parts: what it changes, by name.
        device: where restored tensors go first.
    """

    def __init__(self, work: Path, parts: Mapping[str, Stateful], device: torch.device) -> None:
        self._file, self._parts, self._device = work / "checkpoint.pt", parts, device

    def save(self, step: int, spent: float) -> None:
        """Write everything, in place of what was written before.

        Args:
            step: steps done.
            spent: seconds that they took.
        """
        content = {name: part.state_dict() for name, part in self._parts.items()}
        part = self._file.with_suffix(".part")
        torch.save({**content, "step": step, "spent": spent}, part)
        part.replace(self._file)

    def restore(self) -> tuple[int, float]:
        """Restore the parts where there is something to restore; return the steps done and the seconds they took."""
        if not self._file.exists():
            return 0, 0.0
        content = torch.load(self._file, map_location=self._device, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
        return content["step"], content["spent"]
