"""The record store's part that counts verdicts: rows by minute, hour and day, histograms of scores.

A cursor in the same transaction says which verdicts are counted, so that each counts once whoever hands it over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.decision import Category, Decision
from service.domain.verdict import Verdict
from service.quality.accuracy import Volumes
from service.quality.drift import BINS, ScoreKey, scores
from service.quality.overview import KEPT, Row
from service.quality.prevalence import Rates
from service.quality.sql.samples import day_number, day_of, draw
from service.quality.tally import Grain, by_kind, tallies
from service.storage.database import SqlDatabase, take_turns, unbroken
from service.storage.documents import insert
from service.storage.tables.quality import ROLLUPS, SAMPLES, SCORES
from service.storage.tables.records import CURSORS

_COUNTED = "quality/counted"
_CURSOR = select(CURSORS.c.cursor).where(CURSORS.c.follower == _COUNTED)
_KEPT_DAYS = 400


class SqlCounts(SqlDatabase):
    """The counts of `quality.ports.SamplingStore` and `MeasureStore` on SQL."""

    @unbroken
    async def count(self, verdicts: Sequence[Verdict], rates: Rates) -> None:
        """See `SamplingStore.count`."""
        async with self.write() as tx:
            await take_turns(tx, "quality")
            counted = (await tx.execute(_CURSOR)).scalar_one_or_none() or 0
            fresh = [verdict for verdict in verdicts if verdict.sequence > counted]
            if not fresh:
                return
            await draw(tx, fresh, rates)  # first: it asks how many posts there were before these
            await _add_rows(tx, fresh)
            await _add_scores(tx, fresh)
            statement = insert(tx, CURSORS, [{"follower": _COUNTED, "cursor": fresh[-1].sequence}])
            await tx.execute(
                statement.on_conflict_do_update(index_elements=[CURSORS.c.follower], set_=statement.excluded)
            )

    @unbroken
    async def rows(self, grain: Grain, since: datetime) -> list[Row]:
        """See `MeasureStore.rows`."""
        query = _rows(grain, since).order_by(ROLLUPS.c.start)
        async with self.read() as connection:
            found = await connection.execute(query)
            return [(datetime.fromtimestamp(row.start, UTC), row.counts) for row in found]

    @unbroken
    async def volumes(self, since: datetime) -> Volumes:
        """See `MeasureStore.volumes`."""
        total: Counter[str] = Counter()
        for _, counts in await self.rows(Grain.DAY, since):
            total.update(by_kind(counts).get("flagged", {}))
        pairs = {tuple(name.split(":")): count for name, count in total.items()}
        return {(Category(category), Decision(decision)): count for (category, decision), count in pairs.items()}

    @unbroken
    async def histograms(self, since: date) -> Mapping[ScoreKey, Sequence[int]]:
        """See `MeasureStore.histograms`."""
        async with self.read() as connection:
            found = await connection.execute(select(SCORES).where(SCORES.c.day >= day_number(since)))
            return {ScoreKey(day_of(row.day), row.model, row.signal): row.counts for row in found}

    @unbroken
    async def prune(self, now: datetime) -> None:
        """See `SamplingStore.prune`."""
        async with self.write() as tx:
            for grain, kept in KEPT.items():
                before = int((now - kept).timestamp())
                await tx.execute(delete(ROLLUPS).where(ROLLUPS.c.grain == grain, ROLLUPS.c.start < before))
            oldest = day_number((now - timedelta(days=_KEPT_DAYS)).date())
            await tx.execute(delete(SCORES).where(SCORES.c.day < oldest))
            await tx.execute(delete(SAMPLES).where(SAMPLES.c.day < oldest, SAMPLES.c.opened == 1))


def _rows(grain: Grain, since: datetime) -> Select[Any]:
    start = grain.start(since)
    return select(ROLLUPS.c.start, ROLLUPS.c.counts).where(ROLLUPS.c.grain == grain, ROLLUPS.c.start >= start)


async def _add_rows(tx: AsyncConnection, verdicts: Sequence[Verdict]) -> None:
    """Add to the rows, which nobody else writes in this turn."""
    added = tallies(verdicts)
    which = _any_of([(ROLLUPS.c.grain == grain) & (ROLLUPS.c.start == start) for grain, start in added])
    for row in await tx.execute(select(ROLLUPS).where(which)):
        added[Grain(row.grain), row.start].update(row.counts)
    rows = [{"grain": grain.value, "start": start, "counts": dict(counts)} for (grain, start), counts in added.items()]
    statement = insert(tx, ROLLUPS, rows)
    key = list(ROLLUPS.primary_key.columns)
    await tx.execute(statement.on_conflict_do_update(index_elements=key, set_={"counts": statement.excluded.counts}))


async def _add_scores(tx: AsyncConnection, verdicts: Sequence[Verdict]) -> None:
    added = scores(verdicts)
    if not added:
        return
    days = {day_number(key.day) for key in added}
    for row in await tx.execute(select(SCORES).where(SCORES.c.day.in_(days))):
        key = ScoreKey(day_of(row.day), row.model, row.signal)
        if key in added and len(row.counts) == BINS:
            added[key] = list(map(add, added[key], row.counts))
    rows = [
        {"day": day_number(key.day), "model": key.model, "signal": key.signal, "counts": counts}
        for key, counts in added.items()
    ]
    statement = insert(tx, SCORES, rows)
    primary = list(SCORES.primary_key.columns)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=primary, set_={"counts": statement.excluded.counts})
    )


def _any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(*conditions)
