"""The front's half where not all goes well: outages, poison, starts and stops; and what SubmitPosts promises."""

import asyncio
import time
from dataclasses import replace
from typing import cast

import pytest

from service.domain.post import Surface
from service.domain.verdict import Source, Verdict, VerdictFilter
from service.errors import (
    AssayError,
    Conflict,
    DeadlineExceeded,
    NoWorker,
    RedisUnavailable,
    StoreUnavailable,
    Unavailable,
)
from service.moderation.pipeline import Pipeline
from service.moderation.transport import Reply
from service.policy.policy import Policy
from tests.factories import numbered
from tests.fixtures.pipeline import PipelineParts
from tests.waiting import until


def soon(seconds: float) -> float:
    return time.time() + seconds


# Accepted posts ---------------------------------------------------------------------------------------------------


async def test_submitted_posts_stand_in_the_store_at_once_and_are_decided_in_the_background(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    posts = [numbered(number) for number in range(50)]
    assert await pipeline.submit(posts) == [True] * 50
    assert len(await parts.decided(*posts)) == 50


async def test_posts_submitted_twice_are_decided_once(pipeline: Pipeline, parts: PipelineParts) -> None:
    posts = [numbered(number) for number in range(20)]
    first, second = await asyncio.gather(pipeline.submit(posts), pipeline.submit(posts))
    assert [a != b for a, b in zip(first, second, strict=True)] == [True] * 20
    await parts.decided(*posts)
    assert await pipeline.submit(posts) == [False] * 20
    await asyncio.sleep(0.05)
    assert sorted(verdict.post.name for verdict in parts.told.verdicts) == sorted(one.name for one in posts)
    assert (await parts.store.after(None, VerdictFilter(), 1))[1] == 20


async def test_a_post_submitted_and_asked_for_at_once_is_decided_once(pipeline: Pipeline, parts: PipelineParts) -> None:
    posts = [numbered(number) for number in range(30)]
    _, verdicts = await asyncio.gather(pipeline.submit(posts), pipeline.moderate_many(posts))
    assert await parts.decided(*posts) == verdicts
    assert len(parts.told.verdicts) == 30


async def test_a_request_id_used_for_other_posts_is_a_conflict(pipeline: Pipeline) -> None:
    assert await pipeline.submit([numbered(1)], request_id="r") == [True]
    assert await pipeline.submit([numbered(1)], request_id="r") == [True]
    with pytest.raises(Conflict):
        await pipeline.submit([numbered(2)], request_id="r")


@pytest.mark.parametrize(("setting", "expected"), [("all", [1, 2, 3]), ("flagged", [1, 2]), ("none", [1])])
async def test_answers_from_the_cache_are_recorded_as_the_setting_says(
    parts: PipelineParts, setting: str, expected: list[int]
) -> None:
    posts = [numbered(1, "a hoax"), numbered(2, "a hoax", surface=Surface.AD), numbered(3, "a hoax")]
    async with parts.front(record_hits=setting) as pipeline:
        await pipeline.moderate(posts[0])
        await pipeline.moderate_many(posts[1:])
    stands = await parts.store.find([one.key for one in posts])
    assert [number for number, verdict in zip((1, 2, 3), stands, strict=True) if verdict] == expected


# Outages ----------------------------------------------------------------------------------------------------------


async def test_while_redis_is_away_the_store_answers_for_decided_posts_and_known_texts(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    first = await pipeline.moderate(numbered(1, "known words"))
    parts.redis_away()
    again, twin = await pipeline.moderate_many([numbered(1, "known words"), numbered(2, "known words")])
    assert isinstance(again, Verdict)
    assert (again.sequence, again.source) == (first.sequence, Source.CACHE)
    assert isinstance(twin, Verdict)
    assert twin.judgement == first.judgement
    assert parts.told.lookups["errors"] == 2
    assert len(parts.classifier.passes) == 1


async def test_a_new_post_while_redis_is_away_fails_and_is_decided_once_redis_is_back(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    parts.redis_away()
    with pytest.raises(RedisUnavailable):
        await pipeline.moderate(numbered(1))
    assert (await parts.store.backlog())[0] == 1
    parts.redis_away(away=False)
    [verdict] = await parts.decided(numbered(1))
    assert verdict.source is Source.MODEL


async def test_while_the_store_is_away_the_cache_answers_and_new_posts_fail(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    await pipeline.moderate(numbered(1))
    parts.store.away = True
    known, new = await pipeline.moderate_many([numbered(1), numbered(2)])
    assert isinstance(known, Verdict)
    assert isinstance(new, StoreUnavailable)
    with pytest.raises(StoreUnavailable):
        await pipeline.submit([numbered(3)])


async def test_while_both_are_away_each_post_gets_an_error_of_ours(pipeline: Pipeline, parts: PipelineParts) -> None:
    parts.redis_away()
    parts.store.away = True
    assert isinstance((await pipeline.moderate_many([numbered(1)]))[0], Unavailable)


async def test_a_store_that_cannot_release_does_not_hide_why_a_post_was_not_sent(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    parts.queue.failing, parts.store.failing = {"send"}, {"release"}
    with pytest.raises(RedisUnavailable):
        await pipeline.moderate(numbered(1))
    assert ("release", parts.store.error) in parts.told.failures


# Poison -----------------------------------------------------------------------------------------------------------


async def test_a_post_that_the_model_cannot_judge_is_set_aside_and_no_twin_is_decided_by_it(
    pipeline: Pipeline, parts: PipelineParts
) -> None:
    parts.classifier.failures["poison"] = ValueError("index out of range")
    posts = [numbered(1, "poison"), numbered(2, "poison"), numbered(3, "poison", surface=Surface.STORY), numbered(4)]
    aside, twin, story, mate = await pipeline.moderate_many(posts)
    assert isinstance(aside, Verdict)
    assert aside.source is Source.SET_ASIDE
    assert isinstance(twin, DeadlineExceeded)
    assert isinstance(story, Verdict)
    assert story.source is Source.PROVISIONAL
    assert isinstance(mate, Verdict)
    assert mate.source is Source.MODEL


async def test_a_post_set_aside_under_another_policy_is_answered_as_such(
    parts: PipelineParts, keyword_policy: Policy
) -> None:
    parts.classifier.failures["poison"] = ValueError("index out of range")
    async with parts.front(policy=replace(keyword_policy, version="policy-2")) as pipeline:
        assert (await pipeline.moderate(numbered(1, "poison"))).source is Source.SET_ASIDE


# Life -------------------------------------------------------------------------------------------------------------


async def test_ready_names_what_is_missing(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        with pytest.raises(NoWorker, match="assay worker"):
            await pipeline.ready()
        worker = asyncio.create_task(parts.work())
        await asyncio.sleep(0)
        await pipeline.ready()
        for part, error in ((parts.store, StoreUnavailable), (parts.cache, RedisUnavailable)):
            part.away = True
            with pytest.raises(error):
                await pipeline.ready()
            part.away = False
        worker.cancel()


async def test_a_front_starts_while_redis_is_away(parts: PipelineParts) -> None:
    parts.redis_away()
    async with parts.front(worker=False) as pipeline:
        with pytest.raises(AssayError):
            await pipeline.ready()
        assert await pipeline.submit([numbered(1)]) == [True]


async def test_draining_lets_calls_in_flight_finish(parts: PipelineParts) -> None:
    async with parts.front(worker=False) as pipeline:
        call = asyncio.create_task(pipeline.moderate(numbered(1)))
        await until(lambda: "send" in parts.queue.calls)
        drain = asyncio.create_task(pipeline.drain(2.0))
        worker = asyncio.create_task(parts.work())
        assert (await call).source is Source.MODEL
        await drain
        worker.cancel()


async def test_draining_ends_the_wait_of_calls_that_take_too_long_and_keeps_their_posts(parts: PipelineParts) -> None:
    async with parts.front(worker=False, batch_tokens=16) as pipeline:
        calls = [asyncio.create_task(pipeline.moderate(numbered(number))) for number in range(20)]
        await until(lambda: parts.queue.calls.count("send") == 2)
        await pipeline.drain(0.02)
        results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 1.0)
    assert {type(result) for result in results} == {Unavailable}
    in_flight = parts.queue.calls.count("send")
    assert in_flight == 2
    assert (await parts.store.backlog())[0] > 0


async def test_draining_records_the_answers_given_just_before(parts: PipelineParts) -> None:
    async with parts.front() as pipeline:
        await pipeline.moderate(numbered(1, "same"))
        twins = [numbered(number, "same") for number in range(2, 30)]
        await pipeline.moderate_many(twins)
        await pipeline.drain(0.1)
        assert len(await parts.recorded(*twins)) == 28


async def test_a_loop_that_a_defect_ends_is_told_of_and_begun_again(parts: PipelineParts) -> None:
    async with parts.front() as pipeline:
        await pipeline.moderate(numbered(1))
        await parts.queue.inner.reply("front-1", cast("Reply", None))  # no reply at all
        [before] = await pipeline.moderate_many([numbered(2)], deadline=soon(3))
    assert isinstance(before, Verdict)
    assert [(where, type(error)) for where, error in parts.told.failures] == [("replies", AttributeError)]
