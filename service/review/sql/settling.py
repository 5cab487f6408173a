"""Settles a case within a transaction: reads what the rules of `review.settlement` ask, and writes what they say."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.verdict import Verdict
from service.records.sql.verdicts import current_verdicts
from service.review.appeal import Appeal
from service.review.appeal_event import appeal_event
from service.review.case import Case, CaseDecision, CaseKind, CaseState, Outcome, Ruled
from service.review.settlement import Against, action_of, repeated, settlement, told
from service.review.sql.cases import FREE, decide_along, find_case, insert_cases
from service.review.sql.rows import appeal_of, appeal_row, decision_of, decision_row
from service.review.sql.ruling import rule, stand, touched
from service.storage.documents import listed
from service.storage.tables.records import VERDICTS, row_key
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES
from service.webhooks.sql.events import enqueue

_SPENT = {"leased_at": FREE["leased_at"], "lease_until": FREE["lease_until"]}


async def same_again(tx: AsyncConnection, case: Case, moderator: str, said: Ruled) -> CaseDecision | None:
    """The decision that the case has, if the same person decided the same: a call that is made again."""
    query = select(CASE_DECISIONS).where(CASE_DECISIONS.c.id == case.decision)
    row = (await tx.execute(query)).mappings().one_or_none() if case.decision else None
    there = decision_of(row) if row else None
    return there if there and repeated(case, there, moderator, said) else None


async def settle(tx: AsyncConnection, case: Case, decision: CaseDecision, now: int, *, opinion: bool) -> Outcome:
    """Record the decision on the open `case` and all that follows from it, the entry in the audit log last."""
    settled = settlement(case, decision, await _against(tx, case), opinion=opinion)
    decision = replace(decision, applied=settled.applied)
    verdicts: list[Verdict] = []
    if settled.applied:
        await stand(tx, decision, [decision.content_digest], now)
        verdicts = await touched(tx, decision)
        decision = replace(decision, posts=len(verdicts))
    made = await rule(tx, decision, verdicts, now)
    await keep(tx, decision)
    await _close(tx, case, decision, verdicts, now)
    await insert_cases(tx, settled.following)
    if settled.appeal:
        await write_appeal(tx, settled.appeal)
        await enqueue(tx, now=now, events=[appeal_event(settled.appeal)])
    await append(
        tx,
        now=now,
        actor=decision.moderator,
        action=action_of(case, opinion=opinion),
        subject=case.name,
        detail=told(decision),
    )
    return Outcome(await find_case(tx, case.id), decision, tuple(made))


async def keep(tx: AsyncConnection, decision: CaseDecision, request_id: str = "") -> None:
    """Keep the decision."""
    await tx.execute(CASE_DECISIONS.insert().values(decision_row(decision, request_id)))


async def _against(tx: AsyncConnection, case: Case) -> Against:
    """What a decision on the case is held against."""
    if case.kind is CaseKind.APPEAL:
        return await appeal_in(tx, case.id)
    if case.kind is CaseKind.PREVALENCE:
        own = await current_verdicts(tx, VERDICTS.c.key == row_key(case.post))
        return own[0].decision if own else None
    if case.kind is CaseKind.SECOND_OPINION and case.blind:
        query = select(CASE_DECISIONS).where(CASE_DECISIONS.c.id == case.subject.removeprefix("decisions/"))
        return decision_of((await tx.execute(query)).mappings().one())
    return None


async def _close(
    tx: AsyncConnection, case: Case, decision: CaseDecision, verdicts: Sequence[Verdict], now: int
) -> None:
    """Close the case, and the open ones that are decided with it; the decider's name stays in their own."""
    values = {"state": CaseState.DECIDED, "decision": decision.id, "closed_at": now}
    own = {"holder": decision.moderator, **_SPENT}
    await tx.execute(update(CASES).where(CASES.c.id == case.id).values(**values, **own))
    if decision.applied:
        same = CASES.c.key.in_(listed(tx, {row_key(decision.post), *(row_key(each.post) for each in verdicts)}))
        await decide_along(tx, decision.id, same, now)


async def appeal_in(tx: AsyncConnection, case_id: str) -> Appeal:
    """The appeal that is decided in the case of that id."""
    query = select(APPEALS).where(APPEALS.c.case == case_id).with_for_update()
    return appeal_of((await tx.execute(query)).mappings().one())


async def write_appeal(tx: AsyncConnection, appeal: Appeal) -> None:
    """Write the appeal's state."""
    await tx.execute(update(APPEALS).where(APPEALS.c.id == appeal.id).values(appeal_row(appeal)))
