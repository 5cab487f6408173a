"""Puts right, within a transaction, current verdicts that say otherwise than what people decided on their texts.

Such are posts that were recorded while a person decided, posts beyond the newest that a decision revises at once, and
posts that were answered from a cache which had not heard yet. To do it again changes nothing.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, Text, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.verdict import Verdict
from service.policy.policy import ruling_by
from service.records.sql.standing import standing_of
from service.records.sql.verdicts import current_verdicts, revise
from service.review.precedence import BULK, Misruled, out_of_line, ruled, taken_back
from service.review.sql.cases import decide_along
from service.review.sql.ruling import grounds, remember, restore
from service.storage.database import moment
from service.storage.documents import listed
from service.storage.tables.records import NAMES, POSTS, VERDICTS, row_key
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS


class _Made(NamedTuple):
    """A decision that holds: its id, and the first verdict that it made (0: none)."""

    id: str
    first: int


async def enforce(tx: AsyncConnection, posts: Collection[str], now: int) -> list[Verdict]:
    """Revise the current verdicts of these row keys that differ from the decision in force on their texts.

    Those of posts that the decision found there count as made by it; a post that came later got it by its text alone.
    Where a decision was taken back, what was in force before is in force again.
    """
    there = await current_verdicts(tx, VERDICTS.c.key.in_(listed(tx, posts)))
    standings = await standing_of(tx, {verdict.content_digest for verdict in there})
    appealed = await _appealed(tx, [verdict.post.name for verdict in there])
    wrong, loose = out_of_line(there, standings, appealed)
    made = await _ruled(tx, wrong, now) if wrong else []
    return [*made, *await restore(tx, await _taken_back(tx, loose), now)] if loose else made


async def _ruled(tx: AsyncConnection, wrong: Sequence[Misruled], now: int) -> list[Verdict]:
    standings = await standing_of(tx, {verdict.content_digest for verdict, _ in wrong})
    made = await revise(tx, [ruled(verdict, ruling_by(held), standings, moment(now)) for verdict, held in wrong])
    for case in sorted({held.case for _, held in wrong}):
        decision = await _decision(tx, case)
        if decision is None:
            continue
        its = [(old, new) for (old, held), new in zip(wrong, made, strict=True) if held.case == case]
        early = [(old, new) for old, new in its if old.sequence < decision.first]
        await remember(tx, decision.id, [old for old, _ in early], [new for _, new in early])
        more = {"posts": CASE_DECISIONS.c.posts + len(early)}
        await tx.execute(update(CASE_DECISIONS).where(CASE_DECISIONS.c.id == decision.id).values(more))
        closed = CASES.c.key.in_(listed(tx, [row_key(old.post) for old, _ in its]))
        await decide_along(tx, decision.id, closed, now)
    return made


async def _appealed(tx: AsyncConnection, names: Sequence[str]) -> set[str]:
    query = select(APPEALS.c.name).where(APPEALS.c.name.in_(listed(tx, names)))
    return set((await tx.execute(query)).scalars())


async def _decision(tx: AsyncConnection, case: str) -> _Made | None:
    """The decision that verdicts rest on by that name."""
    named = CASE_DECISIONS.c.id == case.removeprefix(BULK) if case.startswith(BULK) else CASE_DECISIONS.c.about == case
    query = select(CASE_DECISIONS.c.id).where(named, CASE_DECISIONS.c.applied == 1, CASE_DECISIONS.c.undone_at == 0)
    found = (await tx.execute(query.order_by(CASE_DECISIONS.c.number.desc()).limit(1))).scalar_one_or_none()
    if found is None:
        return None
    first = select(func.min(DECISION_EFFECTS.c.after_seq)).where(DECISION_EFFECTS.c.decision == found)
    return _Made(found, (await tx.execute(first)).scalar() or 0)


async def _taken_back(tx: AsyncConnection, loose: Sequence[Verdict]) -> list[Verdict]:
    """Those of these verdicts, with no decision in force on their texts, that rest on one that was taken back."""
    cases = {verdict.ruling.case for verdict in loose if verdict.revision}
    ground = literal(BULK, Text).concat(CASE_DECISIONS.c.id)
    named = or_(CASE_DECISIONS.c.about.in_(listed(tx, cases)), ground.in_(listed(tx, cases)))
    query = select(CASE_DECISIONS.c.about, ground.label("ground")).where(named, CASE_DECISIONS.c.undone_at != 0)
    undone = {name for row in await tx.execute(query) for name in (row.about, row.ground)}
    return taken_back(loose, undone)


def names_out_of_line(text: str, ground: str) -> Select[tuple[str]]:
    """Names of the posts with that text whose current verdicts rest on something else than `ground` (empty: nothing).

    Not of those that a bulk decision keeps off.
    """
    query = (
        select(NAMES.c.name)
        .join(POSTS, POSTS.c.key == NAMES.c.key)
        .join(VERDICTS, VERDICTS.c.seq == POSTS.c.decided_seq)
    )
    query = query.where(VERDICTS.c.content_digest == text, grounds() != ground)
    contested: ColumnElement[bool] = exists().where(APPEALS.c.name == NAMES.c.name)
    return query.where(~contested) if ground.startswith(BULK) else query
