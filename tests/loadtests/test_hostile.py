"""What hostile requests cost is told, and each must be refused."""

from __future__ import annotations

import pytest
from ran import passed

from hostile import Cost


def test_a_server_refuses_what_is_made_to_cost_it_much() -> None:
    sent = (
        "12 MP JPEG of 1,000 more scans",
        "JSON, 9 million deep",
        "announced 30 MB, sent nothing",
        "200,000 headers",
    )
    said = passed("hostile.py", "--only", *sent)
    for words in (*sent, "Within 100 ms:"):
        assert words in said


@pytest.mark.parametrize(
    ("status", "shaped", "refused"), [(400, True, True), (413, False, False), (200, True, False), (0, False, False)]
)
def test_only_an_error_of_the_senders_is_a_refusal(status: int, shaped: bool, refused: bool) -> None:
    assert Cost("a file", 1, status, shaped, 0.1, 0).refused == refused
