"""What a person's decision does to verdicts, within a transaction: it holds for texts, revises, and can be taken back.

A decision about a text is in STANDING, so that later posts with the text get it too; every current verdict that it
is about gets a revision, and DECISION_EFFECTS says in the place of which verdict. Whoever calls has taken the turn of
`cases.DECIDING`: two decisions never cross. A transaction revises the newest `AT_MOST` posts; what a text has more
of is put right by `enforcing`, a portion at a time.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.decision import Standing
from service.domain.verdict import Verdict
from service.policy.policy import ruling_by
from service.records.sql.standing import let_all_stand, let_fall, standing_of
from service.records.sql.verdicts import current_verdicts, recorded_verdicts, revise
from service.review.case import CaseDecision, Scope
from service.review.precedence import restored, revised_by, ruled, standing_on, standings_by, what_stood
from service.storage.database import moment, take_turns
from service.storage.documents import insert, listed
from service.storage.tables.records import NAMES, POSTS, VERDICTS, row_key
from service.storage.tables.review import DECISION_EFFECTS

AT_MOST = 2_000
"""Posts that one transaction revises."""
_AT_ONCE = 500
_T = TypeVar("_T")


async def touched(tx: AsyncConnection, decision: CaseDecision) -> list[Verdict]:
    """The current verdicts that the decision is about; not those of posts that a person decided for themselves.

    No further one is recorded before `tx` ends: one that is waits, and reaches followers after what is decided here.
    """
    await take_turns(tx, "verdicts")
    own = await current_verdicts(tx, VERDICTS.c.key == row_key(decision.post))
    if decision.scope is Scope.POST:
        return own
    carrying = await current_verdicts(tx, VERDICTS.c.content_digest == decision.content_digest, newest=AT_MOST)
    return revised_by(decision, own, carrying, await _held(tx, decision))


async def stand(tx: AsyncConnection, decision: CaseDecision, texts: Collection[str], now: int) -> None:
    """Put the decision in force on these texts (content digests): for all posts that carry them, or for the one."""
    held = await _held(tx, decision)
    await let_all_stand(tx, standings_by(decision, texts, held), now)


async def rule(tx: AsyncConnection, decision: CaseDecision, verdicts: Sequence[Verdict], now: int) -> list[Verdict]:
    """Put the decision, already in force, in the place of these current verdicts; the new ones."""
    ruling = ruling_by(standing_on(decision))
    revised: list[Verdict] = []
    for portion in portions(verdicts):
        standings = await standing_of(tx, {verdict.content_digest for verdict in portion})
        made = await revise(tx, [ruled(verdict, ruling, standings, moment(now)) for verdict in portion])
        await remember(tx, decision.id, portion, made)
        revised += made
    return revised


async def take_back(tx: AsyncConnection, decision: CaseDecision, now: int) -> list[Verdict]:
    """End what was decided; what stood before is put in the place of the newest verdicts that still rest on it.

    One verdict of each text is among them, so that followers learn of each. A post that came with the text since then
    never had another verdict: it gets the ruling that its twin had.
    """
    texts = select(DECISION_EFFECTS.c.content_digest).where(DECISION_EFFECTS.c.decision == decision.id).distinct()
    digests = sorted({decision.content_digest, *(await tx.execute(texts)).scalars()} - {""})
    await let_fall(tx, digests, decision.ground)
    await take_turns(tx, "verdicts")
    resting = await current_verdicts(tx, VERDICTS.c.seq.in_(await _resting(tx, decision, digests)))
    return [each for portion in portions(resting) for each in await restore(tx, portion, now, decision.id)]


async def restore(tx: AsyncConnection, verdicts: Sequence[Verdict], now: int, decision_id: str = "") -> list[Verdict]:
    """Put what stood before in the place of these current verdicts, whose decision was taken back; the new ones."""
    former = await _former(tx, verdicts)
    orphans = {verdict.content_digest for verdict in verdicts if verdict.sequence not in former}
    policys, replaced = await _policys_own(tx, orphans), await _replaced(tx, decision_id, orphans)
    pairs = [(verdict, what_stood(verdict, former, replaced, policys)) for verdict in verdicts]
    standings = await standing_of(tx, {verdict.content_digest for verdict in verdicts})
    there = [restored(verdict, before, standings, moment(now)) for verdict, before in pairs if before]
    return await revise(tx, there) if there else []


async def remember(tx: AsyncConnection, decision_id: str, before: Sequence[Verdict], after: Sequence[Verdict]) -> None:
    """Keep in the place of which verdict the decision put which."""
    rows: list[dict[str, Any]] = [
        {
            "decision": decision_id,
            "after_seq": made.sequence,
            "before_seq": verdict.sequence,
            "name": verdict.post.name,
            "content_digest": verdict.content_digest,
        }
        for verdict, made in zip(before, after, strict=True)
    ]
    if rows:
        await tx.execute(insert(tx, DECISION_EFFECTS, rows))


def grounds() -> ColumnElement[str]:
    """The case or bulk decision that a row of VERDICTS rests on; empty where the policy decided."""
    ground: ColumnElement[str] = VERDICTS.c.body["case"].as_string()
    return ground


def portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The items, as many at a time as one statement should hold."""
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))


