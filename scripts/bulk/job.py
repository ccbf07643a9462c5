"""A bulk job as a Ray Data program: which stage runs where, on how much.

On processors every process runs all stages on one core, so that a photo never leaves its process, and there are as many
processes as cores. With GPUs the networks' stages are processes that keep their part of a GPU, the others run on the
cores that are left, and photos travel between them through Ray's memory.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
import ray.data
import torch
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bulk.photos import Photo, blocks
from bulk.results import Row
from bulk.stages import COLUMN, STAGES, Item, Resident, Stage, Work, detect, draw, packed, run, unpacked, whole
from bulk.watch import Watch

_BATCH = 8  # photos that a network takes at once, as the server's workers do
_TASKS = 4096  # at most, of which each costs the scheduler some memory and some milliseconds
_FOR_EVER: dict[str, Any] = {"max_restarts": -1, "max_task_retries": -1}
_STARTS = 3  # that are tried: Ray gives its parts 30 s to start, in which a busy machine may not have the time
_STORE = 300_000_000  # bytes of Ray's memory on a machine without a GPU, where photos never travel through it


@contextmanager
def cluster(address: str, cores: int) -> Iterator[Any]:
    """Have Ray here while the block runs; yield Ray's handle of the `Watch` over its processes.

    Args:
        address: of a cluster, whose machines have ObjectCut installed; empty starts one in this machine alone.
        cores: of this machine that it may use then.
    """
    if address:
        programs = str(Path(__file__).parents[1])
        ray.init(address, runtime_env={"working_dir": programs}, logging_level=logging.ERROR)
    else:
        _start(cores)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    try:
        yield ray.remote(Watch).options(num_cpus=0, scheduling_strategy=here, **_FOR_EVER).remote()
    finally:
        ray.shutdown()


def _start(cores: int) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray would else report to its makers
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray would else leave one in the home folder
    for left in reversed(range(_STARTS)):
        try:
            ray.init(
                "local",
                num_cpus=cores,
                include_dashboard=False,
                object_store_memory=None if torch.cuda.is_available() else _STORE,
                logging_level=logging.CRITICAL if left else logging.ERROR,
            )
            return
        except Exception as error:  # Ray has no class of its own for it
            ray.shutdown()
            if not left:
                raise ConnectionError(f"Ray does not start. {error}") from error


def found(photos: Sequence[Photo], work: Work, model: str, watch: Any) -> Iterator[Row]:
    """Cut photos; yield what is known of each as soon as its cut-out is written, in any order, each once.

    Args:
        photos: at least one.
        work: what is to be done with them.
        model: name of the model.
        watch: of `cluster`.

    Raises:
        ray.exceptions.RayError: no photo can be cut, such as when the disk is full.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # every row goes on alone, so that few are in memory at a time
    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    together = _together(len(photos), resources)
    groups = blocks(photos, _TASKS, together)
    rows = (packed([Item(photo, photo) for photo in group], together) for group in groups)
    tables = [pa.table({COLUMN: pa.array(batch[COLUMN], pa.large_binary())}) for batch in rows]
    items: ray.data.Dataset = ray.data.from_arrow(tables)
    for stage, needs in _resources(resources):
        given = {"stage": stage, "work": work, "watch": watch, "together": together}
        if "num_gpus" in needs:
            items = items.map_batches(Resident, fn_constructor_kwargs=given, **needs)
        else:
            items = items.map_batches(partial(run, **given), **needs)
    for batch in items.iter_batches(batch_size=None, prefetch_batches=0):
        for item in unpacked(batch):
            yield item.row(model)


def _together(photos: int, all_of_it: Mapping[str, float]) -> int:
    """Return how many photos travel in a row.

    On processors those that a network takes at once, if all cores have some: a process waits for Ray at every row.
    """
    return 1 if "GPU" in all_of_it else min(_BATCH, math.ceil(photos / all_of_it.get("CPU", 1)))


def _resources(all_of_it: Mapping[str, float]) -> Iterator[tuple[Stage, dict[str, Any]]]:
    """Yield the stages, and what each gets of the cluster: arguments of `map_batches`."""
    gpus, cores = int(all_of_it.get("GPU", 0)), int(all_of_it.get("CPU", 1))
    if not gpus:
        yield whole, {"num_cpus": 1, "batch_size": 1}
        return
    # One process detects on a GPU. Drawing needs cores more than a GPU: half of the cores are for it.
    drawers = max(1, cores // max(1, gpus) // 2)
    on_gpu: dict[Stage, dict[str, Any]] = {
        detect: {"num_gpus": 0.5, "num_cpus": 0, "concurrency": gpus, "batch_size": _BATCH},
        draw: {"num_gpus": 0.5 / drawers, "num_cpus": 1, "concurrency": (1, drawers * gpus), "batch_size": 1},
    }
    for stage in STAGES:
        yield stage, on_gpu.get(stage, {"num_cpus": 1, "batch_size": 1})
