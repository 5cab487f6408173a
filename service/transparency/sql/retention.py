"""Deletes records that are older than their kind is kept, in transactions of a bounded size.

One front at a time does it on PostgreSQL; on SQLite, where all fronts are on one machine, several may, to no harm.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append, start_of
from service.storage.database import SqlDatabase, microseconds, take_turns, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.audit import AUDIT, AUDIT_START
from service.storage.tables.records import CONFIRMATIONS, NAMES, POSTS, REQUESTS
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS, NOTES
from service.storage.tables.webhooks import EVENTS
from service.transparency.retention import Kind
from service.transparency.sql.due import DUE
from service.transparency.sql.forgetting import forget

_AUDIT_BATCHES = 100  # every batch of the audit log leaves an entry there: they are large
_Drop = Callable[[AsyncConnection, Sequence[str]], Awaitable[int]]


class SqlRetention(SqlDatabase):
    """`transparency.retention.RetentionStore` on SQL."""

    @unbroken
    async def due(self, kind: Kind, before: datetime) -> int:
        """See `RetentionStore.due`."""
        query = select(func.count()).select_from(DUE[kind](microseconds(before)).subquery())
        async with self.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    @unbroken
    async def drop(self, kind: Kind, before: datetime, limit: int) -> int | None:
        """See `RetentionStore.drop`."""
        async with self.write() as tx:
            if not await _my_turn(tx):
                return None
            if kind is Kind.AUDIT:
                return await self._trim(tx, microseconds(before), limit * _AUDIT_BATCHES)
            ids = list((await tx.execute(DUE[kind](microseconds(before)).limit(limit))).scalars())
            return await _DROP[kind](tx, ids) if ids else 0

    async def _trim(self, tx: AsyncConnection, before: int, limit: int) -> int:
        """Let the log begin later; it records that, and where it began."""
        await take_turns(tx, "audit")
        start = await start_of(tx)
        kept = select(func.min(AUDIT.c.number)).where(AUDIT.c.at >= before).scalar_subquery()
        query = select(AUDIT.c.number, AUDIT.c.digest).where(
            AUDIT.c.at < before, AUDIT.c.number <= start.number + limit
        )
        query = query.where(AUDIT.c.number < func.coalesce(kept, AUDIT.c.number + 1))
        last = (await tx.execute(query.order_by(AUDIT.c.number.desc()).limit(1))).one_or_none()
        if last is None:
            return 0
        statement = insert(tx, AUDIT_START, [{"id": 1, "number": last.number, "digest": last.digest}])
        await tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=statement.excluded))
        gone = (await tx.execute(delete(AUDIT).where(AUDIT.c.number <= last.number))).rowcount
        detail = {"up_to": last.number, "digest": last.digest, "entries": gone}
        await append(tx, now=self.now(), actor="system", action="audit.trim", subject="audit", detail=detail)
        return gone


async def _my_turn(tx: AsyncConnection) -> bool:
    """Whether no other front is deleting records; it is this transaction's turn then."""
    if tx.dialect.name != "postgresql":
        return True
    turn = func.pg_try_advisory_xact_lock(func.hashtextextended("assay.retention", 0))
    return bool((await tx.execute(select(turn))).scalar_one())


async def _drop_posts(tx: AsyncConnection, keys: Sequence[str]) -> int:
    """The posts with their verdicts, and notes on those of which there is no other version."""
    names = list((await tx.execute(select(POSTS.c.name).where(POSTS.c.key.in_(listed(tx, keys))))).scalars())
    gone = await forget(tx, keys)
    nameless = NOTES.c.about.in_(listed(tx, names)) & NOTES.c.about.not_in(select(NAMES.c.name))
    await _delete(tx, NOTES, nameless)
    return gone[POSTS.name]


async def _drop_cases(tx: AsyncConnection, ids: Sequence[str]) -> int:
    """The cases with what was decided in them, and notes on them. Decisions on a text stay in force."""
    about = listed(tx, [f"cases/{each}" for each in ids])
    decisions = select(CASE_DECISIONS.c.id).where(CASE_DECISIONS.c.about.in_(about))
    await _delete(tx, DECISION_EFFECTS, DECISION_EFFECTS.c.decision.in_(decisions))
    await _delete(tx, CASE_DECISIONS, CASE_DECISIONS.c.about.in_(about))
    await _delete(tx, NOTES, NOTES.c.about.in_(about))
    return await _delete(tx, CASES, CASES.c.id.in_(listed(tx, ids)))


async def _delete(tx: AsyncConnection, table: Table, which: ColumnElement[bool]) -> int:
    return (await tx.execute(delete(table).where(which))).rowcount


def _of(table: Table, column: ColumnElement[Any]) -> _Drop:
    """Deletes the rows of the table by that column's value."""

    async def drop(tx: AsyncConnection, ids: Sequence[str]) -> int:
        return await _delete(tx, table, column.in_(listed(tx, ids)))

    return drop


_DROP: Mapping[Kind, _Drop] = {
    Kind.ALLOWED: _drop_posts,
    Kind.FLAGGED: _drop_posts,
    Kind.CASES: _drop_cases,
    Kind.APPEALS: _of(APPEALS, APPEALS.c.id),
    Kind.DELIVERIES: _of(EVENTS, EVENTS.c.id),
    Kind.REQUESTS: _of(REQUESTS, REQUESTS.c.request_id),
    Kind.CONFIRMATIONS: _of(CONFIRMATIONS, CONFIRMATIONS.c.post),
}
