#!/usr/bin/env python3
"""Look up the packages of requirements.lock among the known vulnerabilities (OSV), with pip-audit.

scripts/audit.yaml lists findings that are accepted, each with its reason. Without a way to the service nothing is
looked up, which is said and is no failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from rundir import ROOT

LOCK, ACCEPTED = ROOT / "requirements.lock", Path(__file__).with_suffix(".yaml")
_SERVICE = "https://api.osv.dev/v1/query"
_WAIT_S = 10  # for one answer of the service
console = Console(markup=False, highlight=False, soft_wrap=True)


class Unavailable(Exception):
    """The service could not be asked; the message says why."""


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a package.

    Attributes:
        package: its name and version.
        ids: all that it is known by, the service's own first.
        fixed: versions without it.
        text: what it is, in a line.
    """

    package: str
    ids: tuple[str, ...]
    fixed: tuple[str, ...]
    text: str


def findings(lock: Path, service: str) -> list[Finding]:
    """Return what is known of the packages of a lock file.

    Raises:
        Unavailable: the service does not answer.
        RuntimeError: pip-audit fails for another reason.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner=off", "--format=json", "--desc=on", "--aliases=on", f"--timeout={_WAIT_S}"]
    command += ["--vulnerability-service=osv", f"--osv-url={service}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return _read(json.loads(done.stdout))
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if "requests.exceptions" in done.stderr or "ServiceError" in done.stderr or "ConnectionError" in done.stderr:
            raise Unavailable(last) from None
        raise RuntimeError(f"pip-audit failed: {last}") from None


def _read(told: Mapping[str, Any]) -> list[Finding]:
    return [
        Finding(
            f"{package['name']} {package['version']}",
            (each["id"], *each.get("aliases", ())),
            tuple(each.get("fix_versions", ())),
            next(iter(str(each.get("description") or "").strip().splitlines()), ""),
        )
        for package in told["dependencies"]
        for each in package.get("vulns", ())
    ]


def judge(found: Sequence[Finding], accepted: Sequence[Mapping[str, str]]) -> tuple[list[Finding], list[str]]:
    """Return the findings that are not accepted, and the accepted ids that were not found.

    Raises:
        ValueError: an accepted finding has no id or no reason.
    """
    for entry in accepted:
        if not entry.get("id") or not str(entry.get("reason", "")).strip():
            raise ValueError(f"{ACCEPTED.name}: each accepted finding needs an id and a reason: {dict(entry)}")
    ids = {entry["id"] for entry in accepted}
    known = {id_ for finding in found for id_ in finding.ids}
    return [finding for finding in found if ids.isdisjoint(finding.ids)], sorted(ids - known)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, default=LOCK, help="the packages (default: requirements.lock)")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, help="the list of accepted findings")
    parser.add_argument("--service", default=_SERVICE, metavar="URL", help="an OSV service (default: osv.dev)")
    options = parser.parse_args()
    try:
        listed = yaml.safe_load(options.accepted.read_text())["accepted"]
        judge([], listed)  # a list that is wrong is told without the service too
        found = findings(options.lock, options.service)
        left, unknown = judge(found, listed)
    except Unavailable as reason:
        console.print(f"Known vulnerabilities could not be looked up: {reason}", style="yellow")
        return 0
    except (ValueError, RuntimeError, OSError) as error:
        console.print(str(error), style="red")
        return 1
    for id_ in unknown:
        console.print(f"{id_} is accepted in {options.accepted.name} and not found any more: take it out.")
    if left:
        table = Table("package", "known as", "fixed in", "what", title="Vulnerabilities", title_justify="left")
        for finding in left:
            table.add_row(finding.package, ", ".join(finding.ids), ", ".join(finding.fixed) or "none", finding.text)
        console.print(table)
    packages = f"{options.lock.name}: {len(found)} known vulnerabilities, {len(found) - len(left)} accepted"
    console.print(packages, style="red" if left else "green")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
