"""What a model is: its card, classes and their words, told by the list of models or by a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from gateway.connection import Connection, not_ready
from objectcut import catalogue
from objectcut.catalogue import Entry
from objectcut.settings import Settings


class Description:
    """The description of one model.

    Args:
        settings: the management address, and the longest wait.
        connection: to TorchServe.
        path: where TorchServe has the model.
        entry: what is known of it without asking a worker; None leaves that to TorchServe.
        may_sleep: tells whether it may have no worker that could be asked.
    """

    def __init__(
        self, settings: Settings, connection: Connection, path: str, entry: Entry | None, may_sleep: Callable[[], bool]
    ) -> None:
        self._url = f"{settings.management_url}/models/{path}?customized=true"
        self._longest_s = settings.answer_s
        self._connection = connection
        self._entry = entry
        self._may_sleep = may_sleep
        self._told: dict[str, Any] | None = None
        self._told_by = (0, 0)  # by which start of TorchServe

    async def card(self) -> Mapping[str, Any]:
        """Return the model's card, as `/labels` tells it.

        Raises:
            CutError: `not_ready`: only TorchServe knows it, and does not tell it now.
        """
        described = self._known if self._entry is not None else await self.whole()
        return dict(described["card"])

    async def whole(self) -> dict[str, Any]:
        """Return card, classes and their words, as `describe_handle` tells them; where it runs, if it does.

        Raises:
            CutError: `not_ready`.
        """
        if self._entry is not None and self._may_sleep():
            return self._known
        start = self._connection.refresh_keys()
        if self._told is None or start != self._told_by:  # a new server may run another model
            self._told_by = start
            reply = await self._connection.call("GET", self._url, "management", self._longest_s)
            try:
                metadata = json.loads(reply.body)[0]["customizedMetadata"]
                self._told = json.loads(metadata) if isinstance(metadata, str) else metadata
            except (ValueError, LookupError, TypeError):
                self._told = None
        if not self._told:
            raise not_ready()
        return self._told

    @cached_property
    def _known(self) -> dict[str, Any]:
        """What is known of the model without a worker."""
        assert self._entry is not None
        return catalogue.description(self._entry.card)
