"""Watches for drift: tells every few minutes how far the scores of each signal moved."""

import asyncio
from collections.abc import Awaitable, Callable

from service.errors import Unavailable
from service.quality.drift import Drift
from service.quality.ports import QualityObserver

_EVERY, _FIRST = 300.0, 15.0


class DriftWatch:
    """Hands each signal's drift to the observer, whose metric the alert rests on."""

    def __init__(self, drifts: Callable[[], Awaitable[list[Drift]]], observer: QualityObserver) -> None:
        self._drifts, self._observer = drifts, observer

    async def run(self) -> None:
        """Watch for ever; cancel to stop."""
        await asyncio.sleep(_FIRST)  # a start has better things to do
        while True:
            await self.look()
            await asyncio.sleep(_EVERY)

    async def look(self) -> None:
        """Tell of every signal once. Never raises for a store that is away."""
        try:
            for drift in await self._drifts():
                self._observer.drifted(drift)
        except Unavailable as error:
            self._observer.trouble("drift", error)
