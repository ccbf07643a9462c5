"""Where weight files are: in the model store of a checkout, or in the installed package."""

from __future__ import annotations

import sysconfig
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3] / "model_store"
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "objectcut"


def stored(name: str) -> Path:
    """Return the path of a weight file by its name. Where there is none, the path in the checkout."""
    return next((folder / name for folder in (_CHECKOUT, _INSTALLED) if (folder / name).is_file()), _CHECKOUT / name)
