"""Reads that are too long for one answer: rows come a portion at a time, in one snapshot."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Row, Select

from service.storage.database import SqlDatabase, answering


class SqlStreams(SqlDatabase):
    """A `SqlDatabase` that streams."""

    async def portions(self, query: Select[Any], *, portion: int = 1000) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows that `query` finds, however many, a portion at a time. The database has `timeout` for each."""
        with answering():
            async with self._reader.connect() as connection, asyncio.timeout(self._breakable_after) as limit:
                if connection.dialect.name == "postgresql":  # a cursor lives in a transaction there
                    await connection.execution_options(isolation_level="READ COMMITTED")
                rows = await connection.stream(query)
                async for found in rows.partitions(portion):
                    limit.reschedule(None)  # the time is the caller's now
                    yield found
                    if self._breakable_after:
                        limit.reschedule(asyncio.get_running_loop().time() + self._breakable_after)
