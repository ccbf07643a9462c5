"""The whole way of a photo through the real gateway, the real TorchServe and the real network."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import signal
import socket
import subprocess
import sys
import uuid
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from collector import Collector, attributes
from conftest import ROOT, PhotoHost, Server, encoded, halt, wait_until
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

import sandbox

PICTURE = {"Accept": "image/png"}
CURL = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def cat(chelsea: Image.Image) -> bytes:
    return encoded(chelsea)


@pytest.fixture(scope="session")
def woman(astronaut: Image.Image) -> bytes:
    return encoded(astronaut)


def opened(body: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(body)))


def assert_cat_cut_out(picture: NDArray[np.uint8], photo: Image.Image) -> None:
    """The face is there, pixel by pixel the photo's; the wall behind it is gone without a trace."""
    face, wall = (slice(120, 260), slice(150, 330)), (slice(0, 60), slice(420, 451))
    assert picture.shape == (photo.height, photo.width, 4)
    assert (picture[face][..., 3] == 255).all()
    assert (picture[face][..., :3] == np.asarray(photo)[face]).all()
    assert not picture[wall].any()


@pytest.mark.parametrize(
    "way",
    [
        *("file", "file without a name", "base64", "url-safe base64", "data URL", "address", "body", "body of no type"),
        *("packed body", "JSON with curl's header", "form by curl -d"),
    ],
)
def test_a_photo_can_be_sent_in_every_way(
    way: str, client: httpx.Client, chelsea: Image.Image, cat: bytes, photo_host: PhotoHost
) -> None:
    (photo_host.folder / "cat.png").write_bytes(cat)
    plain, safe = base64.b64encode(cat).decode(), base64.urlsafe_b64encode(cat).decode().rstrip("=")
    asked = {"objects": ["cat"]}
    reply = {
        "file": lambda: client.post("/cut", files={"image_file": cat}, data=asked, headers=PICTURE),
        "base64": lambda: client.post("/cut", json={**asked, "image_base64": plain}, headers=PICTURE),
        "url-safe base64": lambda: client.post("/cut", json={**asked, "image_base64": safe}, headers=PICTURE),
        "data URL": lambda: client.post(
            "/cut", json={**asked, "image_base64": f"data:image/png;base64,{plain}"}, headers=PICTURE
        ),
        "address": lambda: client.post(
            "/cut", json={**asked, "image_url": f"{photo_host.url}/cat.png"}, headers=PICTURE
        ),
        "body": lambda: client.post("/cut?objects=cat", content=cat, headers={"Content-Type": "image/png"}),
        "file without a name": lambda: client.post(
            "/cut", files={"image_file": (None, cat)}, data=asked, headers=PICTURE
        ),
        "body of no type": lambda: client.post("/cut?objects=cat", content=cat),
        "packed body": lambda: client.post(
            "/cut?objects=cat", content=gzip.compress(cat), headers={"Content-Encoding": "gzip"}
        ),
        "JSON with curl's header": lambda: client.post(
            "/cut", content=json.dumps({**asked, "image_base64": plain}), headers={**CURL, **PICTURE}
        ),
        "form by curl -d": lambda: client.post(
            "/cut/", content=f"objects=cat&image_base64={plain}", headers={**CURL, **PICTURE}
        ),
    }[way]()
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["x-object-count"] == "1"
    assert_cat_cut_out(opened(reply.content), chelsea)


def test_the_json_answer_has_picture_and_objects(client: httpx.Client, woman: bytes, astronaut: Image.Image) -> None:
    body = {"image_base64": base64.b64encode(woman).decode(), "objects": ["people"], "edges": "raw"}
    reply = client.post("/cut", json=body).json()
    assert reply["error"] is False
    response = reply["response"]
    picture = opened(base64.b64decode(response["image_base64"]))
    assert (response["width"], response["height"]) == astronaut.size == picture.shape[1::-1]
    assert response["model"] == "objectcut-bundled"
    (person,) = response["objects"]
    assert person["label"] == "person"
    assert person["score"] > 0.5
    assert person["box"] == response["box"]
    assert person["area"] == np.count_nonzero(picture[..., 3])
    assert (picture[100:180, 200:250, 3] == 255).all(), "the face"
    assert not picture[0:200, 0:60].any(), "the flag behind her"


@pytest.mark.parametrize(
    ("name", "mode", "kind"), [("png", "RGBA", "PNG"), ("webp", "RGBA", "WEBP"), ("jpeg", "RGB", "JPEG")]
)
def test_the_picture_opens_in_each_format(name: str, mode: str, kind: str, client: httpx.Client, cat: bytes) -> None:
    reply = client.post("/cut", files={"image_file": cat}, data={"objects": "cat", "format": name}, headers=PICTURE)
    with Image.open(io.BytesIO(reply.content)) as image:
        image.load()
        assert (image.mode, image.format) == (mode, kind)
        assert reply.headers["content-type"] == f"image/{name}"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json, image/png;q=0", "application/json"),
        ("image/webp;q=0.5, image/png;q=0.9", "image/png"),
        ("image/jpeg, application/json;q=0.9", "image/jpeg"),
    ],
)
def test_the_accept_header_chooses(accept: str, media_type: str, client: httpx.Client, cat: bytes) -> None:
    reply = client.post("/cut", files={"image_file": cat}, data={"objects": "cat"}, headers={"Accept": accept})
    assert (reply.status_code, reply.headers["content-type"]) == (200, media_type)


