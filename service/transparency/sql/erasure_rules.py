"""Which records of the people's side are a person's, and what becomes of them when the person is erased.

What a moderator decided is kept without the post it was about: how well decisions are made, and how many appeals were
upheld, must stay countable. Everything else goes.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.review.appeal import AppealState
from service.review.case import CaseState
from service.review.sql.cases import DECIDING
from service.storage.database import take_turns
from service.storage.documents import listed
from service.storage.tables.records import CONFIRMATIONS, STANDING
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES, DECISION_EFFECTS, NOTES
from service.transparency.subject import Sought
from service.webhooks.sql.events import forget as forget_events

_ERASED = "platforms/erased/posts/"
"""What a record's post is called when there is none any more; the record's own id follows."""


async def erase_records(tx: AsyncConnection, sought: Sought, now: int) -> Counter[str]:
    """Delete or clear what is the person's beside posts and verdicts; rows by table."""
    await take_turns(tx, DECIDING)
    cases = await _ids(tx, CASES, _of_person(tx, CASES, sought))
    decisions = await _ids(tx, CASE_DECISIONS, _of_person(tx, CASE_DECISIONS, sought))
    appeals = await _ids(tx, APPEALS, _of_person(tx, APPEALS, sought))
    resources = _resources(sought, cases, appeals)
    gone: Counter[str] = Counter()
    for table, which in _deleted(tx, sought, resources):
        gone[table.name] += (await tx.execute(delete(table).where(which))).rowcount
    gone["webhook_events"] += await forget_events(tx, resources)
    gone[CASES.name] += await _clear(tx, CASES, cases, {"author": "", "cluster": "", "holder": "", "lease_until": 0})
    still_open = CASES.c.id.in_(listed(tx, cases)) & (CASES.c.state == CaseState.OPEN)
    await tx.execute(update(CASES).where(still_open).values(state=CaseState.CLOSED, closed_at=now))
    gone[CASE_DECISIONS.name] += await _clear(tx, CASE_DECISIONS, decisions, {"rationale": ""})
    gone[APPEALS.name] += await _clear_appeals(tx, appeals)
    return +gone


def _deleted(
    tx: AsyncConnection, sought: Sought, resources: Collection[str]
) -> list[tuple[Table, ColumnElement[bool]]]:
    names, alone = listed(tx, sought.names), listed(tx, sought.alone)
    return [
        (NOTES, NOTES.c.about.in_(listed(tx, resources)) | _about_author(sought)),
        (CONFIRMATIONS, CONFIRMATIONS.c.post.in_(names)),
        (STANDING, STANDING.c.post.in_(names) | STANDING.c.content_digest.in_(alone)),
        (DECISION_EFFECTS, DECISION_EFFECTS.c.name.in_(names)),
        (APPEALS, APPEALS.c.name.in_(names) & (APPEALS.c.state == AppealState.OPEN)),
    ]


def _about_author(sought: Sought) -> ColumnElement[bool]:
    """Notes on the author, on the platform that the subject names or on any."""
    subject = sought.subject
    if not subject.author:
        return literal(value=False)
    ending = f"/authors/{subject.author}"
    if subject.platform:
        return NOTES.c.about == f"platforms/{subject.platform}{ending}"
    return NOTES.c.about.endswith(ending, autoescape=True)


def _of_person(tx: AsyncConnection, table: Table, sought: Sought) -> ColumnElement[bool]:
    which: list[ColumnElement[bool]] = [
        table.c.name.in_(listed(tx, sought.names)),
        table.c.content_digest.in_(listed(tx, sought.alone)),
    ]
    if "author" in table.c and (author := sought.subject.author):
        mine = table.c.author == author
        if platform := sought.subject.platform:
            mine &= table.c.name.startswith(f"platforms/{platform}/posts/", autoescape=True)
        which.append(mine)
    return or_(*which)


async def _ids(tx: AsyncConnection, table: Table, which: ColumnElement[bool]) -> list[str]:
    return sorted((await tx.execute(select(table.c.id).where(which))).scalars())


def _resources(sought: Sought, cases: Collection[str], appeals: Collection[str]) -> list[str]:
    """Resource names under which there may be notes and events about the person."""
    found = {*sought.names, *(f"cases/{each}" for each in cases), *(f"appeals/{each}" for each in appeals)}
    return sorted(found)


async def _clear(tx: AsyncConnection, table: Table, ids: Collection[str], values: Mapping[str, Any]) -> int:
    """Let these rows name no post and no text."""
    if not ids:
        return 0
    nothing = {"name": literal(_ERASED).concat(table.c.id), "fingerprint": "", "content_digest": "", **values}
    if "key" in table.c:
        nothing["key"] = table.c.id
    fields = {name: value for name, value in nothing.items() if name in table.c}
    return (await tx.execute(update(table).where(table.c.id.in_(listed(tx, ids))).values(fields))).rowcount


async def _clear_appeals(tx: AsyncConnection, ids: Collection[str]) -> int:
    """Clear the decided appeals: their statements and rationales are in the bodies."""
    rows = (await tx.execute(select(APPEALS.c.id, APPEALS.c.body).where(APPEALS.c.id.in_(listed(tx, ids))))).all()
    for row in rows:
        body = {**row.body, "statement": "", "rationale": "", "fingerprint": ""}
        await tx.execute(update(APPEALS).where(APPEALS.c.id == row.id).values(body=body))
    return await _clear(tx, APPEALS, [row.id for row in rows], {})
