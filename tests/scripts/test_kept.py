"""Which versions of a model stay, and which of them a server starts with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import build_mar
from kept import Kept, served
from objectcut.catalogue import Entry
from objectcut.network.card import BUNDLED, read_card

WEIGHTS = build_mar.STORE / "bundled.safetensors"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path, BUNDLED)


def entry(kept: Kept, version: int) -> Entry:
    """What a server has of a version; it started with the first one."""
    file = WEIGHTS if version == 1 else kept.file(version)
    return Entry(read_card(WEIGHTS), needs=0, file=file, version=version)


def add(kept: Kept, before: int, version: int) -> None:
    shutil.copy(WEIGHTS, kept.new)
    kept.replace(entry(kept, before), version)


def starts_with(kept: Kept) -> list[int]:
    """The version that was added and that a server starts with; none where it starts with what it is told."""
    return [each.version for each in served(kept.folder)]


def test_the_served_version_two_others_and_what_the_server_started_with_are_kept(kept: Kept):
    for version in (2, 3, 4, 5):
        add(kept, version - 1, version)
        assert starts_with(kept) == [version]
    assert list(kept.files()) == [1, 3, 4, 5]
    assert kept.file(1).resolve() == WEIGHTS.resolve()


def test_what_was_served_when_it_was_replaced_is_kept_however_old(kept: Kept):
    for version in (2, 3, 4):
        add(kept, version - 1, version)
    kept.choose(2)
    assert starts_with(kept) == [2]
    add(kept, 2, 5)
    assert list(kept.files()) == [1, 2, 4, 5]


def test_the_server_starts_with_what_it_is_told_where_its_first_version_was_chosen(kept: Kept):
    add(kept, 1, 2)
    kept.choose(1)
    assert starts_with(kept) == []
    assert list(kept.files()) == [1, 2]


def test_a_file_of_objectcut_without_versions_is_version_1(kept: Kept):
    old = kept.folder / f"{BUNDLED}.safetensors"
    shutil.copy(WEIGHTS, old)
    assert starts_with(kept) == [1]
    shutil.copy(WEIGHTS, kept.new)
    kept.replace(Entry(read_card(old), needs=0, file=old), 2)
    assert starts_with(kept) == [2]
    assert not kept.file(1).is_symlink()
    kept.choose(1)
    assert starts_with(kept) == [1]


def test_nothing_is_left_of_a_model_that_was_removed_nor_touched_beside_it(kept: Kept):
    beside = kept.folder / "beside.safetensors"
    beside.touch()
    add(kept, 1, 2)
    kept.remove()
    Kept(kept.folder / "models", "../beside").remove()  # a card may say anything
    assert [each.name for each in kept.folder.iterdir()] == ["beside.safetensors"]
    assert WEIGHTS.exists()
