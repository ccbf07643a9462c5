from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

import pytest
from conftest import encoded
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from objectcut.errors import CutError
from objectcut.request import parse
from objectcut.request.options import CutOptions, Task
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings

SETTINGS = Settings()
PHOTO = bytes(range(256)) * 3 + b"\xfb\xff"  # 770 bytes: needs padding, and the letters in which the alphabets differ
TEXT = base64.b64encode(PHOTO).decode()
IMAGE = encoded(Image.new("RGB", (3, 2)), "WEBP", lossless=True)
IMAGE_TEXT = base64.b64encode(IMAGE).decode()


def asked(task: Task = "cut", **options: object) -> CutRequest:
    return parse.from_json({"image_base64": TEXT, **options}, task, SETTINGS)


def refused(task: Task = "cut", **options: object) -> CutError:
    with pytest.raises(CutError) as caught:
        asked(task, **options)
    assert caught.value.code == "invalid_request"
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        base64.urlsafe_b64encode(PHOTO).decode(),
        base64.urlsafe_b64encode(PHOTO).decode().rstrip("="),
        base64.encodebytes(PHOTO).decode(),
        TEXT.replace("A", "\r\n A\t", 1),
        f"\n {TEXT} ",
        quote(TEXT, safe=""),
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/png;BASE64,{TEXT}",
        f"  data:;charset=utf-8; base64 ,{TEXT}",
        f"data:image/png;base64,{quote(TEXT, safe='')}",
        f"data:image/png,{quote(PHOTO)}",
        f"data:,{quote(PHOTO, safe='')}",
    ],
    ids=[
        *("standard", "no padding", "url-safe", "url-safe, no padding", "lines", "spaces", "around it", "escaped"),
        *(
            "data URL",
            "data URL in capitals",
            "data URL with more",
            "data URL, escaped",
            "data URL of bytes",
            "shortest",
        ),
    ],
)
def test_every_spelling_of_base64_is_the_same_photo(text):
    assert parse.from_json({"image_base64": text}, "cut", SETTINGS).photo == PHOTO


@pytest.mark.parametrize(
    "text",
    ["?!", "QUJDR", "QQ==QQ==", "data:image/png;base64", "data:;base64,?!", "data:,%4", "QU%zz", "ü", 5, ["QUJD"]],
)
def test_what_is_no_base64_is_refused(text):
    assert refused(image_base64=text).details == {"field": "image_base64"}


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({}, []),
        ({"image_base64": ""}, []),
        ({"image_base64": None, "objects": ["cat"]}, []),
        ({"image_base64": TEXT, "image_url": "https://a.example/b.png"}, ["image_url", "image_base64"]),
    ],
)
def test_exactly_one_photo(fields, given):
    with pytest.raises(CutError, match="exactly one of 'image_url', 'image_base64' and 'image_file'") as caught:
        parse.from_json(fields, "cut", SETTINGS)
    assert caught.value.details == {"fields": given}


def test_a_url_is_kept_for_later():
    got = parse.from_json({"image_url": "https://a.example/b.png"}, "cut", SETTINGS)
    assert (got.url, got.photo) == ("https://a.example/b.png", None)
    with pytest.raises(CutError, match="'image_url' must be a string"):
        parse.from_json({"image_url": ["https://a.example"]}, "cut", SETTINGS)


@pytest.mark.parametrize("body", [b"", b" \n", b"{", b"\xff\xfe\xfd", b"[1]", b'"cat"', b"null"])
def test_a_body_that_is_no_json_object(body):
    with pytest.raises(CutError, match="body") as caught:
        parse.from_json(body, "cut", SETTINGS)
    assert caught.value.code == "invalid_request"


def test_a_body_nested_too_deeply():
    with pytest.raises(CutError, match="not valid JSON"):
        parse.from_json(b"[" * 60_000, "cut", SETTINGS)


