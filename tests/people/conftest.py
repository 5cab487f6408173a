"""People on SQLite, with a clock that the test moves and passwords that are hashed quickly."""

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from service.audit.entry import AuditEntry
from service.audit.sql import entry_of
from service.people.argon2_hasher import Argon2Hasher
from service.people.directory import Directory
from service.people.sign_in import SignIn
from service.people.sql.accounts import SqlPeople
from service.people.sql.sessions import SqlSessions
from service.records.sql.store import SqlStore
from service.storage.tables.audit import AUDIT
from tests.fakes.clock import Clock


class People:
    """The use cases, and the stores under them."""

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self.clock = clock
        self.hasher = Argon2Hasher(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        self.store, self.sessions = SqlPeople.beside(store), SqlSessions.beside(store)
        self.directory = Directory(self.store, self.hasher, now=clock.now)
        self.sign_in = SignIn(self.store, self.sessions, self.hasher, now=clock.now)

    async def log(self) -> list[AuditEntry]:
        """The audit log."""
        async with self.store.read() as connection:
            rows = await connection.execute(select(AUDIT).order_by(AUDIT.c.number))
            return [entry_of(row) for row in rows.mappings()]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def people(sqlite_url: str, clock: Clock) -> AsyncIterator[People]:
    """Nobody yet."""
    store = await SqlStore.connect(sqlite_url, clock=clock)
    yield People(store, clock)
    await store.close()
