"""Keeps what goes wrong with one item of a batch from the others: errors travel as values from stage to stage."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from objectcut.errors import CutError, internal

logger = logging.getLogger(__name__)
Made = TypeVar("Made")


def isolated(stage: Callable[[Any], Made]) -> Callable[[Any], Made | CutError]:
    """Return the stage for one item: an error of an earlier stage passes through, one of its own is returned.

    Args:
        stage: takes an item, or a tuple of the results of earlier stages.
    """

    def run(item: Any) -> Made | CutError:
        earlier = item if isinstance(item, tuple) else (item,)
        for part in earlier:
            if isinstance(part, CutError):
                return part
        try:
            return stage(item)
        except CutError as error:
            return error
        except (MemoryError, torch.OutOfMemoryError):
            logger.exception("An item of the batch needs more memory than there is")
            return CutError("overloaded", "The server has no memory left for this photo.", retry_after=10)
        except Exception as error:
            if is_gpu_lost(error):
                raise  # no item of this process can be finished
            logger.exception("An item of the batch failed")
            return internal()

    return run


def is_gpu_lost(error: Exception) -> bool:
    """Return whether this is an error of CUDA that every later call of this process would repeat."""
    return isinstance(error, torch.AcceleratorError) and not isinstance(error, torch.OutOfMemoryError)