def test_json_from_bytes():
    body = json.dumps({"image_base64": TEXT, "objects": ["cat"], "crop": None}).encode()
    assert parse.from_json(bytearray(body), "cut", SETTINGS) == asked(objects=["cat"])


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["cat", "dog"], ("cat", "dog")),
        ('["cat", "dog"]', ("cat", "dog")),
        ("cat, dog", ("cat", "dog")),
        ("traffic light", ("traffic light",)),
        ([], ()),
        ("[]", ()),
        (" ,, ", ()),
        ("\u732b\u3001\u72d7", ("\u732b", "\u72d7")),
        ("cat\uff0c dog\uff1bbird", ("cat", "dog", "bird")),
        ("cat\uff64dog\u060c bird\u061b", ("cat", "dog", "bird")),
        ("cat; dog\r\nbird\n", ("cat", "dog", "bird")),
        (["\u732b\u3001\u72d7", " cat , dog", "bird"], ("\u732b", "\u72d7", "cat", "dog", "bird")),
        ('["\u732b\u3001\u72d7"]', ("\u732b", "\u72d7")),
    ],
)
def test_objects_as_people_write_them(written, names):
    assert asked(objects=written).options.objects == names
    if isinstance(written, str):
        assert parse.from_raw(PHOTO, {"objects": written}, "cut", SETTINGS).options.objects == names
        form = {"image_file": PHOTO, "objects": written.encode()}
        assert parse.from_form(form, "cut", SETTINGS).options.objects == names


@pytest.mark.parametrize(
    ("written", "pick"),
    [
        ("largest", "largest"),
        (" Best ", "best"),
        (3, (3,)),
        ("3", (3,)),
        ("0, 2", (0, 2)),
        ("[0, 2]", (0, 2)),
        ([0, 2], (0, 2)),
        (["0", "2"], (0, 2)),
        ([2**53 - 1, 1234567890123456], (9007199254740991, 1234567890123456)),
        ("9007199254740991", (9007199254740991,)),
        ("9007199254740991, 7", (9007199254740991, 7)),
        ("[9007199254740991]", (9007199254740991,)),
    ],
)
def test_pick_as_people_write_it(written, pick):
    assert asked(pick=written).options.pick == pick


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"point": [1, 2.5]}, "point", (1, 2.5)),
        ({"point": "1,2.5"}, "point", (1, 2.5)),
        ({"roi": "[0, 0, 10, 20]"}, "roi", (0, 0, 10, 20)),
        ({"roi": "-5,-5,10,20"}, "roi", (-5, -5, 10, 20)),
        ({"box": [1, 2.5, 3, 4]}, "box", ((1, 2.5, 3, 4),)),
        ({"box": [[1, 2, 3, 4], [5, 6, 7, 8]]}, "box", ((1, 2, 3, 4), (5, 6, 7, 8))),
        ({"box": "1, 2, 3, 4"}, "box", ((1, 2, 3, 4),)),
        ({"box": "[1, 2, 3, 4]"}, "box", ((1, 2, 3, 4),)),
        ({"box": ".5; 2; 3; 4;"}, "box", ((0.5, 2, 3, 4),)),
        ({"box": "[[1, 2, 3, 4], [5, 6, 7, 8]]"}, "box", ((1, 2, 3, 4), (5, 6, 7, 8))),
        ({"box": "1,2,3,4,5,6,7,8"}, "box", ((1, 2, 3, 4), (5, 6, 7, 8))),  # a query with two of them
        ({"box": "[1, 2, 3, 4],[5, 6, 7, 8]"}, "box", ((1, 2, 3, 4), (5, 6, 7, 8))),  # a form with two of them
        ({"box": []}, "box", ()),
        ({"format": "JPG"}, "format", "jpeg"),
        ({"output": "Mask"}, "output", "mask"),
        ({"crop": "true"}, "crop", True),
        ({"crop": "yes"}, "crop", True),
        ({"crop": " On\n"}, "crop", True),
        ({"invert": "No"}, "invert", False),
        ({"return_white_bg": "1"}, "return_white_bg", True),
        ({"max_size": "640"}, "max_size", 640),
        ({"min_score": "0.25"}, "min_score", 0.25),
        ({"canvas": " 4 : 5"}, "canvas", "4:5"),
        ({"canvas": "1600 X 1200px"}, "canvas", "1600x1200"),
        ({"canvas": "1600px \N{MULTIPLICATION SIGN} 1200px"}, "canvas", "1600x1200"),
        ({"scale": " 50 %"}, "scale", 50),
        ({"scale": 10}, "scale", 10),
        ({"position": "Center"}, "position", "50% 50%"),
        ({"position": "10 20.5%"}, "position", "10% 20.5%"),
        ({"position": "0%,100%"}, "position", "0% 100%"),
        ({"position": 30}, "position", "30% 30%"),
        ({"rotate": "-12.5"}, "rotate", -12.5),
        ({"shadow": " Drop"}, "shadow", "drop"),
        ({"outline": "4 white"}, "outline", "4 #ffffffff"),
        ({"outline": "4.5px  RGB(0 80 160 / 50%)"}, "outline", "4.5 #0050a080"),
    ],
)
def test_options_as_people_write_them(options, field, value):
    assert getattr(asked(**options).options, field) == value


