from __future__ import annotations

import json
import pickle

import pytest

from objectcut.errors import STATUS, CutError, code_of, internal


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_request", 400),
        ("unknown_object", 400),
        ("unreadable_image", 400),
        ("unsupported_image", 415),
        ("image_too_large", 413),
        ("body_too_large", 413),
        ("url_refused", 400),
        ("url_unreachable", 502),
        ("object_not_found", 422),
        ("unauthorized", 401),
        ("rate_limited", 429),
        ("overloaded", 503),
        ("not_ready", 503),
        ("internal", 500),
    ],
)
def test_the_promised_status_of_each_code(code, status):
    assert CutError(code, "No.").status == status


def test_every_code_is_an_http_error():
    assert all(400 <= status < 600 for status in STATUS.values())


@pytest.mark.parametrize("code", STATUS)
def test_the_code_is_read_from_the_body_again(code):
    assert code_of(CutError(code, "No.", details={"code": "internal"}).body("id")) == code


@pytest.mark.parametrize(
    "body", [b"", b"\x89PNG", b'{"error": true, "code": "made_up"}', b'{"error": true, "code": "' + b"a" * 1_000_000]
)
def test_other_bodies_have_no_code(body):
    assert code_of(body) == ""


def test_a_code_that_nobody_promised_cannot_be_raised():
    with pytest.raises(KeyError):
        CutError("oops", "No.")


def test_the_one_shape():
    error = CutError("unknown_object", "No class is called 'kat'.", details={"suggestions": ["cat"]}, retry_after=3)
    assert json.loads(error.body("id-1")) == {
        "error": True,
        "code": "unknown_object",
        "message": "No class is called 'kat'.",
        "details": {"suggestions": ["cat"]},
        "request_id": "id-1",
    }
    assert str(error) == error.message
    assert error.retry_after == 3


def test_a_defect_tells_nothing_of_the_inside():
    assert json.loads(internal().body("id-2"))["details"] == {}
    assert internal().status == 500


def test_an_error_stays_the_same_in_another_process():
    error = CutError("overloaded", "Later.", details={"photos": 3}, retry_after=10)
    there = pickle.loads(pickle.dumps(error))
    assert (there.body("1"), there.status, there.headers) == (error.body("1"), error.status, error.headers)
    assert str(there) == "Later."
