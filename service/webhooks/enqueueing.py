"""Enqueues verdicts for the endpoints that want them: the handler of the follower `webhooks`."""

from collections.abc import Callable, Sequence

from service.domain.verdict import Verdict
from service.webhooks.event import verdict_event
from service.webhooks.ports import DeliveryStore

FOLLOWER = "webhooks"
"""The follower's name. It starts with new verdicts: no endpoint wants all earlier ones."""


class Webhooks:
    """Handles verdicts, any number of times each; `poke` is called when there is something to deliver."""

    def __init__(self, store: DeliveryStore, poke: Callable[[], None] = lambda: None) -> None:
        self._store, self._poke = store, poke

    async def handle(self, verdicts: Sequence[Verdict]) -> None:
        """Enqueue an event for each verdict. Raises `StoreUnavailable`, and may then be called again."""
        if await self._store.enqueue([verdict_event(verdict) for verdict in verdicts]):
            self._poke()