@pytest.mark.parametrize(
    ("margin", "px"),
    [
        *[("7", 7), (7, 7), ("7px", 7), ("7 px", 7), (1.2, 2)],
        *[("5%", 20), ("5 %", 20), ("0.1%", 1), ("7%", 28), ("100%", 400)],
    ],
)
def test_a_margin_in_px_or_as_a_share_of_the_longer_side(margin, px):
    assert asked(margin=margin).options.margin_px(400, 100) == px


@pytest.mark.parametrize(
    ("colour", "rgba"),
    [
        ("transparent", (0, 0, 0, 0)),
        ("White", (255, 255, 255, 255)),
        (" RebeccaPurple\n", (102, 51, 153, 255)),
        ("rgb(0 80 160 / 50%)", (0, 80, 160, 128)),
        ("hsl(120deg 100% 50%)", (0, 255, 0, 255)),
        ("none", (0, 0, 0, 0)),
        ("rgb(1 2 3 / 0)", (0, 0, 0, 0)),
    ],
)
def test_a_css_colour(colour, rgba):
    options = asked(background=colour).options
    assert options.background_rgba() == rgba
    assert options.background_field() == ("background" if rgba[3] else None)


def test_a_white_background_may_be_said_twice():
    assert asked(return_white_bg=True, background="#fff").options.background_rgba() == (255, 255, 255, 255)
    for other in ("red", "blur"):
        assert "send one of them" in refused(return_white_bg=True, background=other).message


@pytest.mark.parametrize(
    ("background", "radius"),
    [
        ("blur", 6),  # of a photo of 400 x 100
        ("Blur", 6),
        ("blur:20", 20),
        ("blur: 2.5 px", 2.5),
        ("blur:500", 500),
        ("blur:0.01", 0.01),
        ("transparent", None),
        ("red", None),
    ],
)
def test_a_blurred_background(background, radius):
    options = asked(background=background).options
    assert options.blur_px(400, 100) == radius
    if radius is not None:
        assert options.background_rgba() == (0, 0, 0, 0)


def test_the_blur_that_is_not_told_is_bounded():
    assert [asked(background="blur").options.blur_px(side, 1) for side in (1, 100_000)] == [1, 500]


@pytest.mark.parametrize(
    "text", [TEXT, base64.urlsafe_b64encode(PHOTO).decode().rstrip("="), f"data:image/png;base64,{TEXT}"]
)
def test_another_picture_as_the_background(text):
    sent = asked(background_image=text, objects=["cat"], background="transparent")
    assert sent.backdrop == PHOTO
    assert parse.from_form({"image_file": PHOTO, "objects": "cat", "background_image": text}, "cut", SETTINGS) == sent
    form = {"image_file": PHOTO, "objects": "cat", "background_image": bytearray(PHOTO)}
    assert parse.from_form(form, "cut", SETTINGS) == sent


@pytest.mark.parametrize("empty", ["", b""])
def test_a_background_that_was_not_chosen_in_a_form_is_none(empty):
    form = {"image_file": PHOTO, "background_image": empty, "background": "red"}
    assert parse.from_form(form, "cut", SETTINGS).backdrop is None


@pytest.mark.parametrize("options", [{"return_white_bg": True}, {"background": "red"}, {"background": "blur"}])
def test_there_is_only_one_background(options):
    message = refused(background_image=TEXT, **options).message
    assert message == f"'background_image' and '{next(iter(options))}' ask for different backgrounds; send one of them."


def test_a_background_image_belongs_to_a_cut_in_a_form_or_in_json():
    assert "'background_image' is not a field of this call" in refused("detect", background_image=TEXT).message
    with pytest.raises(CutError, match="send both in a form or JSON") as caught:
        parse.from_raw(PHOTO, {"background_image": TEXT}, "cut", SETTINGS)
    assert caught.value.details == {"field": "background_image"}


