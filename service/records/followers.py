"""Follows the recorded verdicts for consumers of each one: cases, webhooks, numbers.

A follower reads on from where it, or another front's follower of its name, was: the cursor is in the record store.
Each verdict is delivered at least once; after a crash or with another front it may come again, so handlers detect
duplicates by what they stored. Nothing here delays a post's verdict.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from service.domain.verdict import Verdict, VerdictFilter
from service.failures import FailureReporter
from service.records.ports import Announcer, Cursors
from service.supervision import every

_ALL = VerdictFilter()
_BATCH, _KEPT = 200, 3
_TICK, _PAUSE = 1.0, 1.0
_GATHER = 0.2  # seconds: what is recorded together is delivered together, and pending answers go first

Handle = Callable[[Sequence[Verdict]], Awaitable[None]]


class Followed(Cursors, Protocol):
    """The store of the verdicts and of the followers' cursors."""

    async def after(self, cursor: int | None, only: VerdictFilter, limit: int) -> tuple[list[Verdict], int]:
        """See `ports.VerdictReader.after`."""
        ...


class SharedReading:
    """`Followed` for all followers of a process: they are mostly at one cursor, and a batch there is read once.

    Reading a verdict with its evidence costs about a millisecond of a core, more than most followers spend on it.
    Records do not change, so a batch read a moment ago is as good as a fresh one: the next begins where it ends.
    """

    def __init__(self, store: Followed) -> None:
        self._store = store
        self._reads: dict[int, asyncio.Task[tuple[list[Verdict], int]]] = {}  # by cursor, oldest first

    async def cursor(self, follower: str) -> int | None:
        """See `ports.Cursors.cursor`."""
        return await self._store.cursor(follower)

    async def advance(self, follower: str, cursor: int) -> None:
        """See `ports.Cursors.advance`."""
        await self._store.advance(follower, cursor)

    async def after(self, cursor: int | None, only: VerdictFilter, limit: int) -> tuple[list[Verdict], int]:
        """See `ports.VerdictReader.after`."""
        if cursor is None or only != _ALL or limit != _BATCH:
            return await self._store.after(cursor, only, limit)
        read = self._reads.get(cursor)
        if read is None or (read.done() and not _worth_keeping(read)):
            read = self._reads[cursor] = asyncio.ensure_future(self._store.after(cursor, only, limit))
            while len(self._reads) > _KEPT:
                del self._reads[next(iter(self._reads))]
        return await asyncio.shield(read)


def _worth_keeping(read: "asyncio.Task[tuple[list[Verdict], int]]") -> bool:
    """Whether it found something: a read that failed, or found nothing yet, is repeated."""
    return not read.cancelled() and read.exception() is None and bool(read.result()[0])


class Follower:
    """Passes verdicts to `handle` in the order of their sequences, of every revision, a batch at a time.

    One that never followed begins with the first verdict (`beginning`) or with the next one (`now`).
    """

    def __init__(  # noqa: PLR0917 - a follower is just these
        self,
        name: str,
        store: Followed,
        announcer: Announcer,
        handle: Handle,
        observer: FailureReporter,
        start_at: Literal["beginning", "now"] = "beginning",
    ) -> None:
        self._name, self._store, self._announcer = name, store, announcer
        self._handle, self._observer, self._start_at = handle, observer, start_at

    async def run(self) -> None:
        """Follow for ever; cancel to stop."""
        await every(self._recorded, self._catch_up, self._observer, f"follower {self._name}", pause=_PAUSE)

    async def _catch_up(self) -> None:
        while await self.step():
            pass

    async def _recorded(self) -> None:
        """Returns when more may be recorded."""
        await self._announcer.wait(_TICK)
        await asyncio.sleep(_GATHER)

    async def step(self) -> bool:
        """Deliver one batch; True when there may be more at once. Raises `Unavailable`."""
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
