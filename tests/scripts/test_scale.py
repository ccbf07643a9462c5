"""What is shown of workers, and which words scripts/scale.py takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import scale
from rundir import RunDir

USAGE = "gpuId::1 utilization.gpu [%]::12 % utilization.memory [%]::3 % memory.used [MiB]::2048 MiB"


@pytest.mark.parametrize(
    ("gpu", "usage", "device", "taken"),
    [
        (False, "N/A", "CPU", ""),
        (True, USAGE, "GPU 1", "2048 MiB"),
        (True, "failed to obtained gpu usage", "GPU", ""),  # TorchServe's words where nvidia-smi does not answer
    ],
)
def test_the_device_of_a_worker_is_shown(
    gpu: bool, usage: str, device: str, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = {"id": "9000", "status": "READY", "pid": 2**30, "gpu": gpu, "gpuUsage": usage}
    scale.console.print(scale.workers_table([worker]))
    row = next(line for line in capsys.readouterr().out.splitlines() if "9000" in line)
    assert [each.strip() for each in row.strip("│").split("│")][2:4] == [device, taken]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "0"], "at least one worker is needed"),
        (["auto"], "--most"),
        (["auto", "--least", "3", "--most", "2"], "--least is 1 or more, --most no less than that"),
        (["auto", "--least", "0", "--most", "2"], "--least is 1 or more"),
        (["auto", "--most", "2", "--every", "0"], "--every are more than 0 s"),
        (["versions", "--use", "1", "--add", "new.safetensors"], "not allowed with"),
    ],
)
def test_words_that_make_no_sense_are_named(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scale.py", *words])
    with pytest.raises(SystemExit):
        scale.main()
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("left", [None, "", "{", '{"models": [{}]}'])
def test_a_run_folder_without_the_models_of_a_server_is_told(
    left: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBJECTCUT_RUN_DIR", str(tmp_path))
    if left is not None:
        RunDir(tmp_path).models.write_text(left)
    monkeypatch.setattr(sys, "argv", ["scale.py", "versions"])
    assert scale.main() == 1
    assert "No running server left its models" in " ".join(capsys.readouterr().out.split())
