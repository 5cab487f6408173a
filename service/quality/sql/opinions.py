"""The record store's part with what people decided, next to what the service had decided by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, and_, func, select

from service.domain.decision import Category, Decision
from service.domain.verdict import Source
from service.quality.opinions import Answer, Opinion
from service.quality.overview import QueueAge
from service.quality.sql.samples import answer_of
from service.review.appeal import AppealState
from service.review.case import CaseKind, CaseState
from service.storage.database import SqlDatabase, microseconds, moment, unbroken
from service.storage.tables.quality import SAMPLES
from service.storage.tables.records import VERDICTS
from service.storage.tables.review import APPEALS, CASE_DECISIONS, CASES

_FIRST = and_(VERDICTS.c.key == CASES.c.key, VERDICTS.c.revision == 0)
_ITS_OWN = CASES.c.id == func.substr(CASE_DECISIONS.c.about, len("cases/") + 1)
_SETTLED_BY = CASES.c.decision == CASE_DECISIONS.c.id
_COLUMNS = (
    CASES.c.kind,
    CASES.c.key,
    CASES.c.content_digest,
    CASE_DECISIONS.c.moderator,
    CASE_DECISIONS.c.decision,
    CASE_DECISIONS.c.categories,
    CASE_DECISIONS.c.decided_at,
    VERDICTS.c.body,
    SAMPLES.c.rate,
)


def _query(since: datetime, of: ColumnElement[bool]) -> Select[Any]:
    tables = CASE_DECISIONS.join(CASES, of).outerjoin(VERDICTS, _FIRST)
    tables = tables.outerjoin(SAMPLES, and_(SAMPLES.c.case == CASES.c.id, CASES.c.kind == CaseKind.PREVALENCE))
    return (
        select(*_COLUMNS)
        .select_from(tables)
        .where(CASE_DECISIONS.c.undone_at == 0, CASE_DECISIONS.c.decided_at >= microseconds(since))
        .order_by(CASE_DECISIONS.c.number)
    )


class SqlOpinions(SqlDatabase):
    """What people decided, and what waits for them, of `quality.ports.MeasureStore` on SQL."""

    @unbroken
    async def opinions(self, since: datetime) -> list[Opinion]:
        """See `MeasureStore.opinions`."""
        own = await self.read_all(_query(since, _ITS_OWN), _opinion)
        drawn = (CASES.c.kind == CaseKind.PREVALENCE) & (CASES.c.state == CaseState.DECIDED)
        # A decision on another post with the same text settles a drawn post's case too.
        return own + await self.read_all(_query(since, _SETTLED_BY).where(drawn, ~_ITS_OWN), _opinion)

    @unbroken
    async def appeal_counts(self, since: datetime) -> Mapping[AppealState, int]:
        """See `MeasureStore.appeal_counts`."""
        query = select(APPEALS.c.state, func.count().label("count")).where(APPEALS.c.opened_at >= microseconds(since))
        async with self.read() as connection:
            rows = await connection.execute(query.group_by(APPEALS.c.state))
            return {AppealState(row.state): int(row[1]) for row in rows}

    @unbroken
    async def open_appeals(self) -> tuple[int, float]:
        """See `WaitingStore.open_appeals`."""
        query = select(func.count(), func.min(APPEALS.c.opened_at)).where(APPEALS.c.state == AppealState.OPEN)
        async with self.read() as connection:
            count, oldest = (await connection.execute(query)).one()
        return count, max(0.0, (self.now() - oldest) / 1e6) if count else 0.0

    @unbroken
    async def queue_ages(self) -> list[QueueAge]:
        """See `WaitingStore.queue_ages`."""
        now = self.now()
        held = func.sum((CASES.c.lease_until > now).cast(Integer))
        query = select(CASES.c.queue, func.count(), held, func.min(CASES.c.opened_at))
        query = query.where(CASES.c.state == CaseState.OPEN).group_by(CASES.c.queue)
        async with self.read() as connection:
            rows = (await connection.execute(query)).all()
        ages = [
            QueueAge(queue, count, int(taken), max(0.0, (now - oldest) / 1e6)) for queue, count, taken, oldest in rows
        ]
        return sorted(ages, key=lambda each: -each.oldest)


def _opinion(row: Row[Any]) -> Opinion:
    return Opinion(
        kind=CaseKind(row.kind),
        post=row.key,
        content_digest=row.content_digest,
        moderator=row.moderator,
        answer=answer_of(row.decision, row.categories),
        decided_at=moment(row.decided_at),
        model=_model(row.body) if row.body else None,
        weight=1 / row.rate if row.rate else 0.0,
    )


def _model(body: Mapping[str, Any]) -> Answer | None:
    """What the service decided by itself; None where a person's earlier word decided."""
    if body["source"] == Source.MODERATOR:
        return None
    return Answer(Decision(body["decision"]), frozenset(map(Category, body["categories"])))
