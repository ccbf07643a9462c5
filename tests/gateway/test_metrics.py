"""What /metrics tells: of the gateway always, and of TorchServe when it answers."""

from __future__ import annotations

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Files, alone, gateway, hosted, wait_until
from prometheus_client.parser import text_string_to_metric_families
from standin import CUT, HANDLERS, Says, Standin, torchserve

from objectcut.errors import CutError

PHOTO = b"\xff\xd8\xff\xe0 a photo, as far as a gateway looks"
BATCH = 8  # of the stand-in; it is given two at a time
MEASURED = {
    *("objectcut_ready", "objectcut_in_flight", "objectcut_waiting", "objectcut_waiting_megapixels"),
    *("objectcut_requests", "objectcut_request_seconds", "objectcut_queue_seconds", "objectcut_free_bytes"),
    *("objectcut_received_bytes", "objectcut_sent_bytes"),
}


def text_of(url: str) -> str:
    return httpx.get(f"{url}/metrics", trust_env=False, timeout=60).raise_for_status().text


def send(url: str) -> int:
    """The status of a photo's answer."""
    return httpx.post(f"{url}/cut", content=PHOTO, trust_env=False, timeout=60).status_code


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The values of one metric by those of its labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def requests(text: str) -> dict[tuple[str, ...], float]:
    """The number of requests by route, status and code."""
    counted = values(text, "objectcut_requests_total")
    return {(route, status, code): number for (code, route, status), number in counted.items()}


def one(text: str, name: str) -> float:
    (value,) = values(text, name).values()
    return value


@pytest.fixture
def url() -> Iterator[str]:
    with gateway(alone()) as url:
        yield url


@pytest.mark.parametrize(
    ("method", "path", "body", "labels"),
    [
        ("POST", "/cut", PHOTO, ("/cut", "503", "not_ready")),
        ("POST", "/cut/", b"no photo", ("/cut", "400", "invalid_request")),
        ("POST", "/detect", bytes(1_000_001), ("/detect", "413", "body_too_large")),
        ("DELETE", "/detect", b"", ("/detect", "405", "method_not_allowed")),
        ("GET", "/health/live", b"", ("/health/live", "200", "")),
        ("HEAD", "/health/live", b"", ("/health/live", "200", "")),
        ("GET", "/health/ready", b"", ("/health/ready", "503", "not_ready")),
        ("GET", "/samples", b"", ("/samples", "200", "")),
        ("GET", "/page.js", b"", ("other", "200", "")),
        ("GET", "/missing", b"", ("other", "404", "not_found")),
    ],
)
def test_requests_are_counted_by_route_status_and_code(
    method: str, path: str, body: bytes, labels: tuple[str, str, str], url: str
):
    httpx.request(method, f"{url}{path}", content=body, trust_env=False, timeout=60)
    assert requests(text_of(url)) == {labels: 1}


def test_a_refusal_before_the_routes_is_counted(url: str):
    httpx.get(f"{url}/cut", headers={"Host": "evil.example.org"}, trust_env=False, timeout=60)
    assert requests(text_of(url)) == {("other", "400", "invalid_request"): 1}


def test_whatever_is_asked_the_labels_have_few_values(url: str):
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for number in range(40):
            client.get(f"/nothing/{number}?{number}", headers={"X-Request-Id": f"id{number}"})
    text = text_of(url)
    assert requests(text) == {("other", "404", "not_found"): 40}
    assert set(values(text, "objectcut_request_seconds_count")) == {("other",)}


def test_the_codes_of_the_workers_errors_are_counted(tmp_path: Path):
    errors = ["object_not_found", "unreadable_image"]
    says = [Says(CutError(code, "No.").status, CutError(code, "No.").body("id"), HANDLERS) for code in errors]
    others = Says(422, b'{"error": true, "code": "made_up"}', HANDLERS)
    with torchserve(Standin([*says, others, CUT]), tmp_path) as behind, gateway(behind) as url:
        for _ in range(4):
            send(url)
        text = text_of(url)
    told = {("/cut", "422", "object_not_found"), ("/cut", "400", "unreadable_image"), ("/cut", "422", "")}
    assert requests(text) == dict.fromkeys({*told, ("/cut", "200", "")}, 1)
    assert one(text, "objectcut_received_bytes_total") == 4 * len(PHOTO)
    assert one(text, "objectcut_sent_bytes_total") == sum(len(each.body) for each in (*says, others, CUT))
    assert one(text, "objectcut_ready") == 1


def test_what_waits_and_how_long_it_waited(tmp_path: Path):
    photos = 2 * BATCH + 3
    standin = Standin([CUT], hangs=True)
    with torchserve(standin, tmp_path) as behind, gateway(behind) as url, ThreadPoolExecutor(photos) as senders:
        assert one(text_of(url), "objectcut_queue_seconds_count") == 0
        sent = [senders.submit(send, url) for _ in range(photos)]
        wait_until(lambda: one(text_of(url), "objectcut_in_flight") == photos, 60, "the photos' arrival")
        text = text_of(url)
        assert one(text, "objectcut_waiting") == 3
        assert one(text, "objectcut_waiting_megapixels") == pytest.approx(3 * 4, abs=0.1), "4 count for each"
        standin.hangs = False
        assert {each.result() for each in sent} == {200}
        text = text_of(url)
    assert one(text, "objectcut_queue_seconds_count") == photos
    assert one(text, "objectcut_queue_seconds_sum") > 0
    assert (one(text, "objectcut_in_flight"), one(text, "objectcut_waiting")) == (0, 0)


class Metrics(Files):
    """TorchServe's metrics port, well and failing."""

    healthy = True

    def do_GET(self) -> None:  # noqa: N802
        self.send_response(200 if Metrics.healthy else 500)
        self.end_headers()
        self.wfile.write(b"up 1\n" if Metrics.healthy else b"<html>Internal Server Error</html>")


def test_torchserves_metrics_stand_behind_and_are_left_out_when_they_fail(tmp_path: Path):
    with hosted(tmp_path, Metrics) as behind, gateway(alone(metrics_url=behind)) as url:
        text = text_of(url)
        assert (one(text, "up"), one(text, "objectcut_ready")) == (1, 0)
        Metrics.healthy = False
        text = text_of(url)
        assert one(text, "objectcut_ready") == 0
        assert "html" not in text
        assert values(text, "up") == {}


def test_the_text_has_each_name_once(tmp_path: Path):
    with gateway(alone(abandoned=tmp_path)) as url:
        send(url)
        reply = httpx.get(f"{url}/metrics", trust_env=False, timeout=60)
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    declared = Counter(re.findall(r"^# TYPE (\S+)", reply.text, re.M))
    assert set(declared.values()) == {1}
    families = {family.name for family in text_string_to_metric_families(reply.text)}
    assert {name for name in families if name.startswith("objectcut_")} == MEASURED
    assert 0 < one(reply.text, "objectcut_free_bytes") < math.inf


def test_prometheus_finds_nothing_to_say(promtool: str, url: str):
    send(url)
    checked = subprocess.run([promtool, "check", "metrics"], input=text_of(url), capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_document_lists_all():
    listed = set(re.findall(r"`(objectcut_\w+)`", (ROOT / "docs" / "monitoring.md").read_text()))
    workers = set(re.findall(r"objectcut_\w+", (ROOT / "handler" / "metrics.yaml").read_text()))
    assert {name.removesuffix("_total") for name in listed} == MEASURED | workers