def test_photo_and_background_share_the_limit():
    with pytest.raises(CutError, match="'background_image' together have 1,540 bytes; at most 1,539") as caught:
        parse.from_json({"image_base64": TEXT, "background_image": TEXT}, "cut", Settings(max_body_bytes=1539))
    assert caught.value.code == "body_too_large"
    assert caught.value.details == {"bytes": 1540, "max_bytes": 1539}


@pytest.mark.parametrize(
    "options", [{"output": "both"}, {"format": "zip"}, {"format": " ZIP "}, {"output": "Both", "format": "zip"}]
)
def test_a_zip_is_colours_and_alpha(options):
    got = asked(**options).options
    assert got.output == "both"
    assert got.format in {None, "zip"}


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"output": "both", "format": "png"}, ("output", "format")),
        ({"output": "both", "format": "jpg"}, ("output", "format")),
        ({"output": "mask", "format": "zip"}, ("output", "format")),
        ({"output": "image", "format": "zip"}, ("output", "format")),
        ({"output": "both", "background": "red"}, ("output", "background")),
        ({"format": "zip", "background": "blur"}, ("output", "background")),
        ({"output": "both", "return_white_bg": True}, ("output", "return_white_bg")),
        ({"output": "both", "background_image": TEXT}, ("output", "background_image")),
    ],
)
def test_a_zip_has_neither_background_nor_another_format(options, fields):
    message = refused(**options).message
    assert all(f"'{field}'" in message for field in fields)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"output": "mask", "shadow": "drop"}, ("output", "shadow")),
        ({"output": "both", "outline": "4 red"}, ("output", "outline")),
        ({"format": "zip", "shadow": "contact"}, ("output", "shadow")),
        ({"canvas": "800x800", "max_size": 400}, ("canvas", "max_size")),
        ({"background": "blur", "canvas": "1:1"}, ("background", "canvas")),
        ({"background": "blur:9", "scale": 50}, ("background", "scale")),
        ({"background": "blur", "position": "center"}, ("background", "position")),
        ({"background": "blur", "rotate": 5}, ("background", "rotate")),
    ],
)
def test_fields_that_do_not_go_together_are_both_named(options, fields):
    message = refused(**options).message
    assert all(f"'{field}'" in message for field in fields)


