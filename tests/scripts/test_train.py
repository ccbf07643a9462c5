"""Training of a detector, for as long as it takes to see that it works, and what it learns from partial labels."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, sample
from PIL import Image
from pycocotools import mask as rle

import train
from objectcut.network import checkpoint
from objectcut.network.card import read_card
from training.augment import Augmenter
from training.partial import PartialLabels, Target
from training.scenes import Source, frequencies, read

BUNDLED = ROOT / "model_store" / "bundled.safetensors"
CLASSES = ("__background__", "cat", "dog", "hat")
SIZE = (200, 160)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo of a cat whose mask is known, a dog of which there is only a box, and a crowd."""
    photo = sample("chelsea")
    (tmp_path / "set" / "images").mkdir(parents=True)
    photo.save(tmp_path / "set" / "images" / "cat.png")
    mask = np.zeros((photo.height, photo.width), np.uint8, order="F")
    mask[20:290, 90:400] = 1
    coded = rle.encode(mask)
    coded["counts"] = coded["counts"].decode()
    things = [
        {"image_id": 1, "category_id": 17, "bbox": [90, 20, 310, 270], "iscrowd": 0, "segmentation": coded},
        {"image_id": 1, "category_id": 18, "bbox": [5, 5, 60, 80], "iscrowd": 0, "segmentation": None},
        {"image_id": 1, "category_id": 17, "bbox": [300, 200, 100, 90], "iscrowd": 1, "segmentation": coded},
    ]
    content = {
        "images": [{"id": 1, "file_name": "cat.png", "split": "train", "annotated_category_ids": [17]}],
        "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
        "annotations": things,
    }
    (tmp_path / "set" / "instances.json").write_text(json.dumps(content))
    return tmp_path


@pytest.fixture
def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Trains, and returns what the program says."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["train.py", *_arguments(folder), *arguments])
        train.console.file = sys.stderr  # that of this test
        assert train.main() == 0
        return " ".join(capsys.readouterr().err.split())

    return run


def _arguments(folder: Path) -> list[str]:
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "facts: {licence: MIT}\nclasses: [cat, dog, hat]\nsources:\n  set: {weight: 2, stretched: true}\n"
    )
    files = {
        "--initial": BUNDLED,
        "--recipe": recipe,
        "--data": folder,
        "--work": folder / "work",
        "--output": folder / "new.safetensors",
    }
    paths = [str(word) for pair in files.items() for word in pair]
    return [*paths, "--batch", "2", "--side", "160"]


