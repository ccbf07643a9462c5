"""The program that makes the environment, as far as it goes without making one; running the tests has done that."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import ROOT

import setup


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nonsense"], "'nonsense': choose one of all, dependencies, project, tests"),
        (["dependencies", "tpu"], "'tpu': choose gpu or cpu"),
    ],
)
def test_a_part_that_there_is_not_is_told_with_those_that_there_are(arguments: list[str], told: str):
    command = [sys.executable, ROOT / "scripts" / "setup.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stdout


def test_without_cuda_everything_but_pytorch_stays_pinned_with_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    rest, pytorch = setup.without_cuda(lock)

    def names(text: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))

    gone = names(lock) - names(rest)
    assert gone == {name for name in names(lock) if re.fullmatch(r"torch|torchvision|triton|(cuda|nvidia)-.*", name)}
    assert {"torchserve", "torch-model-archiver", "numpy"} <= names(rest)
    assert rest.count("--hash=") >= len(names(rest))
    assert names("\n".join(pytorch)) == {"torch", "torchvision"}
    assert all(f"{pin} \\\n" in lock for pin in pytorch)