def test_a_canvas_is_no_larger_than_a_picture_may_be():
    assert asked(canvas="5000x5000").options.canvas_px() == (5000, 5000)
    with pytest.raises(CutError, match="5001 x 5000 pixels is too large; at most 25 megapixels") as caught:
        asked(canvas="5001x5000")
    assert (caught.value.code, caught.value.details["field"]) == ("image_too_large", "canvas")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("objects", 5, "must be a list"),
        ("objects", {"cat": 1}, "must be a list"),
        ("objects", [5], "must be a valid string"),
        ("objects", "[cat", "not a valid JSON list"),
        pytest.param("objects", "[" * 60_000, "not a valid JSON list", id="objects-nested"),
        pytest.param("objects", "a," * 40_000, "longer than 65,536 characters", id="objects-long"),
        pytest.param("objects", ["a," * 4_000] * 10, "longer than 65,536 characters", id="objects-long-items"),
        pytest.param("pick", [1] * 70_000, "longer than 65,536 characters", id="pick-many"),
        pytest.param("pick", [10**5000], "'largest'", id="pick-digits"),
        pytest.param("margin", 10**5000, "must be pixels", id="margin-digits"),
        ("margin", "1." + "0" * 30, "must be pixels"),
        ("margin", [1], "must be pixels"),
        pytest.param("point", [10**5000, 1], "valid number", id="point-digits"),
        ("objects", ["cat"] * 101, "101 names; at most 100"),
        ("objects", ["c" * 101], "more than 100 characters in one value"),
        ("return_white_bg", "perhaps", "valid boolean"),
        ("background", "no colour", "CSS colour"),
        ("background", "currentcolor", "the colour of a text"),
        ("background", "rgb(1 2)", "CSS colour"),
        ("background", 5, "valid string"),
        ("background", "blur:0", "more than 0 and at most 500 px"),
        ("background", "blur:500.1", "more than 0 and at most 500 px"),
        ("background", "blur:-1", "more than 0 and at most 500 px"),
        ("background", "blur:", "more than 0 and at most 500 px"),
        ("background", "blur:nan", "more than 0 and at most 500 px"),
        ("background", "blurred", "more than 0 and at most 500 px"),
        ("background_image", "", "is empty"),
        ("background_image", "?!", "not valid base64"),
        ("background_image", 5, "must be a base64 string"),
        ("invert", [], "valid boolean"),
        ("min_score", 1.01, "less than or equal to 1"),
        ("min_score", -0.1, "greater than or equal to 0"),
        ("min_score", float("nan"), "finite"),
        ("min_score", "high", "valid number"),
        ("pick", "first", "'largest'"),
        ("pick", [], "'largest'"),
        ("pick", -1, "'largest'"),
        ("pick", True, "'largest'"),
        ("pick", [0.5], "'largest'"),
        ("pick", [2**53], "'largest'"),
        ("pick", "9999999999999999", "'largest'"),
        ("pick", [1e15], "'largest'"),
        pytest.param("pick", "9" * 5000, "'largest'", id="pick-long"),
        ("point", [1], "too few numbers"),
        ("point", [1, 2, 3], "too many numbers"),
        ("point", "here", "valid number"),
        ("point", [1, float("inf")], "finite"),
        ("point", {"x": 1, "y": 2}, "must be a list"),
        ("roi", [0, 0, 1], "too few numbers"),
        ("roi", [10, 0, 10, 5], "x0 < x1 and y0 < y1"),
        ("roi", [0, 9, 10, 5], "x0 < x1 and y0 < y1"),
        ("box", [1, 2, 3], "[x0, y0, x1, y1]"),
        ("box", [1, 2, 3, 4, 5], "[x0, y0, x1, y1]"),
        ("box", [[1, 2], [3, 4]], "[x0, y0, x1, y1]"),
        ("box", [[1, 2, 3, 4], 5], "[x0, y0, x1, y1]"),
        ("box", [5, 2, 3, 4], "x0 < x1 and y0 < y1"),
        ("box", [1, 4, 3, 4], "x0 < x1 and y0 < y1"),
        ("box", "around the cat", "[x0, y0, x1, y1]"),
        ("box", "a, b, c, d", "valid number"),
        ("box", {"x0": 1}, "[x0, y0, x1, y1]"),
        ("box", [0, 0, float("inf"), 1], "finite"),
        ("box", ["a", 0, 1, 1], "valid number"),
        pytest.param("box", [[0, 0, 1, 1]] * 21, "at most 20", id="box-many"),
        pytest.param("box", "[" * 5000, "[x0, y0, x1, y1]", id="box-deep"),
        ("edges", "soft", "'smooth'"),
        ("feather", -1, "greater than or equal to 0"),
        ("grow", 1001, "less than or equal to 1000"),
        ("crop", 2, "valid boolean"),
        ("margin", "-1", "not negative"),
        ("margin", "wide", "must be pixels"),
        ("margin", "101%", "at most 100%"),
        ("canvas", "square", "a shape such as '1:1'"),
        ("canvas", "1.5:1", "a shape such as '1:1'"),
        ("canvas", "-1:1", "a shape such as '1:1'"),
        ("canvas", "", "a shape such as '1:1'"),
        ("canvas", "0:1", "not 1 to 100"),
        ("canvas", "101:1", "not 1 to 100"),
        ("canvas", "0x9", "not 1 to 16384"),
        ("canvas", "16385x1", "not 1 to 16384"),
        ("canvas", 5, "valid string"),
        pytest.param("canvas", "1" + " " * 60_000 + "x", "more than 100 characters", id="canvas-long"),
        ("scale", 9.9, "greater than or equal to 10"),
        ("scale", "101%", "less than or equal to 100"),
        ("scale", float("nan"), "finite"),
        ("scale", "half", "valid number"),
        ("rotate", 180.1, "less than or equal to 180"),
        ("rotate", -181, "greater than or equal to -180"),
        ("rotate", float("nan"), "finite"),
        ("rotate", "upside down", "valid number"),
        ("position", "left top", "two shares"),
        ("position", "101%", "two shares"),
        ("position", "1 2 3", "two shares"),
        ("position", -1, "two shares"),
        ("position", float("nan"), "two shares"),
        pytest.param("position", 10**4000, "two shares", id="position-digits"),
        pytest.param("position", "5" + " " * 60_000 + "x", "more than 100 characters", id="position-long"),
        ("shadow", "soft", "'drop'"),
        ("outline", "4", "a width, more than 0 and at most 100 px, and a colour"),
        ("outline", "0 red", "a width, more than 0 and at most 100 px, and a colour"),
        ("outline", "100.1 red", "a width, more than 0 and at most 100 px, and a colour"),
        ("outline", "white 4", "a width, more than 0 and at most 100 px, and a colour"),
        ("outline", "4 nocolour", "a CSS colour"),
        ("outline", "4 transparent", "wholly transparent"),
        ("max_size", 0, "greater than or equal to 1"),
        ("max_size", 16_385, "less than or equal to 16384"),
        ("max_size", 1.5, "valid integer"),
        ("output", "alpha", "'mask'"),
        ("format", "gif", "'png'"),
        ("image_file", "x", "multipart form"),
    ],
)
def test_a_wrong_value_names_its_field(field, value, says):
    error = refused(**{field: value})
    assert error.details == {"field": field}
    assert error.message.startswith(f"'{field}' ")
    assert says in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize(
    ("task", "field", "says"),
    [
        ("cut", "object", "Did you mean 'objects'?"),
        ("cut", "back_ground", "Did you mean 'background'?"),
        ("cut", "background_img", "Did you mean 'background_image'?"),
        ("cut", "image_base46", "Did you mean 'image_base64'?"),
        ("cut", "colour_of_the_sky", "'colour_of_the_sky' is not a field of this call."),
        pytest.param("cut", "x" * 10_000, "is not a field of this call.", id="cut-long"),
        ("detect", "crop", "'crop' is not a field of this call."),
    ],
)
def test_an_unknown_field_suggests_the_nearest(task, field, says):
    message = refused(task, **{field: "1"}).message
    assert message.endswith(says)
    assert len(message) < 200


