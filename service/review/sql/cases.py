"""The record store's part that keeps cases and who holds them.

A case is held by whose name is in it, until `lease_until`. Leases are taken by rows that are locked as they
are found and skipped where another transaction has them (PostgreSQL), or by one writer at a time (SQLite): two
people never hold one case.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.decision import Decision
from service.domain.post import PostKey
from service.errors import CaseNotFound, NotAllowed
from service.policy.routing import SEVERE
from service.review.case import Case, CaseFilter, CaseKind, CaseState, QueueState
from service.review.holding import free_of_others, must_hold
from service.review.settlement import DECIDED_ALONG
from service.review.sql.rows import NOWHERE, case_of, case_row, free_for, joined, named_in, narrowed
from service.storage.database import SqlDatabase, moment, take_turns, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.records import NAMES, POSTS, VERDICTS, row_key
from service.storage.tables.review import CASES, NOTES

DECIDING = "decisions"
"""The turn that is taken by whatever decides, so that no two people decide about one text at a time."""

_OPEN = CASES.c.state == CaseState.OPEN
_URGENT = CASES.c.rank, CASES.c.opened_at, CASES.c.id
_SWEPT, _LOOKED_BACK = 200, 30 * 86_400_000_000  # cases at a time; microseconds
FREE: dict[str, Any] = {"holder": "", "leased_at": NOWHERE, "lease_until": NOWHERE}
"""Values of a case that no one holds."""


class SqlCases(SqlDatabase):
    """`review.ports.CaseStore` on SQL."""

    @unbroken
    async def open_cases(self, cases: Sequence[Case]) -> list[bool]:
        """See `CaseOpener.open_cases`."""
        if not cases:
            return []
        async with self.write() as tx:
            if any(each.kind is CaseKind.REVIEW for each in cases):
                await take_turns(tx, DECIDING)
            asking = await _asking(tx, [each for each in cases if each.kind is CaseKind.REVIEW])
            due = [each for each in cases if each.kind is not CaseKind.REVIEW or row_key(each.post) in asking]
            opened = await insert_cases(tx, due)
        return [each.id in opened for each in cases]

    @unbroken
    async def open_held(self, case: Case, moderator: str, *, seconds: float) -> Case:
        """See `CaseStore.open_held`."""
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            now = self.now()
            new = await insert_cases(tx, [case])
            this = CASES.c.kind == case.kind, CASES.c.key == row_key(case.post), CASES.c.subject == case.subject
            found = await locked_case(tx, (await tx.execute(select(CASES.c.id).where(*this))).scalar_one())
            if found.state is not CaseState.OPEN or not free_of_others(found, moderator, moment(now)):
                must_hold(found, moderator, moment(now))
            lease = {"holder": moderator, "leased_at": now, "lease_until": now + round(seconds * 1e6)}
            await _set(tx, [found.id], **lease)
            if new:
                detail = {"post": found.post.name}
                await append(tx, now=now, actor=moderator, action="case.open", subject=found.name, detail=detail)
            return await find_case(tx, found.id)

    @unbroken
    async def abandoned(self) -> list[PostKey]:
        """See `OpeningStore.abandoned`."""
        tables = CASES.join(NAMES, NAMES.c.key == CASES.c.key).join(POSTS, POSTS.c.key == CASES.c.key)
        tables = tables.join(VERDICTS, VERDICTS.c.seq == POSTS.c.decided_seq)
        query = select(CASES.c.name, CASES.c.fingerprint).select_from(tables).limit(_SWEPT)
        query = query.where(CASES.c.state == CaseState.CLOSED, CASES.c.decision == "", CASES.c.kind == CaseKind.REVIEW)
        since = self.now() - _LOOKED_BACK
        async with self.read() as connection:
            rows = await connection.execute(
                query.where(CASES.c.closed_at > since, VERDICTS.c.decision == Decision.REVIEW)
            )
            return [PostKey(row.name, row.fingerprint) for row in rows]

    @unbroken
    async def close_outdated(self, posts: Collection[str]) -> int:
        """See `OpeningStore.close_outdated`."""
        async with self.read() as connection:  # hardly ever is there one, and no one need wait for a write then
            if not (await connection.execute(select(CASES.c.id).where(_outdated(connection, posts)).limit(1))).first():
                return 0
        async with self.write() as tx:
            return await close_outdated(tx, posts, self.now())

    @unbroken
    async def lease(
        self, moderator: str, only: CaseFilter, *, seconds: float, limit: int = 1, spare: int = 0
    ) -> list[Case]:
        """See `CaseStore.lease`."""
        now = self.now()
        until = now + round(seconds * 1e6)
        async with self.write() as tx:
            held = (await _held(tx, only, moderator, now))[:limit]
            rest = limit - len(held)
            if rest and spare:
                rest = min(rest, max(0, await _waiting(tx, only, rest + spare, free_for(moderator, now)) - spare))
            free = await _most_urgent(tx, only, rest, free_for(moderator, now)) if rest else []
            if held:
                await _set(tx, [each.id for each in held], lease_until=until)
                held = await _begun(tx, held, now)
            if free:
                await _set(tx, [each.id for each in free], holder=moderator, leased_at=now, lease_until=until)
        mine = [replace(each, leased_at=moment(now)) for each in free]
        return [replace(each, holder=moderator, lease_until=moment(until)) for each in (*held, *mine)]

    @unbroken
    async def extend(self, case_id: str, moderator: str, *, seconds: float) -> Case:
        """See `CaseStore.extend`."""
        async with self.write() as tx:
            held = await held_case(tx, case_id, moderator, self.now())
            until = self.now() + round(seconds * 1e6)
            await _set(tx, [case_id], lease_until=until)
        return replace(held, lease_until=moment(until))

    @unbroken
    async def hand_over(self, case_id: str, moderator: str, to: str, note: str, *, seconds: float) -> Case:
        """See `CaseStore.hand_over`. The note is kept as one on the case."""
        now = self.now()
        until = now + round(seconds * 1e6)
        async with self.write() as tx:
            held = await held_case(tx, case_id, moderator, now)
            if to in held.barred:
                raise NotAllowed(
                    f"{to} may not hold {held.name}: another moderator must decide it; choose another colleague"
                )
            values = {"holder": to, "leased_at": now, "lease_until": until} if to else FREE
            await _set(tx, [case_id], **values)
            if note:
                kept = {"about": held.name, "moderator": moderator, "text": note, "written_at": now, "request_id": ""}
                await tx.execute(NOTES.insert().values(kept))
            await append(tx, now=now, actor=moderator, action="case.hand_over", subject=held.name, detail={"to": to})
            return await find_case(tx, case_id)

    @unbroken
    async def skip(self, case_id: str, moderator: str, reason: str) -> None:
        """See `CaseStore.skip`. The reason is in the audit log."""
        now = self.now()
        async with self.write() as tx:
            found = await locked_case(tx, case_id)
            if moderator in found.skipped and found.holder != moderator:
                return
            must_hold(found, moderator, moment(now))
            skipped = joined({*found.skipped, moderator})
            await _set(tx, [case_id], skipped=skipped, **FREE)
            detail = {"reason": reason}
            await append(tx, now=now, actor=moderator, action="case.skip", subject=found.name, detail=detail)

    @unbroken
    async def find_case(self, case_id: str) -> Case:
        """See `CaseStore.find_case`."""
        async with self.read() as connection:
            return await find_case(connection, case_id)

    @unbroken
    async def cases(self, only: CaseFilter, *, after: str, limit: int) -> list[Case]:
        """See `CaseStore.cases`."""
        states = only.states or tuple(CaseState)
        conditions = [*narrowed(only), *([CASES.c.queue.in_(only.queues)] if only.queues else [])]
        if only.moderator:
            conditions.append(_touched_by(only.moderator, self.now()))
        async with self.read() as connection:
            last = await find_case(connection, after) if after else None
            found: list[Case] = []
            if CaseState.OPEN in states and (last is None or last.state is CaseState.OPEN):
                found += await _open_page(connection, conditions, last, limit)
            closed = [state for state in states if state is not CaseState.OPEN]
            if closed and len(found) < limit:
                behind = last if last and last.state is not CaseState.OPEN else None
                found += await _closed_page(
                    connection, [*conditions, CASES.c.state.in_(closed)], behind, limit - len(found)
                )
        return found

    @unbroken
    async def queues(self) -> list[QueueState]:
        """See `CaseStore.queues`."""
        waiting = select(
            CASES.c.queue,
            func.count().label("open"),
            func.sum(case((CASES.c.severity >= SEVERE, 1), else_=0)).label("severe"),
            func.min(CASES.c.opened_at).label("oldest"),
        )
        waiting = waiting.where(_OPEN).group_by(CASES.c.queue).order_by(CASES.c.queue)
        held = select(CASES.c.queue).where(_OPEN, CASES.c.lease_until > self.now(), CASES.c.leased_at > NOWHERE)
        async with self.read() as connection:
            rows = (await connection.execute(waiting)).all()
            holding = Counter((await connection.execute(held)).scalars())
        return [
            QueueState(
                queue=row.queue,
                open=row.open,
                held=min(row.open, holding[row.queue]),
                severe=row.severe,
                oldest_at=moment(row.oldest),
            )
            for row in rows
        ]


async def insert_cases(tx: AsyncConnection, cases: Sequence[Case]) -> set[str]:
    """Insert cases unless there is one of the kind, post version and subject; ids of those opened.

    A review that was closed without a decision, since its version was edited, is opened again: the edit was taken back.
    """
    if not cases:
        return set()
    asked = {(each.kind, row_key(each.post), each.subject): each for each in reversed(cases)}
    statement = insert(tx, CASES, sorted(map(case_row, asked.values()), key=lambda row: str(row["key"])))
    again = {"state": CaseState.OPEN, "closed_at": NOWHERE, "opened_at": statement.excluded.opened_at, **FREE}
    abandoned = and_(CASES.c.kind == CaseKind.REVIEW, CASES.c.state == CaseState.CLOSED, CASES.c.decision == "")
    once = [CASES.c.kind, CASES.c.key, CASES.c.subject]
    statement = statement.on_conflict_do_update(index_elements=once, set_=again, where=abandoned)
    opened = await tx.execute(statement.returning(*once))
    return {asked[CaseKind(row.kind), row.key, row.subject].id for row in opened}


async def decide_along(tx: AsyncConnection, decision_id: str, posts: ColumnElement[bool], now: int) -> None:
    """Decide the open cases along that `posts` holds for."""
    along = and_(posts, _OPEN, CASES.c.kind.in_(DECIDED_ALONG))
    values = {"state": CaseState.DECIDED, "decision": decision_id, "closed_at": now}
    await tx.execute(update(CASES).where(along).values(**values, **FREE))


async def close_outdated(tx: AsyncConnection, posts: Collection[str], now: int) -> int:
    """Close the open cases on versions of these posts (names) that are not the current ones; how many."""
    closed = {"state": CaseState.CLOSED, "closed_at": now, **FREE}
    return (await tx.execute(update(CASES).where(_outdated(tx, posts)).values(**closed))).rowcount


def _outdated(connection: AsyncConnection, posts: Collection[str]) -> ColumnElement[bool]:
    current = exists().where(NAMES.c.name == CASES.c.name, NAMES.c.key == CASES.c.key)
    named = CASES.c.name.in_(listed(connection, posts))
    return and_(named, _OPEN, CASES.c.kind.in_(DECIDED_ALONG), ~current)


async def find_case(connection: AsyncConnection, case_id: str) -> Case:
    """The case of that id. Raises `NotFound`."""
    row = (await connection.execute(select(CASES).where(CASES.c.id == case_id))).mappings().one_or_none()
    if row is None:
        raise CaseNotFound(f"there is no cases/{case_id}; ListCases lists what there is")
    return case_of(row)


async def locked_case(tx: AsyncConnection, case_id: str) -> Case:
    """The case of that id, for `tx` alone to change. Raises `NotFound`."""
    row = (await tx.execute(select(CASES).where(CASES.c.id == case_id).with_for_update())).mappings().one_or_none()
    if row is None:
        raise CaseNotFound(f"there is no cases/{case_id}; ListCases lists what there is")
    return case_of(row)


async def held_case(tx: AsyncConnection, case_id: str, moderator: str, now: int) -> Case:
    """The case, if that person holds it, for `tx` alone to change. Raises `NotFound`, `NotHeld`."""
    found = await locked_case(tx, case_id)
    must_hold(found, moderator, moment(now))
    return found


async def _most_urgent(tx: AsyncConnection, only: CaseFilter, limit: int, *which: ColumnElement[bool]) -> list[Case]:
    """Open cases in their order, locked, past those that other transactions have locked."""
    query = select(CASES).where(_OPEN, *narrowed(only), *which).order_by(*_URGENT).limit(limit)
    queries = _by_queue(tx, only, query.with_for_update(skip_locked=True))
    return _in_order([case_of(row) for each in queries for row in (await tx.execute(each)).mappings()])[:limit]


async def _waiting(tx: AsyncConnection, only: CaseFilter, most: int, *which: ColumnElement[bool]) -> int:
    """How many open cases there are, as far as `most`: no more are looked at."""
    query = select(CASES.c.id).where(_OPEN, *narrowed(only), *which).order_by(*_URGENT).limit(most)
    return min(most, sum([len((await tx.execute(each)).all()) for each in _by_queue(tx, only, query)]))


def _by_queue(tx: AsyncConnection, only: CaseFilter, query: Select[Any]) -> list[Select[Any]]:
    """The query for the filter's queues; on SQLite one for each: of several it would sort all cases there are."""
    if only.queues and tx.dialect.name == "sqlite":
        return [query.where(CASES.c.queue == queue) for queue in sorted(set(only.queues))]
    return [query.where(CASES.c.queue.in_(only.queues))] if only.queues else [query]


