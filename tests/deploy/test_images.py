"""The Dockerfile and the compose files: their form, and that what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = ROOT / "Dockerfile.gpu"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
OURS = ("pod", "torchserve", "gateway")


def run(program: str, *arguments: str | Path) -> None:
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_is_in_good_form() -> None:
    run("hadolint", DOCKERFILE)


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml"])
def test_compose_files_are_as_their_specification_says(name: str) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name)


def test_what_the_image_copies_is_sent_to_its_build() -> None:
    """.dockerignore leaves out everything that is not named with an exclamation mark."""
    sent = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    for path in " ".join(copied).split():
        assert (ROOT / path).exists(), path
        assert path.split("/")[0] in sent, path


@pytest.mark.parametrize("name", COMPOSE)
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = COMPOSE[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])


@pytest.mark.parametrize("name", COMPOSE)
def test_what_is_mounted_exists(name: str) -> None:
    for volume in COMPOSE[name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (DEPLOY / source).exists(), source


def test_the_services_are_the_image() -> None:
    image = DOCKERFILE.read_text()
    arguments = set(re.findall(r"^ARG (\w+)", image, re.MULTILINE))
    assert set(COMPOSE["pod"]["build"]["args"]) <= arguments
    assert (DEPLOY / COMPOSE["pod"]["build"]["context"] / COMPOSE["pod"]["build"]["dockerfile"]).samefile(DOCKERFILE)
    gpu: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.gpu.yaml").read_text())["services"]
    for services in (COMPOSE, gpu):
        assert len({services[name]["image"] for name in OURS}) == 1
    folder = re.search(r"OBJECTCUT_RUN_DIR=(\S+)", image)
    assert folder is not None
    for name in OURS:
        assert COMPOSE[name]["volumes"] == [f"run:{folder[1]}"]
    for name in ("torchserve", "gateway"):
        assert COMPOSE[name]["command"] == [name]
        assert COMPOSE[name]["network_mode"] == "service:pod"


def test_the_commands_of_the_documentation_name_what_there_is() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks[0].splitlines()) <= 5
    for path in re.findall(r"(?<![\w/])(?:deploy|scripts)/[\w./-]+", "".join(blocks)):
        assert (ROOT / path).is_file(), path
    for service in re.findall(r" exec (\w+) ", "".join(blocks)):
        assert service in COMPOSE
