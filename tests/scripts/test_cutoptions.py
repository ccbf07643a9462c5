"""The command line has the options of `/cut`, whichever there are."""

from __future__ import annotations

import argparse

import pytest

import cutoptions
from objectcut.request.options import CutOptions
from objectcut.request.picturefield import BACKDROP


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    cutoptions.add_to(made)
    return made


def test_every_option_is_there_with_a_description(parser: argparse.ArgumentParser) -> None:
    expected = {*CutOptions.model_fields, BACKDROP} - {"model", "return_white_bg"}
    assert set(vars(parser.parse_args([]))) == expected
    told = " ".join(parser.format_help().split())
    assert all(f"--{name.replace('_', '-')} " in told for name in expected)
    assert "'5%' of its longer side" in told


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ([], {}),
        (["--objects", "cat,dog", "--invert"], {"objects": "cat,dog", "invert": "true"}),
        (["--rotate", "-12.5", "--crop"], {"rotate": "-12.5", "crop": "true"}),
        (["--box", "1,2,3,4", "--pick", "main", "--grow=-2"], {"box": "1,2,3,4", "pick": "main", "grow": "-2"}),
        (["--min-score", "0", "--margin", "5%"], {"min_score": "0", "margin": "5%"}),
        (["--background-image", "beach.jpg"], {}),
    ],
)
def test_what_is_given_is_sent(arguments: list[str], fields: dict[str, str], parser: argparse.ArgumentParser) -> None:
    assert cutoptions.given(parser.parse_args(arguments)) == fields


def test_a_word_that_the_server_does_not_take_is_refused_at_once(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["--edges", "round"])
    assert "smooth" in capsys.readouterr().err
