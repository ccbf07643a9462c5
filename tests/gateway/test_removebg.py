"""What becomes of remove.bg's fields, and how its programs are answered; a stand-in for TorchServe gets the cut."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import encoded, gateway
from PIL import Image
from standin import HANDLERS, Recorder, Says, torchserve

from gateway.openapi import REMOVEBG
from gateway.removebg import PICTURES, RemoveBgFields
from objectcut.errors import CutError

PATH = "/v1.0/removebg"
PHOTO = encoded(Image.new("RGB", (1000, 500), "teal"), "JPEG")
LYING = encoded(
    Image.new("RGB", (500, 1000), "teal"), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
)
SMALL = encoded(Image.new("RGB", (6, 4), "teal"))
TEXT = base64.b64encode(PHOTO).decode()
MADE = {
    **HANDLERS,
    "X-Object-Count": "1",
    "X-Object-Ids": "7",
    "X-Object-Labels": "cat",
    "X-Foreground-Box": "10,20,40,80",
    "X-Width": "100",
    "X-Height": "90",
}
DEFAULTS = {"pick": "main", "max_size": "707"}


@pytest.fixture(scope="module")
def model() -> Recorder:
    return Recorder([Says(200, b"a picture", MADE)])


@pytest.fixture(scope="module")
def client(model: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        torchserve(model, tmp_path_factory.mktemp("keys")) as settings,
        gateway(settings) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        yield client


def asked(client: httpx.Client, model: Recorder, photo: bytes = PHOTO, **fields: str) -> dict[str, Any]:
    """The options of the cut that these fields become, as text."""
    model.asked.clear()
    reply = client.post(PATH, files={"image_file": photo}, data=fields)
    assert reply.status_code == 200, reply.text
    (got,) = model.asked
    assert got.pop("image_file") == photo
    return got


def error(reply: httpx.Response) -> tuple[int, str, str]:
    (told,) = reply.json()["errors"]
    assert set(told) == {"title", "code", "detail"}
    return reply.status_code, told["code"], told["title"]


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {}),
        ({"size": "preview", "type": "auto", "bg_color": "", "crop": "false", "scale": "original"}, {}),
        ({"position": "original", "roi": "0% 0% 100% 100%", "semitransparency": "true", "channels": "rgba"}, {}),
        *[({"size": size}, {"max_size": "707"}) for size in ("small", "regular", "PREVIEW")],
        *[({"size": size}, {"max_size": None}) for size in ("medium", "hd", "full", "4k", "50MP", "auto")],
        ({"objects": "cat"}, {"objects": '["cat"]', "pick": None}),
        ({"type": "animal"}, {"objects": '["animal"]'}),
        ({"roi": "10px 20px 300px 400px"}, {"roi": "[10.0, 20.0, 300.0, 400.0]"}),
        ({"roi": "10% 20% 300 400px"}, {"roi": "[100.0, 100.0, 300.0, 400.0]"}),
        ({"crop": "true"}, {"crop": "true"}),
        ({"crop": "true", "crop_margin": "30px"}, {"crop": "true", "margin": "30"}),
        ({"crop": "true", "crop_margin": "10% 10%"}, {"crop": "true", "margin": "10%"}),
        ({"crop_margin": "30px"}, {}),
        ({"channels": "alpha"}, {"output": "mask"}),
        ({"scale": "80%"}, {"scale": "80.0"}),
        ({"scale": "50%", "position": "center"}, {"scale": "50.0", "position": "50% 50%"}),
        ({"scale": "50%", "position": "10% 100%", "crop": "true", "crop_margin": "9px"},
         {"scale": "50.0", "position": "10% 100%", "crop": "true"}),
        ({"add_shadow": "true"}, {"shadow": "contact"}),
        ({"shadow_type": "drop"}, {"shadow": "drop"}),
        ({"shadow_type": "car"}, {"shadow": "contact"}),
        ({"format": "webp"}, {"format": "webp"}),
        ({"format": "jpg"}, {"format": "jpeg"}),
        ({"format": "zip"}, {"format": "zip", "output": "both"}),
        ({"bg_color": "fff"}, {"background": "#ffffffff", "format": "jpeg"}),
        ({"bg_color": "81d4fa77"}, {"background": "#81d4fa77"}),
        ({"bg_color": "#81d4fa", "format": "png"}, {"background": "#81d4faff", "format": "png"}),
        ({"bg_color": "green"}, {"background": "#008000ff", "format": "jpeg"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_field_becomes_an_option(
    fields: dict[str, str], options: dict[str, str | None], client: httpx.Client, model: Recorder
):
    expected = {**DEFAULTS, **options}
    assert asked(client, model, **fields) == {name: value for name, value in expected.items() if value is not None}


def test_shares_are_of_the_upright_photo(client: httpx.Client, model: Recorder):
    assert asked(client, model, LYING, roi="0% 0% 50% 100%", size="full")["roi"] == "[0.0, 0.0, 500.0, 500.0]"


def test_a_photo_that_is_smaller_than_the_size_stays_as_it_is(client: httpx.Client, model: Recorder):
    assert "max_size" not in asked(client, model, SMALL)


@pytest.mark.parametrize(
    "call",
    [
        {"json": {"image_file_b64": TEXT, "size": "auto", "crop": True, "crop_margin": 30, "type_level": 1}},
        {"data": {"image_file_b64": TEXT, "size": "auto", "crop": "true", "crop_margin": "30"}},
        {"files": {"image_file": PHOTO}, "data": {"size": "auto", "crop": "true", "crop_margin": "30"}},
        {"files": {name: (None, text) for name, text in
                   (("image_file_b64", TEXT), ("size", "auto"), ("crop", "1"), ("crop_margin", "30"))}},
    ],
    ids=["JSON", "urlencoded", "multipart", "base64 in multipart"],
)  # fmt: skip
def test_every_kind_of_body(call: dict[str, Any], client: httpx.Client, model: Recorder):
    model.asked.clear()
    assert client.post(PATH, **call).content == b"a picture"
    assert model.asked == [{"image_file": PHOTO, "pick": "main", "crop": "true", "margin": "30"}]


def test_a_picture_behind(client: httpx.Client, model: Recorder):
    model.asked.clear()
    client.post(PATH, files={"image_file": PHOTO, "bg_image_file": SMALL}, data={"size": "full"})
    assert model.asked == [{"image_file": PHOTO, "background_image": SMALL, "pick": "main", "format": "jpeg"}]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"size": "huge"}, "'size' must be"),
        ({"type": "graphic"}, "'type' must be"),
        ({"type": "car"}, "does not know 'car'"),
        ({"type": "product", "objects": "cat"}, "'objects' and 'type'"),
        ({"objects": "kat"}, "'cat'"),
        ({"crop": "true", "crop_margin": "10px 20px"}, "one value for all sides"),
        ({"crop": "true", "crop_margin": "thick"}, "'crop_margin' must be"),
        ({"roi": "10 20"}, "'roi' must be"),
        ({"roi": "50% 0% 10% 100%"}, "x1 < x2"),
        ({"position": "center"}, "'position' needs a 'scale'"),
        ({"position": "original", "scale": "50%"}, "'position' cannot be 'original'"),
        ({"scale": "5%"}, "'scale' must be"),
        ({"scale": "50%", "position": "left"}, "'position' must be"),
        ({"add_shadow": "true", "channels": "alpha"}, "leave 'add_shadow' out"),
        ({"bg_color": "nocolour"}, "'bg_color' must be"),
        ({"bg_color": "red", "bg_image_url": "https://example.org/b.jpg"}, "'bg_color' and 'bg_image_url'"),
        ({"bg_color": "red", "format": "zip"}, "leave 'bg_color' out"),
        ({"format": "zip", "channels": "alpha"}, "'channels' is 'mask'"),
        ({"bg_image_url": "https://example.org/b.jpg", "channels": "alpha"}, "'bg_image_url' cannot be combined"),
        ({"shadow_opacity": "50"}, "'shadow_opacity' is not a field"),
        ({"background": "red"}, "'background' is not a field"),
        ({"image_url": "https://example.org/a.jpg"}, "'image_url' and 'image_file'"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_told_by_the_names_of_the_sender(
    fields: dict[str, str], problem: str, client: httpx.Client
):
    status, _, title = error(client.post(PATH, files={"image_file": PHOTO}, data=fields))
    assert status == 400
    assert problem in title


def test_without_a_photo(client: httpx.Client):
    assert error(client.post(PATH, json={"size": "auto"}))[:2] == (400, "missing_source")
    assert error(client.post(PATH))[0] == 400


def test_a_picture_comes_with_their_headers(client: httpx.Client):
    reply = client.post(PATH, files={"image_file": PHOTO})
    assert reply.content == b"a picture"
    told = {
        "X-Type": "animal",
        "X-Width": "100",
        "X-Height": "90",
        "X-Credits-Charged": "0",
        "Content-Type": "image/png",
    }
    told |= {
        f"X-Foreground-{side}": value
        for side, value in zip(("Left", "Top", "Width", "Height"), ["10", "20", "30", "60"], strict=True)
    }
    assert told.items() <= {name.title(): value for name, value in reply.headers.items()}.items()
    assert "x-type" not in client.post(PATH, files={"image_file": PHOTO}, data={"type_level": "none"}).headers


@pytest.mark.parametrize(
    ("accept", "as_json"),
    [
        ("application/json", True),
        ("application/json, image/*;q=0.5", True),
        ("*/*", False),
        ("", False),
        ("image/*", False),
        ("application/json, text/plain, */*", False),  # of a library that takes anything
        ("nonsense", False),
    ],
)  # fmt: skip
def test_json_for_who_wants_no_picture(accept: str, as_json: bool, client: httpx.Client):
    reply = client.post(PATH, files={"image_file": PHOTO}, headers={"Accept": accept})
    if not as_json:
        assert reply.content == b"a picture"
        return
    place = {"foreground_top": 20, "foreground_left": 10, "foreground_width": 30, "foreground_height": 60}
    assert reply.json() == {"data": {"result_b64": base64.b64encode(b"a picture").decode(), **place}}
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("label", "coarse", "fine"),
    [
        ("person", "person", "person"),
        ("car", "car", "car"),
        ("dog,person", "animal", "animal"),
        ("truck", "other", "transportation"),
        ("wine%20glass", "product", "product"),
        ("stop sign", "other", "other"),
        ("", "other", "other"),
    ],
)
def test_the_type(label: str, coarse: str, fine: str, tmp_path: Path):
    model = Recorder([Says(200, b"a picture", {**MADE, "X-Object-Labels": label})])
    with torchserve(model, tmp_path) as settings, gateway(settings) as url:
        for level, expected in (("1", coarse), ("latest", fine)):
            reply = httpx.post(url + PATH, files={"image_file": PHOTO}, data={"type_level": level}, trust_env=False)
            assert reply.headers["x-type"] == expected


def test_a_zip_has_the_names_that_they_look_for(tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as ours:
        ours.writestr("cutout.jpg", b"colours")
        ours.writestr("alpha.png", b"transparency")
    model = Recorder([Says(200, packed.getvalue(), {**MADE, "Content-Type": "application/zip"})])
    with torchserve(model, tmp_path) as settings, gateway(settings) as url:
        reply = httpx.post(url + PATH, files={"image_file": PHOTO}, data={"format": "zip"}, trust_env=False)
    with zipfile.ZipFile(io.BytesIO(reply.content)) as theirs:
        assert {name: theirs.read(name) for name in theirs.namelist()} == {
            "color.jpg": b"colours",
            "alpha.png": b"transparency",
        }


@pytest.mark.parametrize(
    ("code", "status", "theirs"),
    [
        ("object_not_found", 400, "unknown_foreground"),
        ("unreadable_image", 400, "unreadable_image"),
        ("image_too_large", 400, "file_too_large"),
        ("internal", 500, "internal"),
        ("overloaded", 503, "overloaded"),
    ],
)
def test_an_error_of_the_model_has_their_shape_and_is_counted_as_ours(
    code: str, status: int, theirs: str, tmp_path: Path
):
    failure = CutError(code, "It went wrong.", retry_after=3)
    told = Says(failure.status, failure.body("1"), {**HANDLERS, "Content-Type": "application/json", **failure.headers})
    model = Recorder([told])
    with torchserve(model, tmp_path) as settings, gateway(settings) as url:
        reply = httpx.post(url + PATH, files={"image_file": PHOTO}, trust_env=False)
        counted = httpx.get(f"{url}/metrics", trust_env=False).text
    assert error(reply) == (status, theirs, "It went wrong.")
    assert reply.headers["retry-after"] == "3"
    assert f'objectcut_requests_total{{code="{code}",route="{PATH}",status="{status}"}} 1.0' in counted


def test_a_field_of_cut_is_not_recommended_as_one_of_this_interface(tmp_path: Path):
    hint = "No 'cat' was found. If you can see it, send its position as 'box'."
    failure = CutError("object_not_found", hint, details={"possible": ["box"]})
    model = Recorder([Says(failure.status, failure.body("1"), {**HANDLERS, "Content-Type": "application/json"})])
    with torchserve(model, tmp_path) as settings, gateway(settings) as url:
        replies = [
            httpx.post(url + path, files={photo: PHOTO}, data={"objects": "cat"}, trust_env=False)
            for path, photo in ((PATH, "image_file"), ("/api/remove", "file"), ("/cut", "image_file"))
        ]
    fitting = "No 'cat' was found. If you can see it, send its position as 'box' to POST /cut."
    assert error(replies[0]) == (400, "unknown_foreground", fitting)
    assert [reply.json()["message"] for reply in replies[1:]] == [fitting, hint]


def test_without_a_key_where_one_is_needed(tmp_path: Path):
    model = Recorder([Says(200, b"a picture", MADE)])
    with torchserve(model, tmp_path, callers="keys") as settings, gateway(settings) as url:
        reply = httpx.post(url + PATH, files={"image_file": PHOTO}, headers={"X-Api-Key": "wrong"}, trust_env=False)
    assert error(reply)[:2] == (403, "auth_failed")


def test_every_field_is_described(client: httpx.Client):
    described = client.get("/openapi.json").json()["paths"][PATH]["post"]["requestBody"]["content"]
    fields = described["multipart/form-data"]["schema"]["properties"]
    assert set(fields) == {*PICTURES, *RemoveBgFields.model_fields}
    assert all(field["description"] for field in fields.values())
    assert json.dumps(REMOVEBG)
