"""The photos of a bulk job: those of a folder, a list or a Parquet table, on disk or in an object store.

Owns what their cut-outs are called, by what a photo that changed is known, and the reading of their bytes.
"""

from __future__ import annotations

import math
import os.path
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from cutters import Unusable
from objectcut.errors import CutError
from photofiles import is_photo, passed_over

_LOOKS = 32  # files of a list that are looked at together, most of which wait for an object store
_CHANGES = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")  # as file systems call it
_LISTED = (".txt", ".lst", ".list")


@dataclass(frozen=True)
class Photo:
    """One photo that is to be cut.

    Attributes:
        path: absolute path or URL; of a row of a table with `#` and the number of the row.
        name: path of the cut-out below the output folder, without its ending. It follows from the photo's own path
            alone, so that it is the same in every run.
        version: another one when the file has changed; empty where there is no file.
        cell: where the bytes are, if in a table.
    """

    path: str
    name: str
    version: str
    cell: Cell | None = None

    def read(self) -> bytes:
        """Return the encoded photo.

        Raises:
            CutError: `not_found`, or `url_unreachable` when it may be there the next time.
        """
        try:
            if self.cell is not None:
                return self.cell.read()
            files, path = url_to_fs(self.path)
            data: bytes = files.cat_file(path)
        except FileNotFoundError:
            raise CutError("not_found", "There is no such file.") from None
        except OSError as error:
            raise CutError("url_unreachable", f"The file cannot be read: {error.strerror or error}.") from error
        return data


@dataclass(frozen=True)
class Cell:
    """Bytes in a Parquet file.

    Attributes:
        file: path or URL.
        version: of the file.
        column: that holds the bytes.
        group: of rows, in the file.
        row: in the group.
    """

    file: str
    version: str
    column: str
    group: int
    row: int

    def read(self) -> bytes:
        """Return them; empty where there are none. Raises OSError."""
        return _group(self.file, self.version, self.column, self.group)[self.row].as_py() or b""


@lru_cache(maxsize=1)  # rows of a group follow one another
def _group(file: str, _version: str, column: str, group: int) -> pa.ChunkedArray:
    files, path = url_to_fs(file)
    with files.open(path) as opened:
        return pq.ParquetFile(opened).read_row_group(group, [column])[column]


def photos(source: str, column: str = "", names: str = "") -> tuple[list[Photo], int]:
    """Return the photos of a source, by path, and how many of its files are none.

    Args:
        source: path or URL of a folder; of a `.txt` with a path or URL a line, relative ones from the folder of the
            list; or of a `.parquet`.
        column: of a table, with bytes, or paths as in a list; the first such column by default.
        names: column of a table with names for the cut-outs; paths, or numbers of rows, by default.

    Raises:
        Unusable: there is no such source, or two photos would have one cut-out.
    """
    try:
        files, root = url_to_fs(source)
        if files.isdir(root):
            found, others = _in_folder(files, root)
        elif not files.exists(root):
            raise Unusable(f"There is no {source}.")
        elif root.lower().endswith(".parquet"):
            found, others = _in_table(files, root, column, names), 0
        elif root.lower().endswith(_LISTED):
            lines = files.cat_file(root).decode("utf-8", "surrogateescape").splitlines()
            found, others = _named([line.strip() for line in lines if line.strip()], _folder(files, root)), 0
        else:
            raise Unusable(f"{source} is no folder, no list ({', '.join(_LISTED)}) and no .parquet.")
    except (OSError, ImportError, ValueError, pa.ArrowException) as error:  # ImportError: s3fs or gcsfs is missing
        raise Unusable(f"{source} cannot be read: {error}") from error
    return list(_apart(found)), others


def _in_folder(files: AbstractFileSystem, root: str) -> tuple[list[Photo], int]:
    found, others = [], 0
    for path, facts in sorted(files.find(root, detail=True).items()):
        inside = PurePosixPath(path).relative_to(root)
        if passed_over(inside):
            continue
        if is_photo(inside.name, partial(files.head, path)):
            found.append(Photo(_address(files, path), _name(str(inside)), _version(facts)))
        else:
            others += 1
    return found, others


def _named(addresses: list[str], folder: str, names: list[str] | None = None) -> list[Photo]:
    def photo(address: str, name: str) -> Photo:
        full = address
        if "://" not in address and not Path(address).is_absolute():
            full = f"{folder}/{address}" if "://" in folder else os.path.normpath(f"{folder}/{address}")
        try:
            files, path = url_to_fs(full)
            version = _version(files.info(path))
        except FileNotFoundError:
            version = ""
        inside = full[len(folder) + 1 :] if full.startswith(f"{folder}/") else full.partition("://")[2] or full
        return Photo(full, _name(name or inside), version)

    with ThreadPoolExecutor(_LOOKS) as pool:
        return list(pool.map(photo, addresses, names or [""] * len(addresses)))


def _in_table(files: AbstractFileSystem, path: str, column: str, names: str) -> list[Photo]:
    with files.open(path) as opened:
        table = pq.ParquetFile(opened)
        for each in filter(None, (column, names)):
            if each not in table.schema_arrow.names:
                raise Unusable(f"The table has no column '{each}'; it has {', '.join(table.schema_arrow.names)}.")
        column = _column(table.schema_arrow, column)
        called = [str(each) for each in table.read([names])[names].to_pylist()] if names else []
        if not _holds_bytes(table.schema_arrow.field(column).type):
            return _named(table.read([column])[column].to_pylist(), _folder(files, path), called)
        sizes = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
    file, version = _address(files, path), _version(files.info(path))
    cells = [(group, row) for group, size in enumerate(sizes) for row in range(size)]
    return [
        Photo(
            f"{file}#{number}",
            _name(called[number] if called else f"{number:09d}"),
            version,
            Cell(file, version, column, group, row),
        )
        for number, (group, row) in enumerate(cells)
    ]


def _column(schema: pa.Schema, column: str) -> str:
    if column:
        return column
    for fits in (_holds_bytes, lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        for field in schema:
            if fits(field.type):
                return str(field.name)
    raise Unusable("The table has no column of bytes or paths.")


def _holds_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _address(files: AbstractFileSystem, path: str) -> str:
    return path if isinstance(files, LocalFileSystem) else str(files.unstrip_protocol(path))


def _folder(files: AbstractFileSystem, path: str) -> str:
    return _address(files, path).rpartition("/")[0]


def _name(text: str) -> str:
    """Without what would lead out of the output folder."""
    return "/".join(part for part in PurePosixPath(text).parts if part not in {"/", ".."}) + "-cut"


def _version(facts: Mapping[str, Any]) -> str:
    """Return size and time, or what an object store has instead of a time."""
    changed = next((facts[name] for name in _CHANGES if name in facts), "")
    return f"{facts.get('size')} {str(changed).strip(chr(34))}"


def _apart(found: list[Photo]) -> Iterator[Photo]:
    """Yield each photo once. Two that would be written to one file are an error."""
    seen: dict[str, str] = {}
    for photo in found:
        other = seen.setdefault(photo.name, photo.path)
        if other != photo.path:
            raise Unusable(f"{other} and {photo.path} would both be cut into {photo.name}.")
    yield from dict.fromkeys(found)


def blocks(photos: Sequence[Photo], most: int, together: int = 1) -> Iterator[Sequence[Photo]]:
    """Yield them in groups of equal size, a multiple of `together`: at most so many groups."""
    size = max(1, math.ceil(len(photos) / most / together)) * together
    for start in range(0, len(photos), size):
        yield photos[start : start + size]
