from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest

from gateway import form
from objectcut.errors import CutError

PHOTO = b"\x89PNG\r\n\x1a\n\r\n--\xff\0" + bytes(range(256))
TYPE = "multipart/form-data; boundary=edge"


def part(disposition: str, data: bytes, *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers]
    return b"--edge\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + data + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--edge--\r\n"


@pytest.mark.parametrize(
    "disposition",
    [
        'name="image_file"; filename="cat.png"',
        'name="image_file"; filename=""',
        'name="image_file"',
        "name=image_file",
        "name=\"image_file\"; filename*=UTF-8''k%C3%A4tzchen.png",
        'name="image_file"; filename="猫.png"',
        'filename="C:\\photos\\cat.png"; name="image_file"',
        'name="image_file"; filename="a;b=\\"c\\".png"',
    ],
)
@pytest.mark.parametrize("header", [[], ["Content-Type: image/png"], ["Content-Type: text/plain; charset=utf-16"]])
def test_a_file_is_read_byte_by_byte_however_its_part_is_named(disposition: str, header: list[str]):
    body = whole(part(disposition, PHOTO, *header), part('name="objects"', "猫".encode()))
    assert form.multipart(body, TYPE) == {"image_file": PHOTO, "objects": "猫".encode()}


@pytest.mark.parametrize(
    "content_type",
    [
        TYPE,
        'multipart/form-data; boundary="edge"',
        "multipart/form-data; charset=utf-8; boundary=edge",
        "multipart/form-data",  # set by hand, as people do who do not know that the boundary belongs to it
        "",
    ],
)
def test_the_boundary_is_found(content_type: str):
    assert form.multipart(whole(part('name="a"', b"1")), content_type) == {"a": b"1"}
    assert form.multipart(b"\r\n" + whole(part('name="a"', b"1")) + b"behind it", content_type) == {"a": b"1"}


def test_a_field_that_is_sent_several_times_is_a_list():
    body = whole(*(part('name="objects"', name) for name in (b"cat", b"dog", b"bird")))
    assert form.multipart(body, TYPE) == {"objects": b"cat,dog,bird"}
    assert form.urlencoded(b"objects=cat&objects=dog&crop=1") == {"objects": b"cat,dog", "crop": b"1"}


@pytest.mark.parametrize("field", ["image_file", "background_image", "image_base64", "image_url", "crop", "model"])
def test_what_is_no_list_and_sent_several_times_is_refused(field: str):
    body = whole(*[part(f'name="{field}"; filename="a"', PHOTO)] * 3)
    with pytest.raises(CutError, match=f"'{field}' was sent 3 times") as caught:
        form.multipart(body, TYPE)
    assert caught.value.details == {"field": field}


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (whole(part('name="a"', b"1"))[:-8], TYPE, "it ends before its last boundary"),
        (part('name="a"', b"1"), TYPE, "it ends before its last boundary"),
        (whole(part('filename="a"', b"1")), TYPE, "a part of it has no name"),
        (b"--edge\r\n\r\n1\r\n--edge--", TYPE, "a part of it has no name"),
        (whole(*[part('name="a"', b"1")] * 51), TYPE, "more than 40 fields"),
        (whole(part('name="a"', b"1", *["X: 1"] * 50)), TYPE, "header count"),
        (whole(part('name="a"', b"1", "X: " + "1" * 10_000)), TYPE, "header size"),
        (whole(part('name="a"', b"1")), "multipart/form-data; boundary=other", "boundary"),
        (b"nonsense", TYPE, "boundary"),
        (b"nonsense", "multipart/form-data", "boundary"),
        (b"x" * 1000, "multipart/form-data", "Boundary length"),
        (b"--", "multipart/form-data", ""),
    ],
)
def test_a_broken_form_says_what_is_wrong(body: bytes, content_type: str, says: str):
    with pytest.raises(CutError, match=r"^The form cannot be read: .*Send multipart/form-data") as caught:
        form.multipart(body, content_type)
    assert says in caught.value.message
    assert caught.value.code == "invalid_request"


def test_a_form_in_the_way_of_a_query_string():
    body = f"objects={quote_plus('猫 a&b')}&image_file={quote(PHOTO)}&empty=&bare&&image_base64=a+b%2B\n"
    assert form.urlencoded(body.encode()) == {
        "objects": "猫 a&b".encode(),
        "image_file": PHOTO,
        "empty": b"",
        "bare": b"",
        "image_base64": b"a b+",
    }
    with pytest.raises(CutError, match="more than 40 fields"):
        form.urlencoded(b"a=1&" * 1000)
