"""The record store's part that keeps what people decide on cases, and takes it back: one transaction for all of it.

Transactions that decide take their turn first, then lock cases, then what `ruling` locks, the audit log last.
"""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.errors import CaseNotFound, Outdated
from service.review.appeal import AppealState
from service.review.case import SECOND_OPINIONS, Case, CaseDecision, CaseKind, CaseState, Outcome, Ruled
from service.review.sql.cases import DECIDING, FREE, close_outdated, find_case, locked_case, must_hold
from service.review.sql.rows import NOWHERE, appeal_row, decision_of
from service.review.sql.ruling import take_back
from service.review.sql.settling import appeal_in, same_again, settle
from service.storage.database import SqlDatabase, microseconds, moment, take_turns, unbroken
from service.storage.documents import listed
from service.storage.tables.records import POSTS, VERDICTS
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS


class SqlDecisions(SqlDatabase):
    """`review.ports.DecisionStore` on SQL."""

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
            if found.state is not CaseState.OPEN:
                raise Outdated(f"{found.name} is {found.state.lower()} already; lease the next one")
            must_hold(found, moderator, asked)
            return await settle(tx, found, new_decision(found, moderator, ruled, seconds, now), now, opinion=opinion)

    @unbroken
    async def undo(self, decision_id: str, moderator: str, *, within: float, seconds: float) -> Outcome:
        """See `DecisionStore.undo`."""
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            now = self.now()
            last = await _last(tx, moderator)
            if decision_id and (last is None or last.id != decision_id):
                asked = await find_decision(tx, decision_id)
                if asked.moderator == moderator and asked.undone_at:
                    return Outcome(await find_case(tx, asked.case) if asked.case else None, asked)
                raise Outdated(f"decisions/{decision_id} is not your last decision; only the last can be undone")
            if last is None:
                raise CaseNotFound("you have no decision that could be undone")
            if now - microseconds(last.decided_at) > within * 1e6:
                minutes = round(within / 60)
                raise Outdated(f"it was decided more than {minutes} minutes ago; ask a lead to decide the post again")
            return await _undo(tx, last, now, seconds)

    @unbroken
    async def find_decision(self, decision_id: str) -> CaseDecision:
        """See `DecisionStore.find_decision`."""
        async with self.read() as connection:
            return await find_decision(connection, decision_id)

    @unbroken
    async def decisions(self, posts: Collection[str]) -> list[CaseDecision]:
        """See `DecisionStore.decisions`."""
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
        """See `DecisionStore.decided`."""
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
        """See `DecisionStore.texts`."""
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
    """Whether somebody is asked for a second opinion on the decision, and must not see it."""
    asks = CASES.c.subject == literal("decisions/").concat(CASE_DECISIONS.c.id)
    blind = and_(CASES.c.kind == CaseKind.SECOND_OPINION, CASES.c.queue != SECOND_OPINIONS)
    return exists().where(asks, blind, CASES.c.state == CaseState.OPEN)


def new_decision(found: Case, moderator: str, ruled: Ruled, seconds: float, now: int) -> CaseDecision:
    """What is decided; time spent counts from the lease where nobody says it."""
    held = (moment(now) - found.leased_at).total_seconds() if found.leased_at else 0.0
    return CaseDecision(
        id=secrets.token_hex(8),
        about=found.name,
        kind=found.kind,
        post=found.post,
        content_digest=found.content_digest,
        flagged=found.categories,
        subject=found.subject,
        moderator=moderator,
        decision=ruled.decision,
        categories=ruled.categories,
        reason=ruled.reason,
        rationale=ruled.rationale,
        scope=ruled.scope,
        decided_at=moment(now),
        seconds=seconds or max(0.0, held),
    )


async def _last(tx: AsyncConnection, moderator: str) -> CaseDecision | None:
    """The person's last decision that stands."""
    mine = and_(CASE_DECISIONS.c.moderator == moderator, CASE_DECISIONS.c.undone_at == NOWHERE)
    query = select(CASE_DECISIONS).where(mine).order_by(CASE_DECISIONS.c.number.desc()).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return decision_of(row) if row else None


async def _undo(tx: AsyncConnection, decision: CaseDecision, now: int, seconds: float) -> Outcome:
    await _close_what_followed(tx, decision, now)
    await _reopen(tx, decision, now, seconds)
    verdicts: list[Verdict] = await take_back(tx, decision, now) if decision.applied else []
    this = CASE_DECISIONS.c.id == decision.id
    await tx.execute(update(CASE_DECISIONS).where(this).values(undone_at=now))
    if decision.kind is CaseKind.APPEAL:
        await _contested_again(tx, decision)
    detail = {"decision": decision.id, "posts": len(verdicts)}
    await append(tx, now=now, actor=decision.moderator, action="case.undo", subject=decision.about, detail=detail)
    case = await find_case(tx, decision.case) if decision.case else None
    return Outcome(case, replace(decision, undone_at=moment(now)), tuple(verdicts))


async def _contested_again(tx: AsyncConnection, decision: CaseDecision) -> None:
    """Open the appeal that was decided."""
    appeal = await appeal_in(tx, decision.case)
    opened = replace(
        appeal,
        state=AppealState.OPEN,
        decider="",
        decision=None,
        categories=(),
        reason="",
        rationale="",
        decided_at=None,
    )
    await tx.execute(update(APPEALS).where(APPEALS.c.id == appeal.id).values(appeal_row(opened)))


async def _close_what_followed(tx: AsyncConnection, decision: CaseDecision, now: int) -> None:
    """Close the case that asks for an opinion on the decision. Raises `Conflict` when somebody gave theirs."""
    followed = CASES.c.subject == f"decisions/{decision.id}"
    query = select(CASES.c.state).where(followed).with_for_update()
    if CaseState.DECIDED in set((await tx.execute(query)).scalars()):
        raise Outdated("somebody has given a second opinion on it since; ask a lead to decide the post again")
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
