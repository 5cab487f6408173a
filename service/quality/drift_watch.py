"""Watches what alerts rest on: how far scores moved, how long cases and appeals wait. Tells the metrics each minute."""

import asyncio

from service.quality.measures import Quality
from service.quality.ports import QualityObserver, WaitingStore
from service.supervision import every

_EVERY, _FIRST = 60.0, 15.0


class DriftWatch:
    """Hands drift, queues and open appeals to the observer."""

    def __init__(
        self, quality: Quality, store: WaitingStore, observer: QualityObserver, *, first: float = _FIRST
    ) -> None:
        self._quality, self._store, self._observer, self._first = quality, store, observer, first

    async def run(self) -> None:
        """Watch for ever; cancel to stop."""
        await asyncio.sleep(self._first)  # a start has better things to do
        await every(_EVERY, self.look, self._observer, "quality watch")

    async def look(self) -> None:
        """Tell of everything once. Raises `StoreUnavailable`."""
        for drift in await self._quality.drift():
            self._observer.drifted(drift)
        self._observer.waiting(await self._store.queue_ages(), await self._store.open_appeals())
