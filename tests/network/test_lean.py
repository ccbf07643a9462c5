"""torchvision without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

from conftest import ROOT

HANDLER = ROOT / "handler"


def run(*lines: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=HANDLER, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_torchvision_pools_regions_and_the_compiler_stays_out():
    said = run(
        "import objectcut.network.lean, sys, torch, torchvision",
        "print('torch._dynamo' in sys.modules)",
        "boxes = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])",
        "print(torchvision.ops.roi_align(torch.ones(1, 1, 8, 8), boxes, 2).sum().item())",
    )
    assert said.split() == ["False", "4.0"]


def test_the_compiler_can_still_be_used():
    said = run(
        "import objectcut.network.lean, torch",
        "print(torch.compile(torch.sin, backend='eager')(torch.zeros(1)).item())",
        "import torch._dynamo.utils",
        "print(torch._dynamo.utils.is_compile_supported('cpu'))",
    )
    assert said.split()[0] == "0.0"
    assert said.split()[1] in {"True", "False"}
