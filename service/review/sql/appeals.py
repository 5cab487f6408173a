"""The record store's part that keeps appeals. Each is decided in a case that its first decider may not hold."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.verdict import Verdict
from service.errors import AppealExists, AppealNotFound, Conflict
from service.review.appeal import Appeal, AppealState
from service.review.case import Case, CaseDecision, Outcome, Ruled
from service.review.settlement import check_appeal_decidable, decision_on
from service.review.sql.cases import DECIDING, insert_cases, locked_case
from service.review.sql.rows import NOWHERE, appeal_of, appeal_row, decision_of
from service.review.sql.settling import same_again, settle
from service.storage.database import SqlDatabase, moment, take_turns, unbroken
from service.storage.documents import listed
from service.storage.tables.review import APPEALS, CASE_DECISIONS, DECISION_EFFECTS


class SqlAppeals(SqlDatabase):
    """`review.ports.AppealStore` on SQL."""

    @unbroken
    async def open_appeal(self, appeal: Appeal, case: Case, *, request_id: str = "") -> Appeal:
        """See `AppealStore.open_appeal`."""
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            if request_id and (earlier := await _opened(tx, appeal, request_id)):
                return earlier
            contested = (await tx.execute(select(APPEALS.c.id).where(APPEALS.c.seq == appeal.sequence))).first()
            if contested:
                raise AppealExists(f"this decision on {appeal.post.name} is contested in appeals/{contested.id}")
            await tx.execute(APPEALS.insert().values(**appeal_row(appeal), request_id=request_id))
            await insert_cases(tx, [case])
            detail = {"post": appeal.post.name, "contested": appeal.contested.value, "case": case.id}
            now = self.now()
            await append(tx, now=now, actor="platform", action="appeal.open", subject=appeal.name, detail=detail)
        return appeal

    @unbroken
    async def find_appeal(self, appeal_id: str) -> Appeal:
        """See `AppealStore.find_appeal`."""
        async with self.read() as connection:
            return await _find(connection, appeal_id)

    @unbroken
    async def appeals(self, states: Collection[AppealState], *, after: str, limit: int) -> list[Appeal]:
        """See `AppealStore.appeals`."""
        query = select(APPEALS).order_by(APPEALS.c.number).limit(limit)
        if states:
            query = query.where(APPEALS.c.state.in_(states))
        if after:
            number = select(APPEALS.c.number).where(APPEALS.c.id == after).scalar_subquery()
            query = query.where(APPEALS.c.number > number)
        async with self.read() as connection:
            return [appeal_of(row) for row in (await connection.execute(query)).mappings()]

    @unbroken
    async def decide_appeal(self, appeal_id: str, moderator: str, ruled: Ruled, *, seconds: float) -> Outcome:
        """See `AppealStore.decide_appeal`."""
        asked = self.now()
        async with self.write() as tx:
            await take_turns(tx, DECIDING)
            now = self.now()
            appeal = await _find(tx, appeal_id)
            case = await locked_case(tx, appeal.case)
            if earlier := await same_again(tx, case, moderator, ruled):
                return Outcome(case, earlier)
            check_appeal_decidable(appeal, case, moderator, moment(asked))
            decision = decision_on(case, moderator, ruled, seconds, moment(now))
            return await settle(tx, case, decision, now, opinion=False)

    @unbroken
    async def deciders_of(self, verdict: Verdict) -> list[str]:
        """See `AppealStore.deciders_of`."""
        if not verdict.ruling.case:
            return []
        kind, _, place = verdict.ruling.case.partition("/")
        through = select(DECISION_EFFECTS.c.decision).where(DECISION_EFFECTS.c.after_seq == verdict.sequence)
        named = CASE_DECISIONS.c.id == place if kind == "decisions" else CASE_DECISIONS.c.about == verdict.ruling.case
        query = select(CASE_DECISIONS).where(or_(CASE_DECISIONS.c.id.in_(through), named))
        query = query.where(CASE_DECISIONS.c.applied == 1, CASE_DECISIONS.c.undone_at == NOWHERE)
        async with self.read() as connection:
            last = await _one(connection, query.order_by(CASE_DECISIONS.c.number.desc()).limit(1))
            found = [last.moderator] if last else []
            while last and last.subject.startswith("decisions/"):  # an opinion that it seconds, or that differed
                asked = CASE_DECISIONS.c.id == last.subject.removeprefix("decisions/")
                if last := await _one(connection, select(CASE_DECISIONS).where(asked)):
                    found.append(last.moderator)
        return found

    @unbroken
    async def appeals_on(self, posts: Collection[str]) -> list[Appeal]:
        """See `HistoryStore.appeals_on`."""
        async with self.read() as connection:
            query = select(APPEALS).where(APPEALS.c.name.in_(listed(connection, posts)))
            rows = (await connection.execute(query.order_by(APPEALS.c.number.desc()))).mappings()
            return [appeal_of(row) for row in rows]

    @unbroken
    async def upheld(self, posts: Collection[str]) -> set[str]:
        """Which of these posts (names) had an appeal upheld."""
        async with self.read() as connection:
            query = select(APPEALS.c.name).where(APPEALS.c.name.in_(listed(connection, posts)))
            return set((await connection.execute(query.where(APPEALS.c.state == AppealState.UPHELD))).scalars())


async def _one(connection: AsyncConnection, query: Select[Any]) -> CaseDecision | None:
    row = (await connection.execute(query)).mappings().one_or_none()
    return decision_of(row) if row else None


async def _find(connection: AsyncConnection, appeal_id: str) -> Appeal:
    row = (await connection.execute(select(APPEALS).where(APPEALS.c.id == appeal_id))).mappings().one_or_none()
    if row is None:
        raise AppealNotFound(f"there is no appeals/{appeal_id}; ListAppeals lists what there is")
    return appeal_of(row)


async def _opened(tx: AsyncConnection, appeal: Appeal, request_id: str) -> Appeal | None:
    """The appeal that this request opened before. Raises `Conflict` when it was another request's."""
    row = (await tx.execute(select(APPEALS).where(APPEALS.c.request_id == request_id))).mappings().first()
    if row is None:
        return None
    earlier = appeal_of(row)
    if (earlier.post.name, earlier.statement) != (appeal.post.name, appeal.statement):
        raise Conflict(f"request_id {request_id!r} was used for another appeal; send a fresh one")
    return earlier
