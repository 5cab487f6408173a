"""Cases and leases on both databases: what is leased first, who may hold what, and that no two ever hold one."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from service.domain.decision import Category, Decision
from service.domain.post import Post, Surface
from service.errors import NotAllowed, NotFound, NotHeld, Outdated
from service.policy.routing import Routing
from service.review.case import CaseFilter, CaseKind, CaseState, Scope
from service.review.opening import case_for
from service.review.sql.store import SqlReview
from tests.factories import post_of, posts_of
from tests.fixtures.review import LEASE, Reviewed, ruled
from tests.fixtures.sql import OpenSql, on_sqlite

BLOCK, ALLOW, LABEL = Decision.BLOCK, Decision.ALLOW, Decision.LABEL


class TestOpening:
    async def test_a_case_comes_back_whole(self, sql_reviewed: Reviewed) -> None:
        post = post_of("Win money", surface=Surface.AD, region="DE", locale="de-AT", author="a1")
        [case] = await sql_reviewed.open(
            [post], Category.FRAUD, Category.HATE, barred=frozenset({"m-1", "m-2"}), subject="s"
        )
        assert await sql_reviewed.review.find_case(case.id) == case
        assert (case.language, case.surface, case.region, case.author) == ("de-at", Surface.AD, "DE", "a1")
        assert case.categories == (Category.FRAUD, Category.HATE)
        assert (case.severity, case.queue, case.state) == (3, "general", CaseState.OPEN)

    async def test_once_for_each_version_kind_and_subject(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        again = replace(case, id="other")
        golden = replace(case, id="golden", kind=CaseKind.GOLDEN, subject="golden/1")
        assert await sql_reviewed.review.open_cases([again, golden, replace(golden, id="more")]) == [False, True, False]
        assert await sql_reviewed.review.open_cases([replace(golden, id="two", subject="golden/1#2")]) == [True]

    async def test_only_where_the_policy_asks_for_a_person(self, sql_reviewed: Reviewed) -> None:
        one, two = posts_of(2)
        verdicts = await sql_reviewed.store.record(
            [one, two], [sql_reviewed.asking(one), sql_reviewed.asking(two, LABEL)]
        )
        cases = [case_for(post, verdict, Routing()) for post, verdict in zip((one, two), verdicts, strict=True)]
        assert await sql_reviewed.review.open_cases(cases) == [True, False]
        assert await sql_reviewed.review.open_cases([]) == []

    async def test_an_edited_post_has_its_older_cases_closed(self, sql_reviewed: Reviewed) -> None:
        one, two = posts_of(2)
        [older, other] = await sql_reviewed.open([one, two])
        await sql_reviewed.lease("m-1", limit=2)
        edited = Post(platform=one.platform, id=one.id, text="Edited since")
        [newer] = await sql_reviewed.open([edited])
        assert await sql_reviewed.review.close_outdated([one.name, two.name]) == 1
        assert await sql_reviewed.review.close_outdated([one.name, two.name]) == 0
        closed = await sql_reviewed.review.find_case(older.id)
        assert (closed.state, closed.holder) == (CaseState.CLOSED, "")
        assert (await sql_reviewed.review.find_case(newer.id)).state is CaseState.OPEN
        assert (await sql_reviewed.review.find_case(other.id)).holder == "m-1"
        with pytest.raises(Outdated, match="closed already"):
            await sql_reviewed.decide(older, "m-1", ruled())

    async def test_an_edit_that_was_taken_back_opens_the_case_again(self, sql_reviewed: Reviewed) -> None:
        [post] = posts_of(1)
        [case] = await sql_reviewed.open([post])
        edited = replace(post, text="Edited")
        await sql_reviewed.store.record([edited], [sql_reviewed.asking(edited, LABEL)])
        assert await sql_reviewed.review.close_outdated([post.name]) == 1
        assert await sql_reviewed.review.abandoned() == []
        await sql_reviewed.store.accept([post])
        assert await sql_reviewed.review.abandoned() == [post.key]
        again = case_for(post, await sql_reviewed.current(post), Routing())
        assert await sql_reviewed.review.open_cases([again]) == [True]
        assert await sql_reviewed.review.abandoned() == []
        assert (await sql_reviewed.review.find_case(case.id)).state is CaseState.OPEN
        assert await sql_reviewed.review.open_cases([again]) == [False]


class TestLeasing:
    async def test_the_most_urgent_first_and_the_oldest_of_equals(self, sql_reviewed: Reviewed) -> None:
        posts = posts_of(4)
        cases = []
        for post, priority in zip(posts, (2.0, 9.0, 2.0, 5.0), strict=True):
            cases += await sql_reviewed.open([post], priority=priority)
        found = await sql_reviewed.lease("m-1", limit=10)
        assert [case.id for case in found] == [cases[n].id for n in (1, 3, 0, 2)]
        assert {case.holder for case in found} == {"m-1"}
        assert all(case.lease_until for case in found)

    async def test_held_ones_come_first_and_are_renewed(self, sql_reviewed: Reviewed) -> None:
        low, high = posts_of(2)
        [first] = await sql_reviewed.open([low], priority=1.0)
        [held] = await sql_reviewed.lease("m-1")
        [second] = await sql_reviewed.open([high], priority=9.0)
        sql_reviewed.clock.time += 200
        assert [case.id for case in await sql_reviewed.lease("m-1")] == [first.id]
        assert [case.id for case in await sql_reviewed.lease("m-1", limit=2)] == [first.id, second.id]
        renewed = await sql_reviewed.review.find_case(first.id)
        assert renewed.leased_at == held.leased_at
        assert renewed.lease_until
        assert held.lease_until
        assert (renewed.lease_until - held.lease_until).total_seconds() == 200

    async def test_a_lost_lease_returns(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        await sql_reviewed.lease("m-1")
        assert await sql_reviewed.lease("m-2") == []
        sql_reviewed.clock.time += LEASE
        assert [each.id for each in await sql_reviewed.lease("m-2")] == [case.id]
        for call in (
            sql_reviewed.review.extend(case.id, "m-1", seconds=60),
            sql_reviewed.review.skip(case.id, "m-1", "unsure"),
            sql_reviewed.review.hand_over(case.id, "m-1", "", "", seconds=60),
            sql_reviewed.decide(case, "m-1", ruled()),
        ):
            with pytest.raises(NotHeld, match="m-2 holds it"):
                await call

    async def test_a_lease_that_ran_out_says_so(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        await sql_reviewed.lease("m-1")
        sql_reviewed.clock.time += LEASE + 1
        with pytest.raises(NotHeld, match="ran out"):
            await sql_reviewed.decide(case, "m-1", ruled())

    async def test_an_extended_one_is_kept(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        await sql_reviewed.lease("m-1")
        sql_reviewed.clock.time += LEASE - 1
        extended = await sql_reviewed.review.extend(case.id, "m-1", seconds=LEASE)
        assert extended == await sql_reviewed.review.find_case(case.id)
        sql_reviewed.clock.time += LEASE - 1
        assert await sql_reviewed.lease("m-2") == []
        with pytest.raises(NotFound):
            await sql_reviewed.review.extend("nothing", "m-1", seconds=LEASE)

    async def test_what_was_skipped_is_not_offered_again(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        await sql_reviewed.lease("m-1")
        await sql_reviewed.review.skip(case.id, "m-1", "I know the author")
        await sql_reviewed.review.skip(case.id, "m-1", "again")
        assert await sql_reviewed.lease("m-1") == []
        [found] = await sql_reviewed.lease("m-2")
        assert (found.id, found.skipped) == (case.id, {"m-1"})

    async def test_handing_over_and_giving_back(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1), barred=frozenset({"m-9"}))
        await sql_reviewed.lease("m-1")
        given = await sql_reviewed.review.hand_over(case.id, "m-1", "m-2", "you speak Dutch", seconds=LEASE)
        assert given.holder == "m-2"
        assert [note.text for note in await sql_reviewed.review.notes([case.name])] == ["you speak Dutch"]
        with pytest.raises(NotAllowed, match="m-9"):
            await sql_reviewed.review.hand_over(case.id, "m-2", "m-9", "", seconds=LEASE)
        back = await sql_reviewed.review.hand_over(case.id, "m-2", "", "", seconds=LEASE)
        assert (back.holder, back.lease_until) == ("", None)
        assert [found.id for found in await sql_reviewed.lease("m-1")] == [case.id]

    async def test_who_is_barred_never_holds_it(self, sql_reviewed: Reviewed) -> None:
        await sql_reviewed.open(posts_of(1), barred=frozenset({"m-1", "m-11"}))
        assert await sql_reviewed.lease("m-1") == await sql_reviewed.lease("m-11") == []
        assert len(await sql_reviewed.lease("m-1111")) == 1

    @pytest.mark.parametrize(
        ("only", "expected"),
        [
            (CaseFilter(queues=("ads",)), {0}),
            (CaseFilter(queues=("ads", "general", "none")), {0, 1, 2}),
            (CaseFilter(categories=(Category.HATE,)), {1}),
            (CaseFilter(categories=(Category.HATE, Category.CBRN)), {1, 2}),
            (CaseFilter(surfaces=(Surface.AD,)), {0}),
            (CaseFilter(regions=("DE",)), {1}),
            (CaseFilter(languages=("de",)), {1}),
            (CaseFilter(languages=("de-CH",)), set()),
            (CaseFilter(languages=("DE_at", "en")), {1, 2}),
            (CaseFilter(least_severity=4), {2}),
            (CaseFilter(kinds=(CaseKind.APPEAL,)), set()),
            (CaseFilter(author="a_"), set()),
            (CaseFilter(author="a1"), {2}),
            (CaseFilter(post="platforms/instagram/posts/1"), {1}),
        ],
    )
    async def test_filters(self, sql_reviewed: Reviewed, only: CaseFilter, expected: set[int]) -> None:
        def post(number: int, **fields: object) -> Post:
            return Post(platform="instagram", id=str(number), text=f"Text {number}", **fields)  # type: ignore[arg-type]

        cases = await sql_reviewed.open([post(0, surface=Surface.AD)], queue="ads")
        cases += await sql_reviewed.open([post(1, region="DE", locale="de-AT")], Category.FRAUD, Category.HATE)
        cases += await sql_reviewed.open([post(2, locale="en", author="a1")], Category.CBRN)
        found = await sql_reviewed.lease("m-1", only, limit=10)
        assert {case.id for case in found} == {cases[number].id for number in expected}
        page = await sql_reviewed.review.cases(only, after="", limit=10)
        assert {case.id for case in page} == {cases[number].id for number in expected}

    @pytest.mark.parametrize(
        ("only", "taken"),
        [
            (CaseFilter(), 2),
            (CaseFilter(queues=("ads",)), 1),
            (CaseFilter(queues=("ads", "general")), 2),
            (CaseFilter(regions=("DE",)), 1),
            (CaseFilter(queues=("ads",), regions=("DE",)), 0),
        ],
    )
    async def test_some_are_left_to_others(self, sql_reviewed: Reviewed, only: CaseFilter, taken: int) -> None:
        def post(number: int) -> Post:
            return Post(platform="x", id=str(number), text=f"Text {number}", region="DE" if number % 2 else "FR")

        await sql_reviewed.open([post(number) for number in range(4)], queue="ads")
        await sql_reviewed.open([post(number) for number in range(4, 8)])
        found = await sql_reviewed.review.lease("m-1", only, seconds=LEASE, limit=2, spare=3)
        assert len(found) == taken
        assert await sql_reviewed.review.lease("m-1", only, seconds=LEASE, limit=2, spare=10) == found


class TestListing:
    async def test_pages_hold_every_case_once(self, sql_reviewed: Reviewed) -> None:
        cases = await sql_reviewed.open(posts_of(9))
        for case in cases[:4]:
            sql_reviewed.clock.time += 1
            await sql_reviewed.decided(case, "m-1", ruled(scope=Scope.POST))
        found: list[str] = []
        while page := await sql_reviewed.review.cases(CaseFilter(), after=found[-1] if found else "", limit=2):
            found += [case.id for case in page]
        assert found == [case.id for case in (*cases[4:], *reversed(cases[:4]))]
        decided = await sql_reviewed.review.cases(CaseFilter(states=(CaseState.DECIDED,)), after="", limit=10)
        assert [case.id for case in decided] == [case.id for case in reversed(cases[:4])]

    async def test_those_of_one_person(self, sql_reviewed: Reviewed) -> None:
        one, two, *_ = await sql_reviewed.open(posts_of(4))
        await sql_reviewed.decided(one, "m-1", ruled(scope=Scope.POST))
        await sql_reviewed.review.lease("m-2", CaseFilter(post=two.post.name), seconds=LEASE)
        assert [
            case.id for case in await sql_reviewed.review.cases(CaseFilter(moderator="m-1"), after="", limit=9)
        ] == [one.id]
        assert [
            case.id for case in await sql_reviewed.review.cases(CaseFilter(moderator="m-2"), after="", limit=9)
        ] == [two.id]

    async def test_queues_tell_what_waits(self, sql_reviewed: Reviewed) -> None:
        assert await sql_reviewed.review.queues() == []
        posts = posts_of(5)
        ads = await sql_reviewed.open(posts[:2], queue="ads")
        await sql_reviewed.open(posts[2:], Category.CBRN)
        await sql_reviewed.lease("m-1", CaseFilter(queues=("ads",)))
        first, second = await sql_reviewed.review.queues()
        assert (first.queue, first.open, first.held, first.severe) == ("ads", 2, 1, 0)
        assert (second.queue, second.open, second.held, second.severe) == ("general", 3, 0, 3)
        assert first.oldest_at == min(case.opened_at for case in ads)


class TestMany:
    async def test_fifty_leasing_at_once_share_none_and_lose_none(
        self, sql_reviewed: Reviewed, open_sql: OpenSql, sql_url: str
    ) -> None:
        cases = await sql_reviewed.open(posts_of(100))
        fronts = [SqlReview.beside(await open_sql(sql_url)) for _ in range(3)]

        async def work(number: int) -> list[str]:
            review, mine = fronts[number % 3], []
            for _ in range(2):
                [case] = await review.lease(f"m-{number}", CaseFilter(), seconds=LEASE)
                outcome = await review.decide(
                    case.id, f"m-{number}", ruled(scope=Scope.POST), seconds=1.0, opinion=False
                )
                assert outcome.decision.moderator == f"m-{number}"
                mine.append(case.id)
            return mine

        for front in fronts:
            front._clock = sql_reviewed.clock
        done = await asyncio.gather(*map(work, range(50)))
        leased = [case_id for mine in done for case_id in mine]
        assert sorted(leased) == sorted(case.id for case in cases)
        assert await sql_reviewed.lease("m-x") == []
        assert len(await sql_reviewed.review.decided()) == 100

    async def test_two_who_decide_one_case(self, sql_reviewed: Reviewed) -> None:
        [case] = await sql_reviewed.open(posts_of(1))
        await sql_reviewed.lease("m-1")
        results = await asyncio.gather(
            *(sql_reviewed.decide(case, moderator, ruled()) for moderator in ("m-1", "m-2", "m-3")),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Outdated | NotHeld) for result in results) == 2

    @on_sqlite  # which tells how it finds rows without statistics
    async def test_the_lease_finds_its_way_by_an_index(self, sql_reviewed: Reviewed) -> None:
        plan = "EXPLAIN QUERY PLAN SELECT * FROM cases WHERE state = 'OPEN'{} ORDER BY rank, opened_at, id LIMIT 1"
        async with sql_reviewed.store.read() as connection:
            for narrowed in ("", " AND queue = 'ads'"):
                rows = (await connection.execute(text(plan.format(narrowed)))).all()
                assert "USING INDEX" in rows[0].detail
                assert not any("TEMP B-TREE" in row.detail for row in rows)
