from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image, ImageOps

from objectcut.edges import matte
from objectcut.instance import Detection, Instance, Query
from objectcut.network import checkpoint
from objectcut.network.detector import LOWEST_SCORE, Detector

CPU = torch.device("cpu")


def everything(found: Sequence[Instance]) -> Sequence[Instance]:
    return found


def query(image: Image.Image, min_score: float = 0.0, keep=everything) -> Query:
    return Query(np.array(image), min_score, keep)


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector(*checkpoint.load(ROOT / "model_store" / "bundled.safetensors"), CPU)


@pytest.fixture(scope="session")
def alone(detector, chelsea, astronaut) -> dict[str, Detection]:
    """What is found in each photo when it runs without company."""
    return {
        name: detector.detect([query(image)])[0] for name, image in (("chelsea", chelsea), ("astronaut", astronaut))
    }


def rows(detection: Detection) -> np.ndarray:
    """(N, 7): id, label, score, box."""
    return np.array([(i.id, i.label, i.score, *i.box) for i in detection.found])


def test_fp32_equals_torchvisions_own_forward(chelsea, astronaut):
    reference, card = checkpoint.load(ROOT / "model_store" / "bundled.safetensors")
    exact = Detector(reference, card, CPU, torch.float32)
    for image in (chelsea, astronaut):
        with torch.inference_mode():
            want = reference([torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255])[0]
        got = exact.detect([query(image)])[0]
        assert len(got.found) == len(want["scores"]) > 0
        assert [i.score for i in got.found] == sorted((i.score for i in got.found), reverse=True)
        np.testing.assert_array_equal(rows(got)[:, 1], want["labels"])
        np.testing.assert_allclose(rows(got)[:, 2], want["scores"], atol=1e-3)
        np.testing.assert_allclose(rows(got)[:, 3:], want["boxes"], atol=1e-3)
        for instance, mask in zip(got.kept, want["masks"][:, 0].numpy() > 0.5, strict=True):
            ours = matte.union([matte.paste(instance, *image.size)], *image.size) > 0
            assert (ours & mask).sum() >= 0.99 * (ours | mask).sum()


def test_finds_what_the_photos_show(alone, detector):
    best = {name: detection.found[0] for name, detection in alone.items()}
    assert {name: detector.card.classes[i.label] for name, i in best.items()} == {
        "chelsea": "cat",
        "astronaut": "person",
    }
    assert min(i.score for i in best.values()) > 0.8


def test_a_photo_does_not_depend_on_its_neighbours(detector, alone, chelsea, astronaut):
    narrower = chelsea.crop((0, 0, 440, 300))  # another input size that is padded to chelsea's
    batch = [astronaut, narrower, chelsea, ImageOps.mirror(chelsea)]
    got = dict(zip(("astronaut", "narrower", "chelsea"), detector.detect([query(i) for i in batch]), strict=False))
    for name, detection in alone.items():
        np.testing.assert_allclose(rows(got[name]), rows(detection), atol=1e-3)
        for mine, other in zip(got[name].kept, detection.kept, strict=True):
            np.testing.assert_allclose(mine.mask, other.mask, atol=1e-3)


def test_only_the_kept_instances_get_masks(detector, chelsea, astronaut, monkeypatch):
    masked = []
    mask_head = detector._network.mask_head

    def count(pooled, shares):
        masked.append(len(shares))
        return mask_head(pooled, shares)

    monkeypatch.setattr(detector._network, "mask_head", count)
    person = detector.card.classes.index("person")
    third = query(astronaut, keep=lambda found: [found[2]])
    people = query(astronaut, keep=lambda found: [i for i in found if i.label == person][:2])
    nothing = query(chelsea, keep=lambda _: [])
    with_company = detector.detect([nothing, third, people])
    assert sum(masked) == 3
    assert detector.detect([nothing])[0].kept == ()
    assert sum(masked) == 3

    assert [i.id for i in with_company[1].kept] == [with_company[1].found[2].id]
    assert [i.id for i in with_company[2].kept] == [i.id for i in with_company[2].found if i.label == person][:2]
    for detection in with_company:
        assert all(i.mask is None for i in detection.found)
        assert all(i.mask.shape == (28, 28) and 0 <= i.mask.min() <= i.mask.max() <= 1 for i in detection.kept)


def test_a_mask_belongs_to_its_own_instance(detector, alone, astronaut):
    backwards = detector.detect([query(astronaut, keep=lambda found: found[::-1])])[0]
    for instance, other in zip(backwards.kept, alone["astronaut"].kept[::-1], strict=True):
        assert instance.id == other.id
        np.testing.assert_allclose(instance.mask, other.mask, atol=1e-3)


def test_ids_are_the_same_whatever_the_score_the_names_or_the_company(detector, alone, astronaut, chelsea):
    queries = [query(astronaut, min_score=0.4), query(chelsea), query(astronaut, keep=lambda found: found[:1])]
    strict, _, first = detector.detect(queries)
    known = [instance.id for instance in alone["astronaut"].found]
    assert len(set(known)) == len(known)
    assert known[: len(strict.found)] == [instance.id for instance in strict.found]
    assert [instance.id for instance in first.kept] == known[:1]
    np.testing.assert_allclose(rows(strict), rows(alone["astronaut"])[: len(strict.found)], atol=1e-3)
    assert 0 < len(strict.found) < len(alone["astronaut"].found)
    assert min(i.score for i in strict.found) >= 0.4
    assert min(i.score for i in alone["astronaut"].found) >= LOWEST_SCORE


def test_a_large_photo_gives_the_same_cat(detector, alone, chelsea):
    width, height = 4000, 2661  # nine times the size, the same shape
    large = chelsea.resize((width, height), Image.Resampling.BICUBIC)
    best = detector.detect([query(large, min_score=0.5)])[0].kept[0]
    assert detector.card.classes[best.label] == "cat"
    got = matte.paste(best, width, height)
    small = matte.union([matte.paste(alone["chelsea"].kept[0], *chelsea.size)], *chelsea.size)
    want = np.asarray(Image.fromarray(small).resize((width, height))) > 127
    ours = matte.union([got], width, height) > 0
    assert (ours & want).sum() > 0.97 * (ours | want).sum()


def test_fine_detail_of_a_large_photo_is_averaged_not_skipped(detector):
    striped = np.zeros((1280, 1600, 3), np.uint8)
    striped[:, ::4] = 255
    seen = detector._network_input(Query(striped, 0.5, everything)) * detector._std + detector._mean
    np.testing.assert_allclose(seen, 1 / 4, atol=1 / 255)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 2000), (16_384, 1)])
def test_photos_of_extreme_shape_do_not_fail(detector, size):
    detection = detector.detect([query(Image.new("RGB", size, "teal"))])[0]
    for instance in detection.kept:
        matte.paste(instance, *size)


def test_no_photo_is_no_work(detector):
    assert detector.detect([]) == []


def test_the_first_photo_does_not_decide_how_later_ones_are_seen(chelsea):
    """torchvision's RoIAlign keeps the strides that it derives from its first input."""
    fresh = Detector(*checkpoint.load(ROOT / "model_store" / "bundled.safetensors"), CPU)
    fresh.detect([query(Image.new("RGB", (300, 10)))])
    found = fresh.detect([query(chelsea, 0.5)])[0].found
    assert [fresh.card.classes[instance.label] for instance in found] == ["cat"]
