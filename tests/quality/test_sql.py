"""Quality on both databases: each verdict counts once, samples are drawn and answered, opinions are whole."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Source, Verdict
from service.policy.routing import Routing
from service.quality.drift import BINS, USUAL
from service.quality.opinions import Answer
from service.quality.overview import KEPT
from service.quality.prevalence import Part, Rates, is_drawn
from service.quality.sql.store import SqlQuality
from service.quality.tally import Grain
from service.review.appeal import AppealState
from service.review.case import Case, CaseKind, Scope
from service.review.opening import case_for
from service.storage.tables.quality import SAMPLE_DAYS, SAMPLES
from service.storage.tables.records import row_key
from tests.factories import post_of, posts_of
from tests.fixtures.review import Reviewed, ruled
from tests.fixtures.sql import OpenSql

EVERYTHING, NOTHING = Rates(share=1.0, per_day=10**9), Rates(share=0.0)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FRAUD, FINE = Answer(Decision.BLOCK, frozenset({Category.FRAUD})), Answer(Decision.ALLOW)


def now(reviewed: Reviewed) -> datetime:
    return datetime.fromtimestamp(reviewed.clock.time, UTC)


async def recorded(reviewed: Reviewed, posts: list[Post], *decisions: Decision, **fields: Any) -> list[Verdict]:
    """Record verdicts with these decisions in turn."""
    given = [decisions[place % len(decisions)] for place in range(len(posts))]
    verdicts = [
        replace(
            reviewed.asking(post, decision, Category.FRAUD),
            ruling=Ruling(decision, (Category.FRAUD,) if decision is not Decision.ALLOW else ()),
            **fields,
        )
        for post, decision in zip(posts, given, strict=True)
    ]
    return await reviewed.store.record(posts, verdicts)


class TestCounting:
    async def test_each_verdict_counts_once_however_often_it_comes(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        verdicts = await recorded(sql_reviewed, posts_of(10), Decision.ALLOW, Decision.BLOCK)
        await sql_quality.count(verdicts[:6], NOTHING)
        await sql_quality.count(verdicts[:6], NOTHING)
        await sql_quality.count(verdicts[3:], NOTHING)
        for grain in Grain:
            [(start, counts)] = await sql_quality.rows(grain, now(sql_reviewed) - timedelta(days=1))
            assert start.timestamp() == grain.start(now(sql_reviewed))
            assert (counts["posts"], counts["decision:ALLOW"], counts["flagged:FRAUD:BLOCK"]) == (10, 5, 5)
        assert await sql_quality.volumes(LONG_AGO) == {(Category.FRAUD, Decision.BLOCK): 5}
        histograms = await sql_quality.histograms(USUAL.first(now(sql_reviewed).date()))
        assert {key.signal for key in histograms} == {"ai_generated", "misinformation"}
        assert all(sum(counts) == 10 and len(counts) == BINS for counts in histograms.values())

    async def test_many_fronts_count_what_one_does(
        self, sql_reviewed: Reviewed, sql_url: str, open_sql: OpenSql
    ) -> None:
        verdicts = await recorded(sql_reviewed, posts_of(60), Decision.ALLOW)
        fronts = [SqlQuality.beside(await open_sql(sql_url)) for _ in range(3)]

        async def follow(front: SqlQuality) -> None:
            for start in range(0, 60, 10):
                await front.count(verdicts[start : start + 10], EVERYTHING)

        await asyncio.gather(*map(follow, fronts))
        [(_, counts)] = await fronts[0].rows(Grain.DAY, now(sql_reviewed))
        assert counts["posts"] == 60
        allowed = {each.of.part: each for each in await fronts[0].sampled_days(now(sql_reviewed).date())}[Part.ALLOWED]
        assert (allowed.posts, allowed.drawn) == (60, 60)
        assert len(await fronts[0].unopened(100)) == 60

    async def test_revisions_are_no_posts(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        [verdict] = await recorded(sql_reviewed, posts_of(1), Decision.REVIEW)
        [revised] = await sql_reviewed.store.revise(
            [replace(verdict, ruling=Ruling(Decision.BLOCK), source=Source.MODERATOR)]
        )
        await sql_quality.count([verdict, revised], EVERYTHING)
        [(_, counts)] = await sql_quality.rows(Grain.DAY, now(sql_reviewed))
        assert (counts["posts"], counts["revised"], counts["revised:BLOCK"]) == (1, 1, 1)
        assert len(await sql_quality.unopened(10)) == 1

    async def test_old_counts_are_deleted(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        old = now(sql_reviewed) - KEPT[Grain.HOUR] - timedelta(days=1)
        await sql_quality.count(await recorded(sql_reviewed, posts_of(1), Decision.ALLOW, decided_at=old), NOTHING)
        await sql_quality.count(await recorded(sql_reviewed, posts_of(1, 1), Decision.ALLOW), NOTHING)
        await sql_quality.prune(now(sql_reviewed))
        counted = [len(await sql_quality.rows(grain, LONG_AGO)) for grain in Grain]
        assert counted == [1, 1, 2]


class TestSampling:
    async def test_who_is_drawn_can_be_told_again(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        verdicts = await recorded(sql_reviewed, posts_of(200), Decision.ALLOW, Decision.BLOCK)
        await sql_quality.count(verdicts, Rates(share=0.2, flagged=3.0))
        drawn = {sampled.key: sampled for sampled, _, _ in await sql_quality.unopened(1000)}
        async with sql_reviewed.store.read() as connection:
            rows = (await connection.execute(select(SAMPLES))).all()
            assert {row.key for row in rows} == set(drawn)
        async with sql_reviewed.store.read() as connection:
            rates = {row.part: row for row in await connection.execute(select(SAMPLE_DAYS))}
        assert rates["flagged"].rate == pytest.approx(3 * rates["allowed"].rate)
        for verdict in verdicts:
            part = rates["allowed" if verdict.decision is Decision.ALLOW else "flagged"]
            assert (row_key(verdict.post) in drawn) == is_drawn(row_key(verdict.post), part.seed, part.rate)
        days = {each.of.part: each for each in await sql_quality.sampled_days(now(sql_reviewed).date())}
        assert (days[Part.ALLOWED].posts, days[Part.FLAGGED].posts) == (100, 100)
        assert sum(each.drawn for each in days.values()) == len(drawn)

    async def test_a_days_rate_stands_and_follows_the_day_before(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        await sql_quality.count(
            await recorded(sql_reviewed, posts_of(100), Decision.ALLOW), Rates(share=1.0, per_day=10)
        )
        sql_reviewed.clock.time += 86_400
        await sql_quality.count(
            await recorded(sql_reviewed, posts_of(50, 100), Decision.ALLOW), Rates(share=1.0, per_day=10)
        )
        await sql_quality.count(
            await recorded(sql_reviewed, posts_of(50, 150), Decision.ALLOW), Rates(share=0.9, per_day=90)
        )
        rates = {each.of.day: each.rate for each in await sql_quality.sampled_days(date(2020, 1, 1))}
        assert sorted(rates.values()) == pytest.approx([0.1, 1.0])

    async def test_answers_are_those_that_stand(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        posts = posts_of(4)
        verdicts = await recorded(sql_reviewed, posts, Decision.ALLOW)
        await sql_quality.count(verdicts, EVERYTHING)
        cases = await open_drawn(sql_reviewed, sql_quality, posts, verdicts)
        assert await sql_quality.unopened(10) == []
        block, allow = ruled(Decision.BLOCK, Category.FRAUD), ruled(Decision.ALLOW)
        for case, said in zip(cases, (block, allow, block), strict=False):
            await sql_reviewed.decided(case, "m-1", said)
        await sql_reviewed.undo("m-1")
        [day] = [
            each for each in await sql_quality.sampled_days(now(sql_reviewed).date()) if each.of.part is Part.ALLOWED
        ]
        assert (day.posts, day.drawn, Counter(day.answers)) == (4, 4, Counter([FRAUD, FINE]))
        opinions = await sql_quality.opinions(LONG_AGO)
        assert [(each.kind, each.weight, each.answer) for each in opinions] == [
            (CaseKind.PREVALENCE, 1.0, FRAUD),
            (CaseKind.PREVALENCE, 1.0, FINE),
        ]
        assert opinions[0].model == FINE

    async def test_a_decision_on_the_text_settles_a_drawn_post_too(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        drawn, other = post_of("Send your PIN", id="1"), post_of("Send your PIN", id="2")
        verdicts = await recorded(sql_reviewed, [drawn], Decision.ALLOW)
        await sql_quality.count(verdicts, EVERYTHING)
        await open_drawn(sql_reviewed, sql_quality, [drawn], verdicts)
        [case] = await sql_reviewed.open([other])
        await sql_reviewed.decided(case, "m-1", replace(ruled(Decision.BLOCK, Category.FRAUD), scope=Scope.TEXT))
        by_kind = {each.kind: each for each in await sql_quality.opinions(LONG_AGO)}
        days = await sql_quality.sampled_days(now(sql_reviewed).date())
        if CaseKind.PREVALENCE in by_kind:  # else the case still waits, and the post counts as undecided
            assert by_kind[CaseKind.PREVALENCE].answer == FRAUD
        assert sum(day.decided for day in days) == (CaseKind.PREVALENCE in by_kind)


async def open_drawn(reviewed: Reviewed, quality: SqlQuality, posts: list[Post], verdicts: list[Verdict]) -> list[Case]:
    """Open the cases of posts that were drawn, in the order of the posts."""
    waiting = {key: case for _, key, case in await quality.unopened(100)}
    cases = [
        replace(case_for(post, verdict, Routing(), kind=CaseKind.PREVALENCE), id=waiting[post.key], priority=3.0)
        for post, verdict in zip(posts, verdicts, strict=True)
    ]
    assert await reviewed.review.open_cases(cases) == [True] * len(cases)
    await quality.opened([row_key(post.key) for post in posts])
    return cases


class TestOpinions:
    async def test_what_people_decided_beside_what_the_service_had(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        one, two = posts_of(2)
        cases = await sql_reviewed.open([one, two], Category.FRAUD)
        await sql_reviewed.decided(cases[0], "m-1", ruled(Decision.BLOCK, Category.FRAUD))
        await sql_reviewed.decided(cases[1], "m-2", ruled(Decision.ALLOW))
        found = await sql_quality.opinions(LONG_AGO)
        asked = Answer(Decision.REVIEW, frozenset({Category.FRAUD}))
        assert [(each.moderator, each.answer, each.model) for each in found] == [
            ("m-1", FRAUD, asked),
            ("m-2", FINE, asked),
        ]
        assert [each.post for each in found] == [row_key(one.key), row_key(two.key)]
        assert await sql_quality.opinions(now(sql_reviewed) + timedelta(days=1)) == []
        assert await sql_quality.appeal_counts(LONG_AGO) == dict[AppealState, int]()

    async def test_queue_ages(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        assert await sql_quality.queue_ages() == []
        one, two, three = posts_of(3)
        await sql_reviewed.open([one], queue="fraud", opened_at=now(sql_reviewed) - timedelta(seconds=90))
        await sql_reviewed.open([two, three], queue="ads", opened_at=now(sql_reviewed) - timedelta(seconds=30))
        await sql_reviewed.lease("m-1")
        ages = await sql_quality.queue_ages()
        assert [(each.queue, each.open, each.oldest) for each in ages] == [("fraud", 1, 90.0), ("ads", 2, 30.0)]
        assert sum(each.held for each in ages) == 1
