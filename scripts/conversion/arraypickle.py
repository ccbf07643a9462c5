"""Reads a pickle of numpy's arrays, as Detectron2's model zoo has them, with none of numpy's own classes.

Those trust what a pickle tells them: an array that says it holds objects takes any number for the address of one. Here
stand-ins note what is told, and arrays are made of it once it was found to be plain numbers.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1"}
_DEEPEST = 8  # of mappings in one another
_LONGEST = 10_000  # entries of a mapping


def read(path: Path) -> Any:
    """Return what the pickle holds: mappings, text, numbers and (...) arrays of numbers; anything else is left out.

    Raises:
        pickle.UnpicklingError: it asks for anything but arrays and mappings.
        Exception: it is damaged; of whatever kind.
    """
    with path.open("rb") as file:
        return _plain(_Unpickler(file, encoding="latin1").load(), _DEEPEST)


class _Dtype:
    """Stands in for `numpy.dtype`."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code = code
        self.order: object = "|"

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1:
            self.order = state[1]


class _Array:
    """Stands in for `numpy.ndarray`."""

    def __init__(self, *_: object) -> None:
        self.told: object = None

    def __setstate__(self, state: object) -> None:
        self.told = state

    def made(self) -> NDArray[Any]:
        """Return the array. Raises ValueError or TypeError where what was told is none of plain numbers."""
        if not isinstance(self.told, tuple) or len(self.told) != 5:
            raise TypeError("no array")
        _, shape, dtype, fortran, data = self.told
        if not isinstance(dtype, _Dtype) or dtype.code not in _NUMBERS or not isinstance(data, bytes):
            raise TypeError("not of numbers")
        order = ">" if dtype.order == ">" else "<"
        flat = np.frombuffer(data, f"{order}{dtype.code}").astype(str(dtype.code))
        return flat.reshape([int(side) for side in shape], order="F" if fortran else "C")


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _mapping(*pairs: object) -> dict[object, object]:
    return dict(*pairs)


def _encoded(text: object, encoding: object) -> bytes:
    """Stands in for `_codecs.encode`, by which Python 3 writes bytes in the older protocols."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("_codecs.encode")
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    _KNOWN: Mapping[tuple[str, str], Any] = {
        ("numpy", "dtype"): _Dtype,
        ("numpy", "ndarray"): _Array,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("collections", "OrderedDict"): _mapping,
        ("_codecs", "encode"): _encoded,
    }

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return a stand-in; anything else in a pickle is a call of some program."""
        if (module_name, global_name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"{module_name}.{global_name}")
        return self._KNOWN[module_name, global_name]


def _plain(value: object, deepest: int) -> Any:
    """Return the value with arrays in place of stand-ins, without what is neither text, number, array nor mapping."""
    if isinstance(value, _Array):
        return value.made()
    if isinstance(value, dict):
        if not deepest or len(value) > _LONGEST:
            raise ValueError("too many mappings")
        return {key: _plain(each, deepest - 1) for key, each in value.items() if isinstance(key, str)}
    return value if isinstance(value, str | int | float | bool) else None
