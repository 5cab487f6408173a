"""The front's half where not all goes well: outages, poison, starts and stops; and what SubmitPosts promises."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.domain.post import Post, Surface
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
from service.policy.policy import Policy

PostOf = Callable[..., Post]


def soon(seconds: float) -> float:
    return time.time() + seconds


# Accepted posts ---------------------------------------------------------------------------------------------------


async def test_submitted_posts_stand_in_the_store_at_once_and_are_decided_in_the_background(
    front: Pipeline, house: Any, post: PostOf
):
    posts = [post(number) for number in range(50)]
    assert await front.submit(posts) == [True] * 50
    assert len(await house.decided(*posts)) == 50


async def test_posts_submitted_twice_are_decided_once(front: Pipeline, house: Any, post: PostOf):
    posts = [post(number) for number in range(20)]
    first, second = await asyncio.gather(front.submit(posts), front.submit(posts))
    assert [a != b for a, b in zip(first, second, strict=True)] == [True] * 20
    await house.decided(*posts)
    assert await front.submit(posts) == [False] * 20
    await asyncio.sleep(0.05)
    assert sorted(verdict.post.name for verdict in house.observer.verdicts) == sorted(one.name for one in posts)
    assert (await house.store.after(None, VerdictFilter(), 1))[1] == 20


async def test_a_post_submitted_and_asked_for_at_once_is_decided_once(front: Pipeline, house: Any, post: PostOf):
    posts = [post(number) for number in range(30)]
    _, verdicts = await asyncio.gather(front.submit(posts), front.moderate_many(posts))
    assert await house.decided(*posts) == verdicts
    assert len(house.observer.verdicts) == 30


async def test_a_request_id_used_for_other_posts_is_a_conflict(front: Pipeline, post: PostOf):
    assert await front.submit([post(1)], request_id="r") == [True]
    assert await front.submit([post(1)], request_id="r") == [True]
    with pytest.raises(Conflict):
        await front.submit([post(2)], request_id="r")


@pytest.mark.parametrize(("setting", "expected"), [("all", [1, 2, 3]), ("flagged", [1, 2]), ("none", [1])])
async def test_answers_from_the_cache_are_recorded_as_the_setting_says(
    house: Any, post: PostOf, setting: str, expected: list[int]
):
    posts = [post(1, "a hoax"), post(2, "a hoax", surface=Surface.AD), post(3, "a hoax")]
    async with house.front(record_hits=setting) as pipeline:
        await pipeline.moderate(posts[0])
        await pipeline.moderate_many(posts[1:])
    stands = await house.store.find([one.key for one in posts])
    assert [number for number, verdict in zip((1, 2, 3), stands, strict=True) if verdict] == expected


# Outages ----------------------------------------------------------------------------------------------------------


async def test_while_redis_is_away_the_store_answers_for_decided_posts_and_known_texts(
    front: Pipeline, house: Any, post: PostOf
):
    first = await front.moderate(post(1, "known words"))
    house.redis_away()
    again, twin = await front.moderate_many([post(1, "known words"), post(2, "known words")])
    assert isinstance(again, Verdict)
    assert (again.sequence, again.source) == (first.sequence, Source.CACHE)
    assert isinstance(twin, Verdict)
    assert twin.judgement == first.judgement
    assert house.observer.lookups["errors"] == 2
    assert len(house.classifier.passes) == 1


async def test_a_new_post_while_redis_is_away_fails_and_is_decided_once_redis_is_back(
    front: Pipeline, house: Any, post: PostOf
):
    house.redis_away()
    with pytest.raises(RedisUnavailable):
        await front.moderate(post(1))
    assert (await house.store.backlog())[0] == 1
    house.redis_away(away=False)
    [verdict] = await house.decided(post(1))
    assert verdict.source is Source.MODEL


async def test_while_the_store_is_away_the_cache_answers_and_new_posts_fail(front: Pipeline, house: Any, post: PostOf):
    await front.moderate(post(1))
    house.store.away = True
    known, new = await front.moderate_many([post(1), post(2)])
    assert isinstance(known, Verdict)
    assert isinstance(new, StoreUnavailable)
    with pytest.raises(StoreUnavailable):
        await front.submit([post(3)])


async def test_while_both_are_away_each_post_gets_an_error_of_ours(front: Pipeline, house: Any, post: PostOf):
    house.redis_away()
    house.store.away = True
    assert isinstance((await front.moderate_many([post(1)]))[0], Unavailable)


async def test_a_store_that_cannot_release_does_not_hide_why_a_post_was_not_sent(
    front: Pipeline, house: Any, post: PostOf
):
    house.queue.failing, house.store.failing = {"send"}, {"release"}
    with pytest.raises(RedisUnavailable):
        await front.moderate(post(1))
    assert ("release", house.store.error) in house.observer.failures


# Poison -----------------------------------------------------------------------------------------------------------


async def test_a_post_that_the_model_cannot_judge_is_set_aside_and_no_twin_is_decided_by_it(
    front: Pipeline, house: Any, post: PostOf
):
    house.classifier.failures["poison"] = ValueError("index out of range")
    posts = [post(1, "poison"), post(2, "poison"), post(3, "poison", surface=Surface.STORY), post(4)]
    aside, twin, story, mate = await front.moderate_many(posts)
    assert isinstance(aside, Verdict)
    assert aside.source is Source.SET_ASIDE
    assert isinstance(twin, DeadlineExceeded)
    assert isinstance(story, Verdict)
    assert story.source is Source.PROVISIONAL
    assert isinstance(mate, Verdict)
    assert mate.source is Source.MODEL


async def test_a_post_set_aside_under_another_policy_is_answered_as_such(house: Any, post: PostOf, policy: Policy):
    house.classifier.failures["poison"] = ValueError("index out of range")
    async with house.front(policy=replace(policy, version="policy-2")) as pipeline:
        assert (await pipeline.moderate(post(1, "poison"))).source is Source.SET_ASIDE


# Life -------------------------------------------------------------------------------------------------------------


async def test_ready_names_what_is_missing(house: Any):
    async with house.front(worker=False) as pipeline:
        with pytest.raises(NoWorker, match="assay worker"):
            await pipeline.ready()
        worker = asyncio.create_task(house.work())
        await asyncio.sleep(0)
        await pipeline.ready()
        for part, error in ((house.store, StoreUnavailable), (house.cache, RedisUnavailable)):
            part.away = True
            with pytest.raises(error):
                await pipeline.ready()
            part.away = False
        worker.cancel()


async def test_a_front_starts_while_redis_is_away(house: Any, post: PostOf):
    house.redis_away()
    async with house.front(worker=False) as pipeline:
        with pytest.raises(AssayError):
            await pipeline.ready()
        assert await pipeline.submit([post(1)]) == [True]


async def test_draining_lets_calls_in_flight_finish(house: Any, post: PostOf, until: Any):
    async with house.front(worker=False) as pipeline:
        call = asyncio.create_task(pipeline.moderate(post(1)))
        await until(lambda: "send" in house.queue.calls)
        drain = asyncio.create_task(pipeline.drain(2.0))
        worker = asyncio.create_task(house.work())
        assert (await call).source is Source.MODEL
        await drain
        worker.cancel()


async def test_draining_ends_the_wait_of_calls_that_take_too_long_and_keeps_their_posts(house: Any, post: PostOf):
    async with house.front(worker=False, batch_tokens=16) as pipeline:
        calls = [asyncio.create_task(pipeline.moderate(post(number))) for number in range(20)]
        await asyncio.sleep(0.01)
        await pipeline.drain(0.02)
        results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 1.0)
    assert {type(result) for result in results} == {Unavailable}
    in_flight = house.queue.calls.count("send")
    assert in_flight == 2
    assert (await house.store.backlog())[0] > 0


async def test_draining_records_the_answers_given_just_before(house: Any, post: PostOf):
    async with house.front() as pipeline:
        await pipeline.moderate(post(1, "same"))
        twins = [post(number, "same") for number in range(2, 30)]
        await pipeline.moderate_many(twins)
        await pipeline.drain(0.1)
        assert len(await house.recorded(*twins)) == 28


async def test_a_loop_that_a_defect_ends_is_told_of_and_begun_again(house: Any, post: PostOf):
    async with house.front() as pipeline:
        await pipeline.moderate(post(1))
        await house.queue.inner.reply("front-1", None)  # no reply at all
        [before] = await pipeline.moderate_many([post(2)], deadline=soon(3))
    assert isinstance(before, Verdict)
    assert [(where, type(error)) for where, error in house.observer.failures] == [("replies", AttributeError)]
