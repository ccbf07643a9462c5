"""Whether a device multiplies bf16 natively, so that training in it is faster."""

from __future__ import annotations

import torch


def multiplies_bf16(device: torch.device) -> bool:
    """Return whether the device has instructions for it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
