"""What a bulk job leaves: the cut-outs, and one Parquet table with what was found in each photo.

Owns that each photo stands in the table once, and nothing that was finished is lost, wherever the job was stopped. A
file appears whole or not at all. Finished photos are noted in small parts of the table, a second's work in each,
after their cut-outs are written; the next run joins them to the table, of which the last line about a photo counts.
Only the program that was started writes parts: Ray gives it each result once, also when a task had to run again.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from bulk.photos import Photo
from cutters import Unusable
from objectcut.errors import STATUS

TABLE = "found.parquet"
_PRIVATE = ".objectcut"
_OBJECT = pa.struct(
    [
        ("id", pa.int64()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("box", pa.list_(pa.int32(), 4)),
        ("area", pa.int64()),
    ]
)
_SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("version", pa.string()),
        ("model", pa.string()),
        ("objects", pa.list_(_OBJECT)),
        ("result", pa.string()),
        ("code", pa.string()),
        ("message", pa.string()),
        ("seconds", pa.float64()),
    ]
)


class Row(TypedDict):
    """What is known of a photo.

    Attributes:
        path: as in `Photo`.
        version: as in `Photo`.
        model: name of the model.
        objects: those that were cut out, as `/cut` describes them.
        result: path of the cut-out below the output folder; None where there is none.
        code: of the error; None without one.
        message: of the error.
        seconds: of work.
    """

    path: str
    version: str
    model: str
    objects: list[dict[str, Any]]
    result: str | None
    code: str | None
    message: str | None
    seconds: float


class Results:
    """The output folder of a job.

    Args:
        address: path or URL; the folder need not exist.
    """

    def __init__(self, address: str) -> None:
        self._files, self._root = url_to_fs(address)
        self._local = isinstance(self._files, LocalFileSystem)

    @contextmanager
    def taken(self, job: Mapping[str, Any]) -> Iterator[None]:
        """Have the folder for this job while the block runs, with what earlier runs left in the table.

        Args:
            job: what the cut-outs depend on beside the photos, as JSON holds it.

        Raises:
            Unusable: the folder belongs to another job, or another program is at work there.
        """
        with self._locked() if self._local else nullcontext():
            note = self._path(_PRIVATE, "job.json")
            if self._files.exists(note):
                former = json.loads(self._files.cat_file(note))
                other = [name for name in {**former, **job} if former.get(name) != job.get(name)]
                if other:
                    raise Unusable(
                        f"{self._root} holds the cut-outs of another job, with other {', '.join(other)}. Choose "
                        "another folder with --out, or delete this one."
                    )
            else:
                self._write(note, json.dumps(dict(job)).encode())
            self._join()
            try:
                yield
            finally:
                self._join()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        private = Path(self._root) / _PRIVATE
        private.mkdir(parents=True, exist_ok=True)
        with (private / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel frees it, however this ends
            except OSError:
                raise Unusable(f"Another program is cutting into {self._root}.") from None
            yield

    def pending(self, photos: Sequence[Photo]) -> list[Photo]:
        """Return those that are not in the table, have changed, or failed for a reason that may have gone."""
        known = {row["path"]: row for row in self._table(["path", "version", "code"]).to_pylist()}

        def done(photo: Photo) -> bool:
            row = known.get(photo.path)
            return row is not None and row["version"] == photo.version and STATUS.get(row["code"], 0) < 500

        return [photo for photo in photos if not done(photo)]

    def keep(self, name: str, cut_out: bytes) -> None:
        """Write a cut-out. Called by workers, on any machine."""
        self._write(self._path(name), cut_out)

    def note(self, rows: Sequence[Row]) -> None:
        """Note finished photos."""
        if rows:
            part = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"
            self._write(self._path(_PRIVATE, "parts", part), _parquet(pa.Table.from_pylist(list(rows), _SCHEMA)))

    def failed(self, photos: Sequence[Photo]) -> list[tuple[str, str]]:
        """Return path and reason of those of the photos that could not be cut, by the table."""
        asked = {photo.path for photo in photos}
        rows = self._table(["path", "code", "message"]).to_pylist()
        return [(row["path"], row["message"]) for row in rows if row["code"] and row["path"] in asked]

    def _join(self) -> None:
        """Make one table of the parts, which are deleted only then: a photo may stand in both for a moment."""
        parts = self._parts()
        if not parts and self._files.exists(self._path(TABLE)):
            return
        tables = [self._table(), *(self._read(part) for part in parts)]
        whole = pa.concat_tables(tables)
        last = {path: place for place, path in enumerate(whole["path"].to_pylist())}
        self._write(
            self._path(TABLE), _parquet(whole.take(pa.array(sorted(last.values()), pa.int64())).sort_by("path"))
        )
        if parts:
            self._files.rm(parts)

    def _parts(self) -> list[str]:
        folder = self._path(_PRIVATE, "parts")
        self._files.invalidate_cache()  # object stores remember listings
        return sorted(self._files.find(folder)) if self._files.isdir(folder) else []

    def _table(self, columns: list[str] | None = None) -> pa.Table:
        path = self._path(TABLE)
        table = self._read(path) if self._files.exists(path) else _SCHEMA.empty_table()
        return table.select(columns) if columns else table

    def _read(self, path: str) -> pa.Table:
        return pq.read_table(io.BytesIO(self._files.cat_file(path)), schema=_SCHEMA)

    def _path(self, *parts: str) -> str:
        return "/".join([self._root.rstrip("/"), *parts])

    def _write(self, path: str, data: bytes) -> None:
        """Write a file that nobody ever sees in part. Object stores do so by themselves."""
        if not self._local:
            self._files.pipe_file(path, data)
            return
        unfinished = Path(self._path(_PRIVATE, "unfinished", uuid.uuid4().hex))
        for folder in (unfinished.parent, Path(path).parent):
            folder.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a machine that loses power may keep the name and lose the content
        unfinished.replace(path)


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()
