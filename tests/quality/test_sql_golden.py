"""Golden items on both databases: shown once, blind, to one person; nothing of them reaches anybody else."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.domain.decision import Category, Decision, Ruling
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import Conflict, NotFound
from service.policy.routing import Routing
from service.quality.golden import GoldenItem, Pace, Shown, disguised
from service.quality.golden_scheduler import GoldenScheduler
from service.quality.opinions import Answer
from service.quality.prevalence import Rates
from service.quality.sql.store import SqlQuality
from service.review.case import Case, CaseFilter, CaseKind, CaseState
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from service.storage.tables.audit import AUDIT
from service.storage.tables.quality import GOLDEN, GOLDEN_SHOWN, SAMPLES
from service.storage.tables.records import POSTS
from tests.factories import posts_of
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


def item_of(reviewed: Reviewed, post: Post, answer: Answer = FRAUD, **fields: Any) -> GoldenItem:
    usual: dict[str, Any] = {
        "id": f"g{post.id}",
        "added_by": "m-9",
        "added_at": now(reviewed),
        "verdict": reviewed.asking(post),
    }
    return GoldenItem(post=post, answer=answer, **usual | fields)


def shown_to(reviewed: Reviewed, item: GoldenItem, moderator: str, number: int = 0) -> tuple[Shown, GoldenItem]:
    item = replace(item, post=disguised(item, Pace(moderator, 0, 0), now(reviewed)))
    case = f"c-{item.id}-{moderator}"
    shown = Shown(case=case, item=item.id, moderator=moderator, number=number, post=item.post.key, at=now(reviewed))
    return shown, item


def golden_case(reviewed: Reviewed, shown: Shown, item: GoldenItem) -> Case:
    case = case_for(item.post, reviewed.asking(item.post), Routing(), kind=CaseKind.GOLDEN, subject=item.name)
    until = now(reviewed) + timedelta(hours=1)
    return replace(case, id=shown.case, holder=shown.moderator, leased_at=now(reviewed), lease_until=until)


def scheduler_of(reviewed: Reviewed, quality: SqlQuality, cases: SqlReview) -> GoldenScheduler:
    """A front's scheduler, after four cases on average; it never has to read."""

    async def read(posts: Sequence[Post]) -> list[Judgement | None]:
        raise AssertionError

    class Quiet:
        def golden_shown(self, moderator: str, item: str) -> None: ...

    return GoldenScheduler(
        quality,
        cases,
        read=read,
        decide=None,  # type: ignore[arg-type]
        routing=Routing,
        observer=Quiet(),  # type: ignore[arg-type]
        every=4,
        clock=lambda: now(reviewed),
    )