async def _held(tx: AsyncConnection, only: CaseFilter, moderator: str, now: int) -> list[Case]:
    """What the person holds, most urgent first; sorted here, or SQLite would look for it among all open cases."""
    theirs = CASES.c.holder == moderator, CASES.c.lease_until > now, *narrowed(only)
    query = select(CASES).where(_OPEN, *theirs, *([CASES.c.queue.in_(only.queues)] if only.queues else []))
    rows = (await tx.execute(query.with_for_update(skip_locked=True))).mappings()
    return _in_order(map(case_of, rows))


async def _begun(tx: AsyncConnection, held: Sequence[Case], now: int) -> list[Case]:
    """What a moderator holds; a case that was only kept for them is leased from `now` on."""
    kept = [each.id for each in held if not each.leased_at]
    if kept:
        await _set(tx, kept, leased_at=now)
    return [replace(each, leased_at=each.leased_at or moment(now)) for each in held]


def _in_order(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda each: (-each.priority, each.opened_at, each.id))


async def _set(tx: AsyncConnection, ids: Sequence[str], **values: Any) -> None:
    await tx.execute(update(CASES).where(CASES.c.id.in_(listed(tx, ids))).values(**values))


async def _asking(tx: AsyncConnection, cases: Sequence[Case]) -> set[str]:
    """The row keys of those cases' posts whose current verdict, on their current version, asks for a person."""
    if not cases:
        return set()
    named = select(NAMES.c.key).where(NAMES.c.name == POSTS.c.name).scalar_subquery()
    query = select(POSTS.c.key).join(VERDICTS, VERDICTS.c.seq == POSTS.c.decided_seq)
    query = query.where(POSTS.c.key.in_(listed(tx, [row_key(each.post) for each in cases])), POSTS.c.key == named)
    return set((await tx.execute(query.where(VERDICTS.c.decision == Decision.REVIEW))).scalars())


