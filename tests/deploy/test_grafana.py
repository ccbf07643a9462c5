"""Every query of the dashboard, and every rule, finds what it asks for in the metrics of a real server."""

from __future__ import annotations

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import ROOT, Server, encoded, program, wait_until
from PIL import Image

from child import die_with_parent
from rundir import free_port

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
BOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
RULED = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", ())]
LATEST_S = 90  # the stages of a first photo, and two looks at them


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client:
        yield client


def ask(client: httpx.Client, photo: Image.Image, number: int) -> None:
    """Have one photo cut that no worker knows, and one refused."""
    photo = photo.resize((photo.width + number, photo.height))
    assert client.post("/cut", files={"image_file": encoded(photo)}).status_code == 200
    assert client.post("/cut", content=b"no photo").status_code == 400


def names(query: str) -> set[str]:
    """The metrics that a query asks for."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)', " ", query)
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - {"and", "or", "unless", "bool"}


def test_every_metric_that_is_asked_for_exists(client: httpx.Client, chelsea: Image.Image) -> None:
    ask(client, chelsea, 0)
    asked = {name for query in (*QUERIES, *(rule["expr"] for rule in RULED)) for name in names(query)}
    asked |= set(re.findall(r"label_values\((\w+)", json.dumps(BOARD["templating"])))
    assert len(asked) > 30
    made = {rule["record"] for rule in RULED if "record" in rule} | {"up"}  # Prometheus' own

    def missing() -> set[str]:
        return asked - made - set(re.findall(r"^(\w+)[ {]", client.get("/metrics").text, re.M))

    wait_until(lambda: not missing(), 20, f"the metrics of a cut: {missing()}")  # TorchServe tells them a little later


@contextmanager
def prometheus(server: Server, folder: Path) -> Iterator[httpx.Client]:
    """A Prometheus that looks at the server and the rules every second."""
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "objectcut", "static_configs": [{"targets": [server.url.removeprefix("http://")]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    words = [
        program("prometheus", "prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, preexec_fn=die_with_parent)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
            wait_until(lambda: _answers(client) or process.poll() is not None, 30, "the start of Prometheus")
            assert process.poll() is None, (folder / "said.txt").read_text()
            yield client
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def found(prometheus: httpx.Client, query: str) -> list[float]:
    """The values that a query finds for this server, but for those that are no numbers."""
    query = query.replace("$__rate_interval", "1m").replace("$instance", ".*")
    reply: dict[str, Any] = prometheus.get("/api/v1/query", params={"query": query}).json()
    assert reply["status"] == "success", f"{query}: {reply}"
    values = [float(series["value"][1]) for series in reply["data"]["result"]]
    return [value for value in values if not math.isnan(value)]


def test_every_query_finds_something(
    server: Server, client: httpx.Client, chelsea: Image.Image, tmp_path: Path
) -> None:
    recorded = [rule["record"] for rule in RULED if "record" in rule]
    empty, number = [*QUERIES, *recorded], 0
    assert len(QUERIES) > 30
    with prometheus(server, tmp_path) as asked:
        deadline = time.monotonic() + LATEST_S
        while empty and time.monotonic() < deadline:
            number += 1
            ask(client, chelsea, number)
            time.sleep(1)
            empty = [query for query in empty if not found(asked, query)]
        assert not empty
        rules = asked.get("/api/v1/rules").json()["data"]["groups"]
        assert [rule["name"] for group in rules for rule in group["rules"] if rule["health"] != "ok"] == []


def test_the_dashboard_is_whole() -> None:
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert panel["type"] == "row" or (panel["description"] and panel["targets"]), panel["title"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken), "panels overlap"
