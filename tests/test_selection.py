from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from conftest import solid

from objectcut.edges.matte import Found
from objectcut.errors import CutError
from objectcut.identity import identify
from objectcut.instance import UNNAMED, Instance
from objectcut.request.labels import Labels
from objectcut.request.options import CutOptions
from objectcut.selection import boxed, candidates, choose, nothing_found
from objectcut.subject import main_subject

LABELS = Labels.of(("__background__", "cat", "dog"))
CAT, DOG = 1, 2
EVERY = frozenset({CAT, DOG})

#  rank  label  score  box                 what its mask covers
SCENE = (
    (0, CAT, 0.9, (0, 0, 40, 40)),  #      all of its box
    (1, DOG, 0.8, (10, 10, 30, 30)),  #    all of its box, on the cat's lap
    (2, CAT, 0.7, (50, 0, 100, 20)),  #    its left half
    (3, DOG, 0.6, (50, 60, 60, 70)),  #    nothing
)


SIZE = 120, 90  # of the photo
MAIN = partial(main_subject, width=SIZE[0], height=SIZE[1], furniture=frozenset())
ID = [identify(label, box, *SIZE) for _, label, _, box in SCENE]


def instances() -> list[Instance]:
    return [Instance(ID[rank], label, score, tuple(map(float, box))) for rank, label, score, box in SCENE]


def found(instance: Instance) -> Found:
    x0, y0, x1, y1 = map(int, instance.box)
    inside = np.ones((y1 - y0, x1 - x0), bool)
    if instance.id == ID[2]:
        inside[:, 25:] = False
    elif instance.id == ID[3]:
        inside[:] = False
    return Found(instance, solid(x0, y0, inside))


def chosen(wanted: frozenset[int] = EVERY, **options: object) -> tuple[list[int], list[int]]:
    """The ranks of those that get a mask, and of those of the answer."""
    if isinstance(pick := options.get("pick"), list):
        options["pick"] = [ID[rank] for rank in pick]
    checked = CutOptions(**options)
    kept = candidates(instances(), checked, wanted)
    return [ID.index(i.id) for i in kept], [ID.index(i.id) for i in choose((found(i) for i in kept), checked, MAIN)]


@pytest.mark.parametrize(
    ("wanted", "options", "masked", "answer"),
    [
        (EVERY, {}, [0, 1, 2, 3], [0, 1, 2]),
        (frozenset(), {}, [], []),
        (frozenset({DOG}), {}, [1, 3], [1]),
        (frozenset({CAT, DOG}), {"pick": [2, 1]}, [1, 2], [1, 2]),
        (frozenset({CAT}), {"pick": [1]}, [], []),
        (EVERY, {"pick": [3]}, [3], []),
        (EVERY, {"pick": "best"}, [0, 1, 2, 3], [0]),
        (frozenset({DOG}), {"pick": "best"}, [1, 3], [1]),
        (frozenset({CAT}), {"pick": "largest"}, [0, 2], [0]),
        (frozenset({DOG}), {"pick": "largest"}, [1, 3], [1]),
        (EVERY, {"pick": "main"}, [0, 1, 2, 3], [0, 1, 2]),
        (frozenset({DOG}), {"pick": "main"}, [1, 3], [1]),
        (EVERY, {"roi": [0, 0, 30, 30]}, [0, 1], [0, 1]),
        (EVERY, {"roi": [20, 20, 21, 21]}, [0, 1], [0, 1]),  # both centres are (20, 20): x0 and y0 belong to it,
        (EVERY, {"roi": [0, 0, 20, 30]}, [], []),  #                                     x1 and y1 do not
        (EVERY, {"roi": [0, 0, 30, 20]}, [], []),
        (EVERY, {"roi": [60, 0, 100, 20], "pick": "largest"}, [2], [2]),
        (EVERY, {"roi": [0, 0, 100, 30], "pick": "best"}, [0, 1, 2], [0]),
        (EVERY, {"point": [20, 20]}, [0, 1], [1]),  # the dog on the lap is the smaller one
        (frozenset({CAT}), {"point": [20, 20]}, [0], [0]),
        (EVERY, {"point": [5, 5]}, [0], [0]),
        (EVERY, {"point": [60, 10]}, [2], [2]),
        (EVERY, {"point": [90, 10]}, [2], []),  # inside the box, not on the mask
        (EVERY, {"point": [80, 80]}, [], []),
        (EVERY, {"point": [20, 20], "pick": "best"}, [0, 1], [1]),
        (EVERY, {"point": [20, 20], "pick": "largest"}, [0, 1], [1]),
        (EVERY, {"point": [20, 20], "pick": [0]}, [0], [0]),
        (EVERY, {"point": [20, 20], "roi": [50, 0, 100, 20]}, [], []),
    ],
)
def test_what_is_wanted(wanted, options, masked, answer):
    assert chosen(wanted, **options) == (masked, answer)


