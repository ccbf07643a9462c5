from __future__ import annotations

import pytest

from objectcut.errors import CutError
from objectcut.request.accept import Wanted, negotiate
from objectcut.request.options import CutOptions
from objectcut.request.parse import CutRequest

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"


def wanted(accept: str, bare: bool = False, **options: object) -> Wanted:
    return negotiate(CutRequest("cut", b"photo", None, CutOptions(**options), bare=bare), accept)


@pytest.mark.parametrize(
    ("accept", "form", "body"),
    [  # how the answer to a form or JSON is sent, and to a photo that was the body itself
        ("", "json png", "file png"),
        ("*/*", "json png", "file png"),
        ("*", "json png", "file png"),
        ("text/html", "json png", "file png"),
        ("text/html, */*;q=0.1", "json png", "file png"),
        (";,;q=,", "json png", "file png"),
        ("application/json", "json png", "json png"),
        ("application/*", "json png", "json png"),
        ("application/json; charset=utf-8", "json png", "json png"),
        ("application/json, text/plain, */*", "json png", "json png"),
        ("application/json;q=0, */*", "file png", "file png"),
        ("image/*", "file png", "file png"),
        ("image/png", "file png", "file png"),
        ("image/webp", "file webp", "file webp"),
        ("IMAGE/JPEG", "file jpeg", "file jpeg"),
        (" image/jpeg ; q=0.9 , image/webp;q=0.8", "file jpeg", "file jpeg"),
        ("image/webp;q=0.5, image/png;q=0.9", "file png", "file png"),
        ("image/jpeg;q=0.5, image/webp", "file webp", "file webp"),
        ("image/webp, image/png", "file webp", "file webp"),
        ("image/webp;q=0.5, image/*", "file png", "file png"),
        ("image/*;q=0.5, image/webp", "file webp", "file webp"),
        ("image/png;q=0, image/jpeg;q=0.1", "file jpeg", "file jpeg"),
        ("image/png;q=0, image/*", "file webp", "file webp"),
        ("image/png;q=0, */*", "json webp", "file webp"),
        ("image/png;q=0", "json png", "file png"),
        ("image/*;q=0, */*", "json png", "json png"),
        ("image/webp;version=1", "file webp", "file webp"),
        ("image/gif", "file png", "file png"),
        ("application/zip", "json png", "file png"),
        ("application/json, image/png;q=0", "json png", "json png"),
        ("application/json;q=0.5, image/png", "file png", "file png"),
        ("application/json, image/png;q=0.5", "json png", "json png"),
        ("application/json, image/webp;q=0.5", "json webp", "json webp"),
        ("application/json, image/*", "json png", "json png"),
        ("image/*, application/json", "file png", "file png"),
        ("image/webp, */*", "file webp", "file webp"),
        ("image/webp;q=0.5, */*;q=0.1", "file webp", "file webp"),
        ("image/avif,image/webp,image/*,*/*;q=0.8", "file webp", "file webp"),
        (CHROME, "file webp", "file webp"),
        ("image/\xff, image/webp", "file webp", "file webp"),
    ],
)
def test_the_header_chooses_file_or_json_and_the_format(accept: str, form: str, body: str):
    for bare, expected in ((False, form), (True, body)):
        way, kind = expected.split()
        assert wanted(accept, bare) == Wanted(kind, way == "file"), f"bare={bare}"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/webp", Wanted("jpeg", True)),
        ("image/*", Wanted("jpeg", True)),
        ("application/json", Wanted("jpeg", False)),
        ("image/webp, application/json;q=0.5", Wanted("jpeg", True)),
        ("", Wanted("jpeg", False)),
    ],
)
def test_the_field_wins_over_the_format_of_the_header(accept: str, expected: Wanted):
    assert wanted(accept, format="jpeg") == expected


@pytest.mark.parametrize("options", [{"output": "both"}, {"format": "zip"}])
@pytest.mark.parametrize(
    ("accept", "as_file"),
    [
        ("application/zip", True),
        ("text/html, Application/ZIP;q=0.9", True),
        ("image/*", True),
        ("image/webp", True),
        ("image/webp, application/zip;q=0", False),
        ("application/*", False),
        ("application/json, application/zip;q=0.5", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_colours_and_alpha_are_a_zip_whatever_is_accepted(options: dict[str, str], accept: str, as_file: bool):
    assert wanted(accept, **options) == Wanted("zip", as_file)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("as_file", [False, True])
@pytest.mark.parametrize("kind", ["png", "webp", "jpeg", "zip"])
def test_the_short_header_asks_for_the_same(kind: str, as_file: bool, bare: bool):
    options = {"output": "both"} if kind == "zip" else {}
    assert wanted(Wanted(kind, as_file).header, bare, **options) == Wanted(kind, as_file)
    assert len(Wanted(kind, as_file).header) < 50


def test_a_header_that_is_too_long():
    wanted("image/png," * 400)
    with pytest.raises(CutError, match="12,000 characters; at most 4,096") as caught:
        wanted("image/png," * 1200)
    assert (caught.value.code, caught.value.details["header"]) == ("invalid_request", "Accept")
