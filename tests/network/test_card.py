from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT
from safetensors.numpy import save_file

from objectcut.network.card import BUNDLED, Card, ModelError, read_card

CARD = Card("mine", "maskrcnn_resnet50_fpn", ("__background__", "cat"), 320, 480, (0.5,) * 3, (0.25,) * 3, {"by": "me"})
FILE = ROOT / "model_store" / "bundled.safetensors"


def test_the_card_of_the_bundled_model():
    card = read_card(FILE)
    assert card.name == BUNDLED
    assert card.classes[0] == "__background__"
    assert {"cat", "dog", "person"} <= set(card.classes)
    assert {"licence", "trained_on"} <= set(card.facts)


def test_the_bundled_model_lists_only_classes_that_it_was_seen_to_find():
    card = read_card(FILE)
    listed = {*card.classes[1:]} - {*card.unlisted}
    assert len(listed) >= 15
    assert {name for name in listed if card.facts["cut_outs"][name]["iou"] < 0.5} == set()


def test_a_card_survives_json():
    text = json.dumps(CARD.as_dict())
    assert Card.from_json(text) == CARD
    assert json.loads(text)["by"] == "me"
    both = replace(CARD, classes=(*CARD.classes, "dog"), unlisted=("dog",))
    assert Card.from_json(json.dumps(both.as_dict())) == both


@pytest.mark.parametrize("unlisted", [["dog"], ["cat"], ["__background__"]])
def test_unlisted_are_some_of_the_classes(unlisted):
    with pytest.raises(ModelError, match="'unlisted' must name some of the classes"):
        Card.from_json(json.dumps({**CARD.as_dict(), "unlisted": unlisted}))


@pytest.mark.parametrize("field", ["name", "architecture", "classes", "min_size", "max_size", "mean", "std"])
def test_a_card_without_one_of_its_fields(field):
    values = CARD.as_dict()
    del values[field]
    with pytest.raises(ModelError, match=f"card is not complete: .*{field}"):
        Card.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"classes": 5}'])
def test_what_is_no_card(text):
    with pytest.raises(ModelError, match="card is not complete"):
        Card.from_json(text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "model.safetensors is missing"),
        (b"", "damaged"),
        (b"not a model", "damaged"),
        (FILE.read_bytes()[:10_000], "damaged"),
        (FILE.read_bytes()[:-1], "damaged"),
    ],
    ids=["missing", "empty", "text", "header cut", "one byte short"],
)
def test_a_file_that_is_no_model(tmp_path, content, says):
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=says) as caught:
        read_card(path)
    assert "\n" not in str(caught.value)


def test_weights_without_a_card(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"a": np.zeros(2, np.float32)}, path)
    with pytest.raises(ModelError, match=r"weights\.safetensors holds no card; model_store"):
        read_card(path)
