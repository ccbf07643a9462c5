"""What becomes of the fields of rembg's server; a stand-in for TorchServe gets the cut."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from conftest import PhotoHost, encoded, gateway, told
from PIL import Image
from standin import HANDLERS, Recorder, Says, torchserve

from gateway.rembg import PICTURES, RembgFields

PATH = "/api/remove"
PHOTO = encoded(Image.new("RGB", (6, 4), "teal"))


@pytest.fixture(scope="module")
def model() -> Recorder:
    return Recorder([Says(200, b"a picture", HANDLERS)])


@pytest.fixture(scope="module")
def photo_url(photo_host: PhotoHost) -> str:
    (photo_host.folder / "teal.png").write_bytes(PHOTO)
    return f"{photo_host.url}/teal.png"


@pytest.fixture(scope="module")
def client(model: Recorder, photo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("keys")
    with (
        torchserve(model, folder, fetch_allow=(urlsplit(photo_url).netloc,)) as settings,
        gateway(settings) as url,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {"pick": "main"}),
        ({"model": "u2net", "a": "false", "om": "false", "ppm": "false", "bgc": ""}, {"pick": "main"}),
        ({"model": "isnet-general-use", "a": "true", "af": "200", "ab": "0", "ae": "15"}, {"pick": "main"}),
        ({"objects": "cat"}, {"objects": '["cat"]'}),
        ({"om": "true", "bgc": "255,0,0,255"}, {"pick": "main", "output": "mask"}),
        ({"bgc": "255, 136, 0, 128"}, {"pick": "main", "background": "#ff880080"}),
        ({"model": "mine"}, {"pick": "main", "model": "mine"}),
        ({"extras": "{}"}, {"pick": "main"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_field_becomes_an_option(
    fields: dict[str, str], options: dict[str, str], client: httpx.Client, model: Recorder
):
    model.asked.clear()
    reply = client.post(PATH, files={"file": PHOTO}, data=fields)
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "image/png", b"a picture")
    assert client.post(PATH, files={"file": PHOTO}, params=fields).content == b"a picture"
    assert model.asked == [{"image_file": PHOTO, **options}] * 2


def test_an_address(client: httpx.Client, model: Recorder, photo_url: str):
    model.asked.clear()
    assert client.get(PATH, params={"url": photo_url, "om": "true"}).content == b"a picture"
    assert client.post(PATH, data={"url": photo_url, "om": "true"}).content == b"a picture"
    assert model.asked == [{"image_file": PHOTO, "pick": "main", "output": "mask"}] * 2


@pytest.mark.parametrize(
    ("fields", "expected", "problem"),
    [
        ({"model": "u2net_human_seg"}, (400, "unknown_object"), "does not know 'person'"),  # the stand-in knows cats
        ({"extras": '{"sam_prompt": []}'}, (400, "invalid_request"), "POST /cut takes the point or box"),
        ({"af": "256"}, (400, "invalid_request"), "'af' must be"),
        ({"bgc": "white"}, (400, "invalid_request"), "'bgc' must be 'r,g,b,a'"),
        ({"bgc": "255,255,256,255"}, (400, "invalid_request"), "'bgc' must be 'r,g,b,a'"),
        ({"alpha": "1"}, (400, "invalid_request"), "'alpha' is not a field"),
        ({"url": "https://example.org/a.jpg"}, (400, "invalid_request"), "'image_url' and 'image_file'"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_told(
    fields: dict[str, str], expected: tuple[int, str], problem: str, client: httpx.Client
):
    reply = client.post(PATH, files={"file": PHOTO}, data=fields)
    assert told(reply) == expected
    assert problem in reply.json()["message"]


def test_without_a_photo(client: httpx.Client):
    assert told(client.get(PATH)) == (400, "invalid_request")
    assert told(client.post(PATH, data={"om": "true"})) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 400), ("same-site", 400), ("same-origin", 200), ("none", 200)]
)
def test_pages_of_other_sites_have_nothing_cut(site: str, status: int, client: httpx.Client, photo_url: str):
    assert client.get(PATH, params={"url": photo_url}, headers={"Sec-Fetch-Site": site}).status_code == status


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_field_is_described(method: str, client: httpx.Client):
    call = client.get("/openapi.json").json()["paths"][PATH][method]
    if method == "get":
        fields = {each["name"]: each for each in call["parameters"]}
    else:
        fields = call["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(fields) == {*PICTURES, *RembgFields.model_fields} - ({"file"} if method == "get" else set())
    assert all(field["description"] for field in fields.values())
