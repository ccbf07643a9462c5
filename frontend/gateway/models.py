"""The models that can be asked for, by the names that requests give them."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Mapping

from gateway.admission import Room
from gateway.changingfile import ChangingFile
from gateway.connection import Connection
from gateway.metrics import Metrics
from gateway.servedmodel import ServedModel
from objectcut.catalogue import Catalogue, Entry, serving_path
from objectcut.errors import CutError
from objectcut.network.card import ModelError
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
_LARGEST = 5  # requests of the largest size that TorchServe holds at a time; its heap is made for these
_LOOK_S = 30.0
_WORD_S = 2.0


class Models:
    """All models of the TorchServe that the settings name.

    Args:
        settings: addresses, the file that lists the models, and the longest waits.
        metrics: are told of what waits.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        most_bytes = _LARGEST * settings.max_body_bytes
        self._room = Room(most_bytes, settings.queue, settings.queue_megapixels, metrics.waited)
        metrics.watch(self)
        self._turn = asyncio.Lock()
        self._file = None if settings.models is None else ChangingFile(settings.models)
        self._catalogue = Catalogue(())
        self._served: dict[str, ServedModel] = {}
        self._working: weakref.WeakSet[ServedModel] = weakref.WeakSet()  # former versions too, until they are done

    async def close(self) -> None:
        """Leave what is in flight, and close the connections."""
        for model in list(self._working):
            await model.close()
        await self._connection.close()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is known of the models without asking TorchServe, the default first; empty where nothing lists them."""
        return self.catalogue.entries

    @property
    def catalogue(self) -> Catalogue:
        """The list of models as it is now."""
        try:
            if self._file is not None and self._file.changed():
                self._catalogue = Catalogue.read(self._file.path)
                self._served = {key: it for key, it in self._served.items() if it.entry in self._catalogue.entries}
        except FileNotFoundError:
            pass  # the part that runs TorchServe has not started yet
        except (OSError, ValueError, LookupError, TypeError, ModelError):
            logger.exception("The list of models in %s cannot be read", self._settings.models)
        return self._catalogue

    def get(self, name: str = "") -> ServedModel:
        """Return a model by its name; the default one without.

        Raises:
            CutError: `unknown_model`, with those that there are.
        """
        catalogue = self.catalogue
        # Where nothing is listed TorchServe alone knows what it has, and its worker refuses any other name.
        return self._model(catalogue.get(name) if catalogue.entries else None)

    def _model(self, entry: Entry | None) -> ServedModel:
        path = entry.path if entry else serving_path()

        def may_sleep() -> bool:
            return entry is not None and entry.served_as != self.entries[0].served_as

        if path not in self._served:
            shared = (self._settings, self._connection, self._room, self._turn)
            self._served[path] = ServedModel(*shared, path, entry, may_sleep)
            self._working.add(self._served[path])
        return self._served[path]

    async def put_to_sleep(self) -> None:
        """Take the workers from models that are not asked for, as long as the gateway runs."""
        while True:
            await asyncio.sleep(min(_LOOK_S, self._settings.idle_s / 2))
            for entry in self.entries:
                try:
                    await self._model(entry).sleep.if_idle()
                except CutError as error:
                    logger.warning("%s could not be put to sleep or woken: %s", entry.card.name, error.message)

    @property
    def in_flight(self) -> int:
        """Photos that wait for their turn, and those that TorchServe has and has not answered yet."""
        return sum(model.in_flight for model in self._working)

    @property
    def waiting(self) -> tuple[int, float]:
        """How many photos wait for their turn, and the megapixels of their work."""
        waiting = self._room.waiting
        return len(waiting), sum(work.megapixels for work in waiting)

    def refusal(self) -> CutError:
        """Return the error for a request that finds no room, with the time in which there will be some."""
        return self._room.refusal()

    async def ready(self) -> bool:
        """Return whether a worker of the default model waits for photos."""
        return await self.get().ready()

    async def metrics(self) -> str:
        """Return the text of TorchServe's metrics port, in Prometheus' format; empty while it does not answer."""
        try:
            reply = await self._connection.call("GET", f"{self._settings.metrics_url}/metrics", None, _WORD_S)
        except CutError:
            return ""
        return reply.text if reply.status == 200 else ""


def summary(entries: tuple[Entry, ...]) -> list[Mapping[str, object]]:
    """Return what `/labels` lists of each model, the default first."""
    return [
        {"name": entry.card.name, "classes": len(entry.names), "default": not place}
        for place, entry in enumerate(entries)
    ]
