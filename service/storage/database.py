"""Connections to the record store's SQL database, and the one place where its failures become `StoreUnavailable`.

SQLite has one writer at a time, so its writes share one connection per process and take the write lock as they begin:
they queue in the process, and only processes contend for the file. PostgreSQL uses one pool for both.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from importlib.util import find_spec
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import URL, Connection, Row, Select, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from service.errors import InvalidInput, StoreUnavailable

T = TypeVar("T")
P = ParamSpec("P")
D = TypeVar("D", bound="SqlDatabase")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OURS = (ProgrammingError, IntegrityError, DataError, NotSupportedError)  # errors of ours, not of the server
_NO_SCHEMA = {"42P01", "42703", "3F000"}  # PostgreSQL: undefined table, undefined column, invalid schema
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    # NORMAL may lose the last commits in a power failure: an accepted post, or a sequence that a watcher has
    # passed already and that another verdict would then get.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def driver_url(url: str, *, sqlite_driver: str) -> URL:
    """`url` with the driver for its database; raises `InvalidInput` for an unsupported one."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput("database_url", "is not a URL", "use sqlite:///path or postgresql://host/name") from None
    match parsed.get_backend_name():
        case "postgresql" | "postgres":
            if find_spec("psycopg") is None:
                raise InvalidInput("database_url", "needs the driver psycopg", "install assay[postgres]")
            return parsed.set(drivername="postgresql+psycopg")
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return parsed.set(drivername=sqlite_driver)
    raise InvalidInput("database_url", "names neither SQLite nor PostgreSQL", "use sqlite:///path or postgresql://")


@contextmanager
def answering() -> Iterator[None]:
    """Turns the failures of a database that does not answer, or holds no tables, into `StoreUnavailable`."""
    try:
        yield
    except (TimeoutError, PoolTimeout) as error:
        raise StoreUnavailable("the record store did not answer in time") from error
    except DBAPIError as error:
        if _unmigrated(error):
            raise StoreUnavailable("the record store lacks tables of this release: run `assay migrate`") from error
        if isinstance(error, _OURS):
            raise
        raise StoreUnavailable("the record store does not answer") from error


def _unmigrated(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _NO_SCHEMA or str(error.orig).startswith(
        ("no such table", "no such column")
    )


def prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Set up a new connection to SQLite; transactions begin with `begin_immediate`, not where the driver guesses."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        _insist(partial(cursor.execute, pragma))
    cursor.close()


def _insist(change: Callable[[], object]) -> None:
    """SQLite does not wait for locks while it switches to the write-ahead log, as a file's first connections do."""
    until = time.monotonic() + 5.0
    while True:
        try:
            change()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock at once: a reader that becomes a writer later would fail instead of waiting its turn."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def microseconds(moment: datetime) -> int:
    """Microseconds from the Unix epoch to `moment`."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """The moment this many microseconds after the Unix epoch."""
    return _EPOCH + timedelta(microseconds=microseconds)


async def take_turns(connection: AsyncConnection, turn: str) -> None:
    """Wait until no other transaction holds `turn`, then hold it past the commit. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"assay.{turn}", 0))))


def open_engines(url: str, *, connections: int, timeout: float) -> tuple[AsyncEngine, AsyncEngine]:
    """The engines that read and write at `url`, without a connection yet. `timeout` in seconds."""
    parsed = driver_url(url, sqlite_driver="sqlite+aiosqlite")
    create = partial(create_async_engine, parsed, max_overflow=0, pool_timeout=timeout)
    if parsed.get_backend_name() == "postgresql":
        writer = create(
            pool_size=connections,
            pool_pre_ping=True,  # a restarted server fails no call
            isolation_level="READ COMMITTED",
            connect_args={"connect_timeout": max(2, int(timeout / 2))},
        )
        return writer.execution_options(isolation_level="AUTOCOMMIT"), writer
    writer = create(pool_size=1, connect_args={"timeout": timeout})
    reader = create(pool_size=connections, connect_args={"timeout": timeout}, isolation_level="AUTOCOMMIT")
    event.listen(writer.sync_engine, "connect", prepare_sqlite)
    event.listen(reader.sync_engine, "connect", prepare_sqlite)
    event.listen(writer.sync_engine, "begin", begin_immediate)
    return reader, writer


def unbroken(
    call: Callable[Concatenate[D, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[D, P], Coroutine[Any, Any, T]]:
    """Runs `call` to its end even when its caller is cancelled.

    A SQLite connection that is dropped in the middle of a statement holds the write lock for as long as anything still
    refers to its cursor: every later write of every process would wait in vain.
    """

    @wraps(call)
    async def run(database: D, /, *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.shield(database.start(call(database, *arguments, **named)))

    return run


class SqlDatabase:
    """Transactions on one database. `timeout` in seconds bounds each of them, `clock` gives Unix time in seconds."""

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine, *, timeout: float, clock: Callable[[], float]) -> None:
        self._reader, self._writer = reader, writer
        self._clock = clock
        # SQLite enforces `timeout` itself, and must not be interrupted: see `unbroken`.
        self._breakable_after = None if writer.dialect.name == "sqlite" else timeout
        self._timeout = timeout
        self._calls: set[asyncio.Task[Any]] = set()

    @classmethod
    def beside(cls, other: "SqlDatabase") -> Self:
        """Another part of the same database, over the connections of `other`; closed with it."""
        part = cls(other._reader, other._writer, timeout=other._timeout, clock=other._clock)
        part._calls = other._calls
        return part

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement sees all that is committed when it starts."""
        with answering():
            async with asyncio.timeout(self._breakable_after), self._reader.connect() as connection:
                yield connection

    async def read_all(self, query: Select[Any], make: Callable[[Row[Any]], T], *, portion: int = 1000) -> list[T]:
        """`make` of every row that `query` finds, in one snapshot, however many there are.

        Rows come a `portion` at a time: they are never all in memory, other tasks get their turns between, and the
        database has `timeout` for each.
        """
        made: list[T] = []
        with answering():
            async with self._reader.connect() as connection, asyncio.timeout(self._breakable_after) as limit:
                if connection.dialect.name == "postgresql":  # a cursor lives in a transaction there
                    await connection.execution_options(isolation_level="READ COMMITTED")
                rows = await connection.stream(query)
                async for found in rows.partitions(portion):
                    made += map(make, found)
                    if self._breakable_after:
                        limit.reschedule(asyncio.get_running_loop().time() + self._breakable_after)
        return made

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits durably at the end of the block, or not at all."""
        with answering():
            async with asyncio.timeout(self._breakable_after), self._writer.begin() as connection:
                yield connection

    def start(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `call` in a task that `close` waits for."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    def now(self) -> int:
        """Microseconds since the Unix epoch."""
        return round(self._clock() * 1e6)

    async def close(self) -> None:
        """Close the connections when running calls are over."""
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._reader.dispose()
        await self._writer.dispose()
