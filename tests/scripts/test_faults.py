"""The list of faults names tests that exist."""

from __future__ import annotations

import ast

import yaml
from conftest import ROOT


def test_every_fault_has_tests_that_exist() -> None:
    rows = [row for listed in yaml.safe_load((ROOT / "tests" / "faults.yaml").read_text()).values() for row in listed]
    assert len(rows) > 30
    for row in rows:
        assert set(row) == {"fault", "right", "tests"}
        assert row["tests"], row["fault"]
        for test in row["tests"]:
            file, _, function = test.partition("::")
            tree = ast.parse((ROOT / "tests" / file).read_text())
            names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert not function or function in names, test
