"""The record store's part that keeps what people decide on cases, and takes it back: one transaction for all of it.

Transactions that decide take their turn first, then lock cases, then what `ruling` locks, the audit log last.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.errors import CaseNotFound
from service.review.case import SECOND_OPINIONS, CaseDecision, CaseKind, CaseState, Outcome, Ruled
from service.review.settlement import check_decidable, check_unanswered, contested_again, decision_on, undoable
from service.review.sql.cases import DECIDING, FREE, close_outdated, find_case, locked_case
from service.review.sql.rows import NOWHERE, decision_of
from service.review.sql.ruling import take_back
from service.review.sql.settling import appeal_in, same_again, settle, write_appeal
from service.storage.database import SqlDatabase, microseconds, moment, take_turns, unbroken
from service.storage.documents import listed
from service.storage.tables.records import POSTS, VERDICTS
from service.storage.tables.review import CASE_DECISIONS, CASES, DECISION_EFFECTS


class SqlDecisions(SqlDatabase):
    """`review.ports.DecisionStore`, but bulk decisions, and `DecisionLog` on SQL."""

    @unbroken
    async def decide(self, case_id: str, moderator: str, ruled: Ruled, *, seconds: float, opinion: bool) -> Outcome:
        """See `DecisionStore.decide`."""
        asked = self.now()
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            now = self.now()
            found = await locked_case(tx, case_id)
            if earlier := await same_again(tx, found, moderator, ruled):
                return Outcome(found, earlier)
            check_decidable(found, moderator, moment(asked))
            decision = decision_on(found, moderator, ruled, seconds, moment(now))
            return await settle(tx, found, decision, now, opinion=opinion)

    @unbroken
    async def undo(self, decision_id: str, moderator: str, *, within: float, seconds: float) -> Outcome:
        """See `DecisionStore.undo`."""
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            now = self.now()
            named = await find_decision(tx, decision_id) if decision_id else None
            found = undoable(await _last(tx, moderator), named, moderator, at=moment(now), within=within)
            verdicts = [] if found.undone_at else await _undo(tx, found, now, seconds)
            case = await find_case(tx, found.case) if found.case else None
            return Outcome(case, replace(found, undone_at=found.undone_at or moment(now)), tuple(verdicts))

    @unbroken
    async def find_decision(self, decision_id: str) -> CaseDecision:
        """The decision of that id. Raises `NotFound`."""
        async with self.read() as connection:
            return await find_decision(connection, decision_id)

    @unbroken
    async def decisions(self, posts: Collection[str]) -> list[CaseDecision]:
        """See `HistoryStore.decisions`."""
        async with self.read() as connection:
            named = listed(connection, posts)
            through = select(DECISION_EFFECTS.c.decision).where(DECISION_EFFECTS.c.name.in_(named))
            about = or_(CASE_DECISIONS.c.name.in_(named), CASE_DECISIONS.c.id.in_(through))
            query = select(CASE_DECISIONS).where(about, ~_awaiting()).order_by(CASE_DECISIONS.c.number.desc())
            return [decision_of(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def decided(
        self, *, since: datetime | None = None, kinds: Collection[CaseKind] = (), after: str = "", limit: int = 1000
    ) -> list[CaseDecision]:
        """See `DecisionLog.decided`."""
        query = select(CASE_DECISIONS).order_by(CASE_DECISIONS.c.number).limit(limit)
        if since:
            query = query.where(CASE_DECISIONS.c.decided_at >= microseconds(since))
        if kinds:
            query = query.where(CASE_DECISIONS.c.kind.in_(kinds))
        if after:
            number = select(CASE_DECISIONS.c.number).where(CASE_DECISIONS.c.id == after).scalar_subquery()
            query = query.where(CASE_DECISIONS.c.number > number)
        async with self.read() as connection:
            return [decision_of(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def texts(self, decision_id: str) -> dict[str, PostKey]:
        """See `DecisionLog.texts`."""
        query = select(func.min(VERDICTS.c.seq)).join(DECISION_EFFECTS, DECISION_EFFECTS.c.after_seq == VERDICTS.c.seq)
        query = query.where(DECISION_EFFECTS.c.decision == decision_id).group_by(VERDICTS.c.content_digest)
        posts = select(VERDICTS.c.content_digest, POSTS.c.name, POSTS.c.fingerprint)
        posts = posts.join(POSTS, VERDICTS.c.key == POSTS.c.key)
        async with self.read() as connection:
            rows = await connection.execute(posts.where(VERDICTS.c.seq.in_(query)).order_by(VERDICTS.c.seq))
            return {row.content_digest: PostKey(row.name, row.fingerprint) for row in rows}


async def find_decision(connection: AsyncConnection, decision_id: str) -> CaseDecision:
    """The decision of that id. Raises `NotFound`."""
    query = select(CASE_DECISIONS).where(CASE_DECISIONS.c.id == decision_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise CaseNotFound(f"there is no decisions/{decision_id}")
    return decision_of(row)


def _awaiting() -> ColumnElement[bool]:
    """Whether a second opinion is asked for on the decision, by someone who must not see it."""
    asks = CASES.c.subject == literal("decisions/").concat(CASE_DECISIONS.c.id)
    blind = and_(CASES.c.kind == CaseKind.SECOND_OPINION, CASES.c.queue != SECOND_OPINIONS)
    return exists().where(asks, blind, CASES.c.state == CaseState.OPEN)


async def _last(tx: AsyncConnection, moderator: str) -> CaseDecision | None:
    """The person's last decision in force."""
    mine = and_(CASE_DECISIONS.c.moderator == moderator, CASE_DECISIONS.c.undone_at == NOWHERE)
    query = select(CASE_DECISIONS).where(mine).order_by(CASE_DECISIONS.c.number.desc()).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return decision_of(row) if row else None


