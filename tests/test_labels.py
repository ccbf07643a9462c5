from __future__ import annotations

import pytest
from conftest import ROOT
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

from objectcut.card import read_card
from objectcut.errors import CutError
from objectcut.labels import Labels

BUNDLED = Labels.of(read_card(ROOT / "model_store" / "bundled.safetensors").classes)
COCO = Labels.of(MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"])


def meant(labels: Labels, *words: str) -> set[str]:
    resolved = labels.resolve(words)
    assert resolved is not None
    return {labels.classes[label] for label in resolved}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("cat", "cat"),
        ("CAT", "cat"),
        ("  Cats ", "cat"),
        ("people", "person"),
        ("women", "person"),
        ("sofa", "couch"),
        ("Sofas", "couch"),
        ("puppy", "dog"),
        ("puppies", "dog"),
        ("kitten", "cat"),
        ("buses", "bus"),
        ("sheep", "sheep"),
        ("TVs", "tv"),
        ("potted_plant", "potted plant"),
        ("Potted-Plants", "potted plant"),
        ("dining   table", "dining table"),
    ],
)
def test_words_that_people_use(word, name):
    assert meant(BUNDLED, word) == meant(COCO, word) == {name}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("knives", "knife"),
        ("mice", "mouse"),
        ("wine glasses", "wine glass"),
        ("benches", "bench"),
        ("phone", "cell phone"),
        ("hot dog", "hot dog"),
        ("polar bear", "bear"),
    ],
)
def test_words_for_what_only_the_full_model_knows(word, name):
    assert meant(COCO, word) == {name}
    with pytest.raises(CutError, match=f"The model that runs here does not know '{word}'") as caught:
        BUNDLED.resolve([word])
    assert caught.value.code == "unknown_object"
    assert caught.value.details == {"name": word, "suggestions": []}


def test_every_class_is_found_by_its_own_name():
    assert len(COCO.names) == 80
    assert len(BUNDLED.names) == 20
    for labels in (COCO, BUNDLED):
        for name in labels.names:
            assert meant(labels, name) == {name}


def test_several_names_are_a_set():
    assert meant(BUNDLED, "dog", "puppy", "cats") == {"dog", "cat"}


@pytest.mark.parametrize("words", [[], ["*"], ["all"], ["Everything"], ["cat", "*"]])
def test_every_object(words):
    assert BUNDLED.resolve(words) is None


@pytest.mark.parametrize(
    ("word", "suggestions"),
    [("kat", ["cat"]), ("dogg", ["dog"]), ("persn", ["person"]), ("qwxyz", []), ("", []), ("__background__", [])],
)
def test_an_unknown_name_suggests_the_nearest(word, suggestions):
    with pytest.raises(CutError) as caught:
        BUNDLED.resolve(["cat", word])
    assert caught.value.code == "unknown_object"
    assert caught.value.details["suggestions"] == suggestions
    if suggestions:
        assert caught.value.message == f"No class is called '{word}'. Did you mean '{suggestions[0]}'?"
    else:
        assert "/labels lists" in caught.value.message


def test_placeholders_are_no_classes():
    assert {"__background__", "N/A"}.isdisjoint(COCO.names)
    with pytest.raises(CutError):
        COCO.resolve(["N/A"])


def test_synonyms_are_those_of_the_models_own_classes():
    assert set(BUNDLED.synonyms()) == set(BUNDLED.names)
    assert BUNDLED.synonyms()["person"][:2] == ["people", "human"]
