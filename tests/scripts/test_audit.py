"""What is known of the packages is told; what is accepted is not; and without the service nothing fails."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from audit import ACCEPTED, Finding, judge
from rundir import free_port

FOUND = Finding("example 1.0", ("GHSA-1", "CVE-1"), ("1.1",), "It leaks.")
LOCK = f"numpy==2.0.0 \\\n    --hash=sha256:{'0' * 64}\nhttpx==0.28.1 \\\n    --hash=sha256:{'1' * 64}\n"
KNOWN = {
    "id": "GHSA-xxxx-yyyy-zzzz",
    "aliases": ["CVE-2026-0001"],
    "summary": "It leaks.",
    "details": "It leaks in many words.",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "numpy"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0.1"}]}],
        }
    ],
}


class Osv(http.server.BaseHTTPRequestHandler):
    """Knows one vulnerability, of numpy."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"vulns": [KNOWN]} if asked["package"]["name"] == "numpy" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Osv) as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{host.server_address[1]}/v1/query"
        host.shutdown()
        thread.join()


def audited(tmp_path: Path, service: str, *accepted: dict[str, str], lock: str = LOCK) -> tuple[int, str]:
    """Exit status and output of the program for a lock file."""
    (tmp_path / "some.lock").write_text(lock)
    (tmp_path / "accepted.yaml").write_text(yaml.safe_dump({"accepted": list(accepted)}))
    options = [f"--lock={tmp_path / 'some.lock'}", f"--accepted={tmp_path / 'accepted.yaml'}", f"--service={service}"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "audit.py"), *options],
        env={**os.environ, "COLUMNS": "200", "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_known_vulnerability_fails_with_all_that_is_known(tmp_path: Path, service: str) -> None:
    status, said = audited(tmp_path, service)
    assert status == 1
    for words in ("numpy 2.0.0", "GHSA-xxxx-yyyy-zzzz", "CVE-2026-0001", "2.0.1", "It leaks"):
        assert words in said
    assert "some.lock: 1 known vulnerabilities, 0 accepted" in said


@pytest.mark.parametrize("id_", ["GHSA-xxxx-yyyy-zzzz", "CVE-2026-0001"])
def test_one_that_is_accepted_passes(id_: str, tmp_path: Path, service: str) -> None:
    status, said = audited(tmp_path, service, {"id": id_, "reason": "It is not called."})
    assert status == 0, said
    assert "1 known vulnerabilities, 1 accepted" in said


def test_without_the_service_nothing_fails_and_it_is_said(tmp_path: Path) -> None:
    status, said = audited(tmp_path, f"http://127.0.0.1:{free_port()}/v1/query")
    assert status == 0
    assert "could not be looked up" in said


def test_a_lock_that_cannot_be_read_is_no_missing_service(tmp_path: Path) -> None:
    status, said = audited(tmp_path, f"http://127.0.0.1:{free_port()}/v1/query", lock="numpy\n")
    assert status == 1
    assert "pip-audit failed" in said


@pytest.mark.parametrize(
    ("accepted", "left", "unknown"),
    [
        ([], [FOUND], []),
        ([{"id": "CVE-1", "reason": "not called"}], [], []),
        ([{"id": "CVE-2", "reason": "not called"}], [FOUND], ["CVE-2"]),
    ],
)
def test_what_is_left_and_what_is_not_found_any_more(
    accepted: list[dict[str, str]], left: list[Finding], unknown: list[str]
) -> None:
    assert judge([FOUND], accepted) == (left, unknown)


@pytest.mark.parametrize("entry", [{"id": "CVE-1"}, {"id": "CVE-1", "reason": " "}, {"reason": "not called"}])
def test_nothing_is_accepted_without_a_reason(entry: dict[str, str], tmp_path: Path) -> None:
    status, said = audited(tmp_path, "http://127.0.0.1:1/", entry)
    assert status == 1
    assert "needs an id and a reason" in said


def test_our_own_list_has_reasons() -> None:
    assert judge([], yaml.safe_load(ACCEPTED.read_text())["accepted"])[0] == []
