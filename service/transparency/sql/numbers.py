"""What was decided, for statements of reasons and reports: verdicts of every revision beside the one before."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select

from service.domain.codec import decode_post
from service.domain.decision import Category, Decision
from service.domain.verdict import Source
from service.review.appeal import AppealState
from service.storage.database import microseconds, moment, unbroken
from service.storage.streams import SqlStreams
from service.storage.tables.audit import TALLIES
from service.storage.tables.records import POSTS, VERDICTS
from service.storage.tables.review import APPEALS, CASES
from service.transparency.decided import RESTRICTS, DecidedBy, language_of, newly_restricts
from service.transparency.numbers import Appeals, Contested, Counted, Tally
from service.transparency.restriction import Restriction

DAY = 86_400_000_000

_PREVIOUS = VERDICTS.alias("previous")
_LOOKED_AT = and_(
    CASES.c.name == POSTS.c.name, literal("cases/").concat(CASES.c.id) == VERDICTS.c.body["case"].as_string()
)
DECIDED: Select[Any] = select(
    VERDICTS.c.decision,
    VERDICTS.c.decided_at,
    VERDICTS.c.surface,
    VERDICTS.c.body,
    _PREVIOUS.c.decision.label("before"),
    _PREVIOUS.c.body.label("before_body"),
    POSTS.c.body["locale"].as_string().label("locale"),
    POSTS.c.body["region"].as_string().label("region"),
    CASES.c.id.label("case_id"),
).select_from(
    VERDICTS.join(POSTS, POSTS.c.key == VERDICTS.c.key)
    .outerjoin(_PREVIOUS, and_(_PREVIOUS.c.key == VERDICTS.c.key, _PREVIOUS.c.revision == VERDICTS.c.revision - 1))
    .outerjoin(CASES, _LOOKED_AT)
)
"""Verdicts with what `tally_of` reads."""


def tally_of(row: Row[Any]) -> Tally:
    """What the verdict in a row of DECIDED is counted as."""
    return Tally(
        decision=Decision(row.decision),
        before=Decision(row.before) if row.before else None,
        decided_by=_decided_by(row),
        categories=frozenset(map(Category, row.body["categories"])),
        before_categories=frozenset(map(Category, row.before_body["categories"] if row.before_body else ())),
        surface=row.surface,
        language=language_of(row.locale or ""),
        region=row.region or "",
    )


def _decided_by(row: Row[Any]) -> DecidedBy:
    if row.body["source"] != Source.MODERATOR:
        return DecidedBy.POLICY
    return DecidedBy.PERSON if row.case_id else DecidedBy.CARRIED


class SqlNumbers(SqlStreams):
    """`transparency.ports.Decisions` on SQL."""

    async def restrictions(self, start: datetime, end: datetime) -> AsyncIterator[Restriction]:
        """See `Decisions.restrictions`."""
        query = DECIDED.add_columns(VERDICTS.c.seq, POSTS.c.body.label("post"), POSTS.c.accepted_at)
        changed = or_(_PREVIOUS.c.decision.is_(None), _PREVIOUS.c.decision != VERDICTS.c.decision)
        query = query.where(_decided_in(start, end), VERDICTS.c.decision.in_(RESTRICTS), changed)
        async for portion in self.portions(query.order_by(VERDICTS.c.seq)):
            for row in portion:
                restriction = _restriction(row)
                if newly_restricts(restriction.before, restriction.decision):
                    yield restriction

    async def counted(self, start: datetime, end: datetime) -> Counted:
        """See `Decisions.counted`."""
        counted: Counter[Tally] = Counter()
        async for portion in self.portions(DECIDED.where(_decided_in(start, end))):
            counted.update(map(tally_of, portion))
        first, last = -(-microseconds(start) // DAY), -(-microseconds(end) // DAY)
        query = select(TALLIES).where(TALLIES.c.day >= first, TALLIES.c.day < last)
        async for portion in self.portions(query):
            for row in portion:
                counted[_tallied(row)] += row._mapping["count"]
        return counted

    @unbroken
    async def appeals(self, start: datetime, end: datetime) -> Appeals:
        """See `Decisions.appeals`."""
        since, until = microseconds(start), microseconds(end)
        opened = select(func.count()).select_from(APPEALS).where(APPEALS.c.opened_at.between(since, until - 1))
        query = select(APPEALS.c.state, APPEALS.c.opened_at, APPEALS.c.body).where(APPEALS.c.opened_at < until)
        async with self.read() as connection:
            new = (await connection.execute(opened)).scalar_one()
            rows: list[Any] = list(await connection.execute(query))
        return _appeals(rows, new, since, until)


def _decided_in(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(VERDICTS.c.decided_at >= microseconds(start), VERDICTS.c.decided_at < microseconds(end))


def _restriction(row: Row[Any]) -> Restriction:
    tally, body = tally_of(row), row.body
    return Restriction(
        sequence=row.seq,
        post=decode_post(row.post),
        accepted_at=moment(row.accepted_at),
        decided_at=moment(row.decided_at),
        decision=tally.decision,
        categories=tuple(map(Category, body["categories"])),
        decided_by=tally.decided_by,
        before=tally.before,
        rules=tuple(body["rules"]),
        reason=body.get("reason", ""),
        policy_version=body["policy"],
        model_version=body["model"],
    )


def tally_row(tally: Tally, day: int, count: int) -> dict[str, Any]:
    """The row of TALLIES for so many decisions of one day."""
    return {
        "day": day,
        "decision": tally.decision,
        "before": tally.before or "",
        "decided_by": tally.decided_by,
        "categories": " ".join(sorted(tally.categories)),
        "before_categories": " ".join(sorted(tally.before_categories)),
        "surface": tally.surface,
        "language": tally.language,
        "region": tally.region,
        "count": count,
    }


def _tallied(row: Row[Any]) -> Tally:
    return Tally(
        decision=Decision(row.decision),
        before=Decision(row.before) if row.before else None,
        decided_by=DecidedBy(row.decided_by),
        categories=frozenset(map(Category, row.categories.split())),
        before_categories=frozenset(map(Category, row.before_categories.split())),
        surface=row.surface,
        language=row.language,
        region=row.region,
    )


def _appeals(rows: Sequence[Any], opened: int, since: int, until: int) -> Appeals:
    hours: list[float] = []
    outcomes: Counter[tuple[bool, str]] = Counter()
    waiting = 0
    for row in rows:
        decided_at = row.body["decided_at"]
        if not decided_at or decided_at >= until:
            waiting += 1
        elif decided_at >= since:
            outcomes[bool(row.body["first_decider"]), row.state] += 1
            hours.append((decided_at - row.opened_at) / 3.6e9)
    policy, people = (
        Contested(outcomes[by, AppealState.UPHELD], outcomes[by, AppealState.REJECTED]) for by in (False, True)
    )
    return Appeals(
        opened=opened,
        waiting=waiting,
        against_policy=policy,
        against_people=people,
        hours=round(median(hours), 2) if hours else None,
    )
