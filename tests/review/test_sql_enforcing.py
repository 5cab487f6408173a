"""What a text has more of than one transaction revises, and posts that cross with a decision, on both databases."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from service.domain.decision import Decision
from service.domain.verdict import Verdict
from service.policy.routing import Routing
from service.records.sql.posts import insert_posts, make_current
from service.records.sql.verdicts import _insert_verdicts
from service.review.case import CaseState
from service.review.opening import CaseOpening
from service.review.sql import ruling as sql_ruling
from service.storage.database import take_turns
from service.storage.tables.records import row_key
from tests.fixtures.review import Reviewed, ruled, twins
from tests.fixtures.sql import on_postgres

BLOCK, REVIEW = Decision.BLOCK, Decision.REVIEW
Following = Callable[[Sequence[Verdict]], Awaitable[None]]


class Deaf:
    """Cache, announcer and observer that nobody asks."""

    async def put(self, verdicts: Sequence[Verdict]) -> None: ...

    async def announce(self) -> None: ...

    def report_failure(self, where: str, error: Exception) -> None: ...


@pytest.fixture
def following(sql_reviewed: Reviewed) -> Following:
    """What the follower of the verdicts does."""
    deaf = Deaf()
    made = CaseOpening(
        sql_reviewed.review, sql_reviewed.store, cache=deaf, announcer=deaf, routing=Routing, observer=deaf
    )
    return made.handle


class TestEnforcing:
    async def test_the_newest_posts_at_once_and_the_others_soon(
        self, sql_reviewed: Reviewed, following: Following, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sql_ruling, "AT_MOST", 4)
        posts = twins(count=12)
        cases = await sql_reviewed.open(posts)
        made = await sql_reviewed.decided(cases[0], "m-1", ruled())
        assert {verdict.post for verdict in made.verdicts} == {post.key for post in (posts[0], *posts[-4:])}
        await following(made.verdicts)
        assert await sql_reviewed.current_decisions(posts) == [BLOCK] * 12
        states = [(found := await sql_reviewed.review.find_case(case.id)).state for case in cases]
        assert (set(states), found.decision) == ({CaseState.DECIDED}, made.decision.id)
        assert (await sql_reviewed.review.find_decision(made.decision.id)).posts == 12
        await following(made.verdicts)  # told again, after a crash
        assert {(await sql_reviewed.current(post)).revision for post in posts} == {1}
        undone = await sql_reviewed.undo("m-1")
        assert len(undone.verdicts) == 4
        await following(undone.verdicts)
        assert await sql_reviewed.current_decisions(posts) == [REVIEW] * 12
        assert {(await sql_reviewed.review.find_case(case.id)).state for case in cases} == {CaseState.OPEN}

    async def test_a_post_that_is_recorded_meanwhile_gets_it_too(
        self, sql_reviewed: Reviewed, following: Following
    ) -> None:
        first, crossing = twins(count=2)
        [case] = await sql_reviewed.open([first])
        made = await sql_reviewed.decided(case, "m-1", ruled())
        [recorded] = await sql_reviewed.store.record(
            [crossing], [sql_reviewed.asking(crossing)]
        )  # its follower saw no decision yet
        assert recorded.decision is REVIEW
        await following(made.verdicts)
        assert (await sql_reviewed.current(crossing)).decision is BLOCK

    @on_postgres  # SQLite has one writer at a time
    async def test_one_that_waits_on_a_record_sees_what_that_recorded(self, sql_reviewed: Reviewed) -> None:
        first, crossing = twins(count=2)
        [case] = await sql_reviewed.open([first])
        await sql_reviewed.lease("m-1")
        async with sql_reviewed.store.write() as tx:
            await take_turns(tx, "verdicts")  # as somebody's `record` does that was there first
            deciding = asyncio.create_task(sql_reviewed.decide(case, "m-1", ruled()))
            await asyncio.sleep(0.3)
            verdict = sql_reviewed.asking(crossing)
            await insert_posts(tx, {row_key(crossing.key): crossing}, sql_reviewed.store.now())
            await make_current(tx, [(crossing.name, row_key(crossing.key))])
            await _insert_verdicts(tx, {row_key(crossing.key): verdict}, {row_key(crossing.key): ""})
        assert {each.post for each in (await deciding).verdicts} == {first.key, crossing.key}