def _touched_by(moderator: str, now: int) -> ColumnElement[bool]:
    """Whether that person holds the case, or skipped it; cases they decided keep their name as holder."""
    holding = and_(CASES.c.holder == moderator, CASES.c.lease_until > now, CASES.c.leased_at > NOWHERE)
    decided = and_(CASES.c.holder == moderator, CASES.c.state == CaseState.DECIDED)
    return holding | decided | named_in(CASES.c.skipped, moderator)


async def _open_page(
    connection: AsyncConnection, conditions: Sequence[ColumnElement[bool]], last: Case | None, limit: int
) -> list[Case]:
    query = select(CASES).where(_OPEN, *conditions).order_by(*_URGENT).limit(limit)
    if last:
        row = case_row(last)
        query = query.where(tuple_(*_URGENT) > tuple_(*(row[column.name] for column in _URGENT)))
    return [case_of(row) for row in (await connection.execute(query)).mappings()]


async def _closed_page(
    connection: AsyncConnection, conditions: Sequence[ColumnElement[bool]], last: Case | None, limit: int
) -> list[Case]:
    order = CASES.c.closed_at, CASES.c.id
    query = select(CASES).where(*conditions).order_by(*(column.desc() for column in order)).limit(limit)
    if last:
        row = case_row(last)
        query = query.where(tuple_(*order) < tuple_(*(row[column.name] for column in order)))
    return [case_of(row) for row in (await connection.execute(query)).mappings()]
