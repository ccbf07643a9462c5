from __future__ import annotations

import numpy as np
import pytest

from objectcut.edges.overlap import same_things
from objectcut.instance import Instance

FULL = np.ones((28, 28), np.float32)
LEFT, EMPTY = FULL.copy(), np.zeros_like(FULL)
LEFT[:, 14:] = 0
SCENE = {
    "cat": ((0, 0, 100, 100), FULL),
    "the cat as a dog": ((4, 2, 104, 97), FULL),
    "its neighbour": ((100, 0, 200, 100), FULL),
    "a tie": ((40, 30, 50, 60), FULL),
    "half of it outside": ((60, 60, 140, 100), LEFT),  # its mask is all on the cat
    "a quarter on the cat": ((75, 0, 175, 100), FULL),
    "nothing": ((0, 0, 100, 100), EMPTY),
}


def things(*names: str) -> list[list[str]]:
    instances = [Instance(0, 1, 0.9, tuple(map(float, SCENE[name][0])), SCENE[name][1]) for name in names]
    called = dict(zip(map(id, instances), names, strict=True))
    return [[called[id(instance)] for instance in group] for group in same_things(instances)]


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ((), []),
        (("cat",), [["cat"]]),
        (("cat", "the cat as a dog"), [["cat", "the cat as a dog"]]),
        (("cat", "its neighbour"), [["cat"], ["its neighbour"]]),
        (("a tie", "cat"), [["a tie", "cat"]]),
        (("cat", "half of it outside"), [["cat", "half of it outside"]]),
        (("cat", "a quarter on the cat"), [["cat"], ["a quarter on the cat"]]),
        (("cat", "nothing"), [["cat"], ["nothing"]]),
        (("a tie", "its neighbour", "the cat as a dog"), [["a tie", "the cat as a dog"], ["its neighbour"]]),
        (("a tie", "half of it outside", "cat"), [["a tie", "half of it outside", "cat"]]),
    ],
)
def test_what_lies_inside_of_another_is_one_thing_with_it(names, groups):
    assert things(*names) == groups
