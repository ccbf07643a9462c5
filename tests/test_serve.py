"""Starting, failing and stopping, as the person in front of the terminal sees it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil
import pytest
from conftest import READY_S, ROOT, Server, encoded, halt, processes, start, stop, wait_until
from PIL import Image
from safetensors import numpy, torch

from management import Management
from objectcut.keys import NONE, new_key
from objectcut.network import checkpoint
from objectcut.network.card import read_card
from rundir import RunDir, free_port

BUNDLED = ROOT / "model_store" / "bundled.safetensors"
READY = b"Ctrl-C stops it"


@dataclass(frozen=True)
class Started:
    process: subprocess.Popen[bytes]
    url: str
    run: Path
    said: Path

    def wait_for_start(self) -> None:
        over = lambda: READY in self.said.read_bytes() or self.process.poll() is not None  # noqa: E731
        wait_until(over, READY_S, "the start")
        assert self.process.poll() is None, self.said.read_text()

    def wait_for_end(self) -> str:
        """What it said; the exit status must be that of a failure."""
        assert self.process.wait(READY_S) == 1
        return self.said.read_text()


Starter = Callable[..., Started]


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    """Starts servers, and afterwards ends them and looks whether anything of them is left."""
    everything: list[Started] = []

    def begin(*arguments: str, run: Path | None = None, root: Path = ROOT, **env: str) -> Started:
        folder = run or tmp_path / "run"
        everything.append(Started(*start(folder, *arguments, root=root, **env)[:2], folder, folder / "said.txt"))
        return everything[-1]

    yield begin
    for started in everything:
        stop(started.process)
    for started in everything:
        assert processes(started.run) == [], "processes were left behind"
        assert not (started.run / "key_file.json").exists()


def test_a_taken_port_is_named(starter: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = starter(PORT=port).wait_for_end()
    assert f"port {port} is in use" in said
    assert f"make serve PORT={int(port) + 1}" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "0"], "a port is a number from 1 to 65535"),
        (["--workers", "0"], "there must be at least one worker"),
        (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7"),
        (["--model", "nonsense"], "MODEL=nonsense is neither"),
        (["everything"], "invalid choice: 'everything'"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], said: str, starter: Starter) -> None:
    started = starter(*arguments)
    assert started.process.wait(READY_S) in {1, 2}
    assert said in started.said.read_text()


def test_a_wrong_setting_is_named(starter: Starter) -> None:
    assert (
        "OBJECTCUT_MAX_PIXELS=lots: Input should be a valid integer"
        in starter(OBJECTCUT_MAX_PIXELS="lots").wait_for_end()
    )


@pytest.mark.parametrize("model", ["nonsense", "/nowhere/mine.safetensors"])
def test_a_missing_model_is_named(model: str, starter: Starter) -> None:
    assert f"MODEL={model} is neither" in starter(MODEL=model).wait_for_end()


def test_weights_that_cannot_be_used_are_named_before_anything_starts(starter: Starter, tmp_path: Path) -> None:
    weights = numpy.load_file(BUNDLED)
    weights.pop("roi_heads.box_predictor.cls_score.bias")
    with BUNDLED.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    numpy.save_file(weights, tmp_path / "mine.safetensors", metadata=header["__metadata__"])
    said = starter(MODEL=str(tmp_path / "mine.safetensors"), run=tmp_path / "broken").wait_for_end()
    assert "roi_heads.box_predictor.cls_score.bias" in said
    assert "java" not in said
    assert not (tmp_path / "broken" / "logs" / "torchserve-console.log").exists()


def test_workers_that_cannot_start_tell_their_own_errors(starter: Starter, tmp_path: Path) -> None:
    no_gpu = {"TS_NUMBER_OF_GPU": "1", "WORKERS": "1", "CUDA_VISIBLE_DEVICES": ""}
    whole = starter(**no_gpu, run=tmp_path / "whole")  # both at once: they mostly wait
    alone = starter("torchserve", **no_gpu, run=tmp_path / "alone")
    said = whole.wait_for_end()  # an error, and not a slow server
    assert "the model's worker failed" in said
    assert "gave this worker GPU 0" in said
    assert "TS_NUMBER_OF_GPU=0 make serve" in said
    assert "gave this worker GPU 0" in alone.wait_for_end()


def test_a_second_server_runs_beside_the_first_and_ends_alone(
    server: Server, starter: Starter, chelsea: Image.Image
) -> None:
    started = starter(WORKERS="2", TS_JOB_QUEUE_SIZE="1")
    started.wait_for_start()
    wait_until(lambda: len(workers(started)) == 2, READY_S, "the second worker")
    photo = encoded(chelsea)

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{started.url}/cut", files={"image_file": photo}, timeout=120, trust_env=False)

    with ThreadPoolExecutor(24) as pool:
        replies = list(pool.map(ask, range(24)))
    full = [reply for reply in replies if reply.status_code != 200]
    assert len(full) < 24
    assert full, "a queue for one photo took 24"
    for reply in full:
        assert (reply.status_code, reply.json()["code"]) == (503, "overloaded")
        assert int(reply.headers["retry-after"]) > 0

    assert stop(started.process) == 0
    assert "Stopped." in started.said.read_text()
    assert httpx.get(f"{server.url}/health/ready", trust_env=False).status_code == 200


@pytest.mark.parametrize("parts", ["all", "torchserve", "gateway"])
def test_a_run_folder_in_use_is_left_as_it_is(parts: str, server: Server) -> None:
    before = {file: file.stat().st_ino for file in [server.run.key_file, *server.run.logs.iterdir()]}
    said = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "serve.py"), parts, "--port", str(free_port())],
        env={**os.environ, "MODEL": "bundled", "OBJECTCUT_RUN_DIR": str(server.run.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    first = (server.run.path / f"{'gateway' if parts == 'gateway' else 'torchserve'}.lock").read_text().strip()
    assert said.returncode == 1
    assert f"another ObjectCut runs here (pid {first}): {server.run.path}. Stop it, or choose" in said.stderr
    assert psutil.Process(int(first)) in [parent for p in server.processes() for parent in p.parents()]
    assert {file: file.stat().st_ino for file in before} == before
    assert httpx.get(f"{server.url}/health/ready", trust_env=False).status_code == 200


def test_a_server_that_is_told_to_stop_finishes_what_it_has(starter: Starter, chelsea: Image.Image) -> None:
    started = starter(OBJECTCUT_STOP_S="120")
    started.wait_for_start()
    photo = encoded(chelsea)

    def ask() -> httpx.Response:
        return httpx.post(f"{started.url}/cut", files={"image_file": photo}, timeout=120, trust_env=False)

    def ready() -> httpx.Response:
        return httpx.get(f"{started.url}/health/ready", trust_env=False)

    worker = Server(started.url, RunDir(started.run)).worker()
    halt(worker)
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask) for _ in range(6)]
        wait_until(lambda: ready().json()["in_flight"] == len(asked), 60, "the photos' arrival")
        started.process.terminate()
        wait_until(lambda: ready().status_code == 503, 60, "the end of readiness")
        late = ask()
        worker.resume()
        assert [each.result().status_code for each in asked] == [200] * len(asked)
    assert (late.status_code, late.json()["code"]) == (503, "not_ready")
    assert int(late.headers["retry-after"]) > 0
    assert "stopping" in late.json()["message"]
    assert started.process.wait(READY_S) == 0


def test_a_server_that_is_told_to_stop_waits_no_longer_than_it_shall(starter: Starter, chelsea: Image.Image) -> None:
    started = starter(OBJECTCUT_STOP_S="1")
    started.wait_for_start()
    photo = encoded(chelsea)
    halt(Server(started.url, RunDir(started.run)).worker())
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{started.url}/cut", files={"image_file": photo}, timeout=120, trust_env=False)
        ready = lambda: httpx.get(f"{started.url}/health/ready", trust_env=False)  # noqa: E731
        wait_until(lambda: ready().json()["in_flight"] == 1, 60, "the photo's arrival")
        started.process.terminate()
        assert (asked.result().status_code, asked.result().json()["code"]) == (503, "not_ready")
    assert started.process.wait(READY_S) == 0


def workers(started: Started) -> list[int]:
    return [p.pid for p in processes(started.run) if "model_service_worker" in " ".join(p.cmdline())]


def test_nothing_outlives_a_server_that_is_killed_but_files_that_the_next_start_deletes(starter: Starter) -> None:
    temp = Path(tempfile.mkdtemp(prefix="killed-"))
    started = starter(TMPDIR=str(temp))
    started.wait_for_start()
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()
    wait_until(lambda: processes(started.run) == [], 30, "the end of its children")
    left = list(temp.iterdir())
    assert left
    starter(TMPDIR=str(temp), MODEL="nonsense", run=started.run).wait_for_end()
    assert not any(folder.exists() for folder in left)
    assert not (started.run / "key_file.json").exists()
    shutil.rmtree(temp)


def test_what_is_killed_comes_back_with_all_models_and_nobody_is_told_anything_else(
    starter: Starter, tmp_path: Path, chelsea: Image.Image
) -> None:
    card = replace(read_card(BUNDLED), name="second")
    checkpoint.write(torch.load_file(BUNDLED), card, tmp_path / "second.safetensors")
    started = starter(MODEL=f"bundled,{tmp_path / 'second.safetensors'}", OBJECTCUT_WAKE_S="110")
    started.wait_for_start()
    run = RunDir(started.run)
    scale(run, "set", "2")
    # Version 2: the archive that TorchServe began with is out of date.
    assert "replaced, version 2" in scale(run, "versions", "--add", str(BUNDLED))
    assert two_workers(run)
    asked = {"files": {"image_file": encoded(chelsea)}, "timeout": 120, "trust_env": False}
    over = threading.Event()

    def ask_again_and_again() -> list[httpx.Response]:
        replies = []
        while not over.is_set():
            replies.append(httpx.post(f"{started.url}/cut", **asked))
            if replies[-1].status_code != 200:
                time.sleep(0.5)
        return replies

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask_again_and_again) for _ in range(3)]
        time.sleep(1)
        before = {process.pid for process in processes(started.run)}
        torchserve(started).kill()
        again = "TorchServe was started again and is ready"
        wait_until(
            lambda: again in started.said.read_text() or started.process.poll() is not None, READY_S, "the return"
        )
        over.set()
        replies = [reply for each in asking for reply in each.result()]
    said = started.said.read_text()
    assert "TorchServe stopped: it was killed by SIGKILL" in said
    assert "Starting TorchServe again." in said
    assert {200} <= {reply.status_code for reply in replies} <= {200, 503}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in replies if reply.status_code == 503)
    wait_until(lambda: two_workers(run), READY_S, "the return of the second worker")
    now = {process.pid for process in processes(started.run)}
    assert len(now) == len(before), "workers of the TorchServe that died were left"
    assert Management(run).versions("objectcut") == [2]
    assert httpx.post(f"{started.url}/cut", data={"model": "second"}, **asked).json()["response"]["model"] == "second"

    run.key_file.unlink()
    wait_until(run.key_file.exists, 30, "the return of the key file")
    assert httpx.post(f"{started.url}/cut", **asked).status_code == 200

    next(process for process in processes(started.run) if process.cmdline()[1:] == ["-m", "gateway"]).kill()
    wait_until(lambda: "the gateway was started again" in started.said.read_text(), READY_S, "the gateway's return")
    assert httpx.post(f"{started.url}/cut", **asked).status_code == 200
    assert stop(started.process) == 0


def scale(run: RunDir, *words: str) -> str:
    """What scripts/scale.py says; it must succeed."""
    env = {**os.environ, "OBJECTCUT_RUN_DIR": str(run.path)}
    command = [sys.executable, str(ROOT / "scripts" / "scale.py"), *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=READY_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def two_workers(run: RunDir) -> bool:
    """Of the second version of the first model."""
    state = Management(run).state("objectcut/2.0")
    return (state.wanted, state.ready) == (2, 2)


def torchserve(started: Started) -> psutil.Process:
    return next(process for process in processes(started.run) if "org.pytorch.serve.ModelServer" in process.cmdline())


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """The checkout with its archive built, where nothing can be written, as in an image."""
    build = [sys.executable, str(ROOT / "scripts" / "build_mar.py"), "--model", "bundled"]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    folder = tmp_path / "checkout"
    folder.mkdir()
    for mount in (["--bind", str(ROOT), str(folder)], ["--options", "remount,ro,bind", str(folder)]):
        if os.geteuid() or subprocess.run(["mount", *mount], capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_checkout_that_is_read_only_is_served_with_keys_from_elsewhere(
    read_only: Path, starter: Starter, chelsea: Image.Image, tmp_path: Path
) -> None:
    """As in a pod."""
    key, file = new_key(), tmp_path / "keys.json"
    NONE.with_key("shop", key, "caller").write(file)
    started = starter(root=read_only, MODEL="bundled", OBJECTCUT_CALLERS="keys", OBJECTCUT_KEYS=str(file))
    started.wait_for_start()

    def status(**headers: str) -> int:
        files = {"image_file": encoded(chelsea)}
        return httpx.post(f"{started.url}/cut", files=files, headers=headers, timeout=60, trust_env=False).status_code

    assert status() == 401
    assert status(Authorization=f"Bearer {key}") == 200


def test_a_checkout_that_is_read_only_serves_a_model_from_elsewhere(
    read_only: Path, starter: Starter, chelsea: Image.Image, tmp_path: Path
) -> None:
    """As in an image with a volume of weights."""
    weights = shutil.copy(BUNDLED, tmp_path / "mine.safetensors")
    started = starter(root=read_only, MODEL=str(weights))
    started.wait_for_start()
    photo = {"image_file": encoded(chelsea)}
    assert httpx.post(f"{started.url}/cut", files=photo, timeout=60, trust_env=False).status_code == 200


def test_the_gateway_waits_for_torchserve_and_finds_it_again(
    starter: Starter, chelsea: Image.Image, tmp_path: Path
) -> None:
    """As two containers that share a folder: TorchServe starts anew, with other keys."""
    run, photo = tmp_path / "shared", encoded(chelsea)
    ask = lambda: httpx.post(f"{gateway.url}/cut", files={"image_file": photo}, timeout=60, trust_env=False)  # noqa: E731
    first = starter("torchserve", run=run)
    gateway = starter("gateway", run=run)
    wait_until(lambda: answers(ask) == 200, READY_S, "the first cut")
    assert stop(first.process) == 0
    gone = ask()
    assert (gone.status_code, gone.json()["code"]) == (503, "not_ready")
    assert int(gone.headers["retry-after"]) > 0
    starter("torchserve", run=run)
    wait_until(lambda: answers(ask) == 200, READY_S, "the cut after the restart")


def answers(ask: Callable[[], httpx.Response]) -> int | None:
    try:
        return ask().status_code
    except httpx.TransportError:
        return None


def test_the_workers_of_a_server_that_does_not_run_cannot_be_scaled() -> None:
    env = {name: value for name, value in os.environ.items() if name != "OBJECTCUT_RUN_DIR"}
    command = [sys.executable, str(ROOT / "scripts" / "scale.py"), "--port", "1", "set", "2"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_make_lists_its_targets() -> None:
    make = shutil.which("make")
    assert make is not None
    said = subprocess.run([make, "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert all(f"make {target}" in said for target in ("serve", "test", "weights", "scale"))


def test_a_photo_that_torchserve_loses_with_a_worker_is_cut_all_the_same(
    starter: Starter, tmp_path: Path, chelsea: Image.Image
) -> None:
    """TorchServe forgets the photos of a batch that it gathers for a worker that dies: here it gathers for long."""
    root = tmp_path / "checkout"
    for folder in ("handler", "scripts", "frontend"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "model_store").mkdir()
    for file in ("config.properties", "model_store/bundled.safetensors", "model_store/refiner.safetensors"):
        shutil.copy(ROOT / file, root / file)
    config = root / "handler" / "model-config.yaml"
    patient = config.read_text().replace("maxBatchDelay: 1 ", "maxBatchDelay: 2000 ")
    assert patient != config.read_text()
    config.write_text(patient)
    started = starter(root=root)
    started.wait_for_start()

    def cut(_: int) -> int:
        return httpx.post(
            f"{started.url}/cut", files={"image_file": encoded(chelsea)}, timeout=100, trust_env=False
        ).status_code

    with ThreadPoolExecutor(3) as pool:
        statuses = pool.map(cut, range(3))
        time.sleep(1)  # they have reached TorchServe, which waits for more
        Server(started.url, RunDir(started.run)).worker().kill()
        assert set(statuses) == {200}
