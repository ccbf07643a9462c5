"""torchvision's official Mask R-CNN weights: downloaded, checked, and stored as model files.

A download resumes where an earlier one broke off, is checked against its sha256 and becomes a model file (weights and
card in one safetensors file) only when it is whole and fits the architecture. (Libraries such as pooch check sums as
well, but cannot resume.)
"""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from objectcut.network.card import Card, ModelError
from objectcut.network.weightfiles import locked, store, stored
from objectcut.settings import Settings

_ANSWER_S = 4.5  # all that a host that does not answer may cost a start
_STALL_S = 20.0


class Unavailable(ModelError):
    """The weights cannot be had now; the message says why and what to do."""


@dataclass(frozen=True)
class Official:
    """One of torchvision's trained models.

    Attributes:
        name: for `MODEL=`, and of the model file.
        architecture: a key of `architectures.ARCHITECTURES`, and the name of torchvision's own function for it.
        url: of the state dict.
        sha256: its checksum, hexadecimal.
    """

    name: str
    architecture: str
    url: str
    sha256: str


# torchvision publishes the first eight digits of each checksum, in the file's name. The rest is what others who hold
# the files have published, in agreement with one another.
OFFICIAL: Mapping[str, Official] = MappingProxyType(
    {
        "coco": Official(
            "coco",
            "maskrcnn_resnet50_fpn_v2",
            "https://download.pytorch.org/models/maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
            "73cbd0190fcbe3ba339921fbce2c3a0b6bb9126c9a133c85e43a2a8e060a109e",
        ),
        "coco-v1": Official(
            "coco-v1",
            "maskrcnn_resnet50_fpn",
            "https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
            "bf2d0c1efbc936eeee2bc95a48e80ebc86b891f61b0106485937fc29f9315fc0",
        ),
    }
)
"""The models that can be downloaded, by name."""


def find(model: str) -> Path:
    """Return the model file that is meant by a path or a name; official weights are downloaded the first time.

    Raises:
        ModelError: there is none, or it cannot be downloaded.
    """
    path = Path(model) if Path(model).suffix else stored(f"{model}.safetensors")
    if path.is_file():
        return path
    if model not in OFFICIAL:
        raise ModelError(f"there is no model file {path}")
    try:
        return fetch(OFFICIAL[model], store(), Console(stderr=True, markup=False, highlight=False, soft_wrap=True))
    except Unavailable as error:
        why = str(error).rstrip(".")
        raise Unavailable(f"{model} must be downloaded once, but {why}. The model 'bundled' works offline.") from error


def fetch(official: Official, folder: Path, console: Console) -> Path:
    """Return the model file of official weights, downloaded if it is not in the folder yet.

    Raises:
        Unavailable: the host does not answer, the download broke off or is not what it should be.
    """
    target = folder / f"{official.name}.safetensors"
    # The lock is for this download alone: a server that starts holds the store's while it waits here.
    with locked(folder, official.name):
        if target.exists():
            return target
        download = folder / f"{official.name}.pth.part"
        _download(_mirrored(official.url), download, console)
        _check(download, official)
        console.print(f"Converting to {target.name} ...")
        _convert(download, official, target)
        download.unlink()
    return target


def card_of(official: Official) -> Card:
    """Return the card of a trained model, from what torchvision says about it."""
    # Only here, for a file that just came: torch takes seconds to import, and every start passes this module.
    from torchvision.models import get_model_weights

    meta = next(iter(get_model_weights(official.architecture))).meta
    figures = meta["_metrics"]["COCO-val2017"]
    return Card(
        name=official.name,
        architecture=official.architecture,
        classes=tuple(meta["categories"]),
        # torchvision's defaults for both: shorter side 800, longer at most 1333, ImageNet's mean and deviation.
        min_size=800,
        max_size=1333,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        facts={
            "trained_on": "COCO train2017",
            "credit": "torchvision (PyTorch Foundation), weights COCO_V1",
            "licence": "BSD-3-Clause; COCO's annotations are CC BY 4.0",
            "parameters": meta["num_params"],
            "box_map": figures["box_map"],
            "mask_map": figures["mask_map"],
        },
    )


def _convert(download: Path, official: Official, target: Path) -> None:
    """Make a model file of torchvision's state dict."""
    import torch

    from objectcut.network import architectures, checkpoint

    card = card_of(official)
    model = architectures.build(card)
    try:
        weights = torch.load(download, map_location="cpu", weights_only=True)
        checkpoint.fill(model, weights, official.url.rpartition("/")[2])
    except (pickle.UnpicklingError, RuntimeError, ModelError) as error:
        download.unlink()
        raise Unavailable(
            f"the weights that came are not {official.architecture}'s: {error}; they were deleted"
        ) from error
    checkpoint.save(model, card, target)


def _mirrored(url: str) -> str:
    """Return the same file name under OBJECTCUT_WEIGHTS_MIRROR, for networks that reach only a mirror of their own."""
    mirror = Settings.from_environment().weights_mirror
    return f"{mirror.rstrip('/')}/{url.rpartition('/')[2]}" if mirror else url


def _download(url: str, part: Path, console: Console) -> None:
    """Download to `part`, going on where it ends."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    if not _host_answers(url):
        raise Unavailable(f"{httpx.URL(url).host} does not answer.")
    try:
        with httpx.stream("GET", url, headers=headers, timeout=_STALL_S, follow_redirects=True) as response:
            if response.status_code == 416:  # nothing beyond what is there: the checksum will tell
                return
            response.raise_for_status()
            if response.status_code != 206:
                have = 0
            length = response.headers.get("content-length")
            with part.open("ab" if have else "wb") as file, _progress(console) as progress:
                name = url.rpartition("/")[2]
                task = progress.add_task(name, completed=have, total=have + int(length) if length else None)
                for chunk in response.iter_raw():
                    file.write(chunk)
                    progress.advance(task, len(chunk))
    except httpx.HTTPStatusError as error:
        raise Unavailable(f"{url} answered {error.response.status_code}") from error
    except httpx.TransportError as error:
        kept = (
            f" {part.stat().st_size / 1e6:.0f} MB are kept; the next try goes on from there." if part.exists() else ""
        )
        raise Unavailable(f"{httpx.URL(url).host} broke off ({type(error).__name__}).{kept}") from error


def _host_answers(url: str) -> bool:
    """Return whether anything comes back within `_ANSWER_S`, including the name look-up, which no timeout bounds."""
    answered = threading.Event()

    def ask() -> None:
        with suppress(httpx.HTTPError):
            httpx.head(url, timeout=_ANSWER_S)
            answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_ANSWER_S)
    return answered.is_set()


def _check(download: Path, official: Official) -> None:
    with download.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != official.sha256:
        download.unlink()
        raise Unavailable(
            f"what came from {httpx.URL(official.url).host} has the sha256 {digest.hexdigest()[:16]}..., expected "
            f"{official.sha256[:16]}...; it was deleted"
        )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
