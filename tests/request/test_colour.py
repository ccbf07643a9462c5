from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectcut.request.colour import parse_colour, rgba


# The right values are those of the tables in CSS Color 4 and of the Web Platform Tests, rounded to 8 bits.
@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("white", (255, 255, 255, 255)),
        ("rebeccapurple", (102, 51, 153, 255)),
        ("RebeccaPurple", (102, 51, 153, 255)),
        ("transparent", (0, 0, 0, 0)),
        ("#f80", (255, 136, 0, 255)),
        ("#f808", (255, 136, 0, 136)),
        ("#FF8800", (255, 136, 0, 255)),
        ("#ff880080", (255, 136, 0, 128)),
        ("rgb(1, 2, 3)", (1, 2, 3, 255)),
        ("rgb(1 2 3)", (1, 2, 3, 255)),
        ("rgba(1, 2, 3, 0.5)", (1, 2, 3, 128)),
        ("rgba(1, 2, 3, .5)", (1, 2, 3, 128)),
        ("rgba(1, 2, 3, 1)", (1, 2, 3, 255)),
        ("rgba(1, 2, 3)", (1, 2, 3, 255)),
        ("rgb(0 80 160 / 50%)", (0, 80, 160, 128)),
        ("rgb(0 80 160/0.5)", (0, 80, 160, 128)),
        ("rgb(100%, 0%, 20%)", (255, 0, 51, 255)),
        ("rgb(10 20% 30)", (10, 51, 30, 255)),
        ("rgb(300, -5, 0)", (255, 0, 0, 255)),
        ("rgb(1e999 0 0)", (255, 0, 0, 255)),
        ("rgb(0 0 0 / 150%)", (0, 0, 0, 255)),
        ("rgb(none 10 none)", (0, 10, 0, 255)),
        ("rgb(10 20 30 / none)", (10, 20, 30, 0)),
        ("hsl(120, 100%, 50%)", (0, 255, 0, 255)),
        ("hsl(120deg 100% 50%)", (0, 255, 0, 255)),
        ("hsl(120 100 50)", (0, 255, 0, 255)),
        ("hsl(-120, 50%, 50%)", (64, 64, 191, 255)),
        ("hsl(600, 50%, 50%)", (64, 64, 191, 255)),
        ("hsl(0.5turn 50% 50%)", (64, 191, 191, 255)),
        ("hsla(120, 100%, 50%, 20%)", (0, 255, 0, 51)),
        ("hwb(120 0% 0%)", (0, 255, 0, 255)),
        ("hwb(0 60% 60%)", (128, 128, 128, 255)),
        ("hwb(120 20% 40% / 0.5)", (51, 153, 51, 128)),
        ("lab(46.2775% -47.5621 48.5837)", (0, 128, 0, 255)),
        ("lab(100% 0 0)", (255, 255, 255, 255)),
        ("lch(46.2775% 67.9892 134.3912)", (0, 128, 0, 255)),
        ("oklab(51.975% -0.1403 0.10768)", (0, 128, 0, 255)),
        ("oklch(51.975% 0.17686 142.495)", (0, 128, 0, 255)),
        ("color(srgb 0.2 0.4 0.6 / 25%)", (51, 102, 153, 64)),
        ("color(srgb-linear 0 0.21586 0)", (0, 128, 0, 255)),
        ("color(display-p3 1 0 0)", (255, 0, 0, 255)),
        ("color(display-p3 0.21604 0.49418 0.13151)", (0, 128, 0, 255)),
        ("color(a98-rgb 0.281363 0.498012 0.116746)", (0, 128, 0, 255)),
        ("color(prophoto-rgb 0.230479 0.395789 0.129968)", (0, 128, 0, 255)),
        ("color(rec2020 1 1 1)", (255, 255, 255, 255)),
        ("color(xyz 0.07719 0.15438 0.02573)", (0, 128, 0, 255)),
        ("color(xyz-d50 0.08312 0.154746 0.020961)", (0, 128, 0, 255)),
    ],
)
def test_a_css_colour(colour: str, expected: tuple[int, int, int, int]):
    assert rgba(parse_colour(colour)) == expected


def test_a_colour_that_was_parsed_stays_as_it_is():
    assert parse_colour(parse_colour("hsl(-120, 50%, 50%)")) == "#4040bfff"


NUMBER = st.floats().map(str) | st.floats().map("{}%".format) | st.floats().map("{}deg".format) | st.just("none")
FUNCTION = st.sampled_from(["rgb", "hsl", "hwb", "lab", "lch", "oklab", "oklch", "color(srgb", "color(xyz-d50"])


@given(
    st.text()
    | st.text("0123456789abcdef#", max_size=10)
    | st.tuples(FUNCTION, NUMBER, NUMBER, NUMBER, NUMBER).map("{0[0]}({0[1]} {0[2]} {0[3]} / {0[4]})".format)
)
def test_any_text_is_a_colour_or_none(text: str):
    try:
        colour = parse_colour(text)
    except ValueError:
        return
    assert parse_colour(colour) == colour
    assert len(rgba(colour)) == 4


@pytest.mark.parametrize(
    "colour",
    [
        "",
        "no colour",
        "red blue",
        "#12345",
        "#gggggg",
        "rgb(1 2)",
        "rgb(1 2 3 4)",
        "rgb(1, 2, 3 / 4)",
        "rgb(1 2 3) x",
        "hsv(120, 100%, 50%)",
        "color(unknown 1 1 1)",
        "color()",
        "color(",
        "currentcolor",
        "inherit",
        "url(x.png)",
        "lab(1e308 1e308 1e308)",
        "rgb(" * 25,
    ],
)
def test_what_is_no_colour(colour: str):
    with pytest.raises(ValueError, match=r"."):
        parse_colour(colour)
