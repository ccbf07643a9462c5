"""The door for Python programs: photos cut without any server."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import encoded
from PIL import Image

from objectcut import Pipeline
from objectcut.edges.matte import Drawn
from objectcut.errors import CutError
from objectcut.instance import Detection, Instance, Query
from objectcut.item import Order
from objectcut.network.card import ModelError
from objectcut.request.parse import from_values
from objectcut.settings import Settings


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load("bundled")


@pytest.mark.parametrize("way", ["path", "text", "bytes", "picture"])
def test_a_photo_is_cut_whatever_it_is_given_as(way: str, pipeline: Pipeline, chelsea: Image.Image, tmp_path: Path):
    path = tmp_path / "chelsea.png"
    chelsea.save(path)
    photo = {"path": path, "text": str(path), "bytes": path.read_bytes(), "picture": chelsea}[way]
    result = pipeline.cut(photo, ["cat"])
    assert result.pixels.shape == (chelsea.height, chelsea.width, 4)
    assert (result.pixels[120:260, 150:330, 3] == 255).all()
    assert not result.pixels[0:60, 420:451].any()
    assert [each["label"] for each in result.objects] == ["cat"]
    x0, y0, x1, y1 = result.box
    assert (result.pixels[y0:y1, x0:x1, 3] > 0).sum() == (result.pixels[..., 3] > 0).sum()


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [("cat.png", "PNG", "RGBA"), ("cat.webp", "WEBP", "RGBA"), ("cat.JPG", "JPEG", "RGB"), ("cat.jpeg", "JPEG", "RGB")],
)
def test_the_suffix_chooses_the_format(name, kind, mode, pipeline: Pipeline, chelsea: Image.Image, tmp_path: Path):
    pipeline.cut(chelsea, ["cat"]).save(tmp_path / name)
    with Image.open(tmp_path / name) as saved:
        assert (saved.format, saved.mode, saved.size) == (kind, mode, chelsea.size)


def test_a_picture_of_many_bytes_is_no_large_request(pipeline: Pipeline, chelsea: Image.Image):
    picture = chelsea.resize((4000, 2600))
    assert pipeline.settings.max_body_bytes < 4000 * 2600 * 3
    assert pipeline.cut(picture, ["cat"]).image.size == picture.size


def test_a_picture_of_too_many_pixels_is_refused(pipeline: Pipeline):
    with pytest.raises(CutError) as caught:
        pipeline.cut(Image.new("RGB", (6000, 5000)), ["cat"])
    assert caught.value.code == "image_too_large"


@pytest.mark.parametrize(("owner", "method"), [("detector", "detect"), ("refiner", "forward")])
def test_a_failure_that_is_the_gpus_own_is_not_hidden(pipeline: Pipeline, chelsea, monkeypatch, owner, method):
    def lost(_: object) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(getattr(pipeline, owner), method, lost)
    new = encoded(chelsea.rotate(len(owner)))  # of a photo that is known, nothing is asked again
    request = from_values({"image_file": new, "objects": ["cat"]}, "cut", pipeline.settings)
    with pytest.raises(torch.AcceleratorError):
        pipeline.run([lambda: Order(request)], lambda _, answer: answer)


def test_a_batch_that_is_too_much_for_the_memory_is_halved_until_it_is_not(pipeline: Pipeline, chelsea, monkeypatch):
    photos = [encoded(chelsea.rotate(angle)) for angle in range(31, 39)]
    whole, sizes = pipeline.detector.detect, []

    def small(queries: Sequence[Query]) -> list[Detection]:
        sizes.append(len(queries))
        if len(queries) > 2 or any((query.pixels == chelsea.rotate(36)).all() for query in queries):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(whole(queries))

    monkeypatch.setattr(pipeline.detector, "detect", small)
    requests = [from_values({"image_file": photo, "objects": ["cat"]}, "cut", pipeline.settings) for photo in photos]
    answers = pipeline.run([partial(Order, request) for request in requests], lambda _, answer: answer)
    assert [getattr(answer, "code", "cut") for answer in answers] == ["cut"] * 5 + ["overloaded"] + ["cut"] * 2
    assert sizes == [8, 4, 2, 2, 4, 2, 1, 1, 2]


def test_an_unknown_suffix_is_named(pipeline: Pipeline, chelsea: Image.Image, tmp_path: Path):
    with pytest.raises(ValueError, match=r"cat\.bmp.*\.png, \.webp"):
        pipeline.cut(chelsea, ["cat"]).save(tmp_path / "cat.bmp")
    assert list(tmp_path.iterdir()) == []


def test_options_are_those_of_the_server(pipeline: Pipeline, chelsea: Image.Image, astronaut: Image.Image):
    white = pipeline.cut(chelsea, ["cat"], background="white", crop=True)
    assert white.pixels.shape[2:] == (3,)
    assert white.image.size == (white.box[2] - white.box[0], white.box[3] - white.box[1])
    behind = pipeline.cut(chelsea, ["cat"], background_image=encoded(astronaut))
    assert behind.pixels.shape == (chelsea.height, chelsea.width, 3)
    mask = pipeline.cut(chelsea, output="mask", edges="sharp")
    assert set(np.unique(mask.pixels)) == {0, 255}


def test_the_photo_itself_is_an_output_whatever_is_in_it(pipeline: Pipeline, chelsea: Image.Image):
    nothing_known = Image.new("RGBA", (60, 40), (10, 20, 30, 255))
    nothing_known.putpixel((3, 4), (200, 100, 50, 128))
    result = pipeline.cut(nothing_known, output="photo")
    np.testing.assert_array_equal(result.pixels, np.array(nothing_known))
    assert (result.box, result.objects) == ((0, 0, 60, 40), [])
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter to the right
    sideways = encoded(chelsea.transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif)
    np.testing.assert_array_equal(pipeline.cut(sideways, output="photo").pixels, np.array(chelsea))
    assert pipeline.cut(chelsea, ["cat"], output="photo", max_size=100).pixels.shape == (67, 100, 3)


def test_a_cut_out_becomes_the_picture_of_a_shop(pipeline: Pipeline, chelsea: Image.Image):
    shop = pipeline.cut(chelsea, ["cat"], canvas="300x400", margin="5%", background="white", shadow="contact")
    assert shop.pixels.shape == (400, 300, 3)
    assert (shop.pixels[:20] == 255).all()
    assert shop.pixels[200, 150].max() < 250
    plain = pipeline.cut(chelsea, ["cat"])
    assert shop.box == plain.box
    square = pipeline.cut(chelsea, ["cat"], canvas="1:1")
    assert square.pixels.shape[:2] == (max(plain.box[2:]), max(plain.box[2:]))
    assert (square.pixels[..., 3] > 0).sum() == (plain.pixels[..., 3] > 0).sum()


def test_a_box_says_where_a_thing_is_that_needs_no_name(pipeline: Pipeline, chelsea: Image.Image):
    named = pipeline.cut(chelsea, ["cat"], output="mask")
    boxed = pipeline.cut(chelsea, box=named.box, min_score=1, output="mask")
    assert [each["label"] for each in boxed.objects] == [None]
    both = (named.pixels > 127) & (boxed.pixels > 127)
    assert both.sum() > 0.9 * ((named.pixels > 127) | (boxed.pixels > 127)).sum()


def test_names_and_boxes_together(pipeline: Pipeline, chelsea: Image.Image, astronaut: Image.Image):
    side_by_side = Image.new("RGB", (chelsea.width + astronaut.width, 512))
    side_by_side.paste(chelsea, (0, 0))
    side_by_side.paste(astronaut, (chelsea.width, 0))
    result = pipeline.cut(side_by_side, ["person"], box=[90, 10, 430, 300], output="mask")
    assert {each["label"] for each in result.objects} == {None, "person"}
    assert (result.pixels[150, 250], result.pixels[400, chelsea.width + 220]) == (255, 255)


@pytest.mark.parametrize(
    ("objects", "options", "code"),
    [
        (["kat"], {}, "unknown_object"),
        (["bus"], {}, "object_not_found"),
        (["cat"], {"edges": "round"}, "invalid_request"),
        (["cat"], {"colour": "red"}, "invalid_request"),
    ],
)
def test_what_is_wrong_has_the_servers_code(objects, options, code, pipeline: Pipeline, chelsea: Image.Image):
    with pytest.raises(CutError) as caught:
        pipeline.cut(chelsea, objects, **options)
    assert caught.value.code == code


def test_a_photo_that_cannot_be_read(pipeline: Pipeline, tmp_path: Path):
    with pytest.raises(CutError) as caught:
        pipeline.cut(b"no photo at all", ["cat"])
    assert caught.value.code in {"unreadable_image", "unsupported_image"}
    with pytest.raises(FileNotFoundError):
        pipeline.cut(tmp_path / "missing.jpg", ["cat"])


@pytest.mark.parametrize("model", ["nonsense", "/nowhere/mine.safetensors"])
def test_a_model_that_is_not_there_is_named(model: str):
    with pytest.raises(ModelError, match=model):
        Pipeline.load(model)


def test_another_question_about_a_photo_is_answered_without_the_networks_and_alike(
    pipeline: Pipeline, astronaut: Image.Image, monkeypatch: pytest.MonkeyPatch
):
    photo = encoded(astronaut, "JPEG")
    forgetful = Pipeline.load("bundled", Settings(remember_s=0))
    pipeline.cut(photo, ["person"])

    def asked(*_: object) -> None:
        raise AssertionError("a network was asked again")

    questions: list[dict[str, Any]] = [
        {"background": "red", "crop": True},
        {"edges": "sharp", "output": "mask"},
        {"edges": "raw"},
        {"min_score": 0.9, "max_size": 200},
        {"invert": True, "feather": 3},
    ]
    expected = [forgetful.cut(photo, ["person"], **options) for options in questions]
    boxed = forgetful.cut(photo, box=(100, 20, 380, 500))
    with monkeypatch.context() as patched:
        patched.setattr(pipeline.detector, "_look", asked)
        patched.setattr(pipeline.refiner, "forward", asked)
        for options, right in zip(questions, expected, strict=True):
            made = pipeline.cut(photo, ["person"], **options)
            np.testing.assert_array_equal(made.pixels, right.pixels)
            assert made.objects == right.objects
    monkeypatch.setattr(pipeline.detector, "_look", asked)
    np.testing.assert_array_equal(pipeline.cut(photo, box=(100, 20, 380, 500)).pixels, boxed.pixels)
    monkeypatch.undo()
    with pytest.raises(CutError, match="No 'cat' was found"):
        pipeline.cut(photo, ["cat"])


def test_of_a_crowd_only_some_edges_are_kept(pipeline: Pipeline, astronaut: Image.Image):
    pixels = np.array(astronaut)
    mask = np.ones((28, 28), np.float32)
    crowd = [Instance(id_, 1, 0.9, (5.0 * id_, 0.0, 400.0 + 5 * id_, 500.0), mask) for id_ in range(8)]
    kept: Drawn = {}
    alpha, extents = pipeline.refine(pixels, crowd, before=kept)
    assert sum(each.alpha.nbytes for each in kept.values()) <= 2 * pixels.shape[0] * pixels.shape[1]
    assert kept
    again, extents_again = pipeline.refine(pixels, crowd, before=kept)
    np.testing.assert_array_equal(again, alpha)
    assert [each.box for each in extents_again] == [each.box for each in extents]


@pytest.mark.parametrize("large", [False, True], ids=["decoded at once", "decoded in two steps"])
def test_every_stage_may_run_in_another_process(pipeline: Pipeline, chelsea: Image.Image, large: bool):
    photo = encoded(chelsea.resize((2400, 1600)) if large else chelsea, "JPEG")
    request = from_values({"image_file": photo, "objects": ["cat"]}, "cut", pipeline.settings)

    def away(value: Any) -> Any:
        return pickle.loads(pickle.dumps(value))

    job = away(pipeline.decode(Order(request, "image/*")))
    (detection,) = away(pipeline.detect([job]))
    answer = pipeline.encode(job.order, *away(pipeline.draw(job, detection)))
    (expected,) = pipeline.run([lambda: Order(request, "image/*")], lambda _, answer: answer)
    assert answer.body == expected.body
    assert answer.headers == expected.headers