def test_the_mask_is_white_where_the_object_is(client: httpx.Client, cat: bytes) -> None:
    reply = client.post("/cut", files={"image_file": cat}, data={"objects": "cat", "output": "mask"}, headers=PICTURE)
    mask = opened(reply.content)
    assert mask.ndim == 2
    assert (mask[120:260, 150:330] == 255).all()
    assert not mask[0:60, 420:].any()


@pytest.mark.parametrize("options", [{"return_white_bg": "true"}, {"background": "white"}, {"background": "#ffffff"}])
def test_the_background_can_be_white(options: dict[str, str], client: httpx.Client, cat: bytes) -> None:
    reply = client.post("/cut", files={"image_file": cat}, data={"objects": "cat", **options}, headers=PICTURE)
    picture = opened(reply.content)
    assert picture.shape[2] == 3
    assert (picture[0:60, 420:] == 255).all()


def test_a_photo_taken_sideways_comes_back_upright(client: httpx.Client, chelsea: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter to the right
    sideways = encoded(chelsea.transpose(Image.Transpose.ROTATE_90), exif=exif)
    reply = client.post("/cut", files={"image_file": sideways}, data={"objects": "cat"}, headers=PICTURE)
    assert_cat_cut_out(opened(reply.content), chelsea)


def test_a_large_jpeg_is_cut_at_its_own_pixels(client: httpx.Client, chelsea: Image.Image) -> None:
    """The network looks at a smaller copy of it; the cut-out must not."""
    large = chelsea.resize((4000, 2661), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    data = encoded(large.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif.tobytes())
    options = {"objects": "cat", "edges": "raw"}
    picture = opened(client.post("/cut", files={"image_file": data}, data=options, headers=PICTURE).content)
    photo = np.asarray(Image.open(io.BytesIO(data)).transpose(Image.Transpose.ROTATE_270))
    assert picture.shape == (2661, 4000, 4)
    inside = picture[..., 3] == 255
    assert 0.3 < inside.mean() < 0.95
    assert (picture[..., :3][inside] == photo[inside]).all()
    found = client.post("/detect", files={"image_file": data}, data={"objects": "cat"}).json()["response"]
    assert (found["width"], found["height"]) == (4000, 2661)
    assert found["objects"][0]["area"] == inside.sum()


@pytest.mark.parametrize("task", ["cut", "detect"])
def test_a_large_jpeg_that_ends_early_is_refused(task: str, client: httpx.Client, chelsea: Image.Image) -> None:
    whole = encoded(chelsea.resize((2000, 1330)), "JPEG")
    reply = client.post(f"/{task}", files={"image_file": whole[: len(whole) * 2 // 3]}, data={"objects": "cat"})
    assert (reply.status_code, reply.json()["code"]) == (400, "unreadable_image")


def test_crop_invert_and_size(client: httpx.Client, cat: bytes, woman: bytes) -> None:
    reply = client.post(
        "/cut", files={"image_file": woman}, data={"objects": "person", "crop": "true"}, headers=PICTURE
    )
    x0, y0, x1, y1 = map(int, reply.headers["x-foreground-box"].split(","))
    assert opened(reply.content).shape == (y1 - y0, x1 - x0, 4)
    reply = client.post("/cut", files={"image_file": cat}, data={"objects": "cat", "invert": "true"}, headers=PICTURE)
    assert not opened(reply.content)[120:260, 150:330].any()
    reply = client.post("/cut", files={"image_file": cat}, data={"objects": "cat", "max_size": "100"}, headers=PICTURE)
    assert max(opened(reply.content).shape[:2]) == 100


def test_detect_lists_what_pick_takes(client: httpx.Client, woman: bytes) -> None:
    listed = client.post("/detect", files={"image_file": woman}, data={"min_score": "0.1"}).json()["response"]
    scores = [found["score"] for found in listed["objects"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) > 1
    for found in listed["objects"]:
        mask = coco.decode(found["mask"])
        assert mask.shape == (listed["height"], listed["width"])
        assert mask.sum() == found["area"]
        options = {"min_score": "0.1", "pick": str(found["id"]), "output": "mask", "edges": "raw"}
        reply = client.post("/cut", files={"image_file": woman}, data=options, headers=PICTURE)
        assert (opened(reply.content) == mask * 255).all()
        assert reply.headers["x-object-ids"] == str(found["id"])


@pytest.mark.parametrize("large", [False, True])
def test_smooth_edges_are_soft_and_narrow_and_sharp_ones_hard(
    large: bool, client: httpx.Client, astronaut: Image.Image
) -> None:
    size = (3000, 3000) if large else astronaut.size
    photo = encoded(astronaut.resize(size, Image.Resampling.BICUBIC), "JPEG", quality=95)

    def alpha(edges: str) -> NDArray[np.uint8]:
        options = {"objects": "person", "edges": edges}
        return opened(client.post("/cut", files={"image_file": photo}, data=options, headers=PICTURE).content)[..., 3]

    smooth, sharp, raw = alpha("smooth"), alpha("sharp"), alpha("raw")
    soft = (smooth > 0) & (smooth < 255)
    assert 0.002 < soft.mean() < 0.06
    assert set(np.unique(sharp)) == set(np.unique(raw)) == {0, 255}
    assert ((smooth > 127) == (sharp > 0)).all()
    assert (sharp != raw).any()


def test_a_cut_out_stands_before_a_blur_or_another_picture(client: httpx.Client, woman: bytes, cat: bytes) -> None:
    files, options = {"image_file": woman}, {"objects": "person"}
    own = opened(woman)[..., :3].astype(int)
    blurred = opened(
        client.post("/cut", files=files, data={**options, "background": "blur:20"}, headers=PICTURE).content
    )
    flag = slice(0, 200), slice(0, 60)
    assert blurred.shape == own.shape
    assert (blurred[100:180, 200:250] == own[100:180, 200:250]).all(), "the face"
    assert np.abs(np.diff(blurred[flag].astype(int), axis=0)).mean() < 0.3 * np.abs(np.diff(own[flag], axis=0)).mean()
    before = client.post("/cut", files={**files, "background_image": cat}, data=options, headers=PICTURE)
    picture = opened(before.content)
    assert picture.shape == own.shape
    assert (picture[100:180, 200:250] == own[100:180, 200:250]).all()
    assert np.abs(picture[flag].astype(int) - own[flag]).mean() > 20
    text = base64.b64encode(cat).decode()
    body = {"image_base64": base64.b64encode(woman).decode(), "background_image": text, **options}
    assert (opened(client.post("/cut", json=body, headers=PICTURE).content) == picture).all()
    broken = client.post("/cut", files={**files, "background_image": b"no picture"}, data=options)
    assert (broken.status_code, broken.json()["code"]) == (400, "unreadable_image")
    assert broken.json()["details"]["field"] == "background_image"


def test_colours_and_transparency_come_apart_in_a_zip(client: httpx.Client, woman: bytes) -> None:
    options = {"objects": "person", "output": "both"}
    reply = client.post("/cut", files={"image_file": woman}, data=options, headers={"Accept": "application/zip"})
    assert reply.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as packed:
        colours, alpha = (opened(packed.read(name)) for name in ("cutout.jpg", "alpha.png"))
    whole = opened(
        client.post("/cut", files={"image_file": woman}, data={"objects": "person"}, headers=PICTURE).content
    )
    assert (alpha == whole[..., 3]).all()
    assert np.abs(colours[100:180, 200:250].astype(int) - whole[100:180, 200:250, :3]).mean() < 3


def test_an_edge_can_be_moved_and_softened(client: httpx.Client, cat: bytes) -> None:
    def shares(**options: str) -> tuple[float, float]:
        asked = {"objects": "cat", "edges": "sharp", "output": "mask", **options}
        mask = opened(client.post("/cut", files={"image_file": cat}, data=asked, headers=PICTURE).content)
        return float((mask > 127).mean()), float(((mask > 0) & (mask < 255)).mean())

    plain, wide, narrow, soft = shares(), shares(grow="6"), shares(grow="-6"), shares(feather="10")
    assert narrow[0] < plain[0] < wide[0]
    assert plain[1] == 0
    assert soft[1] > 0.01


def test_a_cut_out_is_turned(client: httpx.Client, cat: bytes) -> None:
    def asked(**options: str | float) -> httpx.Response:
        sent = {"image_base64": base64.b64encode(cat).decode(), "objects": "cat", "crop": True, **options}
        return client.post("/cut", json=sent, headers=PICTURE)

    upright, lying, tilted = asked(), asked(rotate=90), asked(rotate=-12.5, background="white")
    assert (opened(lying.content) == np.rot90(opened(upright.content), -1)).all()
    assert lying.headers["x-foreground-box"] == upright.headers["x-foreground-box"]
    assert (opened(tilted.content)[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    form = {"objects": "cat", "crop": "true", "rotate": "-12.5", "background": "white"}
    again = client.post("/cut", files={"image_file": cat}, data=form, headers=PICTURE)
    assert again.content == tilted.content
    refused = asked(rotate=181)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["details"]["field"] == "rotate"


def test_a_box_needs_no_name(client: httpx.Client, cat: bytes) -> None:
    box = [90, 10, 430, 300]
    sent = {"image_base64": base64.b64encode(cat).decode(), "box": box, "min_score": 1}
    (listed,) = client.post("/detect", json=sent).json()["response"]["objects"]
    assert (listed["label"], listed["score"]) == (None, 1)
    reply = client.post("/cut", files={"image_file": cat}, data={"box": json.dumps([box, box])}, headers=PICTURE)
    assert reply.headers["x-object-ids"] == str(listed["id"])
    assert opened(reply.content)[150, 250, 3] == 255
    both = client.post("/cut?box=90,10,430,300&objects=bus", content=cat, headers=PICTURE)
    assert both.headers["x-object-ids"] == str(listed["id"])
    beside = client.post("/cut?box=451,10,500,300", content=cat)
    assert (beside.status_code, beside.json()["details"]["field"]) == (400, "box")
    none = client.post("/cut?objects=bus", content=cat).json()
    assert none["details"]["possible"] == ["box"]


def test_a_program_for_remove_bg_gets_the_main_subject(
    client: httpx.Client, chelsea: Image.Image, cat: bytes, photo_host: PhotoHost
) -> None:
    (photo_host.folder / "cat.png").write_bytes(cat)
    call = {"image_url": f"{photo_host.url}/cat.png", "size": "auto"}
    reply = client.post("/v1.0/removebg", data=call)
    assert_cat_cut_out(opened(reply.content), chelsea)
    told = {"X-Type": "animal", "X-Width": str(chelsea.width), "X-Height": str(chelsea.height)}
    assert told.items() <= {name.title(): value for name, value in reply.headers.items()}.items()
    as_json = client.post("/v1.0/removebg", json=call, headers={"Accept": "application/json"}).json()["data"]
    assert base64.b64decode(as_json["result_b64"]) == reply.content
    box = Image.fromarray(opened(reply.content)).getchannel("A").getbbox()
    assert box == (
        *(as_json["foreground_left"], as_json["foreground_top"]),
        as_json["foreground_left"] + as_json["foreground_width"],
        as_json["foreground_top"] + as_json["foreground_height"],
    )


def test_a_preview_for_remove_bgs_programs_has_a_quarter_of_a_megapixel(client: httpx.Client, woman: bytes) -> None:
    reply = client.post("/v1.0/removebg", files={"image_file": woman}, data={"bg_color": "fff", "format": "auto"})
    assert reply.headers["content-type"] == "image/jpeg"
    assert opened(reply.content).shape == (500, 500, 3)
    assert reply.headers["x-type"] == "person"


def test_remove_bgs_zip_is_its_picture_in_two(client: httpx.Client, cat: bytes) -> None:
    reply = client.post("/v1.0/removebg", files={"image_file": cat}, data={"format": "zip", "size": "full"})
    with zipfile.ZipFile(io.BytesIO(reply.content)) as packed:
        sizes = {name: opened(packed.read(name)).shape[:2] for name in packed.namelist()}
    assert sizes == {"color.jpg": (300, 451), "alpha.png": (300, 451)}


def test_nothing_to_cut_for_remove_bgs_programs(client: httpx.Client) -> None:
    reply = client.post("/v1.0/removebg", files={"image_file": encoded(Image.new("RGB", (300, 200), "teal"))})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "unknown_foreground")


def test_a_program_for_rembg_gets_the_main_subject(
    client: httpx.Client, chelsea: Image.Image, cat: bytes, photo_host: PhotoHost
) -> None:
    (photo_host.folder / "cat.png").write_bytes(cat)
    reply = client.post("/api/remove", files={"file": cat}, data={"a": "true", "model": "u2net"})
    assert_cat_cut_out(opened(reply.content), chelsea)
    assert client.get("/api/remove", params={"url": f"{photo_host.url}/cat.png"}).content == reply.content
    assert client.post("/api/remove", files={"file": cat}, data={"model": "sam"}).json()["code"] == "unknown_model"
    mask = opened(client.post("/api/remove", files={"file": cat}, data={"om": "true"}).content)
    assert (mask == opened(reply.content)[..., 3]).all()


def test_detect_without_a_match_is_an_empty_list(client: httpx.Client, cat: bytes) -> None:
    reply = client.post("/detect", files={"image_file": cat}, data={"objects": "bus"})
    assert reply.status_code == 200
    assert reply.json()["response"]["objects"] == []


def promised(width: int, height: int) -> bytes:
    """A PNG whose header promises this size, with almost no data behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\x00\x00\x00") + chunk(b"IDAT", rows)


CALLS = [
    (
        "half a surrogate",
        400,
        "invalid_request",
        {
            "files": None,
            "content": b'{"\\ud800": 1, "image_base64": "QQ"}',
            "headers": {"Content-Type": "application/json"},
        },
    ),
    (
        "a name of half a surrogate",
        400,
        "invalid_request",
        {
            "files": None,
            "content": b'{"objects": ["\\ud800"], "image_base64": "QQ"}',
            "headers": {"Content-Type": "application/json"},
        },
    ),
    ("a typo", 400, "unknown_object", {"data": {"objects": '["kat"]'}}),
    ("no body", 400, "invalid_request", {"files": None}),
    ("a text file", 400, "unreadable_image", {"files": {"image_file": b"Dear photo"}}),
    ("an empty file", 400, "invalid_request", {"files": {"image_file": b""}}),
    ("a drawing", 415, "unsupported_image", {"files": {"image_file": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}}),
    ("too many pixels", 413, "image_too_large", {"files": {"image_file": promised(30000, 30000)}}),
    ("30 MB", 413, "body_too_large", {"files": {"image_file": bytes(30_000_000)}}),
    (
        "two photos",
        400,
        "invalid_request",
        {"files": None, "json": {"image_url": "http://a.example/", "image_base64": "QQ"}},
    ),
    ("a name that is not there", 422, "object_not_found", {"data": {"objects": "bus"}}),
    ("a wrong value", 400, "invalid_request", {"data": {"min_score": "2"}}),
    ("an unknown field", 400, "invalid_request", {"data": {"object": "cat"}}),
    ("an address inside", 400, "url_refused", {"files": None, "json": {"image_url": "http://127.0.0.1:8081/models"}}),
    ("a dead address", 502, "url_unreachable", {"files": None, "json": {"image_url": "http://nowhere.invalid/a.jpg"}}),
    (
        "broken JSON",
        400,
        "invalid_request",
        {"files": None, "content": b"{", "headers": {"Content-Type": "application/json"}},
    ),
]


@pytest.mark.parametrize(("what", "status", "code", "call"), CALLS, ids=[call[0] for call in CALLS])
def test_a_mistake_gets_its_own_error(
    what: str, status: int, code: str, call: dict[str, object], client: httpx.Client, cat: bytes
) -> None:
    reply = client.post("/cut", **{"files": {"image_file": cat}, **call})
    body = reply.json()
    assert (reply.status_code, body["code"]) == (status, code), what
    assert body["error"] is True
    assert body["message"]
    assert body["request_id"] == reply.headers["x-request-id"]


def test_errors_say_what_to_do(client: httpx.Client, cat: bytes) -> None:
    typo = client.post("/cut", files={"image_file": cat}, data={"objects": "kat"}).json()
    assert typo["message"] == "No class is called 'kat'. Did you mean 'cat'?"
    absent = client.post("/cut", files={"image_file": cat}, data={"objects": "bus"}).json()
    assert absent["details"]["found"] == ["cat"]
    missing = client.get("/cut")
    assert (missing.status_code, missing.json()["code"], missing.headers["allow"]) == (
        405,
        "method_not_allowed",
        "POST",
    )
    assert client.get("/nothing/here").json()["code"] == "not_found"


def batches(client: httpx.Client) -> tuple[float, float]:
    """How many batches were run, and how many of them held one photo."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith("objectcut_batch_size")]
    total = next(line for line in lines if "_count{" in line)
    single = next(line for line in lines if 'le="1.0"' in line)
    return float(total.split()[-1]), float(single.split()[-1])


def test_requests_at_once_share_batches_and_nothing_else(
    client: httpx.Client, chelsea: Image.Image, cat: bytes, woman: bytes
) -> None:
    client.post("/cut", files={"image_file": cat})
    total, single = batches(client)

    def ask(index: int) -> httpx.Response:
        photo, name = ((cat, "cat"), (woman, "person"))[index % 2]
        body = cat[:5000] if index == 6 else photo
        return client.post("/cut", files={"image_file": body}, data={"objects": name}, headers=PICTURE)

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(ask, range(16)))
    assert (replies[6].status_code, replies[6].json()["code"]) == (400, "unreadable_image")
    for index in {*range(0, 16, 2)} - {6}:
        assert_cat_cut_out(opened(replies[index].content), chelsea)
    alone = ask(1)
    for index in range(1, 16, 2):
        assert replies[index].content == alone.content, "the answer depends on the company"
    more, more_single = batches(client)
    assert more - total > more_single - single, "no batch held more than one photo"


def test_stage_times_arrive_as_metrics(client: httpx.Client, cat: bytes) -> None:
    client.post("/cut", files={"image_file": cat})
    text = client.get("/metrics").text
    for stage in ("batch", "decode", "detect", "matte", "cutout", "encode"):
        assert f"objectcut_{stage}_seconds_sum" in text
    assert "\nobjectcut_ready 1.0\n" in text
    assert max(Counter(re.findall("^# TYPE (.*) ", text, re.M)).values()) == 1, "a name is declared twice"


def test_labels_tell_the_model_and_its_names(client: httpx.Client) -> None:
    response = client.get("/labels").json()["response"]
    assert response["model"] == "objectcut-bundled"
    assert len(response["classes"]) == 16
    assert "sofa" in response["synonyms"]["couch"]
    assert {language: names["cat"] for language, names in response["names"].items()} == {
        "en": "cat",
        "es": "gato",
        "ca": "gat",
        "de": "Katze",
        "fr": "chat",
        "zh": "猫",
    }
    assert response["dtype"] in {"fp32", "bf16", "fp16"}  # processors, a GPU
    assert response["card"]["licence"] == "MIT"
    assert response["note"].startswith("The small bundled model runs: 16 names.")
    assert "make weights" in response["note"]


def test_health_docs_and_page_are_served(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready", "in_flight": 0}
    assert set(client.get("/openapi.json").json()["paths"]) >= {"/cut", "/detect", "/labels"}
    docs = client.get("/docs").text
    assert "//" not in docs.replace("://", "").split("<body>")[0].replace("/docs-assets/", ""), (
        "it loads from elsewhere"
    )
    assert client.get("/docs-assets/swagger-ui-bundle.js").status_code == 200
    assert "<title>ObjectCut" in client.get("/").text


def test_the_docs_describe_the_calls_as_they_are(client: httpx.Client, cat: bytes) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    cut = paths["/cut"]["post"]
    form = cut["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    # As /docs sends it when somebody chooses a photo and changes nothing else.
    prefilled = {name: field["example"] for name, field in form.items() if field.get("format") != "binary"}
    assert client.post("/cut", files={"image_file": cat}, data=prefilled, headers=PICTURE).status_code == 200
    response = client.post("/cut", files={"image_file": cat}).json()["response"]
    declared = cut["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["response"]["properties"]
    assert set(response) == set(declared)


def test_a_field_that_is_sent_twice_counts_twice(client: httpx.Client, woman: bytes) -> None:
    found = client.post("/detect", files={"image_file": woman}, data={"objects": ["cat", "person"]}).json()["response"]
    assert [item["label"] for item in found["objects"]] == ["person"]
    raw = {"Content-Type": "image/png", "Accept": "application/json"}
    bare = client.post("/detect?objects=person&objects=cat", content=woman, headers=raw).json()["response"]
    assert bare == found


def test_a_long_colour_holds_nobody_up(client: httpx.Client, cat: bytes) -> None:
    endless = "rgba(1," + "1" * 1_000_000 + "x)"
    reply = client.post("/cut", files={"image_file": cat}, data={"background": endless})
    assert (reply.status_code, reply.json()["details"]) == (400, {"field": "background"})


def direct(server: Server, path: str = "", **content: object) -> httpx.Response:
    """Call TorchServe itself, past the gateway, with its key."""
    ports = server.run.ports()
    assert ports is not None
    key = json.loads(server.run.key_file.read_bytes())["inference"]["key"]
    headers = {"Authorization": f"Bearer {key}", **content.pop("headers", {})}
    url = f"http://127.0.0.1:{ports.inference}/predictions/objectcut{path}"
    return httpx.post(url, headers=headers, timeout=120, trust_env=False, **content)


def test_torchserve_takes_the_same_json(
    server: Server, cat: bytes, chelsea: Image.Image, photo_host: PhotoHost
) -> None:
    (photo_host.folder / "cat.png").write_bytes(cat)
    encoded_cat = base64.b64encode(cat).decode()
    for photo in ({"image_base64": encoded_cat}, {"image_url": f"{photo_host.url}/cat.png"}):
        reply = direct(server, json={**photo, "objects": ["cat"]}).json()
        assert_cat_cut_out(opened(base64.b64decode(reply["response"]["image_base64"])), chelsea)


def test_torchserve_takes_the_same_form_and_the_bare_photo(server: Server, cat: bytes, chelsea: Image.Image) -> None:
    for objects in ("cat, dog", '["cat", "dog"]'):
        reply = direct(server, files={"image_file": cat}, data={"objects": objects}, headers=PICTURE)
        assert_cat_cut_out(opened(reply.content), chelsea)
    for content_type in ("image/png", "binary/octet-stream"):
        reply = direct(server, content=cat, headers={"Content-Type": content_type})
        assert_cat_cut_out(opened(reply.content), chelsea)
    urlencoded = f"objects=cat&image_base64={base64.b64encode(cat).decode()}"
    reply = direct(server, content=urlencoded, headers={**CURL, **PICTURE})
    assert_cat_cut_out(opened(reply.content), chelsea)
    nameless = direct(server, files={"image_file": (None, cat)}, data={"objects": "cat"}, headers=PICTURE)
    assert_cat_cut_out(opened(nameless.content), chelsea)
    found = direct(server, "/1.0/detect", files={"image_file": cat}).json()["response"]["objects"]
    assert [item["label"] for item in found] == ["cat"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ({"json": {"objects": ["cat"]}}, 400, "invalid_request"),
        ({"content": b"{nope", "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"json": [1, 2]}, 400, "invalid_request"),
        ({"files": {"image_file": b"text"}}, 400, "unreadable_image"),
        ({"json": {"image_url": "file:///etc/passwd"}}, 400, "url_refused"),
        ({"content": b'{"\\ud800": 1}', "headers": {"Content-Type": "application/json"}}, 400, "invalid_request"),
        ({"json": {"objects": ["cat"]}, "headers": {"describe": "True"}}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
    ],
)
def test_torchserve_gives_the_same_errors(content: dict[str, object], status: int, code: str, server: Server) -> None:
    reply = direct(server, **content)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert set(reply.json()) == {"error", "code", "message", "details", "request_id"}


def test_nobody_without_the_key_reaches_torchserve(server: Server, cat: bytes) -> None:
    ports = server.run.ports()
    assert ports is not None
    url = f"http://127.0.0.1:{ports.inference}/predictions/objectcut"
    assert httpx.post(url, files={"image_file": cat}, trust_env=False).status_code == 400
    assert server.run.key_file.stat().st_mode & 0o077 == 0


def keep_asking(client: httpx.Client, photo: bytes, meanwhile: object) -> list[int]:
    """Statuses of cuts that run, three at a time, before, while and after something happens."""
    done = False

    def ask(_: int) -> list[int]:
        statuses = []
        while not done:
            reply = client.post("/cut", files={"image_file": photo}, data={"objects": "cat"}, headers=PICTURE)
            statuses.append(reply.status_code)
        return statuses

    with ThreadPoolExecutor(3) as pool:
        running = pool.map(ask, range(3))
        try:
            client.post("/cut", files={"image_file": photo})
            meanwhile()
            client.post("/cut", files={"image_file": photo})
        finally:
            done = True
        return [status for statuses in running for status in statuses]


def scale(server: Server, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "scale.py"), *arguments]
    env = {"OBJECTCUT_RUN_DIR": str(server.run.path), "COLUMNS": "120"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(program: subprocess.Popen[str]) -> str:
    told, _ = program.communicate(timeout=300)
    assert program.returncode == 0, told
    return told


def test_scaling_up_and_down_fails_no_request(server: Server, client: httpx.Client, cat: bytes) -> None:
    def up_by_itself() -> None:
        with scale(server, "auto", "--least", "2", "--most", "2", "--every", "0.5") as program:
            assert program.stdout is not None
            assert "1 -> 2 workers" in program.stdout.readline()
            program.terminate()
        shown = said(scale(server, "show"))
        assert shown.count("READY") == shown.count("CPU") == 2
        row = r"│ \d+ +│ \d+\.\d\d +│ (\d+\.\d) +│ (\d\.\d|) +│ 8 +│ (\d+)% +│"  # no batch may end in two seconds
        assert re.search(row, shown), shown

    def down() -> None:
        assert said(scale(server, "set", "1")).count("READY") == 1

    for change in (up_by_itself, down):
        assert set(keep_asking(client, cat, change)) == {200}


@pytest.mark.parametrize(("how", "crashed"), [(signal.SIGKILL, False), (signal.SIGSEGV, True)])
def test_a_worker_that_dies_is_replaced_and_nobody_notices(
    how: signal.Signals, crashed: bool, server: Server, client: httpx.Client, cat: bytes
) -> None:
    dead = server.worker().pid
    statuses = keep_asking(client, cat, lambda: server.worker().send_signal(how))
    assert set(statuses) == {200}
    assert server.worker().pid != dead
    assert bool((server.run.crashes / str(dead)).read_bytes()) == crashed, "only a crash leaves a trace"


@pytest.mark.parametrize("name", ["cat", "dog"])
def test_a_trace_tells_what_was_done_for_a_photo_and_when(
    name: str, client: httpx.Client, cat: bytes, photo_host: PhotoHost, collector: Collector
) -> None:
    (photo_host.folder / "secret-name.png").write_bytes(cat)
    trace_id, parent, asked = uuid.uuid4().hex, "00f067aa0ba902b7", f"{uuid.uuid4().hex}.1"
    reply = client.post(
        "/cut",
        json={"image_url": f"{photo_host.url}/secret-name.png?token=abc", "objects": [name]},
        headers={"traceparent": f"00-{trace_id}-{parent}-01", "X-Request-Id": asked},
    )
    assert "x-stages" not in reply.headers
    wait_until(lambda: "POST /cut" in collector.trace(trace_id), 20, "the trace")
    spans = collector.trace(trace_id)
    whole = spans.pop("POST /cut")
    told = attributes(whole)
    found = reply.status_code == 200
    assert found == (name == "cat")
    assert whole.parent_span_id.hex() == parent
    assert told["objectcut.request_id"] == asked
    assert told["http.response.status_code"] == reply.status_code
    assert told.get("error.type") == (None if found else "object_not_found")
    served = spans.pop("torchserve")
    for part in (served, *map(spans.pop, ("receive", "fetch", "wait"))):
        assert part.parent_span_id == whole.span_id
        assert whole.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano
        assert part.end_time_unix_nano <= whole.end_time_unix_nano
    # The stages of the worker, of which a failure tells none.
    assert set(spans) == ({"decode", "detect", "matte", "edges", "cutout", "encode"} if found else set())
    order = sorted(spans, key=lambda stage: spans[stage].start_time_unix_nano)
    assert order[-3:] == (["edges", "cutout", "encode"] if found else [])
    for part in spans.values():
        assert part.parent_span_id == served.span_id
        assert served.start_time_unix_nano <= part.start_time_unix_nano < part.end_time_unix_nano
        assert part.end_time_unix_nano <= served.end_time_unix_nano
    assert not any(secret in body for body in collector.bodies for secret in (b"secret-name", b"token"))


def test_the_page_and_health_have_no_traces(client: httpx.Client, collector: Collector) -> None:
    trace_id = uuid.uuid4().hex
    for path in ("/", "/labels", "/health/ready", "/metrics"):
        client.get(path, headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}).raise_for_status()
    client.post("/cut", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
    wait_until(lambda: collector.trace(trace_id), 20, "the trace")
    assert set(collector.trace(trace_id)) == {"POST /cut", "receive"}


def cuts(client: httpx.Client) -> float:
    """How many cut-outs were begun."""
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("objectcut_matte_seconds_count")).split()[-1])


def in_flight(client: httpx.Client) -> int:
    return client.get("/health/ready").json().get("in_flight", -1)


@contextmanager
def stopped(*all_of: psutil.Process) -> Iterator[None]:
    """Processes that hang."""
    for process in all_of:
        halt(process)
    try:
        yield
    finally:
        for process in all_of:
            process.resume()


def test_the_photos_of_senders_who_leave_are_not_cut(server: Server, client: httpx.Client, cat: bytes) -> None:
    """Neither those that wait, nor those that TorchServe has and no worker has begun."""
    client.post("/cut", files={"image_file": cat})
    before = cuts(client)
    multipart = httpx.Request("POST", f"{server.url}/cut", files={"image_file": cat})
    body = multipart.read()
    host, port = server.url.removeprefix("http://").split(":")
    head = f"POST /cut HTTP/1.1\r\nHost: {host}\r\n" + "".join(
        f"{name}: {multipart.headers[name]}\r\n" for name in ("content-type", "content-length")
    )
    with stopped(server.worker()):
        senders = [socket.create_connection((host, int(port))) for _ in range(24)]
        for sender in senders:
            sender.sendall(f"{head}\r\n".encode() + body)
        wait_until(lambda: in_flight(client) == len(senders), 60, "the photos' arrival")
        for sender in senders:
            sender.close()
        wait_until(lambda: 0 < in_flight(client) < len(senders), 60, "the senders' leave")
        given = in_flight(client)
        wait_until(lambda: len(list(server.run.abandoned.iterdir())) == given, 60, "word of it to the workers")
    assert client.post("/cut", files={"image_file": cat}).status_code == 200
    wait_until(lambda: in_flight(client) == 0, 60, "the end of the others")
    assert cuts(client) == before + 1
    assert list(server.run.abandoned.iterdir()) == []


def java(server: Server) -> psutil.Process:
    return next(process for process in server.processes() if process.name() == "java")


def test_large_photos_at_once_take_little_memory(server: Server, client: httpx.Client, chelsea: Image.Image) -> None:
    """Nor are any refused: their answers of some 20 MB pass TorchServe in pieces."""
    photo = encoded(chelsea.resize((4000, 3000)), "JPEG", quality=92)

    def ask(_: int) -> int:
        return client.post("/cut", files={"image_file": photo}, headers=PICTURE).status_code

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(16))) == [200] * 16
    assert java(server).memory_info().rss < 600_000_000


def test_a_torchserve_that_hangs_is_told_at_once(server: Server, client: httpx.Client) -> None:
    with stopped(java(server)):
        # Each takes 2 s; a server that waits for an answer takes 130.
        reply = client.get("/health/ready", timeout=20)
        assert (reply.status_code, reply.json()["error"]) == (503, True)
        assert int(reply.headers["retry-after"]) > 0
        assert "\nobjectcut_ready 0.0\n" in client.get("/metrics", timeout=20).text
        assert client.get("/health/live").status_code == 200
    wait_until(lambda: in_flight(client) == 0, 60, "TorchServe's return")


def test_java_and_the_workers_run_under_rules(server: Server) -> None:
    if not sandbox.available():
        pytest.skip("this system has no Landlock")
    for process in (java(server), server.worker()):
        # Landlock's rules are shown nowhere. What goes with them is: nobody under them gains rights by a program.
        assert "NoNewPrivs:\t1" in Path(f"/proc/{process.pid}/status").read_text()


def cut_by_all(client: httpx.Client, photo: bytes, senders: int, meanwhile: Callable[[], object]) -> None:
    """Have this many senders wait while something happens; all of them get their picture."""

    def ask(_: int) -> int:
        return client.post("/cut", files={"image_file": photo}, data={"objects": "cat"}, headers=PICTURE).status_code

    with ThreadPoolExecutor(senders) as pool:
        statuses = pool.map(ask, range(senders))
        meanwhile()
        assert list(statuses) == [200] * senders


def test_workers_that_die_one_after_the_other_cost_nobody_an_answer(
    server: Server, client: httpx.Client, cat: bytes
) -> None:
    def workers() -> list[psutil.Process]:
        return [p for p in server.processes() if "model_service_worker" in " ".join(p.cmdline())]

    def kill_two() -> None:
        first = server.worker()
        first.kill()
        wait_until(lambda: [p for p in workers() if p.pid != first.pid], 60, "the next worker's start")
        server.worker().kill()

    cut_by_all(client, cat, 8, kill_two)


def test_a_worker_that_hangs_is_replaced_and_nobody_notices(server: Server, client: httpx.Client, cat: bytes) -> None:
    hanging = server.worker()
    halt(hanging)
    not_ready = lambda: client.get("/health/ready").status_code == 503  # noqa: E731
    cut_by_all(client, cat, 3, lambda: wait_until(not_ready, 100, "word of it"))
    assert not hanging.is_running()
    assert client.get("/health/ready").status_code == 200