def test_ids_that_are_not_there_find_nothing():
    for id_ in (0, 7, ID[0] + 10**12, 2**53 - 1):
        assert candidates(instances(), CutOptions(pick=[id_]), EVERY) == []


def test_the_best_is_the_best_one_that_has_pixels():
    """The first one's mask is empty, and no more masks are asked for than that of the next one."""
    asked = []

    def masks():
        for instance in [instances()[3], *instances()]:
            asked.append(ID.index(instance.id))
            yield found(instance)

    assert [instance.id for instance in choose(masks(), CutOptions(pick="best"), MAIN)] == [ID[0]]
    assert asked == [3, 0]


def test_a_point_on_the_rim_that_pasting_adds():
    spread = Found(Instance(0, CAT, 0.9, (10.0, 10.0, 38.0, 38.0)), solid(9, 9, np.ones((30, 30), bool)))
    for point in ((9.5, 20), (38.5, 38.5)):
        options = CutOptions(point=point)
        assert candidates([spread.instance], options, EVERY) == [spread.instance]
        assert choose([spread], options, MAIN) == [spread.instance]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"objects": ["dog"]}, "No 'dog' was found with a score of at least 0.5. The photo shows: cat, dog."),
        ({"objects": ["dog", "cow"], "min_score": 0.25}, "No 'dog' or 'cow' was found with a score of at least 0.25."),
        ({}, "No known object was found with"),
        ({"point": [1, 1]}, "found at that point with"),
        ({"roi": [0, 0, 1, 1], "pick": [5]}, "found in that region with those ids with"),
    ],
)
def test_nothing_found_says_what_was_asked_and_what_is_there(options, says):
    error = nothing_found(instances(), CutOptions(**options), LABELS)
    assert error.code == "object_not_found"
    assert says in error.message
    names = options.get("objects", [])
    reason = "not_in_photo" if names else "nothing_there"
    told = dict(error.details)
    assert told.pop("possible") == ["box"]
    assert told == {"found": ["cat", "dog"], "names": names, "reason": reason}
    assert "'box'" in error.message


def test_nothing_found_in_an_empty_photo():
    error = nothing_found([], CutOptions(objects=["cat"]), LABELS)
    assert "Nothing that the model knows was found with that score." in error.message
    assert (error.details["found"], error.details["reason"]) == ([], "not_in_photo")


def test_nothing_found_in_a_box():
    error = nothing_found(instances(), CutOptions(box=[0, 0, 9, 9]), LABELS)
    assert (error.code, error.details["reason"]) == ("object_not_found", "nothing_in_box")


def test_a_box_is_wanted_whatever_else_narrows_the_choice():
    options = CutOptions(box=[-5, 80, 30, 200], pick="best", roi=[0, 0, 1, 1])
    (box,) = boxed(options, *SIZE)
    assert (box.label, box.box) == (UNNAMED, (0.0, 80.0, 30.0, 90.0))
    there = Found(box, solid(0, 80, np.ones((10, 30), bool)))
    assert [each.id for each in choose([there, *map(found, instances())], options, MAIN)] == [box.id, ID[0]]


def test_boxes_that_are_the_same_are_one():
    assert len(boxed(CutOptions(box=[[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9.01, 9], [0, 0, 40, 9]]), *SIZE)) == 2


def test_a_box_beside_the_photo():
    with pytest.raises(CutError, match="120 x 90 px") as error:
        boxed(CutOptions(box=[[0, 0, 9, 9], [120, 0, 130, 9]]), *SIZE)
    assert (error.value.code, error.value.details["field"]) == ("invalid_request", "box")
