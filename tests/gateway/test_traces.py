"""A collector that cannot be reached, as the real gateway meets it; what traces tell is in tests/test_server.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, alone, told, wait_until
from pydantic import ValidationError

from child import die_with_parent
from objectcut.settings import Settings
from rundir import free_port


def test_a_collector_that_does_not_answer_holds_nobody_up(tmp_path: Path) -> None:
    port, away = free_port(), alone()
    env = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'frontend'}:{ROOT / 'handler'}",
        "OBJECTCUT_HOST": "127.0.0.1",
        "OBJECTCUT_PORT": str(port),
        "OBJECTCUT_INFERENCE_URL": away.inference_url,
        "OBJECTCUT_MANAGEMENT_URL": away.management_url,
        "OBJECTCUT_METRICS_URL": away.metrics_url,
        "OBJECTCUT_LOG_FILE": str(tmp_path / "log.txt"),
        "OBJECTCUT_TRACES": "http://10.255.255.1:4318",  # nothing there answers, not even with a refusal
    }
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        try:
            return httpx.get(f"{url}/health/live", trust_env=False).is_success
        except httpx.TransportError:
            return False

    with subprocess.Popen([sys.executable, "-m", "gateway"], env=env, preexec_fn=die_with_parent) as gateway:
        try:
            wait_until(up, 60, "the start")
            for _ in range(3):
                reply = httpx.post(f"{url}/cut", content=b"\xff\xd8\xff\xe0 a photo", trust_env=False, timeout=60)
                assert told(reply) == (503, "not_ready")
            begun = time.monotonic()
            gateway.send_signal(signal.SIGTERM)
            assert gateway.wait(60) == 0
            assert time.monotonic() - begun < 30
        finally:
            gateway.kill()


@pytest.mark.parametrize("address", ["collector:4318", "ftp://collector", "http://name:word@collector:4318", "http://"])
def test_an_address_that_is_none_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValidationError, match="a collector is written as"):
        Settings(traces=address)
