"""Sessions and attempts to sign in, on SQL: `people.ports.SessionStore`. New ones sweep those that have ended."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.people.person import NOBODY, Session
from service.people.sql.accounts import person_of
from service.storage.database import SqlDatabase, moment, take_turns, unbroken
from service.storage.documents import insert
from service.storage.tables.people import PEOPLE, SESSIONS, SIGN_IN_FLOWS, SIGN_IN_TRIES

_SECOND = 1_000_000
_FIRST_LOCK, _LONGEST_LOCK = 15 * _SECOND, 3600 * _SECOND
_FORGET = 2 * _LONGEST_LOCK
_NOTE_USE = 60 * _SECOND  # a session's use is stored this often at most, not for every page


class SqlSessions(SqlDatabase):
    """Sessions on SQL."""

    @unbroken
    async def begin(self, digest: str, person_id: str, *, lasts: timedelta) -> None:
        """See `people.ports.SessionStore.begin`."""
        now = self.now()
        async with self.write() as tx:
            await tx.execute(delete(SESSIONS).where(SESSIONS.c.ends_at <= now))
            row = {"digest": digest, "person": person_id, "started_at": now, "seen_at": now}
            await tx.execute(SESSIONS.insert().values(ends_at=now + _microseconds(lasts), **row))
            await tx.execute(update(PEOPLE).where(PEOPLE.c.id == person_id).values(signed_in_at=now))
            await append(tx, now=now, actor=person_id, action="person.sign_in", subject=f"people/{person_id}")

    @unbroken
    async def session(self, digest: str, *, idle: timedelta, used: bool = True) -> Session | None:
        """See `people.ports.SessionStore.session`."""
        now = self.now()
        query = select(PEOPLE, SESSIONS).join(PEOPLE, PEOPLE.c.id == SESSIONS.c.person)
        query = query.where(SESSIONS.c.digest == digest, SESSIONS.c.ends_at > now, PEOPLE.c.disabled.is_(False))
        query = query.where(SESSIONS.c.seen_at > now - _microseconds(idle))
        async with self.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if used and row.seen_at < now - min(_NOTE_USE, _microseconds(idle) // 4):
            async with self.write() as tx:
                await tx.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen_at=now))
        return Session(
            digest=digest, person=person_of(row), started_at=moment(row.started_at), ends_at=moment(row.ends_at)
        )

    @unbroken
    async def end(self, digest: str) -> None:
        """See `people.ports.SessionStore.end`."""
        async with self.write() as tx:
            ended = delete(SESSIONS).where(SESSIONS.c.digest == digest).returning(SESSIONS.c.person)
            person_id = (await tx.execute(ended)).scalar_one_or_none()
            if person_id is not None:
                subject = f"people/{person_id}"
                await append(tx, now=self.now(), actor=person_id, action="person.sign_out", subject=subject)

    @unbroken
    async def fail(self, keys: Mapping[str, int]) -> timedelta:
        """See `people.ports.SessionStore.fail`."""
        async with self.write() as tx:
            await take_turns(tx, "sign-in")
            now = self.now()  # read only now, at our turn: others may have failed meanwhile
            await tx.execute(delete(SIGN_IN_TRIES).where(SIGN_IN_TRIES.c.last_at <= now - _FORGET))
            counts = await _failures(tx, keys)
            waits = [last_at + _lock(failures - keys[key]) - now for key, (failures, last_at) in counts.items()]
            if any(wait > 0 for wait in waits):
                return timedelta(microseconds=max(waits))
            rows = [{"key": key, "failures": counts.get(key, (0, 0))[0] + 1, "last_at": now} for key in keys]
            statement = insert(tx, SIGN_IN_TRIES, rows)
            key = [SIGN_IN_TRIES.c.key]
            await tx.execute(statement.on_conflict_do_update(index_elements=key, set_=statement.excluded))
        return timedelta()

    @unbroken
    async def refuse(self, person_id: str) -> None:
        """See `people.ports.SessionStore.refuse`."""
        async with self.write() as tx:
            subject = f"people/{person_id}"
            await append(tx, now=self.now(), actor=NOBODY, action="person.sign_in_refused", subject=subject)

    @unbroken
    async def succeed(self, *, clear: str, forgive: str) -> None:
        """See `people.ports.SessionStore.succeed`."""
        async with self.write() as tx:
            await take_turns(tx, "sign-in")
            await tx.execute(delete(SIGN_IN_TRIES).where(SIGN_IN_TRIES.c.key == clear))
            fewer = update(SIGN_IN_TRIES).where(SIGN_IN_TRIES.c.key == forgive, SIGN_IN_TRIES.c.failures > 0)
            await tx.execute(fewer.values(failures=SIGN_IN_TRIES.c.failures - 1))

    @unbroken
    async def keep_flow(self, digest: str, body: Mapping[str, str], *, lasts: timedelta) -> None:
        """See `people.ports.SessionStore.keep_flow`."""
        now = self.now()
        async with self.write() as tx:
            await tx.execute(delete(SIGN_IN_FLOWS).where(SIGN_IN_FLOWS.c.ends_at <= now))
            row = {"digest": digest, "body": dict(body), "ends_at": now + _microseconds(lasts)}
            await tx.execute(SIGN_IN_FLOWS.insert().values(row))

    @unbroken
    async def take_flow(self, digest: str) -> Mapping[str, str] | None:
        """See `people.ports.SessionStore.take_flow`."""
        taken = delete(SIGN_IN_FLOWS).where(SIGN_IN_FLOWS.c.digest == digest)
        async with self.write() as tx:
            row = (await tx.execute(taken.returning(SIGN_IN_FLOWS.c.body, SIGN_IN_FLOWS.c.ends_at))).one_or_none()
        return None if row is None or row.ends_at <= self.now() else row.body


async def _failures(tx: AsyncConnection, keys: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    rows = await tx.execute(select(SIGN_IN_TRIES).where(SIGN_IN_TRIES.c.key.in_(list(keys))))
    return {row.key: (row.failures, row.last_at) for row in rows}


def _lock(past: int) -> int:
    """For how long a key is locked after its last failure, `past` failures after the last that was free."""
    return 0 if past < 0 else min(_FIRST_LOCK << min(past, 30), _LONGEST_LOCK)


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