async def _held(tx: AsyncConnection, decision: CaseDecision) -> tuple[Standing, ...]:
    """What is in force on the decision's own text."""
    return (await standing_of(tx, [decision.content_digest])).get(decision.content_digest, ())


async def _resting(tx: AsyncConnection, decision: CaseDecision, digests: Sequence[str]) -> list[int]:
    """Sequences of the newest current verdicts that rest on the decision, one at least of each text."""
    current = NAMES.join(POSTS, POSTS.c.key == NAMES.c.key).join(VERDICTS, VERDICTS.c.seq == POSTS.c.decided_seq)
    query = select(VERDICTS.c.seq, VERDICTS.c.content_digest).select_from(current).order_by(VERDICTS.c.seq)
    its = VERDICTS.c.content_digest.in_(listed(tx, digests)), grounds() == decision.ground
    rows = (await tx.execute(query.where(*its))).all()
    of_each = set({row.content_digest: row.seq for row in rows}.values())
    others = [row.seq for row in reversed(rows) if row.seq not in of_each]
    return [*of_each, *others[: max(0, AT_MOST - len(of_each))]]


async def _former(tx: AsyncConnection, verdicts: Sequence[Verdict]) -> dict[int, Verdict]:
    """By sequence, in the place of which verdict each of these was put."""
    after = [verdict.sequence for verdict in verdicts]
    effects = select(DECISION_EFFECTS.c.after_seq, DECISION_EFFECTS.c.before_seq)
    rows = (await tx.execute(effects.where(DECISION_EFFECTS.c.after_seq.in_(after)))).all()
    which = VERDICTS.c.seq.in_([row.before_seq for row in rows])
    before = {each.sequence: each for each in await recorded_verdicts(tx, which)}
    return {row.after_seq: before[row.before_seq] for row in rows if row.before_seq in before}


async def _replaced(tx: AsyncConnection, decision_id: str, digests: Collection[str]) -> dict[str, Verdict]:
    """For each of these texts a verdict in whose place the decision put another."""
    its = DECISION_EFFECTS.c.content_digest.in_(listed(tx, digests)) & (DECISION_EFFECTS.c.decision == decision_id)
    return await _of_texts(tx, select(func.min(DECISION_EFFECTS.c.before_seq)).where(its), DECISION_EFFECTS)


async def _policys_own(tx: AsyncConnection, digests: Collection[str]) -> dict[str, Verdict]:
    """For each of these texts a verdict that the policy gave by its rules."""
    first = VERDICTS.c.content_digest.in_(listed(tx, digests)) & (VERDICTS.c.revision == 0) & (grounds() == "")
    return await _of_texts(tx, select(func.min(VERDICTS.c.seq)).where(first), VERDICTS)


async def _of_texts(tx: AsyncConnection, oldest: Select[tuple[int]], table: Table) -> dict[str, Verdict]:
    sequences = oldest.group_by(table.c.content_digest)
    found = await recorded_verdicts(tx, VERDICTS.c.seq.in_(sequences))
    return {each.content_digest: each for each in found}
