"""Watches what alerts rest on: how far scores moved, how long cases and appeals wait. Tells the metrics each minute."""

import asyncio

from service.errors import Unavailable
from service.quality.measures import Quality
from service.quality.ports import QualityObserver, WaitingStore

_EVERY, _FIRST = 60.0, 15.0


class DriftWatch:
    """Hands drift, queues and open appeals to the observer."""

    def __init__(self, quality: Quality, store: WaitingStore, observer: QualityObserver) -> None:
        self._quality, self._store, self._observer = quality, store, observer

    async def run(self) -> None:
        """Watch for ever; cancel to stop."""
        await asyncio.sleep(_FIRST)  # a start has better things to do
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Tell of everything once. Never raises for a store that is away."""
        try:
            for drift in await self._quality.drift():
                self._observer.drifted(drift)
            self._observer.waiting(await self._store.queue_ages(), await self._store.open_appeals())
        except Unavailable as error:
            self._observer.report_failure("quality watch", error)
