#!/usr/bin/env python3
"""Show every fault that was found in use with what is right instead, and whether the tests say so today.

tests/faults.yaml lists them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "faults.yaml"


def main() -> int:
    rows = [(kind, row) for kind, listed in yaml.safe_load(LIST.read_text()).items() for row in listed]
    tests = dict.fromkeys(f"tests/{test}" for _, row in rows for test in row["tests"])
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--junit-xml", str(report), *tests, *sys.argv[1:]]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        outcomes = _outcomes(report)
    table = Table("", "fault", "right", "tests", title="Faults", title_justify="left", show_lines=True)
    for kind, row in rows:
        counted: Counter[str] = Counter()
        for test in row["tests"]:
            counted.update(outcomes.get(test, {}))
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items())) or "none ran"
        table.add_row(kind, row["fault"], row["right"], said, style="red" if set(counted) != {"passed"} else "")
    Console().print(table)
    return status


def _outcomes(report: Path) -> dict[str, Counter[str]]:
    """Return how many tests of each file, and of each function, passed, failed or were skipped."""
    counted: dict[str, Counter[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest's own file
        file = f"{case.get('classname', '').removeprefix('tests.').replace('.', '/')}.py"
        function = f"{file}::{case.get('name', '').partition('[')[0]}"
        outcome = next(({"failure": "failed", "error": "failed"}.get(child.tag, child.tag) for child in case), "passed")
        for name in (file, function):
            counted.setdefault(name, Counter())[outcome] += 1
    return counted


if __name__ == "__main__":
    sys.exit(main())
