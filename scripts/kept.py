"""The versions of models that were added to a server: files in the folder `models/` of its run folder.

`NAME.versions/3.safetensors` is the third version of NAME. The link `NAME.safetensors` leads to the version that was
served last; where there is none, that is the model the server starts with, and `NAME.versions/1.safetensors` a link to
it. ObjectCut without versions left a file `NAME.safetensors`: that is version 1.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import build_mar
from objectcut.catalogue import Entry

_VERSIONS = ".versions"
_FILES = 3


@dataclass(frozen=True)
class Kept:
    """The kept versions of one model.

    Attributes:
        folder: of all added models.
        name: of the model.
    """

    folder: Path
    name: str

    @property
    def new(self) -> Path:
        """Where a file lies until it is a version."""
        return self.folder / f"{quote(self.name, safe='')}.new"

    @property
    def _served(self) -> Path:
        return self.folder / f"{quote(self.name, safe='')}.safetensors"

    @property
    def _versions(self) -> Path:
        return self.folder / f"{quote(self.name, safe='')}{_VERSIONS}"

    def file(self, version: int) -> Path:
        """Return where a version is kept, or would be."""
        return self._versions / f"{version}.safetensors"

    def files(self) -> dict[int, Path]:
        """Return the files of all versions, the first version first; one that the server started with is a link."""
        numbers = (path.stem for path in self._versions.glob("*.safetensors"))
        return {number: self.file(number) for number in sorted(int(each) for each in numbers if each.isdigit())}

    def replace(self, before: Entry | None, version: int) -> None:
        """Keep the new file as this version, and have it served at the next start; keep the version before it too.

        Of the others only the latest is kept, and what the server started with.
        """
        self._versions.mkdir(exist_ok=True)
        if before is not None:
            self._keep(before)
        self.new.replace(self.file(version))
        self.choose(version)
        needed = {version, before.version if before else version}
        ours = [number for number, file in self.files().items() if not file.is_symlink()]
        for number in sorted(ours, key=lambda each: (each in needed, each))[:-_FILES]:
            self.file(number).unlink()

    def choose(self, version: int) -> None:
        """Have a version served at the next start."""
        if self.file(version).is_symlink():
            self._served.unlink(missing_ok=True)
            return
        link = self._served.with_suffix(".link")
        link.unlink(missing_ok=True)
        link.symlink_to(self.file(version).relative_to(self.folder))
        link.replace(self._served)

    def remove(self) -> None:
        """Delete all of it."""
        self._served.unlink(missing_ok=True)
        shutil.rmtree(self._versions, ignore_errors=True)

    def _keep(self, before: Entry) -> None:
        file = self.file(before.version)
        if file.exists() and not file.is_symlink():
            return
        file.unlink(missing_ok=True)
        if self._served.exists() and not self._served.is_symlink():  # of ObjectCut without versions
            os.link(self._served, file)
        else:
            file.symlink_to(before.file)


def served(folder: Path) -> list[build_mar.Chosen]:
    """Return the models that were added to a server, in the versions that were served last.

    Raises:
        ModelError: a file is damaged.
    """
    clear_unfinished(folder)
    return [replace(each, version=_version(each.weights)) for each in build_mar.in_folder(folder)]


def clear_unfinished(folder: Path) -> None:
    """Delete what was written and is no version: who wrote it was killed."""
    for pattern in ("*.new", "*.part", ".tmp*"):  # the last is what safetensors writes
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _version(file: Path) -> int:
    return int(file.stem) if file.parent.suffix == _VERSIONS else 1
