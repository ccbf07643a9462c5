"""The stages of `Pipeline` as Ray runs them: each takes photos from the one before, whatever process that ran in.

Owns how photos travel between processes, and that a photo whose process dies does not stop the others. What a stage
does is the pipeline's.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import ray
import torch
from numpy.typing import NDArray

from bulk.photos import Photo
from bulk.results import Results, Row
from bulk.watch import TRIES
from cutters import ENDINGS
from objectcut import Pipeline
from objectcut.errors import CutError
from objectcut.item import Order
from objectcut.picture.reply import described
from objectcut.request.parse import from_form
from objectcut.settings import Settings
from objectcut.worker.isolation import is_gpu_lost, isolated

Batch = dict[str, NDArray[np.object_]]
COLUMN = "items"
"""The one column of all rows: a list of `Item`, pickled."""


@dataclass(frozen=True)
class Work:
    """What is to be done with every photo.

    Attributes:
        model: as for `Pipeline.load`.
        fields: of `/cut`, as text.
        backdrop: encoded picture behind the cut-outs.
        out: path or URL of the output folder.
        settings: limits.
    """

    model: str
    fields: Mapping[str, str]
    backdrop: bytes | None
    out: str
    settings: Settings

    def order(self, photo: bytes) -> Order:
        """Return the checked request for a photo.

        Raises:
            CutError: an option is wrong, or there is no photo.
        """
        form: dict[str, str | bytes] = {"image_file": photo, **self.fields}
        if self.backdrop is not None:
            form["background_image"] = self.backdrop
        return Order(from_form(form, "cut", self.settings), "image/*")


@dataclass(frozen=True, eq=False)
class Item:
    """A photo on its way.

    Attributes:
        photo: the one.
        value: what the last stage made of it, or its CutError.
        seconds: of work.
    """

    photo: Photo
    value: Any
    seconds: float = 0.0

    def row(self, model: str) -> Row:
        """Return the line of the table, after the last stage."""
        failed = isinstance(self.value, CutError)
        result, objects = (None, []) if failed else self.value
        code, message = (self.value.code, self.value.message) if failed else (None, None)
        return Row(
            path=self.photo.path,
            version=self.photo.version,
            model=model,
            objects=objects,
            result=result,
            code=code,
            message=message,
            seconds=self.seconds,
        )


Stage = Callable[[Pipeline, Work, Sequence[Item]], list[Any]]
"""Returns the next value of each item; errors of earlier stages stay as they are."""


def bulk_settings() -> Settings:
    """Return the settings of one process out of many, each of which has one core, and never sees a photo twice."""
    here = Settings.from_environment()
    return here.model_copy(update={"max_body_bytes": sys.maxsize, "threads": 1, "remember_s": 0.0})


def decode(pipeline: Pipeline, work: Work, items: Sequence[Item]) -> list[Any]:
    """From photos to jobs."""
    return [isolated(lambda photo: pipeline.decode(work.order(photo.read())))(item.photo) for item in items]


def detect(pipeline: Pipeline, _: Work, items: Sequence[Item]) -> list[Any]:
    """From jobs to these with what was detected."""
    jobs = [item.value for item in items]
    together = zip(jobs, pipeline.detect(jobs), strict=True)
    return [found if isinstance(found, CutError) else (job, found) for job, found in together]


def draw(pipeline: Pipeline, _: Work, items: Sequence[Item]) -> list[Any]:
    """From detections to pictures, each with its order and what the objects cover."""
    drawing = isolated(lambda pair: (pair[0].order, *pipeline.draw(*pair)))
    return [drawing(item.value) for item in items]


def encode(pipeline: Pipeline, work: Work, items: Sequence[Item]) -> list[Any]:
    """From pictures to files. The values are their names and what is in them."""
    results = Results(work.out)
    encoding = isolated(lambda drawn: (pipeline.encode(*drawn), drawn[2]))

    def finished(item: Item) -> CutError | tuple[str, list[dict[str, Any]]]:
        made = encoding(item.value)
        if isinstance(made, CutError):
            return made
        answer, extents = made
        name = item.photo.name + ENDINGS[answer.media_type]
        results.keep(name, answer.body)  # what fails here fails with every photo: it stops the job
        return name, [described(extent, pipeline.labels) for extent in extents]

    return [finished(item) for item in items]


STAGES: tuple[Stage, ...] = (decode, detect, draw, encode)


def whole(pipeline: Pipeline, work: Work, items: Sequence[Item]) -> list[Any]:
    """All of these in one process: to carry what they make of a photo takes half as long as to make it.

    The network takes all photos at once. After it there is one full-size picture at a time.
    """
    looked = _through((decode, detect), pipeline, work, items)
    return [_through((draw, encode), pipeline, work, [item])[0].value for item in looked]


def _through(stages: Sequence[Stage], pipeline: Pipeline, work: Work, items: Sequence[Item]) -> Sequence[Item]:
    for stage in stages:
        values = stage(pipeline, work, items)
        items = [replace(item, value=value) for item, value in zip(items, values, strict=True)]
    return items


def packed(items: Sequence[Item], together: int) -> Batch:
    """Return items as Ray carries them, so many in a row."""
    rows = [pickle.dumps(items[start : start + together], protocol=5) for start in range(0, len(items), together)]
    column = np.empty(len(rows), object)
    column[:] = rows
    return {COLUMN: column}


def unpacked(batch: Batch) -> list[Item]:
    """Return items as stages take them."""
    return [item for row in batch[COLUMN] for item in pickle.loads(row)]  # noqa: S301  # our own


def run(batch: Batch, stage: Stage, work: Work, watch: Any, together: int) -> Batch:
    """Run a stage on a batch, in this process.

    Args:
        batch: of items.
        stage: the one.
        work: what is to be done.
        watch: Ray's handle of a `Watch`.
        together: how many items it gives back in a row.
    """
    items = unpacked(batch)
    paths = [item.photo.path for item in items]
    deaths = ray.get(watch.begin.remote(stage.__name__, paths))
    if not deaths:
        return packed(_done(stage, work, watch, items), together)
    watch.put_back.remote(stage.__name__, paths)
    alone: list[Item] = []
    for item, path in zip(items, paths, strict=True):
        if deaths.get(path, 0) >= TRIES:
            alone.append(replace(item, value=_given_up()))
            continue
        ray.get(watch.begin.remote(stage.__name__, [path]))
        alone += _done(stage, work, watch, [item])
    return packed(alone, together)


class Resident:
    """A stage in a process that has its part of a GPU and keeps it."""

    def __init__(self, stage: Stage, work: Work, watch: Any, together: int) -> None:
        self._run = partial(run, stage=stage, work=work, watch=watch, together=together)
        _pipeline(work.model, work.settings)

    def __call__(self, batch: Batch) -> Batch:
        return self._run(batch)


def _done(stage: Stage, work: Work, watch: Any, items: Sequence[Item]) -> list[Item]:
    pipeline = _pipeline(work.model, work.settings)
    began = time.perf_counter()
    try:
        values = stage(pipeline, work, items)
    except torch.AcceleratorError as error:
        if is_gpu_lost(error):
            os._exit(1)  # no photo of this process can be finished: Ray starts another one
        raise
    seconds = (time.perf_counter() - began) / len(items)
    watch.end.remote(stage.__name__, [item.photo.path for item in items])
    return [
        replace(item, value=value, seconds=item.seconds + seconds) for item, value in zip(items, values, strict=True)
    ]


@cache
def _pipeline(model: str, settings: Settings) -> Pipeline:
    """Return the pipeline of this process, which all stages that run in it share."""
    has_gpu = bool(ray.get_runtime_context().get_accelerator_ids().get("GPU"))
    return Pipeline.load(model, settings, None if has_gpu else "cpu")


def _given_up() -> CutError:
    return CutError("internal", f"{TRIES} processes died with this photo, perhaps for want of memory.")
