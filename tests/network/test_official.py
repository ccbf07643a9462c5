"""Official weights: downloaded, resumed, checked and converted, from a web server of our own."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

import build_mar
import fetch_weights
from objectcut.network import checkpoint, weightfiles
from objectcut.network import official as module
from objectcut.network.card import ModelError, read_card
from objectcut.network.official import OFFICIAL, Official, Unavailable, fetch, find

QUIET = Console(quiet=True)


@dataclass
class Mirror:
    """Serves one file in parts, as the real host does; `breaks` answers stop in the middle."""

    url: str = ""
    body: bytes = b""
    breaks: int = 0
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    served = Mirror()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
            rest = served.body[begin:]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            if served.breaks:
                served.breaks -= 1
                rest = rest[: len(rest) // 2]
            self.wfile.write(rest)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as host:
        threading.Thread(target=host.serve_forever, args=(0.05,)).start()
        served.url = f"http://127.0.0.1:{host.server_address[1]}"
        monkeypatch.setenv("OBJECTCUT_WEIGHTS_MIRROR", served.url)
        yield served
        host.shutdown()


def torchvision_model(name: str) -> MaskRCNN:
    """The network as torchvision builds it when it loads the weights of this name, here with random ones."""
    torch.manual_seed(0)
    if name == "coco":
        return maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    return MaskRCNN(resnet_fpn_backbone(backbone_name="resnet50", weights=None), 91)


def state_dict_file(name: str, folder: Path) -> bytes:
    path = folder / "weights.pth"
    torch.save(torchvision_model(name).state_dict(), path)
    return path.read_bytes()


def with_checksum(name: str, body: bytes) -> Official:
    return replace(OFFICIAL[name], sha256=hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("name", ["coco", "coco-v1"])
def test_a_download_that_broke_off_goes_on_and_loads(name: str, mirror: Mirror, tmp_path: Path) -> None:
    mirror.body, mirror.breaks = state_dict_file(name, tmp_path), 1
    official = with_checksum(name, mirror.body)
    with pytest.raises(Unavailable, match="MB are kept"):
        fetch(official, tmp_path, QUIET)
    file = fetch(official, tmp_path, QUIET)
    assert mirror.ranges == [None, f"bytes={len(mirror.body) // 2}-"]
    assert file == tmp_path / f"{name}.safetensors"
    assert not list(tmp_path.glob("*.part"))

    model, card = checkpoint.load(file)
    assert (card.name, len(card.classes), card.classes[18]) == (name, 91, "dog")
    expected = torchvision_model(name).state_dict()
    loaded = model.state_dict()
    assert all(torch.equal(loaded[key], expected[key]) for key in loaded)

    assert fetch(official, tmp_path, QUIET) == file
    assert len(mirror.ranges) == 2, "it was downloaded again"


def test_a_wrong_checksum_is_refused_and_deleted(mirror: Mirror, tmp_path: Path) -> None:
    mirror.body = b"not the weights"
    with pytest.raises(Unavailable, match="expected 73cbd019"):
        fetch(OFFICIAL["coco"], tmp_path, QUIET)
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("official", OFFICIAL.values(), ids=lambda official: official.name)
def test_every_digit_of_the_checksum_counts(official: Official, mirror: Mirror, tmp_path: Path) -> None:
    assert len(official.sha256) == 64
    assert official.sha256.startswith(official.url[-12:-4]), "torchvision names the file by its first digits"
    mirror.body = b"other weights"
    digest = hashlib.sha256(mirror.body).hexdigest()
    nearly = replace(official, sha256=digest[:-1] + ("1" if digest[-1] == "0" else "0"))
    with pytest.raises(Unavailable, match="it was deleted"):
        fetch(nearly, tmp_path, QUIET)


def test_weights_of_another_network_are_refused(mirror: Mirror, tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    mirror.body = (tmp_path / "other.pth").read_bytes()
    with pytest.raises(Unavailable, match="are not maskrcnn_resnet50_fpn_v2's"):
        fetch(with_checksum("coco", mirror.body), tmp_path, QUIET)
    assert not (tmp_path / "coco.safetensors").exists()


def test_the_command_fetches_into_the_store_that_it_is_given(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.body = state_dict_file("coco-v1", tmp_path)
    monkeypatch.setattr("fetch_weights.OFFICIAL", {"coco-v1": with_checksum("coco-v1", mirror.body)})
    store = tmp_path / "store"
    monkeypatch.setattr("sys.argv", ["fetch_weights.py", "coco-v1", "--store", str(store)])
    assert fetch_weights.main() == 0
    assert (store / "coco-v1.safetensors").exists()
    monkeypatch.setattr("sys.argv", ["fetch_weights.py", "nonsense"])
    with pytest.raises(SystemExit):
        fetch_weights.main()


def test_a_program_without_a_checkout_keeps_them_in_the_cache(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.body = state_dict_file("coco-v1", tmp_path)
    monkeypatch.setattr(weightfiles, "_CHECKOUT", tmp_path / "nowhere")
    monkeypatch.setattr(weightfiles, "CACHE", tmp_path / "cache" / "objectcut")
    monkeypatch.setattr(module, "OFFICIAL", {"coco-v1": with_checksum("coco-v1", mirror.body)})
    cached = tmp_path / "cache" / "objectcut" / "coco-v1.safetensors"
    assert find("coco-v1") == find("coco-v1") == cached
    assert read_card(cached).name == "coco-v1"
    assert len(mirror.ranges) == 1, "it was downloaded again"
    with pytest.raises(ModelError, match="no model file"):
        find("coco")


def test_a_program_without_a_connection_is_told_what_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weightfiles, "_CHECKOUT", tmp_path)
    monkeypatch.setenv("OBJECTCUT_WEIGHTS_MIRROR", "http://127.0.0.1:1")
    with pytest.raises(ModelError, match=r"coco must be .* 127.0.0.1 does not answer\. The model 'bundled' works"):
        find("coco")


def test_auto_takes_the_bundled_model_when_the_host_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundled.safetensors").symlink_to(build_mar.STORE / "bundled.safetensors")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never says a word
        monkeypatch.setenv("OBJECTCUT_WEIGHTS_MIRROR", f"http://127.0.0.1:{silent.getsockname()[1]}")
        chosen = build_mar.choose("auto", QUIET, tmp_path)
        with pytest.raises(Unavailable, match="does not answer"):
            build_mar.choose("coco", QUIET, tmp_path)
    assert chosen.card.name == "objectcut-bundled"
    assert chosen.remark is not None
    assert "make weights" in chosen.remark


def test_auto_takes_the_full_model_when_it_is_there(tmp_path: Path) -> None:
    network, card = checkpoint.load(build_mar.STORE / "bundled.safetensors")
    checkpoint.save(network, replace(card, name="coco"), tmp_path / "coco.safetensors")
    assert build_mar.choose("auto", QUIET, tmp_path).card.name == "coco"
