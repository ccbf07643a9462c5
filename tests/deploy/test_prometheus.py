"""The configuration for Prometheus: what its own program says of it, and that no alert is untested or unexplained."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml
from conftest import ROOT

FOLDER = ROOT / "deploy" / "prometheus"


def loaded(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / name).read_text())


ALERTS = [rule["alert"] for group in loaded("rules.yml")["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize(
    "words", [("check", "config", "prometheus.yml"), ("test", "rules", "rules.test.yml")], ids=" ".join
)
def test_promtool_is_content(words: tuple[str, ...], promtool: str) -> None:
    said = subprocess.run([promtool, *words], cwd=FOLDER, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


def test_every_alert_is_shown_to_fire_and_to_be_silent() -> None:
    shown = [row for test in loaded("rules.test.yml")["tests"] for row in test["alert_rule_test"]]
    assert {row["alertname"] for row in shown if row.get("exp_alerts")} == set(ALERTS)
    assert {row["alertname"] for row in shown if not row.get("exp_alerts")} == set(ALERTS)


def test_the_document_says_what_to_do_for_every_alert() -> None:
    document = (ROOT / "docs" / "monitoring.md").read_text()
    assert re.findall(r"^\| `(ObjectCut\w+)`", document, re.M) == ALERTS
