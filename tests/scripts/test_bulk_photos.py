"""Which photos a bulk job finds, how their cut-outs are called, and what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import encoded
from PIL import Image

pytest.importorskip("ray", reason="Ray is not installed, which only bulk jobs need")

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from bulk.photos import blocks, photos
from cutters import Unusable
from objectcut.errors import CutError


@pytest.fixture
def album(tmp_path: Path, chelsea: Image.Image) -> Path:
    """A folder with photos, a hidden one, a cut-out, and a text."""
    small = encoded(chelsea.resize((60, 40)))
    for name in ("cat.jpg", "cat.png", "pets/cat.jpg", "pets/no ending", ".hidden.png", "cat.jpg-cut.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(small)
    (tmp_path / "notes.txt").write_text("notes")
    return tmp_path


NAMES = ["cat.jpg-cut", "cat.png-cut", "pets/cat.jpg-cut", "pets/no ending-cut"]


def test_every_photo_of_a_folder_has_a_name_of_its_own(album: Path) -> None:
    found, others = photos(str(album))
    assert [photo.name for photo in found] == NAMES
    assert others == 1
    assert found[0].path == str(album / "cat.jpg")
    assert found[0].read() == (album / "cat.jpg").read_bytes()


def test_an_object_store_is_a_folder_too(album: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(album), "/shop/album", recursive=True)
    found, others = photos("memory://shop/album")
    assert [photo.name for photo in found] == NAMES
    assert others == 1
    assert found[3].path == "memory:///shop/album/pets/no ending"
    assert found[3].read() == (album / "pets" / "no ending").read_bytes()
    memory.rm("/shop", recursive=True)


def test_a_changed_file_has_another_version(album: Path) -> None:
    before, _ = photos(str(album))
    assert photos(str(album))[0] == before
    (album / "cat.png").write_bytes(b"other")
    changed = [new.name for old, new in zip(before, photos(str(album))[0], strict=True) if old != new]
    assert changed == ["cat.png-cut"]


def test_a_list_has_paths_from_its_own_folder_and_from_elsewhere(album: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "dog.jpg"
    elsewhere.write_bytes(b"dog")
    lines = ["cat.png", "", "pets/../pets/cat.jpg", str(elsewhere), "missing.jpg", "cat.png"]
    (album / "list.txt").write_text("\n".join(lines))
    found, _ = photos(str(album / "list.txt"))
    assert [photo.name for photo in found] == [
        "cat.png-cut",
        "pets/cat.jpg-cut",
        f"{elsewhere}-cut".lstrip("/"),
        "missing.jpg-cut",
    ]
    assert found[2].read() == b"dog"
    with pytest.raises(CutError) as caught:
        found[3].read()
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("names", "called"), [("", ["000000000", "000000001", "000000002"]), ("id", ["a", "b/c", "d"])]
)
def test_a_table_holds_bytes(tmp_path: Path, names: str, called: list[str]) -> None:
    table = pa.table({"id": ["a", "../b/c", "/d"], "image": [b"one", b"two", None]})
    pq.write_table(table, tmp_path / "photos.parquet", row_group_size=2)
    found, _ = photos(str(tmp_path / "photos.parquet"), names=names)
    assert [photo.name for photo in found] == [f"{name}-cut" for name in called]
    assert [photo.path for photo in found] == [f"{tmp_path}/photos.parquet#{row}" for row in range(3)]
    assert [photo.read() for photo in found] == [b"one", b"two", b""]


def test_a_table_holds_paths(album: Path) -> None:
    pq.write_table(pa.table({"path": ["cat.png", "pets/cat.jpg"]}), album / "photos.parquet")
    found, _ = photos(str(album / "photos.parquet"), column="path")
    assert [photo.path for photo in found] == [str(album / "cat.png"), str(album / "pets" / "cat.jpg")]


@pytest.mark.parametrize(
    ("source", "column", "words"),
    [
        ("missing", "", "There is no"),
        ("notes.md", "", "no folder, no list"),
        ("numbers.parquet", "", "no column of bytes"),
        ("numbers.parquet", "image", "image"),
        ("broken.parquet", "", "cannot be read"),
        ("twice.parquet", "", "would both be cut into"),
        ("nowhere://photos", "", "nowhere"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(tmp_path: Path, source: str, column: str, words: str) -> None:
    (tmp_path / "notes.md").write_text("notes")
    (tmp_path / "broken.parquet").write_text("PAR1")
    pq.write_table(pa.table({"number": [1]}), tmp_path / "numbers.parquet")
    pq.write_table(pa.table({"image": [b"1", b"2"], "name": ["a", "/a"]}), tmp_path / "twice.parquet")
    with pytest.raises(Unusable, match=words):
        photos(source if "://" in source else str(tmp_path / source), column, "name" if "twice" in source else "")


@pytest.mark.parametrize(
    ("count", "most", "together", "sizes"),
    [(3, 10, 1, [1, 1, 1]), (10, 4, 1, [3, 3, 3, 1]), (1, 1, 1, [1]), (20, 10, 8, [8, 8, 4]), (20, 2, 4, [12, 8])],
)
def test_photos_are_shared_out_evenly(album: Path, count: int, most: int, together: int, sizes: list[int]) -> None:
    photo = photos(str(album))[0][0]
    assert [len(block) for block in blocks([photo] * count, most, together)] == sizes
