"""What a bulk job leaves, and what the next run makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed, which only bulk jobs need")

import fsspec
import pyarrow.parquet as pq

from bulk.photos import Photo
from bulk.results import Results, Row
from cutters import Unusable

JOB = {"options": {"objects": ["cat"]}}


def photo(name: str, version: str = "1") -> Photo:
    return Photo(f"/album/{name}", f"{name}-cut", version)


def row(name: str, code: str | None = None, version: str = "1", seconds: float = 1.0) -> Row:
    return Row(
        path=f"/album/{name}",
        version=version,
        model="tiny",
        objects=[{"id": 2**53 - 1, "label": "cat", "score": 0.9, "box": [1, 2, 3, 4], "area": 7}],
        result=f"{name}-cut.png",
        code=code,
        message=code and "No.",
        seconds=seconds,
    )


@pytest.fixture(params=["file", "memory"])
def out(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "file":
        yield str(tmp_path / "out")
    else:
        yield "memory://out"
        fsspec.filesystem("memory").rm("/out", recursive=True)


def stopped(out: str, *parts: list[Row]) -> Results:
    """A folder as a killed program leaves it."""
    results = Results(out)
    with results.taken(JOB):
        pass
    for part in parts:
        results.note(part)
    return results


def lines(out: str) -> list[dict[str, object]]:
    with fsspec.open(f"{out}/found.parquet") as file:
        return pq.read_table(file).to_pylist()


def test_what_was_noted_before_a_stop_is_known_in_the_next_run(out: str) -> None:
    stopped(out, [row("a"), row("b", "unreadable_image")], [row("c", "internal"), row("d")]).keep(
        "deep/a.png", b"picture"
    )
    again = Results(out)
    with again.taken(JOB):
        asked = [photo("a"), photo("b"), photo("c"), photo("d", version="2"), photo("e")]
        assert [each.path for each in again.pending(asked)] == ["/album/c", "/album/d", "/album/e"]
        again.note([row("c"), row("d", version="2"), row("e")])
    assert [line["path"] for line in lines(out)] == [f"/album/{name}" for name in "abcde"]
    assert lines(out)[0] == row("a")
    assert lines(out)[3]["version"] == "2"
    assert again.failed([photo(name) for name in "ab"]) == [("/album/b", "No.")]
    assert again.failed([photo("a")]) == []
    with fsspec.open(f"{out}/deep/a.png") as file:
        assert file.read() == b"picture"


def test_parts_that_a_stop_left_beside_the_table_count_once(out: str) -> None:
    results = stopped(out, [row("a"), row("b")], [row("b", seconds=2.0)])
    files, root = fsspec.core.url_to_fs(out)
    parts = {path: files.cat_file(path) for path in files.find(f"{root}/.objectcut/parts")}
    with results.taken(JOB):
        pass
    for path, content in parts.items():  # as if it had been stopped before it deleted them
        files.pipe_file(path, content)
    with results.taken(JOB):
        assert results.pending([photo("a"), photo("b")]) == []
    assert [(line["path"], line["seconds"]) for line in lines(out)] == [("/album/a", 1.0), ("/album/b", 2.0)]
    assert files.find(f"{root}/.objectcut/parts") == []


def test_a_folder_belongs_to_one_job(out: str) -> None:
    stopped(out)
    with pytest.raises(Unusable, match="another job, with other options"), Results(out).taken({"options": {}}):
        pass


def test_two_programs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with Results(str(tmp_path)).taken(JOB), pytest.raises(Unusable, match="Another program"):
        stopped(str(tmp_path))
    stopped(str(tmp_path))


def test_nothing_is_ever_there_in_part(tmp_path: Path) -> None:
    results = stopped(str(tmp_path))
    (tmp_path / "cat.png").write_bytes(b"former")
    (tmp_path / ".objectcut" / "unfinished").rmdir()
    (tmp_path / ".objectcut" / "unfinished").write_bytes(b"")  # no folder: as if the disk were full
    with pytest.raises(OSError, match="unfinished"):
        results.keep("cat.png", b"new")
    assert (tmp_path / "cat.png").read_bytes() == b"former"
