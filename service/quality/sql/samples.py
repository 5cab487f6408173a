"""The record store's part that draws the prevalence sample, and knows what people said of it."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.domain.canonical import digest
from service.domain.decision import Category, Decision
from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.quality.opinions import Answer
from service.quality.prevalence import Part, PartDay, Rates, Sampled, SampledDay, is_drawn, part_of
from service.quality.tally import POSTS, Grain
from service.review.case import CaseState
from service.review.sql.rows import parted as names_in
from service.storage.database import SqlDatabase, unbroken
from service.storage.documents import insert, listed
from service.storage.tables.quality import ROLLUPS, SAMPLE_DAYS, SAMPLES
from service.storage.tables.records import row_key
from service.storage.tables.review import CASE_DECISIONS, CASES

_EPOCH = date(1970, 1, 1)
_SEEN = SAMPLES.join(CASES, CASES.c.id == SAMPLES.c.case).join(
    CASE_DECISIONS, and_(CASE_DECISIONS.c.id == CASES.c.decision, CASE_DECISIONS.c.undone_at == 0)
)
_DECIDED = CASES.c.state == CaseState.DECIDED
_ANSWER = CASE_DECISIONS.c.decision, CASE_DECISIONS.c.categories


def day_number(day: date) -> int:
    """Days from the Unix epoch to `day`."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day so many days after the Unix epoch."""
    return _EPOCH + timedelta(days=number)


@cache
def answer_of(decision: str, categories: str) -> Answer:
    """The answer in two columns: a million rows hold a handful of them."""
    return Answer(Decision(decision), frozenset(map(Category, names_in(categories))))


class SqlSamples(SqlDatabase):
    """The prevalence sample of `quality.ports.SamplingStore` and `MeasureStore` on SQL."""

    @unbroken
    async def unopened(self, limit: int) -> list[tuple[Sampled, PostKey, str]]:
        """See `SamplingStore.unopened`."""
        query = select(SAMPLES).where(SAMPLES.c.opened == 0).order_by(SAMPLES.c.key).limit(limit)
        async with self.read() as connection:
            return [_waiting(row) for row in await connection.execute(query)]

    @unbroken
    async def opened(self, keys: Collection[str]) -> None:
        """See `SamplingStore.opened`."""
        done = {"opened": 1, "name": "", "fingerprint": ""}  # the case names the post, and is erased with it
        async with self.write() as tx:
            await tx.execute(update(SAMPLES).where(SAMPLES.c.key.in_(listed(tx, keys))).values(done))

    @unbroken
    async def sampled_days(self, since: date) -> list[SampledDay]:
        """See `MeasureStore.sampled_days`. Answers come counted: there are few that differ."""
        first, by_answer = day_number(since), [SAMPLES.c.day, SAMPLES.c.part, *_ANSWER]
        said = select(*by_answer, func.count().label("cases")).select_from(_SEEN).group_by(*by_answer)
        async with self.read() as connection:
            days = (await connection.execute(select(SAMPLE_DAYS).where(SAMPLE_DAYS.c.day >= first))).all()
            answers: defaultdict[tuple[int, str], list[Answer]] = defaultdict(list)
            for row in await connection.execute(said.where(SAMPLES.c.day >= first, _DECIDED)):
                answers[row.day, row.part] += [answer_of(row.decision, row.categories)] * row.cases
        return [_sampled_day(row, answers[row.day, row.part]) for row in days]


def _waiting(row: Row[Any]) -> tuple[Sampled, PostKey, str]:
    sampled = Sampled(key=row.key, of=PartDay(day_of(row.day), Part(row.part)), rate=row.rate)
    return sampled, PostKey(row.name, row.fingerprint), row.case


def _sampled_day(row: Row[Any], answers: Sequence[Answer]) -> SampledDay:
    of = PartDay(day_of(row.day), Part(row.part))
    return SampledDay(of=of, posts=row.posts, drawn=row.drawn, rate=row.rate, answers=tuple(answers))


async def draw(tx: AsyncConnection, verdicts: Sequence[Verdict], rates: Rates) -> None:
    """Draw from these verdicts, each a post's first one or skipped, and count the posts of each part and day."""
    first = [verdict for verdict in verdicts if verdict.revision == 0]
    by_day: defaultdict[date, list[Verdict]] = defaultdict(list)
    for verdict in first:
        by_day[verdict.decided_at.date()].append(verdict)
    for day, posts in sorted(by_day.items()):
        await _draw(tx, day, posts, rates)


async def _draw(tx: AsyncConnection, day: date, verdicts: Sequence[Verdict], rates: Rates) -> None:
    held = {row.part: row for row in await tx.execute(_parts(day))} or await _begin(tx, day, rates)
    counted = {part: [0, 0] for part in Part}
    drawn = []
    for verdict in verdicts:
        part, key = part_of(verdict), row_key(verdict.post)
        counted[part][0] += 1
        if is_drawn(key, held[part].seed, held[part].rate):
            counted[part][1] += 1
            drawn.append(_sample(key, verdict, day, part, held[part].rate))
    for each, (posts, of_them) in counted.items():
        which = (SAMPLE_DAYS.c.day == day_number(day)) & (SAMPLE_DAYS.c.part == each)
        more = {"posts": SAMPLE_DAYS.c.posts + posts, "drawn": SAMPLE_DAYS.c.drawn + of_them}
        await tx.execute(update(SAMPLE_DAYS).where(which).values(more))
    if drawn:
        await tx.execute(insert(tx, SAMPLES, drawn).on_conflict_do_nothing(index_elements=[SAMPLES.c.key]))


def _parts(day: date) -> Any:
    return select(SAMPLE_DAYS).where(SAMPLE_DAYS.c.day == day_number(day))


async def _begin(tx: AsyncConnection, day: date, rates: Rates) -> dict[str, Row[Any]]:
    """Begin a day: its seed, which nobody can foresee, and its rates, by how many posts the day before had."""
    seed = secrets.token_hex(16)
    before = await _posts_on(tx, day - timedelta(days=1))
    rows = [
        {"day": day_number(day), "part": part.value, "seed": seed, "rate": rate, "posts": 0, "drawn": 0}
        for part, rate in rates.on(before).items()
    ]
    await tx.execute(insert(tx, SAMPLE_DAYS, rows))
    return {row.part: row for row in await tx.execute(_parts(day))}


async def _posts_on(tx: AsyncConnection, day: date) -> int:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    query = select(ROLLUPS.c.counts).where(ROLLUPS.c.grain == Grain.DAY, ROLLUPS.c.start == start)
    counts = (await tx.execute(query)).scalar_one_or_none() or {}
    return int(counts.get(POSTS, 0))


def _sample(key: str, verdict: Verdict, day: date, part: Part, rate: float) -> dict[str, Any]:
    return {
        "key": key,
        "name": verdict.post.name,
        "fingerprint": verdict.post.fingerprint,
        "day": day_number(day),
        "part": part.value,
        "rate": rate,
        "case": digest("prevalence", key),
        "opened": 0,
    }