def test_a_folder_makes_a_model_and_training_can_be_resumed(folder: Path, trained: Callable[..., str]):
    said = trained("--minutes", "0.05", "--name", "mine", "--device", "cpu")
    assert "1 photos; objects: cat 1, dog 1, hat 0" in said
    card = read_card(folder / "new.safetensors")
    assert (card.name, card.classes, card.facts) == ("mine", CLASSES, {"licence": "MIT"})
    model, _ = checkpoint.load(folder / "new.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
    assert "resuming at step" in trained("--minutes", "0.1")


def test_epochs_are_counted_and_pictures_drawn(folder: Path, trained: Callable[..., str]):
    content = json.loads((folder / "set" / "instances.json").read_text())
    content["images"].append({"id": 2, "file_name": "cat.png", "split": "val"})
    (folder / "set" / "instances.json").write_text(json.dumps(content))
    assert "step 4, " in trained("--epochs", "4", "--batch", "1", "--side", "96")
    for name in ("losses.png", "sheet.png"):
        with Image.open(folder / "work" / name) as picture:
            assert len(picture.convert("L").getcolors()) > 5


def test_several_processes_train_one_model(folder: Path):
    """Two, without a GPU: with other random numbers each, and one writes the model."""
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    options = [str(ROOT / "scripts" / "train.py"), *_arguments(folder), "--epochs", "4", "--batch", "1"]
    done = subprocess.run([*program, *options], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("1 photos; objects") == 1
    state = torch.load(folder / "work" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 2
    assert read_card(folder / "new.safetensors").classes == CLASSES


def test_a_share_of_the_first_weights_can_be_kept(folder: Path, trained: Callable[..., str]):
    trained("--epochs", "2", "--batch", "1", "--rate", "1e-2", "--keep", "1")
    before, after = (checkpoint.load(path)[0].backbone for path in (BUNDLED, folder / "new.safetensors"))
    for ours, theirs in zip(after.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_classes_keep_what_was_known_of_them(folder: Path, trained: Callable[..., str]):
    trained("--minutes", "0")
    before, old = checkpoint.load(BUNDLED)
    after, _ = checkpoint.load(folder / "new.safetensors")
    ours, theirs = (model.roi_heads.box_predictor.cls_score.weight for model in (after, before))
    torch.testing.assert_close(ours[1], theirs[old.classes.index("cat")], atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(ours[2], theirs[old.classes.index("dog")], atol=1e-3, rtol=1e-2)


def test_the_first_blocks_of_the_backbone_can_stay_as_they_are(folder: Path, trained: Callable[..., str]):
    blocks = len({name.split(".")[2] for name in checkpoint.load(BUNDLED)[0].state_dict() if "backbone.body." in name})
    trained("--epochs", "2", "--batch", "1", "--rate", "1e-2", "--frozen", str(blocks))
    before, after = (checkpoint.load(path)[0].backbone for path in (BUNDLED, folder / "new.safetensors"))
    for (name, ours), theirs in zip(after.named_parameters(), before.parameters(), strict=True):
        assert torch.equal(ours, theirs) == name.startswith("body."), name


def test_a_folder_says_what_is_not_labelled(folder: Path):
    (scene,) = read(Source(folder / "set"), "train", CLASSES)
    assert scene.complete.tolist() == [True, True, False, False]
    assert [thing.label for thing in scene.things] == [1, 2]
    assert scene.ignored == ((300, 200, 400, 290),)
    (scene,) = read(Source(folder / "set", complete=("dog", "hat")), "train", CLASSES)
    assert scene.complete.tolist() == [True, False, True, True]
    assert read(Source(folder / "set"), "val", CLASSES) == []


def test_boxes_stay_around_their_objects(folder: Path):
    scenes = read(Source(folder / "set", stretched=True), "train", CLASSES)
    augmenter = Augmenter(scenes, frequencies(scenes, len(CLASSES)))
    masked = 0
    for seed in range(40):
        image, target = augmenter.view(SIZE, np.random.default_rng(seed))
        assert image.shape == (3, SIZE[1], SIZE[0])
        assert 0 <= image.min() < image.max() <= 1
        for box, mask, known in zip(target["boxes"], target["masks"], target["masked"], strict=True):
            assert (box[2:] > box[:2]).all()
            if known:
                rows, columns = mask.nonzero().unbind(1)
                around = torch.stack((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
                torch.testing.assert_close(box, around.float())
                masked += 1
            else:
                assert not mask.any()
    assert masked > 30


def losses(complete: list[bool], **changed: torch.Tensor) -> dict[str, float]:
    """Losses of the bundled model on a photo of which only some classes are labelled, and nothing is."""
    torch.manual_seed(0)
    model, card = checkpoint.load(BUNDLED)
    PartialLabels(model.train())
    target: Target = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": torch.zeros(0, 320, 320, dtype=torch.uint8),
        "masked": torch.zeros(0, dtype=torch.bool),
        "complete": torch.tensor(complete * len(card.classes))[: len(card.classes)],
        "ignored": torch.zeros(0, 4),
        **changed,
    }
    target["complete"][0] = True
    photo = torch.from_numpy(np.array(sample("chelsea").resize((320, 320))).transpose(2, 0, 1)).float() / 255
    return {name: value.item() for name, value in model([photo], [target]).items()}


def test_what_is_not_labelled_is_not_background():
    """The photo shows a cat: where all is labelled and nothing is there, seeing it is a mistake, else it is none."""
    all_known, nothing_known = losses([True]), losses([False])
    assert all_known["loss_classifier"] > 0.01
    assert all_known["loss_objectness"] > 1e-4
    assert nothing_known["loss_classifier"] == pytest.approx(0, abs=1e-5)


def test_nothing_is_learnt_in_an_ignored_region():
    everywhere = torch.tensor([[0.0, 0.0, 320.0, 320.0]])
    assert losses([True], ignored=everywhere)["loss_classifier"] == pytest.approx(0, abs=1e-5)


def test_a_box_without_a_mask_teaches_no_mask():
    box = {"boxes": torch.tensor([[40.0, 20.0, 300.0, 310.0]]), "labels": torch.tensor([10])}
    masks = torch.zeros(1, 320, 320, dtype=torch.uint8)
    masks[:, 20:310, 40:300] = 1
    known = losses([True], **box, masks=masks, masked=torch.tensor([True]))
    unknown = losses([True], **box, masks=masks, masked=torch.tensor([False]))
    assert known["loss_mask"] != pytest.approx(np.log(2), abs=1e-3)
    assert unknown["loss_mask"] == pytest.approx(np.log(2), abs=1e-4)  # of logits that are zero
    assert known["loss_box_reg"] == pytest.approx(unknown["loss_box_reg"])
