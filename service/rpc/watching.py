"""Watchers: each reads the record store after its own cursor, woken by announcements.

Nothing is kept for a watcher between reads, so a slow one costs the others nothing and misses nothing. Watchers that
stand at the same place with the same filter share one read.
"""

import asyncio
import time
from collections.abc import AsyncGenerator

from service.domain.verdict import Verdict, VerdictFilter
from service.errors import InvalidInput, RedisUnavailable, Unavailable
from service.records.ports import Announcer, VerdictReader

_Place = tuple[int | None, VerdictFilter]
_Page = tuple[list[Verdict], int]
_PAGE = 256
_MAX_CURSOR = 2**63 - 1


def read_cursor(cursor: str) -> int | None:
    """The sequence that a cursor stands for, None for an empty one. Raises `InvalidInput`."""
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 19 and int(cursor) <= _MAX_CURSOR):
        raise _bad_cursor(f"{cursor[:40]!r} is no cursor")
    return int(cursor)


def _bad_cursor(problem: str) -> InvalidInput:
    return InvalidInput("cursor", problem, "send the last one that this service gave, `0`, or nothing")


class Watching:
    """Follows the store for any number of watchers, until `stopping` is set.

    `heartbeat`: seconds of silence after which a watcher hears where it stands. `poll`: seconds between reads when no
    announcement comes, which bounds the delay when one is lost.
    """

    def __init__(
        self,
        store: VerdictReader,
        announcer: Announcer,
        stopping: asyncio.Event,
        *,
        heartbeat: float = 10.0,
        poll: float = 2.0,
    ) -> None:
        self._store, self._announcer, self._stopping = store, announcer, stopping
        self._heartbeat, self._poll = heartbeat, min(poll, heartbeat)
        self._reads: dict[_Place, asyncio.Task[_Page]] = {}

    async def follow(self, cursor: int | None, only: VerdictFilter) -> AsyncGenerator[tuple[int, Verdict | None], None]:
        """Cursor and verdict for all that is recorded after `cursor`; None as verdict in a heartbeat.

        Starts with a heartbeat when `cursor` is None. Raises `InvalidInput` for a cursor ahead of the store, and
        `Unavailable` when the store does not answer or the service stops: go on from the last cursor then.
        """
        cursor, began_now = await self._begin(cursor, only), cursor is None
        if began_now:
            yield cursor, None
        spoke = time.monotonic()
        while True:
            woken = asyncio.create_task(self._wait())  # before reading: what is recorded meanwhile wakes us
            try:
                verdicts, cursor = await self._read(cursor, only)
                for verdict in verdicts:
                    yield verdict.sequence, verdict
                silent = time.monotonic() - spoke >= self._heartbeat
                if silent and not verdicts:
                    yield cursor, None
                if silent or verdicts:
                    spoke = time.monotonic()
                if len(verdicts) < _PAGE:
                    await woken
            finally:
                woken.cancel()
            if self._stopping.is_set():
                raise Unavailable("the service is stopping; watch again with the last cursor")

    async def _begin(self, cursor: int | None, only: VerdictFilter) -> int:
        _, newest = await self._read(None, only)
        if cursor is not None and cursor > newest:
            raise _bad_cursor(f"{cursor} is ahead of the newest verdict, {newest}")
        return newest if cursor is None else cursor

    async def _read(self, cursor: int | None, only: VerdictFilter) -> _Page:
        place = (cursor, only)
        if place not in self._reads:
            self._reads[place] = asyncio.create_task(self._store.after(cursor, only, _PAGE))
            self._reads[place].add_done_callback(lambda read: self._landed(place, read))
        return await asyncio.shield(self._reads[place])

    def _landed(self, place: _Place, read: asyncio.Task[_Page]) -> None:
        del self._reads[place]
        if not read.cancelled():
            read.exception()  # seen, since every watcher may have left

    async def _wait(self) -> None:
        """Returns at the next announcement, after the poll interval, or when the service stops."""
        tasks = [asyncio.create_task(self._announced()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(tasks, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _announced(self) -> None:
        try:
            await self._announcer.wait(self._poll)
        except RedisUnavailable:
            await asyncio.sleep(self._poll)