def test_detect_takes_names_and_a_score():
    got = asked("detect", objects="cat", min_score=0.2)
    assert got.task == "detect"
    assert got.options == CutOptions(objects=("cat",), min_score=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"objects": ["cat", "a, b", "[c]", "ü"]},
        {"objects": ["cat"], "min_score": 0.1, "pick": "largest"},
        {"pick": [4, 0, 2**53 - 1], "point": [1.5, 2], "roi": [0, 0, 1e6, 2.5]},
        {"box": [1, 2, 3, 4.5]},
        {"box": [[1, 2, 3, 4.5], [0, 0, 9, 9]], "objects": ["cat"]},
        {"return_white_bg": True, "invert": True, "crop": True, "margin": "5%"},
        {"background": "rgba(1, 2, 3, 0.5)", "output": "mask", "format": "webp", "max_size": 9},
        {"background": "hsl(-120, 50%, 50%)"},
        {"background": "none"},
        {"background": "TRANSPARENT", "margin": 12.5, "pick": "best"},
        {"background": "blur: 7.5px"},
        {"format": "zip"},
        {"output": "both"},
    ],
)
def test_a_request_survives_the_way_through_a_form(options):
    sent = asked(**options)
    form = sent.form()
    assert all(isinstance(value, str) for value in form.values())
    assert parse.from_form({**form, "image_file": PHOTO}, "cut", SETTINGS) == sent


SPAN = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2, unique=True).map(sorted)
BOX = st.tuples(SPAN, SPAN).map(lambda spans: [spans[0][0], spans[1][0], spans[0][1], spans[1][1]])
GIVEN = {
    "objects": st.lists(st.text(max_size=100), max_size=5),
    "min_score": st.floats(0, 1),
    "box": BOX | st.lists(BOX, max_size=20),
    "background": st.tuples(*[st.integers(0, 255)] * 3, st.floats(0, 1)).map(lambda rgba: f"rgba{rgba}"),
    "pick": st.sampled_from(["all", "Largest", "main"]) | st.lists(st.integers(0, 2**53 - 1), min_size=1),
    "point": st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(list),
    "roi": BOX,
    "feather": st.floats(0, 1000),
    "grow": st.integers(-1000, 1000),
    "margin": st.integers(0, 99_999) | st.floats(0, 100).map("{:.3f}%".format),
    "canvas": st.tuples(st.integers(1, 100), st.integers(1, 100)).map(lambda sides: f"{sides[0]} : {sides[1]}"),
    "scale": st.floats(10, 100),
    "rotate": st.floats(-180, 180),
    "position": st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda shares: f"{shares[0]}% {shares[1]}"),
    "outline": st.integers(1, 100).map("{} Red".format),
    "max_size": st.integers(1, 16_384),
}
"""Values that each field takes, and that go together."""


