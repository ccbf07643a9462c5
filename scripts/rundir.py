"""The run folder of one server: where its parts find each other, and where people find its logs.

`ports` names TorchServe's ports, `key_file.json` holds its tokens (TorchServe writes it), `gateway` says where that is,
`workers` how many there shall be, `logs/` is kept when the server stops. `torchserve.lock` and `gateway.lock` are
locked while that part runs. Two containers that share loopback and this folder work together as one server.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import socket
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PORT_TAKEN = re.compile(r"Failed to bind to address|Address already in use|BindException")
"""What TorchServe says as it ends because another program has one of its ports."""
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Ports:
    """TorchServe's ports, all on loopback. The defaults are TorchServe's own."""

    inference: int = 8080
    management: int = 8081
    metrics: int = 8082
    grpc_inference: int = 7070
    grpc_management: int = 7071


class InUse(Exception):
    """Another ObjectCut runs the same part in this folder."""


@dataclass(frozen=True)
class RunDir:
    """The run folder of the server with this public port."""

    path: Path

    @classmethod
    def of(cls, port: int) -> RunDir:
        """`.run/<port>/` in the checkout, or the folder that OBJECTCUT_RUN_DIR names."""
        return cls(Path(os.environ.get("OBJECTCUT_RUN_DIR") or ROOT / ".run" / str(port)))

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.path / "logs"

    @property
    def key_file(self) -> Path:
        """TorchServe's tokens; there only while it runs."""
        return self.path / "key_file.json"

    @property
    def models(self) -> Path:
        """The list of the models that this server has."""
        return self.path / "models.json"

    @property
    def added(self) -> Path:
        """The folder of the model files that were added to this server while it ran."""
        return self.path / "models"

    @property
    def archives(self) -> Path:
        """The folder where archives are built, where the model store cannot be written."""
        return self.path / "archives"

    @property
    def default(self) -> Path:
        """The file that names the default model, where it was chosen while the server ran."""
        return self.path / "default"

    @property
    def workers(self) -> Path:
        """The file that says how many workers the default model shall have, where that was set while the server ran."""
        return self.path / "workers"

    @property
    def store(self) -> Path:
        """The folder from which the TorchServe that runs takes archives.

        Raises:
            OSError: none runs.
        """
        return Path((self.path / "store").read_text().strip())

    @property
    def gateway(self) -> Path:
        """The file that says at what address programs on this machine find the gateway."""
        return self.path / "gateway"

    @property
    def keys(self) -> Path:
        """The hashes of the keys of those who may change the models: what OBJECTCUT_KEYS names, or a file in here."""
        return Path(os.environ.get("OBJECTCUT_KEYS") or self.path / "keys.json")

    @property
    def crashes(self) -> Path:
        """Traces of workers that crashed."""
        return self.path / "crashes"

    @property
    def abandoned(self) -> Path:
        """The folder where the gateway tells the workers whose senders left."""
        return self.path / "abandoned"

    @contextmanager
    def locked(self, part: str) -> Iterator[None]:
        """Keep other programs from running this part, `torchserve` or `gateway`, here.

        The kernel frees the lock when this program ends, however it ends.

        Raises:
            InUse: another one does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / f"{part}.lock").open("a+") as lock:  # not "w": the holder's process id stands in it
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise InUse(
                    f"another ObjectCut runs here (pid {lock.read().strip() or 'unknown'}): {self.path}. "
                    "Stop it, or choose another port."
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def ports(self) -> Ports | None:
        """Return the ports that TorchServe has or last had; None when it never ran."""
        try:
            lines = (self.path / "ports").read_text().split()
            return Ports(**{name: int(port) for name, port in (line.split("=") for line in lines)})
        except (OSError, ValueError, TypeError):
            return None

    def claim_ports(self, fresh: bool = False) -> Ports:
        """Return the last or the usual ports; free ones instead of those that are taken, or of all if `fresh`."""
        claimed: dict[str, int] = {}
        for name, port in asdict(self.ports() or Ports()).items():
            free = not fresh and port not in claimed.values() and is_free("127.0.0.1", port)
            claimed[name] = port if free else free_port(set(claimed.values()))
        ports = Ports(**claimed)
        (self.path / "ports").write_text("".join(f"{name}={port}\n" for name, port in asdict(ports).items()))
        return ports


def is_free(host: str, port: int) -> bool:
    """Return whether nobody else listens there.

    Raises:
        OSError: nobody could: an address of another machine, a port that needs more rights.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def free_port(taken: Container[int] = ()) -> int:
    """Return a port of the loopback interface that nobody listens on, and none of those that are taken.

    None that the system gives to connections either (from 32768 on Linux, later elsewhere): one of them could have it
    before who asked for it listens. It is drawn by the system's own chance, as tests seed Python's.
    """
    while True:
        port = 10_000 + secrets.randbelow(22_768)
        if port not in taken and is_free("127.0.0.1", port):
            return port
