"""The audit log on SQL: entries are appended in the transaction of what they record, and never changed."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.chain import ChainCheck, ChainReport
from service.audit.entry import AuditEntry, AuditFilter, Head, chained
from service.storage.database import SqlDatabase, microseconds, moment, take_turns, unbroken
from service.storage.tables.audit import AUDIT, AUDIT_START

_LAST = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(1)
_START = select(AUDIT_START.c.number, AUDIT_START.c.digest)
_PORTION = 1000


async def append(
    tx: AsyncConnection, *, now: int, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Append an entry in `tx`, at `now` (microseconds since the epoch), as the last thing that `tx` locks.

    Entries are written by one transaction at a time, so that each knows the one before it.
    """
    await take_turns(tx, "audit")
    last = (await tx.execute(_LAST)).mappings().one_or_none()
    before = entry_of(last) if last else await start_of(tx)
    entry = chained(before, at=moment(now), actor=actor, action=action, subject=subject, detail=dict(detail or {}))
    await tx.execute(AUDIT.insert().values(_row(entry)))
    return entry


async def start_of(connection: AsyncConnection) -> Head:
    """The last entry that retention deleted."""
    row = (await connection.execute(_START)).one_or_none()
    return Head(row.number, row.digest) if row else Head()


def entry_of(row: RowMapping) -> AuditEntry:
    """The entry in a row of AUDIT."""
    return AuditEntry(**{**row, "at": moment(row["at"])})


class SqlAudit(SqlDatabase):
    """`transparency.ports.AuditLog` on SQL."""

    @unbroken
    async def append(
        self, *, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        """See `AuditLog.append`."""
        async with self.write() as tx:
            return await append(tx, now=self.now(), actor=actor, action=action, subject=subject, detail=detail)

    @unbroken
    async def page(self, only: AuditFilter, *, before: int | None, limit: int) -> list[AuditEntry]:
        """See `AuditLog.page`."""
        query = _narrow(select(AUDIT), only).order_by(AUDIT.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(AUDIT.c.number < before)
        async with self.read() as connection:
            return [entry_of(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def head(self) -> Head:
        """See `AuditLog.head`."""
        async with self.read() as connection:
            row = (await connection.execute(_LAST)).one_or_none()
            return Head(row.number, row.digest) if row else await start_of(connection)

    async def verify(self, expect: str = "") -> ChainReport:
        """See `AuditLog.verify`. Reads a portion at a time, up to the last entry that there is as it begins."""
        async with self.read() as connection:
            start = await start_of(connection)
        check = ChainCheck(start, expect)
        async for entry in self._entries():
            check.take(entry)
            if check.over:
                break
        return check.report()

    async def _entries(self) -> AsyncIterator[AuditEntry]:
        async with self.read() as connection:
            newest = (await connection.execute(select(func.coalesce(func.max(AUDIT.c.number), 0)))).scalar_one()
        reached = None
        while portion := await self._portion(reached, newest):
            for entry in portion:
                yield entry
            reached = portion[-1].number

    @unbroken
    async def _portion(self, reached: int | None, newest: int) -> list[AuditEntry]:
        query = select(AUDIT).where(AUDIT.c.number <= newest).order_by(AUDIT.c.number).limit(_PORTION)
        if reached is not None:
            query = query.where(AUDIT.c.number > reached)
        async with self.read() as connection:
            return [entry_of(row) for row in (await connection.execute(query)).mappings()]


def _narrow(query: Select[Any], only: AuditFilter) -> Select[Any]:
    """`query` on AUDIT with the filter's conditions."""
    if only.actor:
        query = query.where(AUDIT.c.actor == only.actor)
    if only.action.endswith("."):
        query = query.where(AUDIT.c.action.startswith(only.action, autoescape=True))
    elif only.action:
        query = query.where(AUDIT.c.action == only.action)
    if only.subject:
        query = query.where(AUDIT.c.subject == only.subject)
    if only.start:
        query = query.where(AUDIT.c.at >= microseconds(only.start))
    if only.end:
        query = query.where(AUDIT.c.at < microseconds(only.end))
    return query


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": microseconds(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": dict(entry.detail),
        "previous": entry.previous,
        "digest": entry.digest,
    }
