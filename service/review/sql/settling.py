"""How a case is settled within a transaction: what its kind makes of a decision, which other cases are decided with it.

| kind | the verdict is revised | besides |
|---|---|---|
| REVIEW | yes | open cases of the text (of the post) are decided with it |
| REVIEW, a second opinion is asked for | no | a case for somebody else is opened |
| SECOND_OPINION | if both agree | else a case for a third person, who sees both |
| SECOND_OPINION of the third | yes | |
| APPEAL | if it is upheld | the appeal has its outcome |
| PREVALENCE | if the decision is another than the verdict's | |
| GOLDEN | never | |
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit.sql import append
from service.domain.verdict import Verdict
from service.records.sql.verdicts import current_verdicts
from service.review.appeal import Appeal, AppealState
from service.review.appeal_event import appeal_event
from service.review.case import (
    SECOND_OPINIONS,
    Case,
    CaseDecision,
    CaseKind,
    CaseState,
    Outcome,
    Ruled,
)
from service.review.settlement import _action, _asked, outcome_of, told
from service.review.sql.cases import DECIDED_ALONG, FREE, find_case, insert_cases
from service.review.sql.rows import appeal_of, appeal_row, decision_of, decision_row
from service.review.sql.ruling import rule, stand, touched
from service.storage.database import moment
from service.storage.documents import listed
from service.storage.tables.records import VERDICTS, row_key
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES
from service.webhooks.sql.events import enqueue

_SPENT = {"leased_at": FREE["leased_at"], "lease_until": FREE["lease_until"]}


async def same_again(tx: AsyncConnection, case: Case, moderator: str, ruled: Ruled) -> CaseDecision | None:
    """The decision that the case has, if the same person decided the same: a call that is made again."""
    if not case.decision or case.state is not CaseState.DECIDED:
        return None
    query = select(CASE_DECISIONS).where(CASE_DECISIONS.c.id == case.decision, CASE_DECISIONS.c.about == case.name)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    there = decision_of(row)
    said = Ruled(
        decision=there.decision,
        categories=there.categories,
        reason=there.reason,
        rationale=there.rationale,
        scope=there.scope,
    )
    return there if (there.moderator, said) == (moderator, ruled) else None


async def settle(tx: AsyncConnection, case: Case, decision: CaseDecision, now: int, *, opinion: bool) -> Outcome:
    """Record the decision on the open `case` and all that follows from it, the entry in the audit log last."""
    applied, following = await _consequences(tx, case, decision, opinion=opinion)
    decision = replace(decision, applied=applied)
    verdicts: list[Verdict] = []
    if applied:
        await stand(tx, decision, [decision.content_digest], now)
        verdicts = await touched(tx, decision)
        decision = replace(decision, posts=len(verdicts))
    made = await rule(tx, decision, verdicts, now)
    await keep(tx, decision)
    await _close(tx, case, decision, verdicts, now)
    await insert_cases(tx, following)
    if case.kind is CaseKind.APPEAL:
        await _conclude(tx, case, decision, now)
    await append(
        tx,
        now=now,
        actor=decision.moderator,
        action=_action(case, opinion=opinion),
        subject=case.name,
        detail=told(decision),
    )
    return Outcome(await find_case(tx, case.id), decision, tuple(made))


async def keep(tx: AsyncConnection, decision: CaseDecision, request_id: str = "") -> None:
    """Keep the decision."""
    await tx.execute(CASE_DECISIONS.insert().values(decision_row(decision, request_id)))


async def _consequences(
    tx: AsyncConnection, case: Case, decision: CaseDecision, *, opinion: bool
) -> tuple[bool, list[Case]]:
    """Whether verdicts are revised, and the cases that are opened."""
    match case.kind:
        case CaseKind.GOLDEN:
            return False, []
        case CaseKind.PREVALENCE:
            own = await current_verdicts(tx, VERDICTS.c.key == row_key(case.post))
            return any(verdict.decision is not decision.decision for verdict in own), []
        case CaseKind.APPEAL:
            return outcome_of(await appeal_in(tx, case.id), decision) is AppealState.UPHELD, []
        case CaseKind.SECOND_OPINION if case.blind:
            first = await _decision_named(tx, case.subject)
            agreed = first.said == decision.said
            return agreed, [] if agreed else [_asked(case, decision, {first.moderator}, SECOND_OPINIONS)]
        case _:
            return not opinion, [_asked(case, decision, set(), case.queue)] if opinion else []


async def _decision_named(tx: AsyncConnection, name: str) -> CaseDecision:
    query = select(CASE_DECISIONS).where(CASE_DECISIONS.c.id == name.removeprefix("decisions/"))
    return decision_of((await tx.execute(query)).mappings().one())


async def _close(
    tx: AsyncConnection, case: Case, decision: CaseDecision, verdicts: Sequence[Verdict], now: int
) -> None:
    """Close the case, and the open ones that are decided with it; the decider's name stays in their own."""
    values = {"state": CaseState.DECIDED, "decision": decision.id, "closed_at": now}
    own = {"holder": decision.moderator, **_SPENT}
    await tx.execute(update(CASES).where(CASES.c.id == case.id).values(**values, **own))
    if decision.applied:
        same = CASES.c.key.in_(listed(tx, {row_key(decision.post), *(row_key(each.post) for each in verdicts)}))
        along = and_(same, CASES.c.state == CaseState.OPEN, CASES.c.kind.in_(DECIDED_ALONG))
        await tx.execute(update(CASES).where(along).values(**values, **FREE))


async def appeal_in(tx: AsyncConnection, case_id: str) -> Appeal:
    """The appeal that is decided in the case of that id."""
    query = select(APPEALS).where(APPEALS.c.case == case_id).with_for_update()
    return appeal_of((await tx.execute(query)).mappings().one())


async def _conclude(tx: AsyncConnection, case: Case, decision: CaseDecision, now: int) -> None:
    """Write the outcome into the appeal."""
    appeal = await appeal_in(tx, case.id)
    state = outcome_of(appeal, decision)
    concluded = replace(
        appeal,
        state=state,
        decider=decision.moderator,
        decision=decision.decision,
        categories=appeal.contested_categories if state is AppealState.REJECTED else decision.categories,
        reason=decision.reason,
        rationale=decision.rationale,
        scope=decision.scope,
        decided_at=moment(now),
    )
    await tx.execute(update(APPEALS).where(APPEALS.c.id == appeal.id).values(appeal_row(concluded)))
    await enqueue(tx, now=now, events=[appeal_event(concluded)])
