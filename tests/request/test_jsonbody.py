from __future__ import annotations

import base64
import json
import os

import pytest

from objectcut.errors import CutError
from objectcut.request.jsonbody import parsed
from objectcut.request.picturefield import MAX_TEXT

TEXT = base64.b64encode(os.urandom(100_000)).decode()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"image_base64": TEXT, "objects": ["cat"]}),
        json.dumps({"objects": ["cat"], "image_base64": TEXT}, indent=2),
        "\ufeff" + json.dumps({"image_base64": TEXT, "objects": ["cat"]}),
        json.dumps({"image_base64": TEXT, "objects": ["cat"]}).replace("/", r"\/"),
        json.dumps({"image_base64": TEXT, "objects": ["cat"]}).replace("+", r"\u002B").replace("=", r"\u003d"),
        f'{{ "objects" : ["cat"] , "image_base64"\n:\t"{TEXT}" }}',
    ],
    ids=["plain", "indented", "byte order mark", "as PHP", "codes", "spaces"],
)
def test_a_picture_is_taken_as_it_was_sent(body: str):
    assert parsed(body.encode()) == {"image_base64": TEXT, "objects": ["cat"]}


def test_two_pictures_with_line_breaks_and_text_in_any_script():
    lines = base64.encodebytes(b"picture").decode() + "\r\n\t"
    sent = {"background_image": lines, "objects": ["猫", 'a "quoted" name', "😀"], "image_base64": TEXT}
    for ascii_only in (True, False):
        assert parsed(json.dumps(sent, ensure_ascii=ascii_only).encode()) == sent


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"image_base64": "QUJD", "image_base64": "QUJD"}', "image_base64"),
        (b'{"image_base64": "QUJD", "image\\u005fbase64": "QUJD"}', "image_base64"),
        (b'{"background_image": "", "background_image": ""}', "background_image"),
        (b'{"crop": true, "objects": [], "crop": true}', "crop"),
        (b'{"objects": {"a": 1, "a": 2}}', "a"),
    ],
)
def test_a_field_that_is_sent_twice_is_refused(body: bytes, field: str):
    with pytest.raises(CutError, match=f"'{field}' was sent several times") as caught:
        parsed(body)
    assert caught.value.details == {"field": field}


@pytest.mark.parametrize("raw", [rb"QU\\JD", rb"QU\u00", rb"QU\qD", rb"QU\\/D", b"QUJD\\"])
def test_escapes_that_no_base64_has_are_refused(raw: bytes):
    with pytest.raises(CutError, match="'image_base64' is not valid base64") as caught:
        parsed(b'{"image_base64": "%s"}' % raw)
    assert caught.value.details == {"field": "image_base64"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_json_is_utf_8(encoding: str):
    with pytest.raises(CutError, match="not valid JSON in UTF-8"):
        parsed('{"objects": "Käse"}'.encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b'{"image_base64": "Q', b'{"objects": "\xed\xa0\x80"}'),
        *(b"[" * 50_000, b'{"a":' * 5_000, b'{"max_size": 1' + b"0" * 10_000),
    ],
    ids=["empty", "open", "no end", "surrogate", "lists", "objects", "digits"],
)
def test_what_is_no_json(body: bytes):
    with pytest.raises(CutError, match="not valid JSON"):
        parsed(body)


def test_all_but_the_pictures_is_bounded():
    body = b'{"image_base64": "%s", "objects": "%s"}'
    beside = len(body) - 4
    assert parsed(body % (TEXT.encode(), b"a" * (MAX_TEXT - beside)))
    with pytest.raises(CutError, match="65,537 bytes beside") as caught:
        parsed(body % (TEXT.encode(), b"a" * (MAX_TEXT - beside + 1)))
    assert caught.value.details == {"bytes": MAX_TEXT + 1, "max_bytes": MAX_TEXT}
