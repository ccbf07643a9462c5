"""Imports torchvision without torch's compiler, which it needs for one question and which takes seconds to import.

To be imported before anything else that imports torchvision, by programs that someone waits for.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_COMPILER = "torch._dynamo"


def _import_torchvision() -> None:
    utils = ModuleType(f"{_COMPILER}.utils")
    # torchvision asks this before it pools regions by a compiled way, in a mode that is not used here.
    utils.is_compile_supported = lambda _device: False  # type: ignore[attr-defined]
    stand_ins = {_COMPILER: ModuleType(_COMPILER), utils.__name__: utils}
    sys.modules.update(stand_ins)
    try:
        importlib.import_module("torchvision.models.detection")
    except ImportError:  # another torchvision wants more of it: the import that follows is the ordinary one
        pass
    finally:
        for name in stand_ins:
            del sys.modules[name]


if _COMPILER not in sys.modules:
    _import_torchvision()
