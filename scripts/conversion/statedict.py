"""Reads the weights out of a checkpoint, whoever wrote it, without running anything that is in it."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from conversion import arraypickle
from objectcut.network.card import Card, ModelError

LARGEST = 2_000_000_000
"""Bytes that a checkpoint may have, packed and unpacked: three times a large Mask R-CNN with its optimiser."""
_NESTED = ("model", "state_dict", "model_state_dict")  # where trainers keep the weights beside their optimiser
_WRAPPED = ("module.", "_orig_mod.")  # what DistributedDataParallel and torch.compile put before each name


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds.

    Attributes:
        weights: float32 and, of counters, int64, on the CPU.
        names: of its classes, without the background, where its trainer noted them.
        card: of a model file of ours.
    """

    weights: Mapping[str, Tensor]
    names: tuple[str, ...] = ()
    card: Card | None = None


def read(path: Path) -> Checkpoint:
    """Return the weights of a checkpoint: safetensors, torch's format, or Detectron2's pickle of arrays.

    Raises:
        ModelError: it cannot be read, holds more than weights can be, or no weights; the message is one line.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if not size:
        raise ModelError(f"{path.name} is empty")
    if size > LARGEST:
        raise ModelError(f"{path.name} is too large: {size / 1e6:.0f} MB; at most {LARGEST / 1e6:.0f} MB are read")
    content = _content(path)
    weights = _weights(content, path.name)
    held = sum(tensor.numel() * _kept_as(tensor).itemsize for tensor in weights.values())
    if held > LARGEST:  # views and small types can make much of a small file
        raise ModelError(
            f"{path.name} unpacks to {held / 1e6:.0f} MB of weights; at most {LARGEST / 1e6:.0f} MB are read"
        )
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path.name} is damaged: '{name[:100]}' holds values that are not finite")
    return Checkpoint({name: _plain(tensor) for name, tensor in weights.items()}, _names(content), _card(path))


def _card(path: Path) -> Card | None:
    if not _is_safetensors(path):
        return None
    with safe_open(path, "np") as file:
        told = (file.metadata() or {}).get("card")
    return None if told is None else Card.from_json(told)


def _is_safetensors(path: Path) -> bool:
    """Return whether a file begins with eight bytes of length and then JSON."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def _content(path: Path) -> Mapping[str, Any]:
    """Return what the file holds, by name."""
    with path.open("rb") as file:
        begin = file.read(2)
    if _is_safetensors(path):
        try:
            return load_file(path)
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise ModelError(f"{path.name} is not a safetensors file, or it is damaged") from error
    if begin[:2] == b"PK":
        _check_packed(path)
    try:
        content = arraypickle.read(path) if begin[:1] == b"\x80" and not _is_torchs(path) else _torchs(path)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.name} holds more than weights, which could be a program, or it is damaged. Save the weights alone: "
            'torch.save(model.state_dict(), "weights.pth")'
        ) from error
    except MemoryError as error:
        raise ModelError(f"{path.name} needs more memory than there is") from error
    except Exception as error:  # of a damaged file: whatever the reader stumbles over
        raise ModelError(f"{path.name} is no checkpoint that can be read, or it is damaged") from error
    if not isinstance(content, Mapping):
        raise ModelError(f"{path.name} holds no state dict. Save one: torch.save(model.state_dict(), ...)")
    return content


def _check_packed(path: Path) -> None:
    """Refuse an archive that would fill memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ModelError(f"{path.name} is damaged: {error}") from error
    if unpacked > LARGEST:
        raise ModelError(f"{path.name} unpacks to {unpacked / 1e6:.0f} MB; at most {LARGEST / 1e6:.0f} MB are read")


def _torchs(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _is_torchs(path: Path) -> bool:
    """Return whether a pickle begins with the number that torch put first before it wrote archives."""
    with path.open("rb") as file:
        return torch.serialization.MAGIC_NUMBER.to_bytes(10, "little") in file.read(64)


def _weights(content: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    nested = next((content[key] for key in _NESTED if isinstance(content.get(key), Mapping)), content)
    weights: dict[str, Tensor] = {}
    for key, value in nested.items():
        tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else value
        if isinstance(key, str) and isinstance(tensor, Tensor):
            weights[_unwrapped(key)] = tensor.detach()
    if not weights:
        raise ModelError(f"{name} holds no weights")
    odd = next((key for key, tensor in weights.items() if not _is_plain(tensor)), None)
    if odd is not None:
        raise ModelError(f"'{odd[:100]}' in {name} is sparse or complex or otherwise not stored as plain numbers")
    return weights


def _is_plain(tensor: Tensor) -> bool:
    strided = tensor.layout == torch.strided and not tensor.is_nested and tensor.device.type == "cpu"
    return strided and not tensor.is_complex() and not tensor.is_quantized


def _unwrapped(key: str) -> str:
    for prefix in _WRAPPED:
        key = key.removeprefix(prefix)
    return key


def _kept_as(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.is_floating_point() else torch.int64


def _plain(tensor: Tensor) -> Tensor:
    return tensor.to(_kept_as(tensor)).contiguous()


def _names(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the classes that MMDetection notes beside the weights."""
    meta = content.get("meta")
    if not isinstance(meta, Mapping):
        return ()
    dataset = meta.get("dataset_meta")
    named = dataset.get("classes", ()) if isinstance(dataset, Mapping) else meta.get("CLASSES", ())
    good = isinstance(named, list | tuple) and all(isinstance(name, str) for name in named)
    return tuple(named) if good else ()
