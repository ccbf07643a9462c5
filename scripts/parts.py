"""The two parts of a server: how each begins with what is in the run folder, and when it does its work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

import build_mar
from child import Child
from management import Management, Unreachable
from objectcut.catalogue import Catalogue
from objectcut.network.weightfiles import locked
from objectcut.settings import Settings
from processes import start_gateway, start_torchserve
from readiness import answering, answers, check_worker, has_worker, wait, warm_up
from rundir import PORT_TAKEN, RunDir
from supervision import Failed, Part, Passing, check
from workercount import kept as kept_workers

_LAST_ANSWERS_S = 10.0
_SILENT_S = 60.0  # a gateway that does not say for so long that it is alive hangs


class TorchServe(Part):
    """TorchServe with all models that the run folder lists, whatever it had when it ended.

    Args:
        run: the run folder.
        temp: a folder of its own.
        workers: how many the first model gets, until another number is set; None leaves that to the machine.
        address: of the gateway that stands before it; None where that is another program's.
        console: shows what is being done.
    """

    def __init__(self, run: RunDir, temp: Path, workers: int | None, address: str | None, console: Console) -> None:
        super().__init__("TorchServe", run.logs)
        self._run, self._temp, self._workers, self._address, self._console = run, temp, workers, address, console
        self._keys = b""

    def begin(self) -> Child:
        catalogue = self._catalogue()
        self._place_archives(catalogue, checked=self.trouble is not None)
        fresh_ports, workers = isinstance(self.trouble, Passing), kept_workers(self._run) or self._workers
        return start_torchserve(self._run, self._temp, catalogue.entries[0].served_as, workers, fresh_ports)

    def settle(self, parts: Sequence[Part]) -> None:
        def going_well() -> None:
            check(parts)
            check_worker(self._run)

        with self._console.status("Starting TorchServe and loading the model ..."):
            self._register(going_well)
            wait(lambda: has_worker(self._run), going_well, "no worker became ready")
            if self._address is not None:
                ready = f"{self._address}/health/ready"
                wait(lambda: answers(ready), lambda: check(parts), "the gateway did not find the worker")
                warm_up(self._address, self._run)
        self._keys = self._run.key_file.read_bytes()

    def works(self) -> bool:
        # False while Java hangs, and when it has given up on workers that died again and again.
        return self._address is None or answers(f"{self._address}/health/ready")

    def check(self) -> None:
        if self.child is not None and self.child.ended() and self.child.wrote(PORT_TAKEN):
            raise Passing(f"{self.name} found a port taken: {self.child.last_words()}. Another program was faster")
        super().check()
        if self._keys and not self._run.key_file.exists():
            with suppress(OSError):  # the next look may succeed
                self._write_keys()

    def stop(self) -> None:
        super().stop()
        self._keys = b""

    def _write_keys(self) -> None:
        """Write the key file again, whole or not at all: somebody deleted it, and TorchServe still asks for them."""
        part = self._run.key_file.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._keys)
        part.replace(self._run.key_file)

    def _catalogue(self) -> Catalogue:
        try:
            return Catalogue.read(self._run.models)
        except (ValueError, LookupError) as error:
            raise Failed(f"{self._run.models} does not list the models any more") from error

    def _place_archives(self, catalogue: Catalogue, checked: bool) -> None:
        """Put the archives into the folder, where no other server's build can replace them, and nothing else.

        Raises:
            ModelError: a model cannot be used.
        """
        for old in self._temp.iterdir():
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.unlink(missing_ok=True)
        with locked(build_mar.STORE, "archive"):
            for entry in catalogue.entries:
                with self._console.status(f"Building the archive of {entry.card.name} ..."):
                    archive = build_mar.provide(entry, self._run.archives, checked)
                try:
                    os.link(archive, self._temp / archive.name)
                except OSError:  # another file system
                    shutil.copyfile(archive, self._temp / archive.name)

    def _register(self, going_well: Callable[[], None]) -> None:
        """Tell TorchServe of all models but the first, which it begins with.

        Raises:
            Failed: TorchServe ended, or refuses one.
        """
        wait(lambda: answering(self._run), going_well, "TorchServe did not answer")
        first, *others = self._catalogue().entries
        try:
            management = Management(self._run)
            if not management.versions(first.served_as):
                raise Failed(f"TorchServe cannot read the archive of {first.card.name}; {self._logs} says why")
            for entry in others:
                if entry.version not in management.versions(entry.served_as):
                    management.register(entry.served_as)
        except Unreachable as error:
            raise Failed(str(error)) from error


class Gateway(Part):
    """The gateway, in front of the TorchServe of the same run folder.

    Args:
        run: the run folder.
        host: the address to listen on.
        port: likewise.
        address: where a browser on this machine finds it.
        console: shows what is being done.
    """

    def __init__(self, run: RunDir, host: str, port: int, address: str, console: Console) -> None:
        # For as long as it may take to finish what is in flight and to tell those who wait.
        stop_s = Settings.from_environment().stop_s + _LAST_ANSWERS_S
        super().__init__("the gateway", run.logs, stop_s, _SILENT_S)
        self._run, self._host, self._port, self._address, self._console = run, host, port, address, console

    def begin(self) -> Child:
        with self._console.status("Waiting for TorchServe's ports ..."):
            wait(lambda: self._run.ports() is not None, lambda: None, "no TorchServe has used this run folder")
        ports = self._ports = self._run.ports()
        assert ports is not None
        self._run.gateway.write_text(f"{self._address}\n")
        return start_gateway(self._run, ports, self._host, self._port)

    def settle(self, parts: Sequence[Part]) -> None:
        wait(self.works, lambda: check(parts), "the gateway did not answer")

    def works(self) -> bool:
        return answers(f"{self._address}/health/live")

    def check(self) -> None:
        super().check()
        if self.child is not None and self._run.ports() != self._ports:
            raise Passing(f"{self.name} must learn TorchServe's new ports")
