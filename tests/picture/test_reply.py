from __future__ import annotations

import base64
import io
import json
import zipfile
from urllib.parse import unquote

import numpy as np
import pytest
from conftest import solid
from PIL import Image
from pycocotools import mask as coco

from objectcut.edges import matte
from objectcut.edges.matte import Found
from objectcut.errors import CutError
from objectcut.instance import Instance
from objectcut.item import Answer, Job, Order
from objectcut.photo.decode import Photo, Preview
from objectcut.picture import compose, reply
from objectcut.recent import RecentPhoto
from objectcut.request.labels import Labels
from objectcut.request.options import CutOptions
from objectcut.request.parse import CutRequest

LABELS = Labels.of(("__background__", "cat", "dog"))
PHOTO = Photo(np.full((30, 40, 3), 90, np.uint8))
FOUND = (
    Found(Instance(2**53 - 1, 2, 0.987654321, (9.5, 4.5, 20.5, 15.5)), solid(10, 5, np.ones((10, 10), bool))),
    Found(Instance(3, 1, 0.5, (30.0, 20.0, 36.0, 29.0)), solid(30, 20, np.eye(6, dtype=bool))),
)
OBJECTS = [
    {"id": 2**53 - 1, "label": "dog", "score": 0.9877, "box": [10, 5, 20, 15], "area": 100},
    {"id": 3, "label": "cat", "score": 0.5, "box": [30, 20, 36, 26], "area": 6},
]


def job(accept: str = "", **options: object) -> Job:
    return Job(
        Order(CutRequest("cut", b"", None, CutOptions(**options)), accept),
        RecentPhoto(Preview(PHOTO.pixels, 40, 30), None),
        frozenset(),
    )


def answer(accept: str = "", **options: object) -> Answer:
    made = compose.cut(PHOTO, matte.union((f.matte for f in FOUND), 40, 30), CutOptions(**options))
    assert made is not None
    return reply.picture(job(accept, **options).order, [found.extent for found in FOUND], made, LABELS, "tiny")


def test_names_of_very_many_objects_leave_a_header_that_clients_take() -> None:
    named = Labels.of(("__background__", "\N{CJK UNIFIED IDEOGRAPH-732B}" * 30, "dog"))
    made = compose.cut(PHOTO, matte.union((f.matte for f in FOUND), 40, 30), CutOptions())
    assert made is not None
    chosen = [FOUND[1].extent] * 100
    got = reply.picture(job("image/*").order, chosen, made, named, "tiny")
    told = got.headers["X-Object-Labels"].split(",")
    assert sum(map(len, told)) < 8000
    assert 1 < len(told) < 100
    assert {unquote(name) for name in told} == {named.classes[1]}
    assert got.headers["X-Object-Count"] == "100"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("image/*", "image/png"),
        ("image/webp", "image/webp"),
        ("IMAGE/JPEG", "image/jpeg"),
        ("text/html, image/avif, image/webp, */*;q=0.8", "image/webp"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/zip", "application/json"),
    ],
)
def test_who_accepts_pictures_gets_one(accept, media_type):
    got = answer(accept, crop=True)
    assert (got.status, got.media_type) == (200, media_type)
    assert got.headers == {
        "X-Object-Count": "2",
        "X-Object-Ids": "9007199254740991,3",
        "X-Object-Labels": "dog,cat",
        "X-Foreground-Box": "10,5,36,26",
        "X-Width": "26",
        "X-Height": "21",
    }
    if media_type != "application/json":
        with Image.open(io.BytesIO(got.body)) as opened:
            assert Image.MIME[opened.format] == media_type
            assert opened.size == (26, 21)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/zip", "application/zip"),
        ("text/html, Application/ZIP;q=0.9", "application/zip"),
        ("image/*", "application/zip"),
        ("image/webp", "application/zip"),
        ("", "application/json"),
        ("application/json", "application/json"),
    ],
)
def test_who_accepts_pictures_or_zip_gets_colours_and_alpha_as_one_file(accept, media_type):
    got = answer(accept, output="both")
    assert (got.status, got.media_type) == (200, media_type)
    assert got.headers == {
        "X-Object-Count": "2",
        "X-Object-Ids": "9007199254740991,3",
        "X-Object-Labels": "dog,cat",
        "X-Foreground-Box": "10,5,36,26",
        "X-Width": "40",
        "X-Height": "30",
    }
    told = (
        got.body
        if media_type == "application/zip"
        else base64.b64decode(json.loads(got.body)["response"]["image_base64"])
    )
    with zipfile.ZipFile(io.BytesIO(told)) as packed:
        assert packed.namelist() == ["cutout.jpg", "alpha.png"]


def test_json_holds_the_picture_and_what_is_on_it():
    got = json.loads(answer(crop=True, margin=2, format="webp").body)
    response = got["response"]
    picture = base64.b64decode(response.pop("image_base64"), validate=True)
    with Image.open(io.BytesIO(picture)) as opened:
        assert (opened.format, opened.size) == ("WEBP", (30, 25))
    assert got["error"] is False
    assert response == {"width": 30, "height": 25, "box": [10, 5, 36, 26], "objects": OBJECTS, "model": "tiny"}


def test_a_listing_has_every_object_with_its_mask():
    got = json.loads(reply.listing(job(), FOUND, LABELS, "tiny").body)
    masks = [found.pop("mask") for found in got["response"]["objects"]]
    assert got == {"error": False, "response": {"width": 40, "height": 30, "model": "tiny", "objects": OBJECTS}}
    for mask, found in zip(masks, FOUND, strict=True):
        np.testing.assert_array_equal(coco.decode(mask) * 255, matte.union([found.matte], 40, 30))


def test_an_empty_listing_is_no_error():
    got = reply.listing(job(), (), LABELS, "tiny")
    assert (got.status, got.media_type) == (200, "application/json")
    assert json.loads(got.body)["response"]["objects"] == []


@pytest.mark.parametrize(("retry_after", "headers"), [(None, {}), (7, {"Retry-After": "7"})])
def test_a_failure(retry_after, headers):
    error = CutError("overloaded", "Too many photos: come back later.", retry_after=retry_after)
    got = reply.failure(error, "id-1")
    assert (got.status, got.media_type, got.headers) == (503, "application/json", headers)
    assert got.body == error.body("id-1")
