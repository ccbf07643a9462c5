"""Training in several processes, one per GPU, as `torchrun` starts them; without it, one process is all there is.

Each process draws its own photos; gradients are averaged by torch's DistributedDataParallel.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


class Processes:
    """The processes that train one model together.

    Args:
        device: `cuda` or `cpu`.

    Attributes:
        rank: of this one.
        count: of all.
        device: of this one.
    """

    def __init__(self, device: str) -> None:
        self.rank, self.count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = torch.device(f"cuda:{local}" if device == "cuda" else device)
        if self.count > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    @property
    def leads(self) -> bool:
        """Whether this one writes files and progress."""
        return self.rank == 0

    def together(self, model: nn.Module) -> nn.Module:
        """Return the model as it is to be called, so that all learn the same."""
        if self.count == 1:
            return model
        # A batch may be without objects, or without masks: then some layers get no gradient.
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=ids, find_unused_parameters=True, broadcast_buffers=False)

    def mean(self, value: float) -> float:
        """Return the mean of a number over all processes, which is the same in all of them."""
        if self.count == 1:
            return value
        shared: Tensor = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.all_reduce(shared)
        return float(shared.item()) / self.count

    def close(self) -> None:
        """Leave the group."""
        if self.count > 1:
            distributed.destroy_process_group()