class TestGolden:
    async def test_an_item_comes_back_whole_and_a_text_is_golden_once(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        one, two = posts_of(2)
        item = item_of(sql_reviewed, one, source="cases/1", note="plain")
        bare = item_of(sql_reviewed, two, FINE, verdict=None)
        await sql_quality.add_golden(item)
        await sql_quality.add_golden(bare)
        with pytest.raises(Conflict, match="already"):
            await sql_quality.add_golden(replace(item, id="other"))
        assert {each.id: each for each in await sql_quality.golden_items()} == {item.id: item, bare.id: bare}
        await sql_quality.read_golden(bare.id, sql_reviewed.asking(two))
        assert {each.verdict is None for each in await sql_quality.golden_items()} == {False}
        async with sql_reviewed.store.read() as connection:
            entries = (await connection.execute(select(AUDIT).order_by(AUDIT.c.number))).all()
        assert [(each.action, each.actor, each.subject) for each in entries] == [
            ("golden.add", "m-9", item.name),
            ("golden.add", "m-9", bare.name),
        ]

    async def test_retiring(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        [post] = posts_of(1)
        item = item_of(sql_reviewed, post)
        await sql_quality.add_golden(item)
        retired = await sql_quality.retire_golden(item.id, "m-8")
        assert retired.retired_at == now(sql_reviewed)
        assert await sql_quality.retire_golden(item.id, "m-8") == retired
        assert await sql_quality.golden_items() == []
        assert await sql_quality.golden_items(retired=True) == [retired]
        assert await sql_quality.unseen("m-1") == []
        with pytest.raises(NotFound, match="golden/none"):
            await sql_quality.retire_golden("none", "m-8")

    async def test_a_moderator_gets_an_item_once_and_never_what_they_decided_themselves(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        posts = posts_of(3)
        items = [item_of(sql_reviewed, post) for post in posts]
        for item in [*items[:2], replace(items[2], verdict=None)]:
            await sql_quality.add_golden(item)
        [case, _] = await sql_reviewed.open(posts[:2])
        await sql_reviewed.decided(case, "m-1", ruled(Decision.BLOCK, Category.FRAUD))
        assert [each.id for each in await sql_quality.unseen("m-1")] == [items[1].id]  # the third was not read yet
        assert await sql_quality.show(*shown_to(sql_reviewed, items[1], "m-1"))
        assert await sql_quality.unseen("m-1") == []
        assert len(await sql_quality.unseen("m-2")) == 2
        assert not await sql_quality.show(
            *shown_to(sql_reviewed, items[0], "m-1")
        )  # another front was first with this number

    async def test_a_disguised_post_reaches_the_moderator_and_nobody_else(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        [post] = posts_of(1)
        await sql_quality.add_golden(item_of(sql_reviewed, post))
        shown, item = shown_to(sql_reviewed, item_of(sql_reviewed, post), "m-1")
        assert await sql_quality.show(shown, item)
        assert await sql_reviewed.store.posts([item.post.key]) == [item.post]
        assert await sql_reviewed.store.undecided([item.post.key]) == set()
        assert await sql_reviewed.store.backlog() == (0, 0.0)
        assert await sql_reviewed.store.claim(10, lease=60) == []
        assert await sql_reviewed.store.find([item.post.key]) == [None]
        assert (await sql_reviewed.store.after(None, only=VerdictFilter(), limit=10))[1] == 0  # nothing for watchers
        verdict = await sql_quality.disguised_verdict(item.post.key)
        assert verdict is not None
        assert (verdict.post, verdict.decision) == (item.post.key, Decision.REVIEW)
        assert verdict.judgement is not None
        assert await sql_quality.disguised_verdict(post.key) is None

    async def test_results_and_paces(self, sql_reviewed: Reviewed, sql_quality: SqlQuality) -> None:
        posts = posts_of(6)
        cases = await sql_reviewed.open(posts[:3], queue="fraud")
        for case in cases:
            sql_reviewed.clock.time += 1
            await sql_reviewed.decided(case, "m-1", ruled(Decision.ALLOW))
        [pace] = await sql_quality.paces(now(sql_reviewed) - timedelta(minutes=15))
        assert (pace.moderator, pace.shown, pace.since, pace.queue) == ("m-1", 0, 3, "fraud")
        assert (pace.post, pace.opened_at) == (posts[2].name, cases[2].opened_at)
        golden = item_of(sql_reviewed, posts[5])
        await sql_quality.add_golden(golden)
        sql_reviewed.clock.time += 1
        shown, item = shown_to(sql_reviewed, golden, "m-1")
        assert await sql_quality.show(shown, item)
        assert await sql_reviewed.review.open_cases([golden_case(sql_reviewed, shown, item)]) == [True]
        [leased] = await sql_reviewed.lease("m-1")
        assert leased.id == shown.case
        sql_reviewed.clock.time += 1
        outcome = await sql_reviewed.decide(leased, "m-1", ruled(Decision.BLOCK, Category.FRAUD))
        assert outcome.verdicts == ()
        [result] = await sql_quality.golden_results(LONG_AGO)
        assert (result.item, result.case, result.moderator, result.right) == (golden.id, shown.case, "m-1", True)
        assert await sql_quality.shown(LONG_AGO) == [shown]
        [pace] = await sql_quality.paces(now(sql_reviewed) - timedelta(minutes=15))
        assert (pace.shown, pace.since) == (1, 0)
        assert await sql_quality.paces(now(sql_reviewed) + timedelta(minutes=15)) == []

    async def test_of_many_fronts_one_opens_the_case_that_is_due(
        self, sql_reviewed: Reviewed, sql_url: str, open_sql: OpenSql
    ) -> None:
        posts = posts_of(10)
        for case in await sql_reviewed.open(posts[:6]):
            await sql_reviewed.decided(case, "m-1", ruled(Decision.ALLOW))
        fronts = []
        for _ in range(3):
            store = await open_sql(sql_url)
            store._clock = sql_reviewed.clock
            quality, cases = SqlQuality.beside(store), SqlReview.beside(store)
            fronts.append(scheduler_of(sql_reviewed, quality, cases))
        quality = SqlQuality.beside(sql_reviewed.store)
        for post in posts[6:]:
            await quality.add_golden(item_of(sql_reviewed, post))
        assert sum(await asyncio.gather(*(front.schedule() for front in fronts * 3))) == 1
        found = await sql_reviewed.review.cases(CaseFilter(kinds=(CaseKind.GOLDEN,)), after="", limit=10)
        [case] = found
        assert (case.holder, case.lease_until) == ("", None)  # they do not know of it
        mine = CaseFilter(states=(CaseState.OPEN,), moderator="m-1")
        assert await sql_reviewed.review.cases(mine, after="", limit=10) == []
        assert await sql_reviewed.lease("m-2") == []
        [leased] = await sql_reviewed.lease("m-1")
        assert (leased.id, leased.holder, leased.leased_at) == (case.id, "m-1", now(sql_reviewed))
        assert await sql_reviewed.review.cases(mine, after="", limit=10) == [
            await sql_reviewed.review.find_case(case.id)
        ]
        assert [each.case for each in await quality.shown(LONG_AGO)] == [found[0].id]

    async def test_forgetting_a_post_erases_what_was_made_of_it(
        self, sql_reviewed: Reviewed, sql_quality: SqlQuality
    ) -> None:
        one, two = posts_of(2)
        await sql_quality.count(await recorded(sql_reviewed, [one, two], Decision.ALLOW), EVERYTHING)
        for post in (one, two):
            await sql_quality.add_golden(item_of(sql_reviewed, post, source="cases/1"))
        shown, item = shown_to(sql_reviewed, item_of(sql_reviewed, one), "m-1")
        await sql_quality.show(shown, item)
        assert await sql_quality.forget([one.name]) == 2
        async with sql_reviewed.store.read() as connection:
            golden = (await connection.execute(select(GOLDEN.c.origin))).scalars().all()
            copies = (await connection.execute(select(GOLDEN_SHOWN))).all()
            names = (await connection.execute(select(POSTS.c.name))).scalars().all()
            samples = (await connection.execute(select(SAMPLES.c.name))).scalars().all()
        assert golden == samples == [two.name]
        assert copies == []
        assert item.post.name not in names