async def _undo(tx: AsyncConnection, decision: CaseDecision, now: int, seconds: float) -> list[Verdict]:
    """Take the decision back; the verdicts that are made by it."""
    await _close_what_followed(tx, decision, now)
    await _reopen(tx, decision, now, seconds)
    verdicts: list[Verdict] = await take_back(tx, decision, now) if decision.applied else []
    this = CASE_DECISIONS.c.id == decision.id
    await tx.execute(update(CASE_DECISIONS).where(this).values(undone_at=now))
    if decision.kind is CaseKind.APPEAL:
        await write_appeal(tx, contested_again(await appeal_in(tx, decision.case)))
    detail = {"decision": decision.id, "posts": len(verdicts)}
    await append(tx, now=now, actor=decision.moderator, action="case.undo", subject=decision.about, detail=detail)
    return verdicts


async def _close_what_followed(tx: AsyncConnection, decision: CaseDecision, now: int) -> None:
    """Close the case that asks for an opinion on the decision. Raises `Outdated` when one was given."""
    followed = CASES.c.subject == f"decisions/{decision.id}"
    query = select(CASES.c.state).where(followed).with_for_update()
    check_unanswered([CaseState(state) for state in (await tx.execute(query)).scalars()])
    await tx.execute(update(CASES).where(followed).values(state=CaseState.CLOSED, closed_at=now, **FREE))


async def _reopen(tx: AsyncConnection, decision: CaseDecision, now: int, seconds: float) -> None:
    """Open the cases that were decided by it, but those about erased posts; its own is held again."""
    decided = and_(CASES.c.decision == decision.id, CASES.c.fingerprint != "")
    posts = set((await tx.execute(select(CASES.c.name).where(decided))).scalars())
    values: dict[str, Any] = {"state": CaseState.OPEN, "decision": "", "closed_at": NOWHERE}
    await tx.execute(update(CASES).where(decided).values(**values, **FREE))
    own: ColumnElement[bool] = and_(CASES.c.id == decision.case, CASES.c.state == CaseState.OPEN)
    lease = {"holder": decision.moderator, "leased_at": now, "lease_until": now + round(seconds * 1e6)}
    await tx.execute(update(CASES).where(own).values(**lease))
    await close_outdated(tx, posts, now)  # some may have been edited since
