"""Follows the recorded verdicts on behalf of what must learn of each: cases, webhooks, numbers.

A follower reads on from where it, or another front's follower of its name, was: the cursor stands in the record store.
Each verdict is handed over at least once; after a crash or beside another front it may come again, so handlers tell by
what they stored that they had it. Nothing here is on the way of a post to its verdict.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from service.domain import Verdict, VerdictFilter
from service.errors import Unavailable
from service.ports import Announcer, Cursors, Observer, VerdictStore

_ALL = VerdictFilter()
_BATCH = 200
_TICK, _PAUSE = 1.0, 1.0

Handle = Callable[[Sequence[Verdict]], Awaitable[None]]


class Followed(VerdictStore, Cursors, Protocol):
    """The store of the verdicts and of how far followers are."""


class Follower:
    """Hands verdicts to `handle` in the order of their sequences, of every revision, a batch at a time.

    One that never followed begins with the first verdict (`beginning`) or with the next one (`now`).
    """

    def __init__(  # noqa: PLR0917 - a follower is just these
        self,
        name: str,
        store: Followed,
        announcer: Announcer,
        handle: Handle,
        observer: Observer,
        start_at: Literal["beginning", "now"] = "beginning",
    ) -> None:
        self._name, self._store, self._announcer = name, store, announcer
        self._handle, self._observer, self._start_at = handle, observer, start_at

    async def run(self) -> None:
        """Follow for ever; cancel to stop."""
        while True:
            try:
                while await self.step():
                    pass
                await self._announcer.wait(_TICK)
            except Unavailable as error:
                self._observer.trouble(f"follower {self._name}", error)
                await asyncio.sleep(_PAUSE)

    async def step(self) -> bool:
        """Hand one batch over; True when there may be more at once. Raises `Unavailable`."""
        cursor = await self._store.cursor(self._name)
        if cursor is None:
            cursor = await self._begin()
        verdicts, reached = await self._store.after(cursor, _ALL, _BATCH)
        if verdicts:
            await self._handle(verdicts)
        if reached != cursor:
            await self._store.advance(self._name, reached)
        return len(verdicts) == _BATCH

    async def _begin(self) -> int:
        if self._start_at == "beginning":
            return 0
        _, newest = await self._store.after(None, _ALL, 1)
        await self._store.advance(self._name, newest)
        return newest