@given(st.fixed_dictionaries({}, optional=GIVEN))
def test_any_request_survives_the_way_through_a_form(options: dict[str, object]):
    sent = asked(**options)
    assert parse.from_form({**sent.form(), "image_file": PHOTO}, "cut", SETTINGS) == sent


# Near to what the fields' patterns know.
WRITTEN = st.text() | st.text("0123456789.%:,;x-+ []{}()#abelprtuw\n\0", max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WRITTEN
VALUES = st.recursive(SCALARS, lambda each: st.lists(each, max_size=5) | st.dictionaries(st.text(), each, max_size=2))


@given(st.sampled_from([*CutOptions.model_fields, "background_image", "image_url"]), VALUES)
def test_whatever_stands_in_a_field_is_taken_or_refused(field: str, value: object):
    try:
        sent = asked(**{field: value})
    except CutError:
        return
    behind = {} if sent.backdrop is None else {"background_image": sent.backdrop}
    assert parse.from_form({**sent.form(), **behind, "image_file": PHOTO}, "cut", SETTINGS) == sent


@given(st.sampled_from([*CutOptions.model_fields, "background_image", "image_url"]), WRITTEN | st.binary())
def test_whatever_stands_in_a_field_of_a_form_is_taken_or_refused(field: str, value: str | bytes):
    with suppress(CutError):
        parse.from_form({"image_file": PHOTO, field: value}, "cut", SETTINGS)


@given(st.binary() | VALUES.map(json.dumps).map(str.encode), st.text(max_size=50), st.dictionaries(st.text(), WRITTEN))
def test_whatever_a_body_is_it_is_taken_or_refused(body: bytes, content_type: str, query: dict[str, str]):
    with suppress(CutError):
        parse.from_body(body, content_type, query, "cut", SETTINGS)


def test_a_form_as_browsers_send_it():
    fields = {"image_file": bytearray(PHOTO), "objects": b"cat,dog", "max_size": "", "image_url": b""}
    assert parse.from_form(fields, "cut", SETTINGS) == asked(objects=["cat", "dog"])
    odd = parse.from_form({"image_file": PHOTO, "objects": b"\xff"}, "cut", SETTINGS)
    assert odd.options.objects == ("\ufffd",), "what is not text becomes a name that nobody knows"


def test_a_photo_as_the_body():
    got = parse.from_raw(PHOTO, {"objects": "cat", "crop": "1", "max_size": ""}, "cut", SETTINGS)
    assert got.bare
    assert replace(got, bare=False) == asked(objects="cat", crop=True)
    for unknown in ({"nonsense": ""}, {"Objects": "cat"}):
        with pytest.raises(CutError, match="is not a field of this call"):
            parse.from_raw(PHOTO, unknown, "cut", SETTINGS)
    with pytest.raises(CutError, match="'image_url' cannot be combined"):
        parse.from_raw(PHOTO, {"image_url": "https://a.example"}, "cut", SETTINGS)
    with pytest.raises(CutError, match="'image_file' is empty"):
        parse.from_raw(b"", {}, "cut", SETTINGS)


def test_a_photo_that_is_too_heavy():
    with pytest.raises(CutError, match="770 bytes; at most 769") as caught:
        parse.from_raw(PHOTO, {}, "cut", Settings(max_body_bytes=769))
    assert caught.value.code == "body_too_large"
    assert parse.from_raw(PHOTO, {}, "cut", Settings(max_body_bytes=770)).photo == PHOTO


@pytest.mark.parametrize("field", ["image_base64", "background_image"])
@pytest.mark.parametrize(
    ("before", "data"),
    [
        ("", PHOTO),
        (" ", PHOTO),
        ("data:image/png;base64,", PHOTO),
        ("DATA:image/png;BASE64,", b"\xfb" * 9),
        ("", b"abc" + b"\xfb\xef\xbe" * 9),  # YWJj++++...
        ("", IMAGE),
    ],
)
def test_a_plus_that_became_a_space_in_an_urlencoded_form(field: str, before: str, data: bytes):
    text = base64.b64encode(data).decode()
    fields = {"image_file": IMAGE} if field == "background_image" else {}
    got = parse.from_form({**fields, field: (before + text).replace("+", " ")}, "cut", SETTINGS, urlencoded=True)
    assert (got.photo if field == "image_base64" else got.backdrop) == data


def test_a_background_image_of_a_form_is_a_file_or_text():
    for value in (IMAGE, IMAGE_TEXT.encode(), f"data:image/webp;base64,{IMAGE_TEXT}".encode(), IMAGE_TEXT):
        for urlencoded in (False, True):
            fields = {"image_file": IMAGE, "background_image": value}
            assert parse.from_form(fields, "cut", SETTINGS, urlencoded).backdrop == IMAGE
    broken = parse.from_form({"image_file": IMAGE, "background_image": b"no picture"}, "cut", SETTINGS)
    assert broken.backdrop == b"no picture", "the worker says what is wrong with it"


def in_json(field: str, value: str) -> CutError:
    with pytest.raises(CutError) as caught:
        parse.from_json({field: value}, "cut", SETTINGS)
    return caught.value


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("image_file", IMAGE_TEXT, "holds base64 text, which belongs in 'image_base64'."),
        (
            "image_file",
            f"\n{IMAGE_TEXT[:40]}\n{IMAGE_TEXT[40:]}\n",
            "holds base64 text, which belongs in 'image_base64'.",
        ),
        ("image_file", f"data:image/webp;base64,{IMAGE_TEXT}", "holds a data: URL, which belongs in 'image_base64'."),
        ("image_file", "https://example.org/cat.jpg", "holds an address, which belongs in 'image_url'."),
        ("image_file", "HTTP://example.org/cat", "holds an address, which belongs in 'image_url'."),
        ("image_file", "photo.jpg", "holds the name of a file, not the file"),
        ("image_base64", IMAGE, "holds an image file, which belongs in 'image_file'."),
        ("image_base64", "https://example.org/cat.jpg", "holds an address, which belongs in 'image_url'."),
        ("image_base64", "@my cat.PNG", "holds the name of a file, not the file"),
        ("image_url", f"data:image/webp;base64,{IMAGE_TEXT}", "holds a data: URL, which belongs in 'image_base64'."),
        ("image_url", IMAGE_TEXT, "holds base64 text, which belongs in 'image_base64'."),
        pytest.param("image_url", base64.b64encode(IMAGE + bytes(50_000)).decode(), "holds base64 text", id="long"),
        ("image_url", IMAGE, "holds an image file, which belongs in 'image_file'."),
        ("background_image", "https://example.org/cat.jpg", "holds an address; send the picture itself"),
    ],
)
def test_what_stands_in_the_wrong_field_is_told_where_it_belongs(field: str, value: str | bytes, says: str):
    sent = value if isinstance(value, bytes) else value.encode()
    others = {"image_file": IMAGE} if field == "background_image" else {}
    with pytest.raises(CutError) as caught:
        parse.from_form({**others, field: sent}, "cut", SETTINGS)
    assert caught.value.message.startswith(f"'{field}' {says}")
    assert (caught.value.code, caught.value.details) == ("invalid_request", {"field": field})
    if isinstance(value, str) and field in {"image_base64", "image_url"}:
        assert in_json(field, value).message == caught.value.message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (IMAGE_TEXT.encode(), "holds base64 text, which belongs in 'image_base64'."),
        (b"https://example.org/cat.jpg", "holds an address, which belongs in 'image_url'."),
        (f"data:image/webp;base64,{IMAGE_TEXT}".encode(), "holds a data: URL, which belongs in 'image_base64'."),
        (b"photo.jpg", "holds the name of a file, not the file"),
        (b"Dear photo", "is neither."),
    ],
)
def test_a_body_of_text_is_told_what_it_is(body: bytes, says: str):
    for content_type in ("", "text/plain", "application/x-www-form-urlencoded"):
        with pytest.raises(CutError) as caught:
            parse.from_body(body, content_type, {}, "cut", SETTINGS)
        assert f"The body {says}" in caught.value.message
        assert caught.value.code == "invalid_request"


def test_the_options_of_json_belong_in_the_body():
    with pytest.raises(CutError, match="not in the query string"):
        parse.from_body(b"{}", "application/json", {"crop": "1"}, "cut", SETTINGS)
