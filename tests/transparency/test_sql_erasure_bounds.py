"""Where an erasure ends: what others carry too stays, what arrives meanwhile is found, what remains is told."""

import asyncio
from dataclasses import replace

from sqlalchemy import delete

from service.domain.decision import Decision, Standing
from service.domain.judgement import JudgedBy
from service.storage.tables.records import STANDING, VERDICTS
from service.transparency.erasing import Eraser
from service.transparency.subject import Subject
from tests.fakes.standing import stand
from tests.transparency.person import (
    AUTHOR,
    HER,
    OTHER,
    TEXT,
    World,
    raw,
    traces,
)


class TestBounds:
    async def test_by_names_alone(self, world: World) -> None:
        await world.decide(HER, replace(HER, id="901"), OTHER)
        report = await world.eraser.erase(Subject(posts=(HER.name,)), "m-lead")
        assert report.erased["record store"]["posts"] == 1
        assert await world.count(VERDICTS) == 2
        assert report.shared_texts == 1

    async def test_on_one_platform_alone(self, world: World) -> None:
        await world.decide(HER, replace(HER, platform="y", text="The same pseudonym, somebody else."))
        report = await world.eraser.erase(Subject(author=AUTHOR, platform="y"), "m-lead")
        assert report.erased["record store"]["posts"] == 1
        assert (await world.store.latest(HER.name)).post == HER.key

    async def test_a_text_that_others_carry_too_stays_theirs(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, text=TEXT))
        await stand(world.store, HER.content_digest, Standing("", Decision.LABEL, (), "r", "cases/c9"))
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert (report.complete, report.shared_texts) == (True, 1)
        [judgement] = await world.store.judgements([HER.content_digest], JudgedBy("m1", "c1"))
        assert judgement
        assert await world.count(STANDING) == 1
        assert (await world.store.latest(OTHER.name)).judgement == judgement

    async def test_what_was_decided_on_her_post_goes_out_of_a_judgement_that_others_share(self, world: World) -> None:
        theirs = Standing("", Decision.LABEL, (), "r", "cases/c9")
        hers = Standing(HER.name, Decision.ALLOW, (), "satire", "cases/c2")
        await world.decide(HER)
        await stand(world.store, HER.content_digest, theirs)
        await stand(world.store, HER.content_digest, hers)
        other = replace(OTHER, text=TEXT)
        [verdict] = await world.decide(other)
        assert verdict.judgement is not None
        assert {*verdict.judgement.standing} == {theirs, hers}
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert (report.complete, report.passes) == (True, 2)
        assert {form for form in traces(await raw(world)) if "moon" not in form} == set()  # the text is the other's too
        [judgement] = await world.store.judgements([HER.content_digest], JudgedBy("m1", "c1"))
        assert judgement
        assert judgement.standing == (theirs,)
        [hit] = await world.cache.find([other], judged_by=JudgedBy("m1", "c1"), policy_version="p1")
        assert hit.judgement == judgement

    async def test_a_judgement_left_naming_her_by_an_earlier_release_is_mended(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, text=TEXT))
        await stand(world.store, HER.content_digest, Standing(HER.name, Decision.ALLOW, (), "satire", "cases/c2"))
        async with world.store.write() as tx:
            await tx.execute(delete(STANDING))
        report = await world.eraser.erase(Subject(posts=(HER.name,)), "m-lead")
        assert report.erased["record store"]["decisions in judgements of others"] == 1

    async def test_a_name_that_another_begins_with_is_no_trace(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, id="9009"))
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert report.complete, report.remaining

    async def test_what_remains_is_told_by_place(self, world: World) -> None:
        await world.decide(HER, replace(OTHER, text=f"Look what @{AUTHOR} wrote"))
        report = await world.eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert not report.complete
        assert [(each.place, each.what) for each in report.remaining] == [("posts.body", "author")]

    async def test_what_comes_back_from_a_worker_is_found_by_the_next_pass(self, world: World) -> None:
        [verdict] = await world.decide(HER)
        late = iter([True])

        async def settle(_: float) -> None:
            if next(late, False):  # a worker that had the post in its hands records it
                await world.store.record([HER], [verdict])
                await world.cache.put([verdict])

        eraser = Eraser([world.keys, world.sql], world.sql, sleep=settle)
        report = await eraser.erase(Subject(author=AUTHOR), "m-lead")
        assert (report.complete, report.passes) == (True, 3)
        assert traces(await raw(world)) == set()

    async def test_while_others_are_decided(self, world: World) -> None:
        await world.decide(*(replace(HER, id=f"h{n}", text=f"{TEXT} {n}") for n in range(300)))
        others = [[replace(OTHER, id=f"o{m}-{n}", text=f"Words {m} {n}") for n in range(20)] for m in range(10)]
        erasing = asyncio.create_task(world.eraser.erase(Subject(author=AUTHOR), "m-lead"))
        for posts in others:
            await world.decide(*posts)
        report = await erasing
        assert (report.complete, report.erased["record store"]["posts"]) == (True, 300)
        assert await world.count(VERDICTS) == 200
